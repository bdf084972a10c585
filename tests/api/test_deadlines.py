"""A deadline counts what the process lived, and is judged after what lies in the socket has been read."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import trustme
from api.raw_server import RawServer, reply

from seedance_nb.api import deadlines
from seedance_nb.api.deadlines import Deadline, LivedTime

SECONDS = 1.5
"""Every deadline of the process that is stopped, and it is stopped for longer."""
PATIENCE = 60.0
BODY = json.dumps({"success": True, "requestId": "req_1", "status": "processing", "data": ["a model"]}).encode()
CALLS = ("create", "look", "cancel", "models", "video")


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Tunnel:
    """A proxy that leads every CONNECT to one port of this machine."""

    def __init__(self, port):
        self._port, self._open = port, []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

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
        head = b""
        while b"\r\n\r\n" not in head:
            head += near.recv(65536)
        assert head.startswith(b"CONNECT ")
        far = socket.create_connection(("127.0.0.1", self._port))
        self._open += [near, far]
        near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=self._pipe, args=(near, far), daemon=True).start()
        self._pipe(far, near)

    @staticmethod
    def _pipe(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)


def stopped_while_it_waits(way, answer, tmp_path, awake):
    """What came of all calls of a process that was stopped for longer than their deadlines once all had been asked.

    `answer(asleep, awake)` makes the parts of each answer; the events say that the process sleeps, and that it goes on.
    """
    asleep = threading.Event()
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with contextlib.ExitStack() as stack:
        tls = None
        if way != "plain":
            authority = trustme.CA()
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost", "service.example", "films.example").configure_cert(tls)
            authority.cert_pem.write_to_path(tmp_path / "authority.pem")
            environment["SSL_CERT_FILE"] = str(tmp_path / "authority.pem")
        server = stack.enter_context(RawServer(lambda: answer(asleep, awake), tls=tls))
        base_url, video_url = server.base_url, f"{server.base_url}/film.mp4"
        if way == "TLS":
            base_url = f"https://localhost:{server.port}"
            video_url = f"{base_url}/film.mp4"
        if way == "by proxy":
            environment["HTTPS_PROXY"] = stack.enter_context(Tunnel(server.port)).url
            base_url, video_url = "https://service.example", "https://films.example/film.mp4"
        command = [sys.executable, str(Path(__file__).with_name("sleeper.py")), base_url, video_url, str(SECONDS)]
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        stack.callback(process.kill)
        until(lambda: len(server.requests) == len(CALLS) or process.poll() is not None)
        process.send_signal(signal.SIGSTOP)
        until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        asleep.set()
        time.sleep(1.5 * SECONDS)
        process.send_signal(signal.SIGCONT)
        awake.set()
        return json.loads(process.communicate(timeout=PATIENCE)[0])


def whole(asleep, _awake):
    asleep.wait(PATIENCE)
    yield reply(BODY)


def in_halves(asleep, _awake):
    yield reply(BODY)[:-20]
    asleep.wait(PATIENCE)
    yield reply(BODY)[-20:]


def in_three_parts(asleep, awake):
    """The rest is still on its way when the process wakes: what was left of the time before is left after."""
    yield reply(BODY)[:-40]
    asleep.wait(PATIENCE)
    yield reply(BODY)[-40:-20]
    awake.wait(PATIENCE)
    time.sleep(0.3)
    yield reply(BODY)[-20:]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing stops a process here")
@pytest.mark.parametrize(
    ("way", "answer"),
    [
        ("plain", whole),
        ("plain", in_three_parts),
        ("TLS", in_halves),
        ("by proxy", in_three_parts),
    ],
)
def test_what_came_while_the_process_was_stopped_is_read_and_the_time_does_not_count(way, answer, tmp_path):
    found = stopped_while_it_waits(way, answer, tmp_path, threading.Event())

    assert "Error" not in str(found)
    for call in ("create", "look", "cancel"):
        assert "request_id='req_1', status=<Status.PROCESSING" in found[call]
        assert "oddity=None" in found[call]  # whole, not saved from a damaged answer
    assert found["models"] == "['a model']"
    assert found["video"] == BODY.decode()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing stops a process here")
def test_a_service_that_says_nothing_after_the_process_was_stopped_is_not_waited_for_for_ever(tmp_path):
    def nothing(_asleep, awake):
        awake.wait(PATIENCE)
        time.sleep(4 * SECONDS)
        yield b""

    found = stopped_while_it_waits("plain", nothing, tmp_path, threading.Event())

    assert "OutcomeUnknown" in found["create"]
    assert "ConnectionFailed" in found["look"]
    assert "the video host did not answer (no answer in time)" in found["video"]


class StoppedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps as it does for a process that was stopped."""

    slept = 0.0

    def time(self):
        return super().time() + self.slept


def in_stopped_loop(story):
    loop = StoppedLoop()
    try:
        return loop.run_until_complete(story(loop))
    finally:
        loop.close()


def test_it_ends_when_its_seconds_are_over():
    async def story(loop):
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with Deadline(0.4):
                await asyncio.sleep(PATIENCE)
        return loop.time() - began

    assert in_stopped_loop(story) >= 0.4


def test_a_renewed_one_begins_anew():
    async def story(_loop):
        async with Deadline(0.3) as deadline:
            for _ in range(6):
                await asyncio.sleep(0.1)
                deadline.renew(0.3)

    in_stopped_loop(story)


def test_an_hour_that_was_slept_through_counts_as_a_tick():
    async def story(loop):
        async with Deadline(1.0):
            loop.slept = 3600.0
            await asyncio.sleep(0.3)
        return True

    assert in_stopped_loop(story)


def test_what_is_ready_when_the_time_is_over_is_taken_first():
    async def story(loop):
        here, there = socket.socketpair()
        here.setblocking(False)
        with here, there:
            async with Deadline(0.05):
                loop.call_later(0.01, time.sleep, 0.1)  # the loop is busy while the deadline passes
                loop.call_later(0.011, there.sendall, b"an answer")
                return await loop.sock_recv(here, 100)

    assert in_stopped_loop(story) == b"an answer"


def test_a_loop_that_never_gets_its_turn_in_time_ends_its_waits_all_the_same(monkeypatch):
    monkeypatch.setattr(deadlines, "LATE", -1.0)  # every tick is late

    async def story(_loop):
        with pytest.raises(TimeoutError):
            async with Deadline(0.1):
                await asyncio.sleep(PATIENCE)
        return True

    assert in_stopped_loop(story)


def test_lived_time_believes_no_step_that_is_too_long():
    now = iter([100.0, 100.5, 4000.0, 4000.25])
    lived = LivedTime(1.0, lambda: next(now))

    assert [lived(), lived(), lived()] == [0.5, 1.5, 1.75]
