"""The job card's half of the wire: what it tells the page, and how it answers."""

import dataclasses
import json
import re
from pathlib import Path

import comm
import pytest
from comm.base_comm import BaseComm

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.clips.clip import Clip
from seedance_nb.errors import GenerationFailed, SeedanceError
from seedance_nb.notebook.card import job_card
from seedance_nb.notebook.card.job_card import JobCard, card_view
from seedance_nb.snapshot import Snapshot

NOW = 1030.0
MP4 = b"\x00\x00\x00\x18ftypmp42" * 10
CLIP = Clip(Path("clips/j1.mp4"), None, len(MP4), 1280, 720, 24.0, 5.0, "ab12" * 16)
SNAPSHOT = Snapshot(
    key="j1",
    request=VideoRequest(prompt="a paper boat", aspect_ratio="16:9", duration=5, resolution="720p"),
    take=1,
    status=Status.PROCESSING,
    status_text="processing",
    request_id="req_1",
    credits=40.0,
    created_at=1000.0,
    accepted_at=1002.0,
    last_contact_at=1027.0,
    expected_seconds=70.0,
)
WAITING = dataclasses.replace(SNAPSHOT, cancel_requested=True)
DONE = dataclasses.replace(SNAPSHOT, status=Status.SUCCEEDED, clip=CLIP, finished_at=1042.0)


class Wire(BaseComm):
    """A comm that keeps what was sent."""

    def __init__(self, *args, **kwargs):
        self.sent = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self.sent.append((msg_type, data, buffers))

    @property
    def custom(self):
        return [(data["content"], buffers) for _, data, buffers in self.sent if data.get("method") == "custom"]


class WireOfIpykernel74(Wire):
    """Remembers the shell that wrote last, as ipykernel 7.4.0 does."""

    def _reply_subshell_for(self, data, default):
        return "the busy main shell"


@pytest.fixture
def make_card(monkeypatch):
    def make(
        snapshot=SNAPSHOT,
        *,
        wire=Wire,
        on_cancel=lambda: None,
        clip_bytes=lambda: MP4,
        on_in_view=lambda: None,
        **kwargs,
    ):
        monkeypatch.setattr(comm, "create_comm", wire)
        view = card_view(snapshot, NOW, **kwargs)
        return JobCard(view, on_cancel=on_cancel, clip_bytes=clip_bytes, on_in_view=on_in_view)

    return make


def from_page(card, content):
    card.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


# -- what the page is told


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("full", [False, True])
def test_a_view_is_json_for_every_status(status, full):
    extra = (
        {"error": SeedanceError("x"), "warnings": ("w",), "remarks": ("r",), "note": "n", "trouble": "t", "clip": CLIP}
        if full
        else {}
    )

    view = card_view(dataclasses.replace(SNAPSHOT, status=status, **extra), NOW)

    assert json.loads(json.dumps(view, allow_nan=False)) == view


def test_a_view_tells_what_is_good_to_know_from_what_is_a_warning():
    view = card_view(dataclasses.replace(SNAPSHOT, warnings=("look out",), remarks=("uploaded to s3://films",)), NOW)

    assert (view["warnings"], view["remarks"]) == (["look out"], ["uploaded to s3://films"])


def test_a_view_of_a_running_job_counts_from_the_moment_it_is_sent():
    view = card_view(SNAPSHOT, NOW)

    times = {name: view[name] for name in ("elapsed", "running", "remaining", "expected", "last_contact_ago")}
    assert times == {"elapsed": 30.0, "running": 28.0, "remaining": 42.0, "expected": 70.0, "last_contact_ago": 3.0}


def test_a_view_says_what_was_asked_and_what_it_costs():
    view = card_view(SNAPSHOT, NOW)

    assert (view["prompt"], view["settings"]) == ("a paper boat", "seedance-2.0 · 16:9 · 5 s · 720p")
    assert (view["request_id"], view["key"], view["facts"]) == ("req_1", "j1", "40 credits")


def test_the_time_left_of_a_finished_job_is_not_guessed():
    view = card_view(DONE, 2000.0)

    assert (view["elapsed"], view["remaining"], view["running"]) == (42.0, None, None)


def test_a_clock_that_went_backwards_shows_no_negative_time():
    view = card_view(SNAPSHOT, 900.0)

    assert min(view["elapsed"], view["running"], view["last_contact_ago"]) == 0.0


@pytest.mark.parametrize(
    ("snapshot", "can_cancel", "cancel_requested"),
    [
        (SNAPSHOT, True, False),
        (dataclasses.replace(SNAPSHOT, status=Status.SUBMITTING, request_id=None), True, False),
        (WAITING, False, True),
        (DONE, False, False),
        (dataclasses.replace(WAITING, status=Status.CANCELLED), False, False),
    ],
)
def test_only_what_still_runs_can_be_cancelled_and_only_once(snapshot, can_cancel, cancel_requested):
    view = card_view(snapshot, NOW)

    assert (view["can_cancel"], view["cancel_requested"]) == (can_cancel, cancel_requested)


def test_the_page_reads_every_fact_that_is_sent_to_it_and_no_other():
    script = (Path(job_card.__file__).parent / "job_card.js").read_text(encoding="utf-8")
    [declared] = re.findall(r"@typedef \{\{([^}]*)\}\} View", script)
    sent = set(card_view(SNAPSHOT, NOW))

    # What is read and not declared here is found by the type checker.
    assert set(re.findall(r"(\w+):", declared)) == sent
    assert [name for name in sent if not re.search(rf'\bview(?:"\))?\.{name}\b', script)] == []


def test_a_word_the_service_invented_reaches_the_page():
    view = card_view(dataclasses.replace(SNAPSHOT, status_text="upscaling"), NOW)

    assert view["status"] == "processing"
    assert "upscaling" in view["status_words"]


def test_a_failure_carries_its_line():
    failed = dataclasses.replace(SNAPSHOT, status=Status.FAILED, error=GenerationFailed("No video."))

    view = card_view(failed, NOW)

    assert (view["settled"], view["error"]) == (True, "No video.")


def test_texts_no_message_could_carry_are_mended():
    broken = dataclasses.replace(SNAPSHOT, request=VideoRequest(prompt="a \ud800 boat"), trouble="x\ny \ud800")

    json.dumps(card_view(broken, NOW), ensure_ascii=False).encode("utf-8")


def test_a_very_long_prompt_is_not_sent_with_every_tick():
    view = card_view(dataclasses.replace(SNAPSHOT, request=VideoRequest(prompt="boat " * 4000)), NOW)

    assert len(view["prompt"]) <= 401


# -- the card


def test_a_snapshot_is_shown_with_one_message(make_card):
    card = make_card()
    card.comm.sent.clear()

    card.show(DONE, now=NOW, done=True)

    [(_, data, _)] = card.comm.sent
    assert (data["method"], data["state"]["done"]) == ("update", True)
    assert data["state"]["view"] == card_view(DONE, NOW)


def test_a_card_with_a_heading_keeps_it(make_card):
    card = make_card(heading=True)

    card.show(DONE, now=NOW)

    assert (card.view["heading"], card.done) == (True, False)


def test_a_cancel_from_the_page_calls_on_cancel_once(make_card):
    calls = []
    card = make_card(on_cancel=lambda: calls.append("cancel"))

    from_page(card, {"kind": "cancel"})
    from_page(card, {"kind": "cancel"})

    assert calls == ["cancel"]


def test_a_cancel_that_was_not_confirmed_can_be_asked_again(make_card):
    calls = []
    card = make_card(on_cancel=lambda: calls.append("cancel"))

    from_page(card, {"kind": "cancel"})
    card.show(WAITING, now=NOW)
    card.show(SNAPSHOT, now=NOW)
    from_page(card, {"kind": "cancel"})

    assert calls == ["cancel", "cancel"]


def test_a_finished_card_cancels_nothing(make_card):
    calls = []
    card = make_card(on_cancel=lambda: calls.append("cancel"))

    card.show(DONE, now=NOW, done=True)
    from_page(card, {"kind": "cancel"})

    assert calls == []


def test_a_cancel_that_cannot_be_asked_for_is_said_on_the_card(make_card):
    def stopped():
        raise RuntimeError("the runner has stopped")

    card = make_card(on_cancel=stopped)

    from_page(card, {"kind": "cancel"})

    [(content, _)] = card.comm.custom
    assert content == {"kind": "cancel_failed", "text": "Could not ask for the cancel: the runner has stopped"}


def test_a_page_that_needs_the_video_gets_it_as_a_buffer_and_never_as_a_trait(make_card):
    card = make_card(DONE)

    from_page(card, {"kind": "need_video"})

    [(content, buffers)] = card.comm.custom
    assert content == {"kind": "video", "mime": "video/mp4", "caption": "seedance-2.0 · 16:9 · 5 s · 720p"}
    assert buffers == [MP4]
    assert all(not isinstance(value, bytes) for value in card.get_state().values())


def missing():
    raise FileNotFoundError(2, "No such file", "clips/j1.mp4")


@pytest.mark.parametrize("clip_bytes", [lambda: None, missing])
def test_a_page_that_needs_a_video_that_is_gone_is_told_what_to_do(make_card, clip_bytes):
    card = make_card(DONE, clip_bytes=clip_bytes)

    from_page(card, {"kind": "need_video"})

    [(content, buffers)] = card.comm.custom
    assert content["kind"] == "no_video"
    assert "run this cell again" in content["text"]
    assert not buffers


@pytest.mark.parametrize("content", [{}, {"kind": "explode"}, [], "cancel", None])
def test_messages_that_mean_nothing_are_ignored(make_card, content):
    card = make_card(on_cancel=lambda: pytest.fail("cancelled"), clip_bytes=lambda: pytest.fail("read"))

    from_page(card, content)

    assert card.comm.custom == []


def test_the_page_chooses_the_shell_on_an_ipykernel_that_would_not_let_it(make_card):
    card = make_card(wire=WireOfIpykernel74)

    assert card.comm._reply_subshell_for({}, "a subshell") == "a subshell"


def test_the_shim_adds_nothing_where_there_is_nothing_to_mend(make_card):
    assert not hasattr(make_card().comm, "_reply_subshell_for")


def test_the_installed_ipykernel_has_the_method_the_shim_replaces():
    """When this fails, ipykernel has changed how it routes clicks: the shim may be no longer needed."""
    ipykernel_comm = pytest.importorskip("ipykernel.comm.comm")
    if pytest.importorskip("ipykernel").version_info[:3] < (7, 4, 0):
        pytest.skip("ipykernel before 7.4 leaves the choice to the page by itself")

    assert hasattr(ipykernel_comm.BaseComm, "_reply_subshell_for")


def test_script_and_style_are_read_from_the_installed_files(make_card):
    state = make_card().get_state()

    assert "function keepKeys(" in state["_esm"]
    assert state["_esm"].count("export default ageing(card);") == 1
    assert ".seedance-card" in state["_css"]


def test_the_script_never_parses_html(make_card):
    script = make_card().get_state()["_esm"]

    assert not any(
        word in script for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
    )


def test_a_page_that_draws_no_widgets_reads_a_sentence(make_card):
    assert repr(make_card()) == "[live card: being made; it is drawn while its kernel runs]"


# -- in and out of sight


def test_a_card_counts_as_seen_until_a_page_says_otherwise(make_card):
    card = make_card()
    before = card.is_in_view

    from_page(card, {"kind": "in_view", "page": "1", "shown": False})

    assert (before, card.is_in_view) == (True, False)


def test_a_card_is_seen_as_long_as_one_of_its_pages_shows_it(make_card):
    card = make_card()
    from_page(card, {"kind": "in_view", "page": "1", "shown": True})

    from_page(card, {"kind": "in_view", "page": "2", "shown": False})

    assert card.is_in_view


def test_a_card_that_comes_back_into_view_is_drawn_anew(make_card):
    drawn = []
    card = make_card(on_in_view=lambda: drawn.append(True))
    from_page(card, {"kind": "in_view", "page": "1", "shown": False})

    from_page(card, {"kind": "in_view", "page": "1", "shown": True})

    assert drawn == [True]


def test_pages_that_go_away_without_a_word_are_forgotten(make_card):
    card = make_card()
    for page in range(1000):
        from_page(card, {"kind": "in_view", "page": str(page), "shown": True})

    assert len(card._shown) <= 16
