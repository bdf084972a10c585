"""A kernel with a short life: submits its intentions, waits for their clips, and dies or stops where it is told to.

    python kernel.py BASE_URL HOME SIGNAL MOMENT|- LIMITS INTENTION…

`MOMENT` names an instant of `MOMENTS`, at which the process sends itself the signal, once; `-` lets it live to its end. `LIMITS` are
those of its session, as JSON. It says `ready` when everything is imported.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from promises.stage import session_at, submit

from seedance_nb.api.client import Client
from seedance_nb.api.connection import Connection
from seedance_nb.tracking import owner
from seedance_nb.tracking.following import following, polling, submitting
from seedance_nb.tracking.ledger.ledger import Ledger

signals = []
"""What is still to be sent."""


def die():
    if signals:
        os.kill(os.getpid(), signals.pop())
        time.sleep(0.05)  # another thread may be the one that takes the signal: this one must not go on meanwhile


def around(owner, name, when, *, after, is_async=False):
    """Die before or after the first call of `owner.name` whose arguments fit `when`."""
    original = getattr(owner, name)

    def call(*args, **kwargs):
        fits = when(*args)
        if fits and not after:
            die()
        result = original(*args, **kwargs)
        if fits:
            die()
        return result

    async def call_async(*args, **kwargs):
        fits = when(*args)
        if fits and not after:
            die()
        result = await original(*args, **kwargs)
        if fits:
            die()
        return result

    setattr(owner, name, call_async if is_async else call)


def saves(column):
    return lambda _ledger, _key, changes: changes.get(column) is not None


def always(*_):
    return True


def once_a_create_is_written():
    """Die when all of it was handed to the system, and nothing of an answer was read."""
    ask, wait = Connection.ask, Connection._wait

    async def ask_marked(connection, message, *rest):
        connection.sends_create = message().startswith(b"POST") and b"/cancel" not in message()
        await ask(connection, message, *rest)

    async def wait_marked(connection, *rest):
        if connection.sends_create:
            die()
        await wait(connection, *rest)

    Connection.ask, Connection._wait = ask_marked, wait_marked


def gives_final_name(_part, target):
    return Path(target).suffix == ".mp4"


def half_a_download(_followed):
    return lambda *_: die()


MOMENTS = {
    "before the claim": lambda: around(Ledger, "claim", always, after=False),
    "after the claim": lambda: around(Ledger, "claim", always, after=True),
    "before sending is marked": lambda: around(Ledger, "save", saves("sent_at"), after=False),
    "after sending is marked": lambda: around(Ledger, "save", saves("sent_at"), after=True),
    "before the first byte": lambda: around(Client, "create", always, after=False, is_async=True),
    "after the last byte": once_a_create_is_written,
    "when the answer is there": lambda: around(Client, "create", always, after=True, is_async=True),
    "before the id is recorded": lambda: around(Ledger, "save", saves("request_id"), after=False),
    "after the id is recorded": lambda: around(Ledger, "save", saves("request_id"), after=True),
    "before the first look": lambda: around(Client, "get", always, after=False, is_async=True),
    "after the first look": lambda: around(Client, "get", always, after=True, is_async=True),
    "in the middle of the download": lambda: setattr(following, "_progress_of", half_a_download),
    "before the clip has its name": lambda: around(Path, "replace", gives_final_name, after=False),
    "after the clip has its name": lambda: around(Path, "replace", gives_final_name, after=True),
    "before the clip is recorded": lambda: around(Ledger, "save", saves("clip"), after=False),
    "after the clip is recorded": lambda: around(Ledger, "save", saves("clip"), after=True),
}


def live(base_url, home, number, moment, limits, intentions):
    polling.TROUBLE_GROWTH = 0.2
    submitting.LOOK_AT_OTHER_PROCESS = 0.05
    if machine := os.environ.get("PRETEND_MACHINE"):
        owner._machine, owner._boot = lambda: machine, lambda: machine
    if moment != "-":
        signals.append(int(number))
        MOMENTS[moment]()
    print("ready", flush=True)
    sys.stdin.readline()  # all kernels of a race begin at the same instant
    with session_at(base_url, home, **json.loads(limits)) as session:
        for job in [submit(session, prompt) for prompt in intentions]:
            try:
                if isinstance(job, Exception):
                    raise job
                print(job.result(30).path, flush=True)
            except Exception as error:
                print(f"{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    live(*sys.argv[1:6], sys.argv[6:])
