"""The grid forms of %%seedance and sd.grid in a real IPython shell without a kernel, against a simulator that counts."""

import re
import sys

import pytest
from notebook.magic.test_magic import KEY, Shell, one_line, wait_for

from seedance_nb import errors
from seedance_nb.grids.grid import Grid
from seedance_nb.simulator import Fault, Pace
from seedance_nb.tracking.job import Job

SMALL = "-m seedance-2.0-fast -a 1:1 -d 4 -r 480p"
PAIR = "-m seedance-2.0,seedance-2.0-fast -a 1:1 -d 4,5 -r 480p -n 2"
BOATS = f"%%seedance {PAIR} -o boats\na paper boat\n---\na paper plane"


@pytest.fixture
def shell(workplace, simulator, monkeypatch):
    """A shell with the extension loaded and a key for the simulator."""
    monkeypatch.setenv("SEEDANCE_BASE_URL", simulator.base_url)
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # the shell puts its own there
    opened = Shell()
    opened.run("%load_ext seedance_nb")
    yield opened
    opened.close()


def prompts_sent(simulator):
    return sorted(entry.body["prompt"] for entry in simulator.scenario.accepted)


def shown(result):
    """All that a terminal shows of a cell: what it printed, and its value."""
    return result.out + "".join(data.get("text/plain", "") for data in result.displays)


# -- one cell, many videos


def test_lists_prompts_and_takes_make_every_combination_once(shell, simulator):
    result = shell.run(BOATS)
    clips = shell.value("boats.result()")

    assert (result.success, result.err) == (True, "")
    assert isinstance(shell.value("boats"), Grid)
    assert len([clip for clip in clips if clip]) == 16
    assert simulator.calls["create"] == 16
    assert shell.value("boats").axes.names == ("prompt", "model", "duration", "take")


def test_the_plan_stands_in_one_line_before_anything_is_sent(shell):
    result = shell.run(BOATS)

    first = result.out.splitlines()[0]
    assert re.match(r"16 cells: 16 new; about [\d.,]+ credits for 16 new videos \(.*sample.*\)", first), first


def test_the_same_cell_again_costs_nothing(shell, simulator):
    shell.run(BOATS)
    shell.run("boats.result()")

    again = shell.run(BOATS)

    assert again.out.splitlines()[0] == "16 cells: 16 have it; nothing new: 0 credits"
    assert (simulator.calls["create"], shell.value("boats").picture().credits) == (16, 0)


def test_one_more_prompt_buys_its_cells_alone(shell, simulator):
    shell.run(BOATS)
    shell.run("boats.result()")

    more = shell.run(BOATS + "\n---\na paper hat")
    shell.run("boats.result()")

    assert more.out.startswith("24 cells: 16 have it, 8 new; ")
    assert (simulator.calls["create"], prompts_sent(simulator).count("a paper hat")) == (24, 8)


def test_while_it_runs_the_same_cell_again_follows_and_sends_nothing(shell, simulator):
    simulator.scenario.pace = Pace(0, 1, 0)
    shell.run(BOATS)
    wait_for(lambda: simulator.calls["create"] == 16)

    again = shell.run(BOATS)
    clips = shell.value("boats.result()")

    assert again.out.startswith("16 cells: 16 running; nothing new: 0 credits")
    assert (len([c for c in clips if c]), simulator.calls["create"]) == (16, 16)


def test_a_single_cell_stays_a_job(shell):
    shell.run(f"%%seedance {SMALL} -n 1 -o boat\na paper boat")

    assert isinstance(shell.value("boat"), Job)


def test_only_what_varies_is_an_axis(shell):
    shell.run(f"%seedance a boat {SMALL} -n 2 -o boats")

    grid = shell.value("boats")
    assert grid.axes.names == ("take",)
    assert {cell.request.model for cell in grid.cells} == {"seedance-2.0-fast"}


def test_fresh_buys_other_takes_of_everything(shell, simulator):
    line = f"%seedance a boat {SMALL} -n 2 -o boats"
    shell.run(line + " --wait")

    planned = shell.run(line + " --fresh --dry-run")
    bought = shell.run(line + " --fresh --wait")

    assert planned.out.startswith("2 cells: 2 new; about 24 credits for 2 new videos (")
    assert bought.out.startswith("2 cells: 2 new; about 24 credits for 2 new videos (")
    assert sorted(job.take for job in shell.value("boats.jobs")) == [3, 4]
    assert simulator.calls["create"] == 4


# -- prompts


def test_names_of_the_notebook_are_filled_in_first_and_literal_braces_stay(shell):
    shell.run("street = 'Rua Augusta'")

    shell.run(f"%%seedance {SMALL} -o boats\na boat on {{street}}\n---\na boat on {{{{street}}}}")

    texts = [cell.request.prompt for cell in shell.value("boats").cells]
    assert texts == ["a boat on Rua Augusta", "a boat on {street}"]


def test_raw_prompts_are_sent_as_they_are(shell):
    shell.run(f"%%seedance {SMALL} --raw -o boats\na {{boat\n---\na {{{{street}}}}")

    assert [cell.request.prompt for cell in shell.value("boats").cells] == ["a {boat", "a {{street}}"]


def test_an_unknown_name_is_one_line_and_nothing_is_sent(shell, simulator):
    shell.run("street = 'Rua Augusta'")

    result = shell.run(f"%%seedance {SMALL}\na boat\n---\na boat on {{strete}}")

    assert "did you mean street?" in one_line(result)
    assert sum(simulator.calls.values()) == 0


# -- money


def test_over_max_credits_nothing_is_sent_and_the_grid_is_there(shell, simulator):
    result = shell.run(BOATS.replace("-o boats", "-o boats --max-credits 100"))

    assert isinstance(result.error, errors.BudgetExceeded)
    assert "over max_credits of 100; nothing was sent" in one_line(result)
    assert simulator.calls["create"] == 0
    assert len(shell.value("boats").cells) == 16


def test_a_dry_run_shows_every_cell_and_sends_nothing(shell, simulator):
    shell.run(f"%seedance a paper boat {SMALL} --wait")
    sent = dict(simulator.calls)

    result = shell.run(
        f"%%seedance {SMALL.replace('-d 4', '-d 4,99')} --dry-run -o boats\na paper boat\n---\na paper plane"
    )

    assert result.success
    assert result.out.startswith("4 cells: 1 have it, 1 new, 2 invalid; about ")
    assert "cannot make 99 s" in result.out
    assert result.out.endswith("dry run: nothing was sent\n")
    assert dict(simulator.calls) == sent
    assert "boats" not in shell.ip.user_ns


def test_invalid_cells_are_told_and_the_others_are_made(shell, simulator):
    shell.run(f"%seedance a boat {SMALL.replace('-d 4', '-d 4,99')} -o boats --wait")

    made, missing = shell.value("boats.result()")
    assert (made is not None, missing, simulator.calls["create"]) == (True, None, 1)


def test_only_invalid_cells_are_an_error_of_one_line(shell, simulator):
    result = shell.run(f"%seedance a boat {SMALL.replace('-d 4', '-d 98,99')} -o boats")

    assert "nothing was submitted: all 2 cells are invalid" in one_line(result)
    assert simulator.calls["create"] == 0


# -- what a terminal reads, waiting


def test_a_terminal_reads_every_cell_with_its_id(shell):
    result = shell.run(f"%seedance a boat {SMALL} -n 2 -o boats --wait")
    seen = shown(shell.run("boats"))

    ids = shell.value("[job.request_id for job in boats.jobs]")
    assert "take 1" in result.out
    assert all(request_id in seen for request_id in ids)


def test_a_plan_that_was_not_sent_shows_itself_as_a_table(shell, simulator):
    shell.run("import seedance_nb as sd")

    result = shell.run("grid = sd.grid('a {animal}', animal=['cat', 'dog'], duration=4); grid")

    assert "2 cells: 2 new" in shown(result)
    assert re.search(r"cat\s+new", shown(result))
    assert simulator.calls["create"] == 0


def test_quiet_shows_nothing(shell):
    result = shell.run(f"%seedance a boat {SMALL} -n 2 -o boats -q")

    assert (result.out, result.err, result.displays) == ("", "", [])
    assert len(shell.value("boats.jobs")) == 2


def test_wait_waits_for_all_and_one_failure_stops_nothing(shell):
    result = shell.run(f"%%seedance {SMALL} -o boats --wait\na boat\n---\na [fail] boat\n---\na plane")

    assert result.success
    assert [clip is not None for clip in shell.value("boats.result()")] == [True, False, True]


def test_in_a_terminal_a_grid_with_gaps_says_how_to_go_on(shell):
    shell.run(f"%%seedance {SMALL} -o boats --wait\na boat\n---\na [fail] boat")

    assert "grid.retry() tries the failed ones again" in shown(shell.run("boats"))


def test_a_timeout_ends_the_wait_and_not_the_grid(shell, simulator):
    result = shell.run(f"%seedance a [stuck] boat {SMALL} -n 2 -o boats --timeout 0.2")

    assert isinstance(result.error, errors.WaitTimeout)
    assert "grid.result() waits again" in one_line(result)
    assert not shell.value("boats").done()


def test_a_service_that_refuses_everything_leaves_the_grid_in_its_variable(shell, simulator):
    simulator.scenario.api_key = "another key"

    shell.run(f"%seedance a boat {SMALL} -n 2 -o boats --wait")

    assert [job.credits for job in shell.value("boats.jobs")] == [0, 0]
    assert all(isinstance(job.error, errors.AuthenticationError) for job in shell.value("boats.jobs"))


def test_without_a_key_it_is_one_line_and_the_grid_is_there(shell, simulator, monkeypatch):
    monkeypatch.delenv("SEEDANCE_API_KEY")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    shell.run("%unload_ext seedance_nb")
    shell.run("%load_ext seedance_nb")

    result = shell.run(f"%seedance a boat {SMALL} -n 2 -o boats")

    assert isinstance(result.error, errors.ConfigurationError)
    assert "%seedance login" in one_line(result)
    assert isinstance(shell.value("boats"), Grid)


def test_retry_sends_the_failed_ones_alone(shell, simulator):
    simulator.add_fault(Fault("create", "status", http_status=422, times=1))
    shell.run(f"%seedance a boat {SMALL} -n 3 -o boats --wait")
    sent = simulator.calls["create"]

    shell.run("clips = boats.retry().result()")

    assert (sent, simulator.calls["create"]) == (3, 4)
    assert None not in shell.value("clips")


# -- help


def test_the_help_says_how_a_grid_is_asked_for(shell):
    out = shell.run("%seedance -h").out

    assert "make a grid" in out
    assert "not part of this version" not in out


# -- loading and unloading


def test_unloading_takes_the_formatters_back(shell):
    shell.run("import seedance_nb as sd; grid = sd.grid('a boat', takes=2)")
    before = shown(shell.run("grid"))

    shell.run("%unload_ext seedance_nb")

    formatters = shell.ip.display_formatter.formatters.values()
    left = [key for formatter in formatters for key in formatter.deferred_printers if "seedance_nb" in key[0]]
    assert "2 cells: 2 new" in before
    assert left == []
    assert shell.value("repr(grid)").startswith("<Grid of 2 cells")


def test_loading_the_extension_loads_nothing_of_grids(shell):
    code = (
        "import subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-c', 'import sys; from IPython.core.interactiveshell import InteractiveShell as S; "
        's = S.instance(); s.run_line_magic("load_ext", "seedance_nb"); '
        'print([m for m in sys.modules if m.startswith("seedance_nb.grids") or "notebook.grid_d" in m or "wall" in m])\'],'
        " capture_output=True, text=True)"
    )
    shell.run(code)

    assert shell.value("done.stdout").strip().splitlines()[-1] == "[]", shell.value("done.stderr")
