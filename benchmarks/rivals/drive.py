"""One client at work: `python -m benchmarks.rivals.drive CLIENT URL OPTIONS`, in whatever interpreter has that client.

Does one job to warm up, prints `ready`, waits for a line, does the work, prints what it noticed as JSON, and waits for the end of its
input, so that whoever measures from outside can read its CPU time. Clients are used as their own documentation says.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

NOT_INSTALLED = 3
Make = Callable[[int], Awaitable[str]]
"""Makes the n-th video and returns the service's id of it once its end is known."""


async def fal(url: str) -> Make:
    import fal_client
    import fal_client.client

    # Its host can be chosen by FAL_QUEUE_RUN_HOST, its https cannot: only the address it submits to is changed.
    fal_client.client.QUEUE_URL_FORMAT = url + "/"
    os.environ["FAL_KEY"] = "bench"

    async def make(number: int) -> str:
        ids: list[str] = []
        arguments = {"prompt": f"prompt {number}"}
        await fal_client.subscribe_async("fal-ai/seedance", arguments=arguments, on_enqueue=ids.append)
        return ids[0]

    return make


async def replicate(url: str) -> Make:
    import replicate

    client = replicate.Client(api_token="bench", base_url=url)

    async def make(number: int) -> str:
        prediction = await client.models.predictions.async_create(
            model=("bytedance", "seedance-1-pro"), input={"prompt": f"prompt {number}"}
        )
        await prediction.async_wait()
        return prediction.id

    return make


async def openai(url: str) -> Make:
    import openai

    client = openai.AsyncOpenAI(api_key="bench", base_url=url + "/v1")

    async def make(number: int) -> str:
        video = await client.videos.create_and_poll(model="sora-2", prompt=f"prompt {number}")
        return video.id

    return make


async def runway(url: str) -> Make:
    import runwayml

    client = runwayml.AsyncRunwayML(api_key="bench", base_url=url)

    async def make(number: int) -> str:
        task = await client.text_to_video.create(
            model="veo3.1", prompt_text=f"prompt {number}", ratio="1280:720", duration=4
        )
        return (await task.wait_for_task_output()).id

    return make


async def loop(url: str, gate: int = 100_000) -> Make:
    """What one writes in ten minutes: a task a job, one AsyncClient with its default pool, a look every 1 to 2 s."""
    import httpx

    # Without its time-out of 5 s, which includes the wait for a place in the pool: else hardly a job gets through.
    client, gated = httpx.AsyncClient(base_url=url, timeout=None), asyncio.Semaphore(gate)

    async def make(number: int) -> str:
        async with gated:
            answer = await client.post("/api/open/v1/video/generations", json={"prompt": f"prompt {number}"})
        name = answer.json()["requestId"]
        while True:
            await asyncio.sleep(random.uniform(1, 2))
            async with gated:
                answer = await client.get(f"/api/open/v1/video/generations/{name}")
            if answer.json()["status"] == "succeeded":
                return str(name)

    return make


async def gated_loop(url: str) -> Make:
    """The same with at most 32 calls under way."""
    return await loop(url, 32)


async def fixed(url: str, interval: float = 2.5) -> Make:
    """Our own HTTP client, gated at 32, looking at fixed intervals."""
    from seedance_nb.api.client import Client
    from seedance_nb.api.models import Status, VideoRequest
    from seedance_nb.settings import Limits, Secret

    limits = Limits()
    client, gated = Client(url, Secret("sd2_bench"), limits), asyncio.Semaphore(limits.concurrency)

    async def make(number: int) -> str:
        async with gated:
            created = await client.create(VideoRequest(prompt=f"prompt {number}", duration=5))
        while True:
            await asyncio.sleep(interval)
            async with gated:
                found = await client.get(created.request_id)
            if found.status is Status.SUCCEEDED:
                return created.request_id

    return make


CLIENTS = {f.__name__: f for f in (fal, replicate, openai, runway, loop, gated_loop, fixed)}
PACKAGES = {"fal": "fal-client", "runway": "runwayml", "loop": "httpx", "gated_loop": "httpx", "fixed": "httpx"}


async def drive(client: str, url: str, options: dict[str, Any]) -> None:
    extra = {"interval": options["interval"]} if client == "fixed" else {}
    make = await CLIENTS[client](url, **extra)
    await make(-1)
    _say_ready_and_wait()
    noticed: dict[str, float] = {}
    troubles: list[str] = []

    async def one(number: int) -> None:
        try:
            name = await make(number)
            noticed[name] = time.time()
        except Exception as error:
            troubles.append(repr(error)[:200])

    async def work() -> None:
        if options["together"]:
            await asyncio.gather(*(one(i) for i in range(options["jobs"])))
        else:
            for i in range(options["jobs"]):
                await one(i)

    began = time.time()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work(), options["limit"])
    _report(began, noticed, troubles, version(PACKAGES.get(client, client)))


def drive_ours(url: str, options: dict[str, Any]) -> None:
    """Ours through its front door, in plain Python: a session in a fresh home, without a card."""
    from seedance_nb.tracking.session import Session

    with Session(api_key="sd2_bench", base_url=url, home=options["home"]) as session:
        # Another duration: jobs of this kind stay unknown.
        session.submit("warm up", aspect_ratio="1:1", resolution="480p", duration=4).result(60)
        for i, life in enumerate(options.get("earlier", ())):
            _remember(session, i, life)
        _say_ready_and_wait()
        began, noticed, troubles = time.time(), {}, []
        jobs, left = [], threading.Semaphore(0)
        for i in range(options["jobs"]):
            jobs.append(session.submit(f"prompt {i}", aspect_ratio="1:1", resolution="480p"))
            jobs[-1].add_done_callback(lambda _: left.release())
            if not options["together"]:
                left.acquire(timeout=options["limit"])
        submitted = time.time() - began
        if options["together"]:
            for _ in jobs:
                left.acquire(timeout=max(0.0, began + options["limit"] - time.time()))
        for job in jobs:
            if job.done() and job.request_id and job.clip:
                noticed[job.request_id] = job.snapshot.last_contact_at  # the look that said so
            elif job.error:
                troubles.append(str(job.error)[:200])
        _report(began, noticed, troubles, version("seedance_nb"), submitted=submitted)


def _remember(session: Any, number: int, life: float) -> None:
    """A finished job in the ledger, of the kind that is going to be measured."""
    from seedance_nb.api.models import Status, VideoRequest
    from seedance_nb.tracking.ledger.ledger import Ledger
    from seedance_nb.tracking.ledger.record import Record
    from seedance_nb.tracking.ledger.rows import insert

    request = VideoRequest(prompt=f"earlier {number}", aspect_ratio="1:1", duration=5, resolution="480p")
    began = time.time() - 10_000 + 100 * number
    record = Record(
        key=f"earlier{number}",
        account=session.account,
        base_url=session.settings.base_url,
        request=request,
        take=1,
        status=Status.SUCCEEDED,
        status_text="succeeded",
        request_id=f"earlier_{number}",
        credits=40.0,
        created_at=began,
        accepted_at=began,
        processing_at=began,
        finished_at=began + life,
    )
    ledger = Ledger(session.settings.home / "ledger.sqlite3")
    with ledger.file.transaction() as db:
        insert(db, record)
    ledger.close()


def _say_ready_and_wait() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def _report(began: float, noticed: dict[str, float], troubles: list[str], installed: str, **more: float) -> None:
    facts = {"began": began, "ended": time.time(), "noticed": noticed, "troubles": troubles, "version": installed}
    print(json.dumps(facts | more), flush=True)
    sys.stdin.readline()
    os._exit(0)  # what is still under way after the limit is not waited for


def main() -> None:
    client, url, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    try:
        if client == "ours":
            drive_ours(url, options)
        else:
            asyncio.run(drive(client, url, options))
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_INSTALLED)


if __name__ == "__main__":
    main()
