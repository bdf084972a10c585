"""The page that a service rings at. It is open to the world, so it believes nothing and says nothing.

A call can do one thing: have the one job of its token looked at. Whatever is called, the answer is the same whether the token lives or
not. Calls are counted before a token is read, no body is kept, and nothing of a call is logged: its path is the token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler, stream_request_body

from ..api.signed_addresses import WAKE_PATH
from .tokens import fingerprint

CALLS_A_SECOND = 200.0
CALLS_AT_ONCE = 1000.0
"""A thousand videos may end together; what comes beyond that is told to come again, and found by polling."""
MOST_BODY = 8192
"""Bytes of a body that are waited for, and dropped; what is longer is left unread."""
BODY_SECONDS = 5.0
AGAIN_AFTER = "5"

Ring = Callable[[str], object]
"""Called with the fingerprint of what may be a token."""


class Turnstile:
    """Lets in so many calls a second, whoever calls: who they are cannot be known behind a proxy."""

    def __init__(
        self,
        a_second: float = CALLS_A_SECOND,
        at_once: float = CALLS_AT_ONCE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._a_second, self._at_once, self._monotonic = a_second, at_once, monotonic
        self._left, self._at = at_once, monotonic()

    def lets_in(self) -> bool:
        """Whether one more may come in now."""
        now = self._monotonic()
        self._left = min(self._at_once, self._left + (now - self._at) * self._a_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@stream_request_body
class Wake(RequestHandler):
    """`POST …/seedance/wake/<token>`. No cookie, key or identity is looked at, so that none can be abused."""

    _timer: object = None
    _received = 0

    def initialize(self, turnstile: Turnstile, ring: Ring) -> None:
        self._turnstile, self._ring = turnstile, ring

    def prepare(self) -> None:
        if not self._turnstile.lets_in():
            self.set_header("Retry-After", AGAIN_AFTER)
            self._answer(429)
            return
        if self.request.method != "POST":
            self.set_header("Allow", "POST")
            self._answer(405)
            return
        before, _, token = self.request.path.rpartition("/")
        known = fingerprint(token)
        if known is not None and before.endswith(WAKE_PATH.rstrip("/")):
            self._ring(known)
        length = self.request.headers.get("Content-Length", "0")
        if not length.isdecimal() or len(length) > 6 or int(length) > MOST_BODY:
            self._answer(204)
            return
        # Who sends a little is heard to the end, or a call might be broken off before its answer is read.
        self._timer = IOLoop.current().call_later(BODY_SECONDS, self._enough)

    def data_received(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > MOST_BODY:
            self._enough()

    def post(self) -> None:
        self._answer(204)

    def on_finish(self) -> None:
        self._forget_timer()

    def on_connection_close(self) -> None:
        self._forget_timer()

    def check_xsrf_cookie(self) -> None:
        """Nothing is done in the name of whoever calls."""

    def decode_argument(self, value: bytes, name: str | None = None) -> str:  # noqa: ARG002 - what is called is no text yet
        return ""

    def write_error(self, status_code: int, **_details: Any) -> None:
        self._answer(status_code)

    def log_exception(self, *_details: object) -> None:
        """Not even that: a log is read by others."""

    def _log(self) -> None:
        """No line in the server's access log."""

    def compute_etag(self) -> None:
        return None

    def _enough(self) -> None:
        if not self._finished:
            self._answer(204)

    def _answer(self, http_status: int) -> None:
        self.set_status(http_status)
        self.clear_header("Content-Type")
        self.finish()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            IOLoop.current().remove_timeout(self._timer)
            self._timer = None


def route(base: str, ring: Ring, handler: type[Wake] = Wake) -> tuple[str, type[Wake], dict[str, Any]]:
    """Everything below `base`seedance/wake/: what is nearly an address must not be logged by somebody else's page either."""
    return f"{base}{WAKE_PATH.rstrip('/')}(?:/.*)?", handler, {"turnstile": Turnstile(), "ring": ring}


class _Nothing(Wake):
    """Every other path of a server of our own."""

    def prepare(self) -> None:
        self._answer(404)


class Receiver:
    """A server of nothing but that page. To be made, and closed, inside a running loop."""

    def __init__(self, sockets: list[Any], ring: Ring) -> None:
        wake = route(".*/", ring)
        pages = Application([wake, (".*", _Nothing, wake[2])], log_function=lambda _handler: None)
        self._server = HTTPServer(
            pages,
            idle_connection_timeout=30,
            body_timeout=2 * BODY_SECONDS,
            max_header_size=16_384,
            max_body_size=10**9,
        )
        self._server.add_sockets(sockets)

    async def close(self) -> None:
        """Listen no more and hang up."""
        self._server.stop()
        await self._server.close_all_connections()
