"""The same words in other bytes, an address signed anew, another tag: one intention, one create. Counted at the service."""

import json
import sqlite3
import unicodedata

import pytest
from promises.stage import accepted, settled, submit

from seedance_nb.api.models import Status, error_parts
from seedance_nb.errors import InvalidRequest
from seedance_nb.tracking.ledger.migrations import identify_anew

CAT = "https://bucket.s3.amazonaws.com/cat.png"


def signed(number):
    return f"{CAT}?X-Amz-Date=2026010{number}T000000Z&X-Amz-Credential=AKIASECRET&X-Amz-Signature=SECRET{number}"


def decomposed(text):
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"prompt": "one\ntwo"}, {"prompt": "one\r\ntwo\r\n"}, id="line ends"),
        pytest.param({"prompt": "a café"}, {"prompt": decomposed("a café")}, id="decomposed"),
        pytest.param({"prompt": "a red boat"}, {"prompt": "a\u00a0red\u202fboat"}, id="blanks"),
        pytest.param({"prompt": "a boat"}, {"prompt": "\ufeffa bo\u200bat"}, id="invisible"),
        pytest.param({"metadata": {"a": 1, "b": {"c": 2, "d": 3}}}, {"metadata": {"b": {"d": 3, "c": 2}, "a": 1}}, id="order of metadata"),
        pytest.param({"metadata": {"run": 1}}, {"metadata": {"run": 2}}, id="another tag"),
        pytest.param({"metadata": {"run": 1}}, {}, id="no tag"),
        pytest.param({"media_urls": signed(1)}, {"media_urls": signed(2)}, id="signed anew"),
        pytest.param({"media_urls": "https://A.example:443/%7ex.png"}, {"media_urls": "https://a.example/~x.png"}, id="spelling of an address"),
        pytest.param({"duration": 4}, {"duration": "4.0", "take": 1.0}, id="numbers of a table"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
def test_the_same_request_is_bought_once(session, simulator, one, other, at_once):
    first, second = {"prompt": "a boat", **one}, {"prompt": "a boat", **other}
    jobs = [submit(session, **first)]
    if not at_once:
        settled(jobs[0])
    jobs.append(submit(session, **second))
    for job in jobs:
        settled(job)

    assert (accepted(simulator), [job.reused for job in jobs]) == (1, [False, True])
    assert len({job.request_id for job in jobs}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"prompt": "a “boat”"}, {"prompt": 'a "boat"'}, id="typography"),
        pytest.param({"prompt": "a  boat"}, {"prompt": "a boat"}, id="two blanks"),
        pytest.param({"media_urls": f"{CAT}?v=1"}, {"media_urls": f"{CAT}?v=2"}, id="a version"),
        pytest.param({"media_urls": [f"{CAT}?id=1", f"{CAT}?id=2"]}, {"media_urls": [f"{CAT}?id=2", f"{CAT}?id=1"]}, id="their order"),
    ],
)  # fmt: skip
def test_what_differs_for_the_eye_is_bought_apart(session, simulator, one, other):
    for options in (one, other):
        settled(submit(session, **{"prompt": "a boat", **options}))

    assert accepted(simulator) == 2


def test_what_is_sent_is_canonical_text_and_the_whole_address(session, simulator):
    job = settled(submit(session, decomposed("a café\r\nby night"), media_urls=signed(1), metadata={"x": signed(2)}))

    [entry] = simulator.scenario.accepted
    assert entry.body["prompt"] == "a café\nby night"
    assert (entry.body["mediaUrls"], entry.body["metadata"]) == ([signed(1)], {"x": signed(2)})
    assert job.request.media_urls == (f"{CAT}#unsigned",)


def test_no_signature_is_kept_anywhere(session, simulator, tmp_path):
    for prompt in ("a boat", "a boat [fail]"):
        job = settled(
            submit(
                session, prompt, media_urls=signed(1), webhook_url="https://h/?token=SECRET", metadata={"x": signed(1)}
            )
        )
        assert "SECRET" not in repr(job) + repr(job.snapshot)
    session.close()

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "ledger.sqlite3" for path in files)
    assert [path.name for path in files if b"SECRET" in path.read_bytes()] == []


def test_a_service_that_repeats_the_address_in_its_error_tells_no_signature():
    said = {"code": "media", "message": f"cannot fetch {signed(1)} (403)"}
    assert error_parts(said) == ("media", f"cannot fetch {CAT}#unsigned (403)")


def test_what_failed_is_tried_again_with_the_fresh_address(session, simulator):
    for number in (1, 2):
        assert settled(submit(session, "a boat [fail]", media_urls=signed(number))).status is Status.FAILED

    assert [entry.body["mediaUrls"] for entry in simulator.scenario.accepted] == [[signed(1)], [signed(2)]]


def test_an_address_that_lost_its_signature_is_free_to_reuse_and_never_bought(session, simulator):
    job = settled(submit(session, media_urls=signed(1)))
    kept = job.request.media_urls

    assert settled(submit(session, media_urls=kept)).reused
    for options in ({"fresh": True}, {"take": 2}, {"prompt": "another boat"}):
        refused = submit(session, media_urls=kept, **options)
        assert isinstance(refused, InvalidRequest)
        assert str(refused).startswith(f"{CAT}#unsigned has lost its signature")
        assert str(refused).endswith("nothing was sent")
    assert (accepted(simulator), session.spent) == (1, job.credits)


def test_who_reuses_a_video_with_other_metadata_is_told_and_can_buy_it_with_the_new(session, simulator):
    first = settled(submit(session, metadata={"run": 1}))
    same, other = (settled(submit(session, metadata={"run": run})) for run in (1, 2))
    fresh = settled(submit(session, metadata={"run": 2}, fresh=True))

    [note] = other.snapshot.warnings
    assert (
        note
        == "the video the service keeps carries the metadata of its first run, not what stands here; --fresh buys one that does"
    )
    assert [job.snapshot.warnings for job in (first, same, fresh)] == [(), (), ()]
    assert [entry.body["metadata"] for entry in simulator.scenario.accepted] == [{"run": 1}, {"run": 2}]


def test_metadata_that_json_would_change_are_refused_with_their_path_and_nothing_is_sent(session, simulator):
    for value in (float("nan"), b"x", {1}, {2: "x"}):
        refused = submit(session, metadata={"tags": ["a", {"b": value}]})
        assert isinstance(refused, InvalidRequest)
        assert str(refused).startswith("metadata.tags[1].b: ")
    assert simulator.calls == {}


def test_an_unknown_option_is_refused_with_the_name_that_was_meant(session, simulator):
    for name, meant in (
        ("Duration", "duration"),
        ("ratio", "aspect_ratio"),
        ("image_url", "media_urls"),
        ("promt", "prompt"),
        ("seed", "there are prompt"),
    ):
        refused = submit(session, **{name: 10})
        assert isinstance(refused, InvalidRequest)
        assert meant in str(refused)
        assert str(refused).endswith("nothing was sent")
    assert simulator.calls == {}


def test_two_kernels_with_other_tags_at_once_buy_once(session_of, simulator):
    sessions = [session_of(simulator), session_of(simulator)]
    jobs = [submit(one, metadata={"run": index}) for index, one in enumerate(sessions)]
    for job in jobs:
        settled(job)

    assert accepted(simulator) == 1
    assert sorted(job.reused for job in jobs) == [False, True]


def test_a_ledger_written_by_an_older_version_answers_a_session_for_free(session_of, simulator, tmp_path):
    first = settled(submit(session_of(simulator), "a café\r\nby night", media_urls=CAT, metadata={"run": 1}))
    db = sqlite3.connect(tmp_path / "ledger.sqlite3")
    [body] = db.execute("SELECT request FROM jobs").fetchone()
    old = json.loads(body) | {
        "prompt": decomposed("a café\r\nby night"),
        "mediaUrls": [signed(1)],
        "metadata": {"run": 1},
    }
    db.execute("UPDATE jobs SET request = ?, request_hash = 'as it was'", (json.dumps(old),))
    identify_anew(db)  # the step of the format that an older file goes through
    db.commit()
    db.close()
    again = settled(submit(session_of(simulator), "a café\nby night", media_urls=signed(2), metadata={"run": 2}))

    assert (again.reused, again.request_id, accepted(simulator)) == (True, first.request_id, 1)
