"""A library can be had without what it would bring along for nothing."""

import subprocess
import sys

import pytest

from seedance_nb.api.lean_import import without


def in_a_fresh_process(code):
    found = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    return found.stdout.split()


def test_what_is_left_out_cannot_be_imported_inside_and_can_afterwards():
    with without("antigravity"), pytest.raises(ImportError):
        import antigravity  # noqa: F401
    assert "antigravity" not in sys.modules


def test_what_is_there_already_stays():
    with without("subprocess"):
        import subprocess as again
    assert sys.modules["subprocess"] is again is subprocess


def test_the_client_brings_no_command_line_and_httpx_is_whole():
    code = "import seedance_nb.api.client, sys, httpx; print('rich' in sys.modules, 'click' in sys.modules, callable(httpx.main))"
    assert in_a_fresh_process(code) == ["False", "False", "True"]


def test_somebodys_own_httpx_is_left_alone():
    code = "import httpx; main = httpx.main; import seedance_nb.api.client; print(httpx.main is main)"
    assert in_a_fresh_process(code) == ["True"]
