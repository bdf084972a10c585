"""Snapshots to HTML: pure functions, what goes in is escaped on its way (see `escaping`), what comes out is markup.

What is made here is saved in notebooks and read without a kernel, untrusted (JupyterLab's sanitiser then drops `<style>`,
scripts, `aria-*`, and inline declarations it cannot parse, such as colours through `var()`), by nbconvert and on dark pages.
So: inline styles only, the text colour is always inherited, secondary text is the same colour with less opacity, the few
accents are literal mid-tones that show on white and on black, and nothing depends on them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from ..api.models import Status
from ..clips.clip import Clip
from ..errors import one_line
from ..snapshot import Snapshot
from .escaping import Html, filled, joined
from .words import (
    best_id,
    clamp,
    credits_words,
    duration_words,
    facts_line,
    marks,
    settings_line,
    size_words,
    status_words,
    took,
)

MAX_WIDTH, MAX_HEIGHT = 640, 480
"""The box, in CSS pixels, into which every clip is fitted: a portrait clip must not push its caption off the screen."""

LONG_PROMPT = 280
"""Characters of a prompt shown before the rest folds away."""

QUIET = Html("opacity:0.75;font-size:0.9em")
WRAP = Html("overflow-wrap:break-word")  # the sanitiser knows no "anywhere"
ACCENTS = {Status.FAILED: "#d9534f", Status.REJECTED: "#d9534f", Status.UNKNOWN: "#c77700", Status.SUCCEEDED: "#c77700"}
NEUTRAL = "#8a8a8a"
KEYS = Html('data-lm-suppress-shortcuts="seedance"')
"""On what can have the focus: to JupyterLab a letter pressed in it would be a command for the cell (see keys.js)."""
BADGE = Html(f'<span style="border:1px solid {NEUTRAL};border-radius:9px;padding:0 6px">simulated</span> ')


# -- one job -------------------------------------------------------------------------------------------------------------


def receipt(snapshot: Snapshot) -> Html:
    """What stays in the notebook while the job is on its way: what was asked, where it stood, how to get it back.

    A job that ended without a video gets its `ending` instead.
    """
    if snapshot.is_settled and snapshot.clip is None:
        return ending(snapshot)
    # "last seen": the receipt outlives its kernel, and an old "being made" must not read as news.
    seen = status_words(snapshot) if snapshot.is_settled else f"last seen {status_words(snapshot)}"
    way_back = _code(f"%seedance attach {best_id(snapshot)}")
    return _block(
        _prompt(snapshot.request.prompt),
        _quiet(_facts(snapshot)),
        _quiet(filled("{} · get it back with {}", seen, way_back)),
    )


def ending(snapshot: Snapshot) -> Html:
    """A job that ended without a video: what happened, whether it cost anything, what to do; then the small facts."""
    words = status_words(snapshot)
    headline = f"{words[:1].upper()}{words[1:]}."
    cure = str(snapshot.error) if snapshot.error is not None else ""
    if cure.startswith(f"{words};"):  # the headline has said that
        cure = cure[len(words) + 1 :].lstrip()
    cure = cure[:1].upper() + cure[1:]
    return _block(
        filled('<div style="{}"><strong>{}</strong> {}</div>', WRAP, headline, cure),
        _prompt(snapshot.request.prompt, quiet=True),
        _quiet(filled("{} · {}", _facts(snapshot, took(snapshot, "after")), _ids(snapshot))),
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
) -> Html:
    """The finished clip, for good: a player with its caption.

    `video_src` and `poster_src` are data URIs or relative URLs; without a `video_src` the poster stands alone. When not the file
    itself is embedded, `note` is the line that says so, `place` the path of the original in words, and `link` its relative,
    percent-encoded URL, if there is one that works.
    """
    caption = joined([_prompt(snapshot.request.prompt), _quiet(_figure_facts(snapshot))])
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
) -> Html:
    """A clip of which only the file is known: the player of `figure`, with the file's own facts below."""
    facts = facts_line(
        clip.path.name,
        f"{clip.width}×{clip.height}",
        f"{clip.fps:.4g} fps",
        duration_words(clip.seconds),
        size_words(clip.size),
    )
    caption = _quiet(joined([facts, _digest(clip)]))
    return _player(clip, clip.path.name, caption, video_src, poster_src, original(clip, link, place, note))


# The button is made by the script: where scripts do not run, as in a notebook nobody trusts, there is none, and the text can be
# selected. A page that is not served over https may not use the clipboard: then the text is selected and copied as by hand.
# While the button has the focus, plain letters are not Jupyter's: `d d` would delete the cell.
_COPY = Html(
    " <script>(s=>{if(!s)return;const c=s.previousElementSibling,b=document.createElement('button');"
    "b.type='button';b.textContent='Copy path';b.style.font='inherit';"
    "b.onclick=async()=>{try{await navigator.clipboard.writeText(c.textContent)}"
    "catch{const r=document.createRange();r.selectNodeContents(c);const g=getSelection();g.removeAllRanges();g.addRange(r);"
    "document.execCommand('copy')}b.textContent='Copied';setTimeout(()=>{b.textContent='Copy path'},1500)};"
    "addEventListener('keydown',e=>{if(e.target===b)b.toggleAttribute('data-lm-suppress-shortcuts',"
    "!(e.ctrlKey||e.metaKey||e.key==='Escape'||e.shiftKey&&e.key==='Enter'))},true);"
    "s.replaceWith(b)})(document.currentScript)</script>"
)


def data_uri(mime: str, data: bytes) -> Html:
    """The bytes as a `data:` URI, which a notebook can carry. Base64 needs no escaping, and it is megabytes."""
    return Html(f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}")


# -- several -------------------------------------------------------------------------------------------------------------


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], caption: str | None = None) -> Html:
    """A small table; columns of numbers are set right, long texts wrap."""
    body = [tuple(row) for row in rows]
    numeric = [
        any(row[i] for row in body if i < len(row))
        and all(_is_number(row[i]) for row in body if i < len(row) and row[i])
        for i in range(len(headers))
    ]
    head = joined(
        filled('<th style="{}">{}</th>', _cell(right=right, head=True), header)
        for header, right in zip(headers, numeric, strict=True)
    )
    lines = joined(filled(_row(row, numeric), *row) for row in body)
    title = (
        filled('<caption style="caption-side:top;text-align:left;padding:0 10px 4px 10px">{}</caption>', caption)
        if caption
        else ""
    )
    # A scrolling box of its own: a wide table must not make the whole notebook scroll sideways.
    return filled(
        '<div {} style="overflow-x:auto;max-width:100%">'
        '<table style="border-collapse:collapse;table-layout:auto;margin:4px 0;font-size:1em">'
        "{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        *(KEYS, title, head, lines),
    )


# -- parts ---------------------------------------------------------------------------------------------------------------


def _player(
    clip: Clip | None,
    title: str,
    caption: Html,
    video_src: str,
    poster_src: str | None,
    original: Html,
) -> Html:
    name = clamp(title, LONG_PROMPT)
    width, height = _display_size(clip)
    # The src is on <video>: JupyterLab's sanitiser strips it from <source>. The poster is content, not an attribute: browsers
    # never show it, and hosts that drop <video> but keep its children show it instead.
    poster = Html() if poster_src is None else filled(_POSTER, src=poster_src, name=name, width=width)
    # The caption is not tied to the clip's width: below a narrow portrait clip it would become a tower of short lines.
    below = filled(
        '<figcaption style="margin-top:8px;max-width:{}px;line-height:1.5">{}{}</figcaption>',
        *(MAX_WIDTH, caption, original),
    )
    if not video_src:
        return filled(_FIGURE.format("{poster}"), keys=KEYS, poster=poster, below=below)
    return filled(
        _FIGURE.format(_VIDEO),  # in one go: each further step would copy megabytes
        keys=KEYS,
        width=width,
        height=height,
        src=video_src,
        name=name,
        poster=poster,
        below=below,
    )


_FIGURE = '<figure {{keys}} style="margin:4px 0 8px 0">{}{{below}}</figure>'
_VIDEO = (
    '<video controls loop muted preload="metadata" width="{width}" height="{height}" src="{src}"'
    ' title="{name}" style="display:block;max-width:100%;height:auto;border-radius:6px">{poster}</video>'
)
_POSTER = '<img src="{src}" alt="{name}" width="{width}">'


def _facts(snapshot: Snapshot, *more: str | None) -> Html:
    facts = facts_line(
        settings_line(snapshot.request), f"take {snapshot.take}", credits_words(snapshot), marks(snapshot), *more
    )
    return joined([BADGE if snapshot.simulated else "", facts])


def _figure_facts(snapshot: Snapshot) -> Html:
    clip, request = snapshot.clip, snapshot.request
    facts = _facts(
        snapshot,
        # What the request left to the service, the clip itself can tell.
        f"{clip.width}×{clip.height}" if clip is not None and request.resolution is None else None,
        duration_words(clip.seconds) if clip is not None and request.duration is None else None,
        took(snapshot, "made in"),
    )
    return filled("{} · {}{}", facts, _ids(snapshot), _digest(clip) if clip is not None else "")


def _digest(clip: Clip) -> Html:
    full = one_line(clip.sha256, 64)
    return filled(' · <span title="{}">sha256 {}</span>', full, full[:12])


def original(clip: Clip | None, link: str | None, place: str | None, note: str | None) -> Html:
    """The line below a player that shows something else than the file itself: why, and where the file is."""
    parts: list[object] = [note] if note else []
    if link is not None or place is not None:
        label = "original file" if clip is None else f"original file ({size_words(clip.size)})"
        words = _linked(label, link)
        parts.append(words if place is None else filled("{}: {}{}", words, _code(place), _COPY))
    return filled('<div style="font-size:0.9em;{}">{}</div>', WRAP, joined(parts, " · ")) if parts else Html()


def saved_line(words: str, link: str | None) -> Html:
    """The line that says where clips were saved; a link where it leads to the only one."""
    return filled('<div style="{}">{}</div>', WRAP, _linked(words, link))


def _linked(words: str, link: str | None) -> object:
    # Only http(s) or no scheme at all: a link that runs something is never ours.
    is_safe = link is not None and _scheme(link) in ("", "http", "https")
    return filled('<a href="{}">{}</a>', link, words) if is_safe else words


def _prompt(prompt: str, *, quiet: bool = False) -> Html:
    style = Html(f"white-space:pre-wrap;{WRAP}" + (f";{QUIET}" if quiet else ""))
    shown = clamp(prompt, LONG_PROMPT)
    if shown == prompt:
        return filled('<div dir="auto" style="{}">{}</div>', style, prompt)
    return filled(
        '<details style="{}"><summary dir="auto" style="cursor:pointer">{}</summary>'
        '<div dir="auto" style="margin-top:4px">{}</div></details>',
        *(style, clamp(prompt, 160), prompt),
    )


def _ids(snapshot: Snapshot) -> Html:
    return filled("{} {}", "request" if snapshot.request_id else "job", _code(best_id(snapshot)))


def _block(*parts: Html, bar: str | None = None) -> Html:
    edge = f"border-left:3px solid {bar};padding-left:10px;" if bar else ""
    style = f"{edge}margin:4px 0;line-height:1.5;max-width:760px"
    return filled('<div {} style="{}">{}</div>', KEYS, style, joined(parts))


def _quiet(inner: Html) -> Html:
    return filled('<div style="{};{}">{}</div>', QUIET, WRAP, inner)


def _code(text: str) -> Html:
    return filled("<code>{}</code>", text)


def _row(row: Sequence[str], numeric: Sequence[bool]) -> str:
    """The template of a row: filled at once, as there may be thousands of cells."""
    cells = [_CELLS[i < len(numeric) and numeric[i], len(cell) > 40] for i, cell in enumerate(row)]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(*, right: bool, head: bool = False, long: bool = False) -> str:
    style = f"text-align:{'right' if right else 'left'};vertical-align:top;padding:4px 10px;{WRAP}"
    if head:
        style += ";border-bottom:1px solid #8a8a8a;white-space:nowrap"
    if long:
        style += ";white-space:pre-wrap;min-width:180px"
    return style


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


_CELLS = {
    (right, long): f'<td style="{_cell(right=right, long=long)}">{{}}</td>'
    for right in (False, True)
    for long in (False, True)
}
