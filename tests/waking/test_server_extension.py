"""The extension in a real Jupyter Server, whose log says everything, and a session that the server wakes."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from seedance_nb.simulator import Fault, Pace, Simulator, film
from seedance_nb.tracking.checkup import check_up
from seedance_nb.tracking.session import Session
from seedance_nb.waking.addresses import SERVER_IN_ENV

SECONDS = 60.0
HOUR = {"poll_floor": 3600, "poll_ceiling": 3600}


class Server:
    """`jupyter server` below /user/me/, where nobody gets in without the token, as a hub would start it."""

    def __init__(self, folder: Path, **env: str) -> None:
        (folder / "home").mkdir(parents=True)
        self.log = folder / "log"
        self.runtime = folder / "runtime"
        mine = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "SEEDANCE_"))}
        mine |= {
            "HOME": str(folder / "home"),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            **env,
        }
        words = [sys.executable, "-m", "jupyter_server", "--debug", "--allow-root", "--no-browser"]
        words += ["--ServerApp.port=0", "--ServerApp.base_url=/user/me/", "--IdentityProvider.token=tests-only"]
        words += [f"--ServerApp.root_dir={folder}", "--ServerApp.allow_unauthenticated_access=False"]
        self._out = self.log.open("wb")
        self.process = subprocess.Popen(
            words, env=mine, cwd=folder, stdout=self._out, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.description = self.runtime / "seedance-wake" / f"server-{self.process.pid}.json"
        self.base = self._await()

    def _await(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                base = json.loads(self.description.read_text())["local"]
                urllib.request.urlopen(f"{base}api/status?token=tests-only", timeout=5).close()
                return base
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    @property
    def living(self):
        """The files of living tokens."""
        return [path for path in self.description.parent.iterdir() if len(path.name) == 64]

    def call(self, token, method="POST", body=b"{}"):
        request = urllib.request.Request(f"{self.base}seedance/wake/{token}", data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._out.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def simulator(small_film, monkeypatch):
    monkeypatch.setattr(film, "render", lambda path, **_about: shutil.copy(small_film, path))
    with Simulator(pace=Pace(0.2, 0.3, 0)) as running:
        yield running


@pytest.fixture
def make_session(server, simulator, tmp_path, monkeypatch):
    """Sessions as in a kernel of that server."""
    monkeypatch.setenv(SERVER_IN_ENV, str(server.description))
    with contextlib.ExitStack() as open_ones:
        yield lambda **changes: open_ones.enter_context(
            Session(
                **{"api_key": "k", "base_url": simulator.base_url, "home": tmp_path, "webhook_url": "auto", **changes}
            )
        )
    for path in server.living:  # of jobs that the test left alone
        path.unlink()


def token_of(simulator, number=-1):
    return simulator.scenario.accepted[number].body["webhookUrl"].rpartition("/")[2]


def until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_wheel_enables_it_by_itself():
    enabled = json.loads((Path(sys.prefix) / "etc/jupyter/jupyter_server_config.d/seedance_nb.json").read_text())

    assert enabled == {"ServerApp": {"jpserver_extensions": {"seedance_nb": True}}}


def test_a_webhook_brings_the_video_though_nobody_looks_for_an_hour(server, simulator, make_session):
    job = make_session(**HOUR).submit("a boat", duration=4, resolution="480p")

    assert job.result(SECONDS).path.exists()

    assert (simulator.calls["create"], simulator.calls["get"], simulator.calls["webhook"]) == (1, 1, 1)
    assert server.living == []  # gone with its end


def test_the_token_is_in_no_log_no_ledger_and_on_no_screen(server, simulator, make_session, tmp_path):
    session = make_session(**HOUR)
    job = session.submit("a boat [stuck]", duration=4, resolution="480p", webhook_url="auto")
    until(lambda: job.request_id is not None)
    token = token_of(simulator)
    for method in ("POST", "GET", "PUT", "BREW"):
        server.call(token, method)
        server.call(f"{token}/", method)
        server.call(f"x/{token}", method)
    server.call(token, body=b"x" * 100_000)

    assert len(token) == 22
    shown = repr(job.snapshot) + repr(job) + repr(session.jobs()) + repr(session.engine.runner._tools.bells.__dict__)
    assert token not in shown + server.log.read_text(errors="replace")
    assert "/api/status" in server.log.read_text(errors="replace")  # it does say what else is called
    for path in [*tmp_path.rglob("*"), *server.runtime.rglob("*")]:
        assert not path.is_file() or token.encode() not in path.read_bytes(), path
    assert job.request.webhook_url == "auto"


def test_a_thousand_forged_calls_cause_no_look(server, simulator, make_session):
    job = make_session(**HOUR).submit("a boat [stuck]", duration=4, resolution="480p")
    until(lambda: job.request_id is not None)
    half = token_of(simulator)[:11]

    answers = {server.call(half + secrets.token_urlsafe(8)[:11]) for _ in range(1000)}

    assert answers <= {204, 429}
    assert simulator.calls["get"] == 0


def test_a_stranger_learns_nothing_of_a_token_from_the_answer(server, simulator, make_session):
    job = make_session(**HOUR).submit("a boat [stuck]", duration=4, resolution="480p")
    until(lambda: job.request_id is not None)
    living = token_of(simulator)

    for method in ("POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert server.call(living, method) == server.call("A" * 22, method)
    assert server.call(living, body=b"x" * 1_000_000) == server.call("A" * 22, body=b"x" * 1_000_000) == 204


def test_the_next_kernel_is_woken_by_the_token_that_the_last_one_left(server, simulator, make_session):
    simulator.add_fault(Fault("webhook", "late", seconds=3600))
    first = make_session(**HOUR)
    job = first.submit("a boat", duration=4, resolution="480p")
    until(lambda: job.request_id is not None)
    first.close()
    until(lambda: simulator.scenario.status(job.request_id).is_final)
    assert len(server.living) == 1
    simulator.add_fault(Fault("get", "backwards", times=1))  # its first look must not find the end

    [again] = make_session(**HOUR).resume()
    until(lambda: simulator.calls["get"] == 1)
    until(lambda: len(server.living[0].read_text().splitlines()) == 2)
    assert server.call(token_of(simulator)) == 204

    assert again.result(SECONDS).path.exists()
    assert (simulator.calls["create"], server.living) == (1, [])


def test_doctor_calls_the_address_and_hears_itself(server, make_session):
    [found] = [finding for finding in check_up(make_session()) if finding.what == "webhooks"]

    assert found.ok
    assert f"a call to {server.base} arrives here" in found.found
    assert server.living == []


def test_doctor_says_what_is_wrong_with_an_address_and_never_shows_a_token(server, make_session):
    wrong = make_session(public_url=server.base.replace("/user/me/", "/user/you/"))
    [found] = [finding for finding in check_up(wrong) if finding.what == "webhooks"]

    assert not found.ok
    assert "answers with HTTP 4" in found.cure
    assert "seedance/wake/" not in str(found)


def test_behind_a_proxy_or_a_hub_the_server_knows_its_address(tmp_path):
    hub = {"JUPYTERHUB_SERVICE_PREFIX": "/user/me/", "JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/me/"}
    server = Server(tmp_path, **hub)
    try:
        assert json.loads(server.description.read_text())["public"] == "https://hub.example/user/me/"
    finally:
        server.stop()
    assert not server.description.exists()
