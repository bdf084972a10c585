"""The live card of one job: a small anywidget that shows a snapshot and has a Cancel button."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ...api.content_addresses import is_content
from ...api.fields import IMAGE_SUFFIXES, SOUND_SUFFIXES
from ...api.models import VideoRequest
from ...errors import LONGEST, one_line, shortened
from ...pages.assets import module
from ...pages.escaping import clean
from ...pages.words import clamp, credits_words, reference_roles, settings_line, status_words
from ...snapshot import Snapshot, durations, shown_facts

_HERE = Path(__file__).parent


def card_view(snapshot: Snapshot, now: float, *, heading: bool = False) -> dict[str, Any]:
    """The facts a card draws, all JSON. Times are durations in seconds as of `now`: the page ticks on from there by its own
    clock, so a kernel on another machine need not agree with it on what time it is.

    `heading` asks the card to show prompt and settings too, for places where no receipt stands above it.
    """
    final = snapshot.status.is_final
    return {
        "prompt": clamp(clean(snapshot.request.prompt), 400),  # more than a card ever shows, less than a message weighs
        "settings": settings_line(snapshot.request),
        "heading": heading,
        "status": snapshot.status.value,
        "status_words": status_words(snapshot),
        "settled": snapshot.is_settled,
        "has_video": snapshot.clip is not None,
        "request_id": snapshot.request_id,
        "key": snapshot.key,
        "elapsed": durations(snapshot).waited if final else snapshot.elapsed(now),
        "running": None if final else _since(snapshot.accepted_at, now),
        "remaining": snapshot.remaining(now),
        "expected": snapshot.expected_seconds,
        "last_contact_ago": _since(snapshot.last_contact_at, now),
        "facts": " · ".join([credits_words(snapshot), *shown_facts(snapshot)]),
        "simulated": snapshot.simulated,
        "reused": snapshot.reused,
        "failed_checks": snapshot.failed_checks,
        "trouble": _line(snapshot.trouble),
        "note": _line(snapshot.note),
        "warnings": [one_line(warning) for warning in snapshot.warnings],
        "remarks": [one_line(remark) for remark in snapshot.remarks],
        "error": _line(snapshot.error),
        "can_cancel": not final and not snapshot.cancel_requested,
        "cancel_requested": snapshot.cancel_requested and not final,
    }


def reference_tiles(request: VideoRequest, pictures: Sequence[str]) -> list[dict[str, str]]:
    """What the card shows of each reference: {picture, name, role}; `pictures` are `job.thumbnails()`, "" where there is none.

    An address of somebody else's is told by its name alone: a card fetches nothing.
    """
    addresses = request.media_urls or ()
    roles = reference_roles(addresses)
    return [
        {"picture": picture, "name": _name_of(address), "role": role}
        for address, picture, role in zip(addresses, pictures, roles, strict=False)
    ]


def _name_of(address: str) -> str:
    if is_content(address):
        suffix = f".{address.rpartition('.')[2]}"
        return "picture" if suffix in IMAGE_SUFFIXES else "sound" if suffix in SOUND_SUFFIXES else "video"
    return clamp(clean(one_line(address.partition("#")[0].partition("?")[0].rpartition("/")[2] or address, 80)), 40)


MOST_PAGES = 16
"""Pages whose word on what they show is kept."""


class JobCard(anywidget.AnyWidget):
    """What a user watches while a job runs.

    Traits are the wire contract. The page sends `{kind: "cancel"}`, `{kind: "in_view", page, shown}` when it scrolls in or out of
    sight, and `{kind: "need_video"}`; that is answered with
    `{kind: "video", mime, caption}` and the MP4 as the only buffer, with `{kind: "no_video", text}`, or, where cancelling could
    not even be asked for, with `{kind: "cancel_failed", text}`.

    The callbacks may be called on a subshell's thread while a cell runs: `on_cancel` and `on_in_view` must only post, `clip_bytes`
    only read. `is_part`: it is drawn by another widget, with the script of its class.
    """

    _esm = module(_HERE / "job_card.js")
    _css = _HERE / "job_card.css"

    view = traitlets.Dict().tag(sync=True)
    """`card_view(…)` of the latest snapshot."""
    receipt = traitlets.Unicode("").tag(sync=True)
    """The id of the receipt that stands beside the card: a card that stays says itself what the receipt said."""
    done = traitlets.Bool(False).tag(sync=True)
    """Nothing more will come, and the outputs have been replaced: a card that is still on a page then helps itself."""

    notify = traitlets.Bool(False).tag(sync=True)
    """Whether the page tells by the browser's notification when it ends, if the card is not on screen and the person has allowed it."""
    references = traitlets.List(traitlets.Dict()).tag(sync=True)
    """`reference_tiles(…)`: what the video goes by, in small."""

    def __init__(
        self,
        view: dict[str, Any],
        *,
        receipt: str = "",
        references: Sequence[dict[str, str]] = (),
        on_cancel: Callable[[], None],
        clip_bytes: Callable[[], bytes | None],
        on_in_view: Callable[[], object] = lambda: None,
        is_part: bool = False,
        notify: bool = False,
    ) -> None:
        self._ask_cancel = on_cancel
        self._on_in_view = on_in_view
        self._shown: dict[str, bool] = {}
        self._clip_bytes = clip_bytes
        self._cancel_asked = False
        # marimo makes a file of the script, and that it can do in a cell alone; a part of another widget is often made elsewhere.
        part = {"_esm": ""} if is_part else {}
        super().__init__(view=view, receipt=receipt, references=list(references), notify=notify, **part)
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        # What an untrusted notebook or a page without widgets shows in the card's place.
        return f"[live card: {self.view.get('status_words', 'a job')}; it is drawn while its kernel runs]"

    @property
    def is_in_view(self) -> bool:
        """Whether a page may be showing it: none has said anything yet, or one has it on screen."""
        return not self._shown or any(self._shown.values())

    def show(self, snapshot: Snapshot, *, now: float | None = None, done: bool | None = None) -> None:
        """Draw this snapshot; `done=True` once the job's outputs have been replaced. One message to the page."""
        with self.hold_sync():
            heading = bool(self.view.get("heading"))
            self.view = card_view(snapshot, time.time() if now is None else now, heading=heading)
            if done is not None:
                self.done = done

    @traitlets.observe("comm")
    def _let_the_page_choose_the_shell(self, change: Any) -> None:
        # ipykernel 7.4.0 sends a click to the shell that last wrote on the comm, which is the busy main one, instead of the
        # subshell JupyterLab asked for: Cancel would wait for the running cell.
        if hasattr(change["new"], "_reply_subshell_for"):
            change["new"]._reply_subshell_for = lambda _data, default: default

    @traitlets.observe("view")
    def _cancel_can_be_asked_again(self, change: Any) -> None:
        if (
            isinstance(change["old"], dict)
            and change["old"].get("cancel_requested")
            and change["new"].get("can_cancel")
        ):
            self._cancel_asked = False

    def _answer(self, _widget: object, content: object, _buffers: object) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "cancel":
            self._cancel_once()
        elif kind == "need_video":
            self._send_video()
        elif kind == "in_view" and isinstance(content, dict):
            self._note_view(str(content.get("page"))[:80], content.get("shown") is True)

    def _note_view(self, page: str, shown: bool) -> None:
        was_in_view = self.is_in_view
        self._shown.pop(page, None)
        self._shown[page] = shown
        while len(self._shown) > MOST_PAGES:  # pages that went away without a word
            self._shown.pop(next(iter(self._shown)))
        if self.is_in_view and not was_in_view:
            self._on_in_view()

    def _cancel_once(self) -> None:
        # Two pages can show one card, and a click can wait behind a running cell: one intention, one call.
        if self._cancel_asked or self.done:
            return
        self._cancel_asked = True
        try:
            self._ask_cancel()
        except Exception as error:
            self._cancel_asked = False
            self.send({"kind": "cancel_failed", "text": f"Could not ask for the cancel: {shortened(error)}"})

    def _send_video(self) -> None:
        try:
            mp4 = self._clip_bytes()
        except OSError as error:
            mp4, why = None, f"The clip cannot be read ({shortened(error)}); run this cell again to fetch it."
        else:
            why = "The clip is not on disk; run this cell again to fetch it. Nothing is submitted twice."
        if mp4 is None:
            self.send({"kind": "no_video", "text": why})
            return
        caption = self.view.get("settings", "")
        # A buffer of a custom message, never a trait: traits are saved with the notebook.
        self.send({"kind": "video", "mime": "video/mp4", "caption": caption}, buffers=[mp4])


def _since(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, now - moment)


def _line(text: object) -> str | None:
    return None if text is None else shortened(text, LONGEST)
