"""Scripts, as people run them: asyncio, uvloop, threads, processes that are spawned or served by a fork server, pytest side by side."""

import os
import subprocess
import sys

import pytest

from seedance_nb.simulator import Pace, Simulator

START = """
import asyncio, concurrent.futures, multiprocessing, sys
import seedance_nb as sd

OPTIONS = dict(model="seedance-2.0-fast", aspect_ratio="1:1", duration=4, resolution="480p")

def submit(prompt, **more):
    return sd.submit(prompt, **OPTIONS, **more)

async def made(prompt):
    return (await submit(prompt)).seconds

def seconds(prompt):
    return submit(prompt).result().seconds

def of_a_job(job):
    return job.result().seconds

def told(found):
    print("seconds", *[round(one) for one in found])
"""
PROMPTS = "['one', 'two', 'three']"
COROUTINES = f"""
async def main():
    ticks = 0
    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.02)
    ticking = asyncio.create_task(tick())
    told(await asyncio.gather(*[made(prompt) for prompt in {PROMPTS}]))
    assert ticks >= 5, ticks
    async with asyncio.timeout(60):
        told([(await asyncio.create_task(submit("one").wait())).seconds])
    grid = sd.grid("{{w}}", w=["one", "two"], **OPTIONS).submit()
    told([clip.seconds for clip in await grid])
    ticking.cancel()
"""
IN_PROCESSES = """
if __name__ == "__main__":
    context = multiprocessing.get_context({!r})
    job = submit("one")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        told(pool.map(seconds, ["two", "three", "two"]))
        told(pool.map(of_a_job, [job, job]))
    told([seconds("two")])
"""

SCRIPTS = {
    "asyncio.run": (COROUTINES + "asyncio.run(main())", [4, 4, 4, 4, 4, 4], 3),
    "uvloop.run": (COROUTINES + "import uvloop\nuvloop.run(main())", [4, 4, 4, 4, 4, 4], 3),
    "uvloop as the policy": (
        COROUTINES + "import uvloop\nasyncio.set_event_loop_policy(uvloop.EventLoopPolicy())\nasyncio.run(main())",
        [4, 4, 4, 4, 4, 4],
        3,
    ),
    "a blocking wait below uvloop": (
        "import uvloop\nasync def main():\n    told([seconds('one')])\n    told([await asyncio.to_thread(seconds, 'two')])\nuvloop.run(main())",
        [4, 4],
        2,
    ),
    "threads": (
        f"with concurrent.futures.ThreadPoolExecutor(3) as pool:\n    told(pool.map(seconds, {PROMPTS} * 2))",
        [4] * 6,
        3,
    ),
    "a loop in each thread": (
        f"run = lambda prompt: asyncio.run(made(prompt))\nwith concurrent.futures.ThreadPoolExecutor(3) as pool:\n    told(pool.map(run, {PROMPTS}))",
        [4] * 3,
        3,
    ),
    "spawned processes": (IN_PROCESSES.format("spawn"), [4] * 6, 3),
    "processes of a fork server": (IN_PROCESSES.format("forkserver"), [4] * 6, 3),
    "multiprocessing.Pool": (
        IN_PROCESSES.format("spawn").replace(
            "concurrent.futures.ProcessPoolExecutor(2, mp_context=context)", "context.Pool(2)"
        ),
        [4] * 6,
        3,
    ),
}


@pytest.fixture
def run(tmp_path):
    """`run(simulator, arguments)`: Python with these arguments in a folder of its own; what it printed."""
    (tmp_path / "pyproject.toml").write_text("[tool.seedance_nb]\npoll_floor = 0.1\npoll_ceiling = 0.3\n")

    def run(simulator, *arguments):
        usual = {name: value for name, value in os.environ.items() if not name.startswith(("SEEDANCE_", "PYTEST_"))}
        own = {
            "SEEDANCE_BASE_URL": simulator.base_url,
            "SEEDANCE_API_KEY": "sd2_test_key",
            "SEEDANCE_HOME": str(tmp_path / "home"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=tmp_path,
            env=usual | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done

    return run


@pytest.fixture(scope="module")
def simulator():
    with Simulator(pace=Pace(0, 0.3, 0)) as running:
        yield running


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.host("script", "headless")
def test_a_script_gets_its_videos_pays_once_and_ends_quietly(name, run, simulator, tmp_path):
    code, expected, creates = SCRIPTS[name]
    script = tmp_path / "script.py"
    script.write_text(START + code + "\n")
    before = simulator.calls["create"]

    done = run(simulator, str(script))

    found = [int(word) for line in done.stdout.splitlines() for word in line.removeprefix("seconds ").split()]
    assert (found, done.stderr) == (expected, "")
    assert simulator.calls["create"] - before == creates


def test_tests_side_by_side_share_a_ledger_and_pay_once(run, simulator, tmp_path):
    tests = "\n".join(f"def test_{n}(): assert round(seconds('shared {n % 2}')) == 4" for n in range(6))
    (tmp_path / "test_theirs.py").write_text(START + tests + "\n")
    before = simulator.calls["create"]

    done = run(simulator, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "test_theirs.py")

    assert "6 passed" in done.stdout
    assert simulator.calls["create"] - before == 2
