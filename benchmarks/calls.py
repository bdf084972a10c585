"""What one call takes of the interpreter: ours against the same through httpx, alone and beside a thread that computes.

Processor time of the thread that calls, alone; beside a computing thread, what that one lost of its time at 45 looks a second, which is
what a cell feels. A create goes out on a fresh connection in both.
"""

from __future__ import annotations

import asyncio
import collections
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx

from benchmarks import require
from seedance_nb.api.client import PREFIX, Client
from seedance_nb.api.models import VideoRequest
from seedance_nb.settings import Limits, Secret

from .thousand_jobs import tiny_service

CALLS = 1500
ROUNDS = 6
SECONDS = 1.5
LOOKS_A_SECOND, BUNCH = 45, 9
Call = Callable[[], Awaitable[object]]


def run() -> Iterator[str]:
    with tiny_service(uniform=[1000, 1000]) as base_url:
        yield f"{'call':<10}{'ours, ms':>10}{'httpx, ms':>11}{'ratio':>8}"
        alone = asyncio.run(_alone(base_url))
        for name in ("look", "create"):
            ours, theirs = alone["ours"][name], alone["httpx"][name]
            yield f"{name:<10}{ours:>10.2f}{theirs:>11.2f}{ours / theirs:>8.2f}"
        lost = _beside(base_url)
        yield f"beside a computing thread, {LOOKS_A_SECOND} looks a second: it takes so many times the processor time it needs"
        yield f"{'look':<10}{lost['ours']:>10.3f}{lost['httpx']:>11.3f}   ({lost['nobody']:.3f} alone)"


async def _calls(base_url: str) -> tuple[Client, dict[str, dict[str, Call]]]:
    client = Client(base_url, Secret("sd2_bench"), Limits())
    request = VideoRequest(prompt="a paper boat", duration=5)
    name = (await client.create(request)).request_id
    kept = httpx.AsyncClient(base_url=base_url + PREFIX, trust_env=False)
    fresh = httpx.AsyncClient(
        base_url=base_url + PREFIX, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
    )
    body = request.to_wire()

    async def look() -> object:
        answer = (await kept.get(f"/video/generations/{name}")).json()
        require(answer["requestId"] == name, f"a look brought {answer}")
        return answer

    async def create() -> object:
        answer = (await fresh.post("/video/generations", json=body)).json()
        require(answer["requestId"] != name, f"a create brought {answer}")
        return answer

    ours: dict[str, Call] = {"look": lambda: client.get(name), "create": lambda: client.create(request)}
    return client, {"ours": ours, "httpx": {"look": look, "create": create}}


async def _alone(base_url: str) -> dict[str, dict[str, float]]:
    """Processor milliseconds a call, the best of three rounds."""
    client, calls = await _calls(base_url)

    async def best(call: Call) -> float:
        times = []
        for _ in range(3):
            began = time.thread_time()
            for _ in range(CALLS // 3):
                await call()
            times.append((time.thread_time() - began) / (CALLS // 3) * 1000)
        return min(times)

    found = {who: {name: await best(call) for name, call in theirs.items()} for who, theirs in calls.items()}
    await client.close()
    return found


def _beside(base_url: str) -> dict[str, float]:
    """How many times longer than its processor time this thread takes, by who looks meanwhile in another."""
    who, looks, troubles = ["nobody"], collections.Counter[str](), list[Exception]()
    ready = threading.Event()

    async def looking() -> None:
        client, calls = await _calls(base_url)
        ready.set()
        due = time.monotonic()
        while who[0] != "over":
            due = max(time.monotonic(), due + BUNCH / LOOKS_A_SECOND)
            await asyncio.sleep(due - time.monotonic())
            if (name := who[0]) in calls:
                await asyncio.gather(*(calls[name]["look"]() for _ in range(BUNCH)))
                looks[name] += BUNCH
        await client.close()

    def look() -> None:
        try:
            asyncio.run(looking())
        except Exception as error:
            troubles.append(error)
            ready.set()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    ready.wait()
    lost: dict[str, list[float]] = {"nobody": [], "ours": [], "httpx": []}
    for _ in range(ROUNDS):  # in turns, so that a noisy minute hits all
        for name, found in lost.items():
            who[0] = name
            time.sleep(0.3)
            end, ran = time.perf_counter() + SECONDS, time.thread_time()
            while time.perf_counter() < end:
                sum(range(50))
            found.append(SECONDS / (time.thread_time() - ran))
    who[0] = "over"
    thread.join(5)
    for name in ("ours", "httpx"):
        enough = looks[name] > LOOKS_A_SECOND * SECONDS * ROUNDS / 2
        require(enough and not troubles, f"{looks[name]} looks by {name} beside the computing thread {troubles}")
    return {name: statistics.median(found) for name, found in lost.items()}
