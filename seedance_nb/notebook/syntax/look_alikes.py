"""Signs that stand where a hyphen, a quote, a comma or a comment sign was meant: phones, word processors and full-width keyboards.

What can only have been meant one way is read that way (quotes, commas and digits of a value). What might be prose is refused in one
line that says how to write either. Below `%%seedance`, and between quotes, all typography is the prompt's own. Pure.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Sequence

from ...api.fields import TABLE
from ...api.foreign_settings import setting_named

COMMAS = ",，、﹐､،"
DASHES = "-‐‑‒–—―−﹘﹣－⁃ー"
DOUBLE_QUOTES = '"“”„‟＂″'
SINGLE_QUOTES = "'‘’‚‛＇"
UNSEEN = (
    "\u200b\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Signs of no width; not the two joiners, without which some scripts and emoji are written wrongly."""

_D, _S = re.escape(DOUBLE_QUOTES), re.escape(SINGLE_QUOTES)
_BEGIN, _END = r"(?<!\S)", r"(?!\S)"
QUOTED = "|".join(
    f"{_BEGIN}{part}{_END}"
    for part in (r'"[^"]*"', r"'[^']*'", "“[^“”]*”", f"[{_D}][^{_D}]*[{_D}]", "‘[^‘’]*’", f"[{_S}][^{_S}]*[{_S}]")
)
"""A regular expression for text between quotes with blanks around them."""

_AS_HYPHEN = dict.fromkeys(map(ord, DASHES), "-")
_WITHOUT_UNSEEN = dict.fromkeys(map(ord, UNSEEN))
_KEEP = "in quotes, or below %%seedance, it is part of the prompt"
_SAME_SIGN = str.maketrans("×∶⁄", "x:/")


def plain(text: str) -> str:
    """The value of an option in plain signs: half-width, hyphens, nothing unseen."""
    return unicodedata.normalize("NFKC", text.translate(_WITHOUT_UNSEEN)).translate(_AS_HYPHEN)


def ratio(text: str) -> str:
    """An aspect ratio with a colon, whatever stood between its numbers."""
    return re.sub(r"^(\d{1,3})\s*[:xX*/]\s*(\d{1,3})$", r"\1:\2", plain(text.translate(_SAME_SIGN)))


def unquoted(text: str) -> str:
    """The text without the quotes around it, if it stands between two."""
    if len(text) > 1:
        for quotes in (DOUBLE_QUOTES, SINGLE_QUOTES):
            same = text[0] == text[-1] and text[0] in "\"'"
            pair = text[0] in quotes and text[-1] in quotes and not any(c in quotes for c in text[1:-1])
            if text[0] in quotes and (same or pair):
                return text[1:-1]
    return text


def has_open_quote(text: str) -> bool:
    """Whether a quote begins the text and no other ends anything in it."""
    return text[:1] in tuple(DOUBLE_QUOTES) and not any(c in DOUBLE_QUOTES for c in text[1:])


def is_line_of_dashes(line: str) -> bool:
    """Whether somebody may have meant `---`, and got other dashes for it, or more or fewer."""
    bare = line.translate(_WITHOUT_UNSEEN).strip()
    return bool(bare) and bare not in ("---", "-") and all(c in DASHES and c != "ー" for c in bare)


def trouble(words: Sequence[str], options: Collection[str], with_value: Collection[str]) -> str | None:
    """What is wrong with the words of a line before a lone `--`, in a sentence that names the cure; None if nothing is."""
    begun = False
    i = 0
    while i < len(words):
        word = words[i]
        head = word.partition("=")[0]
        attached = word[:2] if word[:2] in with_value and word[:2] != "--" else ""
        said = None
        if word in with_value or head in options or attached:
            i += 2 if word in with_value else 1
            option = head if head in options else attached
            if not words[min(i, len(words)) - 1].endswith(tuple(COMMAS)):  # the parser says what that is
                said = _behind_option(_SHORT.get(option, option), words[i:], begun=begun)
        else:
            i += 1
            if not re.fullmatch(QUOTED, word):
                said = _of_word(words[i - 1 :], options)
            begun = True
        if said:
            return said
    return None


_SHORT = {field.flags[-1]: field.flags[0] for field in TABLE if len(field.flags) > 1} | {"--takes": "-n"}
_UNITS = ("s", "sec", "secs", "second", "seconds", "sec.", "s.", "초", "秒")


def _behind_option(option: str, rest: Sequence[str], *, begun: bool) -> str | None:
    """What is wrong with the words behind an option and its value."""
    if not rest:
        return None
    word = rest[0]
    if begun and word[0] in "#＃":
        return f"{word} looks like a comment, which has its place on a line of its own; {_KEEP}"
    if option not in ("-m", "-a", "-d", "-r", "-n"):
        return None
    if word[0] in COMMAS:
        return f"a list has no blanks: write {option} A,B without one before the comma"
    if option == "-d" and word.lower() in _UNITS:
        return f"-d wants whole seconds alone: leave {word!r} out"
    ends = len(rest) == 1 or rest[1].startswith("-")
    second = is_plausible(option, word, fields=False) and (ends or option in ("-m", "-a", "-r"))
    if second:
        return f"{option} has one value, and {word!r} behind it would become part of the prompt: write a list with a comma and no blank; {_KEEP}"
    return None


def _of_word(words: Sequence[str], options: Collection[str]) -> str | None:
    """What is wrong with the first of these words, which is none of an option."""
    word, following, third = (*words[:3], "", "")[:3]
    if all(c in "#＃" for c in word):
        return f"{word} looks like the beginning of a comment, which has its place on a line of its own; {_KEEP}"
    meant = _option_meant(word, following, options)
    if meant:
        return (
            f"{word!r} looks like {meant}, but with a sign that is no hyphen or cannot be seen: write {meant}; {_KEEP}"
        )
    if all(c in DASHES for c in word):
        apart = _option_of(plain(following).strip("-"), options)
        if apart != "-o" and apart and is_plausible(_SHORT.get(apart, apart), third, fields=False):
            return f"'{word} {following} {third}' looks like {apart} {third}: write it without the blank; {_KEEP}"
    glued = re.fullmatch(rf".*[^\s{re.escape(DASHES)}][{re.escape(DASHES)}]([danrmi])", word)
    if glued and is_plausible(f"-{glued[1]}", following, fields=False):
        return f"'{word} {following}' looks like -{glued[1]} {following}: write a blank before the hyphen; {_KEEP}"
    return None


def _option_meant(word: str, following: str, options: Collection[str]) -> str | None:
    """The option that a word with foreign dashes, or with unseen signs in it, was probably meant to be."""
    bare = plain(word)
    name, equals, _ = bare.partition("=")
    if bare == word or not re.match(r"-+[A-Za-z]", bare):
        return None
    option = _option_of(name.strip("-"), options)
    if option is None:
        attached = re.fullmatch(r"-+([a-z])(\d\S*)", bare)
        return f"-{attached[1]}" if attached and is_plausible(f"-{attached[1]}", attached[2]) else None
    if len(option) > 2 or equals or option in ("-q", "-h"):
        return option
    return option if is_plausible(option, following) else None


def _option_of(name: str, options: Collection[str]) -> str | None:
    """The option of this name, or of one written almost so."""
    lower = name.lower()
    if len(lower) == 1:
        return f"-{lower}" if f"-{lower}" in options else None
    if f"--{lower}" in options:
        return f"--{lower}"
    known = setting_named(lower)
    if known is not None and known.option and len(lower) > 1:
        return known.option
    near = difflib.get_close_matches(f"--{lower}", [o for o in options if len(o) > 4], n=1, cutoff=0.85)
    return near[0] if near else None


def is_plausible(option: str, value: str, *, fields: bool = True) -> bool:
    """Whether this may be a value of the option (with `fields` a `{name}`, too), so that it was hardly meant as prose."""
    bare = plain(value).rstrip(".;")
    patterns = {
        "-d": r"\d{1,3}(,\d{1,3})*",
        "-n": r"\d{1,3}",
        "-a": r"\d{1,2}[:xX/×]\d{1,2}(,.*)?",
        "-r": r"\d{3,4}[pP](,.*)?",
        "-m": r"(?i:seedance\S*)",
        "-i": r"\S+://\S+",
        "-o": r"[^\W\d]\w*",
    }
    pattern = patterns.get(option)
    if pattern is None:
        return False
    return bool(re.fullmatch(pattern, bare) or (fields and re.fullmatch(r"\{[^{}]+\}", bare)))
