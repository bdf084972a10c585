import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from simulator.http_caller import AT_ONCE, VIDEOS, Caller

from seedance_nb.simulator import SIMULATOR_KEY, Fault, Pace, Simulator, start


def test_a_generation_goes_from_create_to_a_video(simulator, call):
    request_id = call.create("a cat").json["requestId"]
    url = call.finish(request_id)["output"]["url"]
    assert url == f"{simulator.base_url}/results/{request_id}.mp4"
    video = call("GET", url.removeprefix(simulator.base_url))
    assert (video.status, video.headers["Content-Type"]) == (200, "video/mp4")
    assert int(video.headers["Content-Length"]) == len(video.body)
    assert video.body[4:8] == b"ftyp"


def test_a_cancelled_generation_has_no_video(call):
    request_id = call.create().json["requestId"]
    cancelled = call("POST", f"{VIDEOS}/{request_id}/cancel")
    assert cancelled.json == {"success": True, "requestId": request_id, "status": "cancelled", "simulated": True}
    assert call("GET", f"/results/{request_id}.mp4").status == 404
    assert call("POST", f"{VIDEOS}/{request_id}/cancel").status == 409


def test_the_models_are_listed(call):
    assert call("GET", "/api/open/v1/models").json["data"][0]["id"] == "seedance-2.0"


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}", b"\xff\xfe", b"[]"])
def test_a_body_that_is_no_json_object_is_refused(call, body):
    answer = call("POST", VIDEOS, body)
    assert (answer.status, answer.json["success"]) == (400, False)


def test_an_unknown_page_or_method_is_refused_in_json(call):
    assert call("GET", "/nowhere").json["success"] is False
    assert call("PUT", VIDEOS, {}).json["success"] is False


def test_every_call_is_counted_also_refused_ones(simulator, call):
    call.create()
    call.create("")
    call.get("req_1")
    call("GET", "/nowhere")
    assert simulator.calls == {"create": 2, "get": 1, "other": 1}
    assert simulator.calls_with_key == {}


def test_calls_that_carry_a_key_are_counted_apart(simulator):
    Caller(simulator, key="any")("GET", "/results/req_1.mp4")
    assert simulator.calls_with_key == {"download": 1}


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("other", 401), ("sd2_live_x", 401), ("mine", 200)])
def test_only_the_configured_key_is_let_in(key, status):
    with Simulator(pace=AT_ONCE, api_key="mine") as simulator:
        assert Caller(simulator, key).create().status == status


def test_too_many_at_once_answer_says_when_to_come_back():
    with Simulator(max_concurrent=1) as simulator:
        call = Caller(simulator)
        call.create()
        refused = call.create()
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")


def test_the_journal_page_tells_what_was_accepted(call):
    call.create("a boat [stuck]")
    journal = call("GET", "/simulator/journal").json
    assert [(entry["body"]["prompt"], entry["take"]) for entry in journal["accepted"]] == [("a boat [stuck]", 1)]
    assert journal["calls"] == {"create": 1}


def test_faults_can_be_set_and_cleared_from_another_process(call):
    fault = {"call": "get", "kind": "status", "http_status": 502, "times": None}
    assert call("POST", "/simulator/faults", [fault]).json["faults"][0]["kind"] == "status"
    hit = call.get("req_1").status
    call("DELETE", "/simulator/faults")
    assert [hit, call.get("req_1").status] == [502, 404]


def test_a_senseless_fault_is_refused(call):
    assert call("POST", "/simulator/faults", [{"call": "get", "kind": "nonsense"}]).status == 400


def test_the_journal_survives_a_restart(tmp_path):
    with Simulator(folder=tmp_path, pace=AT_ONCE) as simulator:
        request_id = Caller(simulator).create("a cat").json["requestId"]
    with Simulator(folder=tmp_path, pace=AT_ONCE) as simulator:  # the film may not have been ready: it is made now
        call = Caller(simulator)
        assert call.finish(request_id)["status"] == "succeeded"
        assert call("GET", f"/results/{request_id}.mp4").status == 200
        assert simulator.scenario.accepted[0].request_id == request_id


def test_two_simulators_share_a_folder(tmp_path):
    with Simulator(folder=tmp_path, pace=AT_ONCE) as one, Simulator(folder=tmp_path, pace=AT_ONCE) as other:
        request_id = Caller(one).create("a cat").json["requestId"]
        assert Caller(other).finish(request_id)["status"] == "succeeded"


def test_a_private_folder_is_gone_after_stop():
    simulator = Simulator(pace=AT_ONCE).start()
    assert simulator.folder.is_dir()
    simulator.stop()
    simulator.stop()
    assert not simulator.folder.exists()


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing(simulator):
    second = Simulator(port=int(simulator.base_url.rsplit(":", 1)[1]))
    with pytest.raises(OSError, match="in use"):
        second.start()
    assert not second.folder.exists()


def test_a_stopped_simulator_is_not_started_again(simulator):
    assert simulator.start() is simulator
    simulator.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        simulator.start()


def test_stop_ends_calls_that_hang():
    simulator = Simulator(faults=[Fault("models", "hang")]).start()
    ends = []

    def ask():
        try:
            Caller(simulator)("GET", "/api/open/v1/models")
        except OSError as error:
            ends.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not simulator.calls["models"]:
        time.sleep(0.01)
    began = time.monotonic()
    simulator.stop()
    thread.join(60)
    assert len(ends) == 1
    assert time.monotonic() - began < 30


def test_stop_does_not_wait_for_films():
    simulator = Simulator(pace=AT_ONCE).start()
    call = Caller(simulator)
    for _ in range(4):
        call.create("a cat", duration=15, resolution="1080p")
    began = time.monotonic()
    simulator.stop()
    assert time.monotonic() - began < 6
    assert not simulator.folder.exists()


def test_two_hundred_creates_at_once_are_accepted_quickly(simulator, call):
    began = time.monotonic()
    for number in range(200):
        assert call.create(f"a cat {number}").status == 200
    assert time.monotonic() - began < 60
    assert len(simulator.scenario.accepted) == 200
    assert sum(thread.name.startswith("seedance-simulator-film") for thread in threading.enumerate()) <= 2


def test_it_runs_beside_a_running_event_loop():
    async def ask():
        with Simulator(pace=AT_ONCE) as simulator:
            return (await asyncio.to_thread(Caller(simulator).create)).status

    assert asyncio.run(ask()) == 200


def test_it_prints_and_logs_nothing(simulator, call, capfd, caplog):
    call.create()
    call.get("req_1")
    call("GET", "/nowhere")
    simulator.add_fault(Fault("models", "reset_after"))
    with pytest.raises(OSError):
        call("GET", "/api/open/v1/models")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_the_sessions_simulator_takes_its_pace_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEDANCE_SIMULATOR_QUEUE_SECONDS", "0")
    monkeypatch.setenv("SEEDANCE_SIMULATOR_RENDER_SECONDS", "0.5")
    with start(tmp_path) as simulator:
        assert simulator.scenario.pace == Pace(0, 0.5)
        assert Caller(simulator, SIMULATOR_KEY).create().status == 200
        assert Caller(simulator, "any").create().status == 401
        assert (tmp_path / "journal.jsonl").exists()


def test_importing_the_package_loads_neither_tornado_nor_pyav():
    code = "import sys, seedance_nb.simulator; print({'tornado', 'av', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_root())
    assert done.stdout.strip() == "set()"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_leaves_its_parents_simulator_alone_and_can_have_its_own():
    code = """
import os, urllib.request
from seedance_nb.simulator import Simulator
with Simulator() as one:
    child = os.fork()
    if child == 0:
        one.stop()
        with Simulator() as other:
            urllib.request.urlopen(other.base_url + "/api/open/v1/models").close()
        os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), one.folder.exists())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_root())
    assert done.stdout.split() == ["7", "True"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_is_and_ends_cleanly(number):
    command = [sys.executable, "-m", "seedance_nb.simulator", "--port", "0", "--credits", "1000"]
    command += ["--fault", '{"call": "models", "kind": "status", "http_status": 418}']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=_root()) as process:
        line = process.stdout.readline()
        host = line.split()[0].removeprefix("http://")
        status = _status_of(host, "/api/open/v1/models")
        process.send_signal(number)
        _, errors = process.communicate(timeout=5)
    assert "SEEDANCE_BASE_URL=http://" in line
    assert (status, process.returncode, errors) == (418, 0, "")


def _status_of(host, path):
    import http.client

    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _root():
    return Path(__file__).parents[2]
