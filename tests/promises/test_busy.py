"""What a busy service says of when to come back is obeyed within reason: it is never asked hundreds of times.

Real creates over a real socket, at the pauses that are usual. The service counts them.
"""

import contextlib
import email.utils
import time

import pytest
from promises.stage import accepted, session_at, submit, until

from seedance_nb.simulator import Fault, Pace, Simulator

WATCHED = 3.0
ASKED = {
    "at once": "0",
    "almost at once": "0.000001",
    "before now": "-30",
    "a past date": email.utils.formatdate(time.time() - 3600, usegmt=True),
    "another century": "Sun, 06 Nov 1994 08:49:37 GMT",
    "not a number": "NaN",
    "a float": "1e9",
    "garbage": "soon",
    "nothing": "",
}
USUAL = {"pause_after_trouble": 1.0, "longest_pause": 300.0}


@pytest.mark.parametrize("others", [0, 1], ids=["alone", "beside another video"])
def test_a_busy_service_is_asked_a_few_times_whatever_it_says_of_when(others, tmp_path):
    with Simulator(pace=Pace(0, 0.05, 0)) as simulator, contextlib.ExitStack() as stack:
        jobs = []
        for number, (name, value) in enumerate(ASKED.items()):
            prompt = f"a boat for {name}"
            headers = {"Retry-After": value} if value else {}
            simulator.add_fault(Fault("create", "status", None, match=prompt, http_status=429, headers=headers))
            session = stack.enter_context(session_at(simulator.base_url, tmp_path / str(number), **USUAL))
            if others:
                other = submit(session, f"another one [stuck] {number}")
                until(lambda other=other: other.request_id)
            jobs.append(submit(session, prompt))
        until(lambda: all("busy" in (job.snapshot.trouble or "") for job in jobs))
        simulator.calls.clear()
        time.sleep(WATCHED)
        tried = simulator.calls["create"]

        assert tried <= 2 * len(ASKED)  # pauses of about 1, 2, 4 s: two at most in three seconds
        assert [job for job in jobs if job.done()] == []
        assert accepted(simulator) == others * len(ASKED)
        for job in jobs:
            job.cancel()
        until(lambda: all(job.done() for job in jobs))
        assert {job.credits for job in jobs} == {0.0}


def test_a_date_is_waited_for_by_the_clock_of_the_service(tmp_path, monkeypatch):
    """The clock here is an hour fast: a date in two seconds would be long past, and one of theirs an hour away if it were slow."""
    from seedance_nb.api import answers

    real = time.time

    class Fast:
        time = staticmethod(lambda: real() + 3600)

    monkeypatch.setattr(answers, "time", Fast)
    with Simulator(pace=Pace(0, 0.05, 0)) as simulator, session_at(simulator.base_url, tmp_path) as session:
        session.change(limits={"longest_pause": 60})
        headers = {
            "Date": email.utils.formatdate(real(), usegmt=True),
            "Retry-After": email.utils.formatdate(real() + 3, usegmt=True),
        }
        simulator.add_fault(Fault("create", "status", 1, http_status=429, headers=headers))
        began = time.monotonic()

        assert submit(session).result(60)

        assert time.monotonic() - began > 1.0  # HTTP dates have whole seconds
