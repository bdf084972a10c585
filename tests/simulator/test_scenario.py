import json
import statistics

import pytest

from seedance_nb.simulator.scenario import Pace, Scenario

STEADY = Pace(queue_seconds=2, render_seconds=6, sigma=0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def body(**fields):
    return {"model": "seedance-2.0", "prompt": "a cat", "duration": 5, "resolution": "720p", **fields}


def created(scenario, **fields):
    status, answer = scenario.create(body(**fields))
    assert status == 200, answer
    return answer["requestId"]


def statuses(scenario, request_id, moments):
    return [scenario.get(request_id, 1000 + moment)[1]["status"] for moment in moments]


def test_an_accepted_create_answers_as_documented(clock):
    status, answer = Scenario(clock, STEADY).create(body())
    request_id = answer.pop("requestId")
    assert request_id.startswith("req_")
    assert request_id[4:].isdigit()
    assert (status, answer) == (200, {"success": True, "status": "queued", "creditsCharged": 40, "simulated": True})


def test_a_finished_generation_answers_as_documented(clock):
    scenario = Scenario(clock, STEADY, base_url="http://127.0.0.1:8765")
    request_id = created(scenario)
    clock.now += 60
    assert scenario.get(request_id) == (
        200,
        {
            "success": True,
            "requestId": request_id,
            "status": "succeeded",
            "model": "seedance-2.0",
            "prompt": "a cat",
            "duration": 5,
            "aspectRatio": "16:9",
            "output": {"type": "video", "url": f"http://127.0.0.1:8765/results/{request_id}.mp4"},
            "error": None,
            "simulated": True,
        },
    )


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat", ["queued", "queued", "processing", "processing", "processing", "succeeded", "succeeded"]),
        ("a cat [fail]", ["queued", "queued", "processing", "failed", "failed", "failed", "failed"]),
        ("a cat [moderation]", ["queued", "queued", "processing", "processing", "processing", "failed", "failed"]),
        ("a cat [stuck]", ["queued", "queued", "processing", "processing", "processing", "processing", "processing"]),
    ],
)
def test_the_prompt_decides_how_the_status_goes_through_time(clock, prompt, expected):
    scenario = Scenario(clock, STEADY)
    assert statuses(scenario, created(scenario, prompt=prompt), [0, 1.9, 2.1, 5.1, 7.9, 8, 1e6]) == expected


def test_a_failed_generation_has_a_text_as_error(clock):
    scenario = Scenario(clock, STEADY)
    answer = scenario.get(created(scenario, prompt="[fail]"), 2000)[1]
    assert isinstance(answer["error"], str)
    assert answer["output"] is None


def test_a_moderated_generation_has_an_object_as_error(clock):
    scenario = Scenario(clock, STEADY)
    assert scenario.get(created(scenario, prompt="[moderation]"), 2000)[1]["error"]["code"] == "moderation_blocked"


def test_there_is_no_output_before_success(clock):
    scenario = Scenario(clock, STEADY)
    request_id = created(scenario)
    assert [scenario.get(request_id, 1000 + moment)[1]["output"] for moment in (0, 3)] == [None, None]


def test_a_generation_is_processing_until_its_film_is_there(clock):
    films = {"state": "rendering"}
    scenario = Scenario(clock, STEADY, film=lambda _entry: films["state"])
    request_id = created(scenario)
    before = scenario.get(request_id, 2000)[1]["status"]
    films["state"] = "ready"
    assert [before, scenario.get(request_id, 2000)[1]["status"]] == ["processing", "succeeded"]


def test_a_film_that_cannot_be_made_fails_the_generation(clock):
    scenario = Scenario(clock, STEADY, film=lambda _entry: "broken")
    assert scenario.get(created(scenario), 2000)[1]["status"] == "failed"


def test_every_nth_create_fails_when_asked(clock):
    scenario = Scenario(clock, STEADY, fail_every=3)
    ids = [created(scenario) for _ in range(6)]
    ends = [scenario.get(request_id, 2000)[1]["status"] for request_id in ids]
    assert ends == ["succeeded", "succeeded", "failed"] * 2


@pytest.mark.parametrize("moment", [0, 3])
def test_cancel_ends_a_queued_or_processing_generation(clock, moment):
    scenario = Scenario(clock, STEADY)
    request_id = created(scenario)
    answer = {"success": True, "requestId": request_id, "status": "cancelled", "simulated": True}
    assert scenario.cancel(request_id, 1000 + moment) == (200, answer)
    assert scenario.get(request_id, 2000)[1]["status"] == "cancelled"


def test_cancel_of_an_ended_generation_is_a_conflict(clock):
    scenario = Scenario(clock, STEADY)
    finished, cancelled = created(scenario), created(scenario)
    scenario.cancel(cancelled)
    clock.now = 2000
    assert [scenario.cancel(one)[0] for one in (finished, cancelled)] == [409, 409]
    assert scenario.get(finished)[1]["status"] == "succeeded"


def test_an_unknown_id_is_not_found(clock):
    scenario = Scenario(clock, STEADY)
    assert [scenario.get("req_1")[0], scenario.cancel("req_1")[0]] == [404, 404]


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (None, "object"),
        ([], "object"),
        ("text", "object"),
        ({"model": "seedance-2.0"}, "prompt"),
        (body(prompt=""), "prompt"),
        (body(prompt=" \n"), "prompt"),
        (body(prompt=7), "prompt"),
        ({"prompt": "a cat"}, "model"),
        (body(model="sora"), "model"),
        (body(model=["seedance-2.0"]), "model"),
        (body(aspectRatio="4:3"), "aspectRatio"),
        (body(duration=3), "duration"),
        (body(duration=16), "duration"),
        (body(duration="5"), "duration"),
        (body(duration=True), "duration"),
        (body(duration=0), "duration"),
        (body(model="seedance-1.5-pro", duration=6), "duration"),
        (body(resolution="4k"), "resolution"),
        (body(mediaUrls=["https://a/1.png"] * 6), "mediaUrls"),
        (body(mediaUrls=["http://a/1.png"]), "mediaUrls"),
        (body(mediaUrls="https://a/1.png"), "mediaUrls"),
        (body(metadata=[1]), "metadata"),
        (body(metadata="text"), "metadata"),
        (body(webhookUrl=5), "webhookUrl"),
    ],
)
def test_a_bad_request_is_refused_and_says_which_field(clock, sent, word):
    scenario = Scenario(clock, STEADY)
    status, answer = scenario.create(sent)
    assert (status, answer["success"], answer["error"]["code"]) == (400, False, "invalid_request")
    assert word in answer["error"]["message"]
    assert scenario.accepted == []


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({}, 40),
        ({"mediaUrls": ["https://a/1.png"]}, 64),
        ({"duration": 15}, 120),
        ({"resolution": "480p"}, 25),
        ({"resolution": "1080p"}, 80),
        ({"model": "seedance-2.0-fast"}, 25),
        ({"model": "seedance-1.5-pro"}, 20),
        ({"model": "seedance-1.5-pro", "duration": 10, "mediaUrls": ["https://a/1.png"]}, 64),
        ({"duration": None, "resolution": None}, 40),
    ],
)
def test_credits_follow_from_the_request(clock, fields, cost):
    assert Scenario(clock, STEADY).create(body(**fields))[1]["creditsCharged"] == cost


def test_every_model_on_offer_is_listed_with_its_rates(clock):
    status, answer = Scenario(clock, STEADY).models()
    assert status == 200
    assert list(answer)[:2] == ["success", "data"]
    assert {item["id"]: item["pricing"]["rates"]["720p"] for item in answer["data"]} == {
        "seedance-2.0": 8,
        "seedance-2.0-fast": 5,
        "seedance-1.5-pro": 4,
    }


def test_a_spent_budget_refuses_the_next_create(clock):
    scenario = Scenario(clock, STEADY, credits=100)
    assert [scenario.create(body())[0] for _ in range(3)] == [200, 200, 402]
    assert scenario.create(body())[1]["error"]["code"] == "insufficient_credits"
    assert scenario.balance == 20


def test_a_cancel_gives_no_credits_back(clock):
    scenario = Scenario(clock, STEADY, credits=100)
    scenario.cancel(created(scenario))
    assert scenario.balance == 60


def test_too_many_at_once_are_refused_until_one_ends(clock):
    scenario = Scenario(clock, STEADY, max_concurrent=2)
    first = [scenario.create(body())[0] for _ in range(3)]
    clock.now += 60
    assert [*first, scenario.create(body())[0]] == [200, 200, 429, 200]


@pytest.mark.parametrize(
    ("configured", "sent", "let_in"),
    [
        (None, None, True),
        (None, "any", True),
        ("k", "k", True),
        ("k", "other", False),
        ("k", None, False),
        (None, "sd2_live_abc", False),
        ("sd2_live_abc", "sd2_live_abc", False),
    ],
)
def test_only_fitting_keys_are_let_in_and_never_a_real_one(clock, configured, sent, let_in):
    refusal = Scenario(clock, STEADY, api_key=configured).authorize(sent)
    assert (refusal is None) == let_in
    assert refusal is None or (refusal.http_status, refusal.code) == (401, "unauthorized")


def test_a_real_key_is_told_that_this_is_the_simulator(clock):
    assert "simulator" in Scenario(clock, STEADY).authorize("sd2_live_abc").message


def test_equal_bodies_are_numbered_as_takes(clock):
    scenario = Scenario(clock, STEADY)
    for prompt in ("a cat", "a dog", "a cat"):
        created(scenario, prompt=prompt)
    assert [entry.take for entry in scenario.accepted] == [1, 1, 2]


def test_the_pace_draws_the_same_for_the_same_id():
    assert Pace().draw("req_1") == Pace().draw("req_1") != Pace().draw("req_2")


def test_the_pace_has_the_medians_it_was_given():
    draws = [Pace(1.5, 6, 0.25).draw(f"req_{number}") for number in range(2000)]
    assert statistics.median(queue for queue, _ in draws) == pytest.approx(1.5, rel=0.05)
    assert statistics.median(render for _, render in draws) == pytest.approx(6, rel=0.05)


def test_a_journal_brings_everything_back_after_a_restart(clock, tmp_path):
    path = tmp_path / "journal.jsonl"
    before = Scenario(clock, Pace(), journal=path, credits=500)
    running, cancelled = created(before), created(before, prompt="[fail]")
    before.cancel(cancelled)
    after = Scenario(clock, Pace(99, 99), journal=path, credits=500)
    assert after.accepted == before.accepted
    assert after.balance == 420
    assert after.get(cancelled)[1]["status"] == "cancelled"
    assert statuses(after, running, range(20)) == statuses(before, running, range(20))


def test_two_scenarios_on_one_journal_see_each_others_work(clock, tmp_path):
    one, other = (Scenario(clock, STEADY, journal=tmp_path / "journal.jsonl") for _ in range(2))
    request_id = created(one)
    assert other.cancel(request_id)[0] == 200
    assert one.get(request_id)[1]["status"] == "cancelled"
    created(other)
    assert [entry.take for entry in one.accepted] == [1, 2]


def test_a_torn_line_in_the_journal_loses_only_itself(clock, tmp_path):
    path = tmp_path / "journal.jsonl"
    request_id = created(Scenario(clock, STEADY, journal=path))
    with path.open("a") as file:
        file.write('{"event": "accepted", "request_id": "req_')
    after = Scenario(clock, STEADY, journal=path)
    second = created(after)
    assert [entry.request_id for entry in Scenario(clock, STEADY, journal=path).accepted] == [request_id, second]


def test_a_key_in_a_body_never_reaches_the_journal(clock, tmp_path):
    path = tmp_path / "journal.jsonl"
    created(Scenario(clock, STEADY, journal=path), metadata={"oops": "sd2_live_abc-123"})
    assert "abc-123" not in path.read_text()
    assert json.loads(path.read_text())["body"]["metadata"] == {"oops": "sd2_live_(removed)"}


def test_an_expired_url_is_followed_by_another_one(clock):
    scenario = Scenario(clock, STEADY)
    request_id = created(scenario)
    old = scenario.output_url(request_id)
    scenario.expire_url(request_id)
    assert old != scenario.output_url(request_id)
    assert [scenario.is_url_alive(request_id, token) for token in ("", "1")] == [False, True]


def test_a_prompt_with_a_lone_surrogate_is_accepted_and_survives_the_journal(clock, tmp_path):
    path = tmp_path / "journal.jsonl"
    created(Scenario(clock, STEADY, journal=path), prompt="half \ud83d")
    assert Scenario(clock, STEADY, journal=path).accepted[0].body["prompt"] == "half \ud83d"
