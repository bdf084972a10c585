"""From a template and its axes to cells: every combination as a request, before anything is sent or paid for. Pure."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import heapq
import itertools
import json
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from ..api.catalog import Catalog
from ..api.fields import DEFAULTS, FIELDS, TABLE, TAKE, field_meant, field_mistyped
from ..api.models import VideoRequest, make_request
from ..api.plain_values import whole_number
from ..api.signed_addresses import without_signatures
from ..errors import InvalidRequest, one_line, shortened
from .alternatives import as_template
from .values import are_rows, check_takes, rows_of, value_of, values_of

AS_WRITTEN = "prompt, as written"
"""In the rows of a grid rebuilt from its manifest: the template its finished prompt was made from, to be shown on the axis."""
MOST_CELLS = 10_000
"""More is a mistake in the axes, not a study."""
MOST_TO_DRAW_FROM = 1_000_000
"""Combinations of which a sample may be drawn."""

Identity = tuple[str, int]
"""What two cells share that are the same video: the hash of the canonical request, and the take."""
Where = Mapping[str, Any] | Callable[["Combination"], object]
"""Chooses cells: wanted values by the names of axes, or a function of a Combination."""


class Combination(dict[str, Any]):
    """The values of one cell, as `where` sees them: `c["model"]` or `c.model`; `c.prompt` is the finished text."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(str(no_such_axis(name, list(self)))) from None


@dataclasses.dataclass(frozen=True)
class Cell:
    """One place of a grid: its values on the axes, and the take of the request they make."""

    index: int
    """Its place in the order of the plan, from 0."""
    values: Mapping[str, Any]
    """Its value on every axis, by the axis' name; "prompt" holds the template as the user wrote it."""
    request: VideoRequest | None
    """Without signatures, as it may be shown. None where the values make no request at all; then `invalid` says why."""
    take: int
    invalid: str | None = None
    """Why the service would refuse it, in one line."""
    note: str | None = None
    """What should be known before it is paid for, in one line."""
    signed: VideoRequest | None = dataclasses.field(default=None, repr=False)
    """The request as it is sent, with whatever signs its addresses; shown and exported nowhere."""
    warnings: tuple[str, ...] = ()
    """What is sent as it is although it may have been meant otherwise, a line each."""

    @property
    def to_send(self) -> VideoRequest | None:
        """The request as it is sent."""
        return self.request if self.signed is None else self.signed

    @property
    def identity(self) -> Identity | None:
        """What two cells share that are the same video: they cost once."""
        return None if self.request is None else (self.request.canonical_hash(), self.take)


@dataclasses.dataclass(frozen=True)
class Axes:
    """What is varied, and how. Made by `lay_out`; `cells` are its combinations, the last axis and then the take fastest.

    `rows` are dicts of values that belong together (mode "zip", lists of dicts, DataFrames); each is combined with every
    combination of `axes`. `constants` hold for all. `raw` prompts are taken as they are, braces and all.
    """

    rows: tuple[Mapping[str, Any], ...] = ({},)
    axes: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    constants: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    takes: int = 1
    where: Callable[[Combination], object] | None = None
    raw: bool = False
    emptied: tuple[tuple[str, ...], ...] = ()
    """For the first rows: which fields had an empty cell there and are left to the default."""
    alternatives: tuple[str, ...] = ()
    """The axes that stand in the prompt as `{a|b}`: a prompt without one of them does not vary along it."""
    sample: int | None = None
    """So many combinations are drawn, by what is in them: the same ones each time, with all their takes."""
    shown: tuple[str, ...] | None = None
    """The names that count as axes, where not all row keys do (a grid rebuilt from its manifest)."""

    @property
    def names(self) -> tuple[str, ...]:
        """The axes in order: those of the rows, the others, and "take" where there is more than one."""
        if self.shown is not None:
            return self.shown if self.takes == 1 or TAKE in self.shown else (*self.shown, TAKE)
        of_rows = list(dict.fromkeys(key for row in self.rows for key in row))
        names = [*of_rows, *(name for name in self.axes if name not in of_rows)]
        return (*names, TAKE) if self.takes > 1 and TAKE not in names else tuple(names)

    def cells(self, catalog: Catalog | None = None) -> tuple[Cell, ...]:
        """Every combination that `where` lets through, judged by what the service allows, if its catalog is given. Raises InvalidRequest for names and braces that cannot be meant."""
        names, made = self.names, list[Cell]()
        for row, values in self._drawn():
            for take in self._takes_of(values):
                text, empty = self._text_of(values)
                if self.where is not None and not self._lets_through(values, text, take):
                    continue
                request, invalid, warnings = (
                    _request_of({**values, "prompt": text}, catalog) if empty is None else (None, empty, ())
                )
                shown = {name: take if name == TAKE else without_signatures(values.get(name)) for name in names}
                if "prompt" in shown and AS_WRITTEN in values:
                    shown["prompt"] = values[AS_WRITTEN]
                kept = None if request is None else request.without_signatures()
                made.append(Cell(len(made), shown, kept, take, invalid, self._note_of(row, request), request, warnings))
                if len(made) > MOST_CELLS:
                    raise InvalidRequest(f"these axes make more than {MOST_CELLS:,} cells; use fewer values or where=")
        return tuple(made)

    def _note_of(self, row: int, request: VideoRequest | None) -> str | None:
        names = self.emptied[row] if row < len(self.emptied) else ()
        if request is None or not names:
            return None
        used = (f"{name} {one_line(getattr(request, name, 'counted'), 40)}" for name in names)
        return f"empty in its row, so left to the default: {', '.join(used)}"

    def extended(self, *, takes: int | None = None, **more: Any) -> Self:
        """The same with more takes or more values; what is there already is not repeated. Raises InvalidRequest."""
        chosen = self.takes if takes is None else check_takes(takes)
        if chosen < self.takes:
            raise InvalidRequest(f"this grid has {self.takes} takes already; extend(takes=…) wants the new total")
        if more and self.sample is not None:
            raise InvalidRequest("a grid of a sample can get more takes, but no new values: write its axes again")
        constants, axes = dict(self.constants), dict(self.axes)
        rows = self.rows if takes is None else _with_takes(self.rows, chosen)
        if more and self.shown is not None:
            raise InvalidRequest(
                "a grid rebuilt from its manifest can get more takes, but no new values: write its axes again"
            )
        if more and any(name in row for row in rows for name in more):
            rows = (*rows, *(row for row in _zipped(_listed(more)) if not any(_same(row, old) for old in rows)))
        else:
            for name, values in more.items():
                if name not in axes and name not in constants and name not in FIELDS:
                    known = [*axes, *constants]
                    raise InvalidRequest(f"this grid has no {name!r}{_near(name, known)}; it has {', '.join(known)}")
                before = axes.get(name, (constants.pop(name),) if name in constants else _default_of(name))
                axes[name] = _unique([*before, *(values_of(name, values) or [value_of(name, values)])])
        return dataclasses.replace(self, takes=chosen, constants=constants, axes=axes, rows=rows)

    def _drawn(self) -> Iterable[tuple[int, dict[str, Any]]]:
        """All combinations, or the sample: those whose content has the smallest digests, in their usual order."""
        if self.sample is None:
            return self._combinations()
        few: list[tuple[int, int, int, dict[str, Any]]] = []
        for index, (row, values) in enumerate(self._combinations()):
            if index >= MOST_TO_DRAW_FROM:
                raise InvalidRequest(
                    f"a sample is drawn of at most {MOST_TO_DRAW_FROM:,} combinations; use fewer values"
                )
            text, empty = self._text_of(values)
            if (
                self.where is not None
                and empty is None
                and not any(self._lets_through(values, text, take) for take in self._takes_of(values))
            ):
                continue
            content = value_key(without_signatures({**values, "prompt": text}))
            rank = int.from_bytes(hashlib.sha256(content.encode()).digest()[:12])
            if len(few) < self.sample:
                heapq.heappush(few, (-rank, -index, row, values))
            elif (-rank, -index) > few[0][:2]:
                heapq.heapreplace(few, (-rank, -index, row, values))
        return [(row, values) for _, _, row, values in sorted(few, key=lambda one: -one[1])]

    def _takes_of(self, values: Mapping[str, Any]) -> Iterable[int]:
        return [values[TAKE]] if TAKE in values else range(1, self.takes + 1)

    def _combinations(self) -> Iterable[tuple[int, dict[str, Any]]]:
        for index, row in enumerate(self.rows):
            free = {name: values for name, values in self.axes.items() if name not in row}
            for combination in itertools.product(*free.values()):
                values = {**self.constants, **row, **dict(zip(free, combination, strict=True))}
                idle = self._idle_in(values)
                if all(values[name] == self.axes[name][0] for name in idle):
                    yield index, {**values, **dict.fromkeys(idle, "")}

    def _idle_in(self, values: Mapping[str, Any]) -> list[str]:
        """The alternatives that this prompt has not."""
        template = values.get("prompt")
        if not self.alternatives or not isinstance(template, str):
            return []
        used = {name for _, name, _, _ in _parts_of(template)}
        return [name for name in self.alternatives if name not in used]

    def _text_of(self, values: Mapping[str, Any]) -> tuple[Any, str | None]:
        """(the finished prompt, why there is none): a prompt with "None" or "nan" in it is nobody's wish."""
        template = values.get("prompt")
        if self.raw or not isinstance(template, str):
            return template, None
        given = {name: value for name, value in values.items() if name != "prompt"}
        for _, name, _, _ in _parts_of(template):
            if name in given and given[name] is None:
                return "", f"{{{one_line(name, 40)}}} has no value in this cell; give it one, or leave the row out"
        return fill(template, given), None

    def _lets_through(self, values: Mapping[str, Any], text: Any, take: int) -> bool:
        assert self.where is not None
        return bool(self.where(Combination({**DEFAULTS, **values, "prompt": text, TAKE: take})))


def lay_out(
    prompt: Any,
    rows: Any = None,
    *,
    takes: int = 1,
    mode: str = "product",
    where: Callable[[Combination], object] | None = None,
    raw: bool = False,
    sample: int | None = None,
    **values: Any,
) -> Axes:
    """The axes that a call of `seedance_nb.grid` describes; raises InvalidRequest.

    `prompt` is a template, a list of templates, or the rows themselves: a list of dicts or a DataFrame, whose keys are fields of
    the request or names in a template. Of `values`, lists are axes and single values hold for every cell. In mode "zip" the
    axes go side by side and have one length; in mode "product" every value meets every other. `{a|b}` in a prompt that is not raw is an
    axis too, and meets every other in both modes. `sample` combinations are drawn, the same ones each time.
    """
    if mode not in ("product", "zip"):
        raise InvalidRequest(f"mode must be 'product' or 'zip', not {one_line(mode, 40)!r}")
    if rows is None and not isinstance(prompt, str):
        rows, prompt = (prompt, values.pop("prompt", None)) if are_rows(prompt) else (None, prompt)
    if prompt is not None:
        values = {"prompt": prompt, **values}
    constants: dict[str, Any] = {}
    axes: dict[str, tuple[Any, ...]] = {}
    for name, value in values.items():
        several = values_of(name, value)
        if several is None:
            constants[name] = value_of(name, value)
        elif not several:
            raise InvalidRequest(f"the axis {name} is empty; give it at least one value")
        else:
            axes[name] = _unique(several) if mode == "product" else tuple(several)
    laid_rows, emptied = rows_of(rows) if rows is not None else (({},), ())
    laid = Axes(
        rows=laid_rows,
        axes=axes,
        constants=constants,
        takes=check_takes(takes),
        where=where,
        raw=raw,
        emptied=emptied,
    )
    if mode == "zip" and axes:
        if rows is not None:
            raise InvalidRequest(
                "rows are zipped already: leave mode='zip' out, or write the axes as columns of the rows"
            )
        laid = dataclasses.replace(laid, rows=_zipped(axes), axes={})
    if not raw:
        laid = _with_alternatives(laid)
    if sample is not None:
        number = whole_number(sample)
        if number is None or number < 1:
            raise InvalidRequest(
                f"sample must be a whole number from 1, not {one_line(repr(sample), 40)}; nothing was sent"
            )
        laid = dataclasses.replace(laid, sample=number)
    _check_names(laid)
    return laid


def _with_alternatives(laid: Axes) -> Axes:
    """The same with `{a|b}` in its prompts as axes."""
    found: dict[str, tuple[str, ...]] = {}

    def read(values: Mapping[str, Any]) -> dict[str, Any]:
        template = values.get("prompt")
        return {**values, "prompt": as_template(template, found)} if isinstance(template, str) else dict(values)

    constants, rows = read(laid.constants), tuple(map(read, laid.rows))
    axes = dict(laid.axes)
    if "prompt" in axes:
        axes["prompt"] = tuple(as_template(one, found) if isinstance(one, str) else one for one in axes["prompt"])
    taken = next((name for name in found if name in (*axes, *constants, *(key for row in rows for key in row))), None)
    if taken is not None:
        raise InvalidRequest(f"the alternatives {{{taken}}} have the name of another axis; nothing was sent")
    return dataclasses.replace(laid, constants=constants, rows=rows, axes={**axes, **found}, alternatives=tuple(found))


def fill(template: str, values: Mapping[str, Any]) -> str:
    """The template with its `{names}` replaced; `{{` and `}}` are literal braces. Raises InvalidRequest for unknown names."""
    done = []
    for literal, name, spec, conversion in _parts_of(template):
        done.append(literal)
        if name is None:
            continue
        if name not in values:
            raise no_such_axis(
                name, list(values), written=f"{{{one_line(name, 40)}}}", more="; {{ }} are literal braces"
            )
        value = values[name]
        if conversion:
            value = ascii(value) if conversion == "a" else repr(value) if conversion == "r" else str(value)
        try:
            done.append(format(value, spec or ""))
        except (TypeError, ValueError) as error:
            raise InvalidRequest(f"{{{name}:{spec}}} does not fit {one_line(value, 40)!r} ({error})") from None
    return "".join(done)


def _parts_of(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(string.Formatter().parse(template))
    except ValueError as error:
        raise InvalidRequest(
            f"a brace stands alone in {one_line(template, 60)!r} ({error}); write {{{{ or }}}} for one"
        ) from None


def check_axis(name: object, names: Sequence[str]) -> None:
    """Raises InvalidRequest, with near names, unless this is one of them."""
    if name not in names:
        raise no_such_axis(name, names)


def no_such_axis(name: object, names: Sequence[str], *, written: str | None = None, more: str = "") -> InvalidRequest:
    """What is said of a name that is no axis; `written` is how the user wrote it, `more` what else should be known."""
    known = ", ".join(names) or "no axes: every cell has the same values"
    return InvalidRequest(
        f"{written or repr(one_line(name, 40))} is no axis of this grid{_near(str(name), names)}; there are {known}{more}"
    )


def levels(cells: Iterable[Cell], name: str) -> tuple[Any, ...]:
    """The different values on an axis, in the order of the cells."""
    return _unique([cell.values.get(name) for cell in cells])


def value_key(value: Any) -> str:
    """A text that is the same for equal values of an axis, also for lists and dicts."""
    return json.dumps(value, sort_keys=True, default=repr, ensure_ascii=False)


# Inside -----------------------------------------------------------------------------------------------


def _request_of(
    values: Mapping[str, Any], catalog: Catalog | None
) -> tuple[VideoRequest | None, str | None, tuple[str, ...]]:
    fields = {name: values[name] for name in FIELDS if name in values}
    request = None
    try:
        if fields.get("prompt") is None:
            raise InvalidRequest("it has no prompt: give a template, or rows with a 'prompt'")
        request = make_request(**fields)
        warnings = () if catalog is None else catalog.check(request)
    except InvalidRequest as error:
        return request if request is not None and _has_identity(request) else None, shortened(error, 300), ()
    return request, None, warnings


def _has_identity(request: VideoRequest) -> bool:
    """Whether it could be written at all: one bad value must not stop the grid."""
    try:
        request.canonical_hash()
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False
    return True


def _check_names(laid: Axes) -> None:
    """What is nearly a field would leave that field at its default; an axis that nothing uses would buy one video under two names."""
    prompts = [*laid.axes.get("prompt", ()), laid.constants.get("prompt"), *(row.get("prompt") for row in laid.rows)]
    texts = [] if laid.raw else [text for text in prompts if isinstance(text, str)]
    used = {part[1] for text in texts for part in _parts_of(text) if part[1]}
    given = [*laid.axes, *laid.constants]
    for name in dict.fromkeys([*given, *(name for row in laid.rows for name in row)]):
        if name in used:
            continue
        meant = field_meant(name)
        if meant is None and (laid.raw or name not in given):  # else it is an axis that nothing uses: see below
            meant = field_mistyped(name)
        if meant is not None:
            what, right = ("axis", "takes" if meant == TAKE else meant) if name in given else ("column", meant)
            raise InvalidRequest(
                f"the {what} {shortened(repr(name), 60)} is no field of a request: name it {right!r}, or something else if it is a label;"
                " nothing was sent"
            )
    if laid.raw:
        return
    for name in given:
        if name not in FIELDS and name not in used:
            near = _near(name, [*FIELDS, *used])
            raise InvalidRequest(
                f"nothing uses the axis {name!r}{near}; put {{{name}}} into the prompt, or name a field of the request"
            )


def _zipped(axes: Mapping[str, Sequence[Any]]) -> tuple[Mapping[str, Any], ...]:
    lengths = {name: len(values) for name, values in axes.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        raise InvalidRequest(f"in mode 'zip' all axes have one length, but {said}; mode='product' combines them all")
    return tuple(dict(zip(axes, values, strict=True)) for values in zip(*axes.values(), strict=True))


def _listed(more: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    found = {name: values_of(name, value) for name, value in more.items()}
    return {name: [value_of(name, more[name])] if values is None else values for name, values in found.items()}


def _unique(values: Iterable[Any]) -> tuple[Any, ...]:
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(value_key(value), value)
    return tuple(found.values())


def _with_takes(rows: Sequence[Mapping[str, Any]], total: int) -> tuple[Mapping[str, Any], ...]:
    """The rows, and where they name their takes, more of them until there are `total` of each."""
    made: dict[str, tuple[dict[str, Any], set[int]]] = {}
    for row in rows:
        if TAKE in row:
            rest = {name: value for name, value in row.items() if name != TAKE}
            made.setdefault(value_key(rest), (rest, set()))[1].add(row[TAKE])
    more = []
    for rest, takes in made.values():
        free = (take for take in itertools.count(min(takes)) if take not in takes)
        more += [{**rest, TAKE: take} for take in itertools.islice(free, max(0, total - len(takes)))]
    return (*rows, *more)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return value_key(dict(one)) == value_key(dict(other))


def _default_of(name: str) -> tuple[Any, ...]:
    """What a field is where nobody named it, so that more values stand beside it."""
    return tuple(field.default for field in TABLE if field.name == name != "prompt")


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""
