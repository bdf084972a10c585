"""Calls to a simulator over plain HTTP."""

import http.client
import json
import time
from typing import Any, NamedTuple

from seedance_nb.simulator import Pace, Simulator

VIDEOS = "/api/open/v1/video/generations"
AT_ONCE = Pace(0, 0, 0)


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Talks HTTP to a simulator, one connection per call."""

    def __init__(self, simulator: Simulator, key: str | None = None, timeout: float = 5) -> None:
        self.simulator = simulator
        self.key = key
        self.timeout = timeout

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        host = self.simulator.base_url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=self.timeout)
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        try:
            data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def create(self, prompt: str = "a cat [stuck]", **fields: Any) -> Answer:
        small = {"aspectRatio": "1:1", "resolution": "480p", "duration": 4}
        return self("POST", VIDEOS, {"model": "seedance-2.0-fast", "prompt": prompt, **small, **fields})

    def get(self, request_id: str) -> Answer:
        return self("GET", f"{VIDEOS}/{request_id}")

    def finish(self, request_id: str) -> dict[str, Any]:
        """Poll until the generation has ended; its last answer."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            answer = self.get(request_id).json
            if answer["status"] not in ("queued", "processing"):
                return answer
            time.sleep(0.02)
        raise AssertionError("the generation did not end")
