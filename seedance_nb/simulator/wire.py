"""How a reply is put on the wire: honestly, late, in drips, half, or not at all. Works on a tornado stream taken from its server."""

from __future__ import annotations

import asyncio
import http.client
import socket
import struct
from collections.abc import Awaitable, Callable

from tornado.iostream import IOStream, StreamClosedError

from .faults import Fault
from .tampering import Reply

CHUNK = 1 << 18  # bytes per write: memory stays flat also for huge bodies
FIVE_GIGABYTES = 5_000_000_000


async def deliver(stream: IOStream, reply: Reply, fault: Fault, *, with_body: bool = True) -> None:
    """Send the reply the way the fault wants it and close the stream. A client that has gone away is no error."""
    try:
        await _WAYS.get(fault.kind, _plainly)(stream, reply if with_body else _headless(reply), fault)
    except (StreamClosedError, OSError):
        pass
    finally:
        stream.close()


async def _plainly(stream: IOStream, reply: Reply, _fault: Fault) -> None:
    await _write_all(stream, _head(reply, len(reply.body)), reply.body)


async def _late(stream: IOStream, reply: Reply, fault: Fault) -> None:
    await asyncio.sleep(_or(fault.seconds, 1.0))
    await _write_all(stream, _head(reply, len(reply.body)), reply.body)


async def _never(stream: IOStream, _reply: Reply, _fault: Fault) -> None:
    await _silence(stream)


async def _close(_stream: IOStream, _reply: Reply, _fault: Fault) -> None:
    """Nothing: `deliver` closes."""


async def _reset(stream: IOStream, _reply: Reply, _fault: Fault) -> None:
    # lingering for zero seconds makes close() send RST
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _drip(stream: IOStream, reply: Reply, fault: Fault) -> None:
    await stream.write(_head(reply, len(reply.body)))
    step = fault.bytes or 1
    for start in range(0, len(reply.body), step):
        await stream.write(reply.body[start : start + step])
        await asyncio.sleep(_or(fault.seconds, 0.3))


async def _broken_chunks(stream: IOStream, reply: Reply, _fault: Fault) -> None:
    half = reply.body[: len(reply.body) // 2]
    await stream.write(_head(reply, None) + b"%x\r\n" % len(half) + half + b"\r\nnot a length\r\n")


async def _cut(stream: IOStream, reply: Reply, fault: Fault) -> None:
    keep = len(reply.body) // 2 if fault.bytes is None else fault.bytes
    await _write_all(stream, _head(reply, len(reply.body)), reply.body[:keep])


async def _stall(stream: IOStream, reply: Reply, fault: Fault) -> None:
    await _cut(stream, reply, fault)
    await _silence(stream)


async def _wrong_length(stream: IOStream, reply: Reply, fault: Fault) -> None:
    announced = max(0, len(reply.body) - 1000) if fault.bytes is None else fault.bytes
    await _write_all(stream, _head(reply, announced), reply.body)


async def _announce_huge(stream: IOStream, reply: Reply, fault: Fault) -> None:
    await _write_all(stream, _head(reply, fault.bytes or FIVE_GIGABYTES), reply.body)
    await _silence(stream)


_WAYS: dict[str, Callable[[IOStream, Reply, Fault], Awaitable[None]]] = {
    "delay": _late,
    "hang": _never,
    "hang_before": _never,
    "drop_before": _close,
    "drop_after": _close,
    "reset_before": _reset,
    "reset_after": _reset,
    "drip": _drip,
    "chunked_broken": _broken_chunks,
    "cut": _cut,
    "stall": _stall,
    "wrong_length": _wrong_length,
    "announce_huge": _announce_huge,
}


def _head(reply: Reply, length: int | None) -> bytes:
    """Status line and headers, as they are: tornado would refuse the odd ones. `length` None announces chunks."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    reason = http.client.responses.get(reply.http_status, "Unknown")
    lines = [f"HTTP/1.1 {reply.http_status} {reason}", framing, "Connection: close"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass")


async def _write_all(stream: IOStream, head: bytes, body: bytes) -> None:
    await stream.write(head)
    for start in range(0, len(body), CHUNK):
        await stream.write(body[start : start + CHUNK])


async def _silence(stream: IOStream) -> None:
    """Until the client (or the simulator's end) closes the stream."""
    closed = asyncio.Event()
    stream.set_close_callback(closed.set)
    await closed.wait()


def _headless(reply: Reply) -> Reply:
    return Reply(reply.http_status, b"", reply.headers)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
