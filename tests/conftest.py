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
