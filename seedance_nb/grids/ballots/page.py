"""A ballot for a rater without Python: one HTML page that holds its clips and needs neither network nor server."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from ...clips.damaged import damaged_file
from ...clips.store import preview_file, shown_file
from ...errors import InvalidRequest, SeedanceError, one_line
from ...pages.assets import script, style
from ...pages.escaping import clean
from ...pages.words import clamp
from ...tracking.ledger.contract import Store
from ...tracking.ledger.studies import Issued
from ...tracking.ledger.vote import DAMAGED
from ...tracking.session import Session
from ..picture import GridPicture
from .ballot_file import FORMAT, VERSION, check_aspects, check_gold, clean_rater, pseudonym
from .ballot_pairs import Entries, ScheduledPair, asks_for_prompt, entries, schedule, with_controls
from .blindness import not_blind
from .signed_schedule import Schedule, named, sign

_HERE = Path(__file__).parent
STYLE_SHEET = _HERE / "ballot.css"
"""Of the voting room, in this page and in the notebook's widget."""
MOST_BYTES = 60_000_000
"""Clips that are larger than this together stand in the page as small previews, all of them; so do all if a browser might not
play one."""

_PAGE_STYLE = """
:root { color-scheme: light dark; }
body { box-sizing: border-box; min-height: 100vh; margin: 0; padding: 16px; background: Canvas; color: CanvasText; }
main { max-width: 1500px; margin: 0 auto; }
@media (max-width: 500px), (max-height: 500px) { body { padding: 4px; } }
"""


def write_ballot(
    picture: GridPicture,
    path: str | os.PathLike[str],
    session: Session,
    *,
    aspects: str | Sequence[str] = ("overall",),
    by: str | Sequence[str] | None = None,
    pairs: int | None = None,
    rater: str | None = None,
    training: bool = True,
    gold: float = 0.0,
    rng: random.Random | None = None,
) -> Path:
    """Write one self-contained page for one rater; its answers come back as a small JSON for `read_ballot`. Returns the path.

    `aspects` are what is asked of each pair, `by` names the axis or axes that are compared (None: the cells, whatever their
    take), `pairs` counts without what is repeated or never counted (by default about four for each clip, at most 40), `rater` stands in the
    name's field (None: a pseudonym that nobody has), and is not asked again what they have judged. `training` puts a pair to practise before the others, and a share `gold` of them shows
    a clip beside its damaged copy. What the clips were made with is not in the page; its ledger knows. Raises InvalidRequest, or
    SeedanceError where it cannot be written.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() not in (".html", ".htm"):
        raise InvalidRequest(f"a ballot is a page: name it {one_line(target.stem or 'ballot', 60)}.html")
    chance = rng or random.Random()
    asked = check_aspects(aspects)
    entered = entries(picture, by)
    votes = session.ask_ledger(lambda ledger: ledger.votes.among(entered.keys))
    before = [vote for vote in votes if vote.aspect == asked[0]]
    planned = schedule(entered, pairs=pairs, rng=chance, before=before, rater=clean_rater(rater or ""))
    planned = with_controls(planned, entered, training=training, gold=check_gold(gold), rng=chance)
    names = _names(planned, chance)
    issued = Schedule(secrets.token_hex(8), asked, named(planned, names))
    keys = {name: key for key, name in names.items()}
    secret, hint = session.ask_ledger(_issue, issued.ballot, keys, clean_rater(rater or ""))
    ballot = _content(entered, planned, issued, sign(issued.text(), secret), hint) | {"note": not_blind(picture)}
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    trouble = ""
    try:
        with part.open("w", encoding="utf-8") as file:
            _write(file, ballot, keys, entered)
        part.replace(target)
    except OSError as error:
        trouble = str(error.strerror or error)
    finally:
        part.unlink(missing_ok=True)
    if trouble:
        raise SeedanceError(f"{target} cannot be written ({trouble}); choose another place")
    return target.absolute()


def _names(planned: Sequence[ScheduledPair], rng: random.Random) -> dict[str, str]:
    """A name by lot for each clip that is shown, in an order that is by lot too."""
    keys = list(dict.fromkeys(key for pair in planned for key in (pair.left, pair.right)))
    return {key: secrets.token_hex(4) for key in rng.sample(keys, len(keys))}


def _issue(ledger: Store, ballot: str, keys: dict[str, str], rater: str) -> tuple[bytes, str]:
    """What signs the page, and the name that it proposes, once the ledger knows of it."""
    hint = rater or pseudonym(ledger.studies.raters())
    ledger.studies.issue(ballot, Issued(hint, keys), time.time())
    return ledger.studies.signing_secret(), hint


def _content(
    entered: Entries, planned: Sequence[ScheduledPair], issued: Schedule, signature: str, hint: str
) -> dict[str, Any]:
    prompts: list[str] = []
    listed = []
    for pair, shown in zip(planned, issued.pairs, strict=True):
        # A prompt that both clips share tells nothing of which is which, and some questions need it.
        shared = {entered.prompt_of[key.removesuffix(DAMAGED)] for key in (pair.left, pair.right)}
        text = clamp(clean(shared.pop()), 600) if len(shared) == 1 and asks_for_prompt(issued.aspects) else ""
        if text and text not in prompts:
            prompts.append(text)
        asked = prompts.index(text) if text else None
        listed.append(
            {
                "left": shown.left,
                "right": shown.right,
                "asked": asked,
                "repeats": shown.repeats,
                "kind": shown.kind.value,
            }
        )
    return {
        "format": FORMAT,
        "version": VERSION,
        "ballot": issued.ballot,
        "aspects": list(issued.aspects),
        "hint": hint,
        "pairs": listed,
        "prompts": prompts,
        "schedule": issued.text(),
        "signature": signature,
    }


def _write(file: TextIO, ballot: dict[str, Any], keys: dict[str, str], entered: Entries) -> None:
    code = script(_HERE / "page.js")
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    # The page may talk to nobody: what a rater does in it stays in it.
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; media-src blob:; img-src data:"
    )
    file.write(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>Which clip is better?</title>\n<style>{_PAGE_STYLE}{style(STYLE_SHEET)}</style>\n</head>\n<body>\n"
        '<main id="room"><noscript>This page needs JavaScript; it talks to no server.</noscript></main>\n'
    )
    data = json.dumps(ballot).replace("<", "\\u003c")
    file.write(f'<script type="application/json" id="ballot">{data}</script>\n')
    clips = [entered.clips[key.removesuffix(DAMAGED)] for key in keys.values()]
    # All or none: a small copy beside an original would be judged for its size.
    small = sum(clip.size for clip in clips) > MOST_BYTES or any(clip.unplayable for clip in clips)
    for (name, key), clip in zip(keys.items(), clips, strict=True):
        path = damaged_file(clip) if key.endswith(DAMAGED) else preview_file(clip) if small else shown_file(clip)
        file.write(f'<script type="text/plain" id="clip-{name}">')
        file.write(base64.b64encode(path.read_bytes()).decode("ascii"))
        file.write("</script>\n")
    file.write(f"<script>{code}</script>\n</body>\n</html>\n")
