"""The same words in other bytes are one text; what can be seen stays."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_nb.api.canonical_text import canonical_text


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"], ids=ascii)
def test_every_line_end_is_a_line_feed(line_end):
    assert canonical_text(f"one{line_end}{line_end}two") == "one\n\ntwo"
    assert canonical_text(f"ein{line_end}übel") == "ein\nübel"


@pytest.mark.parametrize(
    "blank", [*"\t\u00a0\u1680\u2002\u2007\u2009\u200a\u202f\u205f\u3000\u3164\uffa0\u2800"], ids=ascii
)
def test_every_blank_is_a_plain_one(blank):
    assert canonical_text(f"a{blank}boat{blank}\nand{blank}{blank}one é") == "a boat\nand  one é"


@pytest.mark.parametrize(
    "nothing", [*"\ufeff\u200b\u2060\u00ad\u180e\u2063\u200e\u200f\u061c\u202a\u202e\u2066\u2069"], ids=ascii
)
def test_what_is_never_seen_is_dropped_wherever_it_stands(nothing):
    assert canonical_text(f"{nothing}a bo{nothing}at{nothing}") == "a boat"
    assert canonical_text(f"caf e{nothing}\u0301") == "caf é"


@pytest.mark.parametrize("text", ["café", "Ångström", "한국어", "ガ", "ế", "Ω"])
def test_composed_and_decomposed_letters_are_one(text):
    composed = unicodedata.normalize("NFC", text)

    assert {canonical_text(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")} == {composed}


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d🚀",
        "❤\ufe0f",
        "می\u200cخواهم",
        "क्\u200dष",
        "🏴\U000e0067\U000e0062\U000e007f",
        "“quotes” – dashes… ‘as typed’",
        "two  blanks",
        "ﬁne ½ x² Ａ",
        "a\n\n  indented",
        "fullwidth，comma",
    ],
    ids=ascii,
)
def test_what_can_be_seen_stays(text):
    assert canonical_text(text) == text


def test_blanks_at_the_ends_of_lines_go_and_lines_stay():
    assert canonical_text(" \n one \n\n two\t\n") == "one\n\n two"


@given(
    st.text(st.characters(exclude_categories=["Cs"])) | st.text("a e\u0301\u0308\u200b\u00a0\r\n\t\u2028가\u1100\u1161")
)
@settings(deadline=None)
def test_what_is_canonical_stays_as_it_is(text):
    once = canonical_text(text)

    assert canonical_text(once) == once
