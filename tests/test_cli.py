"""`seedance` from a shell: processes with pipes and with a terminal, against the simulator over a socket."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import pytest
from terminals import Terminal

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

    def open_one(*words, term="xterm"):
        child = Terminal(
            [sys.executable, "-m", "seedance_nb", *words],
            rows=30,
            columns=100,
            timeout=SECONDS,
            cwd=folder,
            env={**{k: v for k, v in env.items() if k not in ("TMUX", "STY")}, "TERM": term},
        )
        opened.append(child)
        return child

    yield open_one
    for child in opened:
        child.close()


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
        (["--rows", "rows.csv"], "prompt,duration\na cat\n", "line 2 has fewer values"),
        (["--rows", "rows.csv"], "prompt,duration\na cat,4,5\n", "line 2 has more values"),
        (["a cat", "--rows", "rows.csv"], "prompt\na dog\n", "leave the PROMPT on the line out"),
        (["a {dog}", "--rows", "rows.csv"], "animal\ncat\n", "dog"),
        (["--rows", "rows.csv", "-d", "4,5"], "prompt\na cat\n", "is a column there"),
        (["--rows", "rows.jsonl"], "{not json}\n", "line 1: '{not json}' is no JSON"),
        (["--rows", "rows.jsonl"], "[1]\n", "line 1: '[1]' is no JSON object"),
        (["--rows", "rows.csv"], "prompt,duration\na cat,99\n", "cannot make 99 s"),
        (["--rows", "rows.csv"], "prompt,duration\na cat,4\na dog,99\n", "cell 2 of 2 is invalid"),
        (["--rows", "rows.csv"], "prompt,duration\na cat,99\na cow,5\na dog,99\n", "; 1 more is"),
        (["--rows", "rows.csv"], "prompt,image\na cat,x\n", "name it 'media_urls'"),
        (["a cat", "-d", "4,99"], None, "cell 2 of 2 is invalid"),
        (["a cat", "a dog\ud800"], None, "is no UTF-8"),
        (["--rows", "rows.csv", "-d", "9"], "prompt,duration\na cat,4\n", "--duration stands on the line"),
        (["--rows", "rows.csv", "-n", "2"], "prompt,take\na cat,1\n", "--takes stands on the line"),
        (["a {x}", "--rows", "rows.csv", "-m", "seedance-2.0"], "x,model\n1,seedance-2.0\n", "--model stands on"),
        (
            ["--rows", "rows.jsonl", "--metadata", "a=1"],
            '{"prompt": "a"}\n{"prompt": "b", "metadata": {}}\n',
            "--metadata",
        ),
        (["--rows", "rows.jsonl", "-i", "https://a.de/b.png"], '{"prompt": "a", "media_urls": []}\n', "--media-url "),
        (["a {x}", "--rows", "rows.csv", "--raw"], "x\n1\n", "leave --raw out"),
        (["--rows", "rows.csv"], "prompt,x,x\na cat,1,2\n", "two columns are named 'x'"),
        (["--rows", "rows.jsonl"], '{"prompt": "a", "prompt": "b"}\n', "line 1: the name 'prompt' is there twice"),
        (["--rows", "rows.jsonl"], '{"prompt": "a", "metadata": {"b": 1, "b": 1}}\n', "the name 'b' is there twice"),
        (["--rows", "rows.jsonl"], '"a"\n{"prompt": "a", "x": NaN}\n', "line 2.x: JSON has no nan"),
        (["--rows", "rows.jsonl"], '{"prompt": "a", "x": [-Infinity]}\n', "line 1.x[0]: JSON has no -inf"),
        (["--rows", "rows.jsonl"], '{"prompt": "a", "x": 1e999}\n', "JSON has no inf"),
        (["--rows", "rows.jsonl"], '{"prompt": "a", "x": "\\ud800"}\n', "half a character"),
        (["--rows", "rows.jsonl"], '{"prompt": ' + "[" * 100_000, "nested deeper"),
        (["--rows", "rows.csv"], 'prompt,metadata\na,"{""b"": 1, ""b"": 2}"\n', "the name 'b' is there twice"),
        (["--rows", ""], None, "--rows wants a name"),
        (["a cat", "-o", ""], None, "-o wants a name"),
        (["a cat", "-o", " "], None, "-o wants a name"),
        (["a cat", "-o", "a.mp4", "--no-wait"], None, "leave one of them out"),
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
    words = [word.encode("utf-8", "surrogatepass") for word in words]

    code, out, trouble = seedance(*words, text="")

    assert (code, out) == (2, "")
    (last,) = trouble.splitlines()
    assert said in last
    assert last.startswith("seedance: ")
    assert "%seedance" not in trouble
    assert simulator.calls["create"] == 0


def test_a_dry_run_of_what_would_be_refused_shows_where_and_ends_as_that_would(seedance, simulator, folder):
    (folder / "rows.csv").write_text("prompt,duration\na cat,4\na dog,99\n")

    table = seedance("--rows", "rows.csv", "--dry-run")
    one = seedance("a cat", "-d", "99", "--dry-run")

    assert (table[0], one[0]) == (2, 2)
    assert "cannot make 99 s" in table[1]
    assert "dry run" not in table[1]
    assert table[2].startswith("seedance: nothing was sent, as cell 2 of 2 is invalid: ")
    assert one[1] == ""
    assert simulator.calls["create"] == 0


def test_a_table_that_a_grid_exported_is_free(seedance, simulator, folder, env):
    (folder / "rows.jsonl").write_text('"=1+1 boats"\n{"prompt": "@home", "metadata": {"a": [1]}}\n')
    bought = seedance("--rows", "rows.jsonl", *SMALL)
    code = (
        "import json, seedance_nb as sd; rows = [json.loads(row) for row in open('rows.jsonl')]\n"
        "rows[0] = {'prompt': rows[0]}\n"
        "grid = sd.grid(rows, raw=True, duration=4, resolution='480p', aspect_ratio='1:1').submit(); grid.result()\n"
        "grid.export('boats.csv')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, timeout=SECONDS, check=True)
    again = seedance("--rows", "boats.csv", "--json")

    assert "'=1+1" in (folder / "boats.csv").read_text("utf-8")
    assert (bought[0], again[0]) == (0, 0)
    told = [json.loads(line) for line in again[1].splitlines()]
    assert [(one["prompt"], one["reused"]) for one in told] == [("=1+1 boats", True), ("@home", True)]
    assert creates(simulator) == 2


def test_behind_two_hyphens_all_is_prompt(seedance, simulator):
    made = seedance(*SMALL, "--json", "--", "-", "and", "--json", text="not this")
    alone = seedance(*SMALL, "--", "-", text="nor this")

    assert json.loads(made[1])["prompt"] == "- and --json"
    assert alone[1].endswith(".mp4\n")
    assert [json.loads(line)["prompt"] for line in seedance("jobs", "--json")[1].splitlines()] == ["-", "- and --json"]
    assert creates(simulator) == 2


def test_in_the_c_locale_letters_stay_letters(env, folder, simulator):
    env = {**env, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def run(*words, given=b""):
        command = [sys.executable, "-m", "seedance_nb", *words]
        done = subprocess.run(
            command, cwd=folder, env=env, input=given, capture_output=True, timeout=SECONDS, check=False
        )
        assert b"Traceback" not in done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    dry = run("종이배", *SMALL, "--dry-run")
    one = run("종이배", *SMALL, "-o", "배.mp4", "--json")
    named = run("종이배", *SMALL, "-o", "배들/")
    several = run("-", *SMALL, "-o", "배들", given="\ufeff나비\n---\n고래".encode())
    (folder / "표.csv").write_text("prompt,비고\n종이배,하나\n", encoding="utf-8")
    table = run("--rows", "표.csv", *SMALL)
    lost = run("--rows", "없다.csv")
    listed = run("jobs")

    assert [done[0] for done in (dry, one, named, several, table, listed)] == [0] * 6, (dry, one, several, table)
    assert '"prompt": "종이배"' in dry[1]
    assert json.loads(one[1])["prompt"] == "종이배"
    assert json.loads(one[1])["path"] == str(folder / "배.mp4")
    assert sorted(os.listdir(folder / "배들")) == ["고래-take-1.mp4", "나비-take-1.mp4", "종이배-take-1.mp4"]
    assert several[1].split() == [str(folder / "배들" / f"{word}-take-1.mp4") for word in ("나비", "고래")]
    assert "없다.csv cannot be read" in lost[2]
    assert "종이배" in listed[1]
    assert creates(simulator) == 3
    broken = run("-", *SMALL, given=b"a \xff boat")
    assert (broken[0], broken[2]) == (2, "seedance: the prompts on stdin are no UTF-8. Nothing was sent\n")
    assert creates(simulator) == 3


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (Fault("create", "status", http_status=402, body={"success": False}), 3, "nothing was charged"),
        (Fault("create", "drop_after"), 6, "may have been accepted"),
    ],
)
def test_without_a_wait_a_create_that_was_not_accepted_has_no_id(seedance, simulator, fault, code, said):
    simulator.add_fault(fault)
    simulator.add_fault(dataclasses.replace(fault))

    found = seedance("a paper boat", *SMALL, "--no-wait")
    several = seedance("a", *SMALL, "-m", "seedance-2.0,seedance-2.0-fast", "--no-wait", "--json", "-q")

    assert (found[0], found[1]) == (code, "")
    assert said in found[2]
    assert several[0] == code
    told = [json.loads(line) for line in several[1].splitlines()]
    assert sum(one["request_id"] is None and one["error"] is not None for one in told) == 1
    assert sum(one["request_id"] is not None and one["error"] is None for one in told) == 1
    assert several[2].count("\n") == 1


@pytest.mark.parametrize("how", [("--timeout", "0.2"), ("--timeout", "0.2", "--no-wait")])
def test_a_service_that_is_busy_for_ever_ends_no_wait_later_than_its_time(seedance, simulator, folder, how):
    (folder / "pyproject.toml").write_text("[tool.seedance_nb]\ncreate_timeout = 1\n")
    simulator.add_fault(Fault("create", "status", http_status=429, headers={"Retry-After": "600"}, times=None))

    code, out, said = seedance("a paper boat", *SMALL, *how)

    assert (code, out) == (7, "")
    assert re.search(r"^seedance: not accepted yet; seedance jobs says what became of j\w+$", said, re.MULTILINE)


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

    assert child.wait() == 130
    assert "Traceback" not in rest
    assert seedance("cancel", "all")[0] == 0
    assert creates(simulator) == 1


def test_a_terminal_that_can_shows_a_still(terminal):
    shown = terminal("a paper boat", *SMALL, term="xterm-kitty").read()

    assert re.search(r"\.mp4\r\n.*done · 20 simulated credits\r\n\x1b_Ga=T,f=100,q=2,", shown, re.DOTALL)
    assert "\x1b_G" not in terminal("a paper boat", *SMALL, "-q", term="xterm-kitty").read()


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
    options = {option for action in build_parser()._actions for option in action.option_strings}
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


def test_a_command_is_told_before_the_shell_has_its_prompt_again(seedance, folder):
    (folder / "tell.py").write_text("import sys, time\ntime.sleep(0.5)\nopen('told', 'a').write(sys.argv[1])\n")

    code, _, _ = seedance("a kite", *SMALL, f"--notify={sys.executable} tell.py")

    assert (code, (folder / "told").read_text()) == (0, "succeeded: a kite")


def test_where_nobody_can_be_told_a_line_says_so(seedance):
    code, _, said = seedance("a kite", *SMALL, "--notify")
    assert (code, "note: --notify tells nobody: a shell has no page" in said) == (0, True)

    code, _, said = seedance("a kite", *SMALL, "--notify", "--no-wait")
    assert (code, "--no-wait does not wait for it" in said) == (2, True)


def test_a_pattern_names_the_files_of_a_grid(seedance, folder, simulator):
    code, out, said = seedance(
        "a kite", *SMALL, "-m", "seedance-2.0,seedance-2.0-fast", "-o", "films/{model}-{prompt:.6}.mp4"
    )

    assert code == 0, said
    assert sorted(path.name for path in (folder / "films").iterdir()) == [
        "seedance-2.0-a kite.mp4",
        "seedance-2.0-fast-a kite.mp4",
    ]
    assert {line.rpartition("/")[2] for line in out.splitlines()} == {
        "seedance-2.0-a kite.mp4",
        "seedance-2.0-fast-a kite.mp4",
    }
    bought = len(simulator.scenario.accepted)

    (folder / "rows.csv").write_text("animal,duration\nfox,4\n")
    code, _, said = seedance("a {animal}", "--rows", "rows.csv", "-r", "480p", "-o", "{animal}-{take}.mp4")
    assert (code, (folder / "fox-1.mp4").exists()) == (0, True), said

    code, _, said = seedance("a hare", *SMALL, "-o", "{anmal}.mp4")
    assert (code, "-o: the pattern has no value for {anmal}" in said, "Nothing was sent" in said) == (2, True, True)
    assert len(simulator.scenario.accepted) == bought + 1
