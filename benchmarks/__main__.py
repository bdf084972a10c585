"""Run the benchmarks named on the command line, or all of them; `--write` keeps what they say in benchmarks/RESULTS.md."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

ALL = (
    "polling_rules",
    "calls",
    "loading",
    "ledger_size",
    "panel_messages",
    "vote_coverage",
    "power",
    "measures",
    "cluster",
    "race",
    "few_draws",
    "large_clip",
    "many_jobs",
    "thousand_jobs",
    "webhooks",
    "team",
    "naive_loop",
    "rivals",
)
QUICK: dict[str, dict[str, Any]] = {
    "polling_rules": {"JOBS": 300, "SHIFTED_JOBS": 100, "SHAPE_SETS": 5, "SHAPE_LIVES": 200, "BURST_JOBS": 100},
    "calls": {"CALLS": 60, "ROUNDS": 1, "SECONDS": 0.3},
    "loading": {"KERNELS": 1},
    "large_clip": {"RUNS": 1, "KERNELS": 1},
    "ledger_size": {"SIZES": (10, 100), "ROUNDS": 3},
    "panel_messages": {"SIZES": (10, 40)},
    "many_jobs": {"JOBS": 20},
    "thousand_jobs": {"JOBS": 20, "LIVES": (0.5, 2.0), "ALONE_SECONDS": 0.2},
    "vote_coverage": {"STUDIES": 20},
    "power": {"STUDIES": 5},
    "measures": {"SCENES": 2, "FILMED": {}},
    "cluster": {"CLIPS": 8, "FILMS": 2, "PICTURES": 12, "TURNS": 1},
    "race": {"STUDIES": 1, "FULL_STUDIES": 1, "FULL_TAKES": (3, 5)},
    "few_draws": {"STUDIES": 20},
    "webhooks": {"CALLS": 20},
    "team": {"KERNELS": (1, 10, 30), "JOBS": 40, "LEDGER_JOBS": 200, "SECONDS": 0.1, "MOST_REQUESTS": 3.0},
    "naive_loop": {"JOBS": 30, "LIVES": (1.0, 3.0)},
    "rivals": {"ONE_BY_ONE": 1, "TOGETHER": (20,), "LIVES": (1.0, 3.0), "LIMIT_SECONDS": 30.0},
}
"""Sizes that only show that everything works; their figures mean nothing."""
RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("seedance_nb", "httpx", "ipython", "ipykernel", "ipywidgets", "anywidget", "av", "msgspec", "nest-asyncio2")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], metavar="NAME", help=f"of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--write", nargs="?", const=RESULTS, type=Path, metavar="FILE", help="benchmarks/RESULTS.md")
    chosen = parser.parse_args()
    if chosen.write == RESULTS and (chosen.names or chosen.quick):
        parser.error("RESULTS.md holds all benchmarks at full size; name another file after --write")
    told, failed = io.StringIO(), list[str]()
    for line in report(chosen.names or list(ALL), quick=chosen.quick, failed=failed):
        print(line, flush=True)
        told.write(line + "\n")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}" + (f"; {chosen.write} is as it was" if chosen.write else ""))
    if chosen.write:
        chosen.write.write_text(told.getvalue(), encoding="utf-8")


def report(names: list[str], *, quick: bool, failed: list[str]) -> Iterator[str]:
    """The lines of RESULTS.md, as they come; the names of those that measured nothing are added to `failed`."""
    yield f"# Benchmarks{', in sizes too small to mean anything' if quick else ''}"
    yield ""
    yield "Made by `make bench`; speeds are ratios within one run wherever there is anything to compare with."
    yield ""
    yield f"- {time.strftime('%Y-%m-%d')}, {platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    yield f"- Python {platform.python_version()}; " + ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        if quick:
            _shrink(module, QUICK.get(name, {}))
        title, _, about = (module.__doc__ or name).strip().partition("\n")
        yield f"\n## {name}\n\n{title}"
        if about.strip():
            yield about.strip()
        yield "\n```"
        began = time.monotonic()
        try:
            yield from module.run()
        except Exception as error:  # the others still want to be measured
            failed.append(name)
            yield f"failed: {error!r}"
        yield "```"
        print(f"({name}: {time.monotonic() - began:.0f} s)", file=sys.stderr)


def _shrink(module: ModuleType, sizes: dict[str, Any]) -> None:
    for name, value in sizes.items():
        if not hasattr(module, name):
            raise AttributeError(f"{module.__name__} has no {name}")
        setattr(module, name, value)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
