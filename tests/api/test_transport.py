"""How httpx reaches a server here: whatever bytes come, an answer or a plain word of why there is none, and what may have left."""

import asyncio
import base64
import contextlib
import dataclasses
import gc
import math
import socket
import ssl
import threading
import time

import httpx
import pytest
import trustme
from api.raw_server import RawServer, free_port, reply

from seedance_nb.api import transport
from seedance_nb.api.addresses import Proxy, any_addresses
from seedance_nb.api.connection import Connection, Exchange, Unanswered
from seedance_nb.api.transport import Transport

BODY = b'{"status": "processing"}'
QUICK = {"connect": 1.0, "pool": 1.0, "read": 1.0, "write": None}


def untrusting():
    raise AssertionError("nothing is encrypted here")


def way_out(proxy=None, tls=None, addresses=any_addresses, most=4):
    return Transport(
        tls=(lambda: tls) if tls else untrusting,
        proxy_for=lambda _: proxy,
        addresses=addresses,
        most_kept=most,
        most_fresh=most,
    )


@dataclasses.dataclass
class Found:
    """What came of one request."""

    status: int
    headers: httpx.Headers
    content: bytes
    trouble: str | None


async def one(client, url, exchange=None, *, again=True, method="GET", patience=1.0, **options):
    """The answer to one request, as far as it came."""
    options["timeout"] = httpx.Timeout(**QUICK | {"read": patience})
    extensions = {"exchange": exchange or Exchange(), "again": again}
    content, trouble = b"", None
    async with client.stream(method, url, extensions=extensions, **options) as response:
        try:
            async for piece in response.aiter_raw():
                content += piece
        except httpx.TransportError as error:
            trouble = str(error)
    return Found(response.status_code, response.headers, content, trouble)


def client_over(way):
    return httpx.AsyncClient(transport=way, trust_env=False, headers={"Accept-Encoding": "identity"})


def ask(answer, times=1, *, between=0.0, hang_up=False, tls=None, patience=1.0, again=True):
    """(answers, server) of so many requests by one client; a list of bytes is sent in parts, 0.02 s apart."""

    def parts():
        for part in answer:
            time.sleep(0.02)
            yield part

    async def looks(port):
        found = []
        async with client_over(way_out(tls=tls)) as client:
            for number in range(times):
                await asyncio.sleep(between if number else 0)
                url = f"http{'s' if tls else ''}://127.0.0.1:{port}/x"
                found.append(await one(client, url, again=again, patience=patience))
        return found

    with RawServer(answer if isinstance(answer, bytes) else parts, hang_up=hang_up) as server:
        return asyncio.run(looks(server.port)), server


@pytest.mark.parametrize(
    "answer",
    [
        reply(BODY),
        [reply(BODY)[i : i + 1] for i in range(len(reply(BODY)))],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n"
        + BODY[:16]
        + b"\r\n8\r\n"
        + BODY[16:]
        + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" + reply(BODY),
        [b"HTTP/1.1 100 Continue\r\n\r\n", reply(BODY)],
    ],
    ids=["whole", "byte by byte", "chunked", "early hints", "continue"],
)
def test_an_answer_is_whole_however_it_comes(answer):
    (found,), server = ask(answer)

    assert (found.status, found.content, found.trouble) == (200, BODY, None)
    assert "link" not in found.headers
    assert [head.split("\r\n")[0] for head in server.requests] == ["GET /x HTTP/1.1"]


def test_without_a_length_the_end_of_the_connection_is_the_end_of_the_answer():
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, hang_up=True)

    assert (found.content, found.trouble) == (BODY, None)


def test_headers_of_one_name_are_joined():
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRetry-After: 0\r\nX: 1\r\nRETRY-AFTER: 7\r\n\r\n")

    assert dict(found.headers) == {"content-length": "0", "retry-after": "0, 7", "x": "1"}


@pytest.mark.parametrize(
    "head", [b"Content-Length: 100", b"Transfer-Encoding: chunked"], ids=["shorter than said", "last chunk missing"]
)
def test_an_answer_that_ends_early_says_so(head):
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n18\r\n" + BODY, hang_up=True)

    assert found.status == 200
    assert found.trouble == "the connection was closed"


def test_an_answer_that_stalls_is_kept_as_far_as_it_came():
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + BODY, patience=0.2)

    assert (found.content, found.trouble) == (BODY, "no byte for 0.2 s")


def test_every_byte_renews_the_patience():
    (found,), _ = ask([reply(BODY)[i : i + 4] for i in range(0, len(reply(BODY)), 4)], patience=0.15)

    assert found.content == BODY


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4000, "head is too long"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", "no HTTP"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            "something else than HTTP",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "head is too long"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "in the middle of an answer"),
        (b"", "without an answer"),
    ],
    ids=["another protocol", "endless hints", "two lengths", "upgrade", "endless head", "half a head", "nothing"],
)
def test_what_is_no_answer_is_told_in_plain_words(answer, words):
    with pytest.raises(httpx.TransportError, match=words):
        ask(answer, hang_up=True)


def test_no_answer_at_all_takes_no_longer_than_the_patience():
    began = time.monotonic()

    with pytest.raises(httpx.ReadTimeout, match="no answer in time"):
        ask([], patience=0.2)

    assert 0.15 < time.monotonic() - began < 30


def test_many_looks_share_one_connection():
    replies, server = ask(reply(BODY), 20)

    assert [found.content for found in replies] == [BODY] * 20
    assert server.connections == 1


@pytest.mark.parametrize("between", [0.0, 0.1], ids=["just now", "a while ago"])
def test_a_kept_connection_that_was_closed_is_made_anew(between):
    replies, server = ask(reply(BODY), 3, hang_up=True, between=between)

    assert [found.content for found in replies] == [BODY] * 3
    assert server.connections == 3


def test_what_may_not_be_sent_again_gets_a_fresh_connection_each_time():
    replies, server = ask(reply(BODY), 3, again=False)

    assert [found.content for found in replies] == [BODY] * 3
    assert server.connections == 3


def test_what_may_not_be_sent_again_never_takes_a_kept_connection():
    async def both(port):
        async with client_over(way_out()) as client:
            for again in (True, False, True):
                await one(client, f"http://127.0.0.1:{port}", again=again)

    with RawServer(reply(BODY)) as server:
        asyncio.run(both(server.port))

    assert server.connections == 2


@pytest.mark.parametrize("extensions", [{}, {"again": False}, {"again": None}, {"again": 1}], ids=repr)
def test_who_does_not_say_so_is_not_sent_again(extensions):
    async def twice(port):
        async with client_over(way_out()) as client:
            await one(client, f"http://127.0.0.1:{port}")  # leaves a kept connection behind
            for _ in range(2):
                await client.post(f"http://127.0.0.1:{port}", extensions=extensions)

    with RawServer(reply(BODY)) as server:
        asyncio.run(twice(server.port))

    assert server.connections == 3


def test_what_may_not_be_sent_again_is_not():
    exchange = Exchange()

    async def once(port):
        async with client_over(way_out()) as client:
            await one(client, f"http://127.0.0.1:{port}", exchange, again=False)

    with RawServer(b"", hang_up=True) as server, pytest.raises(httpx.ReadError, match="without an answer"):
        asyncio.run(once(server.port))

    assert exchange.may_have_left
    assert len(server.requests) == 1


@pytest.mark.parametrize("end", ["silence", "hang-up", "no HTTP", "cancelled"])
def test_what_was_written_may_have_left_however_it_ends(end):
    exchange = Exchange()
    answer = {"hang-up": b"", "no HTTP": b"SSH-2.0\r\n"}.get(end, lambda: iter(()))

    async def once(server):
        async with client_over(way_out()) as client:
            sending = asyncio.create_task(
                one(client, server.base_url, exchange, again=False, method="POST", patience=0.3, content=b"{}")
            )
            while end == "cancelled" and not server.requests:
                await asyncio.sleep(0.01)
            if end == "cancelled":
                sending.cancel()
            await sending

    with RawServer(answer, hang_up=end == "hang-up") as server:
        with pytest.raises((httpx.TransportError, asyncio.CancelledError)):
            asyncio.run(once(server))
        until = time.monotonic() + 60
        while not server.requests and time.monotonic() < until:
            time.sleep(0.01)
        assert len(server.requests) == 1

    assert exchange.may_have_left


def test_what_may_be_sent_again_is_sent_twice_at_most():
    answers = [reply(BODY)]

    async def twice(port):
        async with client_over(way_out()) as client:
            await one(client, f"http://127.0.0.1:{port}")
            await one(client, f"http://127.0.0.1:{port}")

    with (
        RawServer(lambda: [answers.pop(0)] if answers else hang_up()) as server,
        pytest.raises(httpx.ReadError, match="without an answer"),
    ):
        asyncio.run(twice(server.port))

    assert len(server.requests) == 3


def hang_up():
    raise ConnectionAbortedError  # an OSError: the server closes


def test_the_server_may_ask_for_the_connection_to_be_closed():
    replies, server = ask(reply(BODY, Connection="close"), 2)

    assert [found.content for found in replies] == [BODY] * 2
    assert server.connections == 2


def test_an_answer_nobody_asked_for_is_not_taken_for_the_next_one():
    replies, server = ask(reply(BODY) + reply(b"false"), 2, between=0.1)

    assert [found.content for found in replies] == [BODY] * 2
    assert server.connections == 2


def test_a_connection_that_lay_idle_for_long_is_not_used_again(monkeypatch):
    monkeypatch.setattr(transport, "KEPT_SECONDS", 0.05)

    _, server = ask(reply(BODY), 2, between=0.1)

    assert server.connections == 2


def test_of_what_meets_a_connection_that_was_just_lost_nothing_has_left(monkeypatch):
    exchange = Exchange()
    real = transport._first

    async def lost(*arguments):
        connection = await real(*arguments)
        connection.close()
        await asyncio.sleep(0.05)
        return connection

    async def once(port):
        async with client_over(way_out()) as client:
            await one(client, f"http://127.0.0.1:{port}", exchange, again=False, method="POST", patience=60)

    monkeypatch.setattr(transport, "_first", lost)
    began = time.monotonic()
    with RawServer(reply(BODY)) as server, pytest.raises(httpx.ReadError):
        asyncio.run(once(server.port))

    assert not exchange.may_have_left
    assert server.requests == []
    assert time.monotonic() - began < 30


async def nowhere(_host, _port):
    raise OSError("no such host")


@pytest.mark.parametrize("trouble", ["refused", "no name", "a header of two lines", "too many at once"])
def test_of_what_was_never_written_nothing_has_left(trouble):
    exchange = Exchange()

    async def look():
        options = {"headers": {"X": "1\r\nX-Evil: 2"}} if trouble == "a header of two lines" else {}
        way = way_out(addresses=nowhere if trouble == "no name" else any_addresses, most=1)
        async with client_over(way) as client:
            url = f"http://127.0.0.1:{free_port()}"
            if trouble == "too many at once":
                await way._gates[False].acquire()
            await one(client, url, exchange, again=False, method="POST", **options)

    kinds = {"a header of two lines": httpx.LocalProtocolError, "too many at once": httpx.PoolTimeout}
    with pytest.raises(kinds.get(trouble, httpx.ConnectError)):
        asyncio.run(look())
    assert not exchange.may_have_left


def test_a_header_that_would_be_two_reaches_nobody():
    async def look(port):
        async with client_over(way_out()) as client:
            await one(client, f"http://127.0.0.1:{port}", headers={"X": "1\nX-Evil: 2"})

    with RawServer(reply(BODY)) as server, pytest.raises(httpx.LocalProtocolError):
        asyncio.run(look(server.port))

    assert server.connections == 0


def test_a_request_is_one_write(monkeypatch):
    """A second one could meet a connection that is closed by then, with half a create on the other side."""
    writes = []
    real = Connection.connection_made

    def connection_made(connection, carrier):
        real(connection, carrier)

        class Counting:
            def write(self, data):
                writes.append(bytes(data))
                carrier.write(data)

            def __getattr__(self, name):
                return getattr(carrier, name)

        connection._transport = Counting()

    monkeypatch.setattr(Connection, "connection_made", connection_made)

    async def post(port):
        async with client_over(way_out()) as client:
            await one(client, f"http://127.0.0.1:{port}", method="POST", content=b"x" * 300_000)

    with RawServer(reply(BODY)) as server:
        asyncio.run(post(server.port))

    assert [len(data) > 300_000 for data in writes] == [True]
    assert len(server.requests) == 1


def test_only_silence_on_a_kept_connection_is_asked_again():
    answers = [reply(BODY), b"SSH-2.0\r\n"]

    async def twice(port):
        async with client_over(way_out()) as client:
            await one(client, f"http://127.0.0.1:{port}")
            await one(client, f"http://127.0.0.1:{port}")

    with (
        RawServer(lambda: [answers.pop(0) if answers else reply(BODY)]) as server,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        asyncio.run(twice(server.port))

    assert len(server.requests) == 2


def test_the_connection_of_what_may_not_be_sent_again_is_not_kept():
    async def once(port):
        way = way_out()
        async with client_over(way) as client:
            await one(client, f"http://127.0.0.1:{port}", again=False)
            return way._open, way._idle

    with RawServer(reply(BODY)) as server:
        assert asyncio.run(once(server.port)) == (set(), [])


def test_a_server_without_the_right_certificate_sees_no_request():
    with pytest.raises(httpx.TransportError):
        ask(reply(BODY), tls=ssl.create_default_context())


def test_cancelling_a_look_closes_its_connection_so_that_its_late_answer_meets_nobody():
    def slow():
        time.sleep(0.2)
        yield reply(b"late")

    async def looks(port):
        async with client_over(way_out()) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await one(client, f"http://127.0.0.1:{port}")
            return await one(client, f"http://127.0.0.1:{port}")

    with RawServer(slow) as server:
        assert asyncio.run(looks(server.port)).content == b"late"
        assert server.connections == 2


def test_what_came_of_an_answer_is_told_whatever_httpx_raises():
    """An odd Location makes httpx forget the answer it belongs to."""
    exchange = Exchange()

    async def once(port):
        async with client_over(way_out()) as client:
            await one(client, f"http://127.0.0.1:{port}", exchange, again=False)

    with (
        RawServer(reply(BODY, "302 Found", Location="http://a:b/")) as server,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        asyncio.run(once(server.port))

    assert (exchange.status, b"".join(exchange.unread), exchange.is_whole) == (302, BODY, True)


def test_what_came_and_was_not_read_is_told():
    exchange = Exchange()

    async def once(port):
        async with (
            client_over(way_out()) as client,
            client.stream("GET", f"http://127.0.0.1:{port}", extensions={"exchange": exchange}),
        ):
            while not exchange.unread:
                await asyncio.sleep(0.01)

    with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + BODY) as server:
        asyncio.run(once(server.port))

    assert (exchange.status, b"".join(exchange.unread), exchange.is_whole) == (200, BODY, False)


# Large bodies


def test_a_reader_that_takes_its_time_holds_back_the_server():
    def endless():
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 400000000\r\n\r\n"
        for _ in range(400):
            yield bytes(1_000_000)

    async def reading(server):
        exchange = Exchange()
        async with client_over(way_out()) as client:
            url = f"http://127.0.0.1:{server.port}"
            async with client.stream("GET", url, extensions={"exchange": exchange}) as response:
                pieces = response.aiter_raw()
                await anext(pieces)
                await asyncio.sleep(1)
                waiting = sum(map(len, exchange.unread))
                more = sum([len(await anext(pieces)) for _ in range(400)])
        return waiting, more

    with RawServer(endless) as server:
        waiting, more = asyncio.run(reading(server))

    assert waiting < 1_000_000
    assert server.sent < 300_000_000
    assert more > 400 * 1000


@pytest.mark.parametrize("between", [0.0, 0.3])
def test_whole_answers_that_were_not_read_leave_a_connection_that_works(between):
    film = bytes(1_500_000)

    async def looks(port):
        found = []
        async with client_over(way_out()) as client:
            for _ in range(3):
                async with client.stream("GET", f"http://127.0.0.1:{port}", extensions={"again": True}) as response:
                    await asyncio.sleep(between)
                found.append(await one(client, f"http://127.0.0.1:{port}"))
                assert response.status_code == 200
        return found

    with RawServer(reply(film)) as server:
        assert [found.content for found in asyncio.run(looks(server.port))] == [film] * 3


def test_what_follows_a_body_is_none_of_its_headers():
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nRetry-After: 9\r\n\r\n")

    assert (found.content, found.trouble) == (b"ab", None)
    assert list(found.headers) == ["transfer-encoding"]


def test_an_endless_trailer_ends():
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: " + b"x" * 200_000)

    assert (found.content, found.trouble) == (b"ab", "the answer's framing is too long")


# Which address


def at(*addresses):
    async def looked_up(_host, _port):
        return list(addresses)

    return looked_up


def test_the_connection_goes_to_the_address_that_was_found_and_the_name_stays_in_the_request():
    async def look(port):
        async with client_over(way_out(addresses=at("127.0.0.1"))) as client:
            return await one(client, f"http://films.example:{port}/v?a=b")

    with RawServer(reply(BODY)) as server:
        assert asyncio.run(look(server.port)).content == BODY

    assert server.requests[0].startswith(f"GET /v?a=b HTTP/1.1\r\nHost: films.example:{server.port}\r\n")


@pytest.fixture
def hole():
    """(address, port) of this machine where nobody ever answers: its queue is full."""
    with socket.create_server(("127.0.0.2", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        yield full.getsockname()


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this machine has one address")
@pytest.mark.parametrize("first", ["silent", "refusing"])
def test_an_address_that_does_not_answer_is_overtaken_by_the_next(hole, first):
    """Well before the time-out of connecting is over."""
    address, port = hole
    with contextlib.closing(socket.create_server(("127.0.0.1", port))) as listener, RawServer(reply(BODY)) as server:
        server._socket, listening = listener, server._socket
        server._start(server._accept)

        async def look():
            addresses = at(address if first == "silent" else "127.0.0.3", "127.0.0.1")
            async with client_over(way_out(addresses=addresses)) as client:
                found = await one(client, f"http://films.example:{port}")
                await asyncio.sleep(0.1)
                assert len(asyncio.all_tasks()) == 1
            return found

        assert asyncio.run(look()).content == BODY
        listening.close()


def test_both_families_are_tried_by_turns():
    given = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"]

    assert transport._by_turns(given) == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"]


def test_where_no_address_answers_the_first_one_says_why():
    async def look():
        async with client_over(way_out(addresses=at("127.0.0.1", "127.0.0.2"))) as client:
            await one(client, f"http://films.example:{free_port()}")

    with pytest.raises(httpx.ConnectError, match=r"127\.0\.0\.1"):
        asyncio.run(look())


# Proxies

LOGIN = "us%40er:pass%3Aword%2F@"


class Leading:
    """A proxy: it reads one head (of a CONNECT, or SOCKS), answers, and leads to a port of this machine."""

    def __init__(self, port, *, tls=None, answer=b"HTTP/1.1 200 OK\r\n\r\n", socks=False, accepts=True):
        self._port, self._tls, self._answer, self._socks, self._accepts = port, tls, answer, socks, accepts
        self.heard = []
        self._open = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for end in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._socket.accept()[0],), daemon=True).start()

    def _serve(self, near):
        self._open.append(near)
        with contextlib.suppress(OSError):
            if self._tls is not None:
                near = self._tls.wrap_socket(near, server_side=True)
                self._open.append(near)
            if not (self._by_socks(near) if self._socks else self._by_connect(near)):
                near.close()
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            self._open.append(far)
            threading.Thread(target=self._pipe, args=(near, far), daemon=True).start()
            self._pipe(far, near)

    def _by_connect(self, near):
        head = b""
        while b"\r\n\r\n" not in head:
            head += near.recv(65536)
        self.heard.append(head.decode())
        near.sendall(self._answer)
        return b" 200 " in self._answer

    def _by_socks(self, near):
        _version, count = near.recv(2)
        methods = near.recv(count)
        near.sendall(b"\x05" + methods[:1])
        if methods == b"\x02":
            login = near.recv(1000)
            self.heard.append(login)
            near.sendall(b"\x01" + (b"\0" if self._accepts else b"\x01"))
            if not self._accepts:
                return False
        target = near.recv(1000)
        self.heard.append(target)
        near.sendall(b"\x05\0\0\x01\x7f\0\0\x01\0\x50" if self._accepts else b"\x05\x05\0\x01\0\0\0\0\0\0")
        return self._accepts

    @staticmethod
    def _pipe(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def authority():
    """(a context that trusts, what makes the context of a server with this name)."""
    made = trustme.CA()
    trusting = ssl.create_default_context()
    made.configure_trust(trusting)

    def server_side(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert(name).configure_cert(context)
        return context

    return trusting, server_side


def by_proxy(address, authority, exchange=None, url="https://service.example/x", times=1, patience=2.0, **options):
    async def looks():
        async with client_over(way_out(Proxy("HTTPS_PROXY", address), authority[0])) as client:
            return [await one(client, url, exchange, patience=patience, **options) for _ in range(times)]

    return asyncio.run(looks())


@pytest.mark.parametrize("kind", ["http", "https", "socks5", "socks5h"])
@pytest.mark.parametrize("login", ["", LOGIN], ids=["open", "with a login"])
def test_a_proxy_leads_to_the_server_with_its_login_and_sees_nothing_else(kind, login, authority):
    server_side = authority[1]
    proxy_tls = server_side("localhost") if kind == "https" else None
    with (
        RawServer(reply(BODY), tls=server_side("service.example")) as server,
        Leading(server.port, tls=proxy_tls, socks=kind.startswith("socks")) as proxy,
    ):
        found = by_proxy(
            f"{kind}://{login}localhost:{proxy.port}", authority, times=3, headers={"Authorization": "Bearer key"}
        )

    assert [answer.content for answer in found] == [BODY] * 3
    assert (server.connections, len(server.requests)) == (1, 3)
    assert all("Authorization: Bearer key" in head and "Proxy" not in head for head in server.requests)
    if kind.startswith("socks"):
        assert proxy.heard == [b"\x01\x05us@er\x0apass:word/"] * bool(login) + [
            b"\x05\x01\0\x03\x0fservice.example\x01\xbb"
        ]
    else:
        shown = "Basic " + base64.b64encode(b"us@er:pass:word/").decode()
        (head,) = proxy.heard
        assert head.startswith("CONNECT service.example:443 HTTP/1.1\r\nHost: service.example:443\r\n")
        assert (f"Proxy-Authorization: {shown}\r\n" in head) == bool(login)
        assert "Bearer" not in head


def test_what_is_not_encrypted_is_handed_to_the_proxy_with_its_whole_address(authority):
    with RawServer(reply(BODY)) as proxy:
        address = f"http://{LOGIN}127.0.0.1:{proxy.port}"
        by_proxy(address, authority, url="http://films.example:81/v?a=b")

    assert proxy.requests[0].startswith("GET http://films.example:81/v?a=b HTTP/1.1\r\nHost: films.example:81\r\n")
    assert "Proxy-Authorization: Basic " in proxy.requests[0]


def test_a_server_behind_a_proxy_needs_its_own_certificate(authority):
    exchange = Exchange()
    with (
        RawServer(reply(BODY), tls=authority[1]("elsewhere.example")) as server,
        Leading(server.port) as proxy,
        pytest.raises(httpx.ConnectError, match=r"(?i)certificate"),
    ):
        by_proxy(f"http://127.0.0.1:{proxy.port}", authority, exchange)

    assert server.requests == []
    assert not exchange.may_have_left


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"SSH-2.0\r\n",
        b"",
    ],
    ids=["wants a login", "no way", "no TLS behind it", "no HTTP", "nothing"],
)
def test_a_proxy_that_does_not_lead_there_has_seen_no_byte_of_the_request(answer, authority):
    exchange = Exchange()
    with RawServer(answer, hang_up=True) as proxy, pytest.raises((httpx.ProxyError, httpx.ConnectError)):
        by_proxy(
            f"http://{LOGIN}127.0.0.1:{proxy.port}", authority, exchange, method="POST", again=False, content=b"{}"
        )

    assert [head.split("\r\n")[0] for head in proxy.requests] == ["CONNECT service.example:443 HTTP/1.1"]
    assert not exchange.may_have_left


@pytest.mark.parametrize("login", ["", LOGIN], ids=["no way", "wrong login"])
def test_a_socks_proxy_that_refuses_has_seen_no_byte_of_the_request(login, authority):
    exchange = Exchange()
    with (
        RawServer(reply(BODY)) as server,
        Leading(server.port, socks=True, accepts=False) as proxy,
        pytest.raises(httpx.ProxyError, match="HTTPS_PROXY"),
    ):
        by_proxy(f"socks5://{login}127.0.0.1:{proxy.port}", authority, exchange, method="POST", again=False)

    assert not exchange.may_have_left
    assert server.connections == 0


def test_what_was_sent_through_a_proxy_and_got_no_answer_may_have_left(authority):
    exchange = Exchange()
    with (
        RawServer(b"", tls=authority[1]("service.example"), hang_up=True) as server,
        Leading(server.port) as proxy,
        pytest.raises(httpx.ReadError),
    ):
        by_proxy(f"http://127.0.0.1:{proxy.port}", authority, exchange, method="POST", again=False)

    assert exchange.may_have_left
    assert len(server.requests) == 1


def test_another_proxy_gets_a_connection_of_its_own(authority):
    proxies = []

    async def looks():
        way = Transport(tls=lambda: authority[0], proxy_for=lambda _: proxies[0], most_kept=4, most_fresh=4)
        async with client_over(way) as client:
            for leading in (first, second, first):
                proxies[:] = [Proxy("HTTPS_PROXY", f"http://127.0.0.1:{leading.port}")]
                await one(client, "https://service.example/x")

    with RawServer(reply(BODY), tls=authority[1]("service.example")) as server:  # noqa: SIM117
        with Leading(server.port) as first, Leading(server.port) as second:
            asyncio.run(looks())

    assert (len(first.heard), len(second.heard)) == (1, 1)


# Lanes


def test_of_many_looks_at_once_a_few_share_what_connections_there_may_be():
    async def looks(port):
        async with client_over(way_out(most=3)) as client:
            await asyncio.gather(*(one(client, f"http://127.0.0.1:{port}") for _ in range(30)))

    with RawServer(reply(BODY)) as server:
        asyncio.run(looks(server.port))

    assert len(server.requests) == 30
    assert server.connections == 3


@pytest.mark.parametrize("how", ["broken", "cancelled", "left early"])
def test_a_lane_is_given_back_however_a_request_ends(how):
    answer = {"broken": b"SSH-2.0\r\n", "cancelled": lambda: iter(()), "left early": b"HTTP/1.1 200 OK\r\n\r\nx"}[how]

    async def looks(port):
        way = way_out(most=1)
        async with client_over(way) as client:
            for again in (True, False) * 3:
                with contextlib.suppress(TimeoutError, httpx.TransportError):
                    async with (
                        asyncio.timeout(0.1),
                        client.stream("GET", f"http://127.0.0.1:{port}", extensions={"again": again}),
                    ):
                        pass
            assert way._gates[True]._value == way._gates[False]._value == 1
            assert way._open == set()

    with RawServer(answer) as server:
        asyncio.run(looks(server.port))


def test_closing_it_closes_what_is_kept_and_what_is_under_way():
    async def main(port):
        client = client_over(way_out())
        await one(client, f"http://127.0.0.1:{port}")
        await client.aclose()
        gc.collect()

    with RawServer(reply(BODY)) as server:
        asyncio.run(main(server.port))
        for thread in server._threads[1:]:
            thread.join(5)
            assert not thread.is_alive()


def test_a_connection_that_is_asked_when_it_is_closed_has_written_nothing():
    async def main(port):
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        connection.close()
        exchange = Exchange()
        with pytest.raises(Unanswered):
            await connection.ask(lambda: b"GET / HTTP/1.1\r\n\r\n", exchange, math.inf)
        return exchange.may_have_left

    with RawServer(reply(BODY)) as server:
        assert asyncio.run(main(server.port)) is False
