"""Beside a cell that computes the background thread wakes up seldom, and then for all that came; else at once."""

import asyncio
import selectors
import socket
import threading
import time

import pytest

from seedance_nb.tracking.background import Background
from seedance_nb.tracking.wake_ups import GATHER_SECONDS, Gathering, new_loop


class Kernel:
    """A clock that only sleeping and `pass_time` move, and a main thread that uses a share of it."""

    def __init__(self):
        self.now = self.used = 0.0
        self.slept = []
        self.selector = Gathering(monotonic=lambda: self.now, sleep=self.slept.append, main_seconds=lambda: self.used)

    def pass_time(self, seconds, share):
        self.now += seconds
        self.used += seconds * share


@pytest.fixture
def kernel():
    made = Kernel()
    yield made
    made.selector.close()


def slept(kernel, timeout):
    kernel.slept.clear()
    kernel.selector.select(timeout)
    return kernel.slept


def test_what_comes_beside_a_computing_cell_waits_for_what_comes_with_it(kernel):
    kernel.pass_time(1, share=1.0)
    assert slept(kernel, 0.2) == [GATHER_SECONDS]
    kernel.pass_time(1, share=0.9)
    one, other = socket.socketpair()
    with one, other:
        kernel.selector.register(one, selectors.EVENT_READ)
        other.send(b"x")
        assert slept(kernel, None) == [GATHER_SECONDS]
        assert len(kernel.selector.select(None)) == 1


def test_an_idle_kernel_hears_at_once(kernel):
    kernel.pass_time(1, share=0.1)
    assert slept(kernel, 0.001) == []
    kernel.pass_time(1, share=1.0)
    kernel.selector.select(0.001)
    kernel.pass_time(0.2, share=0.0)  # the cell has ended
    assert slept(kernel, 0.001) == []


def test_no_timer_is_late_for_it_and_work_that_lies_there_is_done(kernel):
    kernel.pass_time(1, share=1.0)
    assert slept(kernel, 0.01) == [0.01]
    assert slept(kernel, 0) == []
    assert slept(kernel, -1) == []


def test_a_moment_of_the_main_thread_is_no_computing_cell(kernel):
    kernel.pass_time(0.05, share=1.0)
    assert slept(kernel, 0.001) == []


@pytest.mark.parametrize("busy", [True, False])
def test_many_posts_are_few_wake_ups(busy):
    """In a real loop: answers of many jobs are taken together."""
    selector = Gathering(main_seconds=time.monotonic if busy else lambda: 0.0)
    loop, wake_ups, done = asyncio.SelectorEventLoop(selector), [], []
    select = selector.select
    selector.select = lambda timeout=None: (
        wake_ups.append(timeout) if timeout is None or timeout > 0 else None,
        select(timeout),
    )[1]

    def post():
        for _ in range(100):
            loop.call_soon_threadsafe(done.append, 1)
            time.sleep(0.005)
        loop.call_soon_threadsafe(loop.stop)

    time.sleep(0.11)  # until it is known whether the main thread computes
    began = time.monotonic()
    thread = threading.Thread(target=post)
    thread.start()
    loop.run_forever()
    thread.join()
    loop.close()
    took = time.monotonic() - began
    assert len(done) == 100
    if busy:
        assert len(wake_ups) <= took / GATHER_SECONDS + 2
    assert wake_ups


def test_the_background_gathers_whatever_loops_the_user_has_asked_asyncio_for(monkeypatch):
    loop = new_loop()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    loop.close()

    async def nothing():
        pass

    background = Background(nothing, nothing)
    assert isinstance(background.loop._selector, Gathering)
    background.close()
    monkeypatch.delattr("time.pthread_getcpuclockid")  # a system that does not tell what the main thread uses
    loop = new_loop()
    assert not isinstance(getattr(loop, "_selector", None), Gathering)
    loop.close()
