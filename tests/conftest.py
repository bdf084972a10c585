"""Every test runs as if nobody had ever configured anything on this machine."""

import os

import pytest


@pytest.fixture(autouse=True)
def nobody_home(monkeypatch, tmp_path):
    """No key, no base URL, no limits of the developer's; a ledger and clips folder of the test's own."""
    for name in [name for name in os.environ if name.startswith("SEEDANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SEEDANCE_HOME", str(tmp_path))
    # A key in the developer's keyring is real money: no test may find it.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(autouse=True)
def files_are_looked_into_here(monkeypatch):
    """A process for that at every session would be a third of the time of the whole; kernels and `jobs/test_inspector.py` have it."""
    monkeypatch.setattr("seedance_nb.clips.inspector.Inspector", lambda: None)
