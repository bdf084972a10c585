"""The votes on a grid as a table that can be shared: raters by salted ids, and nothing that leads back to a person. Pure but for the salt."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...tracking.ledger.vote import Vote
from ...tracking.session import Session
from ..judging import controls_on, every_vote_on
from ..picture import GridPicture
from ..votes.vote_table import REPEAT
from .csv_table import BYTE_ORDER_MARK, guarded
from .table import iso

COLUMNS = ("rater", "left", "right", "choice", "aspect", "seconds", "plays", "order", "at", "kind")


def is_of_votes(path: Path) -> bool:
    """Whether the name of this table asks for the votes: "votes.csv", "boats-votes.csv"."""
    return "votes" in re.split(r"[^a-z]+", path.stem.casefold())


def votes_csv(picture: GridPicture, session: Session) -> str:
    """Every answer on two clips of this picture, with the salt of its study; see `csv_of_votes`."""
    keys = picture.keys
    votes = [*every_vote_on(picture, session), *controls_on(picture, session)]
    return csv_of_votes(votes, session.ask_ledger(lambda ledger: ledger.studies.salt(keys)) if keys else b"")


def csv_of_votes(votes: Sequence[Vote], salt: bytes) -> str:
    """A line a vote, rater by rater in the order they gave them: `seedance_nb.rank` reads it, and leaves out what does not count.

    `left` and `right` are the `job` of the grid's table (with "-damaged" in a gold pair), `seconds` and `plays` are empty where they are not
    known, `order` counts a rater's answers from 1, `at` is ISO 8601 in UTC, `kind` is "vote", "repeat", "training" or "gold". A rater has one id
    in all tables of a study and another one in every other study; without the salt, which never leaves the ledger, no name leads to it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    order = Counter[str]()
    named = sorted(votes, key=lambda vote: (salted(vote.rater, salt), vote.at, vote.id))
    for vote in named:
        order[vote.rater] += 1
        kind = REPEAT if vote.repeats is not None else vote.kind.value
        who = (salted(vote.rater, salt), vote.left, vote.right, vote.choice.value, guarded(vote.aspect))
        took = ("" if vote.seconds is None else f"{vote.seconds:.3f}", "" if vote.plays is None else vote.plays)
        writer.writerow([*who, *took, order[vote.rater], iso(vote.at), kind])
    made = text.getvalue()
    return made if made.isascii() else BYTE_ORDER_MARK + made  # without it a Korean Excel reads UTF-8 as something else


def salted(rater: str, salt: bytes) -> str:
    """The id of a rater in an export."""
    return f"rater-{hmac.new(salt, rater.encode('utf-8', 'replace'), hashlib.sha256).hexdigest()[:12]}"
