"""What import, %load_ext and the first %seedance cost a fresh kernel that has ipywidgets.

The package's bytecode is there, as after any installation by pip. (A working copy that was changed, where Python may not write bytecode
either, is compiled again by every kernel: that doubles the time of %load_ext.)
"""

from __future__ import annotations

import compileall
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jupyter_client.manager import start_new_kernel

import seedance_nb
from benchmarks import require

KERNELS = 7
BUDGETS_MS = {"import seedance_nb": 5.0, "%load_ext seedance_nb": 80.0, "%seedance to first card": 100.0}
STEPS = {
    "import seedance_nb": "import seedance_nb",
    "%load_ext seedance_nb": "get_ipython().run_line_magic('load_ext', 'seedance_nb')",
    "%seedance to first card": "get_ipython().run_line_magic('seedance', 'a paper boat -d 4 -r 480p')",
}


def run() -> Iterator[str]:
    from seedance_nb.simulator.scenario import Pace
    from seedance_nb.simulator.server import Simulator

    compileall.compile_dir(Path(seedance_nb.__file__).parent, quiet=1)
    times: dict[str, list[float]] = {name: [] for name in STEPS}
    with Simulator(pace=Pace(30, 30, 0)) as simulator:
        for _ in range(KERNELS):
            with tempfile.TemporaryDirectory() as home:
                for name, seconds in _one_kernel(simulator.base_url, Path(home)).items():
                    times[name].append(seconds * 1000)
    yield f"{'step':<26}{'median ms':>10}{'min':>8}{'max':>8}{'budget':>8}"
    for name, values in times.items():
        median = statistics.median(values)
        yield f"{name:<26}{median:>10.1f}{min(values):>8.1f}{max(values):>8.1f}{BUDGETS_MS[name]:>8.0f}"


def _one_kernel(base_url: str, home: Path) -> dict[str, float]:
    import os

    env = dict(os.environ, SEEDANCE_BASE_URL=base_url, SEEDANCE_API_KEY="sd2_bench", SEEDANCE_HOME=str(home))
    manager, client = start_new_kernel(env=env, kernel_name="python3", stderr=subprocess.DEVNULL)
    try:
        client.execute_interactive("import ipywidgets, time", output_hook=lambda _: None)
        found, shown = {}, list[str]()
        for name, code in STEPS.items():
            timed = f"_t = time.perf_counter()\n{code}\n_t = time.perf_counter() - _t"
            reply = client.execute_interactive(timed, output_hook=lambda m: shown.append(str(m)), allow_stdin=True)
            require(reply["content"]["status"] == "ok", f"{name}: {reply['content'].get('evalue')}")
            reply = client.execute_interactive("", user_expressions={"t": "_t"}, silent=True, store_history=False)
            found[name] = float(reply["content"]["user_expressions"]["t"]["data"]["text/plain"])
        require("application/vnd.jupyter.widget-view+json" in "".join(shown), "no card came")
        return found
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
