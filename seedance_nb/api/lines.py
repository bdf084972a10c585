"""One HTTP/1.1 connection for the API's calls, over asyncio and httptools.

These are the calls that are made thousands of times, beside somebody's computation. Through httpx a look takes the interpreter 1.6 ms
and a create 2.6, twice that next to a cell that computes; this way 0.2 and 0.6 ms (`python -m benchmarks calls`). The protocol is parsed
by httptools (llhttp, the parser of Node.js); ours are only the connection and the limits. It knows exactly what matters of a create:
whether any byte of it may have left.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import ssl
import time
from collections.abc import Callable
from typing import Any

import httptools

from .bodies import BoundedBody
from .deadlines import Deadline

KEPT_SECONDS = 30.0
"""A connection that was not used for so long is not used again: many servers have closed it by then."""
LARGEST_HEAD = 65_536
FIRST_FINAL_STATUS = 200


class LineBroken(Exception):  # noqa: N818 - it says what is the case
    """No answer came: why, in words."""


@dataclasses.dataclass
class Reply:
    """One answer: header names in lower case; `trouble` says why the body is not whole, None means it is.

    `may_have_left` says whether any byte of the request may have left, `status` is 0 while no answer has begun.
    """

    may_have_left: bool = False
    status: int = 0
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: BoundedBody | None = None
    trouble: str | None = None
    has_ended: bool = False
    """Whether nothing more of it will come; of such a one, a deadline has nothing to say any more."""

    @property
    def content(self) -> bytes:
        """The body, as far as it came."""
        return b"" if self.body is None else bytes(self.body.content)


class Line:
    """One connection to one host, made when it is needed and made anew when it was lost. One call at a time."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        *,
        connect_timeout: float,
        read_timeout: float,
        largest_body: int,
    ) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._connect_timeout, self._read_timeout, self._largest_body = connect_timeout, read_timeout, largest_body
        # A name may have an IPv6 address that leads nowhere; an address is only itself.
        self._head_start = None if _is_address(host) else 0.25
        self._connection: _Connection | None = None

    async def ask(self, message: Callable[[], bytes], reply: Reply, *, again: bool) -> None:
        """Fill `reply` with the answer to the request `message()`: made when it is written, so that no frame keeps a key.

        With `again` the connection is kept, and what met a kept connection that the server had closed is sent once more; without,
        it goes out on a fresh connection, once. Raises LineBroken or OSError when there is no answer.
        """
        connection = self._kept() if again else None
        is_kept = connection is not None
        if connection is None:
            connection = await self._connect()
        try:
            self._connection = connection if again else self._connection
            answered = await self._ask(connection, message, reply)
            if not answered and is_kept:
                self._connection = connection = await self._connect()
                answered = await self._ask(connection, message, reply)
        except BaseException:
            connection.close()
            raise
        if not again:
            connection.close()
        if not answered:
            raise LineBroken("the server closed the connection without an answer")

    async def aclose(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def _kept(self) -> _Connection | None:
        connection = self._connection
        if connection is None or not connection.is_usable:
            return None
        if time.monotonic() - connection.used_at < KEPT_SECONDS:
            return connection
        connection.close()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        trouble = ""
        try:
            async with Deadline(self._connect_timeout):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self._largest_body),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    happy_eyeballs_delay=self._head_start,
                )
            return connection
        except TimeoutError:
            trouble = "connecting took too long"
        raise LineBroken(trouble)

    async def _ask(self, connection: _Connection, message: Callable[[], bytes], reply: Reply) -> bool:
        """Whether there is an answer; False when the connection ended before a byte of it."""
        trouble = ""
        try:
            async with Deadline(self._read_timeout) as patience:
                await connection.ask(message(), reply, patience, self._read_timeout)
        except TimeoutError:
            trouble = "no answer in time"
            connection.close()
        if reply.status:
            if trouble and not reply.has_ended:
                reply.trouble = reply.trouble or f"cut off ({trouble})"
            return True
        if trouble or connection.trouble:
            raise LineBroken(trouble or connection.trouble)
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Connection(asyncio.Protocol):
    """Turns bytes into replies. Whatever is not an answer to a question closes it."""

    def __init__(self, largest_body: int) -> None:
        self.is_usable = False
        self.used_at = 0.0
        self.reply = Reply()
        self.trouble = ""
        self._largest_body = largest_body
        self._came = 0
        self._answered: asyncio.Future[None] | None = None

    def ask(self, message: bytes, reply: Reply, patience: Deadline, seconds: float) -> asyncio.Future[None]:
        """Send a request, whose answer fills `reply`; the future ends with the answer, or with the connection. Every byte that comes renews the patience."""
        self._loop = asyncio.get_running_loop()
        self._patience, self._seconds = patience, seconds
        self._parser = httptools.HttpResponseParser(self)
        self.reply, self.trouble, self._came = reply, "", 0
        self._answered = self._loop.create_future()
        if not self.is_usable or self._transport.is_closing():  # it was lost before anything of this was written
            self._answered.set_result(None)
        else:
            reply.may_have_left = True
            self._transport.write(message)
        return self._answered

    def close(self) -> None:
        """Close the connection at once."""
        self.is_usable = False
        self._transport.abort()

    # Called by asyncio ---------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """It is open."""
        self._transport: asyncio.Transport = transport
        self.is_usable = True
        self.used_at = time.monotonic()

    def data_received(self, data: bytes) -> None:
        """More of an answer, or something nobody asked for."""
        if self._answered is None or self._answered.done():
            self.close()
            return
        self._came += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._broken("the server wants to speak something else than HTTP")
        except httptools.HttpParserError:
            self._broken("the answer was no HTTP")
        if self.reply.body is None and self._came > LARGEST_HEAD:
            self._broken("the answer's head is too long")
        if not self._answered.done():
            self._patience.renew(self._seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended: the end of an answer that has no length, or a loss."""
        self.is_usable = False
        if self._answered is None or self._answered.done():
            return
        headers = self.reply.headers
        has_end = "content-length" in headers or "transfer-encoding" in headers
        if self.reply.body is not None and (has_end or exc is not None):
            self.reply.trouble = self.reply.trouble or "cut off (the connection was closed)"
        elif self._came and self.reply.body is None:
            self.trouble = "the server closed the connection in the middle of an answer"
        self._end()

    # Called by the parser ------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins; a second one to the same question is nobody's."""
        if self._answered is None or self._answered.done():
            self.reply = Reply()
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; of one name several are joined by commas, as HTTP says."""
        lower, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers = self.reply.headers
        headers[lower] = f"{headers[lower]}, {text}" if lower in headers else text

    def on_headers_complete(self) -> None:
        """The head is whole."""
        status = self._parser.get_status_code()
        if status >= FIRST_FINAL_STATUS:
            self.reply.status = status
            self.reply.body = BoundedBody(self._largest_body, self.reply.headers.get("content-encoding", ""))

    def on_body(self, data: bytes) -> None:
        """More of the body."""
        body = self.reply.body
        if body is not None and not body.feed(data):
            self._broken(body.trouble or "")

    def on_message_complete(self) -> None:
        """The answer is whole, unless it only says that one will come."""
        if self.reply.status < FIRST_FINAL_STATUS:
            self.reply.headers.clear()
            return
        if not self._parser.should_keep_alive():
            self.close()
        self._end()

    def _broken(self, trouble: str) -> None:
        self.close()
        if self.reply.body is not None:
            self.reply.trouble = self.reply.trouble or trouble
        self.trouble = self.trouble or trouble
        self._end()

    def _end(self) -> None:
        self.used_at = time.monotonic()
        if self._answered is not None and not self._answered.done():
            if self.reply.body is not None and self.reply.trouble is None:
                self.reply.trouble = self.reply.body.trouble
            self.reply.has_ended = self.reply.body is not None
            self._answered.set_result(None)
