"""The schema of a shared ledger: the same steps as a file's, all in one transaction, and a table that says which were taken."""

from __future__ import annotations

import itertools

from .ledger_file import DatabaseError
from .ledger_server import ServerConnection, in_its_words, refuse_newer
from .migrations import MIGRATIONS

_FUNCTIONS = (
    """CREATE FUNCTION seedance_day(DOUBLE PRECISION) RETURNS TEXT LANGUAGE SQL STABLE
    AS $$ SELECT to_char(to_timestamp($1), 'YYYY-MM-DD') $$""",
    """CREATE FUNCTION seedance_refuse() RETURNS TRIGGER LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$""",
)


def migrate_server(db: ServerConnection) -> None:
    """Bring the schema to the newest version; raises DatabaseError for a newer one, and for tables that are not ours."""
    db.run(f'SET search_path TO "{db.schema}"')
    if _version(db) == len(MIGRATIONS):
        return
    db.run("BEGIN")
    try:
        # A second member who starts now waits here, then finds nothing left to do.
        db.run("SELECT pg_advisory_xact_lock(hashtext('seedance_nb ledger ' || %s))", (db.schema,))
        if not db.run("SELECT 1 FROM pg_namespace WHERE nspname = %s", (db.schema,)):
            db.run(f'CREATE SCHEMA "{db.schema}"')
        found = _version(db)
        if found is None:
            if db.run("SELECT to_regclass(%s)", (f'"{db.schema}".jobs',))[0][0] is not None:
                raise DatabaseError(f"the table jobs in schema {db.schema} is not ours")
            db.run("CREATE TABLE seedance_ledger (version INTEGER NOT NULL)")
            db.run("INSERT INTO seedance_ledger VALUES (0)")
            db.run("CREATE TABLE seedance_leases (owner TEXT PRIMARY KEY, seen TIMESTAMPTZ NOT NULL)")
            for function in _FUNCTIONS:
                db.run(function)
            found = 0
        steps = [step for statements in MIGRATIONS[found:] for step in statements]
        for is_call, some in itertools.groupby(steps, callable):
            if is_call:
                for step in some:
                    step(db)  # type: ignore[operator, arg-type]
            else:  # one way there and back
                db.run(";\n".join(in_its_words(str(step))[0].decode().replace("%%", "%") for step in some))
        db.run("UPDATE seedance_ledger SET version = %s", (len(MIGRATIONS),))
        db.commit()
    except BaseException:
        db.rollback()
        raise


def _version(db: ServerConnection) -> int | None:
    """Which steps were taken; None where no ledger is."""
    if db.run("SELECT to_regclass(%s)", (f'"{db.schema}".seedance_ledger',))[0][0] is None:
        return None
    found = int(db.run(f'SELECT version FROM "{db.schema}".seedance_ledger')[0][0])
    refuse_newer(found)
    return found
