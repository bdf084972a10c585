import asyncio
import threading
import time

import pytest
from tracking.doubles import until

from seedance_nb.tracking.background import Background


@pytest.fixture
def ended():
    """What happened at the end, in its order."""
    return []


@pytest.fixture
def background(ended):
    async def before():
        ended.append("before")

    async def after():
        ended.append("after")

    running = Background(before, after)
    yield running
    running.close()


def test_its_loop_runs_in_one_daemon_thread(background):
    async def here():
        return threading.current_thread()

    thread = background.run(here())
    assert (thread, thread.daemon, thread.name) == (background.thread, True, "seedance-runner")


def test_it_knows_whether_the_caller_is_inside(background):
    async def here():
        return background.is_current

    assert (background.run(here()), background.is_current) == (True, False)


def test_run_raises_what_the_coroutine_raises(background):
    async def fail():
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        background.run(fail())


def test_run_waits_no_longer_than_told(background):
    with pytest.raises(TimeoutError):
        background.run(asyncio.sleep(30), timeout=0.05)


def test_posts_from_any_thread_keep_their_order(background):
    seen = []

    async def count():
        return len(seen)

    for number in range(100):
        background.post(seen.append, number)
    background.run(count())
    assert seen == list(range(100))


def test_a_post_that_raises_hurts_nobody(background):
    background.post(lambda: 1 / 0)
    assert background.run(asyncio.sleep(0, "fine")) == "fine"


def test_a_task_nobody_holds_runs_to_its_end(background):
    import gc

    done = threading.Event()

    async def work():
        await asyncio.sleep(0.02)
        done.set()

    background.post(lambda: background.start(work()) and None)
    gc.collect()
    assert done.wait(5)
    assert until(lambda: not background._tasks)


def test_calls_of_the_ledger_run_in_one_thread_in_their_order(background):
    seen = []

    def call(number):
        time.sleep(0.001)
        seen.append((number, threading.current_thread().name))

    async def many():
        await asyncio.gather(*(background.in_ledger_thread(call, number) for number in range(20)))

    background.run(many())
    assert [number for number, _ in seen] == list(range(20))
    assert {name for _, name in seen} == {"seedance-ledger"}


def test_the_ledger_can_be_asked_from_another_thread(background):
    assert background.ask_ledger(divmod, 7, 2) == (3, 1)


def test_an_error_of_the_ledger_reaches_who_asked(background):
    with pytest.raises(ZeroDivisionError):
        background.ask_ledger(divmod, 1, 0)


def test_slow_work_leaves_the_loop_free(background):
    async def both():
        slow = asyncio.create_task(background.in_worker(time.sleep, 0.3))
        began = time.monotonic()
        await asyncio.sleep(0.01)
        passed = time.monotonic() - began
        return passed, slow.done()

    passed, was_done = background.run(both())
    assert (passed < 0.25, was_done) == (True, False)


def test_it_never_has_more_than_four_threads(background):
    before = threading.active_count()

    async def much():
        await asyncio.gather(
            *(background.in_worker(time.sleep, 0.005) for _ in range(20)),
            *(background.in_ledger_thread(time.sleep, 0.001) for _ in range(20)),
            *(asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80) for _ in range(20)),
        )

    background.run(much())
    assert threading.active_count() - before <= 3  # its own thread was there before


def test_close_cancels_what_runs_and_tells_before_and_after(background, ended):
    async def work():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    background.post(lambda: background.start(work()) and None)
    background.run(asyncio.sleep(0.01))
    assert background.close() is True
    assert ended == ["before", "cancelled", "after"]


def test_close_is_idempotent(background, ended):
    assert [background.close(), background.close()] == [True, True]
    assert ended == ["before", "after"]


def test_a_closed_one_is_not_usable_and_takes_no_more(background):
    was = background.is_usable
    background.close()
    background.post(print, "never")
    assert (was, background.is_usable, background.thread.is_alive()) == (True, False, False)


def test_close_does_not_wait_for_slow_work(background):
    async def begin():
        asyncio.ensure_future(background.in_worker(time.sleep, 60.0))  # noqa: RUF006 - it is the loop's last
        await asyncio.sleep(0)

    background.run(begin())
    began = time.monotonic()
    background.close()
    assert time.monotonic() - began < 30


def test_trouble_at_the_end_does_not_keep_the_thread(ended):
    async def fine():
        pass

    async def trouble():
        raise OSError("disk")

    assert Background(fine, trouble).close() is True


def test_in_a_forked_child_it_is_not_usable_and_close_leaves_the_parent_alone(background, ended, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: background.pid + 1)
    assert (background.is_usable, background.close()) == (False, True)
    monkeypatch.undo()
    assert (background.is_usable, ended) == (True, [])
