"""The four calls of the Open API, and the download of a result, over httpx (this is its only import site) and `lines`.

Files, and everything that has to pass a proxy, go through httpx; else the four calls go over connections of their own, because they
are made a thousand times beside somebody's computation.

The client only moves bytes: what an answer means is decided in `answers`. Errors are made outside of `except` blocks, so that
no traceback leads into frames that hold a header with the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar
from urllib.parse import quote, unquote, urljoin, urlsplit

import msgspec

from ..errors import ApiError, ClipError, InvalidRequest, ServerError, one_line
from ..settings import Limits, Secret, is_loopback
from .addresses import PassingTrouble, Proxy, allowed_addresses, check_output_url, proxy_for
from .answers import Answer, Silence, judge_answer, judge_create, judge_look, refusal
from .bodies import BoundedBody
from .deadlines import Deadline
from .lean_import import without
from .lines import Line, LineBroken, Reply
from .models import Generation, VideoRequest, as_request_id, parse_generation

# Its command line would bring click and rich, where they are installed: 5 MB and 100 ms at the first job.
with without("httpx._main"):
    import httpcore
    import httpx

# What it reads of a file at once (64 kB, and no option of httpx's): asyncio brings 256 kB, and every cut of that costs a way
# through four libraries. A film of 50 MB takes two thirds of the time so, and of the interpreter.
httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = 262_144

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

    def message(self, method: str, path: str, host: bytes, body: bytes) -> bytes:
        """A whole request for `lines`."""
        if (
            not self._key.reveal().isprintable()
        ):  # settings refuse such a key; a line break in it would be another header
            raise ValueError("the key holds characters that no header can hold")
        lines = [
            f"{method} {path} HTTP/1.1".encode("ascii"),
            b"Host: " + host,
            b"Accept: application/json",
            b"Accept-Encoding: identity",
            b"User-Agent: " + USER_AGENT.encode(),
            b"Authorization: Bearer " + self._key.reveal().encode("ascii"),
        ]
        if body:
            lines.append(b"Content-Type: application/json")
        if body or method == "POST":
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join((*lines, b"", body))

    def blotted(self, text: bytes) -> bytes:
        """The text without the key, which some services repeat in their refusals."""
        return text.replace(self._key.reveal().encode(), b"(key)")


class _Closable(Protocol):
    async def aclose(self) -> None: ...


L = TypeVar("L", bound=_Closable)


class _Lanes(Generic[L]):
    """Clients of one connection each, the latest used first.

    A pool of httpcore goes through all its connections, with several system calls each, at the beginning and at the end of every
    request: with a dozen of them that is a tenth of what a call costs. A stack of lanes keeps as few open as are needed at once.
    """

    def __init__(self, make: Callable[[], L], *, most: int, patience: float) -> None:
        self._make = make
        self._gate = asyncio.Semaphore(most)
        self._patience = patience
        self._idle: list[L] = []
        self._all: list[L] = []

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[L]:
        """A lane of one's own for as long as the block lasts; raises httpx.PoolTimeout when none gets free."""
        if self._gate.locked():
            try:
                async with Deadline(self._patience):
                    await self._gate.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout("no lane got free") from None
        else:
            await self._gate.acquire()
        if not self._idle:
            self._idle.append(self._make())
            self._all.append(self._idle[-1])
        lane = self._idle.pop()
        try:
            yield lane
        finally:
            self._idle.append(lane)
            self._gate.release()

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._all:
            await lane.aclose()


class Client:
    """Speaks to one API host with one key. Made, used and closed inside one event loop."""

    def __init__(self, base_url: str, key: Secret, limits: Limits) -> None:
        self.base_url = base_url
        self.limits = limits
        self._auth = _Bearer(key)
        self.on_loopback = is_loopback(urlsplit(base_url).hostname or "")
        self._api = httpx.URL(base_url + PREFIX)
        self._tls_contexts: dict[bool, ssl.SSLContext] = {}
        self._proxy: Proxy | None = None
        self._proxy_asked_at = -PROXY_SECONDS
        # A create goes out on a fresh connection: on a kept one, "the server closed it just now" cannot be told from
        # "the server took the request and died", and would have to be called unknown.
        # Its only time-out is the total one: silence for as long as that may still end in an answer worth money.
        kept, fresh = limits.read_timeout, limits.create_timeout
        most_calls, most_creates = (min(limits.concurrency, most) for most in (MOST_CALLS, MOST_CREATES))
        self._calls = _Lanes(lambda: self._line(kept), most=most_calls, patience=limits.read_timeout)
        self._creates = _Lanes(lambda: self._line(fresh), most=most_creates, patience=limits.read_timeout)
        self._proxied: dict[str, tuple[_Lanes[httpx.AsyncClient], _Lanes[httpx.AsyncClient]]] = {}
        self._video_clients: dict[tuple[str, str], httpx.AsyncClient] = {}

    def _tls(self, *, secure: bool) -> ssl.SSLContext:
        """What certificates are checked by: 20 ms and 2 MB, so it is made once, and only where something is encrypted."""
        if secure not in self._tls_contexts:
            trouble = ""
            try:
                nobody_trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                self._tls_contexts[secure] = httpx.create_ssl_context() if secure else nobody_trusted
            except (OSError, ImportError) as error:
                trouble = in_words(error)
            if trouble:
                raise LineBroken(
                    f"the certificates cannot be read ({trouble}): check SSL_CERT_FILE, or reinstall certifi"
                )
        return self._tls_contexts[secure]

    def _way(self) -> Proxy | None:
        """The proxy that leads to the service just now. Looked for again now and then: the environment may have been mended."""
        now = time.monotonic()
        if now - self._proxy_asked_at >= PROXY_SECONDS:
            self._proxy = None if self.on_loopback else proxy_for(self.base_url, self._api.host)
            self._proxy_asked_at = now
        return self._proxy

    def _line(self, read_timeout: float) -> Line:
        secure = self._api.scheme == "https"
        return Line(
            self._api.host,
            self._api.port or (443 if secure else 80),
            self._tls(secure=True) if secure else None,
            connect_timeout=self.limits.connect_timeout,
            read_timeout=read_timeout,
            largest_body=self.limits.max_json_bytes,
        )

    def _lanes_by(self, proxy: Proxy, *, is_create: bool) -> _Lanes[httpx.AsyncClient]:
        if proxy.address not in self._proxied:
            patience, most = self.limits.read_timeout, self.limits.concurrency
            self._proxied[proxy.address] = (
                _Lanes(lambda: self._by_proxy(proxy, 1), most=min(most, MOST_CALLS), patience=patience),
                _Lanes(lambda: self._by_proxy(proxy, 0), most=min(most, MOST_CREATES), patience=patience),
            )
        return self._proxied[proxy.address][is_create]

    def _by_proxy(self, proxy: Proxy, kept_connections: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            proxy=_as_httpx(proxy),
            trust_env=False,  # which proxy, is decided once
            timeout=None,  # noqa: S113 - deadlines are ours: see `deadlines`
            follow_redirects=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT},
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=kept_connections),
            verify=self._tls(secure=True),
        )

    def _videos(self, scheme: str, proxy: Proxy | None) -> httpx.AsyncClient:
        # The video host is a stranger: no key, no cookies kept, no redirect followed unseen.
        which = scheme, proxy.address if proxy else ""
        if which not in self._video_clients:
            self._video_clients[which] = httpx.AsyncClient(
                timeout=None,  # noqa: S113 - deadlines are ours: see `deadlines`
                follow_redirects=False,
                headers={"Accept": "video/mp4,*/*;q=0.5", "Accept-Encoding": "identity", "User-Agent": USER_AGENT},
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=MOST_VIDEOS),
                proxy=_as_httpx(proxy) if proxy else None,
                trust_env=False,
                verify=self._tls(secure=scheme == "https"),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            )
        return self._video_clients[which]

    def set_key(self, key: Secret) -> None:
        """Use another key from the next call on."""
        self._auth = _Bearer(key)

    async def close(self) -> None:
        """Close all connections."""
        proxied = [lanes for both in self._proxied.values() for lanes in both]
        everything: list[_Closable] = [self._calls, self._creates, *proxied, *self._video_clients.values()]
        for connections in everything:
            await connections.aclose()

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
        proxy = self._way()
        if proxy is not None:
            return await self._call_by_proxy(proxy, method, path, body, total, is_create=is_create)

        def message() -> bytes:
            return self._auth.message(method, self._api.raw_path.decode("ascii") + path, self._api.netloc, body)

        reply = Reply()
        try:
            async with Deadline(total), (self._creates if is_create else self._calls).one() as line:
                # All but a create may be asked twice: looking changes nothing, and a cancel twice is a cancel.
                await line.ask(message, reply, again=not is_create)
            reason = ""
        except TimeoutError:
            reason = f"no answer within {total:g} s"
        except Exception as error:  # whatever it is: what counts is whether anything has left
            reason = in_words(error)
        if reply.status:  # what came before the trouble may hold the id of something paid for
            trouble = reply.trouble if reply.has_ended or not reason else f"cut off: {reason}"
            return Answer(reply.status, reply.headers, self._auth.blotted(reply.content), trouble)
        return Silence(self._auth.blotted(reason.encode()).decode(), reply.may_have_left)

    async def _call_by_proxy(
        self, proxy: Proxy, method: str, path: str, body: bytes, total: float, *, is_create: bool
    ) -> Answer | Silence:
        if proxy.trouble is not None:
            return Silence(": ".join(proxy.trouble), may_have_left=False)
        lanes = self._lanes_by(proxy, is_create=is_create)
        silence = total if is_create else self.limits.read_timeout
        body_so_far = BoundedBody(self.limits.max_json_bytes)
        status, headers, trouble, left = 0, {"": ""}, None, False
        has_ended = False
        try:
            async with Deadline(total), lanes.one() as client, Deadline(self.limits.connect_timeout) as patience:

                async def trace(event: str, info: Any) -> None:
                    nonlocal left
                    # A CONNECT has headers too, but only leads to the service.
                    if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
                        left = True
                        patience.renew(silence)

                async with client.stream(
                    method,
                    self.base_url + PREFIX + path,
                    content=body or None,
                    headers={"Content-Type": "application/json"} if body else {},
                    auth=self._auth,
                    extensions={"trace": trace},
                ) as response:
                    status, headers = response.status_code, _lower(response.headers)
                    _, trouble = await read_bounded(
                        response, self.limits.max_json_bytes, body_so_far, patience, silence
                    )
                    has_ended = True
            reason = ""
        except TimeoutError:
            reason = f"no answer within {silence if left else self.limits.connect_timeout:g} s"
        except httpx.ProxyError as error:  # the proxy refused to lead to the service
            reason, left = in_words(error), False
        except Exception as error:  # whatever it is: what counts is whether anything has left
            reason = in_words(error)
        if status:  # what came before the trouble may hold the id of something paid for
            trouble = trouble if has_ended else f"cut off: {reason}"
            return Answer(status, headers, self._auth.blotted(bytes(body_so_far.content)), trouble)
        return Silence(self._auth.blotted(reason.encode()).decode(), left)

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
                response = await self._open_checked(stack, url, headers)
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
                headers=_lower(response.headers),
                chunks=_chunks(response, self.limits.stall_timeout),
                asked_offset=offset,
                place="".join(urlsplit(url)[:3]),
            )
            yield stream

    async def _open_checked(
        self, stack: contextlib.AsyncExitStack, url: str, headers: dict[str, str]
    ) -> httpx.Response:
        host, port, secure = check_output_url(url, api_on_loopback=self.on_loopback)
        try:
            target = httpx.URL(url)
            named = target.netloc.decode("ascii")  # as it stands in the Host header: brackets, punycode, port
        except (httpx.InvalidURL, ValueError):
            named = ""
        if not named:
            raise ClipError("the service gave an address of the video that is none")
        # A proxy from the environment has no business between this machine and itself.
        proxy = None if self.on_loopback else proxy_for(url, host)
        if proxy is not None and proxy.trouble is not None:
            raise PassingTrouble(f"the video host cannot be reached: {': '.join(proxy.trouble)}")
        if proxy is not None:
            return await self._open(stack, target, headers, {}, proxy)
        # The certificate is checked against the name, not the address.
        extensions = {"sni_hostname": target.raw_host.decode("ascii")} if secure else {}
        *others, last = await allowed_addresses(host, port, api_on_loopback=self.on_loopback)
        for address in others:
            with contextlib.suppress(ClipError):  # a host can have an IPv6 address that leads nowhere
                return await self._open(stack, target.copy_with(host=address), {**headers, "Host": named}, extensions)
        return await self._open(stack, target.copy_with(host=last), {**headers, "Host": named}, extensions)

    async def _open(
        self,
        stack: contextlib.AsyncExitStack,
        target: httpx.URL,
        headers: dict[str, str],
        extensions: dict[str, Any],
        proxy: Proxy | None = None,
    ) -> httpx.Response:
        kind: type[ClipError] = PassingTrouble
        trouble = ""
        try:
            async with Deadline(self.limits.connect_timeout) as patience:

                async def trace(event: str, _info: Any) -> None:
                    if event.endswith("send_request_headers.started"):
                        patience.renew(self.limits.stall_timeout)

                extensions = {**extensions, "trace": trace}
                return await stack.enter_async_context(
                    self._videos(target.scheme, proxy).stream("GET", target, headers=headers, extensions=extensions)
                )
        except TimeoutError:
            trouble = "no answer in time"
        except Exception as error:  # nothing is lost by it: the file is fetched again
            trouble = in_words(error)
            # A line that was closed without a word is no answer; one that is no HTTP is a wrong one.
            is_answer = isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in trouble
            if is_answer or isinstance(error, httpx.InvalidURL | ValueError):
                kind = ClipError
        raise kind(f"the video host did not answer ({trouble})")


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


async def _chunks(response: httpx.Response, stall_timeout: float) -> AsyncIterator[bytes]:
    trouble = ""
    chunks = response.aiter_raw()
    try:
        while True:
            async with Deadline(stall_timeout):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk
    except TimeoutError:
        trouble = f"no byte for {stall_timeout:g} s"
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


def _as_httpx(proxy: Proxy) -> httpx.Proxy:
    """Login and address apart: a password may hold characters that no URL can."""
    parts = urlsplit(proxy.address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    login = (unquote(parts.username or ""), unquote(parts.password or ""))
    address = f"{parts.scheme.lower()}://{host}" + (f":{parts.port}" if parts.port else "")
    return httpx.Proxy(address, auth=login if any(login) else None)


@functools.lru_cache(1024)
def _segment(request_id: str) -> str:
    if as_request_id(request_id) is None:
        raise ApiError(f"{one_line(request_id, 60)!r} is no request id")
    return quote(request_id, safe="")


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def in_words(error: Exception) -> str:
    """A transport error in a few plain words."""
    names: dict[type[Exception], str] = {
        httpx.ConnectTimeout: "connecting took too long",
        httpx.ReadTimeout: "no answer in time",
        httpx.WriteTimeout: "sending took too long",
        httpx.PoolTimeout: "too many calls at once",
    }
    for kind, words in names.items():
        if isinstance(error, kind):
            return words
    text, name = one_line(error, 160), type(error).__name__
    is_foreseen = isinstance(
        error, LineBroken | httpx.HTTPError | httpx.InvalidURL | httpx.StreamError | OSError | ValueError
    )
    return text if text and is_foreseen else f"{name}: {text}" if text else name


async def read_bounded(
    response: httpx.Response,
    limit: int,
    body: BoundedBody | None = None,
    patience: Deadline | None = None,
    silence: float = 0.0,
) -> tuple[bytes, str | None]:
    """(body, trouble): the body up to `limit` bytes after inflating. Trouble: too long, cut, or packed as never asked for.

    `body` fills as bytes come, for callers that may be cancelled in between; each piece gives `patience` another `silence` seconds.
    """
    body = BoundedBody(limit) if body is None else body
    body.unpack(response.headers.get("content-encoding", ""))
    if body.trouble is None:
        try:
            async for chunk in response.aiter_raw():
                if patience is not None:
                    patience.renew(silence)
                if not body.feed(chunk):
                    break
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            return bytes(body.content), f"cut off ({in_words(error)})"
    return bytes(body.content), body.trouble
