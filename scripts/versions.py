"""The tests that stand most on other people's code, with the lowest versions that pyproject.toml allows or the newest there are.

    python3 scripts/versions.py lowest         on the lowest Python
    python3 scripts/versions.py latest 3.13    on this one

What cannot be had on this machine (a Python, or packages for want of a network) is said in one line and is no failure; what was
installed and does not pass is. Each run has a venv of its own in build/.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = [
    "tests/test_front_door.py",
    "tests/clips/test_frames.py",
    "tests/clips/test_store.py",
    "tests/tracking/test_job.py",
    *(
        f"tests/notebook/{name}"
        for name in ("test_kernel.py", "test_waiting.py", "test_display.py", "magic/test_magic.py", "card")
    ),
]
"""Kernels, the magic, waiting and the display, and what stands on libraries' insides: a minute or two each, for there are several runs."""
LONGEST = 1500
"""Seconds for the tests of a run, several times what they take: a machine that is busy must not fail, one that hangs must."""
NO_NETWORK = re.compile(
    r"Temporary failure|name resolution|NewConnectionError|ConnectTimeout|ReadTimeout|Max retries|SSLError|ProxyError|Connection (reset|refused)"
)


def main(arguments: Sequence[str]) -> int:
    which, version = arguments[0], (arguments[1] if len(arguments) > 1 else _project()["requires-python"].lstrip(">="))
    python = find_python(version)
    if python is None:
        return _without(which, version, "it can be had neither on this machine nor from its packages or uv")
    venv = ROOT / "build" / f"{which}-{version}"
    trouble = install(venv, python, lower_bounds() if which == "lowest" else [])
    if trouble is not None:
        if NO_NETWORK.search(trouble):
            return _without(which, version, "the packages cannot be fetched here")
        print(trouble, file=sys.stderr)
        return 1
    return run_tests(venv)


def _without(which: str, version: str, why: str) -> int:
    print(f"NO RUN OF THE {which.upper()} VERSIONS ON PYTHON {version}: {why}", file=sys.stderr)
    return 0


# A Python -----------------------------------------------------------------------------------------------------------


def find_python(version: str) -> str | None:
    """A Python of this minor version that can make a venv."""
    return next((path for path in _pythons(version) if _is(path, version)), None)


def _pythons(version: str) -> Iterator[str]:
    yield sys.executable
    yield f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))
    if os.environ.get("CI"):  # a developer's machine is not changed
        _try("apt-get", "install", "-y", "-qq", "--no-install-recommends", f"python{version}", f"python{version}-venv")
        yield f"/usr/bin/python{version}"
    uv = _uv()
    if uv is not None:
        where = ROOT / "build" / "pythons"
        _try(uv, "python", "install", "--quiet", "--no-bin", "--install-dir", str(where), version)
        yield from map(str, where.glob(f"cpython-{version}.*/bin/python3"))


@functools.cache
def _uv() -> str | None:
    """The program, if it is on this machine; in CI it is fetched."""
    uv = shutil.which("uv")
    if uv is None and os.environ.get("CI"):
        _try(sys.executable, "-m", "venv", str(ROOT / "build" / "uv"))
        _try(str(ROOT / "build" / "uv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv")
        uv = shutil.which(ROOT / "build" / "uv" / "bin" / "uv")
    return uv


def _is(python: str, version: str) -> bool:
    said = _try(python, "-c", "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])")
    return said.strip() == version


def _try(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


# Packages -----------------------------------------------------------------------------------------------------------


def lower_bounds() -> list[str]:
    """Every package that pyproject.toml names for use and for tests, at the lowest version that it allows."""
    project = _project()
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(line for name in ("keyring", "pandas", "demo", "test") for line in extras[name]),
    ]
    found = (re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*>=\s*([\w.]+)", line) for line in wanted)
    return sorted({f"{match[1]}=={match[2]}" for match in found if match is not None})


def install(venv: Path, python: str, constraints: Sequence[str]) -> str | None:
    """The package and what its tests need, by uv where it is there and can (several times as fast), else by pip. What that said if it failed."""
    venv.mkdir(parents=True, exist_ok=True)
    bounds = venv / "constraints.txt"
    bounds.write_text("\n".join(constraints))
    wanted = ["--quiet", "--upgrade", "--constraint", str(bounds), "--editable", f"{ROOT}[test,keyring]"]
    pip = [_in(venv), "-m", "pip", "install", "--disable-pip-version-check", "--upgrade-strategy", "eager", *wanted]
    if said := _said(python, "-m", "venv", str(venv)):
        return said
    uv = _uv()
    if (uv is None or _said(uv, "pip", "install", "--python", _in(venv), *wanted)) and (said := _said(*pip)):
        return said
    # Without bytecode every kernel of a test would compile all of it again.
    return _said(_in(venv), "-m", "compileall", "-q", str(ROOT / "seedance_nb"))


def _said(*command: str) -> str | None:
    """What a command printed that failed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr or f"{command[0]} failed") if done.returncode else None


def _project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


# Tests --------------------------------------------------------------------------------------------------------------


def run_tests(venv: Path) -> int:
    """Files side by side; what failed beside others is tried once more, alone, as in `make test`."""
    pytest = [_in(venv), "-m", "pytest", "-q", "-m", "not browser and not slow", "-o", f"cache_dir={venv}/pytest-cache"]
    # What old libraries say of each other, and new ones of what they will do, is not ours to mend here.
    pytest += ["-W", "ignore::DeprecationWarning", *TESTS]
    side_by_side = ["--numprocesses", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
    code = _run([*pytest, *side_by_side])
    if code == 1:
        print("Once more, alone:", flush=True)
        code = _run([*pytest, "--last-failed", "--last-failed-no-failures", "none"])
    return code


def _run(command: Sequence[str]) -> int:
    try:
        return subprocess.run(command, cwd=ROOT, check=False, timeout=LONGEST).returncode
    except subprocess.TimeoutExpired:
        print(f"these tests have not ended within {LONGEST} s", file=sys.stderr)
        return 2


def _in(venv: Path) -> str:
    return str(venv / "bin" / "python")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
