"""The schema of the SQLite ledger, as steps from the first version to this one. A released step is never edited, only added to.

A new column of `jobs` is one more step here and one more field of `Record`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from msgspec import MsgspecError

from ...api.models import VideoRequest
from .ledger_file import Connection, DatabaseError
from .periods import day_of
from .record import cell_of
from .rows import ONE_PER_INTENTION, UNFINISHED, make_room

Step = str | Callable[[Connection], object]
"""A statement, or what takes more than SQL."""


def identify_anew(db: Connection) -> None:
    """Rows written before the same words in other bytes, signatures and metadata stopped to count are found by what counts now.

    Signatures go from the rows too. Of rows that were different requests and are one now, the best keeps its place and the others
    become further takes of it: each is a video of its own, paid for, and stays one.
    """
    changed = {}
    for key, text, known in db.execute("SELECT key, request, request_hash FROM jobs"):
        try:
            request = VideoRequest.from_wire(json.loads(text)).without_signatures()
            cells = (cell_of(request), request.canonical_hash())
        except (
            MsgspecError,
            ValueError,
            TypeError,
            RecursionError,
        ):  # a row that nobody could read before stays as it is
            continue
        if cells[1] != known or request.unsigned_address is not None:
            changed[key] = cells
    if not changed:
        return
    db.execute("DROP INDEX one_per_intention")
    db.executemany(
        "UPDATE jobs SET request = ?, request_hash = ? WHERE key = ?", [(*cells, key) for key, cells in changed.items()]
    )
    make_room(db)
    db.execute(ONE_PER_INTENTION)


def say_days(db: Connection) -> None:
    """What was claimed before days were recorded counts on the day it began; a clock that was wrong then has put nothing into the future."""
    rows = db.execute("SELECT key, created_at FROM jobs WHERE sent_at IS NOT NULL OR request_id IS NULL").fetchall()
    now = time.time()
    db.executemany("UPDATE jobs SET day = ? WHERE key = ?", [(day_of(min(at, now)), key) for key, at in rows])


MIGRATIONS: tuple[tuple[Step, ...], ...] = (
    (  # m001_initial
        """CREATE TABLE jobs (
            key TEXT PRIMARY KEY,
            account TEXT NOT NULL,
            base_url TEXT NOT NULL,
            simulated INTEGER NOT NULL DEFAULT 0,
            request TEXT NOT NULL,
            request_hash TEXT NOT NULL,
            model TEXT NOT NULL,
            duration INTEGER,
            resolution TEXT,
            take INTEGER NOT NULL,
            status TEXT NOT NULL,
            status_text TEXT NOT NULL,
            request_id TEXT,
            credits REAL,
            estimate REAL,
            estimate_source TEXT,
            error TEXT,
            error_kind TEXT,
            owner TEXT,
            notebook TEXT,
            created_at REAL NOT NULL,
            sent_at REAL,
            accepted_at REAL,
            processing_at REAL,
            finished_at REAL,
            checked_at REAL,
            clip TEXT
        ) STRICT""",
        ONE_PER_INTENTION,
        "CREATE INDEX by_request_id ON jobs (request_id)",
        "CREATE INDEX by_time ON jobs (created_at)",
        "CREATE INDEX by_kind ON jobs (base_url, model, duration, resolution, finished_at)",
        "CREATE INDEX by_price ON jobs (base_url, model, resolution, created_at) WHERE credits > 0",
        f"CREATE INDEX unfinished ON jobs (account, created_at) WHERE {UNFINISHED}",
        """CREATE TABLE reuses (
            key TEXT NOT NULL REFERENCES jobs (key),
            at REAL NOT NULL,
            credits_saved REAL,
            notebook TEXT
        ) STRICT""",
    ),
    (  # m002_votes
        # No reference to `jobs`: a ballot may come back before the ledger that holds its clips does. And a vote taken back stays
        # as a row, or adding its ballot file once more would bring it back.
        """CREATE TABLE votes (
        id TEXT PRIMARY KEY,
        rater TEXT NOT NULL,
        aspect TEXT NOT NULL,
        left_key TEXT NOT NULL,
        right_key TEXT NOT NULL,
        choice TEXT NOT NULL CHECK (choice IN ('left', 'right', 'tie', 'both bad')),
        at REAL NOT NULL,
        repeats TEXT,
        source TEXT NOT NULL,
        withdrawn INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
        "CREATE INDEX votes_by_left ON votes (left_key)",
    ),
    (  # m003_no_invented_moments: until here a making that no look saw begin was put at the acceptance, and the acceptance of what
        # was sent from elsewhere at its attaching. A true beginning at once looks the same; unknown is the smaller error.
        "UPDATE jobs SET processing_at = NULL WHERE processing_at = accepted_at",
        "UPDATE jobs SET accepted_at = NULL WHERE accepted_at = created_at",
    ),
    (identify_anew,),  # m004_identity
    (  # m005_order: the order of jobs is a counter of its own, because a clock can be wrong
        "ALTER TABLE jobs ADD COLUMN number INTEGER",
        "UPDATE jobs SET number = rowid",
        "CREATE INDEX by_number ON jobs (number)",
        "DROP INDEX by_time",
        "DROP INDEX by_price",
        "CREATE INDEX by_price ON jobs (base_url, model, resolution, number) WHERE credits > 0",
    ),
    (  # m006_accounts
        """CREATE TABLE accounts (
        account TEXT PRIMARY KEY,
        same_as TEXT NOT NULL,
        at REAL NOT NULL
    ) STRICT""",
        "CREATE INDEX by_intention ON jobs (request_hash, take)",
    ),
    (  # m007_lives: how long such jobs take is learned from those that were begun last
        "DROP INDEX by_kind",
        "CREATE INDEX by_kind ON jobs (base_url, model, duration, resolution, number)",
    ),
    (  # m008_ballots: what an answer took, pairs that never count, signed pages; and who withdraws is deleted, but for the ids
        "ALTER TABLE votes ADD COLUMN seconds REAL",
        "ALTER TABLE votes ADD COLUMN plays INTEGER",
        "ALTER TABLE votes ADD COLUMN kind TEXT NOT NULL DEFAULT 'vote'",
        "ALTER TABLE votes ADD COLUMN ballot TEXT",
        "CREATE INDEX votes_by_ballot ON votes (ballot) WHERE ballot IS NOT NULL",
        "CREATE TABLE withdrawn (id TEXT PRIMARY KEY) STRICT",
        "INSERT INTO withdrawn SELECT id FROM votes WHERE withdrawn = 1",
        "DELETE FROM votes WHERE withdrawn = 1",
        """CREATE TABLE ballots (
        id TEXT PRIMARY KEY,
        rater TEXT NOT NULL,
        clips TEXT NOT NULL,
        at REAL NOT NULL
    ) STRICT""",
        "CREATE TABLE secrets (name TEXT PRIMARY KEY, secret TEXT NOT NULL) STRICT",
        "CREATE TABLE studies (key TEXT PRIMARY KEY, study TEXT NOT NULL) STRICT",
        """CREATE TABLE left_out (
        ballot TEXT NOT NULL,
        key TEXT NOT NULL,
        reason TEXT NOT NULL,
        answers INTEGER NOT NULL,
        PRIMARY KEY (ballot, reason)
    ) STRICT""",
    ),
    (  # m009_measurements: what functions said of clips; a file and a function that are the same say the same again
        """CREATE TABLE measurements (
        subject TEXT NOT NULL,
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        source TEXT NOT NULL,
        found TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (name, version, source, subject)
    ) STRICT, WITHOUT ROWID""",
    ),
    (  # m010_registrations: what was said before the votes stays as it was said
        """CREATE TABLE registrations (
        number INTEGER PRIMARY KEY,
        sha256 TEXT NOT NULL UNIQUE,
        text TEXT NOT NULL
    ) STRICT""",
        """CREATE TRIGGER registrations_are_not_changed BEFORE UPDATE ON registrations
        BEGIN SELECT RAISE(ABORT, 'a registration is never changed'); END""",
        """CREATE TRIGGER registrations_are_not_deleted BEFORE DELETE ON registrations
        BEGIN SELECT RAISE(ABORT, 'a registration is never deleted'); END""",
    ),
    (  # m011_races: what a look has decided stands, whatever votes come or go later
        """CREATE TABLE races (
        id TEXT PRIMARY KEY,
        design TEXT NOT NULL,
        after INTEGER NOT NULL,
        at REAL NOT NULL
    ) STRICT""",
        """CREATE TABLE race_rounds (
        race TEXT NOT NULL REFERENCES races (id),
        number INTEGER NOT NULL,
        found TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (race, number)
    ) STRICT""",
    ),
    ("ALTER TABLE jobs ADD COLUMN answer_extra TEXT",),  # m012_answers: what the service said beyond what is read
    (  # m013_marks: what people think of their clips
        "ALTER TABLE jobs ADD COLUMN starred INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN noted TEXT",
    ),
    ("ALTER TABLE jobs ADD COLUMN follower TEXT",),  # m014_followers: of all who show a job one asks the service
    (  # m015_spending_limits: who spends, for what, on which day, and how much a team allows
        "ALTER TABLE jobs ADD COLUMN person TEXT",
        "ALTER TABLE jobs ADD COLUMN project TEXT",
        "ALTER TABLE jobs ADD COLUMN day TEXT",
        "ALTER TABLE jobs ADD COLUMN reserved REAL",
        say_days,
        # All that the sums of limits ask for, so that ten thousand jobs of a month are added up from it alone.
        "CREATE INDEX by_day ON jobs (day, base_url, person, project, status, credits, reserved, estimate)",
        "ALTER TABLE reuses ADD COLUMN person TEXT",
        "ALTER TABLE reuses ADD COLUMN project TEXT",
        """CREATE TABLE spending_limits (
        per TEXT NOT NULL,
        person TEXT NOT NULL,
        project TEXT NOT NULL,
        credits REAL NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (per, person, project)
    ) STRICT""",
    ),
    (  # m016_account_pace: how fast all sessions of an account may ask the service together, and what it has refused to one of them
        """CREATE TABLE account_pace (
        account TEXT PRIMARY KEY,
        calls_a_minute REAL,
        creates_at_once INTEGER,
        tokens REAL NOT NULL DEFAULT 0,
        tokens_at REAL NOT NULL DEFAULT 0,
        no_create_until REAL NOT NULL DEFAULT 0,
        no_create_by TEXT,
        no_look_until REAL NOT NULL DEFAULT 0,
        no_look_by TEXT
    ) STRICT""",
    ),
    (  # m017_members: who works with this ledger, and with which version
        """CREATE TABLE members (
        person TEXT PRIMARY KEY,
        version TEXT NOT NULL,
        at REAL NOT NULL
    ) STRICT""",
    ),
)


def migrate(db: Connection) -> None:
    """Bring the schema to the newest version, one transaction a step; raises DatabaseError for a newer file."""
    newest = len(MIGRATIONS)
    if db.execute("PRAGMA user_version").fetchone()[0] == newest:
        return
    db.execute("BEGIN IMMEDIATE")  # a second kernel starting now waits here, then finds nothing left to do
    try:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > newest:
            raise DatabaseError(f"it was written by a newer version of seedance_nb: format {found}")
        for number, statements in enumerate(MIGRATIONS[found:], found + 1):
            for step in statements:
                if callable(step):
                    step(db)
                else:
                    db.execute(step)
            db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
