"""How httpx reaches a server here: connections of our own, over asyncio, instead of those of its library.

These calls are made thousands of times, beside somebody's computation, and over httpx's own connections each takes the interpreter three
times as long (`python -m benchmarks calls`). And it knows exactly what matters of a create: whether any byte of it may have left.

What a request may ask for, in its `extensions`:

- `exchange`, an `Exchange`: it tells what became of the request, whatever httpx raises in the end;
- `again: True`: it may go out on a kept connection, and once more when that turns out to be closed. All else goes out on a fresh
  connection, in one write, once: on a kept one, "the server closed it just now" cannot be told from "the server took the request and
  died".
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import math
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx

from .addresses import Proxy, any_addresses
from .connection import Broken, Connection, Exchange, NoHTTP, TooSlow, Unanswered
from .deadlines import Deadline

KEPT_SECONDS = 30.0
"""A connection that was not used for so long is not used again: many servers have closed it by then."""
HEAD_START = 0.25
"""Seconds an address has before the next one is tried beside it (RFC 8305)."""
_ENDS_A_LINE = re.compile(rb"[\r\n\0]")
NO_TIMEOUTS = dict.fromkeys(("pool", "connect", "read"))
Addresses = Callable[[str, int], Awaitable[list[str]]]
_Way = tuple[str, str, int, Proxy | None]


class Transport(httpx.AsyncBaseTransport):
    """The connections of one client, made, used and closed inside one event loop.

    `addresses` looks up where a host is, and may refuse it: the connection goes to what it said, and nowhere else. `proxy_for` says
    which proxy leads to a URL just now (behind it, names are its business), `tls` what certificates are checked by; each is asked
    when a connection is made. At most `most_kept` requests that may go out again are under way at once, and `most_fresh` others.
    """

    def __init__(
        self,
        *,
        tls: Callable[[], ssl.SSLContext],
        proxy_for: Callable[[httpx.URL], Proxy | None],
        addresses: Addresses = any_addresses,
        most_kept: int,
        most_fresh: int,
    ) -> None:
        self._tls, self._proxy_for, self._addresses = tls, proxy_for, addresses
        self._most_kept = most_kept
        self._gates = {True: asyncio.Semaphore(most_kept), False: asyncio.Semaphore(most_fresh)}
        self._idle: list[tuple[_Way, Connection]] = []
        self._open: set[Connection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the answer's body is read as it comes. Raises httpx.TransportError, and what `addresses` raises."""
        exchange = request.extensions.get("exchange") or Exchange()
        again = request.extensions.get("again") is True
        seconds = {
            name: math.inf if value is None else value
            for name, value in request.extensions.get("timeout", NO_TIMEOUTS).items()
        }
        if not _can_be_written(request.headers):
            raise httpx.LocalProtocolError("a header holds characters that no header can hold")
        request.content  # noqa: B018 - raises here, before anything is sent, for a body that is not there as a whole
        gate = self._gates[again]
        await _enter(gate, seconds["pool"])
        try:
            way = self._way(request.url)
            connection = await self._answering(request, way, exchange, again=again, seconds=seconds)
        except BaseException as error:
            gate.release()
            if not isinstance(error, Broken):
                raise
            trouble = error
        else:
            body = _Body(connection, seconds["read"], lambda: self._finish(gate, way, connection, again=again))
            return httpx.Response(exchange.status, headers=exchange.headers, stream=body)
        raise _as_httpx(trouble)

    async def aclose(self) -> None:
        """Close all connections."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._idle.clear()

    # Which connection ----------------------------------------------------------------------------

    def _way(self, url: httpx.URL) -> _Way:
        port = url.port or (443 if url.scheme == "https" else 80)
        return url.scheme, url.raw_host.decode("ascii"), port, self._proxy_for(url)

    def _kept(self, way: _Way) -> Connection | None:
        """The latest used connection of this way: a few are as many as are needed at once."""
        for place in range(len(self._idle) - 1, -1, -1):
            if self._idle[place][0] == way:
                _, connection = self._idle.pop(place)
                if connection.is_reusable and time.monotonic() - connection.used_at < KEPT_SECONDS:
                    return connection
                self._let_go(connection)
        return None

    def _finish(self, gate: asyncio.Semaphore, way: _Way, connection: Connection, *, again: bool) -> None:
        gate.release()
        if not (again and connection.is_reusable):
            self._let_go(connection)
            return
        self._idle.append((way, connection))
        if len(self._idle) > self._most_kept:
            self._let_go(self._idle.pop(0)[1])

    def _let_go(self, connection: Connection | None) -> None:
        if connection is not None:
            connection.close()
            self._open.discard(connection)

    async def _answering(
        self, request: httpx.Request, way: _Way, exchange: Exchange, *, again: bool, seconds: dict[str, float]
    ) -> Connection:
        """A connection on which the answer has begun. Only on a kept one, so only with `again`, the request is sent a second time."""
        connection = self._kept(way) if again else None
        while True:
            is_kept = connection is not None
            connection = connection or await self._connect(way, seconds["connect"])
            try:
                await connection.ask(lambda: _message(request, way[-1]), exchange, seconds["read"])
                return connection
            except BaseException as error:
                self._let_go(connection)
                if not (is_kept and isinstance(error, Unanswered)):
                    raise
            connection = None

    # The way to the server -----------------------------------------------------------------------

    async def _connect(self, way: _Way, seconds: float) -> Connection:
        scheme, host, port, proxy = way
        kind: type[httpx.TransportError]
        try:
            async with Deadline(seconds):
                tls = self._tls() if scheme == "https" else None
                if proxy is None:
                    connection = await _first(await self._addresses(host, port), port, tls, host)
                else:
                    connection = await self._by_proxy(proxy, host, port, tls)
            self._open.add(connection)
            return connection
        except TimeoutError:
            kind, trouble = httpx.ConnectTimeout, "connecting took too long"
        except OSError as error:
            kind, trouble = httpx.ConnectError, str(error) or type(error).__name__
        raise kind(trouble)

    async def _by_proxy(self, proxy: Proxy, host: str, port: int, tls: ssl.SSLContext | None) -> Connection:
        if proxy.trouble is not None:
            raise httpx.ProxyError(": ".join(proxy.trouble))
        to_proxy = self._tls() if proxy.kind == "https" else None
        connection = await _first(await any_addresses(proxy.host, proxy.port), proxy.port, to_proxy, proxy.host)
        try:
            if proxy.kind.startswith("socks"):
                await _through_socks(connection, proxy, host, port)
            elif tls is not None:
                await _through_connect(connection, proxy, host, port)
            if tls is not None:
                await connection.encrypt(tls, host)
        except BaseException:
            connection.close()
            raise
        return connection


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it comes. Closing it gives its connection back."""

    def __init__(self, connection: Connection, seconds: float, finish: Callable[[], None]) -> None:
        self._connection, self._seconds, self._finish = connection, seconds, finish
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._connection.read(self._seconds)
        except Broken as error:
            trouble = error
        else:
            if piece:
                return piece
            raise StopAsyncIteration
        raise _as_httpx(trouble)

    async def aclose(self) -> None:
        """Give the connection back: to be used again if the whole answer was read, else to be closed."""
        if not self._is_closed:
            self._is_closed = True
            self._finish()


async def _first(addresses: Sequence[str], port: int, tls: ssl.SSLContext | None, name: str) -> Connection:
    """A connection to whichever address answers first, over TLS with the server of this name; the others get a head start each.

    A name may have an IPv6 address that leads nowhere ("happy eyeballs"). Raises OSError, as the first address did.
    """
    loop = asyncio.get_running_loop()

    async def connect(address: str) -> Connection:
        name_of_server = name if tls is not None else None
        _, connection = await loop.create_connection(Connection, address, port, ssl=tls, server_hostname=name_of_server)
        return connection

    if len(addresses) == 1:
        return await connect(addresses[0])
    winner: Connection | None = None

    def is_over(task: asyncio.Task[Connection]) -> None:
        if not task.cancelled() and task.exception() is None and task.result() is not winner:
            task.result().close()

    waiting, running = _by_turns(addresses), set[asyncio.Task[Connection]]()
    tasks: list[asyncio.Task[Connection]] = []
    try:
        while waiting or running:
            if waiting:
                tasks.append(loop.create_task(connect(waiting.pop(0))))
                running.add(tasks[-1])
            head_start = HEAD_START if waiting else None
            done, running = await asyncio.wait(running, timeout=head_start, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.exception() is None:
                    winner = task.result()
                    return winner
    finally:
        for task in tasks:
            task.cancel()
            task.add_done_callback(is_over)
    raise tasks[0].exception() or OSError("no address")


def _by_turns(addresses: Sequence[str]) -> list[str]:
    """The addresses in their order, but one family after the other by turns: one of them may be unreachable as a whole."""
    first = [address for address in addresses if (":" in address) == (":" in addresses[0])]
    other = [address for address in addresses if address not in first]
    pairs = itertools.zip_longest(first, other)
    return [address for pair in pairs for address in pair if address is not None]


async def _through_connect(connection: Connection, proxy: Proxy, host: str, port: int) -> None:
    """Have the proxy lead to a server."""
    target = b"%s:%d" % (_in_brackets(host), port)
    answer = Exchange()
    trouble = ""
    try:
        await connection.ask(
            lambda: b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (target, target, _login(proxy)), answer, math.inf
        )
    except Broken as error:
        trouble = str(error)
    if not trouble and not 200 <= answer.status < 300:
        trouble = f"{answer.status} {httpx.codes.get_reason_phrase(answer.status)}".strip()
    if trouble:
        raise httpx.ProxyError(f"the proxy of {proxy.variable}: {trouble}")


async def _through_socks(connection: Connection, proxy: Proxy, host: str, port: int) -> None:
    """Have a SOCKS proxy lead to a server; it looks up the name."""
    import socksio
    from socksio import socks5

    talk = socks5.SOCKS5Connection()

    async def say(request: Any) -> Any:
        talk.send(request)
        return talk.receive_data(await connection.say(talk.data_to_send()))

    method = socks5.SOCKS5AuthMethod.USERNAME_PASSWORD if proxy.login else socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED
    trouble = ""
    try:
        if (await say(socks5.SOCKS5AuthMethodsRequest([method]))).method != method:
            trouble = "it wants another login"
        elif (
            proxy.login and not (await say(socks5.SOCKS5UsernamePasswordRequest(*map(str.encode, proxy.login)))).success
        ):
            trouble = "it refused the login"
        else:
            target = socks5.SOCKS5CommandRequest.from_address(socks5.SOCKS5Command.CONNECT, (host, port))
            code = (await say(target)).reply_code
            trouble = "" if code == socks5.SOCKS5ReplyCode.SUCCEEDED else f"it answered {code.name}"
    except (socksio.ProtocolError, OSError) as error:
        trouble = str(error)
    if trouble:
        raise httpx.ProxyError(f"the proxy of {proxy.variable}: {trouble}")


def _message(request: httpx.Request, proxy: Proxy | None) -> bytes:
    """The whole request, as it is sent."""
    target, login = request.url.raw_path, b""
    if proxy is not None and request.url.scheme == "http" and not proxy.kind.startswith("socks"):
        target = b"http://" + request.url.netloc + target  # not led through, but handed on
        login = _login(proxy)
    head = b"".join([b"%s: %s\r\n" % header for header in request.headers.raw])
    return b"%s %s HTTP/1.1\r\n%s%s\r\n%s" % (request.method.encode("ascii"), target, head, login, request.content)


def _login(proxy: Proxy) -> bytes:
    """The header that shows a proxy its login."""
    if proxy.login is None:
        return b""
    return b"Proxy-Authorization: Basic %s\r\n" % base64.b64encode(":".join(proxy.login).encode())


def _in_brackets(host: str) -> bytes:
    return (f"[{host}]" if ":" in host else host).encode("ascii")


def _can_be_written(headers: httpx.Headers) -> bool:
    """Whether no header would become two: a key with a line break in it, say."""
    return _ENDS_A_LINE.search(b" ".join(itertools.chain.from_iterable(headers.raw))) is None


async def _enter(gate: asyncio.Semaphore, patience: float) -> None:
    if gate.locked():
        try:
            async with Deadline(patience):
                await gate.acquire()
            return
        except TimeoutError:
            pass
        raise httpx.PoolTimeout("too many calls at once")
    await gate.acquire()


def _as_httpx(trouble: Broken) -> httpx.TransportError:
    for kind, name in ((TooSlow, httpx.ReadTimeout), (NoHTTP, httpx.RemoteProtocolError)):
        if isinstance(trouble, kind):
            return name(str(trouble))
    return httpx.ReadError(str(trouble))
