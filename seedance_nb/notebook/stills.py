"""For pages where players are not wanted: an nbconvert preprocessor that puts stills and words in the place of each video.

With `--sanitize-html` nbconvert prints every tag it does not allow as text, and with it all that is embedded: a page of megabytes of
letters. No output can prevent that and still play where nobody trusts it, so the HTML is taken out before:

    jupyter nbconvert --to html --sanitize-html notebook.ipynb --HTMLExporter.preprocessors=seedance_nb.notebook.stills.Stills

The same makes a notebook of stills, from which paper is made: `--to notebook --NotebookExporter.preprocessors=…`, then `--to latex`.
"""

from __future__ import annotations

import re
from typing import Any

from nbconvert.preprocessors import Preprocessor

from ..pages.html import KEYS

_POSTER = re.compile(r'<img [^>]*?src="data:image/jpeg;base64,([A-Za-z0-9+/=]+)"')


class Stills(Preprocessor):
    """Of what this package has shown, the pictures and the words below them; all else stays. The notebook's own file is not changed."""

    def preprocess_cell(self, cell: Any, resources: Any, _index: int) -> tuple[Any, Any]:
        if cell.get("cell_type") == "code":
            cell["outputs"] = [made for output in cell["outputs"] for made in _without_player(output)]
        return cell, resources


def _without_player(output: Any) -> list[Any]:
    data = output.get("data", {})
    if KEYS not in data.get("text/html", ""):
        return [output]
    stills = [{"image/jpeg": poster} for poster in _POSTER.findall(data["text/html"])]
    # One below the other: a host shows one kind of each output.
    kinds = (*stills, {"text/plain": data.get("text/plain", "")})
    return [type(output)({**output, "data": type(output)(kind), "metadata": type(output)()}) for kind in kinds]
