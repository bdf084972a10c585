"""`seedance` from a shell: processes with pipes and with a terminal, against the simulator over a socket."""

import json
import os
import re
import subprocess
import sys

import pexpect
import pytest

from seedance_nb import errors
from seedance_nb.cli import EXIT_CODES, build_parser, code_of, main
from seedance_nb.notebook.syntax.arguments import COMMANDS
from seedance_nb.simulator import Fault, Pace, Simulator

KEY = "sd2_test_key"
SMALL = ("-d", "4", "-r", "480p", "-a", "1:1")
SECONDS = 120


@pytest.fixture
def simulator():
    with Simulator(port=0, pace=Pace(queue_seconds=0.05, render_seconds=0.1, sigma=0), api_key=KEY) as simulator:
        yield simulator


@pytest.fixture
def env(simulator, tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEEDANCE_")}
    return {
        **clean,
        "SEEDANCE_BASE_URL": simulator.base_url,
        "SEEDANCE_API_KEY": KEY,
        "SEEDANCE_HOME": str(tmp_path / "home"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
def seedance(env, folder):
    """`seedance(*words, text=)` in a process of its own: (exit code, stdout, stderr)."""

    def run(*words, text=None):
        command = [sys.executable, "-m", "seedance_nb", *words]
        done = subprocess.run(
            command, cwd=folder, env=env, input=text, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert KEY not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def terminal(env, folder):
    """The same in a terminal of 100 columns."""
    opened = []

    def open_one(*words):
        child = pexpect.spawn(
            sys.executable,
            ["-m", "seedance_nb", *words],
            cwd=str(folder),
            env={**env, "TERM": "xterm"},
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(30, 100),
        )
        opened.append(child)
        return child

    yield open_one
    for child in opened:
        child.close(force=True)


def creates(simulator):
    return simulator.calls["create"]


def test_a_line_ends_as_a_file_and_again_costs_nothing(seedance, simulator, folder):
    first = seedance("a paper boat", *SMALL, "-o", "boat.mp4")
    again = seedance("a", "paper", "boat", *SMALL, "--json")

    assert (first[0], first[1]) == (0, f"{folder / 'boat.mp4'}\n")
    assert (folder / "boat.mp4").read_bytes()[4:8] == b"ftyp"
    told = json.loads(again[1])
    assert again[0] == 0
    assert (told["prompt"], told["status"], told["reused"], told["credits"]) == ("a paper boat", "succeeded", True, 0)
    assert (told["clip"]["seconds"], told["error"]) == (4.0, None)
    assert creates(simulator) == 1


def test_where_the_video_could_not_be_put_nothing_is_sent(seedance, simulator, folder):
    (folder / "boat.mp4").write_bytes(b"mine")
    (folder / "file").write_text("")
    for place, words in (
        ("boat.mp4", "exists and is not written over"),
        ("boat.avi", "name it boat.mp4"),
        ("file/boat.mp4", "is a file, and a folder is wanted"),
    ):
        code, out, said = seedance("a paper boat", *SMALL, "-o", place)
        assert (code, out) == (2, "")
        assert words in said
        assert said.count("\n") == 1

    code, _, said = seedance("a paper boat", *SMALL, "-n", "2", "-o", "boats.mp4")
    assert code == 2
    assert "name a folder" in said
    assert creates(simulator) == 0
    assert (folder / "boat.mp4").read_bytes() == b"mine"


def test_prompts_come_from_stdin_and_from_tables(seedance, simulator, folder):
    (folder / "cells.csv").write_text('\ufeffanimal,duration,aspect_ratio\n"cat, grey",4,1:1\nfox,5,\n')
    (folder / "cells.jsonl").write_text('{"prompt": "a {boat}", "duration": 4}\n\n"a plane"\n')

    below = seedance("-", *SMALL, "-o", "out", text="one\n---\ntwo\n")
    table = seedance("a paper {animal}", "--rows", "cells.csv", "-r", "480p", "--json")
    lines = seedance("--rows", "cells.jsonl", "-r", "480p", "-a", "1:1", "--json")

    assert (below[0], table[0], lines[0]) == (0, 0, 0), (below, table, lines)
    assert sorted(os.path.basename(path) for path in below[1].split()) == ["one-take-1.mp4", "two-take-1.mp4"]
    told = [json.loads(line) for line in table[1].splitlines()]
    assert [(one["prompt"], one["duration"], one.get("aspectRatio")) for one in told] == [
        ("a paper cat, grey", 4, "1:1"),
        ("a paper fox", 5, "16:9"),
    ]
    told = [json.loads(line) for line in lines[1].splitlines()]
    assert [one["prompt"] for one in told] == ["a {boat}", "a plane"]
    assert creates(simulator) == 6
    assert (
        json.loads(seedance("a boat - by night", *SMALL, "--dry-run")[1].partition("}")[0] + "}")["prompt"]
        == "a boat - by night"
    )
    assert creates(simulator) == 6


@pytest.mark.parametrize(
    ("words", "rows", "said"),
    [
        (["--rows", "no.csv"], None, "cannot be read"),
        (["--rows", "rows.csv"], "", "there are no rows"),
        (["--rows", "rows.csv"], "animal\ncat\n", "no column named prompt"),
        (["--rows", "rows.csv"], "prompt,duration\na cat\n", "more or fewer values"),
        (["--rows", "rows.csv"], "prompt,duration\na cat,4,5\n", "more or fewer values"),
        (["a cat", "--rows", "rows.csv"], "prompt\na dog\n", "leave the PROMPT on the line out"),
        (["a {dog}", "--rows", "rows.csv"], "animal\ncat\n", "dog"),
        (["--rows", "rows.csv", "-d", "4,5"], "prompt\na cat\n", "is a column there"),
        (["--rows", "rows.jsonl"], "{not json}\n", "line 1 is no JSON object"),
        (["--rows", "rows.csv"], "prompt,duration\na cat,99\n", "cannot make 99 s"),
        (["a {dog}"], None, "nothing is filled in here"),
        (["a cat", "--durration", "4"], None, "did you mean --duration?"),
        (["a cat", "-d", "soon"], None, "whole seconds"),
        (["--json"], None, "the prompt is missing"),
        (["-"], None, "the prompt is missing"),
        (["-", "-d", "4"], None, "the prompt is missing"),
        (["a cat", "-", "a dog", "--durration", "4"], None, "did you mean --duration?"),
        (["panel"], None, "needs a notebook"),
        (["jobs", "yesterday"], None, "takes no 'yesterday'"),
        (["cancel"], None, "say which"),
        (["a cat", "-d", "4", "-d", "5"], None, "stands twice"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_sends_nothing(seedance, simulator, folder, words, rows, said):
    if rows is not None:
        (folder / words[words.index("--rows") + 1]).write_text(rows)

    code, out, trouble = seedance(*words, text="")

    assert (code, out) == (2, "")
    *before, last = trouble.splitlines()
    assert said in last
    assert last.startswith("seedance: ")
    assert len(before) == ("99" in str(rows))  # a plan that could be read is said first
    assert "%seedance" not in trouble
    assert simulator.calls["create"] == 0


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("create", "status", http_status=401, body={"success": False}), 3),
        (Fault("create", "status", http_status=402, body={"success": False}), 3),
        (Fault("create", "status", http_status=422, body={"success": False}), 3),
    ],
)
def test_a_refusal_is_told_by_its_exit_code(seedance, simulator, fault, code):
    simulator.add_fault(fault)

    found = seedance("a paper boat", *SMALL)

    assert (found[0], found[1]) == (code, "")
    assert re.search(r"nothing was (submitted|charged)", found[2])


def test_every_kind_of_error_has_a_code_that_the_help_tells():
    expected = {
        errors.ConfigurationError: 2,
        errors.InvalidRequest: 2,
        errors.AuthenticationError: 3,
        errors.PaymentRequired: 3,
        errors.BudgetExceeded: 4,
        errors.ConnectionFailed: 5,
        errors.RateLimited: 5,
        errors.ServerError: 5,
        errors.OutcomeUnknown: 6,
        errors.WaitTimeout: 7,
        errors.GenerationCancelled: 8,
        errors.GenerationFailed: 1,
        errors.ClipError: 1,
    }
    assert {kind: code_of(kind("x")) for kind in expected} == expected
    assert set(expected.values()) <= set(EXIT_CODES)


def test_limits_hold_and_unfinished_work_goes_on(seedance, simulator):
    dear = seedance("a paper boat", *SMALL, "--max-credits", "1")
    sent = seedance("a paper boat", *SMALL, "--no-wait")
    waited = seedance("wait")
    again = seedance("wait")

    assert dear[0] == 4
    assert (sent[0], sent[1].startswith("req_")) == (0, True)
    assert (waited[0], waited[1].endswith(".mp4\n")) == (0, True)
    assert (again[0], "nothing is running" in again[2]) == (0, True)
    assert creates(simulator) == 1


def test_a_wait_that_ends_and_a_cancel(seedance, simulator):
    simulator.scenario.pace = Pace(queue_seconds=600, render_seconds=600, sigma=0)

    late = seedance("a paper boat", *SMALL, "--timeout", "0.2", "--json")
    cancelled = seedance("cancel", "all")
    after = seedance("attach", json.loads(late[1])["request_id"])

    assert late[0] == 7
    assert json.loads(late[1])["status"] in ("queued", "submitting")
    assert (cancelled[0], "cancelled" in cancelled[1]) == (0, True)
    assert after[0] == 8
    assert creates(simulator) == 1


def test_a_terminal_sees_it_live_and_ctrl_c_ends_the_wait_in_a_line(terminal, seedance, simulator):
    simulator.scenario.pace = Pace(queue_seconds=600, render_seconds=600, sigma=0)

    child = terminal("a paper boat", *SMALL)
    child.expect(r"waiting in the queue · \d+ s")
    child.sendintr()
    child.expect(r"stopped waiting; job (req_\d+) goes on")
    rest = child.read()
    child.wait()

    assert child.exitstatus == 130
    assert "Traceback" not in rest
    assert seedance("cancel", "all")[0] == 0
    assert creates(simulator) == 1


def test_no_terminal_no_live_line(seedance):
    code, out, said = seedance("a paper boat", *SMALL)

    assert code == 0
    assert "\r" not in out + said
    assert said == "seedance: done · 20 simulated credits\n"


def test_tables_for_people_and_for_programs(seedance):
    seedance("종이배", *SMALL)

    listed = seedance("jobs")
    told = seedance("jobs", "--json")
    cost = seedance("cost")
    models = seedance("models", "--json")
    doctor = seedance("doctor")

    assert "종이배" in listed[1]
    assert json.loads(told[1])["prompt"] == "종이배"
    assert "seedance-2.0 (simulated)" in cost[1]
    assert "seedance-2.0" in models[1]
    assert {json.loads(line)["Model"] for line in models[1].splitlines()} >= {"seedance-2.0"}
    assert "service" in doctor[1]
    assert not any("%seedance" in text for text in (listed[1], cost[1], doctor[1]))


def test_the_help_fits_80_columns_and_names_everything(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out

    assert max(map(len, text.splitlines())) <= 80
    options = {option for action in build_parser()._actions for option in action.option_strings} - {"--completion"}
    assert all(option in text for option in options)
    assert all(re.search(rf"^  {name}\b", text, re.MULTILINE) for name in COMMANDS if name not in ("panel", "demo"))
    assert all(f" {code} " in text for code in EXIT_CODES)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_is_there_for_shells(capsys, shell):
    assert main(["--completion", shell]) == 0
    assert "seedance --complete" in capsys.readouterr().out


def test_bash_completes_by_it(env, folder, tmp_path):
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "seedance").write_text(f'#!/bin/sh\nexec {sys.executable} -m seedance_nb "$@"\n')
    (bin_folder / "seedance").chmod(0o755)
    script = (
        'eval "$(seedance --completion bash)"; COMP_LINE="seedance a boat -a 1"; COMP_POINT=${#COMP_LINE}; _seedance;'
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        env={**env, "PATH": f"{bin_folder}:{env['PATH']}"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert done.stdout.split() == ["16:9", "1:1"]


def test_whoever_reads_may_go(env, folder):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m seedance_nb --help | true; echo ${{PIPESTATUS[0]}}"],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
