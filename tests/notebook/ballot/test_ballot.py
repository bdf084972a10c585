"""The ballot without a page: what it tells the page, what it does with the answers, and what the page of a file holds."""

import itertools
import json
import random
import re
from pathlib import Path

import comm
import ipywidgets
import pytest
from comm.base_comm import BaseComm

from seedance_nb.api.models import Status
from seedance_nb.clips.clip import Clip
from seedance_nb.clips.store import Clips
from seedance_nb.errors import ConfigurationError, InvalidRequest, SeedanceError
from seedance_nb.grids.axes import lay_out
from seedance_nb.grids.ballots import page as ballot_page
from seedance_nb.grids.ballots import voting
from seedance_nb.grids.ballots.page import write_ballot
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.grids.votes.pairs import Pair
from seedance_nb.notebook.ballot import ballot as ballots
from seedance_nb.notebook.ballot import words as ballot_words
from seedance_nb.notebook.ballot.ballot import Ballot
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking.ledger.ballot_box import BallotBox
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.vote import DAMAGED, Choice, Kind, Vote, damaged
from seedance_nb.tracking.session import Session

MODELS = ("seedance-2.0", "seedance-2.0-fast")


class Wire(BaseComm):
    """A comm that keeps what was sent."""

    def __init__(self, *args, **kwargs):
        self.sent = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self.sent.append((msg_type, data or {}, buffers or []))

    @property
    def custom(self):
        return [(data["content"], buffers) for _, data, buffers in self.sent if data.get("method") == "custom"]


class WireOfIpykernel74(Wire):
    """Remembers the shell that wrote last, as ipykernel 7.4.0 does."""

    def _reply_subshell_for(self, data, default):
        return "the busy main shell"


class Study:
    """A finished grid, as far as a ballot looks at it."""

    def __init__(self, session, folder, sizes=(), **axes):
        folder.mkdir(exist_ok=True)
        laid = lay_out("a {animal} jumps", **{"animal": ["cat", "dog"], "model": MODELS, **axes})
        tiles = []
        for cell, size in zip(laid.cells(), itertools.chain(sizes, itertools.repeat(30))):  # noqa: B905 - sizes go on for ever
            path = folder / f"k{cell.index}.mp4"
            path.write_bytes(f"clip {cell.index}".encode().ljust(size, b"."))
            clip = Clip(path, None, size, 854, 480, 24.0, 4.0, f"{cell.index:064x}")
            snapshot = Snapshot(f"k{cell.index}", cell.request, cell.take, Status.SUCCEEDED, "succeeded", clip=clip)
            tiles.append(Tile(cell, snapshot))
        self.session, self._picture = session, GridPicture(laid.names, tuple(tiles), submitted=True)

    def picture(self):
        return self._picture

    def votes(self):
        return self.session.ask_ledger(Ledger.votes_among, [f"k{i}" for i in range(4)])


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)
    yield
    ipywidgets.Widget.close_all()


@pytest.fixture
def session(tmp_path):
    with Session(api_key="a-key", base_url="http://127.0.0.1:9", home=tmp_path) as session:
        yield session


@pytest.fixture
def study(session, tmp_path):
    return Study(session, tmp_path / "clips")


@pytest.fixture
def script(monkeypatch):
    """`script(*pairs)`: what the choice of pairs will answer, then None."""

    def script(*pairs):
        asked = []

        def next_pair(keys, group_of, votes, **options):
            asked.append({"keys": keys, "group_of": group_of, "votes": list(votes), **options})
            return pairs[len(asked) - 1] if len(asked) <= len(pairs) else None

        monkeypatch.setattr(ballots, "next_pair", next_pair)
        return asked

    return script


PAIRS = (Pair("k0", "k1"), Pair("k3", "k2"), Pair("k0", "k2"), Pair("k1", "k3"))


def from_page(ballot, kind, **content):
    """What the ballot answers to this message."""
    before = len(ballot.comm.custom)
    content = {"kind": kind, **content}
    ballot.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    return ballot.comm.custom[before:]


def state_after(ballot, kind, **content):
    return next(message for message, _ in from_page(ballot, kind, **content) if message["kind"] == "state")


def answer(ballot, choice="left", aspect="overall", pair=None):
    pair = pair or state_after(ballot, "hello")["pair"]["id"]
    return state_after(ballot, "answer", pair=pair, aspect=aspect, choice=choice)


# -- beginning


def test_a_rater_is_asked_for_a_name_first(study, script):
    script(*PAIRS)
    ballot = Ballot(study)

    before = state_after(ballot, "hello")
    after = state_after(ballot, "begin", rater="  Anna\n ")

    assert (before["phase"], before["pair"]) == ("name", None)
    assert (after["phase"], after["rater"]) == ("vote", "Anna")


@pytest.mark.parametrize("rater", ["", "  \n", None])
def test_without_a_name_nothing_begins_and_the_page_is_told(study, script, rater):
    script(*PAIRS)
    ballot = Ballot(study)

    (state, _), (trouble, _) = from_page(ballot, "begin", rater=rater)

    assert (state["phase"], trouble["kind"]) == ("name", "trouble")
    assert "please type yours" in trouble["text"]


def test_a_rater_named_in_the_call_votes_at_once(study, script):
    script(*PAIRS)

    assert state_after(Ballot(study, rater="Anna"), "hello")["phase"] == "vote"


def test_a_name_is_kept_to_60_characters(study, script):
    script(*PAIRS)

    assert len(state_after(Ballot(study, rater="A" * 500), "hello")["rater"]) == 60


@pytest.mark.parametrize(
    "options", [{"aspects": []}, {"aspects": [""]}, {"by": "modle"}, {"by": "duration"}, {"rater": " "}]
)
def test_a_ballot_that_cannot_be_meant_is_refused(study, options):
    with pytest.raises(InvalidRequest):
        Ballot(study, **options)


def test_outside_of_a_notebook_the_way_without_one_is_named(study):
    with pytest.raises(SeedanceError, match=r"offline='ballot.html'"):
        voting.show(voting.Voting(study.session, study.picture, ("overall",), None, None))


# -- what the page knows before a vote


def test_nothing_the_page_gets_before_a_vote_tells_which_clip_is_which(study, script):
    script(*PAIRS)
    ballot = Ballot(study, aspects=["overall", "prompt match"], rater="Anna", by="model")

    state = state_after(ballot, "hello")
    halfway = answer(ballot)

    for told in (state, halfway):
        text = json.dumps(told)
        assert told["shown"] is None
        assert not re.search(r"seedance-2|k\d|\.mp4|0000|\b30\b", text), text


def test_the_prompt_is_shown_where_both_share_it_and_a_question_needs_it(study, script):
    script(Pair("k0", "k1"), Pair("k0", "k3"))
    ballot = Ballot(study, aspects=["prompt match"], rater="Anna")

    shared = state_after(ballot, "hello")
    different = answer(ballot, aspect="prompt match")

    assert shared["pair"]["asked"] == "a cat jumps"
    assert different["pair"]["asked"] == ""


def test_the_prompt_is_not_shown_where_no_question_needs_it(study, script):
    script(*PAIRS)

    assert state_after(Ballot(study, aspects=["motion"], rater="Anna"), "hello")["pair"]["asked"] is None


def test_the_widget_keeps_nothing_in_traits(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    answer(ballot)

    ours = {name for name in ballot.get_state() if not name.startswith(("_", "layout", "tabbable", "tooltip"))}

    assert ours == set()


def test_a_page_without_widgets_reads_a_sentence(study):
    assert repr(Ballot(study)) == "[blind votes; they are drawn while the kernel runs]"


# -- voting


def test_every_answer_goes_at_once_to_the_ledger(study, script):
    script(*PAIRS)
    ballot = Ballot(study, aspects=["overall", "motion"], rater="Anna")

    answer(ballot, "left", "overall")
    [first] = study.votes()
    answer(ballot, "both bad", "motion")
    _, second = study.votes()

    assert (first.left, first.right, first.choice, first.aspect) == ("k0", "k1", Choice.LEFT, "overall")
    assert (first.rater, first.source, first.repeats) == ("Anna", "notebook", None)
    assert (second.left, second.right, second.choice, second.aspect) == ("k0", "k1", Choice.BOTH_BAD, "motion")


def test_after_all_questions_the_page_learns_what_they_were_and_the_next_pair(study, script):
    script(*PAIRS)
    ballot = Ballot(study, aspects=["overall", "motion"], rater="Anna")
    first = state_after(ballot, "hello")

    answer(ballot, "left", "overall")
    state = answer(ballot, "tie", "motion")

    assert state["shown"] == {
        "pair": first["pair"]["id"],
        "left": "cat · seedance-2.0",
        "right": "cat · seedance-2.0-fast",
        "said": [{"aspect": "overall", "choice": "left"}, {"aspect": "motion", "choice": "tie"}],
    }
    assert [state["pair"]["left"], state["pair"]["right"]] == first["next"]
    assert state["pair"]["answered"] == {}


def test_names_can_stay_hidden(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna", reveal=False)
    first = answer(ballot)
    state_after(ballot, "reveal", on=True)
    second = answer(ballot)
    off = state_after(ballot, "reveal", on=False)

    assert first["shown"] is None
    assert second["shown"] is not None
    assert off["shown"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"pair": "of before"},
        {"aspect": "beauty"},
        {"aspect": ["overall"]},
        {"pair": None},
    ],
)
def test_a_press_about_something_else_changes_nothing(study, script, changes):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    pair = state_after(ballot, "hello")["pair"]

    state = state_after(ballot, "answer", **{"pair": pair["id"], "aspect": "overall", "choice": "left", **changes})

    assert state["pair"] == pair
    assert study.votes() == []


@pytest.mark.parametrize("aspects", [["overall"], ["overall", "motion"]])
def test_two_presses_are_one_vote(study, script, aspects):
    script(*PAIRS)
    ballot = Ballot(study, aspects=aspects, rater="Anna")
    pair = state_after(ballot, "hello")["pair"]["id"]

    answer(ballot, "left", pair=pair)
    answer(ballot, "right", pair=pair)

    assert [vote.choice for vote in study.votes()] == [Choice.LEFT]


def test_an_answer_that_is_none_is_told_under_the_clips(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    pair = state_after(ballot, "hello")["pair"]["id"]

    told = from_page(ballot, "answer", pair=pair, aspect="overall", choice="A")

    assert [message["kind"] for message, _ in told] == ["state", "trouble"]
    assert study.votes() == []


def test_a_ledger_that_fails_keeps_the_question_open_and_says_so(study, script, monkeypatch):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    pair = state_after(ballot, "hello")["pair"]

    def full(*_):
        raise ConfigurationError("the disk is full")

    monkeypatch.setattr(BallotBox, "add", full)
    (state, _), (trouble, _) = from_page(ballot, "answer", pair=pair["id"], aspect="overall", choice="left")

    assert state["pair"] == pair
    assert trouble == {"kind": "trouble", "text": "the disk is full"}


@pytest.mark.parametrize("content", [None, [], "hello", {"kind": "explode"}, {"kind": ["hello"]}, {}])
def test_messages_that_mean_nothing_are_ignored(study, content):
    ballot = Ballot(study)

    ballot.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    assert ballot.comm.custom == []


# -- taking back


def test_undo_takes_back_the_last_pair_and_shows_it_again(study, script):
    script(*PAIRS)
    ballot = Ballot(study, aspects=["overall", "motion"], rater="Anna")
    first = state_after(ballot, "hello")
    answer(ballot, aspect="overall")
    answer(ballot, aspect="motion")

    state = state_after(ballot, "undo")

    assert state["pair"] == first["pair"]
    assert (state["shown"], state["canUndo"]) == (None, False)
    assert study.votes() == []


def test_undo_within_a_pair_takes_back_its_answers_only(study, script):
    script(*PAIRS)
    ballot = Ballot(study, aspects=["overall", "motion"], rater="Anna")
    answer(ballot, aspect="overall")
    answer(ballot, aspect="motion")
    answer(ballot, aspect="overall")

    state = state_after(ballot, "undo")

    assert state["pair"]["answered"] == {}
    assert len(study.votes()) == 2


def test_undo_goes_back_as_far_as_this_ballot_goes(study, script):
    script(*PAIRS)
    other = Vote("before", "Anna", "overall", "k0", "k1", Choice.TIE, 1000.0)
    study.session.ask_ledger(Ledger.add_votes, [other])
    ballot = Ballot(study, rater="Anna")
    answer(ballot)
    answer(ballot)

    for _ in range(5):
        state_after(ballot, "undo")

    assert study.votes() == [other]


def test_an_answer_after_undo_counts(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    answer(ballot, "left")
    state_after(ballot, "undo")

    answer(ballot, "right")

    assert [vote.choice for vote in study.votes()] == [Choice.RIGHT]


def test_a_pair_that_cannot_be_played_is_skipped_and_nothing_said_of_it_is_kept(study, script):
    script(*PAIRS)
    ballot = Ballot(study, aspects=["overall", "motion"], rater="Anna")
    first = state_after(ballot, "hello")["pair"]
    answer(ballot, aspect="overall")

    state = state_after(ballot, "skip", pair=first["id"])
    again = state_after(ballot, "skip", pair=first["id"])

    assert state["phase"] == "vote"
    assert {state["pair"]["left"], state["pair"]["right"]} != {first["left"], first["right"]}
    assert again["pair"] == state["pair"]  # a press that comes twice skips one pair
    assert study.votes() == []


def test_where_there_is_no_other_pair_to_skip_to_the_ballot_ends(study, script):
    script(PAIRS[0])
    ballot = Ballot(study, rater="Anna")

    state = state_after(ballot, "skip", pair=state_after(ballot, "hello")["pair"]["id"])

    assert state["phase"] == "end"


def test_how_many_pairs_are_done_is_told_for_the_pauses_without_practice(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna", training=True)
    seen = [state_after(ballot, "hello")["judged"]]
    for _ in range(2):
        answer(ballot)
        seen.append(state_after(ballot, "hello")["judged"])

    assert seen == [0, 0, 1]


def test_a_ballot_over_simulated_clips_says_that_it_is_not_blind(study, session, tmp_path):
    assert state_after(Ballot(study), "hello")["note"] == ""
    for tile in study.picture().tiles:
        object.__setattr__(tile.snapshot, "simulated", True)

    assert "this ballot is not blind" in state_after(Ballot(study), "hello")["note"]
    page = write_ballot(study.picture(), tmp_path / "ballot.html", study.session)
    assert (
        "this ballot is not blind" in json.loads(re.search(r'id="ballot">(.*?)</script>', page.read_text())[1])["note"]
    )


# -- which pair


def test_the_choice_knows_the_votes_of_others_and_takes_the_pair_on_the_screen_for_a_tie(study, script):
    other = Vote("v1", "Berta", "overall", "k0", "k1", Choice.TIE, 1000.0)
    study.session.ask_ledger(Ledger.add_votes, [other])
    asked = script(*PAIRS)

    Ballot(study, rater="Anna", by="model", rng=random.Random(1))

    first, second = asked
    assert first["votes"] == [other]
    assert (first["rater"], first["aspects"], first["group_of"]["k1"]) == ("Anna", ("overall",), "seedance-2.0-fast")
    assert first["block_of"]["k0"] == first["block_of"]["k1"] != first["block_of"]["k2"]
    assert [(v.left, v.right, v.choice) for v in second["votes"][1:]] == [("k0", "k1", Choice.TIE)]


def test_a_pair_shown_again_remembers_the_vote_it_repeats(study, script):
    earlier = [
        Vote("v1", "Anna", "overall", "k1", "k0", Choice.LEFT, 1000.0),
        Vote("v2", "Anna", "motion", "k1", "k0", Choice.LEFT, 1000.0),
        Vote("v3", "Berta", "motion", "k1", "k0", Choice.LEFT, 1001.0),
    ]
    study.session.ask_ledger(Ledger.add_votes, earlier)
    script(Pair("k0", "k1", repeats="v1"))
    ballot = Ballot(study, aspects=["overall", "motion"], rater="Anna")

    answer(ballot, aspect="overall")
    answer(ballot, aspect="motion")

    assert [(vote.aspect, vote.repeats) for vote in study.votes()[3:]] == [("overall", "v1"), ("motion", "v2")]


def test_a_pair_shown_a_third_time_repeats_the_first_vote_on_whatever_side(study, script):
    earlier = [
        Vote("v1", "Anna", "overall", "k0", "k1", Choice.LEFT, 1000.0),
        Vote("v2", "Anna", "overall", "k1", "k0", Choice.LEFT, 1001.0, "v1"),
    ]
    study.session.ask_ledger(Ledger.add_votes, earlier)
    script(Pair("k0", "k1", repeats="v1"))
    ballot = Ballot(study, rater="Anna")

    answer(ballot)

    assert study.votes()[-1].repeats == "v1"


def test_nobody_is_asked_the_same_twice_in_a_row(study, script):
    script(Pair("k0", "k1"), Pair("k1", "k0"), Pair("k2", "k3"))
    ballot = Ballot(study, rater="Anna")

    waiting = state_after(ballot, "hello")
    state = answer(ballot)

    assert waiting["next"] == []
    assert state["pair"] is not None


def test_when_every_pair_is_judged_the_ballot_ends_with_the_way_to_the_ranking(study, script):
    script(Pair("k0", "k1"))
    ballot = Ballot(study, rater="Anna", by="model")

    state = answer(ballot)

    assert (state["phase"], state["canGoOn"]) == ("end", False)
    assert state["lines"] == [
        "Thank you, Anna. You have judged every pair there is.",
        "1 vote on 1 pair from this ballot is in the ledger. What all votes say together:",
    ]
    assert state["code"] == "grid.ranking(by='model')"


def test_who_has_seen_all_is_told_so_and_may_vote_on_to_show_how_steady_they_are(study, script):
    script(Pair("k0", "k1"), Pair("k1", "k0", "v", exhausted=True), Pair("k2", "k3", exhausted=True))
    ballot = Ballot(study, rater="Anna")
    answer(ballot)  # its repetition would come at once, so the choice is made anew

    ended = state_after(ballot, "hello")
    again = state_after(ballot, "go_on")

    assert (ended["phase"], ended["canGoOn"]) == ("end", True)
    assert "every pair there is" in ended["lines"][0]
    assert (again["phase"], again["pair"]) == ("vote", ended["pair"])


def test_the_page_says_how_many_votes_there_are_and_how_many_are_wanted(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna", by="model")

    before = state_after(ballot, "hello")["progress"]
    after = answer(ballot)["progress"]

    assert before == ""
    assert re.fullmatch(r"1 vote of yours · at least \d+ more before a ranking", after)


def test_a_forecast_that_fails_costs_no_vote(study, script, monkeypatch):
    script(*PAIRS)
    monkeypatch.setattr(ballot_words, "missing_votes", lambda *_args, **_options: 1 / 0)
    ballot = Ballot(study, rater="Anna")

    state = answer(ballot)

    assert (state["progress"], len(study.votes())) == ("1 vote of yours", 1)


def test_done_ends_and_voting_on_goes_on_with_the_same_pair(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    pair = state_after(ballot, "hello")["pair"]

    ended = state_after(ballot, "done")
    again = state_after(ballot, "go_on")

    assert (ended["phase"], ended["canGoOn"]) == ("end", True)
    assert (again["phase"], again["pair"]) == ("vote", pair)


# -- what never counts, what is stored, and who withdraws


def controls_of(study):
    return study.session.ask_ledger(lambda ledger: ledger.votes.controls([f"k{i}" for i in range(4)]))


def test_the_first_pair_of_a_rater_is_to_practise_and_never_counts(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna", training=True)
    first = state_after(ballot, "hello")["pair"]

    second = answer(ballot, "left")["pair"]
    answer(ballot, "right")

    assert (first["kind"], second["kind"]) == ("training", "vote")
    assert [vote.choice for vote in study.votes()] == [Choice.RIGHT]
    assert [(vote.kind, vote.choice) for vote in controls_of(study)] == [(Kind.TRAINING, Choice.LEFT)]
    assert "1 vote on 1 pair" in state_after(ballot, "done")["lines"][1]


def test_who_has_practised_is_not_asked_to_again(study, script):
    script(*PAIRS * 2)
    answer(Ballot(study, rater="Anna", training=True))

    again = state_after(Ballot(study, rater="Anna", training=True), "hello")["pair"]
    other = state_after(Ballot(study, rater="Berta", training=True), "hello")["pair"]

    assert (again["kind"], other["kind"]) == ("vote", "training")


def test_the_training_pair_of_a_grid_of_two_clips_comes_again_and_counts(session, tmp_path):
    study = Study(session, tmp_path / "clips", animal=["cat"])
    ballot = Ballot(study, rater="Anna", training=True, by="model", rng=random.Random(1))

    answer(ballot)
    answer(ballot)

    assert (len(study.votes()), len(controls_of(study))) == (1, 1)
    assert study.votes()[0].repeats is None


def test_gold_pairs_show_a_clip_beside_its_damaged_copy_look_like_any_other_and_never_count(
    study, script, monkeypatch, tmp_path
):
    script(*PAIRS * 3)
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"in blocks")
    monkeypatch.setattr(ballots, "damaged_file", lambda _clip: bad)
    ballot = Ballot(study, rater="Anna", gold=1.0, rng=random.Random(3))
    here = ballot._round
    pair = state_after(ballot, "hello")["pair"]

    kept, broken = sorted((here.left, here.right), key=len)
    side = "left" if here.left == kept else "right"
    shown = answer(ballot, side)["shown"]
    answer(ballot, "tie")

    assert (here.kind, broken, pair["kind"]) == (Kind.GOLD, damaged(kept), "vote")
    assert DAMAGED not in json.dumps(pair)
    assert "damaged on purpose" in shown["right" if side == "left" else "left"]
    assert study.votes() == []
    assert [(vote.kind, vote.is_right) for vote in controls_of(study)] == [(Kind.GOLD, True), (Kind.GOLD, False)]
    assert len({vote.left.removesuffix(DAMAGED) for vote in controls_of(study)}) == 2  # another clip the next time


def test_about_as_many_gold_pairs_come_as_were_asked_for(study):
    ballot = Ballot(study, rater="Anna", gold=0.3, rng=random.Random(5))
    ballot._beyond = True

    kinds = [ballot._choose(None).kind for _ in range(300)]

    assert 60 < kinds.count(Kind.GOLD) < 120


@pytest.mark.parametrize("gold", [-0.1, 1.1, True, "some", float("nan"), None])
def test_a_share_of_gold_that_cannot_be_meant_is_refused(study, gold):
    with pytest.raises(InvalidRequest, match="gold is the share of pairs"):
        Ballot(study, rater="Anna", gold=gold)


def test_seconds_and_plays_of_an_answer_are_kept(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    pair = state_after(ballot, "hello")["pair"]["id"]

    state_after(ballot, "answer", pair=pair, aspect="overall", choice="left", seconds=7.25, plays=2)

    [vote] = study.votes()
    assert (vote.seconds, vote.plays) == (7.25, 2)


@pytest.mark.parametrize("nonsense", [None, -1, "7", True, 10**400, float("nan"), float("inf"), [7], {}])
def test_what_cannot_be_seconds_or_plays_loses_no_vote(study, script, nonsense):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    pair = state_after(ballot, "hello")["pair"]["id"]

    state_after(ballot, "answer", pair=pair, aspect="overall", choice="left", seconds=nonsense, plays=nonsense)

    [vote] = study.votes()
    assert (vote.seconds, vote.plays) == (None, None)


def test_a_pseudonym_is_proposed_and_what_is_stored_is_told(study, script):
    script(*PAIRS)
    ballot = Ballot(study)

    first = state_after(ballot, "hello")
    named = state_after(ballot, "begin", rater="somebody")

    assert first["phase"] == "name"
    assert re.fullmatch("rater-[0-9a-f]{4}", first["rater"])
    assert f"the name {first['rater']}, your answers and when you gave them, the seconds" in first["stored"]
    assert "the name somebody," in named["stored"]


def test_who_withdraws_is_deleted_with_all_they_said_of_this_grid(study, script, tmp_path):
    script(*PAIRS)
    others = [
        Vote("v1", "Anna-of-before", "overall", "k0", "k1", Choice.TIE, 1000.0),
        Vote("v2", "Berta", "overall", "k0", "k1", Choice.TIE, 1000.0),
        Vote("v3", "Anna-of-before", "overall", "of another", "grid", Choice.TIE, 1000.0),
    ]
    study.session.ask_ledger(Ledger.add_votes, others)
    ballot = Ballot(study, rater="Anna-of-before", training=True)
    answer(ballot)

    state = state_after(ballot, "withdraw")
    after = state_after(ballot, "go_on")

    assert state["lines"] == ["2 answers are deleted: nothing of yours is kept, counted or exported."]
    for told in (state, after, state_after(ballot, "undo")):
        assert (told["phase"], told["canUndo"], told["canGoOn"], told["canWithdraw"]) == ("end", False, False, False)
    assert study.votes() == [others[1]]
    assert controls_of(study) == []
    assert study.session.ask_ledger(lambda ledger: ledger.votes.among(["of another", "grid"])) == [others[2]]


# -- clips


def test_a_clip_comes_as_a_buffer_by_a_name_that_says_nothing(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    name = state_after(ballot, "hello")["pair"]["right"]

    [(message, buffers)] = from_page(ballot, "need", clip=name)

    assert message == {"kind": "clip", "clip": name}
    assert [bytes(buffer) for buffer in buffers] == [b"clip 1".ljust(30, b".")]


def test_the_name_of_no_clip_opens_no_file(study, script):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")

    [(message, buffers)] = from_page(ballot, "need", clip="k1")

    assert (message["kind"], buffers) == ("no_clip", [])


def test_a_clip_whose_file_is_gone_is_told(study, script, tmp_path):
    script(*PAIRS)
    ballot = Ballot(study, rater="Anna")
    name = state_after(ballot, "hello")["pair"]["left"]
    (tmp_path / "clips" / "k0.mp4").unlink()

    [(message, _)] = from_page(ballot, "need", clip=name)

    assert message["kind"] == "no_clip"
    assert "at 0 credits" in message["text"]


def test_if_one_clip_is_too_large_all_are_shown_as_previews(session, tmp_path, script, monkeypatch):
    script(*PAIRS)
    monkeypatch.setattr(Clips, "preview", lambda _self, clip: clip.path.with_suffix(".preview.mp4"))
    study = Study(session, tmp_path / "clips", sizes=[30, 30, 30, 13_000_000])
    (tmp_path / "clips" / "k0.preview.mp4").write_bytes(b"small")
    ballot = Ballot(study, rater="Anna")

    name = state_after(ballot, "hello")["pair"]["left"]
    [(_, buffers)] = from_page(ballot, "need", clip=name)

    assert [bytes(buffer) for buffer in buffers] == [b"small"]


def test_the_page_chooses_the_shell_on_an_ipykernel_that_would_not_let_it(study, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", WireOfIpykernel74)

    assert Ballot(study).comm._reply_subshell_for({}, "a subshell") == "a subshell"


def test_the_script_never_parses_html(study, tmp_path):
    written = write_ballot(study.picture(), tmp_path / "ballot.html", study.session).read_text(encoding="utf-8")
    for script in (Ballot(study).get_state()["_esm"], written):
        assert "votingRoom" in script
        assert not any(
            word in script for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(")
        )


def test_no_browser_fills_in_a_name(study, tmp_path):
    written = write_ballot(study.picture(), tmp_path / "ballot.html", study.session).read_text(encoding="utf-8")
    for script in (Ballot(study).get_state()["_esm"], written):
        assert re.findall(r'autocomplete: "(\w+)"', script) == ["off"]


# -- the page for a rater without Python


def content_of(page):
    text = page.read_text(encoding="utf-8")
    ballot = json.loads(re.search(r'id="ballot">(.*?)</script>', text)[1])
    return ballot, re.findall(r'id="clip-([0-9a-f]+)">([^<]*)<', text), text


def keys_of(study, ballot):
    """What the clips of a page are: its ledger knows."""
    return study.session.ask_ledger(lambda ledger: ledger.studies.issued(ballot["ballot"])).clips


def test_the_page_holds_each_clip_once_and_no_word_of_what_it_is(study, tmp_path):
    page = write_ballot(study.picture(), tmp_path / "ballot.html", study.session, aspects=["overall"], by="model")

    ballot, clips, text = content_of(page)
    assert page == tmp_path / "ballot.html"
    assert len(clips) == len(dict(clips)) == 4
    assert not re.search(r"seedance-2|\bcat\b|\bdog\b|\.mp4", text)
    assert set(keys_of(study, ballot).values()) == {"k0", "k1", "k2", "k3"}
    assert not re.search(r"\bk[0-3]\b", json.dumps(ballot))
    assert list(tmp_path.glob(".*.part")) == []


def test_the_order_of_the_clips_in_the_page_says_nothing(study, tmp_path):
    orders = set()
    for seed in range(12):
        page = write_ballot(study.picture(), tmp_path / "ballot.html", study.session, rng=random.Random(seed))
        ballot, clips, _ = content_of(page)
        orders.add(tuple(keys_of(study, ballot)[name] for name, _ in clips))

    assert len(orders) > 6


def test_the_page_may_talk_to_nobody(study, tmp_path):
    _, _, text = content_of(write_ballot(study.picture(), tmp_path / "ballot.html", study.session))

    assert "default-src 'none'" in text.replace("&#x27;", "'")
    assert not re.search(r'(src|href)="(?!data:,")', text)


def test_a_shared_prompt_stands_in_the_page_where_a_question_needs_it(session, tmp_path):
    study = Study(session, tmp_path / "clips", animal=["cat</script><b>", "dog"])

    page = write_ballot(study.picture(), tmp_path / "ballot.html", study.session, aspects=["prompt match"], by="model")

    ballot, _, text = content_of(page)
    assert sorted(ballot["prompts"]) == ["a cat</script><b> jumps", "a dog jumps"]
    assert "<b>" not in text


def test_large_clips_stand_in_the_page_as_previews(study, tmp_path, monkeypatch):
    monkeypatch.setattr(ballot_page, "MOST_BYTES", 100)
    small = tmp_path / "small.mp4"
    small.write_bytes(b"small")
    monkeypatch.setattr(Clips, "preview", lambda _self, _clip: small)

    _, clips, _ = content_of(write_ballot(study.picture(), tmp_path / "ballot.html", study.session))

    assert {text for _, text in clips} == {"c21hbGw="}


@pytest.mark.parametrize("name", ["ballot.json", "ballot"])
def test_a_page_is_named_html(study, tmp_path, name):
    with pytest.raises(InvalidRequest, match=r"name it ballot\.html"):
        write_ballot(study.picture(), tmp_path / name, study.session)


def test_a_place_that_cannot_be_written_is_told(study, tmp_path):
    with pytest.raises(SeedanceError, match="choose another place"):
        write_ballot(study.picture(), Path(tmp_path / "nowhere" / "ballot.html"), study.session)
