"""Short names for what is compared: of several prompts only what differs, of every axis value a label people read. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..api.fields import TAKE
from ..errors import one_line
from .axes import value_key

LABEL_LENGTH = 60
"""Characters of a label; what is longer is cut at a word."""
WHOLE_LENGTH = 32
"""Values of a template's name stay whole up to here: "red fox" next to "red hen" reads better than "… fox"."""
MOST_TEXTS = 200
"""Every text is compared with every other to find the words that vary: above this many nobody would click them."""
CUT = "…"

# Chinese and Japanese texts have few spaces: there every character counts as a word. Korean has words, with spaces between them.
_IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\s{_IDEOGRAPH}]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, as `pieces` cuts it. All pieces of a text, joined, are the text."""

    text: str
    alike: tuple[int, ...] | None = None
    """Where the part varies: the indices of the texts that differ from this one by this part alone; else None."""


def what_differs(texts: Sequence[str]) -> tuple[str, ...]:
    """A short label for each text, holding only what differs between them; "…" stands for what was cut.

    Equal texts get equal labels, different texts different ones, and none is empty. Words count as wholes. Where all texts are
    equal, the label is the text itself, shortened.
    """
    different = list(dict.fromkeys(texts))
    shown = _shortened(_differences([_words(text) for text in different]), different)
    made = dict(zip(different, _told_apart(shown), strict=True))
    return tuple(made[text] for text in texts)


def label(name: str, value: Any, values: Sequence[Any]) -> str:
    """What to write beside a value of the axis `name` whose values are `values`: "5 s", "take 2", "2 references".

    Values that differ get labels that differ. A value that is not among `values` is labelled as if it were.
    """
    every = [*values, value]
    return labels(name, every)[-1]


def labels(name: str, values: Sequence[Any]) -> tuple[str, ...]:
    """`label` of every value of an axis, in their order."""
    different = [value for _, value in sorted({value_key(value): value for value in values}.items())]
    if different and all(isinstance(value, str) for value in different):
        long = name == "prompt" or any(len(value) > WHOLE_LENGTH for value in different)
        shown = list(what_differs(different)) if long and name != "model" else [_text(value) for value in different]
    else:
        shown = [_words_for(name, value) for value in different]
        # Two dicts or two lists of references may begin alike: then their contents have to say it.
        if len(set(shown)) < len(shown):
            whole = what_differs([_contents(value) for value in different])
            shown = [
                text if shown.count(text) == 1 else f"{text}: {whole[i]}" if _is_media(name) else whole[i]
                for i, text in enumerate(shown)
            ]
    made = dict(zip(map(value_key, different), _told_apart(shown), strict=True))
    return tuple(made[value_key(value)] for value in values)


def axis_title(name: str) -> str:
    """The name of an axis as people read it: "aspect ratio", "references"."""
    return {"media_urls": "references", "webhook_url": "webhook"}.get(name, one_line(name.replace("_", " "), 40))


def pieces(texts: Sequence[str]) -> tuple[tuple[Piece, ...], ...]:
    """Each text cut into what stays and what varies by itself, so that one part can be asked about alone.

    Two texts differ by one part if they are equal before and after it. Of parts that lie within each other the smallest is
    kept; a part is never the whole text. With more than `MOST_TEXTS` different texts every text is one piece.
    """
    different = list(dict.fromkeys(texts))
    if not 1 < len(different) <= MOST_TEXTS:
        return tuple((Piece(text),) for text in texts)
    where: dict[str, list[int]] = {text: [] for text in different}
    for index, text in enumerate(texts):
        where[text].append(index)
    found = [[match.span() for match in _WORD.finditer(text)] for text in different]
    words = [tuple(text[a:b] for a, b in spans) for text, spans in zip(different, found, strict=True)]
    cut = {}
    for own, text in enumerate(different):
        runs: dict[tuple[int, int], list[int]] = {}
        for other in range(len(different)):
            begin, end = _difference(words[own], words[other])
            if other != own and begin < end and (end - begin < len(words[own]) or end == 1):
                runs.setdefault((begin, end), []).extend(where[different[other]])
        cut[text] = _cut(text, found[own], runs)
    return tuple(cut[text] for text in texts)


# -- by words ------------------------------------------------------------------------------------------------------------


class _Word(str):
    """A word, which also knows whether there was a space before it; equal to the same word elsewhere."""

    __slots__ = ("is_spaced",)
    is_spaced: bool


def _words(text: str) -> list[str]:
    found: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        word = _Word(match[0])
        word.is_spaced = match.start() > end
        end = match.end()
        found.append(word)
    return found


def _difference(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """The words of `one`, from and to, that are not what both begin and end with."""
    shorter = min(len(one), len(other))
    begin = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    back = next((i for i in range(shorter - begin) if one[-1 - i] != other[-1 - i]), shorter - begin)
    return begin, len(one) - back


def _cut(
    text: str, spans: Sequence[tuple[int, int]], runs: Mapping[tuple[int, int], Sequence[int]]
) -> tuple[Piece, ...]:
    smallest = [
        (begin, end)
        for begin, end in sorted(runs)
        if not any(begin <= b and e <= end and (b, e) != (begin, end) for b, e in runs)
    ]
    made, done, word = [], 0, 0
    for begin, end in smallest:
        if begin < word:  # it overlaps with the one before
            continue
        start, stop = spans[begin][0], spans[end - 1][1]
        if start > done:
            made.append(Piece(text[done:start]))
        made.append(Piece(text[start:stop], tuple(sorted(runs[begin, end]))))
        done, word = stop, end
    if done < len(text) or not made:
        made.append(Piece(text[done:]))
    return tuple(made)


def _differences(texts: Sequence[Sequence[str]]) -> list[str]:
    """What is left of each list of words without what all begin with and all end with; never nothing."""
    if len(texts) < 2:
        return [_joined(words) for words in texts]
    shortest = min(len(words) for words in texts)
    first = texts[0]
    begin = next((i for i in range(shortest) if any(words[i] != first[i] for words in texts)), shortest)
    rest = shortest - begin
    back = next((i for i in range(rest) if any(words[-1 - i] != first[-1 - i] for words in texts)), rest)
    # One of them is nothing but the common words: give each a word of its neighbourhood.
    if begin + back == shortest and shortest > 0:
        begin, back = (begin - 1, back) if begin else (begin, back - 1)
    middles = [list(words[begin : len(words) - back]) for words in texts]
    if len({len(words) for words in middles}) == 1:
        same = [len(set(column)) == 1 for column in zip(*middles, strict=True)]
        middles = [[CUT if same[i] else word for i, word in enumerate(words)] for words in middles]
    return [_joined([*[CUT][:begin], *words, *[CUT][:back]]) for words in middles]


def _joined(words: Sequence[str]) -> str:
    """The words as a line: spaces where the text had some and around what was cut, one "…" where several stand together."""
    line = ""
    for i, word in enumerate(words):
        if word == CUT and i and words[i - 1] == CUT:
            continue
        is_tight = bool(i) and words[i - 1] != CUT and not getattr(word, "is_spaced", True)
        line += word if is_tight or not line else f" {word}"
    return line


def _shortened(shown: Sequence[str], texts: Sequence[str]) -> list[str]:
    short = [_text(label) for label in shown]
    made = list(short)
    for text in set(short):
        group = [i for i, other in enumerate(short) if other == text]
        # They begin alike and differ further on, where the label was cut: show the beginning and the difference.
        if 1 < len(group) < len(texts):
            inner = what_differs([texts[i] for i in group])
            for i, tail in zip(group, inner, strict=True):
                head = _text(text, LABEL_LENGTH // 2).rstrip(f" {CUT}")
                made[i] = f"{head} {tail if tail.startswith(CUT) else f'{CUT} {tail}'}"
    return made


def _told_apart(shown: Sequence[str]) -> list[str]:
    """The same, numbered where two would read alike: texts can differ by their spaces alone."""
    seen: dict[str, int] = {}
    taken = set(shown)
    made = []
    for text in shown:
        name = text or "(empty)"
        seen[name] = seen.get(name, 0) + 1
        unique = name
        while seen[name] > 1 and (unique == name or unique in taken):
            unique = f"{name} ({seen[name]})"
            seen[name] += unique in taken
        taken.add(unique)
        made.append(unique)
    return made


# -- by axis -------------------------------------------------------------------------------------------------------------


def _words_for(name: str, value: Any) -> str:
    if value is None:
        return "the service's choice"
    if name == TAKE:
        return f"take {_text(value)}"
    if name == "duration":
        return f"{_number(value)} s"
    if _is_media(name):
        count = len(value) if isinstance(value, list | tuple) else 1
        return f"{count} reference" if count == 1 else f"{count} references"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _text(_contents(value))
    return _number(value)


def _is_media(name: str) -> bool:
    return name == "media_urls"


def _contents(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return ", ".join(value)
    return value if isinstance(value, str) else value_key(value)


def _number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, int | float) else _text(value)


def _text(value: object, limit: int = LABEL_LENGTH) -> str:
    """One line of at most `limit` characters, cut after a word where there is one."""
    line = one_line(value, 100_000)
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    at_word = head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head
    return at_word.rstrip(f" {CUT},;") + CUT
