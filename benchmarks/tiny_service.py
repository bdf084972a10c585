"""The API as small as it can be, in a process of its own, so that a benchmark measures the client: `python -m benchmarks.tiny_service`.

Lives are drawn from the arguments; every result is the same small film. A `webhookUrl` is called at the end. `GET /figures` gives what
the server saw.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seedance_nb.simulator.film import render


class Service:
    """Generations with lives; `spec` is {"uniform": [5, 30]} or {"lognormal": [94, 0.3]}."""

    def __init__(self, spec: dict[str, list[float]], film: bytes) -> None:
        self.spec, self.film = spec, film
        self.jobs: dict[str, dict[str, float]] = {}
        self.looks = self.open = self.most_open = 0
        self.dice = random.Random(11)
        self.port = 0
        self.rings: set[asyncio.Task[None]] = set()

    def life(self) -> float:
        if "uniform" in self.spec:
            return self.dice.uniform(*self.spec["uniform"])
        usual, spread = self.spec["lognormal"]
        return usual * math.exp(self.dice.gauss(0, spread))

    def answer(self, method: str, path: str) -> tuple[str, bytes]:
        now = time.time()
        if path == "/figures":
            return "application/json", json.dumps(self.figures()).encode()
        if path.endswith(".mp4"):
            return "video/mp4", self.film
        body: dict[str, Any] = {"success": True}
        if method == "POST":
            name = f"req_{len(self.jobs)}"
            self.jobs[name] = {"ends": now + self.life(), "noticed": 0.0, "looks": 0, "began": now}
            body |= {"requestId": name, "status": "queued", "creditsCharged": 40}
        else:
            name = path.rpartition("/")[2]
            job = self.jobs[name]
            self.looks += 1
            job["looks"] += 1
            done = now >= job["ends"]
            if done and not job["noticed"]:
                job["noticed"] = now
            body |= {"requestId": name, "status": "succeeded" if done else "processing", "error": None}
            if done:
                body["output"] = {"type": "video", "url": f"http://127.0.0.1:{self.port}/{name}.mp4"}
        return "application/json", json.dumps(body).encode()

    def figures(self) -> dict[str, Any]:
        late = sorted(j["noticed"] - j["ends"] for j in self.jobs.values() if j["noticed"])
        lives = [j["ends"] - j["began"] for j in self.jobs.values()]
        return {
            "jobs": len(self.jobs),
            "noticed": len(late),
            "looks": self.looks,
            "late_mean": sum(late) / max(1, len(late)),
            "late_95": late[int(len(late) * 0.95)] if late else None,
            "life_mean": sum(lives) / max(1, len(lives)),
            "last_end": max((j["ends"] for j in self.jobs.values()), default=0),
            "most_open": self.most_open,
        }

    def ring_later(self, url: str, name: str) -> None:
        task = asyncio.get_running_loop().create_task(self._ring(url, name))
        self.rings.add(task)
        task.add_done_callback(self.rings.discard)

    async def _ring(self, url: str, name: str) -> None:
        await asyncio.sleep(self.jobs[name]["ends"] - time.time())
        parts = urlsplit(url)
        body = json.dumps({"requestId": name, "status": "succeeded"}).encode()
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(head.encode() + body)
        await reader.read()
        writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, path, _ = head.split(" ", 2)
                length = next((int(h[15:]) for h in head.split("\r\n") if h.lower().startswith("content-length:")), 0)
                said = await reader.readexactly(length) if length else b""
                kind, body = self.answer(method, path)
                if b'"webhookUrl"' in said:
                    self.ring_later(json.loads(said)["webhookUrl"], json.loads(body)["requestId"])
                writer.write(
                    f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        facts = {"prompt": "bench", "model": "seedance-2.0", "take": 1, "request_id": "req_0"}
        render(path, **facts, aspect_ratio="1:1", resolution="480p", seconds=1)
        service = Service(json.loads(sys.argv[1]), path.read_bytes())
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0, backlog=2048)
    service.port = server.sockets[0].getsockname()[1]
    print(service.port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
