"""A soak: 60 jobs and random faults of the server, names, disk, clock and process, until all of them are through.

The kernel is a process of its own; what was accepted is in the simulator's journal. SEEDANCE_SOAK_FAULTS sets how many faults must
have happened (1,000 is the full run), SEEDANCE_SOAK_SEED which ones.
"""

import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from promises.soak_kernel import RESTART
from promises.stage import KERNELS, accepted, until

from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.ledger.ledger import Ledger

FAULTS = int(os.environ.get("SEEDANCE_SOAK_FAULTS", "300"))
SEED = int(os.environ.get("SEEDANCE_SOAK_SEED", "7"))
JOBS = 60
PATIENCE = 240 + FAULTS
"""Seconds for all of it; far more than it takes, so that a busy machine fails nothing."""
MOST_KILLS = 12
NO_ANSWER = ("drop_before", "drop_after", "reset_before", "reset_after", "hang", "status_after")
"""Creates that these meet never have an answer with an id: they alone may end as `unknown`, beside what kill -9 hit in the air."""
ANSWERED = ("truncate", "garbage_encoding", "success_false_with_id", "delay", "lone_surrogate", "huge_int")
LOOKS = (
    *(Fault("get", "status", http_status=status) for status in (400, 408, 429, 500, 503)),
    *(Fault("get", kind) for kind in ("html", "empty", "truncate", "drop_before", "reset_after", "garbage_encoding")),
    *(
        Fault("get", kind)
        for kind in ("wrong_id", "no_id", "unknown_status", "backwards", "no_url", "not_found", "redirect")
    ),
    Fault("get", "bad_url", body="http://no-such-host.invalid/film.mp4"),
    Fault("get", "bad_url", body="http://127.0.0.1:1/film.mp4"),
    Fault("get", "delay", seconds=0.2),
    Fault("get", "hang"),
)
FILES = (
    *(Fault("download", "status", http_status=status) for status in (404, 429, 500, 503)),
    *(Fault("download", kind) for kind in ("cut", "html", "zero", "drop_before", "reset_after", "garbage", "expire")),
    *(Fault("download", kind) for kind in ("stall", "no_range", "wrong_length", "not_mp4_inside", "chunked_broken")),
)


class Kernel:
    """The process under test, started again after each kill."""

    def __init__(self, simulator, home, stage, intentions):
        script = Path(__file__).with_name("soak_kernel.py")
        self._line = [sys.executable, script, simulator.base_url, home, stage, *intentions]
        self._home = home
        self.said = []
        self.may_be_unknown = set()
        self.restarts = 0
        self.start()

    def start(self):
        # With a disk that is full now and then, half of a compiled module would be left for everybody after us.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(self._line, stdout=subprocess.PIPE, text=True, env=environment)
        KERNELS.append(self.process)
        self.said = []
        threading.Thread(target=self._listen, args=(self.process, self.said), daemon=True).start()
        until(lambda: self.said or self.process.poll() is not None, 120)
        assert self.said, "the kernel did not come up"

    @staticmethod
    def _listen(process, said):
        for line in process.stdout:
            said.append(line)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self._note_what_was_in_the_air()

    def _note_what_was_in_the_air(self):
        """Of that nobody can know whether an answer came."""
        for row in rows(self._home):
            if row.status == "submitting" and row.sent_at is not None and not row.request_id:
                self.may_be_unknown.add(row.request.prompt)

    def restart_if_told(self):
        """A person does so where the ledger's line says it."""
        if self.process.poll() == RESTART:
            self.restarts += 1
            self._note_what_was_in_the_air()
            self.start()

    @contextlib.contextmanager
    def stopped(self):
        self.process.send_signal(signal.SIGSTOP)
        until(
            lambda: (
                self.process.poll() is not None
                or psutil.Process(self.process.pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
            )
        )
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


def rows(home):
    ledger = Ledger(home / "ledger.sqlite3")
    try:
        return ledger.jobs(limit=10_000)
    finally:
        ledger.close()


class Weather:
    """Makes faults of all kinds, one after the other, and counts those that happened."""

    def __init__(self, simulator, kernel, home, stage, dice):
        self.simulator, self.kernel, self.home, self.stage, self.dice = simulator, kernel, home, stage, dice
        self.counted = Counter()
        self._waiting = 0
        self.log = []
        """When each fault of the machine began and ended."""
        self._only_in_memory = set()
        book, choose = simulator._faults, simulator._faults.choose

        def count(call, subject="", status=None):
            fault = choose(call, subject, status)
            if fault is not None:
                self.counted[f"{call} {fault.kind}"] += 1
                self._waiting -= fault.call != "create"
            return fault

        book.choose = count

    def break_the_service(self):
        for _ in range(max(0, 24 - self._waiting)):
            self._waiting += 1
            self.simulator.add_fault(self.dice.choice(LOOKS if self.dice.random() < 0.75 else FILES))

    def stop_the_process(self):
        with self.kernel.stopped():
            # Some stops are longer than any deadline of a create.
            time.sleep(self.dice.choice((0.05, 0.2, 0.2, 1.2, 3.3)))
        self.counted["process stopped"] += 1

    def kill_the_process(self):
        # What was written while the ledger was away is known to the process alone until it has written it again.
        if (
            self._only_in_memory <= may_be_paid(self.home / "ledger.sqlite3", self.stage / "look")
            and self.counted["process killed"] < MOST_KILLS
        ):
            self.kernel.kill()
            self.counted["process killed"] += 1
            self.kernel.start()

    def let_the_clock_jump(self):
        (self.stage / "jump").write_text(str(self.dice.choice((0, 3600, -3600, 86_400 * 40, -86_400 * 400, 7))))
        (self.stage / "jump").replace(self.stage / "clock")
        self.counted["clock jumped"] += 1

    def fill_the_disk(self):
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(self.kernel.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            time.sleep(self.dice.uniform(0.05, 0.4))
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(self.kernel.process.pid, resource.RLIMIT_FSIZE, unlimited)
            self.counted["disk full"] += 1

    def take_the_ledger_away_for_a_while(self):
        ledger, away = self.home / "ledger.sqlite3", self.stage / "away.sqlite3"
        with self.kernel.stopped():  # between two statements, as a sync program does it
            if not ledger.exists() or (self.home / "ledger.sqlite3-journal").exists():
                return
            ledger.replace(away)
        time.sleep(self.dice.uniform(0.05, 0.5))
        until(lambda: self._put_back(ledger, away))
        self.counted["ledger away and back"] += 1

    def _put_back(self, ledger, away):
        with self.kernel.stopped():
            if (self.home / "ledger.sqlite3-journal").exists():  # it would be taken for one of the file that comes back
                return False
            self._only_in_memory |= may_be_paid(ledger, self.stage / "look")
            away.replace(ledger)
            return True

    def put_a_copy_in_the_ledgers_place(self):
        with self.kernel.stopped():
            if (self.home / "ledger.sqlite3-journal").exists() or not (self.home / "ledger.sqlite3").exists():
                return
            shutil.copyfile(self.home / "ledger.sqlite3", self.stage / "copy.sqlite3")
            (self.stage / "copy.sqlite3").replace(self.home / "ledger.sqlite3")
        self.counted["ledger exchanged"] += 1

    def delete_a_file(self):
        files = [path for path in (self.home / "clips").glob("*") if path.is_file()]
        if files:
            self.dice.choice(files).unlink(missing_ok=True)
            self.counted["file deleted"] += 1

    def blow(self):
        self.break_the_service()
        kinds = {
            self.stop_the_process: 3,
            self.kill_the_process: 1,
            self.let_the_clock_jump: 4,
            self.fill_the_disk: 3,
            self.take_the_ledger_away_for_a_while: 2,
            self.put_a_copy_in_the_ledgers_place: 3,
            self.delete_a_file: 4,
        }
        blow, began = self.dice.choices(list(kinds), list(kinds.values()))[0], time.time()
        blow()
        self.log.append(f"{began:.3f} to {time.time():.3f} {blow.__name__}")


def may_be_paid(ledger, look):
    """Keys of rows that say that something was sent, as they are on disk; `look` is a place for a copy, so that nothing is locked."""
    query = "SELECT key FROM jobs WHERE sent_at IS NOT NULL OR request_id IS NOT NULL OR finished_at IS NOT NULL"
    with contextlib.suppress(OSError, sqlite3.Error):
        shutil.copyfile(ledger, look)
        with contextlib.closing(sqlite3.connect(look)) as db:
            return {row[0] for row in db.execute(query)}
    return set()


@pytest.mark.slow
def test_a_soak_in_random_faults_pays_once_for_each_intention_and_loses_nothing(tmp_path, one_film):
    dice = random.Random(SEED)
    home, stage = tmp_path / "home", tmp_path / "stage"
    home.mkdir()
    stage.mkdir()
    (stage / "clock").write_text("0")
    intentions = [f"intention {n:02d}" for n in range(JOBS)]
    unlucky = dice.sample(intentions, 24)
    lost = {prompt: dice.choice(NO_ANSWER) for prompt in unlucky[:8]}
    creates = [Fault("create", kind, match=prompt) for prompt, kind in lost.items()]
    creates += [Fault("create", dice.choice(ANSWERED), match=prompt) for prompt in unlucky[8:16]]
    creates += [Fault("create", "status", 2, match=prompt, http_status=429) for prompt in unlucky[16:]]
    end = time.monotonic() + PATIENCE

    with Simulator(pace=Pace(0.2, 0.6), faults=creates) as simulator:
        kernel = Kernel(simulator, home, stage, intentions)
        weather = Weather(simulator, kernel, home, stage, dice)
        while weather.counted.total() < FAULTS:
            assert time.monotonic() < end, f"too few faults: {dict(weather.counted)}"
            kernel.restart_if_told()
            assert kernel.process.poll() is None, "the kernel ended"
            weather.blow()
            time.sleep(0.02)
        simulator.clear_faults()
        (stage / "over").touch()
        until(lambda: kernel.restart_if_told() or kernel.process.poll() is not None, max(60.0, end - time.monotonic()))
        assert kernel.process.returncode == 0

        ends = {
            said["prompt"]: said for said in map(json.loads, until(lambda: len(kernel.said) > JOBS and kernel.said)[1:])
        }
        paid = {prompt: accepted(simulator, prompt) for prompt in intentions}
        assert set(ends) == set(intentions)
        accepted_ones = simulator.scenario.accepted

    unknown = {prompt for prompt, said in ends.items() if said["status"] == "unknown"}
    print(f"\n{weather.counted.total()} faults: {dict(sorted(weather.counted.items()))}")
    print(
        f"{sum(paid.values())} creates accepted, {len(unknown)} unknown, {len(kernel.may_be_unknown)} killed in the air, {kernel.restarts} restarts as told"
    )

    twice = {prompt for prompt, creates in paid.items() if creates > 1}
    if twice:
        print(
            "\n".join([*weather.log, *(f"{entry.at:.3f} accepted {entry.body['prompt']}" for entry in accepted_ones)])
        )
        print("\n".join(str(row) for row in rows(home) if row.request.prompt in twice))
    assert twice == set()
    assert [prompt for prompt, creates in paid.items() if creates == 0 and prompt not in unknown] == []
    assert sorted(unknown - set(lost) - kernel.may_be_unknown) == []
    whole = hashlib.sha256(one_film.read_bytes()).hexdigest()
    entries = {row.request.prompt: row for row in rows(home) if row.clip is not None}
    assert set(entries) == set(intentions) - unknown
    for prompt, row in entries.items():
        assert hashlib.sha256((home / "clips" / row.clip["file"]).read_bytes()).hexdigest() == whole
        assert row.request_id == ends[prompt]["id"]
    mine = f".{kernel.process.pid}."  # of those that were killed a sweep removes them, a day later
    assert [path.name for path in (home / "clips").glob(".*.part") if mine in path.name] == []
