"""Stand-ins at the seams of the room: a clock that never waits, a service that answers from a script, a host of videos."""

import asyncio
import contextlib
import http.server
import threading
import time

from seedance_nb.api.client import VideoStream
from seedance_nb.api.models import Generation, Status, VideoRequest
from seedance_nb.clips.store import Clips
from seedance_nb.settings import Limits, Secret
from seedance_nb.tracking.budget import Budget
from seedance_nb.tracking.following.followed import Clock
from seedance_nb.tracking.following.runner import Runner
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.periods import day_of
from seedance_nb.tracking.ledger.record import Record, cells_of

SERVICE = "http://127.0.0.1:9"
SOON = 10.0
"""Seconds after which something that should have happened long ago counts as not happening."""


def until(condition, seconds=SOON):
    """Wait for a condition; whether it came true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def record(prompt="a boat", **changes):
    """A row as `claim` takes it, or with other columns."""
    usual = {
        "key": f"j{record.number:011x}",
        "account": "mine",
        "base_url": SERVICE,
        "request": VideoRequest(prompt=prompt, aspect_ratio="16:9", duration=5, resolution="720p"),
        "take": 1,
        "status": Status.SUBMITTING,
        "status_text": "submitting",
        "created_at": 1000.0 + record.number,
        "day": day_of(time.time()),  # as the ledger says it when it is claimed
    }
    record.number += 1
    row = {**usual, **changes}
    if "status" in changes and "status_text" not in changes:
        row["status_text"] = str(changes["status"])
    return Record(**row)


record.number = 0


def insert_as_then(db, row):
    """Write a row into a file of an older version, which has not all columns of today."""
    columns = {column["name"] for column in db.execute("PRAGMA table_info(jobs)")}
    cells = {name: cell for name, cell in cells_of(row).items() if name in columns}
    marks = ", ".join("?" * len(cells))
    db.execute(f"INSERT INTO jobs ({', '.join(cells)}) VALUES ({marks})", tuple(cells.values()))


class TimeMachine(Clock):
    """Every wait is over at once, and the time it would have taken has passed."""

    def __init__(self, now=1_000_000.0):
        self.now = now
        self.waits = []

    def time(self):
        return self.now

    def monotonic(self):
        return self.now

    async def wait(self, event, seconds):
        self.waits.append(seconds)
        if not event.is_set():
            self.now += seconds
        await asyncio.sleep(0)


class Service:
    """The client's five calls, without a wire. A job is queued, then processing, then what its prompt says.

    `script` gives the words of successive looks instead (the last one stays). While `gate` is closed no create is answered.
    """

    def __init__(self, clock, *, queue=2.0, render=4.0, script=None, film=b"", limits=None):
        self.clock, self.limits = clock, limits or Limits()
        self.queue, self.render, self.script, self.film = queue, render, script, film
        self.gate = threading.Event()
        self.gate.set()
        self.accepted = []
        self.looks = {}
        self.cancelled = []
        self.refusals = []
        self.in_the_air = self.most_in_the_air = 0

    async def create(self, request):
        while not self.gate.is_set():
            await asyncio.sleep(0.002)
        if self.refusals:
            raise self.refusals.pop(0)
        request_id = f"req_{len(self.accepted)}"
        self.accepted.append((request_id, request, self.clock.time()))
        return Generation(request_id=request_id, status=Status.QUEUED, status_text="queued", credits_charged=40.0)

    async def get(self, request_id):
        looks = self.looks.setdefault(request_id, [])
        looks.append(self.clock.time())
        _, request, at = next(entry for entry in self.accepted if entry[0] == request_id)
        word = self._word(request, request_id, looks, self.clock.time() - at)
        known = {s.value: s for s in Status}
        return Generation(
            request_id=request_id,
            status=known.get(word, Status.PROCESSING),
            status_text=word,
            output_url="http://127.0.0.1/film.mp4" if word == "succeeded" else None,
            error="no luck" if word == "failed" else None,
            model=request.model,
            prompt=request.prompt,
            duration=request.duration,
            aspect_ratio=request.aspect_ratio,
        )

    def _word(self, request, request_id, looks, age):
        if self.script:
            return self.script[min(len(looks), len(self.script)) - 1]
        if request_id in self.cancelled:
            return "cancelled"
        if age < self.queue:
            return "queued"
        if age < self.queue + self.render:
            return "processing"
        return "failed" if "[fail]" in request.prompt else "succeeded"

    async def cancel(self, request_id):
        self.cancelled.append(request_id)

    async def models(self):
        return []

    @contextlib.asynccontextmanager
    async def video(self, url, *, offset=0, validator=None):
        async def chunks():
            yield self.film

        yield VideoStream(200, {"content-length": str(len(self.film)), "content-type": "video/mp4"}, chunks())

    def set_key(self, key):
        self.key = key

    async def close(self):
        pass


def make_runner(folder, service, clock=None, **limits):
    """A runner whose calls go to `service` (None: to the wire)."""
    runner = Runner(
        base_url=SERVICE,
        service=SERVICE,
        key=Secret("k"),
        account="mine",
        limits=Limits(**limits),
        ledger=Ledger(folder / "ledger.sqlite3"),
        clips=Clips(folder / "clips"),
        budget=Budget(),
        clock=clock,
    )
    runner._tools._client = service
    return runner


def submit(runner, prompt="a boat", take=1, fresh=False, estimate=(40.0, "a guess"), max_credits=None, **request):
    """Submit at the runner itself, below the session."""
    wanted = VideoRequest(**{"prompt": prompt, "aspect_ratio": "16:9", "duration": 5, "resolution": "720p", **request})
    price = estimate[0] if estimate else None
    return runner.submit(
        wanted, take=take, fresh=fresh, estimate=estimate, price=price, max_credits=max_credits, warnings=()
    )


class VideoHost:
    """Serves `data` at `url`, with ranges and an ETag, as told by its attributes; `asked` holds (Range, If-Range) pairs."""

    def __init__(self, data=b""):
        self.data, self.etag, self.status = data, '"one"', 200
        self.honours_ranges = self.honours_if_range = self.says_length = True
        self.stops_after = None
        """Announce everything, send so many bytes, hang up; once."""
        self.headers = {"Content-Type": "video/mp4"}
        self.of_rest = {}
        """Headers of an answer to a range, instead of the right ones; None leaves one out."""
        self.asked = []
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host.answer(self)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/film.mp4"

    def answer(self, request):
        wanted, condition = request.headers.get("Range"), request.headers.get("If-Range")
        self.asked.append((wanted, condition))
        whole, start, status = memoryview(self.data), 0, self.status
        same = condition is None or condition == self.etag or not self.honours_if_range
        if wanted and self.honours_ranges and same and status == 200:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            status = 206 if start < len(whole) else 416
        body = whole[start:] if status != 416 else whole[:0]
        request.send_response(status)
        headers = dict(self.headers)
        if self.etag:
            headers["ETag"] = self.etag
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
            headers |= self.of_rest
        for name, value in headers.items():
            if value is not None:
                request.send_header(name, value)
        if self.says_length:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        stop, self.stops_after = self.stops_after, None
        body = body if stop is None else body[:stop]
        with contextlib.suppress(OSError):
            for at in range(0, len(body), 1 << 16):
                request.wfile.write(body[at : at + (1 << 16)])
        request.close_connection = True

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
