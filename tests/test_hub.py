"""The example of a hub is executed: what its spawner hands to a user's server makes a session with these settings, and limits that hold."""

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
from traitlets.config import Config

from seedance_nb.simulator import Pace, Simulator
from seedance_nb.tracking.ledger.contract import SpendingLimit
from seedance_nb.tracking.ledger.ledger import Ledger

EXAMPLE = Path(__file__).parents[1] / "examples" / "jupyterhub" / "jupyterhub_config.py"
KEY = "sd2_key_of_the_hub_0123456789"
SERVER = """
import json
import seedance_nb as sd
from seedance_nb.tracking.session import default
session = default()
known = session.settings
said = {
    "ledger": str(known.ledger), "clips": known.shared_clips, "person": known.person, "key": known.key_source,
    "max_credits": known.limits.max_credits, "right key": known.api_key.reveal() == KEY,
    "limits": [standing.left for standing in session.ask_ledger(lambda ledger: ledger.limits.of(known.person, None, False))],
}
try:
    for n in range(6):
        sd.submit(f"boat {n} [fail]", duration=5, resolution="720p", aspect_ratio="1:1", max_credits=None)
except sd.BudgetExceeded as error:
    said["refused"] = str(error)
session.close()
print(json.dumps(said))
"""


@pytest.fixture
def simulator():
    with Simulator(api_key=KEY, pace=Pace(0, 0, 0)) as running:
        yield running


@pytest.fixture
def hub(tmp_path, monkeypatch, simulator):
    """The environment of the hub."""
    (tmp_path / "key").write_text(f"{KEY}\n")
    for name, value in {
        "SEEDANCE_KEY_FILE": tmp_path / "key",
        "SEEDANCE_LEDGER": tmp_path / "shared" / "ledger.sqlite3",
        "SEEDANCE_CLIPS": "s3://lab/clips",
        "SEEDANCE_BASE_URL": simulator.base_url,
        "SEEDANCE_HOME": tmp_path / "home of the hub",
    }.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


def executed():
    """What the configuration sets."""
    config = Config()
    code = compile(EXAMPLE.read_text(encoding="utf-8"), str(EXAMPLE), "exec")
    exec(code, {"get_config": lambda: config, "__name__": "config"})
    return config


def environment_of(config, user):
    """As JupyterHub makes it: values that are functions are asked, with the spawner."""
    spawner = types.SimpleNamespace(user=types.SimpleNamespace(name=user))
    values = config.Spawner.environment
    return {name: value(spawner) if callable(value) else value for name, value in values.items()}


def test_a_users_server_has_key_ledger_bucket_name_and_limits_of_the_hub(hub, simulator):
    environment = environment_of(executed(), "Ann")
    usual = {"PATH": "/usr/bin:/bin", "SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_HOME": str(hub / "ann")}
    done = subprocess.run(
        [sys.executable, "-c", f"KEY = {KEY!r}\n{SERVER}"],
        env={**usual, **environment, "SEEDANCE_CLIPS": str(hub / "clips of ann")},
        capture_output=True,
        text=True,
        cwd=hub,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert environment["SEEDANCE_CLIPS"] == "s3://lab/clips"
    assert said.pop("refused").startswith("this would cost about 40 credits and bring the total to 120")
    assert said == {
        "ledger": str(hub / "shared" / "ledger.sqlite3"),
        "clips": None,  # a folder here: no bucket answers in this test
        "person": "ann",
        "key": "SEEDANCE_API_KEY",
        "max_credits": 100.0,
        "right key": True,
        "limits": [2000.0, 200.0],
    }
    assert sum(entry.credits for entry in simulator.scenario.accepted) == 80


def test_the_limits_of_each_user_and_of_all_stand_in_the_ledger_after_every_start(hub):
    executed(), executed()
    ledger = Ledger(hub / "shared" / "ledger.sqlite3")
    assert ledger.limits.all() == [SpendingLimit(2000, "day"), SpendingLimit(200, "day", person="each")]
    ledger.close()


def test_a_hub_that_cannot_set_its_limits_does_not_start(hub, monkeypatch):
    monkeypatch.setenv("SEEDANCE_LEDGER", str(hub / "key" / "no folder" / "ledger.sqlite3"))
    with pytest.raises(subprocess.CalledProcessError):
        executed()


def test_a_hub_without_its_key_does_not_start(hub):
    (hub / "key").unlink()
    with pytest.raises(FileNotFoundError):
        executed()


def test_the_example_names_no_key(hub):
    assert "sd2_" not in EXAMPLE.read_text(encoding="utf-8")
