"""Beats tell pages that their kernel lives, whatever it computes, and only as long as there is something to tell."""

import threading
import time

from seedance_nb.notebook.heartbeat import Heartbeat

SECONDS = 0.05


class Widget:
    def __init__(self, *, is_broken=False):
        self.beats = []
        self._is_broken = is_broken

    def send(self, content):
        if self._is_broken:
            raise RuntimeError("its page went away")
        self.beats.append(content)


def eventually(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "seedance-heartbeat"]


def test_beats_come_while_a_cell_computes_and_one_that_fails_stops_no_other():
    heart, broken, widget, contexts = Heartbeat(SECONDS), Widget(is_broken=True), Widget(), []
    heart.start(broken)
    heart.start(widget, lambda beat: (contexts.append(threading.current_thread().name), beat()))

    deadline = time.monotonic() + 60
    while len(widget.beats) < 3 and time.monotonic() < deadline:
        sum(range(10_000))  # the interpreter is never idle
    heart.stop(broken)
    heart.stop(widget)

    assert widget.beats[:3] == [{"kind": "here"}] * 3
    assert set(contexts) == {"seedance-heartbeat"}


def test_what_is_over_gets_no_more_beats_and_without_any_the_thread_ends():
    before = len(threads())
    heart, widget, other = Heartbeat(SECONDS), Widget(), Widget()
    heart.start(widget)
    heart.start(other)
    eventually(lambda: widget.beats)

    heart.stop(widget)
    so_far = len(widget.beats)
    eventually(lambda: len(other.beats) > so_far + 3)
    heart.stop(other)

    assert len(widget.beats) <= so_far + 1
    eventually(lambda: len(threads()) == before)


def test_it_begins_again_after_its_thread_has_ended():
    heart, widget, later = Heartbeat(SECONDS), Widget(), Widget()
    heart.start(widget)
    heart.stop(widget)
    eventually(lambda: not heart._thread)

    heart.start(later)

    eventually(lambda: later.beats)
    heart.stop(later)
