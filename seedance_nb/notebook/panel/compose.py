"""The fields of the panel: what to make, and prompts used before. Knows widgets and the catalog, nothing of jobs or money."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import ipywidgets as w

from ...api.catalog import Catalog
from ...api.extra import as_typed, typed_value
from ...api.fields import DEFAULT_MODEL, DEFAULTS, EVERY, IMAGE_SUFFIXES, MOST_MEDIA_URLS, listed
from ...api.models import VideoRequest, make_request
from ...errors import InvalidRequest, SeedanceError, one_line
from ...pages.escaping import Html, clean, filled, joined
from ...pages.words import clamp, reference_roles
from ...tracking.references.shelf import Shelf
from ..interactive import drawn_by, interactive
from .choice import Choice

MOST_TAKES = 20
SHOWN = 30
"""Prompts of before, at once."""
LEFT_OPEN = "up to the service"


class Field:
    """A control with a line below it, for what it excludes and for what went wrong in it."""

    def __init__(self, name: str, control: Any) -> None:
        self.control = control
        self.line = w.HTML(layout={"display": "none"})
        self.line.add_class("seedance-note")
        self.box = w.VBox([control, self.line])
        # By this class the page finds the control, to see whether the kernel has heard of what stands in it.
        self.box.add_class("seedance-field").add_class(f"seedance-f-{name}")

    def say(self, text: str, *, wrong: bool = True) -> None:
        """Show one line below the control; an empty one takes it away."""
        template = '<span class="seedance-wrong">{}</span>' if wrong else "<span>{}</span>"
        self.line.value = filled(template, one_line(text)) if text else ""
        self.line.layout.display = "" if text else "none"

    def complain(self, text: str) -> None:
        """Show what went wrong; an empty text takes that away, and leaves alone what is said otherwise."""
        if text or "seedance-wrong" in self.line.value:
            self.say(text)


class Compose:
    """The fields. `on_change()` is called after every change, once, also when several fields change together."""

    def __init__(self, catalog: Catalog, on_change: Callable[[], object], shelf: Shelf | None = None) -> None:
        self._catalog = catalog
        self._shelf = shelf
        self._on_change = on_change
        self._names: dict[str, str] = {}
        self._paths: dict[tuple[str, float, int], str] = {}
        self._held = False
        self.prompt = Field(
            "prompt", w.Textarea(description="Prompt", placeholder="A paper boat on a rainy street", rows=3)
        )
        model = DEFAULT_MODEL if DEFAULT_MODEL in catalog.models else next(iter(catalog.models))
        self.model = Field("model", Choice("Model", _words(catalog.models), model))
        self.aspect_ratio = _choice("aspect_ratio")
        self.duration = _choice("duration")
        self.resolution = _choice("resolution")
        self.takes = Field(
            "takes", w.BoundedIntText(description="Takes", value=1, min=1, max=MOST_TAKES, continuous_update=True)
        )
        self.media = Field(
            "media",
            w.Textarea(
                description="Addresses and paths",
                rows=2,
                placeholder="https://… or pictures/boat.png, one a line: first frame, then last frame",
            ),
        )
        self.metadata = Field(
            "metadata",
            w.Textarea(description="Metadata", rows=2, placeholder="name=value, one a line; or a JSON object"),
        )
        self.extra = Field(
            "extra",
            w.Textarea(
                description="Other fields", rows=2, placeholder="seed=7, one a line: sent as given; or a JSON object"
            ),
        )
        self.webhook = Field(
            "webhook", w.Text(description="Webhook URL", placeholder="https://… rung when it is done, or auto")
        )
        self.thumbnails = w.HTML()
        self.thumbnails.add_class("seedance-thumbnails")
        self.swap = w.Button(description="Reverse order", layout={"display": "none"})
        self.fields = (
            *(self.prompt, self.model, self.aspect_ratio, self.duration, self.resolution, self.takes),
            *(self.media, self.metadata, self.extra, self.webhook),
        )
        self._follow_model()
        for field in self.fields:
            field.control.observe(self._changed, "value")
        self.swap.on_click(lambda _: self._reverse_media())
        interactive(self.swap, *(field.control for field in self.fields))

    # What stands in the form ---------------------------------------------------------------------------

    @property
    def prompt_is_empty(self) -> bool:
        """Whether nothing is asked for yet."""
        return not self.prompt.control.value.strip()

    @property
    def count(self) -> int:
        """How many takes."""
        return int(self.takes.control.value)

    def request(self) -> VideoRequest:
        """What the form asks for; raises InvalidRequest, after drawing it below the field where that is known."""
        options: dict[str, Any] = {
            "model": self.model.control.value,
            "aspect_ratio": self.aspect_ratio.control.value,
            "duration": self.duration.control.value,
            "resolution": self.resolution.control.value,
            "media_urls": None,
            "webhook_url": self.webhook.control.value.strip() or None,
        }
        with self._blame(self.media):
            options["media_urls"] = self._addresses() or None
        with self._blame(self.metadata):
            options["metadata"] = read_metadata(self.metadata.control.value)
        with self._blame(self.extra):
            options["extra"], notes = read_fields(self.extra.control.value)
        # One at a time, so that what is wrong is told where it stands.
        plain = make_request("x", model=options["model"], aspect_ratio=None, duration=None, resolution=None)
        for field, name in (
            *((self.media, "media_urls"), (self.webhook, "webhook_url")),
            *((self.metadata, "metadata"), (self.extra, "extra")),
        ):
            with self._blame(field):
                alone = {name: options[name]}
                self._catalog.check(
                    make_request("x", model=plain.model, aspect_ratio=None, duration=None, resolution=None, **alone)
                )
        self.extra.say("; ".join(notes), wrong=False)
        request = make_request(self.prompt.control.value, **options)
        if not self.prompt_is_empty:
            with self._blame(self.prompt):
                self._catalog.check(request)
        return request

    def as_seen(self) -> dict[str, str]:
        """What the kernel knows of the form, as a page shows it: it holds a press back until the two agree."""
        choices = (self.model, self.aspect_ratio, self.duration, self.resolution)
        names = ("model", "aspect_ratio", "duration", "resolution")
        labels = {name: field.control.chosen for name, field in zip(names, choices, strict=True)}
        texts = {"prompt": self.prompt, "media": self.media, "webhook": self.webhook}
        texts |= {"metadata": self.metadata, "extra": self.extra}
        return labels | {name: field.control.value for name, field in texts.items()} | {"takes": str(self.count)}

    def load(self, request: VideoRequest) -> None:
        """Fill the form with a request made before; its take is 1 again."""
        with self._together():
            self.prompt.control.value = request.prompt
            _choose(self.model.control, request.model, [*self._catalog.models])
            self._follow_model()
            _choose(self.aspect_ratio.control, request.aspect_ratio, None)
            _choose(self.duration.control, request.duration, None)
            _choose(self.resolution.control, request.resolution, None)
            self.takes.control.value = 1
            self.media.control.value = "\n".join(request.media_urls or ())
            self.metadata.control.value = write_metadata(request.metadata)
            self.extra.control.value = write_fields(request.extra)
            self.webhook.control.value = request.webhook_url or ""
            self._draw_media()

    def add_reference(self, address: str, name: str, *, first: bool = False) -> None:
        """Put a reference behind the others, or before them; `name` is shown for it. One that is there already is not put there twice."""
        self._names[address] = name
        others = [url for url in self._media_urls() if url != address]
        self.media.control.value = "\n".join([address, *others] if first else [*others, address])

    def learn(self, catalog: Catalog) -> None:
        """Offer what this catalog offers; what is chosen stays where it is still offered."""
        with self._together():
            self._catalog = catalog
            chosen = self.model.control.value
            _choose(self.model.control, chosen, [*catalog.models])
            self._follow_model()

    # Following ----------------------------------------------------------------------------------------

    def _changed(self, change: Any) -> None:
        if self._held:
            return
        field = next(field for field in self.fields if field.control is change["owner"])
        with self._together(), drawn_by(field.complain):
            if field is self.model:
                self._follow_model()
            if field is self.media:
                self._draw_media()

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        outermost, self._held = not self._held, True
        try:
            yield
        finally:
            if outermost:
                self._held = False
                self._on_change()

    @contextlib.contextmanager
    def _blame(self, field: Field) -> Iterator[None]:
        try:
            yield
        except InvalidRequest as error:
            field.say(str(error))
            raise
        else:
            field.complain("")

    def _follow_model(self) -> None:
        model = self.model.control.value
        limits, moved = [], []
        choices = {"duration": self.duration, "aspect_ratio": self.aspect_ratio, "resolution": self.resolution}
        for name, field in choices.items():
            offered = self._catalog.offered(model, name)
            unit = _unit(name)
            before = field.control.value
            after = before if before in offered else _nearest(before, offered)
            field.control.offer(_options(name, offered), after)
            if after != before and before is not None:
                moved.append(f"{before}{unit} became {after}{unit}")
            if set(offered) != set(EVERY[name]):
                limits.append(f"{listed(offered)}{unit}")
        words = f"{model} makes {', '.join(limits)}" if limits else ""
        self.model.say("; ".join(part for part in (words, *moved) if part), wrong=False)

    def _media_urls(self) -> list[str]:
        """An address a word, and a path a line: those may hold blanks."""
        lines = str(self.media.control.value).splitlines()
        return [word for line in lines for word in (line.split() if "://" in line else [line.strip()]) if word]

    def _addresses(self) -> list[str]:
        urls = self._media_urls()
        return [self._address(url) for url in urls]

    def _address(self, typed: str) -> str:
        """The address of what was typed. A path is read once as long as its file stays as it is: this is asked at every key pressed."""
        if self._shelf is None:
            return typed
        seen: tuple[str, float, int] | None = None
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            found = Path(typed).expanduser().absolute()
            facts = found.stat()
            if time.time() - facts.st_mtime > 2:  # one that is being written may change within a tick of its clock
                seen = str(found), facts.st_mtime, facts.st_size
        if seen is not None and seen in self._paths:
            return self._paths[seen]
        address = self._shelf.address(typed)
        if seen is not None:
            self._paths[seen] = address
        return address

    def _reverse_media(self) -> None:
        self.media.control.value = "\n".join(reversed(self._media_urls()))

    def _draw_media(self) -> None:
        urls, pictures = self._media_urls(), dict[str, str]()
        if self._shelf is not None:
            for url in urls:
                with contextlib.suppress(SeedanceError):  # what is wrong with it is said where it is asked for
                    if "://" not in url and (small := self._shelf.thumbnail(self._address(url))) is not None:
                        pictures[url] = small
        self.thumbnails.value = thumbnails(urls, pictures, self._names)
        self.swap.layout.display = "" if len(urls) > 1 else "none"


class History:
    """Prompts used before, with search. `find(text, limit)` asks the ledger; `use(prompt)` puts one into the form."""

    def __init__(self, find: Callable[[str, int], tuple[str, ...]], use: Callable[[str], object]) -> None:
        self._find, self._use = find, use
        self.search = Field("history", w.Text(description="Search history", placeholder="words you remember"))
        self.list = Field("earlier", w.Select(description="Earlier", options=(), rows=5))
        self.button = w.Button(description="Use again", disabled=True)
        self.box = w.VBox([self.search.box, self.list.box, self.button])
        self.search.control.observe(lambda _: self.refresh(), "value")
        self.list.control.observe(self._chosen, "value")
        self.button.on_click(lambda _: self._take())
        interactive(self.search.control, self.list.control, self.button)

    def refresh(self) -> None:
        """Ask again for what matches the search."""
        with drawn_by(self.search.say):
            found = self._find(self.search.control.value, SHOWN)
            self.list.control.options = [(clamp(clean(" ".join(prompt.split())), 120), prompt) for prompt in found]
            self.list.control.value = None

    def _chosen(self, _: object) -> None:
        self.button.disabled = self.list.control.value is None

    def _take(self) -> None:
        with drawn_by(self.list.say):
            if self.list.control.value is not None:
                self._use(self.list.control.value)


def read_metadata(text: str) -> dict[str, Any] | None:
    """Metadata as typed: a JSON object, or name=value lines; raises InvalidRequest."""
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InvalidRequest(f"metadata is no JSON object ({one_line(error, 80)})") from None
        return found or None
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    for name, equals, _ in pairs:
        if not equals or not name.strip():
            raise InvalidRequest(f"metadata wants name=value on each line, not {one_line(name, 40)!r}")
    return {name.strip(): value.strip() for name, _, value in pairs} or None


def write_metadata(metadata: dict[str, Any] | None) -> str:
    """The text that `read_metadata` reads back as this."""
    if not metadata:
        return ""
    lines = "\n".join(f"{name}={value}" for name, value in metadata.items())
    with contextlib.suppress(InvalidRequest):
        if read_metadata(lines) == metadata:
            return lines
    return json.dumps(metadata, ensure_ascii=False)


def read_fields(text: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Fields of the service as typed, and what to say of them: a JSON object, or name=value lines with JSON values or texts; raises
    InvalidRequest.
    """
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"other fields are no JSON object ({one_line(error, 80)})") from None
        return found or None, []
    made: dict[str, Any] = {}
    notes = []
    for line in filter(str.strip, text.splitlines()):
        name, equals, typed = (part.strip() for part in line.partition("="))
        if not equals or not name or not typed:
            raise InvalidRequest(f"other fields want name=value on each line, as in seed=7, not {one_line(line, 40)!r}")
        if name in made:
            raise InvalidRequest(f"the field {one_line(name, 40)} is there twice")
        made[name], note = typed_value(typed)
        notes += [f"{one_line(name, 40)} is {note}"] if note else []
    return made or None, notes


def write_fields(extra: dict[str, Any] | None) -> str:
    """The text that `read_fields` reads back as this."""
    if not extra:
        return ""
    lines = "\n".join(f"{name}={as_typed(value)}" for name, value in extra.items())
    with contextlib.suppress(InvalidRequest):
        if read_fields(lines) == (extra, []):
            return lines
    return json.dumps(extra, ensure_ascii=False)


def thumbnails(
    urls: Sequence[str], own: Mapping[str, str] = MappingProxyType({}), names: Mapping[str, str] = MappingProxyType({})
) -> Html:
    """The reference media in their order, images as pictures; `own` holds small ones (data:) of the person's files by what was typed,
    `names` what such a file was called.
    """
    images = [url for url in urls if _suffix(url).endswith(IMAGE_SUFFIXES)]
    roles = reference_roles(urls)
    figures = []
    for index, url in enumerate(urls[:MOST_MEDIA_URLS]):
        words = f"{index + 1} · {roles[index]}"
        name = clamp(clean(names.get(url) or _suffix(url).rpartition("/")[2] or url), 40)
        if url in own:
            inner = filled('<img src="{}" alt="{}">', own[url], name)
        elif url in images and url.startswith("https://"):
            inner = filled('<img src="{}" alt="{}" loading="lazy" referrerpolicy="no-referrer">', url, name)
        else:
            inner = filled('<span class="seedance-file">{}</span>', name)
        figures.append(
            filled('<figure title="{}">{}<figcaption>{}</figcaption></figure>', names.get(url, url), inner, words)
        )
    return joined(figures)


def _suffix(url: str) -> str:
    try:
        return urlsplit(url).path.lower()
    except ValueError:
        return ""


def _choice(name: str) -> Field:
    """A choice of what the models take, before one is chosen."""
    title = name.replace("_", " ").capitalize()
    return Field(name, Choice(title, _options(name, EVERY[name]), DEFAULTS[name]))


def _options(name: str, values: Iterable[Any]) -> list[tuple[str, Any]]:
    return [(f"{value}{_unit(name)}", value) for value in values]


def _unit(name: str) -> str:
    return " s" if name == "duration" else ""


def _words(names: Iterable[str]) -> list[tuple[str, Any]]:
    return [(name, name) for name in names]


def _nearest(before: Any, offered: Sequence[Any]) -> Any:
    if isinstance(before, int):
        return min(offered, key=lambda value: abs(value - before))
    return offered[0]


def _choose(control: Choice, value: Any, names: Iterable[str] | None) -> None:
    """Choose a value, offering it first where it is not (a model we do not know, a setting left to the service)."""
    options = _words(names) if names is not None else [*control.options]
    if value not in [known for _, known in options]:
        options.append((LEFT_OPEN if value is None else f"{value} s" if isinstance(value, int) else str(value), value))
    control.offer(options, value)
