"""The connection of looks: whatever bytes come, an answer or a plain word of why there is none."""

import asyncio
import gzip
import ssl
import time

import pytest
from api.raw_server import RawServer, free_port, reply

from seedance_nb.api import lines
from seedance_nb.api.lines import Line, LineBroken, Reply

HEAD = b"GET /x HTTP/1.1\r\nHost: here\r\n\r\n"
BODY = b'{"status": "processing"}'


def ask(answer, times=1, *, between=0.0, hang_up=False, tls=None, limit=1000, patience=1.0, again=True):
    """(replies, server) of so many looks over one line; a list of bytes is sent in parts, 0.02 s apart."""

    def parts():
        for part in answer:
            time.sleep(0.02)
            yield part

    async def looks(port):
        line = Line("127.0.0.1", port, tls, connect_timeout=1, read_timeout=patience, largest_body=limit)
        replies = []
        try:
            for number in range(times):
                await asyncio.sleep(between if number else 0)
                replies.append(Reply())
                await line.ask(lambda: HEAD, replies[-1], again=again)
        finally:
            await line.aclose()
        return replies

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
        reply(gzip.compress(BODY), Content_Encoding="gzip"),
    ],
    ids=["whole", "byte by byte", "chunked", "early hints", "continue", "packed"],
)
def test_an_answer_is_whole_however_it_comes(answer):
    (found,), server = ask(answer)

    assert (found.status, found.content, found.trouble) == (200, BODY, None)
    assert "link" not in found.headers
    assert server.requests == [HEAD.decode().removesuffix("\r\n\r\n")]


def test_without_a_length_the_end_of_the_connection_is_the_end_of_the_answer():
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, hang_up=True)

    assert (found.content, found.trouble) == (BODY, None)


def test_headers_of_one_name_are_joined():
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRetry-After: 0\r\nX: 1\r\nRETRY-AFTER: 7\r\n\r\n")

    assert found.headers == {"content-length": "0", "retry-after": "0, 7", "x": "1"}


@pytest.mark.parametrize(
    "head", [b"Content-Length: 100", b"Transfer-Encoding: chunked"], ids=["shorter than said", "last chunk missing"]
)
def test_an_answer_that_ends_early_says_so(head):
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n18\r\n" + BODY, hang_up=True)

    assert found.status == 200
    assert found.trouble == "cut off (the connection was closed)"


def test_an_answer_that_stalls_is_kept_as_far_as_it_came():
    (found,), _ = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + BODY, patience=0.2)

    assert (found.content, found.trouble) == (BODY, "cut off (no answer in time)")


def test_every_byte_renews_the_patience():
    (found,), _ = ask([reply(BODY)[i : i + 4] for i in range(0, len(reply(BODY)), 4)], patience=0.15)

    assert found.content == BODY


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_beyond_the_limit_is_not_read(packed):
    body = bytes(100_000)
    answer = reply(gzip.compress(body), Content_Encoding="gzip") if packed else reply(body)

    (found,), _ = ask(answer, limit=500)

    assert (len(found.content), found.trouble) == (500, "too long")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", "no HTTP"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            "something else than HTTP",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "head is too long"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "in the middle of an answer"),
        (b"", "without an answer"),
    ],
    ids=["another protocol", "two lengths", "upgrade", "endless head", "half a head", "nothing"],
)
def test_what_is_no_answer_is_told_in_plain_words(answer, words):
    with pytest.raises(LineBroken, match=words):
        ask(answer, hang_up=True)


def test_no_answer_at_all_takes_no_longer_than_the_patience():
    began = time.monotonic()

    with pytest.raises(LineBroken, match="no answer in time"):
        ask([], patience=0.2)

    assert 0.15 < time.monotonic() - began < 1


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
        line = Line("127.0.0.1", port, None, connect_timeout=1, read_timeout=1, largest_body=99)
        for again in (True, False, True):
            await line.ask(lambda: HEAD, Reply(), again=again)
        await line.aclose()

    with RawServer(reply(BODY)) as server:
        asyncio.run(both(server.port))

    assert server.connections == 2


def test_what_may_not_be_sent_again_is_not():
    with RawServer(b"", hang_up=True) as server:
        found = Reply()

        async def once():
            line = Line("127.0.0.1", server.port, None, connect_timeout=1, read_timeout=1, largest_body=99)
            await line.ask(lambda: HEAD, found, again=False)

        with pytest.raises(LineBroken, match="without an answer"):
            asyncio.run(once())

    assert found.may_have_left
    assert len(server.requests) == 1


def test_the_server_may_ask_for_the_connection_to_be_closed():
    replies, server = ask(reply(BODY, Connection="close"), 2)

    assert [found.content for found in replies] == [BODY] * 2
    assert server.connections == 2


def test_an_answer_nobody_asked_for_is_not_taken_for_the_next_one():
    replies, server = ask(reply(BODY) + reply(b"false"), 2, between=0.1)

    assert [found.content for found in replies] == [BODY] * 2
    assert server.connections == 2


def test_a_connection_that_lay_idle_for_long_is_not_used_again(monkeypatch):
    monkeypatch.setattr(lines, "KEPT_SECONDS", 0.05)

    _, server = ask(reply(BODY), 2, between=0.1)

    assert server.connections == 2


def test_of_what_meets_a_connection_that_was_just_lost_nothing_has_left():
    found = Reply()

    async def once(port):
        line = Line("127.0.0.1", port, None, connect_timeout=1, read_timeout=5, largest_body=99)
        connection = await line._connect()
        connection.close()
        await asyncio.sleep(0.05)
        line._connect = lambda: asyncio.sleep(0, connection)
        await line.ask(lambda: HEAD, found, again=False)

    began = time.monotonic()
    with RawServer(reply(BODY)) as server, pytest.raises(LineBroken):
        asyncio.run(once(server.port))

    assert not found.may_have_left
    assert server.requests == []
    assert time.monotonic() - began < 2


def test_of_what_meets_a_refused_connection_nothing_has_left():
    found = Reply()

    async def look():
        await Line("127.0.0.1", free_port(), None, connect_timeout=1, read_timeout=1, largest_body=9).ask(
            lambda: HEAD, found, again=True
        )

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(look())
    assert not found.may_have_left


def test_a_server_without_the_right_certificate_sees_no_request():
    with pytest.raises((OSError, LineBroken)):
        ask(reply(BODY), tls=ssl.create_default_context())


def test_cancelling_a_look_closes_its_connection_so_that_its_late_answer_meets_nobody():
    def slow():
        time.sleep(0.2)
        yield reply(b"late")

    async def looks(port):
        line = Line("127.0.0.1", port, None, connect_timeout=1, read_timeout=5, largest_body=99)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await line.ask(lambda: HEAD, Reply(), again=True)
        second = Reply()
        await line.ask(lambda: HEAD, second, again=True)
        await line.aclose()
        return second

    with RawServer(slow) as server:
        assert asyncio.run(looks(server.port)).content == b"late"
        assert server.connections == 2
