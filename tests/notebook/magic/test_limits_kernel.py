"""Limits of credits in a real kernel: what loses one elsewhere is said here in one line, and no create arrives."""

import subprocess
import sys

import pytest
from notebook.kernel import Kernel
from tracking.test_limits import HOLDER

from seedance_nb.simulator import Pace, Simulator

KEY = "sd2_test_key"
BROKEN = "[tool.seedance_nb]\nmax_credits = 45\n[tool.ruff]\nline-length 120\n"
BOAT = "%seedance a paper boat [fail] -d 5 -a 1:1 -r 720p"


@pytest.fixture
def simulator():
    with Simulator(pace=Pace(0, 0.05, 0)) as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "notebook"
    place.mkdir()
    return place


def started(folder, simulator, **environment):
    access = {"SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_API_KEY": KEY}
    return Kernel(folder, access | environment)


def creates(simulator):
    return len(simulator.scenario.accepted)


def test_a_limit_that_cannot_be_read_is_said_at_load_and_where_it_would_cost(folder, simulator):
    (folder / "pyproject.toml").write_text(BROKEN)
    with started(folder, simulator) as kernel:
        loaded = kernel.run("%load_ext seedance_nb")
        assert loaded.succeeded
        assert loaded.text.startswith("seedance: pyproject.toml, line 4: it cannot be read")
        assert loaded.text.count("\n") == 1
        for cell in (BOAT, "%%seedance -n 2\na plane", "import seedance_nb as sd; sd.submit('a boat')"):
            refused = kernel.run(cell)
            assert "ConfigurationError: pyproject.toml, line 4: it cannot be read" in refused.error
            assert "\n" not in refused.error
        assert kernel.run("%seedance jobs").succeeded
        assert "limits     cannot be read" in kernel.run("%seedance doctor").text
        assert creates(simulator) == 0

        (folder / "pyproject.toml").write_text(BROKEN.replace("length", "length ="))
        assert kernel.run(f"{BOAT} --wait").error.startswith("GenerationFailed")
        assert "over the limit of 45" in kernel.run(BOAT.replace("boat", "plane")).error
        assert creates(simulator) == 1

        kernel.run("%unload_ext seedance_nb")
        kernel.run("%load_ext seedance_nb")
        assert "bring the total to 80, over the limit of 45" in kernel.run(BOAT.replace("boat", "plane")).error
        assert creates(simulator) == 1


def test_config_of_the_magic_is_a_limit_too_and_a_slow_ledger_hides_none(folder, simulator):
    with started(folder, simulator, SEEDANCE_MAX_CREDITS="60") as kernel:
        kernel.run("%load_ext seedance_nb")
        kernel.run("%config SeedanceMagics.max_credits = 39")
        assert "over the limit of 39" in kernel.run(BOAT).error
        assert "over max_credits of 39" in kernel.run(f"{BOAT} -n 2").error
        kernel.run("%config SeedanceMagics.max_credits = '39 credits'")
        assert "max_credits must be a number that is not negative, not '39 credits'" in kernel.run(BOAT).error
        kernel.run("%config SeedanceMagics.max_credits = None")
        kernel.run("%config SeedanceMagics.max_credit = 39")
        assert "max_credit is not read; max_credits is meant" in kernel.run(BOAT).error
        kernel.run("%config SeedanceMagics.max_credits = 1000")
        arguments = [sys.executable, "-c", HOLDER, str(folder / "home" / "ledger.sqlite3"), "2"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout.readline() == "held\n"
            assert "over the limit of 60; nothing was sent" in kernel.run(BOAT.replace("-d 5", "-d 8")).error
        assert creates(simulator) == 0


def table(kernel, line):
    """What a command shows, as text."""
    return " ".join(
        m["content"]["data"]["text/plain"] for m in kernel.run(line).messages if m["msg_type"] == "display_data"
    )


def test_a_limit_of_the_ledger_is_set_shown_and_held_in_a_kernel(folder, simulator):
    with started(folder, simulator, SEEDANCE_PERSON="Ann", SEEDANCE_PROJECT="Boats") as kernel:
        kernel.run("%load_ext seedance_nb")
        assert "no limit is set" in table(kernel, "%seedance limit")
        assert "50 a month" in table(kernel, "%seedance limit 50 --per month --person each")
        assert kernel.run(f"{BOAT} --wait").error.startswith("GenerationFailed")
        refused = kernel.run(BOAT.replace("boat", "plane"))
        assert refused.error.startswith("BudgetExceeded: the limit of 50 credits a month for person ann has 10 left")
        assert "\n" not in refused.error
        assert "nothing charged; it renews 20" in refused.error
        shown = table(kernel, "%seedance limit")
        assert all(word in shown for word in ("ann", "40", "10", "00:00 UTC"))
        assert "boats" in table(kernel, "%seedance cost")
        assert "say for how long" in kernel.run("%seedance limit 50").error
        assert kernel.run("import seedance_nb as sd; print(sd.limit('off', per='month', person='each'))").text == "[]\n"
        kernel.run(BOAT.replace("boat", "plane"))
        assert kernel.run("%seedance wait").succeeded
        assert creates(simulator) == 2
