"""Opening a panel over 1,000 clips against one over 10: the ratio of messages and bytes between kernel and page."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comm
from comm.base_comm import BaseComm

from benchmarks import require
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.record import Record
from seedance_nb.tracking.ledger.rows import insert
from seedance_nb.tracking.session import Session

SIZES = (10, 1_000)
BUDGET = 1.5
IN_SIGHT = 12
"""Tiles a page has in sight when the panel opens: its box shows two rows and a bit of at most five, and a page has twelve."""
POSTER = b"\xff\xd8" + bytes(11_000)  # as large as the posters of 854x480 clips are


class Wire(BaseComm):
    """Counts what a kernel would send on iopub: the JSON of each message, and its buffers."""

    messages = 0
    bytes = 0

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any) -> None:
        Wire.messages += 1
        Wire.bytes += len(json.dumps([msg_type, data, metadata], default=str)) + sum(len(b) for b in buffers or ())
        if data and data.get("method") == "custom":
            self.answers.append(data["content"])

    @property
    def answers(self) -> list[Any]:
        return self.__dict__.setdefault("kept", [])


def run() -> Iterator[str]:
    comm.create_comm = Wire
    counts = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            home = fill(Path(folder) / str(size), size)
            counts.append(open_panel(home))
    yield f"{'what':<12}" + "".join(f"{f'{size:,} clips':>14}" for size in SIZES) + f"{'ratio':>8}{'budget':>8}"
    for index, name in enumerate(("messages", "bytes", "ms")):
        small, large = counts[0][index], counts[1][index]
        budget = f"{BUDGET:>8.1f}" if name != "ms" else ""
        yield f"{name:<12}{small:>14,.0f}{large:>14,.0f}{large / small:>8.2f}{budget}"


def open_panel(home: Path) -> tuple[int, int, float]:
    """(messages, bytes, milliseconds) until the panel stands with its first tiles: what panel_gallery.js asks for on opening."""
    from seedance_nb.notebook.panel.panel import Panel

    Wire.messages = Wire.bytes = 0
    with Session(api_key="sd2_bench", base_url="http://127.0.0.1:9", home=home) as session:
        began = time.perf_counter()
        panel = Panel(session)
        say(panel.frame, {"kind": "opened", "page": 1.0})
        say(panel.gallery, {"kind": "page", "view": "v", "serial": 1, "offset": 0, "filter": {"status": "succeeded"}})
        tiles = next(a for a in panel.gallery.comm.answers if a["kind"] == "page")["tiles"]
        keys = [tile["key"] for tile in tiles if tile["has_poster"]][:IN_SIGHT]
        require(keys, "the tiles have no posters")
        say(panel.gallery, {"kind": "posters", "view": "v", "keys": keys})
        took = (time.perf_counter() - began) * 1000
        panel.stop()
    return Wire.messages, Wire.bytes, took


def say(widget: Any, content: dict[str, Any]) -> None:
    widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def fill(home: Path, size: int) -> Path:
    """A ledger with `size` finished jobs, each with a clip and a poster on disk."""
    clips = home / "clips"
    clips.mkdir(parents=True)
    ledger = Ledger(home / "ledger.sqlite3")
    facts = {"size": 1, "width": 854, "height": 480, "fps": 24.0, "seconds": 4.0, "sha256": "0"}
    began = time.time() - 100.0 * size
    with ledger.file.transaction() as db:
        for i in range(size):
            record = Record(
                key=f"j{i}",
                account="me",
                base_url="http://127.0.0.1:9",
                request=VideoRequest(prompt=f"a paper boat drifts down a rainy street, take {i}", duration=5),
                take=1,
                status=Status.SUCCEEDED,
                status_text="succeeded",
                request_id=f"req_{i}",
                credits=40.0,
                created_at=began + 100.0 * i,
                finished_at=began + 100.0 * i + 60,
                notebook="bench.ipynb",
            )
            insert(db, dataclasses.replace(record, clip=facts | {"file": f"j{i}.mp4", "poster": f"j{i}.jpg"}))
            (clips / f"j{i}.mp4").write_bytes(b"x")
            (clips / f"j{i}.jpg").write_bytes(POSTER)
    ledger.close()
    return home


if __name__ == "__main__":
    print("\n".join(run()))
