import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tracking.doubles import record, until

import seedance_nb
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.errors import (
    ApiError,
    BudgetExceeded,
    ConfigurationError,
    GenerationFailed,
    InvalidRequest,
    OutcomeUnknown,
)
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking import engine, host
from seedance_nb.tracking import session as sessions
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.session import Session, configure, default, existing, make_request

SMALL = {"aspect_ratio": "1:1", "resolution": "480p", "duration": 4}


def accepted(simulator):
    return [entry.body["prompt"] for entry in simulator.scenario.accepted]


def threads():
    """Those of ours that run now, whoever began them: what ends or begins is told by two such sets."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("seedance-")}


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """`submit` waits for the ledger's word as long as it takes; on a busy machine its usual patience may not do."""
    monkeypatch.setattr(sessions, "CLAIM_SECONDS", 10.0)


# What is asked ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"prompt": ""}, "prompt is empty", id="an empty prompt"),
        pytest.param({"prompt": " \n"}, "prompt is empty", id="a blank prompt"),
        pytest.param({"prompt": 5}, "must be text", id="a prompt that is no text"),
        pytest.param({"prompt": "half \ud83d"}, "half a character", id="half a character"),
        pytest.param({"take": 0}, "from 1", id="take 0"),
        pytest.param({"take": True}, "from 1", id="take True"),
        pytest.param({"take": 1.5}, "from 1", id="take 1.5"),
        pytest.param({"take": "second"}, "from 1", id="take as a word"),
        pytest.param({"duration": 3}, "4 to 15", id="too short"),
        pytest.param({"duration": 16}, "4 to 15", id="too long"),
        pytest.param({"duration": "5s"}, "whole seconds", id="a duration with its unit"),
        pytest.param({"duration": 5.5}, "whole seconds", id="a duration with a half"),
        pytest.param({"model": "seedance-1.5-pro", "duration": 6}, "5 or 10", id="what this model cannot make"),
        pytest.param({"aspect_ratio": "4:3"}, "16:9, 9:16 or 1:1", id="a ratio that is not offered"),
        pytest.param({"resolution": "4k"}, "480p, 720p or 1080p", id="a resolution that is not offered"),
        pytest.param({"model": 5}, "model", id="a model that is no name"),
        pytest.param({"media_urls": []}, "1 to 5 media", id="no media in the list"),
        pytest.param({"media_urls": ["https://a/1.png"] * 6}, "1 to 5 media", id="too many media"),
        pytest.param({"media_urls": "http://a/1.png"}, "https", id="media in the open"),
        pytest.param({"media_urls": 5}, "list of URLs", id="media that are no list"),
        pytest.param({"webhook_url": "example.org"}, "full URL", id="a webhook without a scheme"),
        pytest.param(
            {"metadata": {"a": object()}}, r"metadata\.a: an object is no JSON value", id="metadata that are no JSON"
        ),
        pytest.param({"metadata": "text"}, "plain JSON", id="metadata that are no dict"),
        pytest.param(
            {"metadata": {"a": "\ud83d"}}, r"metadata\.a: half a character", id="metadata with half a character"
        ),
    ],
)
def test_what_is_surely_wrong_is_refused_before_anything_starts(session, simulator, options, words):
    before = threads()
    with pytest.raises(InvalidRequest, match=words):
        session.submit(**{"prompt": "a boat", **options})
    assert (simulator.calls, threads() - before, session.spent) == ({}, set(), 0)


def test_metadata_that_hold_themselves_are_refused(session):
    metadata = {}
    metadata["self"] = metadata
    with pytest.raises(InvalidRequest, match="holds itself"):
        session.submit("a boat", metadata=metadata)


@pytest.mark.parametrize("limit", [-1, float("nan"), "many", True], ids=str)
def test_a_limit_of_a_call_that_is_no_number_is_refused_and_nothing_sent(session, simulator, limit):
    with pytest.raises(ConfigurationError, match="max_credits must be a number"):
        session.submit("a boat [fail]", max_credits=limit)
    assert accepted(simulator) == []


def test_everything_asked_for_reaches_the_service(session, simulator):
    wanted = {
        "model": "seedance-2.0-fast",
        "aspect_ratio": "9:16",
        "duration": 7,
        "resolution": "480p",
        "media_urls": ["https://a/1.png"],
        "webhook_url": "https://b/hook",
        "metadata": {"shot": 3},
    }
    job = session.submit("a boat [fail]", **wanted)
    assert until(lambda: job.request_id)
    assert simulator.scenario.accepted[0].body == {
        "prompt": "a boat [fail]",
        "model": "seedance-2.0-fast",
        "aspectRatio": "9:16",
        "duration": 7,
        "resolution": "480p",
        "mediaUrls": ["https://a/1.png"],
        "webhookUrl": "https://b/hook",
        "metadata": {"shot": 3},
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"prompt": "a boat"}, {"prompt": " a boat\n"}, id="outer spaces"),
        pytest.param({"media_urls": "https://a/1.png"}, {"media_urls": ("https://a/1.png",)}, id="one URL or a list"),
        pytest.param({"metadata": {}}, {"metadata": None}, id="no metadata"),
        pytest.param({"metadata": {"a": 1, "b": (2,)}}, {"metadata": {"b": [2], "a": 1}}, id="the order of metadata"),
        pytest.param({"duration": 5}, {"duration": "5.0"}, id="a whole number as a table writes it"),
        pytest.param(
            {"prompt": "one\ntwo é"}, {"prompt": "one\r\ntwo\u00a0e\u0301"}, id="the same words in other bytes"
        ),
    ],
)
def test_what_means_the_same_is_the_same_request(one, other):
    requests = [make_request(**{"prompt": "a boat", **options}) for options in (one, other)]
    assert requests[0] == requests[1]
    assert requests[0].canonical_hash() == requests[1].canonical_hash()


def test_a_warning_about_what_only_the_service_can_judge_is_on_the_job(session):
    job = session.submit("a boat [fail]", media_urls=["https://a/picture"])
    assert "no known ending" in job.snapshot.warnings[0]


# Takes and reuse -------------------------------------------------------------------------------------


def test_a_job_ends_with_its_clip(session):
    job = session.submit("a boat", **SMALL)
    clip = job.result(20)
    assert (job.status, job.credits, job.reused, job.error) == ("succeeded", 20, False, None)
    assert (clip.path.exists(), clip.path.parent) == (True, session.settings.home / "clips")


def test_the_same_again_is_the_same_clip_at_no_cost(session, simulator):
    first = session.submit("a boat", **SMALL)
    clip = first.result(20)
    again = session.submit("a boat", **SMALL)
    assert again.result(20) == clip
    assert (again.reused, again.credits, again.request_id) == (True, 0, first.request_id)
    assert (simulator.calls["create"], simulator.calls["download"], session.spent) == (1, 1, 20)


def test_another_session_on_the_same_folder_reuses_too(make_session, simulator):
    clip = make_session().submit("a boat", **SMALL).result(20)
    assert make_session().submit("a boat", **SMALL).result(20) == clip
    assert simulator.calls["create"] == 1


def test_what_is_on_its_way_is_joined_and_not_bought_again(session, simulator):
    jobs = [session.submit("a boat [stuck]", **SMALL) for _ in range(3)]
    assert until(lambda: all(job.request_id for job in jobs))
    assert simulator.calls["create"] == 1
    assert [job.reused for job in jobs] == [False, True, True]
    assert len({job.request_id for job in jobs}) == 1


@pytest.mark.parametrize(
    "again", [{"take": 2}, {"fresh": True}, {"take": 2, "fresh": True}], ids=["take 2", "fresh", "both"]
)
def test_another_take_is_another_video(session, simulator, again):
    first = session.submit("a boat [stuck]", **SMALL)
    other = session.submit("a boat [stuck]", **SMALL, **again)
    assert until(lambda: first.request_id and other.request_id)
    assert (other.take, other.reused, simulator.calls["create"]) == (2, False, 2)


def test_fresh_knows_its_take_when_submit_returns(session):
    for take in (1, 2, 3):
        assert session.submit("a boat [stuck]", **SMALL, fresh=True).take == take


def test_what_failed_is_tried_anew(session, simulator):
    for _ in range(2):
        with pytest.raises(GenerationFailed):
            session.submit("a boat [fail]", **SMALL).result(20)
    assert simulator.calls["create"] == 2


def test_a_clip_that_vanished_is_fetched_again_without_a_create(session, simulator):
    session.submit("a boat", **SMALL).result(20).path.unlink()
    clip = session.submit("a boat", **SMALL).result(20)
    assert clip.path.exists()
    assert (simulator.calls["create"], simulator.calls["download"]) == (1, 2)


# Money -----------------------------------------------------------------------------------------------


def test_over_the_limit_of_the_session_nothing_is_sent(make_session, simulator):
    session = make_session(max_credits=50)
    with pytest.raises(BudgetExceeded, match=r"limit of 50; nothing was sent"):
        session.submit("a boat [fail]", duration=10)
    assert (accepted(simulator), session.spent, list(session.jobs())) == ([], 0, [])


def test_the_limit_counts_what_was_spent_before(make_session, simulator):
    session = make_session(max_credits=50)
    first = session.submit("a boat [fail]")
    assert until(first.done)
    with pytest.raises(BudgetExceeded):
        session.submit("a plane [fail]")
    assert accepted(simulator) == ["a boat [fail]"]


def test_over_the_limit_of_the_call_nothing_is_sent_and_the_next_call_is_free_to_cost_more(session, simulator):
    with pytest.raises(BudgetExceeded):
        session.submit("a boat [fail]", max_credits=39)
    session.submit("a boat [fail]", max_credits=40).wait_until_claimed(5)
    assert until(lambda: accepted(simulator) == ["a boat [fail]"])


def test_a_limit_without_a_price_to_hold_against_it_sends_nothing(make_session, simulator):
    with pytest.raises(BudgetExceeded, match="nobody knows"):
        make_session(max_credits=1000).submit("a boat [fail]", model="new", duration=None)
    assert accepted(simulator) == []


def test_reuse_is_free_also_over_the_limit(make_session):
    clip = make_session().submit("a boat", **SMALL).result(20)
    assert make_session(max_credits=0).submit("a boat", **SMALL).result(20) == clip


def test_what_was_charged_replaces_what_was_expected(session):
    job = session.submit("a boat [fail]", resolution="1080p")
    assert until(job.done)
    assert (job.snapshot.estimate, job.credits, session.spent) == (40, 80, 80)


def test_what_was_surely_not_accepted_costs_nothing(session, simulator):
    simulator.add_fault(Fault("create", "status", http_status=402, times=None))
    job = session.submit("a boat")
    assert until(job.done)
    assert (job.status, job.credits, session.spent) == ("rejected", 0, 0)


PRICES = {"success": True, "data": [{"id": "seedance-2.0", "pricing": {"creditsPerSecond": {"1080p": 17}}}]}


def test_an_estimate_comes_from_the_price_list_then_the_ledger_then_the_sample(session, simulator):
    simulator.add_fault(Fault("models", "status", http_status=200, body=PRICES))
    request = make_request("a boat [fail]", resolution="1080p")
    sample = session.estimate(request)
    job = session.submit("a plane [fail]", resolution="1080p", duration=10)
    assert until(job.done)
    learned = session.estimate(request)
    session.models()
    listed = session.estimate(request)
    assert [(e.credits, e.exact) for e in (sample, learned, listed)] == [(40, False), (80, False), (85, True)]
    assert [
        word in e.source for word, e in zip(("sample", "ledger", "price list"), (sample, learned, listed), strict=True)
    ]


def test_an_estimate_needs_no_key_and_starts_nothing(tmp_path):
    before = threads()
    assert Session(home=tmp_path).estimate(make_request("a boat")).credits == 40
    assert threads() <= before


def test_the_estimate_and_its_source_are_on_the_job_and_in_the_ledger(session):
    job = session.submit("a boat [fail]")
    assert until(job.done)
    row = session.jobs()[0].snapshot
    assert (row.estimate, row.estimate_source) == (40, "the documented sample")
    assert (job.snapshot.estimate, job.snapshot.estimate_source) == (40, "the documented sample")


def test_spending_counts_what_was_charged_and_what_reuse_saved(session):
    for _ in range(3):
        session.submit("a boat", **SMALL).result(20)
    (line,) = session.spending()
    assert (line.model, line.jobs, line.credits, line.saved) == ("seedance-2.0", 1, 20, 40)


def test_the_notebook_is_the_file_that_jupyter_names(make_session, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/boats.ipynb")
    session = make_session()
    assert until(session.submit("a boat [fail]").done)
    assert session.spending()[0].notebook == "boats.ipynb"


# Finding jobs again ----------------------------------------------------------------------------------


def test_jobs_are_listed_newest_first_by_status_and_number(session):
    for prompt in ("one [fail]", "two [stuck]", "three [fail]"):
        session.submit(prompt)
    assert until(lambda: [job.status for job in session.jobs()].count("failed") == 2)
    prompts = [
        [job.request.prompt for job in session.jobs(**options)] for options in ({}, {"limit": 1}, {"status": "failed"})
    ]
    assert prompts == [
        ["three [fail]", "two [stuck]", "one [fail]"],
        ["three [fail]"],
        ["three [fail]", "one [fail]"],
    ]


def test_a_status_that_does_not_exist_is_refused_with_those_that_do(session):
    with pytest.raises(InvalidRequest, match=r"'done' is no status; choose one of submitting, queued"):
        session.jobs(status="done")


def test_a_job_that_is_followed_is_listed_as_itself(session):
    job = session.submit("a boat [stuck]")
    assert until(lambda: job.request_id)
    assert session.jobs()[0] is job
    assert session.open_jobs() == [job]


@pytest.mark.parametrize("by", ["key", "request_id"])
def test_attach_finds_a_job_of_an_earlier_session(make_session, simulator, by):
    before = make_session()
    job = before.submit("a boat", **SMALL)
    clip = job.result(20)
    before.close()
    attached = make_session().attach(f" {getattr(job, by)} ")
    assert (attached.result(20), attached.key, simulator.calls["create"]) == (clip, job.key, 1)


def test_attach_goes_on_with_what_an_earlier_session_left_running(make_session, simulator):
    simulator.scenario.pace = type(simulator.scenario.pace)(0.0, 0.5, 0)
    before = make_session()
    job = before.submit("a boat", **SMALL)
    assert until(lambda: job.request_id)
    before.close()
    assert make_session().attach(job.request_id).result(20).width == 854
    assert simulator.calls["create"] == 1


def created_elsewhere(simulator, prompt="a boat", **fields):
    body = {"model": "seedance-2.0", "prompt": prompt, "duration": 5, "aspectRatio": "16:9", "resolution": "720p"}
    return simulator.scenario.create({**body, **fields})[1]["requestId"]


def test_attach_takes_an_id_that_only_the_service_knows(session, simulator):
    request_id = created_elsewhere(simulator)
    job = session.attach(request_id)
    assert (job.result(20).width, job.request.prompt, simulator.calls["create"]) == (854, "a boat", 0)
    assert session.jobs()[0].request_id == request_id


@pytest.mark.parametrize(
    ("name", "words"),
    [("req_9999999999", "does not know this id"), ("../../etc", "no job or request id"), ("", "no job or request id")],
)
def test_attach_of_what_nobody_knows_is_an_error_and_leaves_no_row(session, name, words):
    with pytest.raises(ApiError, match=words):
        session.attach(name)
    assert list(session.jobs()) == []


@pytest.mark.parametrize("prompt", ["a boat", "a boat\nunder a bridge"], ids=["one line", "two lines"])
def test_attach_heals_a_create_whose_answer_was_lost(session, simulator, prompt):
    simulator.add_fault(Fault("create", "drop_after"))
    lost = session.submit(prompt)
    with pytest.raises(OutcomeUnknown):
        lost.result(20)
    healed = session.attach(simulator.scenario.accepted[0].request_id)
    clip = healed.result(20)
    assert (healed.key, session.submit(prompt).result(20)) == (lost.key, clip)
    assert len(simulator.scenario.accepted) == 1


def test_resume_follows_what_is_unfinished_and_nothing_else(make_session, simulator):
    before = make_session()
    before.submit("a boat", **SMALL).result(20)
    stuck = before.submit("a boat [stuck]")
    assert until(lambda: stuck.request_id)
    before.close()
    session = make_session()
    was = session.has_unfinished()
    (job,) = session.resume()
    assert (was, job.key, job.request_id) == (True, stuck.key, stuck.request_id)
    looks = simulator.calls["get"]
    assert until(lambda: simulator.calls["get"] > looks)
    assert simulator.calls["create"] == 2


def test_resume_leaves_other_accounts_alone(make_session):
    before = make_session()
    job = before.submit("a boat [stuck]")
    assert until(lambda: job.request_id)
    before.close()
    other = make_session(api_key="another")
    other.ownership.say("new")
    assert (list(other.resume()), other.has_unfinished()) == ([], True)


def test_without_a_ledger_there_is_nothing_unfinished_and_none_is_made(tmp_path):
    session = Session(home=tmp_path / "new")
    assert session.has_unfinished() is False
    assert not (tmp_path / "new").exists()


def test_preview_names_the_row_that_would_be_reused(session):
    request = make_request("a boat [stuck]")
    before = session.preview(request)
    job = session.submit("a boat [stuck]")
    assert until(lambda: job.request_id)
    assert (before, session.preview(request).key, session.preview(request, take=2)) == (None, job.key, None)


# Models ----------------------------------------------------------------------------------------------


def test_models_are_those_documented_refined_by_the_services_answer(session, simulator):
    simulator.add_fault(Fault("models", "status", http_status=200, body=PRICES))
    before = session.catalog
    after = session.models()
    assert (before.answered, after.answered, session.catalog is after) == (False, True, True)
    assert dict(after.models["seedance-2.0"].credits_per_second) == {"1080p": 17}
    assert list(after.models) == ["seedance-2.0", "seedance-2.0-fast", "seedance-1.5-pro"]


def test_models_are_those_documented_when_the_service_does_not_answer(session, simulator):
    simulator.add_fault(Fault("models", "status", times=None))
    assert list(session.models().models) == ["seedance-2.0", "seedance-2.0-fast", "seedance-1.5-pro"]
    assert not session.catalog.answered


def test_without_a_key_the_models_are_those_documented(tmp_path):
    assert not Session(home=tmp_path).models().answered


# Settings that change --------------------------------------------------------------------------------


def test_a_new_key_is_used_by_jobs_that_run(make_session):
    with Simulator(api_key="good", pace=None) as strict:
        session = make_session(api_key="good", base_url=strict.base_url)
        job = session.submit("a boat [stuck]")
        assert until(lambda: job.request_id)
        session.change(api_key="bad")
        assert until(lambda: "key was refused" in (job.snapshot.trouble or ""))
        session.change(api_key="good")
        assert until(lambda: job.snapshot.trouble is None)
        assert not job.done()


def test_new_limits_leave_running_jobs_alone(session, simulator):
    job = session.submit("a boat [stuck]")
    assert until(lambda: job.request_id)
    session.change(limits={"concurrency": 2, "poll_ceiling": 0.05, "max_credits": 1})
    looks = simulator.calls["get"]
    assert until(lambda: simulator.calls["get"] > looks + 2)
    assert (job.done(), session.limits.concurrency, session.limits.poll_ceiling) == (False, 2, 0.05)
    with pytest.raises(BudgetExceeded):
        session.submit("a plane")


def test_a_change_keeps_the_limits_it_does_not_name(make_session):
    session = make_session(max_credits=7, concurrency=3)
    session.change(limits={"concurrency": 4})
    assert (session.limits.max_credits, session.limits.concurrency, session.limits.poll_floor) == (7, 4, 0.02)


@pytest.mark.parametrize(
    "change", [{"limits": {"nonsense": 1}}, {"limits": {"concurrency": 0}}, {"api_key": "two\nlines"}], ids=str
)
def test_a_change_that_makes_no_sense_changes_nothing(session, change):
    before = session.settings
    with pytest.raises(ConfigurationError):
        session.change(**{"api_key": "other", **change})
    assert session.settings == before


# Accounts and keys -----------------------------------------------------------------------------------


def account(**changes):
    return Session(**{"api_key": "key-one", "base_url": "https://a.example", **changes}).account


def test_the_account_is_the_same_for_the_same_key_and_host():
    assert account() == account(base_url="https://a.example/")


@pytest.mark.parametrize(
    "other",
    [{"api_key": "key-two"}, {"base_url": "https://b.example"}, {"account": "us"}, {"base_url": "simulator"}],
    ids=["key", "host", "a name", "simulator"],
)
def test_the_account_differs_by_key_host_and_name(other):
    assert account(**other) != account()


def test_the_account_does_not_hold_the_key():
    assert "key-one" not in account()
    assert len(account()) == 20


def test_a_named_account_survives_another_key(monkeypatch):
    monkeypatch.setenv("SEEDANCE_ACCOUNT", "us")
    assert account() == account(api_key="key-two") == "name:us"


@pytest.mark.parametrize("act", [lambda s: s.submit("a boat"), lambda s: s.attach("req_1"), lambda s: s.resume()])
def test_without_a_key_nothing_starts_and_the_cure_is_named(tmp_path, act):
    before = threads()
    with pytest.raises(ConfigurationError, match=r"no API key: .*login.*SEEDANCE_API_KEY.*Nothing was submitted"):
        act(Session(home=tmp_path))
    assert threads() <= before
    assert not (tmp_path / "clips").exists()


def test_without_a_key_questions_about_the_past_are_answered(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    ledger.claim(record(request_id="req_1", credits=40.0), False, lambda: None)
    ledger.close()
    session = Session(home=tmp_path)
    assert (session.has_unfinished(), session.spending()[0].credits) == (True, 40)
    assert session.preview(VideoRequest(prompt="a boat")) is None


def test_a_repr_shows_where_it_calls_and_no_key():
    assert repr(Session(api_key="key-one", base_url="https://a.example")) == "<Session https://a.example>"


# Cost and end of a session ---------------------------------------------------------------------------


def test_a_session_costs_nothing_until_it_is_used(tmp_path):
    before = threading.enumerate()
    session = Session(api_key="k", home=tmp_path / "home")
    assert (session.open_jobs(), session.spent) == ([], 0)
    session.close()
    assert threading.enumerate() == before
    assert not (tmp_path / "home").exists()


def test_making_one_loads_neither_httpx_nor_pyav_nor_tornado():
    code = """
import sys
from seedance_nb.tracking.session import Session
Session(api_key="k")
print({"httpx", "av", "tornado", "keyring"} & set(sys.modules))
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"


def test_with_closes_it(make_session):
    before = threads()
    with make_session() as session:
        job = session.submit("a boat [stuck]")
        assert until(lambda: job.request_id)
        assert any(thread.name == "seedance-runner" for thread in threads() - before)
    assert until(lambda: threads() <= before)
    assert job.done()


def test_close_is_idempotent_and_a_closed_session_starts_anew_when_used(session):
    assert until(session.submit("a boat [fail]").done)
    session.close()
    session.close()
    assert until(session.submit("a plane [fail]").done)


# The built-in simulator ------------------------------------------------------------------------------


@pytest.fixture
def simulated(quick_films, monkeypatch, tmp_path):
    monkeypatch.setenv("SEEDANCE_BASE_URL", "simulator")
    monkeypatch.setenv("SEEDANCE_SIMULATOR_QUEUE_SECONDS", "0.05")
    monkeypatch.setenv("SEEDANCE_SIMULATOR_RENDER_SECONDS", "0.1")
    monkeypatch.setenv("SEEDANCE_API_KEY", "sd2_live_real")
    session = Session(poll_floor=0.05)
    yield session
    session.close()


def test_the_simulator_needs_no_key_and_makes_a_real_clip(simulated, tmp_path):
    job = simulated.submit("a boat", **SMALL)
    clip = job.result(20)
    assert (job.status, job.credits, job.snapshot.simulated) == (Status.SUCCEEDED, 20, True)
    assert (clip.width, (tmp_path / "simulator" / "journal.jsonl").exists()) == (854, True)


def test_simulated_jobs_are_reused_although_the_simulator_has_another_port_every_time(simulated):
    clip = simulated.submit("a boat", **SMALL).result(20)
    simulated.close()
    again = simulated.submit("a boat", **SMALL)
    assert (again.result(20), again.reused) == (clip, True)


def test_simulated_credits_are_counted_apart(simulated):
    simulated.submit("a boat", **SMALL).result(20)
    assert [(line.simulated, line.credits) for line in simulated.spending()] == [(True, 20)]


def test_a_real_key_is_never_shown_to_the_simulator(simulated):
    job = simulated.submit("a boat [fail]")
    assert until(job.done)
    assert (job.status, simulated.settings.api_key) == ("failed", None)


# The session of this kernel --------------------------------------------------------------------------


@pytest.fixture
def kernel(no_kernel_session, simulator, monkeypatch):
    monkeypatch.setenv("SEEDANCE_API_KEY", "k")
    monkeypatch.setenv("SEEDANCE_BASE_URL", simulator.base_url)
    return simulator


def test_the_functions_of_the_package_use_one_session(kernel):
    assert existing() is None
    configure(poll_floor=0.02)
    job = seedance_nb.submit("a boat [fail]")
    assert until(job.done)
    assert (existing() is default(), seedance_nb.jobs(limit=1)[0].key) == (True, job.key)
    assert list(seedance_nb.resume()) == []
    assert seedance_nb.models().answered


def test_configure_with_a_limit_keeps_the_session_and_its_jobs(kernel):
    first = configure(poll_floor=0.02)
    job = seedance_nb.submit("a boat [stuck]")
    assert until(lambda: job.request_id)
    second = configure(max_credits=1000, api_key="k2")
    assert (second is first, job.done(), second.limits.max_credits) == (True, False, 1000)
    assert second.limits.poll_floor == 0.02


def test_configure_with_another_folder_keeps_host_key_and_limits(kernel, monkeypatch, tmp_path):
    monkeypatch.delenv("SEEDANCE_BASE_URL")
    configure(api_key="mine", base_url="https://a.example", max_credits=7, account="us")
    moved = configure(home=tmp_path / "other")
    assert (moved.settings.base_url, moved.settings.api_key.reveal()) == ("https://a.example", "mine")
    assert (moved.limits.max_credits, moved.account, moved.settings.home) == (7, "name:us", tmp_path / "other")


def test_configure_with_another_host_keeps_folder_and_limits_but_not_the_key(kernel, monkeypatch, tmp_path):
    monkeypatch.delenv("SEEDANCE_API_KEY")
    configure(api_key="mine", base_url="https://a.example", max_credits=7, home=tmp_path / "other")
    moved = configure(base_url="https://b.example")
    assert (moved.settings.api_key, moved.limits.max_credits, moved.settings.home) == (None, 7, tmp_path / "other")


def test_configure_with_another_folder_begins_another_session_and_the_old_jobs_go_on(kernel, tmp_path):
    first = configure(poll_floor=0.02)
    job = seedance_nb.submit("a boat [stuck]")
    assert until(lambda: job.request_id)
    second = configure(home=tmp_path / "other")
    looks = kernel.calls["get"]
    assert until(lambda: kernel.calls["get"] > looks)
    assert (second is first, existing() is second, job.done()) == (False, True, False)
    first.close()


def test_a_wait_strategy_reaches_a_runner_that_runs_and_those_that_come(kernel, monkeypatch):
    monkeypatch.setattr(host.plain, engine.WAIT_ATTRIBUTE, None, raising=False)

    def strategy(job, timeout):
        return False

    before = default().engine.runner
    sessions.set_wait_strategy(strategy)
    first = before.wait_strategy
    sessions.forget()
    assert (first, default().engine.runner.wait_strategy) == (strategy, strategy)


@pytest.mark.parametrize("fresh", ["no", "false", 2, []], ids=repr)
def test_what_is_no_yes_or_no_buys_nothing(session, simulator, fresh):
    with pytest.raises(InvalidRequest, match="fresh must be True or False"):
        session.submit("a boat", fresh=fresh, **SMALL)
    assert simulator.calls["create"] == 0


# Work beside the jobs ----------------------------------------------------------------------------------


def test_slow_work_goes_on_beside_the_background_thread_and_a_call_for_later_in_it(session, simulator):
    job = session.submit("a boat [stuck]")
    threads = []
    for ask in (session, job):
        ask.work(lambda: threads.append(threading.current_thread().name))
        ask.call_later(0.0, lambda: threads.append(threading.current_thread().name))
    assert until(lambda: len(threads) == 4)
    assert sorted({name.split("_")[0] for name in threads}) == ["seedance-runner", "seedance-worker"]


def test_work_that_fails_harms_nobody(session, simulator, caplog):
    job = session.submit("a boat")
    job.work(lambda: 1 / 0)
    assert until(lambda: "ZeroDivisionError" in caplog.text)
    assert job.result(20)


def test_where_nothing_runs_slow_work_is_done_here_and_now(make_session):
    done, idle = [], make_session()
    idle.work(lambda: done.append(threading.current_thread() is threading.main_thread()))
    assert done == [True]
    assert not idle.engine.is_in_use


def test_a_session_says_whether_it_has_a_key(make_session, tmp_path):
    assert make_session().has_key
    assert not Session(home=tmp_path / "without").has_key
