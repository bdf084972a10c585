"""ARCHITECTURE.md from the code: the drawing from its imports, the walks from calls that were really made.

    python scripts/architecture.py            write it anew
    python scripts/architecture.py --check    say whether the drawing is current and no two files import each other

The walks are watched, not read: a cell runs against the simulator while a profiler notes which file calls which.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import inspect
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
PACKAGE = "seedance_nb"
ROOMS = ("notebook", "grids", "tracking", "pages", "snapshot", "clips", "simulator", "api", "settings", "errors")
"""What the drawing shows, from the top down; project_file, fonts and the like are small and stand below all."""
CELLS = {
    "prompt": ("", "a paper boat on a rainy street -m seedance-2.0 -d 4 -r 480p -q --wait", None),
    "grid": ("%", "-m seedance-2.0,seedance-2.0-fast -d 4 -r 480p -q --wait", "a paper boat\n---\na paper plane"),
}
"""The cells that are walked: more than one percent sign, the line, what stands below it."""
WAYPOINTS = ("tracking/following/runner.py", "tracking/ledger/ledger.py", "api/client.py", "clips/store.py")
"""Where the cell hands over to the background, and what makes a video: its row in the ledger, the service's answer, the stored file."""

WORKERS = 8
"""More than the background has, so that each is reached."""
THREADS = ("tracking/background.py", "tracking/grouping.py")
"""They run what they are given: whoever gave it has called it."""
LOOPS = (
    str(Path("asyncio", "events.py")),
    str(Path("asyncio", "base_events.py")),
    str(Path("concurrent", "futures", "thread.py")),
    "threading.py",
)


# The drawing -------------------------------------------------------------------------------------------------------------


def imports() -> dict[str, set[str]]:
    """Which file imports which, imports for type checkers counted."""
    import grimp

    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=False, cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)}


def circle(arrows: Mapping[str, Iterable[str]]) -> list[str]:
    """Files that import each other in a circle, in its order; empty where there is none."""
    state: dict[str, int] = {}  # 1: on the path, 2: done
    for start in arrows:
        path: list[str] = []
        stack = [(start, iter(sorted(arrows.get(start, ()))))] if start not in state else []
        while stack:
            file, further = stack[-1]
            if state.get(file) is None:
                state[file] = 1
                path.append(file)
            for other in further:
                if state.get(other) == 1:
                    return [*path[path.index(other) :], other]
                if other not in state:
                    stack.append((other, iter(sorted(arrows.get(other, ())))))
                    break
            else:
                state[file] = 2
                path.pop()
                stack.pop()
    return []


def drawing(arrows: Mapping[str, Iterable[str]]) -> str:
    """The rooms as a mermaid chart: their folders, and the imports between rooms that no others imply."""
    files = [module for module in arrows if (ROOT / (module.replace(".", "/") + ".py")).exists()]
    between = {
        (_room(one), _room(other))
        for one, others in arrows.items()
        for other in others
        if _room(one) in ROOMS and _room(other) in ROOMS and _room(one) != _room(other)
    }
    lines = ["```mermaid", "flowchart TD"]
    for room in ROOMS:
        folders = sorted({module.split(".")[2] for module in files if _room(module) == room and module.count(".") > 2})
        lines.append(f'    {room}["<b>{room}</b>{"<br>" if folders else ""}{" · ".join(folders)}"]')
    lines += [
        f"    {one} --> {other}" for one, other in sorted(_reduced(between), key=lambda p: (ROOMS.index(p[0]), p))
    ]
    return "\n".join([*lines, "```"])


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _reduced(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without those that follow from others."""

    def reaches(one: str, other: str, without: tuple[str, str]) -> bool:
        return any(
            step == other or reaches(step, other, without)
            for start, step in pairs
            if start == one and (start, step) != without
        )

    return {pair for pair in pairs if not reaches(*pair, pair)}


# The walks ---------------------------------------------------------------------------------------------------------------


def watch(cell: str) -> dict[str, Any]:
    """Run a cell and note the files that are entered, in their order, and which function called which. In a process of its own."""
    with tempfile.TemporaryDirectory() as home, _simulator() as address:
        given = {
            "SEEDANCE_BASE_URL": address,
            "SEEDANCE_API_KEY": "sd2_walk",
            "SEEDANCE_HOME": home,
            "IPYTHONDIR": home,
        }
        command = [sys.executable, __file__, "--watch", cell]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=os.environ | given, cwd=home, timeout=300
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


@contextlib.contextmanager
def _simulator() -> Iterator[str]:
    command = [sys.executable, "-m", "seedance_nb.simulator", "--port", "0", "--queue-seconds", "0.1"]
    process = subprocess.Popen([*command, "--render-seconds", "0.1"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
    finally:
        process.terminate()
        process.communicate()


def _watched(cell: str) -> dict[str, Any]:
    """In the process of its own: whatever is loaded once has been loaded, then the cell is watched in every thread."""
    from IPython.core.interactiveshell import InteractiveShell

    import seedance_nb
    from seedance_nb.tracking import session as sessions

    inside = str(Path(seedance_nb.__file__).parent) + os.sep
    entered: dict[str, None] = {}
    calls: dict[tuple[str, str], None] = {}

    def note(frame: Any, event: str, _: object) -> None:
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(inside) or not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            return  # nothing of ours, or something that is being loaded
        here = name[len(inside) :]
        entered.setdefault(here)
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(inside):
            # What an event loop runs has not been called by whoever runs the loop.
            caller = None if caller.f_code.co_filename.endswith(LOOPS) else caller.f_back
        if caller is None or frame.f_code.co_name == "<genexpr>":
            return
        there = caller.f_code.co_filename[len(inside) :]
        if there not in THREADS:
            calls.setdefault((f"{there}:{caller.f_code.co_qualname}", f"{here}:{frame.f_code.co_qualname}"))

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", PACKAGE)
    shell.run_line_magic("seedance", "a warm up -d 4 -r 480p -q --wait")
    shell.run_cell_magic("seedance", "-d 4 -r 480p -q --wait", "a warm up\n---\nanother warm up")
    begun: list[threading.Event] = []

    def begin(reached: threading.Event, seconds: float = 0.0) -> None:
        sys.setprofile(note)
        time.sleep(seconds)  # a worker that is busy leaves the next call to another one
        reached.set()

    session = sessions.default()
    for post in (lambda function: session.call_later(0.0, function), *[session.work] * WORKERS):
        begun.append(threading.Event())
        post(functools.partial(begin, begun[-1], 0.2 if post == session.work else 0.0))
    session.ask_ledger(lambda _: sys.setprofile(note))
    assert all(reached.wait(60) for reached in begun)
    gc.disable()  # what a collection calls is called by nobody
    entered.clear()
    calls.clear()
    threading.setprofile(note)
    sys.setprofile(note)
    percents, line, body = CELLS[cell]
    if percents:
        shell.run_cell_magic("seedance", line, body)
    else:
        shell.run_line_magic("seedance", line)
    sys.setprofile(None)
    return {"entered": list(entered), "calls": list(calls)}


def passed(found: Mapping[str, Any]) -> list[str]:
    """The files that the walk passes through, in the order in which they are entered."""
    on_the_way = {other for _, other in found["calls"] if _file(other) in WAYPOINTS}
    while more := {one for one, other in found["calls"] if other in on_the_way} - on_the_way:
        on_the_way |= more
    files = {_file(function) for function in on_the_way}
    return [file for file in found["entered"] if file in files]


def turned_back(found: Mapping[str, Any], arrows: Mapping[str, Iterable[str]]) -> set[tuple[str, str]]:
    """Calls against the imports: a file calls one that it does not import, neither itself nor through others."""
    pairs = {(_file(one), _file(other)) for one, other in found["calls"]}
    return {(one, other) for one, other in pairs if one != other and not _knows(_module(one), _module(other), arrows)}


def _file(function: str) -> str:
    return function.partition(":")[0]


def _module(file: str) -> str:
    return f"{PACKAGE}.{file.removesuffix('.py').replace('/', '.')}"


def _knows(one: str, other: str, arrows: Mapping[str, Iterable[str]]) -> bool:
    seen, open_ = {one}, [one]
    while open_:
        for further in arrows.get(open_.pop(), ()):
            if further == other:
                return True
            if further not in seen:
                seen.add(further)
                open_.append(further)
    return False


# The page ----------------------------------------------------------------------------------------------------------------


def filled_in(page: str, parts: Mapping[str, str]) -> str:
    """The page with what stands between its marks written anew."""
    for name, text in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, found, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not found or not found_end:
            raise SystemExit(f"ARCHITECTURE.md has lost its mark {begin} or {end}")
        page = f"{before}{begin}\n{text}\n{end}{after}"
    return page


def walk_in_words(cell: str, found: Mapping[str, Any], arrows: Mapping[str, Iterable[str]]) -> str:
    """The files passed through as a list, and the counts."""
    way = passed(found)
    back = turned_back(found, arrows)
    asked = len(found["entered"]) - len(way)
    said = f"The walk of a {cell} passes through **{len(way)} files** ({asked} more are asked and answer from themselves) and turns back"
    said += f" **{len(back)} times**" + (": " if back else ".")
    said += "; ".join(f"`{one}` calls `{other}`" for one, other in sorted(back)) + ("." if back else "")
    return "\n".join([said, "", *(f"{i}. `{file}`" for i, file in enumerate(way, 1))])


def main() -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the drawing is old")
    parser.add_argument("--watch", choices=CELLS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watch:
        print(json.dumps(_watched(options.watch)))
        return 0
    arrows = imports()
    if around := circle(arrows):
        print(f"files that import each other in a circle: {' -> '.join(around)}")
        return 1
    page = PAGE.read_text(encoding="utf-8")
    parts = {"drawing": drawing(arrows)}
    if options.check:
        if filled_in(page, parts) != page:
            print("ARCHITECTURE.md shows another house: run `make architecture` and look at what has changed")
            return 1
        return 0
    for cell in CELLS:
        parts[f"walk of a {cell}"] = walk_in_words(cell, watch(cell), arrows)
    PAGE.write_text(filled_in(page, parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
