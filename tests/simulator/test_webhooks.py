"""The simulator calls a webhook as a service may: once at the end, or late, twice, too early, out of order, forged, never."""

import http.server
import json
import threading
import time

import pytest
from simulator.http_caller import Caller

from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.simulator.faults import KINDS

SECONDS = 60.0


class Hook:
    """What is called, in order: (path, status told, time)."""

    def __init__(self):
        self.calls = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.calls.append((self.path, body["status"], time.time()))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/wake/token"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def hook():
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def simulator():
    with Simulator(pace=Pace(0.1, 0.2, 0)) as running:
        yield running


def called(simulator, hook, how=None, prompt="a cat", **fields):
    if how:
        simulator.add_fault(Fault("webhook", how, **fields))
    made = Caller(simulator).create(prompt, webhookUrl=hook.url).json
    end = time.monotonic() + SECONDS
    wanted = {"twice": 2, "out_of_order": 2, "early": 2, "forged": 20, "never": 0}.get(how, 1)
    while len(hook.calls) < wanted:
        assert time.monotonic() < end
        time.sleep(0.01)
    while not simulator.scenario.status(made["requestId"]).is_final:
        time.sleep(0.01)
    time.sleep(0.1)  # one call too many would come now
    return [status for _, status, _ in hook.calls]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (None, ["succeeded"]),
        ("late", ["succeeded"]),
        ("early", ["queued", "succeeded"]),
        ("twice", ["succeeded", "succeeded"]),
        ("out_of_order", ["succeeded", "processing"]),
        ("forged", ["failed"] * 20),
        ("never", []),
    ],
)
def test_it_calls_as_it_is_told(simulator, hook, how, told):
    assert called(simulator, hook, how, seconds=0.2) == told

    paths = {path for path, _, _ in hook.calls}
    assert paths == ({"/wake/token"} if told and how != "forged" else paths)
    assert how != "forged" or "/wake/token" not in paths
    assert simulator.calls["webhook"] == len(told)


def test_a_failure_is_called_too(simulator, hook):
    assert called(simulator, hook, prompt="a cat [fail]") == ["failed"]


def test_a_cancel_is_called_too(simulator, hook):
    call = Caller(simulator)
    made = call.create("a cat [stuck]", webhookUrl=hook.url).json
    call("POST", f"/api/open/v1/video/generations/{made['requestId']}/cancel")
    end = time.monotonic() + SECONDS
    while not hook.calls:
        assert time.monotonic() < end
        time.sleep(0.01)

    assert [status for _, status, _ in hook.calls] == ["cancelled"]


def test_whoever_does_not_listen_disturbs_nobody(simulator):
    made = Caller(simulator).create("a cat", webhookUrl="http://127.0.0.1:9/nobody").json
    end = time.monotonic() + SECONDS
    while simulator.calls["webhook"] == 0:
        assert time.monotonic() < end
        time.sleep(0.01)

    assert Caller(simulator).get(made["requestId"]).status == 200


def test_every_way_to_call_badly_was_met_here():
    tried = {case[0] for case in test_it_calls_as_it_is_told.pytestmark[0].args[1]}

    assert {name for name, kind in KINDS.items() if "webhook" in kind.calls} == tried - {None}
