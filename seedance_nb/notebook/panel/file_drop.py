"""Files from the person's own machine, dropped on the panel or chosen there: they come in pieces, since a whole one would not fit.

A message to a kernel that is longer than 10 MB is dropped by the websocket without a word, so nothing here is ever that long: the kernel
asks for the next piece when it has the one before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ...api.fields import MEDIA_SUFFIXES
from ...errors import SeedanceError, one_line, shortened
from ...pages.assets import module
from ...tracking.background import log
from ...tracking.references.kinds import LARGEST
from ..interactive import interactive

_HERE = Path(__file__).parent
PIECE = 1 << 20
"""Bytes."""
MOST_AT_ONCE = 4
"""Files on their way; the oldest is given up for another, as a page that went away says nothing."""
_MOST_ANSWERS = 32
_MOST_BYTES = max(LARGEST.values())


@dataclasses.dataclass(frozen=True)
class Offer:
    """What can be done with a file beside keeping it: the words of its button, and what happens then, which gives what is to be said."""

    words: str
    act: Callable[[], str]


class FileDrop(anywidget.AnyWidget):
    """Traits are the wire contract. The page sends `{kind: "begin", id, name, size}`, and again when it has not heard for long; then a
    `{kind: "piece", id, offset}` with one buffer for each `{kind: "next", id, offset}`; or `{kind: "stop", id}`. In the end it gets
    `{kind: "kept", id, text, offer}` or `{kind: "refused", id, text}`. Where `offer` is not empty it is the words of a button; pressed, the page
    sends `{kind: "offer", id}` and gets `{kind: "said", id, text}`.

    `keep(content, name)` gives what is to be said, or that and an Offer; what it raises is told, in a line. It is called by `in_worker`, and
    its answer is sent by `in_cell`.
    """

    _esm = module(_HERE / "file_drop.js")

    piece = traitlets.Int(PIECE).tag(sync=True)
    endings = traitlets.Unicode(",".join(MEDIA_SUFFIXES)).tag(sync=True)
    """What the choice of a file offers."""

    def __init__(
        self,
        keep: Callable[[bytes, str], str | tuple[str, Offer]],
        *,
        in_worker: Callable[[Callable[[], object]], object],
        in_cell: Callable[..., object],
    ) -> None:
        self._keep, self._in_worker, self._in_cell = keep, in_worker, in_cell
        self._coming: dict[str, tuple[str, int, bytearray]] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._offers: dict[str, Offer] = {}
        super().__init__()
        self.on_msg(self._hear)

    def __repr__(self) -> str:
        return "[a place to drop files; it is drawn while its kernel runs]"

    @traitlets.observe("comm")
    def _listen_while_a_cell_runs(self, _: Any) -> None:
        interactive(self)

    def _hear(self, _widget: object, content: object, buffers: Any) -> None:
        if not isinstance(content, dict):
            return
        which, kind = str(content.get("id"))[:80], content.get("kind")
        if kind == "begin":
            self._begin(which, one_line(content.get("name"), 80), content.get("size"))
        elif kind == "piece":
            self._take(which, content.get("offset"), buffers)
        elif kind == "stop":
            self._coming.pop(which, None)
        elif kind == "offer":
            self._take_offer(which)

    def _take_offer(self, which: str) -> None:
        offer = self._offers.get(which)
        if offer is None:
            self.send({"kind": "said", "id": which, "text": "this file was given up for others: drop it again"})
            return
        try:
            said = offer.act()
        except SeedanceError as error:
            said = str(error)
        except Exception as error:
            log.exception("what was offered with a dropped file failed")
            said = f"this did not work ({shortened(error)})"
        self.send({"kind": "said", "id": which, "text": said})

    def _begin(self, which: str, name: str, size: object) -> None:
        if which in self._answers:  # the page has not heard it
            self.send(self._answers[which])
        elif which in self._coming:
            self._ask(which)
        elif not isinstance(size, int) or size < 0:
            self._answer(which, f"{name} cannot be read; nothing was sent and nothing charged")
        elif size > _MOST_BYTES:
            said = f"{name} has {size / 1e6:,.0f} MB, and a reference of more than {_MOST_BYTES / 1e6:.0f} MB is not uploaded"
            self._answer(which, f"{said}: make it smaller; nothing was sent and nothing charged")
        else:
            while len(self._coming) >= MOST_AT_ONCE:
                self._coming.pop(next(iter(self._coming)))
            self._coming[which] = name, size, bytearray()
            if size:
                self._ask(which)
            else:
                self._finish(which)

    def _take(self, which: str, offset: object, buffers: Any) -> None:
        if which not in self._coming:
            if which not in self._answers:
                self._answer(
                    which, "this file was given up for others: drop it again; nothing was sent and nothing charged"
                )
            return
        _, size, content = self._coming[which]
        if offset != len(content):  # a piece that came twice
            return
        for buffer in list(buffers or ())[:1]:
            content += bytes(buffer)[: size - len(content)]
        if len(content) < size:
            self._ask(which)
        else:
            self._finish(which)

    def _ask(self, which: str) -> None:
        self.send({"kind": "next", "id": which, "offset": len(self._coming[which][2])})

    def _finish(self, which: str) -> None:
        name, _, content = self._coming.pop(which)

        def keep() -> None:
            offer = None
            try:
                found, kept = self._keep(bytes(content), name), True
                text, offer = found if isinstance(found, tuple) else (found, None)
            except SeedanceError as error:
                text, kept = str(error), False
            except Exception as error:
                log.exception("a dropped file could not be kept")
                text, kept = (
                    f"{name} could not be kept ({shortened(error)}); nothing was sent and nothing charged",
                    False,
                )
            self._in_cell(lambda: self._answer(which, text, kept=kept, offer=offer))

        self._in_worker(keep)

    def _answer(self, which: str, text: str, *, kept: bool = False, offer: Offer | None = None) -> None:
        self._answers[which] = {"kind": "refused", "id": which, "text": text}
        if kept:
            self._answers[which] |= {"kind": "kept", "offer": "" if offer is None else offer.words}
        if offer is not None:
            self._offers[which] = offer
        while len(self._offers) > MOST_AT_ONCE:
            self._offers.pop(next(iter(self._offers)))
        while len(self._answers) > _MOST_ANSWERS:
            self._answers.pop(next(iter(self._answers)))
        self.send(self._answers[which])
