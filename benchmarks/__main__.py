"""Run the benchmarks named on the command line, or all of them."""

from __future__ import annotations

import importlib
import platform
import sys
import time

ALL = ("loading", "ledger_size", "many_jobs", "thousand_jobs", "panel_messages")


def main() -> None:
    names = sys.argv[1:] or ALL
    print(f"Python {platform.python_version()}, {platform.machine()}, {time.strftime('%Y-%m-%d')}")
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}")
        for line in module.run():
            print("  " + line)


main()
