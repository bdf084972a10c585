"""The page a service rings at, as the world may call it: real sockets, and every call that somebody might try."""

import asyncio
import json
import logging
import socket
import threading
import time

import pytest

from seedance_nb.waking import pages
from seedance_nb.waking.pages import MOST_BODY, Receiver, Turnstile
from seedance_nb.waking.tokens import fingerprint, new_token

LIVING, DEAD = "only-for-these-tests-A", "only-for-these-tests-B"  # the same in every process that collects tests
SECONDS = 60.0


class Page:
    """The receiver in a thread of its own. `rung` are the fingerprints of what was called; that of LIVING is known to somebody."""

    def __init__(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self.rung = []
        self._loop = asyncio.SelectorEventLoop()
        ready = threading.Event()

        async def listen():
            self._receiver = Receiver([listener], self.rung.append)
            ready.set()

        def serve():
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(listen())
            self._loop.run_forever()
            self._loop.run_until_complete(self._receiver.close())
            self._loop.close()

        self._thread = threading.Thread(target=serve)
        self._thread.start()
        assert ready.wait(SECONDS)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def say(self, *parts):
        """All that is answered to these bytes, until it hangs up."""
        with self.connect() as line:
            for part in parts:
                try:
                    line.sendall(part)
                except OSError:  # it has heard enough
                    break
            return everything(line)

    def call(self, token, method="POST", headers="", body=b"{}", path="/user/me/seedance/wake/"):
        head = f"{method} {path}{token} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        return without_date(self.say(head.encode("utf-8"), body))


def everything(line):
    got = b""
    try:
        while piece := line.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def without_date(answer):
    return b"\r\n".join(part for part in answer.split(b"\r\n") if not part.lower().startswith(b"date:"))


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


@pytest.fixture
def page():
    page = Page()
    yield page
    page.close()


def test_a_token_that_may_live_is_told_by_its_fingerprint_alone(page):
    assert status_of(page.call(LIVING)) == 204

    assert page.rung == [fingerprint(LIVING)]
    assert LIVING not in page.rung[0]


def test_tokens_are_128_random_bits_and_never_the_same():
    tokens = {new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {22}
    assert len({fingerprint(token) for token in tokens}) == 1000


@pytest.mark.parametrize(
    "token",
    [
        "",
        LIVING[:11],
        LIVING + "A",
        LIVING + "/",
        "x/" + LIVING,
        "é" * 11,
        "%F0%9F%90%88" * 3,
        "%ff%fe",
        "..%2f..%2fetc%2fpasswd",
        "../" * 9,
        "\x00" * 22,
        LIVING[:-1] + "\u212a",
        "a" * 15_000,
    ],
    ids=lambda token: repr(token[:12]),
)
def test_what_is_no_token_rings_nobody_and_is_answered_like_one(page, token):
    answer = page.call(token)

    assert page.rung == []
    assert (
        answer == page.call(DEAD) or (answer.startswith(b"HTTP/1.1 4") and answer == page.call(token)) or answer == b""
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_only_a_post_rings_and_others_are_told_the_same_of_every_token(page, method):
    living, dead = page.call(LIVING, method), page.call(DEAD, method)

    assert page.rung == []
    assert status_of(living) == 405
    assert living == dead


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("", b""),
        ("", b"{}"),
        ("Content-Type: application/json\r\n", b"[" * 5000),
        ("Content-Type: application/x-www-form-urlencoded\r\n", b"a=" + b"%" * 4000),
        ("Content-Type: multipart/form-data; boundary=x\r\n", b"--x\r\n" * 1000),
        ("Content-Encoding: gzip\r\n", b"no gzip"),
        ("Cookie: _xsrf=1\r\nOrigin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n", b"{}"),
        ("Authorization: token tests-only\r\nX-Forwarded-For: 1.2.3.4\r\n", b"{}"),
        ("Expect: 100-continue\r\n", b"{}"),
    ],
)
def test_whatever_it_says_and_whoever_says_it_the_answer_does_not_tell_which_tokens_live(page, headers, body):
    assert page.call(LIVING, headers=headers, body=body) == page.call(DEAD, headers=headers, body=body)


def test_a_body_that_is_too_long_is_not_read(page):
    head = f"POST /seedance/wake/{LIVING} HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n".encode()
    with page.connect() as line:
        line.sendall(head)  # and not a byte of it

        answer = everything(line)

    assert status_of(answer) == 204
    assert page.rung == [fingerprint(LIVING)]


def test_a_chunked_body_without_end_is_broken_off_after_some_kilobytes(page):
    head = f"POST /seedance/wake/{DEAD} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    sent = 0
    with page.connect() as line:
        line.sendall(head)
        try:
            while sent < 20_000 * len(chunk):
                line.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        else:
            pytest.fail("it took eighty megabytes")
    assert sent > MOST_BODY


def test_a_body_that_drips_is_not_waited_for(page, monkeypatch):
    monkeypatch.setattr(pages, "BODY_SECONDS", 0.2)
    head = f"POST /seedance/wake/{LIVING} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n".encode()
    with page.connect() as line:
        line.sendall(head + b"{")

        assert status_of(everything(line)) == 204  # though 998 bytes never came
    assert page.rung == [fingerprint(LIVING)]


def test_bytes_that_are_no_http_are_hung_up_on(page):
    for noise in (
        b"\x16\x03\x01\x02\x00" + b"\x00" * 200 + b"\r\n\r\n",
        b"POST\r\n\r\n",
        b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ):
        answer = page.say(noise)
        assert answer == b"" or status_of(answer) >= 400
    assert page.rung == []


def test_every_other_page_is_not_there(page):
    for path in ("/", "/seedance/", "/api/kernels/", "/seedance/wakes/"):
        assert status_of(page.call(LIVING, path=path)) == 404
    assert page.rung == []


def test_beyond_so_many_calls_nothing_is_looked_up_and_the_honest_are_told_to_come_again(page, monkeypatch):
    monkeypatch.setattr(Turnstile, "lets_in", lambda _self: False)
    looked = []
    monkeypatch.setattr(pages, "fingerprint", looked.append)

    living, dead = page.call(LIVING), page.call(DEAD)

    assert (living, status_of(living)) == (dead, 429)
    assert b"Retry-After" in living
    assert (looked, page.rung) == ([], [])


def test_the_turnstile_lets_in_so_many_at_once_and_then_so_many_a_second():
    now = [100.0]
    turnstile = Turnstile(10, 5, lambda: now[0])

    at_once = [turnstile.lets_in() for _ in range(7)]
    now[0] += 0.25
    later = [turnstile.lets_in() for _ in range(4)]
    now[0] += 3600
    rested = [turnstile.lets_in() for _ in range(7)]

    assert at_once == [True] * 5 + [False] * 2
    assert later == [True] * 2 + [False] * 2
    assert rested == [True] * 5 + [False] * 2


def test_a_page_answers_at_once_beside_a_hundred_that_hold_the_line(page):
    lines = [page.connect() for _ in range(100)]
    for line in lines:
        line.sendall(b"POST /seedance/wake/" + DEAD.encode() + b" HTTP/1.1\r\nHost: h\r\nX-")

    assert status_of(page.call(LIVING)) == 204

    for line in lines:
        line.close()


def test_nothing_of_a_call_is_logged_whatever_becomes_of_it(page, caplog):
    caplog.set_level(logging.DEBUG)
    for method in ("POST", "GET", "BREW"):
        page.call(LIVING, method)
    page.call(LIVING, path="/nearly/wake/")
    page.call(LIVING, headers="Content-Encoding: gzip\r\n", body=json.dumps({"a": LIVING}).encode())
    page.say(f"POST /seedance/wake/{LIVING} HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n".encode())
    page.say(f"POST /seedance/wake/{LIVING} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".encode())
    time.sleep(0)

    assert LIVING not in caplog.text
    assert fingerprint(LIVING) not in caplog.text
