"""What the ledger remembers, as tiles. The page asks for what it shows, page by page; nothing is pushed to it."""

from __future__ import annotations

import functools
import io
import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ...api.models import Status, VideoRequest
from ...clips.clip import Clip
from ...clips.saving import ENDINGS
from ...clips.store import Clips, is_shown_whole, preview_file
from ...errors import LONGEST, ClipError, InvalidRequest, SeedanceError, one_line, shortened
from ...grids.compare import MOST, compared, grid_code
from ...pages.assets import module
from ...pages.escaping import clean
from ...pages.words import clamp, credits_words, preview_note, settings_line, status_words, took
from ...snapshot import Snapshot
from ...tracking.following.picture import snapshot_of
from ...tracking.job import Job
from ...tracking.ledger.contract import Wanted
from ...tracking.ledger.record import Record
from ..interactive import drawn_by, interactive
from .context import Context
from .orders import Orders
from .price import short_price

if TYPE_CHECKING:
    from ...grids.picture import GridPicture

_HERE = Path(__file__).parent
PAGE = 12
"""Tiles a page. One page fills the gallery's box, so what opening costs does not grow with the ledger."""
FRAMES = 6
"""Frames in the strip of a clip: the first, the last, and some between."""
HOVER_BYTES = 4_000_000
"""A clip above this plays when it is opened, not whenever the pointer passes over it."""


class Gallery(anywidget.AnyWidget):
    """It has no traits: everything is asked for by `{kind, …}` and answered with the same `kind`, pictures and clips as buffers.

    From the page: `page` (serial, offset, filter), `posters` (keys), `clip` (key, hover), `open` (key), `new_take` (key, take), `retry`,
    `edit`, `save` (key, path), `star` (key, starred), `note` (key, text), `frames` (key; answered with moments, pictures as
    buffers), `reference` (key, moment: seconds, null for the last frame, "all" for the clip itself; answered with text), `compare` (keys; answered with `wall`: html, code). From here also `changed` (perhaps with a key to open) and `trouble` (control, text).
    """

    _esm = module(_HERE / "gallery.js")
    _css = _HERE / "gallery.css"

    def __init__(
        self,
        context: Context,
        orders: Orders,
        *,
        edit: Callable[[VideoRequest], object],
        show_code: Callable[[VideoRequest, int], object],
        on_shown: Callable[[str], object],
        refer: Callable[[object, str], str],
    ) -> None:
        """`refer(clip or picture, name)` makes it a reference of the form and gives its words; `edit(request)` puts it into the form, `show_code(request, take)` offers its code, `on_shown(key)`: the page has its clip."""
        self._context, self._orders = context, orders
        self._refer_to = refer
        self._edit_request, self._show_code, self._on_shown = edit, show_code, on_shown
        self._answers: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "page": self._send_page,
            "posters": self._send_posters,
            "clip": self._send_clip,
            "open": self._send_facts,
            "new_take": self._new_take,
            "retry": self._retry,
            "edit": self._edit,
            "save": self._save,
            "star": self._star,
            "note": self._note,
            "frames": self._send_frames,
            "reference": self._refer,
            "compare": self._compare,
        }
        super().__init__()
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        return "[seedance gallery; it is drawn while its kernel runs]"

    def changed(self, show: str | None = None) -> None:
        """Something is new: the page asks for the first tiles again, and opens the clip with the key `show`."""
        self.send({"kind": "changed", "show": show})

    @traitlets.observe("comm")
    def _listen_while_a_cell_runs(self, _: Any) -> None:
        interactive(self)

    def _answer(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        answer = self._answers.get(str(content.get("kind")))
        if answer is None:
            return

        def show(text: str) -> None:
            if text:
                trouble = {"kind": "trouble", "control": content["kind"], "key": content.get("key"), "text": text}
                self.send(trouble | {"view": content.get("view")})
                self._context.say(text)

        with drawn_by(show):
            answer(content)

    # Looking ------------------------------------------------------------------------------------------

    def _send_page(self, asked: dict[str, Any]) -> None:
        offset = max(0, int(asked.get("offset") or 0))
        chosen = asked.get("filter") or {}
        names = ("text", "model", "status", "day", "notebook")
        words: dict[str, Any] = {name: str(chosen[name]) for name in names if chosen.get(name)}
        marked: dict[str, Any] = {"starred": {"starred": True}, "noted": {"is_noted": True}}.get(
            str(chosen.get("marked")), {}
        )
        wanted = Wanted(**words, **marked)
        records = self._context.session.ask_ledger(lambda ledger: ledger.browsing.page(wanted, PAGE + 1, offset))
        answer = {
            "kind": "page",
            "view": asked.get("view"),
            "serial": asked.get("serial"),
            "offset": offset,
            "tiles": [self._tile(self._snapshot(record)) for record in records[:PAGE]],
            "more": len(records) > PAGE,
        }
        if offset == 0:
            facets = self._context.session.ask_ledger(lambda ledger: ledger.browsing.facets())
            answer["facets"] = {"model": facets.models, "day": facets.days, "notebook": facets.notebooks}
        self.send(answer)

    def _send_posters(self, asked: dict[str, Any]) -> None:
        keys, posters = [], []
        for key in list(asked.get("keys") or ())[: 4 * PAGE]:
            clip = self._find(str(key)).clip
            if clip is not None and clip.poster is not None:
                keys.append(str(key))
                posters.append(clip.poster.read_bytes())
        self.send({"kind": "posters", "view": asked.get("view"), "keys": keys}, buffers=posters)

    def _send_clip(self, asked: dict[str, Any]) -> None:
        clip, hover = self._clip_of(asked), bool(asked.get("hover"))
        if hover and clip.size > HOVER_BYTES:
            return
        if is_shown_whole(clip, self._context.session.limits.embed_limit):
            self._send_bytes(asked, clip.bytes())
        else:
            self._context.in_worker(lambda: self._send_preview(asked, clip))

    def _send_preview(self, asked: dict[str, Any], clip: Clip) -> None:
        data = preview_file(clip).read_bytes()
        note = f"{preview_note(clip, small=True)}; Save as… copies the original"
        self._context.in_cell(lambda: self._send_bytes(asked, data, note))

    def _send_bytes(self, asked: dict[str, Any], mp4: bytes, note: str = "") -> None:
        answer = {"kind": "clip", "view": asked.get("view"), "key": asked.get("key"), "hover": bool(asked.get("hover"))}
        self.send(answer | {"mime": "video/mp4", "note": note}, buffers=[mp4])
        if not asked.get("hover"):
            key = str(asked.get("key"))
            self._context.in_worker(lambda: self._on_shown(key))

    def _send_facts(self, asked: dict[str, Any]) -> None:
        snapshot = self._find(str(asked.get("key")))
        if not asked.get("quiet"):  # the page looks again by itself: what the user looks at stays
            self._show_code(snapshot.request, snapshot.take)
        self._describe(snapshot, asked.get("view"))

    def _describe(self, snapshot: Snapshot, view: Any) -> None:
        orders, request = self._orders, snapshot.request
        price = short_price(self._context.session.estimate(request), simulated=snapshot.simulated)
        take = orders.next_take(request)
        facts = self._tile(snapshot) | {
            "prompt": clean(request.prompt),
            "request_id": snapshot.request_id,
            "facts": _facts(snapshot),
            "error": one_line(snapshot.error) if snapshot.error is not None else "",
            "next_take": take,
            "new_take": f"New take · {price}",
            "retry": f"Retry · {price}"
            if orders.may_retry(snapshot.status) and orders.is_free(request, snapshot.take)
            else "",
            "noted": clean(snapshot.noted or ""),
            "save_as": f"{snapshot.key}.mp4",
        }
        self.send({"kind": "open", "view": view, "tile": facts})

    # Doing --------------------------------------------------------------------------------------------

    def _new_take(self, asked: dict[str, Any]) -> None:
        # The page names the take it showed a price for: two presses are one intention, and the ledger makes them one create.
        snapshot = self._find(str(asked.get("key")))
        self._orders.submit(snapshot.request, [max(1, int(asked["take"]))])
        self._describe(snapshot, asked.get("view"))

    def _retry(self, asked: dict[str, Any]) -> None:
        snapshot = self._find(str(asked.get("key")))
        self._orders.retry(snapshot.request, snapshot.take, snapshot.status)
        self._describe(snapshot, asked.get("view"))

    def _edit(self, asked: dict[str, Any]) -> None:
        self._edit_request(self._find(str(asked.get("key"))).request)

    def _save(self, asked: dict[str, Any]) -> None:
        snapshot = self._find(str(asked.get("key")))
        place = save_copy(self._clip_of(asked), str(asked.get("path") or ""))
        text = f"saved as {place}"
        self.send({"kind": "saved", "view": asked.get("view"), "key": snapshot.key, "text": text})
        self._context.say(text)

    def _star(self, asked: dict[str, Any]) -> None:
        self._job_of(asked).star(bool(asked.get("starred")))
        self._describe(self._find(str(asked.get("key"))), asked.get("view"))

    def _note(self, asked: dict[str, Any]) -> None:
        self._job_of(asked).note(str(asked.get("text") or ""))
        self._describe(self._find(str(asked.get("key"))), asked.get("view"))

    def _send_frames(self, asked: dict[str, Any]) -> None:
        clip = self._clip_of(asked)

        def send() -> None:
            step = max(clip.seconds, 0.1) / (FRAMES - 1)
            moments: list[float | None] = [round(step * number, 3) for number in range(FRAMES - 1)]
            shown = [*itertools.islice(clip.frames(fps=1 / step), FRAMES - 1), clip.frame(-1)]
            moments = [*moments[: len(shown) - 1], None]
            answer = {"kind": "frames", "view": asked.get("view"), "key": asked.get("key"), "moments": moments}
            self._context.in_cell(functools.partial(self.send, answer, buffers=[_small(picture) for picture in shown]))

        self._in_worker(asked, send)

    def _refer(self, asked: dict[str, Any]) -> None:
        clip, moment = self._clip_of(asked), asked.get("moment")
        prompt = clamp(one_line(self._find(str(asked.get("key"))).request.prompt), 40)

        def refer() -> None:
            if moment == "all":
                text = self._refer_to(clip, f"“{prompt}”")
            else:
                frame = clip.frame(-1) if moment is None else clip.frame(float(str(moment)))
                where = "the last frame" if moment is None else f"the frame at {float(str(moment)):.1f} s"
                text = self._refer_to(frame, f"{where} of “{prompt}”")
            answer = {"kind": "referred", "view": asked.get("view"), "key": asked.get("key"), "text": text}
            self._context.in_cell(self.send, answer)

        self._in_worker(asked, refer)

    def _in_worker(self, asked: dict[str, Any], work: Callable[[], None]) -> None:
        """Run this beside the runner's loop; what it raises is told where it was asked for."""

        def tell(text: str) -> None:
            if text:
                trouble = {"kind": "trouble", "control": asked["kind"], "key": asked.get("key"), "text": text}
                self._context.in_cell(self.send, trouble | {"view": asked.get("view")})

        def run() -> None:
            with drawn_by(tell):
                work()

        self._context.in_worker(run)

    def _clip_of(self, asked: dict[str, Any]) -> Clip:
        clip = self._find(str(asked.get("key"))).traced_clip
        if clip is None:
            raise ClipError("the file of this clip is gone; run its code to fetch it again")
        return clip

    def _job_of(self, asked: dict[str, Any]) -> Job:
        session, key = self._context.session, str(asked.get("key"))
        record = session.ask_ledger(lambda ledger: ledger.find(key))
        if record is None:
            raise SeedanceError(f"the ledger has no job {one_line(key, 40)!r} any more")
        return session.engine.runner.job_of(record)

    def _compare(self, asked: dict[str, Any]) -> None:
        picture = compared([self._find(str(key)) for key in list(asked.get("keys") or ())[: MOST + 1]])
        self._context.in_worker(lambda: self._send_wall(asked, picture))

    def _send_wall(self, asked: dict[str, Any], picture: GridPicture) -> None:
        from ...grids.walls.wall import wall_html

        answer: dict[str, Any] = {"view": asked.get("view")}
        try:
            html = wall_html(picture, embed_limit=self._context.session.limits.embed_limit)
            answer |= {"kind": "wall", "html": html, "code": grid_code(picture)}
        except (OSError, SeedanceError) as error:
            text = f"these clips cannot be shown side by side: {shortened(error, LONGEST)}"
            answer |= {"kind": "trouble", "control": "compare", "key": None, "text": text}
        self._context.in_cell(self.send, answer)

    # Reading ------------------------------------------------------------------------------------------

    def _find(self, key: str) -> Snapshot:
        record = self._context.session.ask_ledger(lambda ledger: ledger.find(key))
        if record is None:
            raise SeedanceError(f"the ledger has no job {one_line(key, 40)!r} any more")
        return self._snapshot(record)

    def _snapshot(self, record: Record) -> Snapshot:
        return snapshot_of(record, Clips(self._context.session.settings.clips))

    def _tile(self, snapshot: Snapshot) -> dict[str, Any]:
        return {
            "key": snapshot.key,
            "prompt": clamp(clean(snapshot.request.prompt), 160),
            "status": snapshot.status.value,
            "words": f"★ {status_words(snapshot)}" if snapshot.starred else status_words(snapshot),
            "settings": settings_line(snapshot.request),
            "take": snapshot.take,
            "starred": snapshot.starred,
            "has_poster": snapshot.clip is not None and snapshot.clip.poster is not None,
            "has_video": snapshot.clip is not None,
            "simulated": snapshot.simulated,
        }


def _facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    """The facts of an open clip, as pairs of a name and a text."""
    clip = snapshot.clip
    made = (took(snapshot, "") or "").strip() if snapshot.status is Status.SUCCEEDED else ""
    pairs = [
        ("Settings", settings_line(snapshot.request)),
        ("Take", str(snapshot.take)),
        ("Status", status_words(snapshot)),
        ("Cost", credits_words(snapshot)),
        ("Begun", time.strftime("%d %b %Y %H:%M", time.localtime(snapshot.created_at))),
        ("Made in", made),
        ("Picture", f"{clip.width}×{clip.height}, {clip.fps:.4g} fps, {clip.seconds:.1f} s" if clip else ""),
        ("Note", snapshot.noted or ""),
        ("Size", f"{clip.size / 1e6:.2f} MB" if clip else ""),
        ("Request id", snapshot.request_id or ""),
    ]
    return [(name, clean(text)) for name, text in pairs if text]


def _small(picture: Any) -> bytes:
    """A JPEG of a frame, for the strip."""
    picture.thumbnail((160, 160))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=75)
    return written.getvalue()


def save_copy(clip: Clip, typed: str) -> Path:
    """Copy a clip to a path somebody typed, which needs no ending; a folder gets the clip's own name. Raises SeedanceError."""
    if not typed.strip():
        raise InvalidRequest("type where to save it, for example boat.mp4")
    if "{" in typed:  # a pattern, which is read by what made the clip
        name = typed.strip()
        return clip.save_to(name if name.lower().endswith((*ENDINGS, "/")) else f"{name}.mp4")
    place = Path(typed.strip()).expanduser()
    return clip.save_to(place if place.suffix or place.is_dir() else place.with_suffix(".mp4"))
