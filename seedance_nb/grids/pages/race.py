"""A race on the screen: its sentences, the first one in bold. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ...pages.escaping import Html, filled, joined
from ...pages.html import WRAP


def race_html(words: Sequence[str]) -> Html:
    """Where it stands, its rounds, and what is next; for `text/html`."""
    lines = joined(
        filled(
            '<p style="margin:{}px 0 0 0;{}{}">{}</p>',
            *(4 if place else 0, "" if place else "font-weight:bold;", WRAP, said),
        )
        for place, said in enumerate(words)
    )
    return filled('<div style="margin:4px 0;line-height:1.5;max-width:760px">{}</div>', lines)
