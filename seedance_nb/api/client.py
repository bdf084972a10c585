"""The four calls of the Open API, and the download of a result: one `httpx.AsyncClient` for the service and one for videos, whatever
the road. How they reach a server is `transport`'s business.

The client only moves bytes: what an answer means is decided in `answers`. Errors are made outside of `except` blocks, so that
no traceback leads into frames that hold a header with the key.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urljoin, urlsplit

import httpx
import msgspec

from ..errors import ApiError, ClipError, InvalidRequest, ServerError, one_line
from ..settings import Limits, Secret, is_loopback
from .addresses import PassingTrouble, Proxy, allowed_addresses, check_output_url, proxy_for
from .answers import Answer, Silence, judge_answer, judge_create, judge_look, refusal, unpacked
from .connection import Exchange
from .deadlines import Deadline
from .models import Generation, VideoRequest, as_request_id, parse_generation
from .transport import Transport

PREFIX = "/api/open/v1"
MAX_REDIRECTS = 4
MOST_CALLS, MOST_CREATES, MOST_VIDEOS = 8, 16, 4
"""Connections that may be open at once for each, whatever the limit of concurrency: well below 40 in all."""
USER_AGENT = "seedance_nb"
PROXY_SECONDS = 1.0
"""Which proxy the environment names is looked up at most so often."""
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)", re.ASCII | re.IGNORECASE)
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]+"')


class _Bearer(httpx.Auth):
    """Puts the key into the header at the last moment, so that no frame of ours ever holds it."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request

    def blotted(self, text: bytes) -> bytes:
        """The text without the key, which some services repeat in their refusals."""
        return text.replace(self._key.reveal().encode(), b"(key)")


class _NoCookies(httpx.Cookies):
    """Takes none; looking for them would be a fifth of what a look costs."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them where they are."""


class _Speaker(httpx.AsyncClient):
    """A client without a memory."""

    _none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """Always empty."""
        return self._none

    @cookies.setter
    def cookies(self, _: object) -> None:
        """Takes none."""


class Client:
    """Speaks to one API host with one key. Made, used and closed inside one event loop."""

    def __init__(self, base_url: str, key: Secret, limits: Limits) -> None:
        self.base_url = base_url
        self.limits = limits
        self._auth = _Bearer(key)
        self.on_loopback = is_loopback(urlsplit(base_url).hostname or "")
        # Reading an address takes a fifth of what a look takes.
        self._url = functools.lru_cache(2048)(lambda path: httpx.URL(base_url + PREFIX + path))
        self._tls_context: ssl.SSLContext | None = None
        self._proxy: Proxy | None = None
        self._proxy_asked_at = -PROXY_SECONDS
        # A create's only time-out but that of connecting is the total one: silence for as long as that may still end in an answer
        # worth money.
        waits = {"connect": limits.connect_timeout, "pool": limits.read_timeout, "write": None}
        self._patience = httpx.Timeout(**waits, read=limits.read_timeout)
        self._create_patience = httpx.Timeout(**waits, read=limits.create_timeout)
        self._service = self._speaking(
            "application/json",
            self._patience,
            Transport(
                tls=self._tls,
                proxy_for=lambda _: self._way(),
                most_kept=min(limits.concurrency, MOST_CALLS),
                most_fresh=min(limits.concurrency, MOST_CREATES),
            ),
        )
        # The video host is a stranger: no key, and each of its addresses is checked.
        self._videos = self._speaking(
            "video/mp4,*/*;q=0.5",
            httpx.Timeout(**waits, read=limits.stall_timeout),
            Transport(
                tls=self._tls,
                # A proxy from the environment has no business between this machine and itself.
                proxy_for=lambda url: None if self.on_loopback else proxy_for(str(url), url.host),
                addresses=functools.partial(allowed_addresses, api_on_loopback=self.on_loopback),
                most_kept=MOST_VIDEOS,
                most_fresh=MOST_VIDEOS,
            ),
        )

    @staticmethod
    def _speaking(accepted: str, patience: httpx.Timeout, transport: Transport) -> httpx.AsyncClient:
        """A client that follows no redirect unseen, keeps no cookies, and asks for nothing packed."""
        return _Speaker(
            headers={"Accept": accepted, "Accept-Encoding": "identity", "User-Agent": USER_AGENT},
            timeout=patience,
            transport=transport,
            follow_redirects=False,
            trust_env=False,  # which proxy, is decided by `addresses`
        )

    def _tls(self) -> ssl.SSLContext:
        """What certificates are checked by: 20 ms and 2 MB, so it is made once, and only where something is encrypted."""
        if self._tls_context is None:
            trouble = ""
            try:
                self._tls_context = httpx.create_ssl_context()
            except (OSError, ImportError) as error:
                trouble = in_words(error)
            if self._tls_context is None:
                cure = "check SSL_CERT_FILE, or reinstall certifi"
                raise httpx.ConnectError(f"the certificates cannot be read ({trouble}): {cure}")
        return self._tls_context

    def _way(self) -> Proxy | None:
        """The proxy that leads to the service just now. Looked for again now and then: the environment may have been mended."""
        now = time.monotonic()
        if now - self._proxy_asked_at >= PROXY_SECONDS:
            self._proxy = None if self.on_loopback else proxy_for(self.base_url, urlsplit(self.base_url).hostname or "")
            self._proxy_asked_at = now
        return self._proxy

    def set_key(self, key: Secret) -> None:
        """Use another key from the next call on."""
        self._auth = _Bearer(key)

    async def close(self) -> None:
        """Close all connections."""
        await self._service.aclose()
        await self._videos.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def create(self, request: VideoRequest) -> Generation:
        """`POST /video/generations`, sent exactly once.

        Raises ConnectionFailed (surely never left), RateLimited (refused for now), ApiError (refused) or OutcomeUnknown.
        """
        body = _as_json(request)
        return judge_create(await self._call("POST", "/video/generations", body, is_create=True))

    async def get(self, request_id: str) -> Generation:
        """`GET /video/generations/{requestId}`; raises ConnectionFailed or ApiError, which say nothing about the job."""
        path = f"/video/generations/{_segment(request_id)}"
        return judge_look(await self._call("GET", path), request_id)

    async def cancel(self, request_id: str) -> Generation | None:
        """`POST …/{requestId}/cancel`: what the answer said, or None where it said nothing of use.

        Only a following `get` tells the truth: a cancel can lose the race against success.
        """
        path = f"/video/generations/{_segment(request_id)}/cancel"
        answer = judge_answer(await self._call("POST", path))
        if isinstance(answer, dict) and answer.get("success") is False:
            raise refusal(200, answer, charged_hint=False)
        return parse_generation(answer, request_id=request_id)

    async def models(self) -> list[Any]:
        """`GET /models`: the items as the service gave them (their fields are not documented), at most 200."""
        answer = judge_answer(await self._call("GET", "/models"))
        items = answer.get("data") if isinstance(answer, dict) else answer
        if isinstance(items, dict):
            items = items.get("models")
        if not isinstance(items, list) and isinstance(answer, dict) and answer.get("success") is False:
            raise refusal(200, answer, charged_hint=False)
        if not isinstance(items, list):
            raise ServerError("the list of models came in a form that cannot be read", http_status=200)
        return items[:200]

    async def _call(self, method: str, path: str, body: bytes = b"", *, is_create: bool = False) -> Answer | Silence:
        total = self.limits.create_timeout if is_create else 2 * self.limits.read_timeout
        most = self.limits.max_json_bytes
        exchange, raw, reason = Exchange(), bytearray(), ""
        try:
            async with (
                Deadline(total),
                self._service.stream(
                    method,
                    self._url(path),
                    content=body or None,
                    headers={"Content-Type": "application/json"} if body else None,
                    auth=self._auth,
                    timeout=self._create_patience if is_create else self._patience,
                    # All but a create may be asked twice: looking changes nothing, and a cancel twice is a cancel.
                    extensions={"exchange": exchange, "again": not is_create},
                ) as response,
            ):
                async for piece in response.aiter_raw():
                    raw += piece
                    if len(raw) > most:
                        break
        except TimeoutError:
            reason = f"no answer within {total:g} s"
        except Exception as error:  # whatever it is: what counts is whether anything has left
            reason = in_words(error)
        if not exchange.status:
            return Silence(self._auth.blotted(reason.encode()).decode(), exchange.may_have_left)
        # What came before the trouble may hold the id of something paid for.
        headers = _lower(exchange.headers)
        content, trouble = unpacked(b"".join((raw, *exchange.unread)), headers.get("content-encoding", ""), most)
        if trouble is None and reason and not exchange.is_whole:
            trouble = f"cut off ({reason})"
        return Answer(exchange.status, headers, self._auth.blotted(content), trouble)

    @contextlib.asynccontextmanager
    async def video(self, url: str, *, offset: int = 0, validator: str | None = None) -> AsyncIterator[VideoStream]:
        """Open a result for reading, from byte `offset` on where the host can (then `.offset` says so, else it is 0).

        `validator` is the strong ETag seen before: the host resumes only if the file is still that one, and whoever puts the parts
        together checks the answer all the same. Every hop is checked (see `allowed_addresses`), and the connection goes to the
        very address that was checked. Raises ClipError.
        """
        headers = {}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator:
                headers["If-Range"] = validator
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(MAX_REDIRECTS + 1):
                response = await self._open(stack, url, headers)
                location = response.headers.get("location")
                if not (300 <= response.status_code < 400 and location):
                    break
                await response.aclose()
                try:
                    url = urljoin(url, location)
                except ValueError:
                    url = ""  # refused like any other address that is none
            else:
                raise ClipError("the video's address redirects in circles")
            stream = VideoStream(
                status=response.status_code,
                headers=_lower(response.headers.raw),
                chunks=_chunks(response),
                asked_offset=offset,
                place="".join(urlsplit(url)[:3]),
            )
            yield stream

    async def _open(self, stack: contextlib.AsyncExitStack, url: str, headers: dict[str, str]) -> httpx.Response:
        check_output_url(url, api_on_loopback=self.on_loopback)
        kind: type[ClipError] = PassingTrouble
        try:
            stream = self._videos.stream("GET", url, headers=headers, extensions={"again": True})
            return await stack.enter_async_context(stream)
        except (httpx.InvalidURL, UnicodeError):
            kind, trouble = ClipError, "the service gave an address of the video that is none"
        except ClipError as error:  # the address is refused
            kind, trouble = type(error), str(error)
        except httpx.ProxyError as error:
            trouble = f"the video host cannot be reached: {in_words(error)}"
        except Exception as error:  # nothing is lost by it: the file is fetched again
            trouble = f"the video host did not answer ({in_words(error)})"
            if isinstance(error, httpx.RemoteProtocolError | ValueError):  # it did, but that was no answer
                kind = ClipError
        raise kind(trouble)


@dataclasses.dataclass
class VideoStream:
    """An open download: HTTP status, lower-case headers, and its chunks of bytes; reading raises ClipError on trouble."""

    status: int
    headers: dict[str, str]
    chunks: AsyncIterator[bytes]
    asked_offset: int = 0
    place: str = ""
    """Where it came from in the end, without what changes at every signing: an ETag says something of one address only."""

    @property
    def is_what_was_asked(self) -> bool:
        """False for a part that begins elsewhere than was asked for, or does not say where, or is several parts at once."""
        found = _CONTENT_RANGE.fullmatch(self.headers.get("content-range", ""))
        return self.status != 206 or (found is not None and int(found[1]) == self.asked_offset)

    @property
    def offset(self) -> int:
        """The byte the body starts at: what was asked for if the host says so, else 0."""
        return self.asked_offset if self.status == 206 and self.is_what_was_asked else 0

    @property
    def validator(self) -> str | None:
        """The ETag, if it is a strong one (RFC 9110, 8.8.3): the only one that says of two parts that they are of one file."""
        etag = self.headers.get("etag", "").strip()
        return etag if _STRONG_ETAG.fullmatch(etag) else None

    @property
    def total(self) -> int | None:
        """Size of the whole file in bytes, if the host says it."""
        if self.status == 206:
            size = self.headers.get("content-range", "").rpartition("/")[2]
        else:
            size = self.headers.get("content-length", "")
        return int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    trouble = ""
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except Exception as error:  # nothing is lost by it: the file is fetched again
        trouble = in_words(error)
    if trouble:
        raise ClipError(f"the download broke off ({trouble})")


def _as_json(request: VideoRequest) -> bytes:
    trouble = ""
    try:
        return msgspec.json.encode(request.to_wire())
    except Exception as error:
        trouble = in_words(error)
    raise InvalidRequest(f"the request cannot be written as JSON ({trouble}); nothing was submitted")


@functools.lru_cache(1024)
def _segment(request_id: str) -> str:
    if as_request_id(request_id) is None:
        raise ApiError(f"{one_line(request_id, 60)!r} is no request id")
    return quote(request_id, safe="")


def _lower(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; of one name several are joined by commas, as HTTP says."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[lower] = f"{found[lower]}, {text}" if lower in found else text
    return found


def in_words(error: Exception) -> str:
    """A transport error in a few plain words."""
    text, name = one_line(error, 160), type(error).__name__
    is_foreseen = isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError | OSError | ValueError)
    return text if text and is_foreseen else f"{name}: {text}" if text else name
