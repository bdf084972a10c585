"""Snapshots to escaped HTML: pure functions, strings in and strings out.

What is made here is saved in notebooks and read without a kernel, untrusted (JupyterLab's sanitiser then drops `<style>`,
scripts, `aria-*`, and inline declarations it cannot parse, such as colours through `var()`), by nbconvert and on dark pages.
So: inline styles only, the text colour is always inherited, secondary text is the same colour with less opacity, the few
accents are literal mid-tones that show on white and on black, and nothing depends on them.
"""

from __future__ import annotations

import base64
import html
import math
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from ..api.models import SERVER_STATUSES, Status, VideoRequest
from ..clips.clip import Clip
from ..errors import one_line
from ..snapshot import Snapshot, durations

MAX_WIDTH, MAX_HEIGHT = 640, 480
"""The box, in CSS pixels, into which every clip is fitted: a portrait clip must not push its caption off the screen."""

LONG_PROMPT = 280
"""Characters of a prompt shown before the rest folds away."""

QUIET = "opacity:0.75;font-size:0.9em"
WRAP = "overflow-wrap:break-word"  # the sanitiser knows no "anywhere"
ACCENTS = {Status.FAILED: "#d9534f", Status.REJECTED: "#d9534f", Status.UNKNOWN: "#c77700", Status.SUCCEEDED: "#c77700"}
NEUTRAL = "#8a8a8a"
KEYS = 'data-lm-suppress-shortcuts="seedance"'
"""On what can have the focus: to JupyterLab a letter pressed in it would be a command for the cell (see keys.js)."""
BADGE = f'<span style="border:1px solid {NEUTRAL};border-radius:9px;padding:0 6px">simulated</span> '

# Invisible characters that reorder the text around them: a prompt must not be able to rewrite its neighbours.
_BIDI_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])

_WORDS = {
    Status.SUBMITTING: "being sent",
    Status.QUEUED: "waiting in the queue",
    Status.PROCESSING: "being made",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.REJECTED: "not accepted",
    Status.UNKNOWN: "outcome unknown",
}


# -- words ---------------------------------------------------------------------------------------------------------------


def duration_words(seconds: float) -> str:
    """A length of time as people say it: "42 s", "1 min 12 s", "2 h 5 min"."""
    total = round(seconds) if math.isfinite(seconds) and seconds > 0 else 0
    if total < 60:
        return f"{total} s"
    big, unit, small, rest = (total // 60, "min", total % 60, "s") if total < 3600 else _hours(total)
    return f"{big} {unit} {small} {rest}" if small else f"{big} {unit}"


def settings_line(request: VideoRequest) -> str:
    """What was asked besides the prompt, what was left to the service left out: "seedance-2.0 · 16:9 · 5 s · 720p"."""
    media = len(request.media_urls or ())
    return _join(
        one_line(request.model, 80),
        one_line(request.aspect_ratio, 20) if request.aspect_ratio else None,
        f"{request.duration} s" if request.duration is not None else None,
        one_line(request.resolution, 20) if request.resolution else None,
        f"{media} reference {'file' if media == 1 else 'files'}" if media else None,
    )


def status_words(snapshot: Snapshot) -> str:
    """Where the job stands, in plain words; a word the service invented stays visible in quotes."""
    if snapshot.status is Status.SUCCEEDED:
        if snapshot.clip is not None:
            return "done"
        return "made, but not downloaded" if snapshot.error is not None else "made, downloading"
    words = _WORDS[snapshot.status]
    own = one_line(snapshot.status_text, 60)
    if own and own.lower() not in SERVER_STATUSES and own.lower() not in set(Status):
        words += f" (the service says “{own}”)"
    if snapshot.cancel_requested and not snapshot.status.is_final:
        words += ", cancel requested"
    return words


def credits_words(snapshot: Snapshot) -> str:
    """What it cost or will cost: "40 credits", "0 credits, reused", "40 simulated credits", "about 40 credits"."""
    if snapshot.reused:
        return "0 credits, reused"
    kind = "simulated credit" if snapshot.simulated else "credit"
    if snapshot.credits is not None:
        return _count(snapshot.credits, kind)
    if snapshot.status is Status.UNKNOWN:
        return "credits unknown: it may have been charged"
    if snapshot.estimate is not None and not snapshot.status.is_final:
        return f"about {_count(snapshot.estimate, kind)}"
    return "credits not known"


def clean(text: str) -> str:
    """The text without what a page or a notebook cannot hold: control characters, lone surrogates, direction overrides."""
    if text.isascii() and text.isprintable():  # megabytes of base64 pass here too
        return text
    whole = text.encode("utf-8", "replace").decode("utf-8").translate(_BIDI_CONTROLS)
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else " " for c in whole)


def clamp(text: str, limit: int) -> str:
    """The text if it is short, else the start of it on one line, with an ellipsis."""
    return text if len(text) <= limit and text.count("\n") < 6 else one_line(text, limit).removesuffix("…") + "…"


def plain(snapshot: Snapshot) -> str:
    """The same for a terminal and for `text/plain`: prompt, where it stands, and its file, its error or the way back."""
    where = _join(
        settings_line(snapshot.request),
        f"take {snapshot.take}",
        status_words(snapshot),
        credits_words(snapshot),
        "simulated" if snapshot.simulated and snapshot.reused else None,  # otherwise the credits say so
        _id_words(snapshot),
    )
    if snapshot.clip is not None:
        last = f"file {one_line(snapshot.clip.path.name)}"
    elif snapshot.error is not None:
        last = str(snapshot.error)
    else:
        last = "" if snapshot.is_settled else f"get it back with %seedance attach {_best_id(snapshot)}"
    return "\n".join(line for line in (one_line(snapshot.request.prompt, 200), where, last) if line)


# -- one job -------------------------------------------------------------------------------------------------------------


def receipt(snapshot: Snapshot) -> str:
    """What stays in the notebook while the job is on its way: what was asked, where it stood, how to get it back.

    A job that ended without a video gets its `ending` instead.
    """
    if snapshot.is_settled and snapshot.clip is None:
        return ending(snapshot)
    # "last seen": the receipt outlives its kernel, and an old "being made" must not read as news.
    seen = status_words(snapshot) if snapshot.is_settled else f"last seen {status_words(snapshot)}"
    way_back = f"get it back with {_code(f'%seedance attach {_best_id(snapshot)}')}"
    return _block(
        _prompt(snapshot.request.prompt),
        _quiet(_facts(snapshot)),
        _quiet(f"{_text(seen)} · {way_back}"),
    )


def took(snapshot: Snapshot, words: str) -> str | None:
    """How long it took, after these words; "noticed after 3 h" where nobody looked on when it ended; None where nothing is known."""
    known = durations(snapshot)
    if known.waited is not None:
        return f"{words} {duration_words(known.waited)}"
    return None if known.noticed is None else f"noticed after {duration_words(known.noticed)}"


def ending(snapshot: Snapshot) -> str:
    """A job that ended without a video: what happened, whether it cost anything, what to do; then the small facts."""
    words = status_words(snapshot)
    headline = f"{words[:1].upper()}{words[1:]}."
    cure = str(snapshot.error) if snapshot.error is not None else ""
    if cure.startswith(f"{words};"):  # the headline has said that
        cure = cure[len(words) + 1 :].lstrip()
    cure = cure[:1].upper() + cure[1:]
    return _block(
        f'<div style="{WRAP}"><strong>{_text(headline)}</strong> {_text(cure)}</div>',
        _prompt(snapshot.request.prompt, quiet=True),
        _quiet(f"{_facts(snapshot, took(snapshot, 'after'))} · {_ids(snapshot)}"),
        bar=ACCENTS.get(snapshot.status, NEUTRAL),
    )


def figure(
    snapshot: Snapshot,
    video_src: str,
    poster_src: str | None = None,
    *,
    link: str | None = None,
    place: str | None = None,
    note: str | None = None,
) -> str:
    """The finished clip, for good: a player with its caption.

    `video_src` and `poster_src` are data URIs or relative URLs; without a `video_src` the poster stands alone. When not the file
    itself is embedded, `note` is the line that says so, `place` the path of the original in words, and `link` its relative,
    percent-encoded URL, if there is one that works.
    """
    caption = _prompt(snapshot.request.prompt) + _quiet(_figure_facts(snapshot))
    return _player(
        snapshot.clip,
        snapshot.request.prompt,
        caption,
        video_src,
        poster_src,
        original(snapshot.clip, link, place, note),
    )


def clip_figure(
    clip: Clip,
    video_src: str,
    poster_src: str | None = None,
    *,
    link: str | None = None,
    place: str | None = None,
    note: str | None = None,
) -> str:
    """A clip of which only the file is known: the player of `figure`, with the file's own facts below."""
    facts = _join(
        clip.path.name,
        f"{clip.width}×{clip.height}",
        f"{clip.fps:.4g} fps",
        duration_words(clip.seconds),
        _size_words(clip.size),
    )
    caption = _quiet(f"{_text(facts)}{_digest(clip)}")
    return _player(clip, clip.path.name, caption, video_src, poster_src, original(clip, link, place, note))


# The button is made by the script: where scripts do not run, as in a notebook nobody trusts, there is none, and the text can be
# selected. A page that is not served over https may not use the clipboard: then the text is selected and copied as by hand.
# While the button has the focus, plain letters are not Jupyter's: `d d` would delete the cell.
_COPY = (
    " <script>(s=>{if(!s)return;const c=s.previousElementSibling,b=document.createElement('button');"
    "b.type='button';b.textContent='Copy path';b.style.font='inherit';"
    "b.onclick=async()=>{try{await navigator.clipboard.writeText(c.textContent)}"
    "catch{const r=document.createRange();r.selectNodeContents(c);const g=getSelection();g.removeAllRanges();g.addRange(r);"
    "document.execCommand('copy')}b.textContent='Copied';setTimeout(()=>{b.textContent='Copy path'},1500)};"
    "addEventListener('keydown',e=>{if(e.target===b)b.toggleAttribute('data-lm-suppress-shortcuts',"
    "!(e.ctrlKey||e.metaKey||e.key==='Escape'||e.shiftKey&&e.key==='Enter'))},true);"
    "s.replaceWith(b)})(document.currentScript)</script>"
)


class DataUri(str):
    """Text of ours that is safe as it is: escaping megabytes of base64 would stop the kernel for a noticeable moment."""

    __slots__ = ()


def data_uri(mime: str, data: bytes) -> DataUri:
    """The bytes as a `data:` URI, which a notebook can carry."""
    return DataUri(f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}")


# -- several -------------------------------------------------------------------------------------------------------------


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], caption: str | None = None) -> str:
    """A small table; columns of numbers are set right, long texts wrap."""
    body = [tuple(row) for row in rows]
    numeric = [
        any(row[i] for row in body if i < len(row))
        and all(_is_number(row[i]) for row in body if i < len(row) and row[i])
        for i in range(len(headers))
    ]
    head = "".join(
        f"<th {_cell(right=right, head=True)}>{_text(h)}</th>" for h, right in zip(headers, numeric, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td {_cell(right=i < len(numeric) and numeric[i], long=len(cell) > 40)}>{_text(cell)}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in body
    )
    title = (
        f'<caption style="caption-side:top;text-align:left;padding:0 10px 4px 10px">{_text(caption)}</caption>'
        if caption
        else ""
    )
    # A scrolling box of its own: a wide table must not make the whole notebook scroll sideways.
    return (
        f'<div {KEYS} style="overflow-x:auto;max-width:100%">'
        '<table style="border-collapse:collapse;table-layout:auto;margin:4px 0;font-size:1em">'
        f"{title}<thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def plain_table(headers: Sequence[str], rows: Iterable[Sequence[str]], caption: str | None = None) -> str:
    """The same for a terminal and for `text/plain`: columns in line, long texts shortened."""
    lines = [tuple(headers), *(tuple(one_line(cell, 48) for cell in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(headers))]
    body = ["  ".join(cell.ljust(widths[i]) for i, cell in enumerate(line)).rstrip() for line in lines]
    return "\n".join([caption, *body] if caption else body)


# -- parts ---------------------------------------------------------------------------------------------------------------


def _player(
    clip: Clip | None,
    title: str,
    caption: str,
    video_src: str,
    poster_src: str | None,
    original: str,
) -> str:
    name = _text(clamp(title, LONG_PROMPT))
    width, height = _display_size(clip)
    # The src is on <video>: JupyterLab's sanitiser strips it from <source>. The poster is content, not an attribute: browsers
    # never show it, and hosts that drop <video> but keep its children show it instead.
    fallback = "" if poster_src is None else f'<img src="{_text(poster_src)}" alt="{name}" width="{width}">'
    # The caption is not tied to the clip's width: below a narrow portrait clip it would become a tower of short lines.
    player = (
        f'<video controls loop muted preload="metadata" width="{width}" height="{height}" src="{_text(video_src)}"'
        f' title="{name}" style="display:block;max-width:100%;height:auto;border-radius:6px">{fallback}</video>'
    )
    return (
        f'<figure {KEYS} style="margin:4px 0 8px 0">{player if video_src else fallback}'
        f'<figcaption style="margin-top:8px;max-width:{MAX_WIDTH}px;line-height:1.5">'
        f"{caption}{original}</figcaption></figure>"
    )


def _facts(snapshot: Snapshot, *more: str | None) -> str:
    facts = _join(settings_line(snapshot.request), f"take {snapshot.take}", credits_words(snapshot), *more)
    return f"{BADGE if snapshot.simulated else ''}{_text(facts)}"


def _figure_facts(snapshot: Snapshot) -> str:
    clip, request = snapshot.clip, snapshot.request
    facts = _facts(
        snapshot,
        # What the request left to the service, the clip itself can tell.
        f"{clip.width}×{clip.height}" if clip is not None and request.resolution is None else None,
        duration_words(clip.seconds) if clip is not None and request.duration is None else None,
        took(snapshot, "made in"),
    )
    return f"{facts} · {_ids(snapshot)}{_digest(clip) if clip is not None else ''}"


def _digest(clip: Clip) -> str:
    full = one_line(clip.sha256, 64)
    return f' · <span title="{_text(full)}">sha256 {_text(full[:12])}</span>'


def original(clip: Clip | None, link: str | None, place: str | None, note: str | None) -> str:
    """The line below a player that shows something else than the file itself: why, and where the file is."""
    parts = [_text(note)] if note else []
    if link is not None or place is not None:
        size = f" ({_size_words(clip.size)})" if clip is not None else ""
        label = f"original file{size}"
        # Only http(s) or no scheme at all: a link that runs something is never ours.
        safe = link is not None and _scheme(link) in ("", "http", "https")
        words = f'<a href="{_text(link)}">{_text(label)}</a>' if safe else _text(label)
        parts.append(words if place is None else f"{words}: {_code(place)}{_COPY}")
    return f'<div style="font-size:0.9em;{WRAP}">{" · ".join(parts)}</div>' if parts else ""


def saved_line(words: str, link: str | None) -> str:
    """The line that says where clips were saved; a link where it leads to the only one."""
    said = _text(words)
    safe = link is not None and _scheme(link) in ("", "http", "https")
    inner = f'<a href="{_text(link)}">{said}</a>' if safe else said
    return f'<div style="{WRAP}">{inner}</div>'


def preview_note(clip: Clip, *, small: bool = False) -> str | None:
    """Why a preview is shown in place of a clip; None where the clip itself can be. `small`: it is too large to be stored whole."""
    if clip.unplayable:
        return f"a preview in H.264 is shown, because not every browser plays this clip ({clip.unplayable})"
    return "a small preview is stored here" if small else None


def _prompt(prompt: str, *, quiet: bool = False) -> str:
    style = f"white-space:pre-wrap;{WRAP}" + (f";{QUIET}" if quiet else "")
    shown = clamp(prompt, LONG_PROMPT)
    if shown == prompt:
        return f'<div dir="auto" style="{style}">{_text(prompt)}</div>'
    return (
        f'<details style="{style}"><summary dir="auto" style="cursor:pointer">{_text(clamp(prompt, 160))}</summary>'
        f'<div dir="auto" style="margin-top:4px">{_text(prompt)}</div></details>'
    )


def _ids(snapshot: Snapshot) -> str:
    return f"{'request' if snapshot.request_id else 'job'} {_code(_best_id(snapshot))}"


def _id_words(snapshot: Snapshot) -> str:
    return f"{'request' if snapshot.request_id else 'job'} {_best_id(snapshot)}"


def _best_id(snapshot: Snapshot) -> str:
    return one_line(snapshot.request_id or snapshot.key, 220)


def _block(*parts: str, bar: str | None = None) -> str:
    edge = f"border-left:3px solid {bar};padding-left:10px;" if bar else ""
    return f'<div {KEYS} style="{edge}margin:4px 0;line-height:1.5;max-width:760px">{"".join(parts)}</div>'


def _quiet(inner: str) -> str:
    return f'<div style="{QUIET};{WRAP}">{inner}</div>'


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _cell(*, right: bool, head: bool = False, long: bool = False) -> str:
    style = f"text-align:{'right' if right else 'left'};vertical-align:top;padding:4px 10px;{WRAP}"
    if head:
        style += ";border-bottom:1px solid #8a8a8a;white-space:nowrap"
    if long:
        style += ";white-space:pre-wrap;min-width:180px"
    return f'style="{style}"'


def _text(value: object) -> str:
    if isinstance(value, DataUri):
        return value
    return html.escape(clean(str(value)), quote=True)


def _join(*facts: str | None) -> str:
    return " · ".join(fact for fact in facts if fact)


def _count(amount: float, unit: str) -> str:
    return f"{amount:.10g} {unit}" if amount == 1 else f"{amount:.10g} {unit}s"


def _hours(total: int) -> tuple[int, str, int, str]:
    minutes = round(total / 60)
    return minutes // 60, "h", minutes % 60, "min"


def _size_words(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(1, round(size / 1e3))} kB"


def _display_size(clip: Clip | None) -> tuple[int, int]:
    if clip is None or clip.width <= 0 or clip.height <= 0:
        return MAX_WIDTH, round(MAX_WIDTH * 9 / 16)
    scale = min(MAX_WIDTH / clip.width, MAX_HEIGHT / clip.height)
    return max(1, round(clip.width * scale)), max(1, round(clip.height * scale))


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return "unreadable"


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "").replace("–", "0").strip() or "x")
    except ValueError:
        return False
    return True
