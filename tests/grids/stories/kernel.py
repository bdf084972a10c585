"""A kernel that tells a story and kills itself in the middle of its second shot, at an instant that has a name.

    python kernel.py BASE_URL HOME UPLOADS TAKES MOMENT|-

It prints `ready`, then a line a clip when it lives to its end.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from grids.stage import session_at
from grids.stories.stage import SHOTS, story_of
from promises.kernel import around, saves, signals

from seedance_nb.api.client import Client
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.references import references
from seedance_nb.tracking.references.shelf import Shelf

KILL = 9


def of_second_shot(*args):
    """Whether one of these is, or has, a request of the second shot."""
    prompts = [getattr(getattr(one, "request", one), "prompt", None) for one in args]
    return SHOTS[1] in prompts


def once_it_was_claimed(when):
    """True of calls that fit, once the second shot was claimed."""
    claimed = []
    real = Ledger.claim

    def claim(ledger, record, *rest):
        if record.request.prompt == SHOTS[1]:
            claimed.append(record.key)
        return real(ledger, record, *rest)

    Ledger.claim = claim
    return lambda *args: bool(claimed) and when(*args)


def always(*_):
    return True


def gives_final_name(_part, target):
    return Path(target).suffix == ".mp4"


MOMENTS = {
    "before its frame is on the shelf": lambda: around(Shelf, "_put_picture", always, after=False),
    "after its frame is on the shelf": lambda: around(Shelf, "_put_picture", always, after=True),
    "before it is claimed": lambda: around(Ledger, "claim", of_second_shot, after=False),
    "after it is claimed": lambda: around(Ledger, "claim", of_second_shot, after=True),
    "before its frame is uploaded": lambda: around(references.sending, "publish", always, after=False),
    "after its frame is uploaded": lambda: around(references.sending, "publish", always, after=True),
    "before sending is marked": lambda: around(Ledger, "save", once_it_was_claimed(saves("sent_at")), after=False),
    "after sending is marked": lambda: around(Ledger, "save", once_it_was_claimed(saves("sent_at")), after=True),
    "when its answer is there": lambda: around(Client, "create", of_second_shot, after=True, is_async=True),
    "after its id is recorded": lambda: around(Ledger, "save", once_it_was_claimed(saves("request_id")), after=True),
    "before its clip has its name": lambda: around(Path, "replace", once_it_was_claimed(gives_final_name), after=False),
    "before its clip is recorded": lambda: around(Ledger, "save", once_it_was_claimed(saves("clip")), after=False),
    "after its clip is recorded": lambda: around(Ledger, "save", once_it_was_claimed(saves("clip")), after=True),
}
MAY_BE_LOST = {"after sending is marked", "when its answer is there"}


def live(base_url, home, uploads, takes, moment):
    if moment != "-":
        signals.append(KILL)
        MOMENTS[moment]()
    print("ready", os.getpid(), flush=True)
    with session_at(base_url, home, uploads=uploads) as session:
        for clip in story_of(session, takes=int(takes)).submit().result(120):
            print(clip and clip.path, flush=True)


if __name__ == "__main__":
    live(*sys.argv[1:6])
