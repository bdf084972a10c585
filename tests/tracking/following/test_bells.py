"""What a ring does to the looks at a job: brings one forward, and no more; and when polling steps back, and forward again."""

import asyncio
import dataclasses

import pytest
from tracking.doubles import submit, until

from seedance_nb.errors import ConfigurationError
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.following.bells import FIRST_PAUSE, LONGEST_PAUSE, Bell, Bells
from seedance_nb.tracking.following.polling import Outlook
from seedance_nb.tracking.session import Session

SECONDS = 60.0
HOUR = {"poll_floor": 3600, "poll_ceiling": 3600}


@pytest.fixture
def simulate(quick_films):
    """A simulator of another pace."""
    opened = []

    def simulate(queue=0.1, render=0.2, **changes):
        opened.append(Simulator(pace=Pace(queue, render, 0), **changes).start())
        return opened[-1]

    yield simulate
    for each in opened:
        each.stop()


@pytest.fixture
def serve(tmp_path):
    """A session that serves its webhooks itself."""
    opened = []

    def serve(simulator, **changes):
        session = Session(**{"api_key": "k", "base_url": simulator.base_url, "home": tmp_path, **HOUR, **changes})
        opened.append(session)
        session.serve_webhooks()
        return session

    yield serve
    for each in opened:
        each.close()


def made(session, prompt="a boat", **fields):
    return session.submit(prompt, duration=4, resolution="480p", **fields)


def bells_of(session):
    return session.engine.runner._tools.bells


# From end to end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["on time", "twice", "late", "out_of_order", "early"])
def test_however_it_rings_the_video_is_there_with_a_create_and_few_looks(simulate, serve, how):
    simulator = simulate(queue=0.5, render=1.0)
    if how != "on time":
        simulator.add_fault(Fault("webhook", how, seconds=0.3))

    assert made(serve(simulator)).result(SECONDS).path.exists()

    assert simulator.calls["create"] == 1
    assert simulator.calls["get"] == (2 if how == "early" else 1)


def test_where_nobody_rings_polling_finds_it(simulate, serve):
    simulator = simulate()
    simulator.add_fault(Fault("webhook", "never"))

    assert made(serve(simulator, poll_floor=0.05, poll_ceiling=0.2)).result(SECONDS).path.exists()


def test_strangers_make_nobody_look(simulate, serve):
    simulator = simulate()
    simulator.add_fault(Fault("webhook", "forged", bytes=50))
    job = made(serve(simulator))

    assert until(lambda: simulator.calls["webhook"] == 50, SECONDS)

    assert simulator.calls["get"] == 0
    assert not job.done()


def test_what_a_webhook_says_is_not_believed(simulate, serve):
    """It says `failed` of one that is being made, and a look says otherwise."""
    simulator = simulate(queue=0, render=3600)
    session = serve(simulator)
    job = made(session)
    assert until(lambda: job.request_id is not None, SECONDS)
    [known] = bells_of(session)._bells

    session.engine.runner.background.post(bells_of(session).ring, known)

    assert until(lambda: simulator.calls["get"] == 1, SECONDS)
    assert until(lambda: job.status.value == "processing", SECONDS)


def test_a_failure_is_heard_of_at_once_too(simulate, serve):
    job = made(serve(simulate()), "a boat [fail]")

    assert until(job.done, SECONDS)
    assert job.status.value == "failed"


def test_run_all_is_free_whatever_the_webhook(simulate, serve):
    simulator = simulate()
    session = serve(simulator)
    first = made(session)
    first.result(SECONDS)

    for webhook in ("auto", None, "https://elsewhere.example/hook"):
        again = made(session, webhook_url=webhook)
        assert again.result(SECONDS).sha256 == first.clip.sha256
        assert again.reused

    assert simulator.calls["create"] == 1


def test_each_create_has_a_token_of_its_own_and_the_ledger_none(simulate, serve, tmp_path):
    simulator = simulate()
    session = serve(simulator)
    for job in [made(session, f"boat {i}", webhook_url=given) for i, given in enumerate(["auto", "AUTO", None])]:
        job.result(SECONDS)

    sent = [entry.body["webhookUrl"] for entry in simulator.scenario.accepted]

    assert len(set(sent)) == 3
    assert all("/seedance/wake/" in url for url in sent)
    assert b"seedance/wake" not in (tmp_path / "ledger.sqlite3").read_bytes()
    assert bells_of(session)._bells == {}


def test_a_service_that_repeats_the_address_puts_no_token_into_ledger_or_screen(simulate, serve, tmp_path):
    simulator = simulate()
    get = simulator.scenario.get

    def repeating(request_id, now=None):
        url = simulator.scenario.find(request_id).body["webhookUrl"]
        told = {"webhook": {"url": url, "path": url.partition("//")[2]}, "note": f"will call {url}", "callbackUrl": url}
        status, body = get(request_id, now)
        return status, {**body, **told, "error": f"{url} did not answer" if body["status"] == "failed" else None}

    simulator.scenario.get = repeating
    session = serve(simulator, api_key="a-test-key")
    jobs = [made(session, prompt) for prompt in ("a boat", "a boat [fail]")]
    assert until(lambda: all(job.done() for job in jobs), SECONDS)
    tokens = [entry.body["webhookUrl"].rpartition("/")[2] for entry in simulator.scenario.accepted]

    shown = "".join(repr(job.snapshot) + str(job.error) for job in jobs)
    session.close()
    kept = (tmp_path / "ledger.sqlite3").read_bytes()
    assert "seedance/wake/#unsigned" in shown
    for token in tokens:
        assert token not in shown
        assert token.encode() not in kept


def test_an_address_of_ones_own_is_sent_as_it_is(simulate, serve):
    simulator = simulate(render=3600)
    job = made(serve(simulator), webhook_url="http://127.0.0.1:9/mine")
    assert until(lambda: job.request_id is not None, SECONDS)

    assert simulator.scenario.accepted[0].body["webhookUrl"] == "http://127.0.0.1:9/mine"


def test_a_refused_create_leaves_no_token_behind(simulate, serve):
    simulator = simulate()
    simulator.add_fault(Fault("create", "status", http_status=402, body={"success": False, "error": "no credits"}))
    session = serve(simulator)
    job = made(session)

    assert until(job.done, SECONDS)

    assert until(lambda: bells_of(session)._bells == {}, SECONDS)


def test_a_create_sent_again_after_a_429_carries_the_same_address(simulate, serve):
    simulator = simulate()
    simulator.add_fault(Fault("create", "status", http_status=429))
    session = serve(simulator, pause_after_trouble=0.05)
    made(session).result(SECONDS)

    assert simulator.calls["create"] == 2
    assert len(simulator.scenario.accepted) == 1


def test_without_an_address_the_job_goes_on_and_says_so_in_one_line(simulate, tmp_path):
    simulator = simulate()
    with Session(
        api_key="k", base_url=simulator.base_url, home=tmp_path, poll_floor=0.05, webhook_url="auto"
    ) as session:
        job = made(session)
        job.result(SECONDS)

        [told] = [text for text in job.snapshot.warnings if "webhook" in text]
    assert "sd.serve_webhooks(port=" in told
    assert "\n" not in told
    assert "webhookUrl" not in simulator.scenario.accepted[0].body


def test_a_session_set_to_auto_may_be_set_off_again(simulate, serve):
    simulator = simulate(render=3600)
    session = serve(simulator)
    session.change(webhook_url="off")
    job = made(session)
    assert until(lambda: job.request_id is not None, SECONDS)

    assert "webhookUrl" not in simulator.scenario.accepted[0].body


def test_a_server_that_nobody_outside_could_call_is_refused_in_one_line(tmp_path):
    with Session(api_key="k", base_url="https://www.seedance2.ink", home=tmp_path) as session:
        with pytest.raises(
            ConfigurationError, match=r"nobody outside can call 127\.0\.0\.1:.*give public_url='https://…'"
        ):
            session.serve_webhooks()
        assert session.settings.webhook_url is None
        with session.serve_webhooks(public_url="https://me.example/hooks") as served:
            assert served.url == "https://me.example/hooks/"


def test_a_port_that_is_taken_is_one_line(simulate, serve, tmp_path):
    simulator = simulate()
    taken = simulator._port
    with Session(api_key="k", base_url=simulator.base_url, home=tmp_path) as session:
        for port, says in (
            (taken, "cannot be listened on"),
            (70_000, "must be a whole number"),
            ("x", "must be a whole number"),
        ):
            with pytest.raises(ConfigurationError, match=says):
                session.serve_webhooks(port)


def test_a_server_that_is_closed_leaves_its_jobs_to_polling(simulate, serve, tmp_path):
    simulator = simulate()
    with Session(api_key="k", base_url=simulator.base_url, home=tmp_path, poll_floor=0.05, poll_ceiling=0.2) as session:
        with session.serve_webhooks():
            job = made(session)
            assert until(lambda: job.request_id is not None, SECONDS)

        assert job.result(SECONDS).path.exists()


# When polling steps back -------------------------------------------------------------------------------------------


def test_once_it_has_rung_the_next_job_is_hardly_polled_and_a_silence_takes_that_back(simulate, serve):
    simulator = simulate(queue=0.3, render=0.9)
    session = serve(simulator, poll_floor=0.05, poll_ceiling=2.5)
    bells, base = bells_of(session), None
    for number in range(5):  # until a ring was quicker than a look
        made(session, f"first {number}").result(SECONDS)
        base = bells._relied_on
        if base is not None:
            break
    assert base is not None
    before = simulator.calls["get"]

    made(session, "second").result(SECONDS)
    assert simulator.calls["get"] - before == 1

    simulator.add_fault(Fault("webhook", "never"))
    before = simulator.calls["get"]
    made(session, "third").result(SECONDS)
    assert simulator.calls["get"] - before == 1  # it was found at the ceiling
    assert bells._relied_on is None


def fake(monotonic=lambda: 0.0):
    return Bells(monotonic, api_is_here=True)


def hung(bells, job, base="http://127.0.0.1/"):
    bell = bells._bells[job] = Bell(asyncio.Event(), job, base, job)
    return bell


def test_all_jobs_think_again_when_rings_begin_and_when_they_stop():
    bells = fake()
    one, two, elsewhere = hung(bells, "a"), hung(bells, "b"), hung(bells, "c", "http://127.0.0.2/")
    bells.ring("a")
    one.looks()
    bells.ended(one)

    assert bells.relies_on(two)
    assert not bells.relies_on(elsewhere)
    assert not bells.relies_on(None)
    assert two.wake.is_set()

    two.wake.clear()
    missed = hung(bells, "d")
    missed.looks()
    bells.ended(missed)
    assert not bells.relies_on(two)
    assert two.wake.is_set()


def test_a_ring_that_comes_while_a_look_is_in_the_air_counts_for_the_end_it_finds():
    bells = fake()
    bell = hung(bells, "a")
    bell.looks()
    bells.ring("a")
    bells.ended(bell)

    assert bells.relies_on(hung(bells, "b"))


def test_who_rings_for_nothing_is_heard_ever_less():
    now = [0.0]
    bells = fake(lambda: now[0])
    bell, looked = hung(bells, "a"), []
    while now[0] < 600.0:  # somebody rings twice a second for ten minutes
        bells.ring("a")
        if bell.look_at is not None and bell.look_at <= now[0]:
            bell.looks()
            bell.found_nothing(now[0])
            looked.append(now[0])
        now[0] += 0.5

    assert looked[:4] == [0.0, FIRST_PAUSE, 3 * FIRST_PAUSE, 7 * FIRST_PAUSE]
    assert len(looked) < 20
    assert bell.pause == LONGEST_PAUSE
    assert not bells.relies_on(bell)


def test_a_ring_for_a_job_that_is_over_or_unknown_is_nothing():
    bells = fake()
    bell = hung(bells, "a")
    bells.take_down(bell)

    for known in ("a", "", "x" * 64):
        bells.ring(known)

    assert bell.look_at is None
    assert not bell.wake.is_set()


def test_a_bell_shows_no_address():
    bell = hung(fake(), "a")
    bell.address = "https://h/seedance/wake/only-for-these-tests-A"

    assert "only-for" not in repr(bell)
    assert "only-for" not in repr(dataclasses.make_dataclass("Holder", ["bell"])(bell))


def test_a_service_that_asks_for_a_pause_has_it_whoever_rings(runner, service, clock):
    """A 503 with Retry-After, and a ring in the middle of it."""
    from seedance_nb.tracking.following.following import _wait_for_next_look
    from seedance_nb.tracking.following.pace import Kind

    job = submit(runner)
    assert until(job.done, SECONDS)

    async def waited(asked_for):
        followed = dataclasses.make_dataclass(
            "F", ["tools", "bell", "cancel_waits", "snapshot", "outlook", "is_watched"]
        )
        bell = Bell(asyncio.Event(), "a", "http://127.0.0.1/", "a")
        bell.look_at = clock.monotonic()
        one = followed(runner._tools, bell, False, job.snapshot, Outlook(), False)

        async def pause(seconds):
            await runner._tools.clock.wait(asyncio.Event(), seconds)

        one.pause = pause
        began = clock.monotonic()
        await _wait_for_next_look(one, Kind([]), 1, asked_for)
        return clock.monotonic() - began

    assert runner.background.run(waited(30.0)) >= 30.0
    assert runner.background.run(waited(None)) == 0.0
