"""One HTTP/1.1 connection over asyncio and httptools (this is its only import site): one question at a time, and its answer.

The protocol is parsed by httptools (llhttp, the parser of Node.js); ours are only the limits and the patience. What became of a question
is written down while it happens, so that it is known whatever breaks afterwards: above all whether a byte of it may have left.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import ssl
import time
from collections.abc import Callable
from typing import Any

import httptools

from .deadlines import Deadline

LARGEST_HEAD = 65_536
LARGEST_PIECE = 262_144
"""Bytes of a body that are handed on at once: as much as asyncio reads at a time."""
READ_AHEAD = 131_072
"""While so many bytes of a body wait to be taken, no more are read."""
FRAMING = 8
"""A body whose framing is longer than this many times the body is none."""
FIRST_FINAL_STATUS = 200


class Broken(Exception):  # noqa: N818 - it says what is the case
    """There is no answer, or not all of it: why, in words."""


class Unanswered(Broken):
    """The connection ended before a byte of an answer."""


class TooSlow(Broken):
    """Nothing came for too long."""


class NoHTTP(Broken):
    """What came is no answer."""


@dataclasses.dataclass(slots=True)
class Exchange:
    """What became of one request, filled while it happens: what stands here holds after any error, too."""

    may_have_left: bool = False
    """Whether any byte of the request may have left."""
    status: int = 0
    """0 while no final answer has begun."""
    headers: list[tuple[bytes, bytes]] = dataclasses.field(default_factory=list)
    unread: collections.deque[bytes] = dataclasses.field(default_factory=collections.deque)
    """What came of the body and was not taken yet."""
    is_whole: bool = False
    """Whether the answer has come to its end: nothing that happens later can take any of it away."""


class Connection(asyncio.Protocol):
    """An open connection. Whatever is not an answer to a question closes it; so do all errors of a question."""

    def __init__(self) -> None:
        self.used_at = 0.0
        self._transport: asyncio.Transport
        self._is_open = False
        self._is_kept_alive = False
        self._is_paused = False
        self._exchange: Exchange | None = None
        self._trouble: Broken | None = None
        self._patience: Deadline | None = None
        self._news: asyncio.Future[None] | None = None
        self._plain: asyncio.Future[bytes] | None = None
        self._seconds = 0.0
        self._came = self._of_body = self._unread = 0

    @property
    def is_reusable(self) -> bool:
        """Whether another question may be asked: the last answer is whole, and nobody has closed the connection."""
        is_idle = self._exchange is None or self._exchange.is_whole
        is_ready = self._is_open and self._is_kept_alive and not self._is_paused
        return is_ready and is_idle and not self._transport.is_closing()

    async def ask(self, message: Callable[[], bytes], exchange: Exchange, seconds: float) -> None:
        """Send `message()` in one write and wait for the head of its answer, at most so long after each byte that comes.

        The message is made when it is written, so that no frame keeps the key in it. Raises Broken.
        """
        self._parser = httptools.HttpResponseParser(self)
        self._exchange, self._trouble = exchange, None
        self._came = self._of_body = self._unread = 0
        self._is_kept_alive = False
        if not self._is_open or self._transport.is_closing():
            raise Unanswered("the server closed the connection without an answer")  # before anything was written
        exchange.may_have_left = True
        self._transport.write(message())
        while not exchange.status:
            if self._trouble is not None:
                raise self._trouble
            await self._wait(seconds, "no answer in time")

    async def read(self, seconds: float) -> bytes:
        """More of the body, at most LARGEST_PIECE; empty at its end. Raises Broken after what came before the trouble."""
        exchange = self._exchange
        assert exchange is not None
        while not exchange.unread:
            if exchange.is_whole:
                return b""
            if self._trouble is not None:
                raise self._trouble
            await self._wait(seconds, f"no byte for {seconds:g} s")
        pieces = [exchange.unread.popleft()]
        size = len(pieces[0])
        while exchange.unread and size + len(exchange.unread[0]) <= LARGEST_PIECE:
            pieces.append(exchange.unread.popleft())
            size += len(pieces[-1])
        self._unread -= size
        if self._is_paused and self._unread < READ_AHEAD:
            self._is_paused = False
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def say(self, message: bytes) -> bytes:
        """Send something that is no HTTP, and what comes back first. For those who lead to the server, before the first question."""
        self._plain = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        try:
            return await self._plain
        finally:
            self._plain = None

    async def encrypt(self, tls: ssl.SSLContext, name: str) -> None:
        """From now on speak TLS with the server of this name. Raises OSError (also for certificates)."""
        encrypted = await asyncio.get_running_loop().start_tls(self._transport, self, tls, server_hostname=name)
        if encrypted is None:
            raise ConnectionAbortedError("the connection was closed")
        self._transport, self._exchange = encrypted, None

    def close(self) -> None:
        """Close the connection at once."""
        self._is_open = False
        self._transport.abort()

    async def _wait(self, seconds: float, too_late: str) -> None:
        """Until there is something new, or trouble."""
        self._news = asyncio.get_running_loop().create_future()
        try:
            async with Deadline(seconds) as self._patience:
                self._seconds = seconds
                await self._news
        except TimeoutError:
            self._end(TooSlow(too_late))
        finally:
            self._news = None

    # Called by asyncio ---------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """It is open."""
        self._transport = transport
        self._is_open = True

    def data_received(self, data: bytes) -> None:
        """More of an answer, or something nobody asked for."""
        if self._plain is not None:
            if not self._plain.done():
                self._plain.set_result(data)
            return
        exchange = self._exchange
        if exchange is None or exchange.is_whole or self._trouble is not None:
            self.close()
            return
        self._came += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end(NoHTTP("the server wants to speak something else than HTTP"))
        except httptools.HttpParserError:
            self._end(NoHTTP("the answer was no HTTP"))
        if self._came > LARGEST_HEAD + FRAMING * self._of_body:
            self._end(NoHTTP(f"the answer's {'framing' if exchange.status else 'head'} is too long"))
        if self._news is not None and not self._news.done():
            if exchange.unread or exchange.status:
                self._news.set_result(None)
            elif self._patience is not None:
                self._patience.renew(self._seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended: the end of an answer that has no length, or a loss."""
        self._is_open = False
        if self._plain is not None and not self._plain.done():
            self._plain.set_exception(exc or ConnectionAbortedError("the connection was closed"))
        exchange = self._exchange
        if exchange is None:
            return
        has_end = any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in exchange.headers)
        if exchange.status and (has_end or exc is not None):
            self._end(Broken("the connection was closed"))
        elif exchange.status:
            self._end(None)
        elif self._came:
            self._end(Broken("the server closed the connection in the middle of an answer"))
        else:
            self._end(Unanswered("the server closed the connection without an answer"))

    # Called by the parser ------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins; a second one to the same question is nobody's."""
        if self._exchange is None or self._exchange.is_whole:
            raise ValueError("nobody asked")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. What follows a body is none of the answer's headers."""
        if self._exchange is not None and not self._exchange.status:
            self._exchange.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        status = self._parser.get_status_code()
        if self._exchange is not None and status >= FIRST_FINAL_STATUS:
            self._exchange.status = status

    def on_body(self, data: bytes) -> None:
        """More of the body."""
        if self._exchange is None:
            return
        self._exchange.unread.append(data)
        self._of_body += len(data)
        self._unread += len(data)
        if self._unread >= READ_AHEAD and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is whole, unless it only says that one will come."""
        if self._exchange is None:
            return
        if not self._exchange.status:
            self._exchange.headers.clear()
            return
        self._is_kept_alive = self._parser.should_keep_alive()
        self._end(None)

    def _end(self, trouble: Broken | None) -> None:
        """The answer has come to its end, or never will."""
        self.used_at = time.monotonic()
        if trouble is not None:
            self.close()
        exchange = self._exchange
        if exchange is None or exchange.is_whole or self._trouble is not None:
            return
        exchange.is_whole, self._trouble = trouble is None, trouble
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
