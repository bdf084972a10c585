"""The one door from text to HTML, and that there is no other."""

import ast
from pathlib import Path

import pytest
from markupsafe import Markup, escape

import seedance_nb
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.pages import html
from seedance_nb.pages.escaping import Html, clean, escaped, filled, joined
from seedance_nb.snapshot import Snapshot

ROOT = Path(seedance_nb.__file__).parent


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a <b>&</b>", "a &lt;b&gt;&amp;&lt;/b&gt;"),
        ("\" onerror='x'", "&#34; onerror=&#39;x&#39;"),
        ("one\u202etwo\u2066", "onetwo"),
        ("bell\x07 and\nline\t", "bell  and\nline\t"),
        ("half \ud800", "half ?"),
        ("{0} {style}", "{0} {style}"),
        ("ünïcode字", "ünïcode字"),
        (5, "5"),
    ],
)
def test_what_is_put_into_a_template_is_cleaned_and_escaped(text, shown):
    assert escaped(text) == shown
    assert filled('<p title="{}">{leaf}</p>', text, leaf=text) == f'<p title="{shown}">{shown}</p>'
    assert joined([text, Html("<br>"), text], "&") == f"{shown}&amp;<br>&amp;{shown}"


def test_markup_of_ours_passes_as_it_is_and_everything_gives_it():
    made = filled("<b>{}</b>", "<")

    assert type(made) is type(joined([made])) is type(escaped("x")) is Html
    assert escaped(made) is made
    assert filled("<p>{}</p>", made) == "<p><b>&lt;</b></p>"


def test_a_finished_page_can_be_used_as_text():
    page = filled("<p>{}</p>", "<")

    assert page + "<hr>" == "<p>&lt;</p><hr>"
    assert type(page + "<hr>") is type(page[:3]) is str
    assert escape(page) == page  # jinja2 and the like know it as markup


def test_markup_of_somebody_else_is_text():
    snapshot = Snapshot(
        key="j1",
        request=VideoRequest(prompt=Markup("<script>alert(1)</script>")),
        take=1,
        status=Status.QUEUED,
        status_text="queued",
    )

    assert "<script>" not in html.receipt(snapshot)
    assert escaped(Markup("<b>")) == "&lt;b&gt;"


def test_a_text_without_special_signs_is_no_shortcut_past_cleaning():
    for number in range(0x3000):
        sign = chr(number)
        if sign.isalnum():
            assert clean(sign) == sign
            assert escape(sign) == sign


def test_pages_give_markup():
    snapshot = Snapshot(
        key="j1", request=VideoRequest(prompt="a boat"), take=1, status=Status.FAILED, status_text="failed"
    )
    made = [
        html.receipt(snapshot),
        html.ending(snapshot),
        html.figure(snapshot, "v.mp4"),
        html.table(["a"], [["b"]]),
        html.original(None, None, None, None),
        html.saved_line("saved", None),
        html.data_uri("video/mp4", b"x"),
    ]

    assert {type(page) for page in made} == {Html}


def test_there_is_no_other_door():
    own = {ROOT / "pages" / "escaping.py"}
    found = []
    for file in set(ROOT.rglob("*.py")) - own:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found += [f"{file.name}: {name}" for name in names if name.split(".")[0] in ("html", "markupsafe", "xml")]

    assert found == []
