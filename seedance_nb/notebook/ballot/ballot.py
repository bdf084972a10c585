"""Blind votes in a cell's output: two clips side by side, questions about them, and every answer at once in the ledger."""

from __future__ import annotations

import dataclasses
import functools
import random
import secrets
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ...clips.damaged import damaged_file
from ...clips.store import is_shown_whole, preview_file
from ...errors import InvalidRequest, one_line, shortened
from ...grids.ballots.ballot_file import check_aspects, check_gold, clean_rater, pseudonym, what_is_stored
from ...grids.ballots.ballot_pairs import Entries, asks_for_prompt, entries
from ...grids.ballots.blindness import not_blind
from ...grids.ballots.page import STYLE_SHEET
from ...grids.ballots.voting import Voting
from ...grids.votes.votes import next_pair
from ...pages.assets import module
from ...pages.escaping import clean
from ...pages.words import clamp
from ...tracking.ledger.vote import DAMAGED, Choice, Kind, Vote, damaged, known_plays, known_seconds
from ..interactive import drawn_by, interactive
from ..screen import Screen
from .words import last_words, progress, withdrawn_words


def open_ballot(screen: Screen, voting: Voting) -> None:
    """Show a ballot on the grid's finished clips below this cell. Votes go to the ledger one by one, with the rater's name.

    Raises InvalidRequest where there is nothing to compare.
    """
    from IPython.display import display

    display(ballot_on(voting, in_context=screen.in_cell_context))


def ballot_on(voting: Voting, **how: Any) -> Ballot:
    """The ballot for this voting. Raises InvalidRequest where there is nothing to compare."""
    return Ballot(
        voting,
        aspects=voting.aspects,
        rater=voting.rater,
        by=voting.by,
        training=voting.training,
        gold=voting.gold,
        **how,
    )


@dataclasses.dataclass
class Round:
    """A pair on its way through the questions."""

    left: str
    right: str
    repeats: str | None = None
    """The id of an earlier vote whose pair this shows again."""
    kind: Kind = Kind.VOTE
    exhausted: bool = False
    """The rater has seen all there is: from here on it only tells how steady they are."""
    id: str = dataclasses.field(default_factory=lambda: secrets.token_hex(4))
    votes: dict[str, Vote] = dataclasses.field(default_factory=dict)
    """By aspect."""


class Ballot(anywidget.AnyWidget):
    """It has no traits: a saved notebook holds nothing of it, neither clips nor names.

    From the page: `hello`, `begin` (rater), `need` (clip), `answer` (pair, aspect, choice, seconds, plays), `undo`, `reveal` (on), `done`,
    `go_on`, `skip` (pair), `withdraw`. To it: `state` (see grids/ballots/room.js), `clip` (clip, and the MP4 as the only buffer), `no_clip` (clip, text), `trouble` (text). Clips go
    by names that are drawn by lot for each ballot; what they stand for is said after the answer.

    Messages may be handled on a subshell's thread while a cell runs: they ask the ledger and answer, and nothing else.
    `grid` needs `picture()` and `session`. Raises InvalidRequest.
    """

    _esm = module(Path(__file__).parent / "ballot.js")
    _css = STYLE_SHEET

    def __init__(
        self,
        grid: Any,
        *,
        aspects: str | Sequence[str] = ("overall",),
        rater: str | None = None,
        by: str | Sequence[str] | None = None,
        reveal: bool = True,
        training: bool = False,
        gold: float = 0.0,
        in_context: Callable[..., Any] = lambda function, *args: function(*args),
        rng: random.Random | None = None,
    ) -> None:
        self._grid, self._by, self._in_context = grid, by, in_context
        self._aspects = check_aspects(aspects)
        self._reveal = bool(reveal)
        self._training, self._gold = bool(training), check_gold(gold)
        self._rng = rng or random.Random()
        self._lock = threading.RLock()
        self._names: dict[str, str] = {}
        self._phase = "name"
        self._rater = ""
        self._proposed = ""
        self._withdrawn: int | None = None  # how many answers were deleted
        self._entries: Entries = entries(grid.picture(), by)
        self._note = not_blind(grid.picture())
        self._small = False
        self._history: list[Round] = []
        self._round: Round | None = None
        self._next: Round | None = None
        self._beyond = False  # the rater wants to go on although there is nothing new
        self._shown: dict[str, Any] | None = None
        self._votes: list[Vote] = []
        self._progress = ""
        self._answers: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "hello": lambda _: None,
            "begin": lambda asked: self._begin(str(asked.get("rater") or "")),
            "answer": self._vote,
            "skip": self._skip,
            "undo": lambda _: self._undo(),
            "reveal": lambda asked: self._show_names(on=bool(asked.get("on"))),
            "done": lambda _: self._end(),
            "go_on": lambda _: self._go_on(),
            "withdraw": lambda _: self._withdraw(),
        }
        if rater is not None:
            self._begin(rater)
        else:
            self._proposed = pseudonym(grid.session.ask_ledger(lambda ledger: ledger.studies.raters()))
        super().__init__()
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        return "[blind votes; they are drawn while the kernel runs]"

    @property
    def votes(self) -> list[Vote]:
        """The votes given here that were not taken back, in their order."""
        given = [*self._history, *([self._round] if self._round is not None else [])]
        return [vote for answered in given for vote in answered.votes.values()]

    @traitlets.observe("comm")
    def _listen_while_a_cell_runs(self, _: Any) -> None:
        interactive(self)

    # Messages -----------------------------------------------------------------------------------------

    def _answer(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        if content.get("kind") == "need":
            self._send_clip(str(content.get("clip")))
            return
        act = self._answers.get(str(content.get("kind")))
        if act is None:
            return
        trouble: list[str] = []
        with self._lock:
            with drawn_by(lambda text: trouble.append(text) if text else None):
                act(content)
            # The truth first: whatever went wrong, the page shows what counts.
            self.send(self._state())
        for text in trouble:
            self.send({"kind": "trouble", "text": text})

    def _state(self) -> dict[str, Any]:
        here, then = self._round, self._next
        return {
            "kind": "state",
            "phase": self._phase,
            "note": self._note,
            "judged": sum(given.kind is not Kind.TRAINING for given in self._history),
            "all": None,
            "rater": self._rater or self._proposed,
            "aspects": list(self._aspects),
            "pair": None if here is None else self._seen(here),
            "next": [] if then is None else [self._name(then.left), self._name(then.right)],
            "shown": self._shown,
            "reveal": self._reveal,
            "progress": self._progress,
            "part": None,
            "canUndo": bool(self._history or (here is not None and here.votes)),
            "canGoOn": here is not None,
            "canWithdraw": bool(self._rater) and self._withdrawn is None,
            "stored": what_is_stored(self._rater or self._proposed),
            "lines": self._last_words(),
            "code": f"grid.ranking({'' if self._by is None else f'by={self._by!r}'})",
        }

    def _last_words(self) -> list[str]:
        if self._withdrawn is not None:
            return withdrawn_words(self._withdrawn)
        counted = [vote for vote in self.votes if vote.kind is Kind.VOTE]
        pairs = sum(answered.kind is Kind.VOTE for answered in self._history)
        here = self._round
        return last_words(self._rater, len(counted), pairs, is_all=here is None or here.exhausted)

    def _seen(self, here: Round) -> dict[str, Any]:
        prompts = {self._entries.prompt_of.get(key.removesuffix(DAMAGED), "") for key in (here.left, here.right)}
        # Whether a clip does what was asked cannot be told without it; a prompt that both share tells nothing else.
        asked = prompts.pop() if len(prompts) == 1 else ""
        return {
            "id": here.id,
            "kind": Kind.TRAINING if here.kind is Kind.TRAINING else Kind.VOTE,  # a gold pair looks like any other
            "left": self._name(here.left),
            "right": self._name(here.right),
            "asked": clamp(clean(asked), 600) if asks_for_prompt(self._aspects) else None,
            "answered": {aspect: vote.choice.value for aspect, vote in here.votes.items()},
        }

    def _name(self, key: str) -> str:
        return self._names.setdefault(key, secrets.token_hex(4))

    # What a rater does --------------------------------------------------------------------------------

    def _begin(self, name: str) -> None:
        rater = clean_rater(clean(name))
        if not rater:
            raise InvalidRequest("votes carry the name of who gave them: please type yours")
        if self._phase != "name":
            return
        self._rater = rater
        self._phase = "vote"
        self._training = self._training and not self._has_voted()
        self._go_on()

    def _has_voted(self) -> bool:
        """Whether this rater has seen pairs of this grid before, here or in another ballot."""
        keys = self._entries.keys
        found = self._grid.session.ask_ledger(lambda ledger: [*ledger.votes.among(keys), *ledger.votes.controls(keys)])
        return any(vote.rater == self._rater for vote in found)

    def _go_on(self) -> None:
        if not self._rater or self._withdrawn is not None:
            return
        self._phase = "vote"
        self._beyond = self._round is not None and self._round.exhausted
        if self._round is None:
            self._move_on()

    def _vote(self, asked: dict[str, Any]) -> None:
        here, aspect = self._round, asked.get("aspect")
        # A press that was under way while something else changed says nothing about what is on the screen now.
        if here is None or asked.get("pair") != here.id or aspect not in self._aspects or aspect in here.votes:
            return
        vote = Vote(
            id=str(uuid.uuid4()),
            rater=self._rater,
            aspect=str(aspect),
            left=here.left,
            right=here.right,
            choice=Choice(str(asked.get("choice"))),
            at=time.time(),
            repeats=self._repeated(here, str(aspect)),
            seconds=known_seconds(asked.get("seconds")),
            plays=known_plays(asked.get("plays")),
            kind=here.kind,
        )
        self._grid.session.ask_ledger(lambda ledger: ledger.votes.add([vote]))
        here.votes[vote.aspect] = vote
        self._shown = None
        if len(here.votes) == len(self._aspects):
            self._history.append(here)
            self._shown = self._what_they_were(here) if self._reveal else None
            self._round = None
            self._move_on()
        elif here.kind is Kind.VOTE:
            self._votes.append(vote)

    def _skip(self, asked: dict[str, Any]) -> None:
        """On to the next pair without an answer: this one cannot be played there. Nothing that was said of it is kept."""
        here = self._round
        if here is None or asked.get("pair") != here.id:
            return
        self._take_back(here)
        self._shown = None
        self._round = None
        self._next = self._next or self._choose(here)
        if self._next is None:
            self._phase = "end"
        else:
            self._move_on()

    def _repeated(self, here: Round, aspect: str) -> str | None:
        """The rater's earlier vote of this aspect on this pair, where it is shown again on purpose."""
        if here.repeats is None:
            return None
        pair = {here.left, here.right}
        same = [v for v in self._votes if (v.rater, v.aspect) == (self._rater, aspect) and {v.left, v.right} == pair]
        exact = [vote for vote in same if vote.id == here.repeats]
        originals = [vote for vote in same if vote.repeats is None]
        return next((vote.id for vote in [*exact, *originals]), None)

    def _undo(self) -> None:
        here = self._round if self._round is not None and self._round.votes else None
        if here is None and not self._history:
            return
        target = here or self._history[-1]
        self._take_back(target)
        if target is not here:
            self._history.pop()
        self._phase = "vote"
        self._shown = None
        self._round = target
        self._next = self._choose(target)
        self._say_progress()

    def _withdraw(self) -> None:
        """Delete all that this rater has said of this grid's clips, in this ballot and before."""
        if not self._rater or self._withdrawn is not None:
            return
        rater, keys = self._rater, self._grid.picture().keys
        self._withdrawn = self._grid.session.ask_ledger(lambda ledger: ledger.votes.withdraw_rater(rater, keys))
        self._history.clear()
        self._round = self._next = None
        self._phase, self._shown = "end", None

    def _take_back(self, given: Round) -> None:
        for aspect, vote in reversed(list(given.votes.items())):
            self._grid.session.ask_ledger(lambda ledger, name: ledger.votes.withdraw(name), vote.id)
            del given.votes[aspect]

    def _show_names(self, *, on: bool) -> None:
        self._reveal = on
        if not on:
            self._shown = None

    def _end(self) -> None:
        if self._rater:
            self._phase, self._shown = "end", None

    def _what_they_were(self, here: Round) -> dict[str, Any]:
        left, right = (clean(self._label(key)) for key in (here.left, here.right))
        said = [{"aspect": aspect, "choice": vote.choice.value} for aspect, vote in here.votes.items()]
        return {"pair": here.id, "left": left, "right": right, "said": said}

    def _label(self, key: str) -> str:
        name = self._entries.name_of.get(key.removesuffix(DAMAGED), "a clip")
        return f"{name}, damaged on purpose: it does not count" if key.endswith(DAMAGED) else name

    # Which pair ---------------------------------------------------------------------------------------

    def _move_on(self) -> None:
        self._entries = entries(self._grid.picture(), self._by)  # clips that are finished by now take part
        self._round = self._next or self._choose(None)
        if self._training and self._round is not None:
            self._round.kind, self._training = Kind.TRAINING, False
        self._next = self._choose(self._round) if self._round is not None else None
        self._say_progress()
        if self._round is None or (self._round.exhausted and not self._beyond):
            self._phase = "end"

    def _say_progress(self) -> None:
        self._progress = progress(self._votes, self._rater, self._entries.group_of, self._aspects[0])

    def _choose(self, assumed: Round | None) -> Round | None:
        """The pair that tells most; `assumed` is one that is about to be judged, as if it would be a tie."""
        known = self._entries
        self._votes = self._grid.session.ask_ledger(lambda ledger: ledger.votes.among(known.keys))
        votes = list(self._votes)
        if assumed is not None:
            left, right = assumed.left, assumed.right
            votes += [
                Vote(f"assumed {aspect}", self._rater, aspect, left, right, Choice.TIE, time.time(), assumed.repeats)
                for aspect in self._aspects
                if aspect not in assumed.votes
            ]
        pair = next_pair(
            known.keys,
            known.group_of,
            votes,
            aspects=self._aspects,
            rater=self._rater,
            rng=self._rng,
            block_of=known.block_of,
        )
        # Nobody is asked the same twice in a row: then the choice waits until the answer is known.
        if pair is None or (assumed is not None and {pair.left, pair.right} == {assumed.left, assumed.right}):
            return None
        if self._gold and not pair.exhausted and not self._training and self._rng.random() < self._gold:
            return self._gold_pair()
        return Round(pair.left, pair.right, pair.repeats, exhausted=pair.exhausted)

    def _gold_pair(self) -> Round:
        """A clip that this rater has seen damaged least often, beside its damaged copy, sides by coin."""
        keys = self._entries.keys
        before = self._grid.session.ask_ledger(lambda ledger: ledger.votes.controls(keys))
        seen = Counter(v.left.removesuffix(DAMAGED) for v in before if v.kind is Kind.GOLD and v.rater == self._rater)
        least = min(seen[key] for key in keys)
        key = self._rng.choice([key for key in keys if seen[key] == least])
        sides = (key, damaged(key)) if self._rng.random() < 0.5 else (damaged(key), key)
        return Round(*sides, kind=Kind.GOLD)

    # Clips --------------------------------------------------------------------------------------------

    def _send_clip(self, name: str) -> None:
        with self._lock:
            key = next((key for key, known in self._names.items() if known == name), None)
            clip = self._entries.clips.get(key.removesuffix(DAMAGED)) if key is not None else None
            # All or none: a small copy beside an original would be judged for its size.
            limit = self._grid.session.limits.embed_limit
            self._small = self._small or not all(is_shown_whole(each, limit) for each in self._entries.clips.values())
        if clip is None:
            self._refuse_clip(name, "this clip is gone; open the ballot again")
        elif key is not None and key.endswith(DAMAGED):
            send = functools.partial(self._send_bytes, name, lambda: damaged_file(clip).read_bytes())
            self._grid.session.work(send)
        elif self._small:
            send = functools.partial(self._send_bytes, name, lambda: preview_file(clip).read_bytes())
            self._grid.session.work(send)
        else:
            self._send_bytes(name, clip.bytes)

    def _send_bytes(self, name: str, read: Callable[[], bytes]) -> None:
        try:
            mp4 = read()
        except Exception as error:  # whatever it was, the page must not wait for ever
            self._refuse_clip(
                name, f"a clip cannot be read ({shortened(error)}); run the grid again to fetch it, at 0 credits"
            )
            return
        # A buffer of a custom message, never a trait: traits are saved with the notebook.
        self._in_context(functools.partial(self.send, {"kind": "clip", "clip": name}, buffers=[mp4]))

    def _refuse_clip(self, name: str, text: str) -> None:
        self._in_context(self.send, {"kind": "no_clip", "clip": name, "text": one_line(text)})
