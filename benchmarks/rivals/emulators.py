"""The services, each in its own words, as small as they can be: `python -m benchmarks.rivals.emulators fal '{"uniform": [5, 30]}'`.

The first job is the client's warm-up: it is short and does not count. `GET /figures` gives the lives of the others.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.tiny_service import Service
from seedance_nb.simulator.film import render

WARM_UP_SECONDS = 0.3
ISO = "2026-01-01T00:00:00Z"


class Emulator(Service):
    """Jobs with lives behind one API; `accepted` and `seen` say in its words what was created and how a job stands."""

    requests = 0

    def answer(self, method: str, path: str) -> tuple[str, bytes]:
        now, path = time.time(), path.partition("?")[0]
        if path == "/figures":
            return "application/json", json.dumps(self.figures()).encode()
        if path.endswith(".mp4"):
            return "video/mp4", self.film
        self.requests += 1
        if method == "POST":
            if len(self.jobs) == 1:  # the warm-up is over
                self.requests, self.most_open = 1, self.open
            name = f"job{len(self.jobs)}"
            self.jobs[name] = {"began": now, "ends": now + (self.life() if self.jobs else WARM_UP_SECONDS)}
            body = self.accepted(name)
        else:
            name = next(part for part in path.split("/") if part in self.jobs)
            body = self.seen(name, path, done=now >= self.jobs[name]["ends"])
        return "application/json", json.dumps(body).encode()

    def figures(self) -> dict[str, Any]:
        counted = dict(list(self.jobs.items())[1:])
        return {"requests": self.requests, "jobs": counted, "most_open": self.most_open}

    @property
    def here(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accepted(self, name: str) -> dict[str, Any]:
        raise NotImplementedError

    def seen(self, name: str, path: str, *, done: bool) -> dict[str, Any]:
        raise NotImplementedError


class Seedance(Emulator):
    def accepted(self, name: str) -> dict[str, Any]:
        return {"success": True, "requestId": name, "status": "queued", "creditsCharged": 40}

    def seen(self, name: str, _path: str, *, done: bool) -> dict[str, Any]:
        body = {"success": True, "requestId": name, "status": "succeeded" if done else "processing", "error": None}
        return body | ({"output": {"type": "video", "url": f"{self.here}/{name}.mp4"}} if done else {})


class Fal(Emulator):
    """The queue: submit, status, response."""

    def accepted(self, name: str) -> dict[str, Any]:
        at = f"{self.here}/fal-ai/seedance/requests/{name}"
        return {"request_id": name, "response_url": at, "status_url": f"{at}/status", "cancel_url": f"{at}/cancel"}

    def seen(self, name: str, path: str, *, done: bool) -> dict[str, Any]:
        if path.endswith("/status"):
            return {"status": "COMPLETED" if done else "IN_PROGRESS", "logs": None, "metrics": {}}
        return {"video": {"url": f"{self.here}/{name}.mp4"}}


class Replicate(Emulator):
    """Predictions."""

    def accepted(self, name: str) -> dict[str, Any]:
        return self.seen(name, "", done=False)

    def seen(self, name: str, _path: str, *, done: bool) -> dict[str, Any]:
        at = f"{self.here}/v1/predictions/{name}"
        return {
            "id": name,
            "model": "bytedance/seedance-1-pro",
            "version": "hidden",
            "status": "succeeded" if done else "processing",
            "input": {"prompt": "a paper boat"},
            "output": f"{self.here}/{name}.mp4" if done else None,
            "logs": "",
            "error": None,
            "metrics": {},
            "created_at": ISO,
            "urls": {"get": at, "cancel": f"{at}/cancel"},
        }


class OpenAI(Emulator):
    """Videos."""

    def accepted(self, name: str) -> dict[str, Any]:
        return self.seen(name, "", done=False)

    def seen(self, name: str, _path: str, *, done: bool) -> dict[str, Any]:
        return {
            "id": name,
            "object": "video",
            "model": "sora-2",
            "status": "completed" if done else "in_progress",
            "progress": 100 if done else 50,
            "created_at": 1_767_225_600,
            "seconds": "4",
            "size": "1280x720",
            "error": None,
        }


class Runway(Emulator):
    """Tasks."""

    def accepted(self, name: str) -> dict[str, Any]:
        return {"id": name}

    def seen(self, name: str, _path: str, *, done: bool) -> dict[str, Any]:
        if done:
            cost = {"cost": {"credits": 50}}
            return {"id": name, "createdAt": ISO, "status": "SUCCEEDED", "output": [f"{self.here}/{name}.mp4"]} | cost
        cost = {"estimatedCost": {"credits": 50}}
        return {"id": name, "createdAt": ISO, "status": "RUNNING", "progress": 0.5} | cost


SERVICES = {"seedance": Seedance, "fal": Fal, "replicate": Replicate, "openai": OpenAI, "runway": Runway}


async def main(name: str, spec: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        facts = {"prompt": "bench", "model": "seedance-2.0", "take": 1, "request_id": "job1"}
        render(path, **facts, aspect_ratio="1:1", resolution="480p", seconds=1)
        service = SERVICES[name](json.loads(spec), path.read_bytes())
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0, backlog=2048)
    service.port = server.sockets[0].getsockname()[1]
    print(service.port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
