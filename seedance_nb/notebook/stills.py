"""For pages where players are not wanted: an nbconvert preprocessor that puts a still and words in the place of each video.

With `--sanitize-html` nbconvert prints every tag it does not allow as text, and with it all that is embedded: a page of megabytes of
letters. No output can prevent that and still play where nobody trusts it, so the HTML is taken out before:

    jupyter nbconvert --to html --sanitize-html notebook.ipynb --HTMLExporter.preprocessors=seedance_nb.notebook.stills.Stills
"""

from __future__ import annotations

from typing import Any

from nbconvert.preprocessors import Preprocessor

from ..pages.html import KEYS


class Stills(Preprocessor):
    """Of what this package has shown, the picture and the words below it; all else stays. The notebook's own file is not changed."""

    def preprocess_cell(self, cell: Any, resources: Any, _index: int) -> tuple[Any, Any]:
        if cell.get("cell_type") == "code":
            cell["outputs"] = [made for output in cell["outputs"] for made in _without_player(output)]
        return cell, resources


def _without_player(output: Any) -> list[Any]:
    data = output.get("data", {})
    if KEYS not in data.get("text/html", ""):
        return [output]
    kinds = ("image/jpeg", "text/plain")  # one below the other: a host shows one kind of each output
    return [{**output, "data": {kind: data[kind]}} for kind in kinds if kind in data]
