"""Scripts as they are served: a module with all it imports, in one text that is made when it is asked for. There is no bundle to keep.

Every `.js` file is an ES module that says what it takes from which other file, and is checked and tested as such (`make lint`). Neither a
widget's one text nor the `<script>` of a stored page can import files, so here the modules are put one after the other, what is imported
first. Nothing is rewritten: the lines of `import` and of comments go, and the word `export`. All then share one scope, so a name
stands for one thing in all of them. The very texts that are served are checked too (tests/pages/test_assets.py).
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{\s*\w+(?:,\s*\w+)*,?\s*\} from "(?P<file>\.[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const |class )", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_NAME = re.compile(r"^(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*[^*]*(?:\*(?!/)[^*]*)*\*/)\n", re.MULTILINE)
"""Lines that are nothing but a comment: a third of the text, which a notebook would store and each widget send."""


@functools.cache
def module(file: Path) -> str:
    """An ES module with all it imports, as anywidget wants it. Raises ValueError for what cannot be joined: a form of import or export
    that is not known here, a circle, a name that two modules use.
    """
    text = "\n".join(_joined(file.resolve(), ()).values())
    names = _NAME.findall(text)
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{file.name}: more than one module has the name {', '.join(sorted(twice))}")
    return text


@functools.cache
def script(file: Path) -> str:
    """The same for a `<script>` in a page: strict, in a scope of its own, and without what would end the element."""
    return f'(() => {{\n"use strict";\n{module(file)}}})();'.replace("</script", "<\\/script")


@functools.cache
def style(file: Path) -> str:
    """The text of a style sheet."""
    return file.read_text(encoding="utf-8")


def _joined(file: Path, above: tuple[Path, ...]) -> dict[Path, str]:
    """The texts of a module and of those it imports, each once, in the order in which a browser would run them."""
    if file in above:
        raise ValueError(f"{file.name} imports itself, by way of {above[-1].name}")
    code = _COMMENT.sub("", file.read_text(encoding="utf-8"))
    texts: dict[Path, str] = {}
    for found in _IMPORT.finditer(code):
        texts |= _joined((file.parent / found["file"]).resolve(), (*above, file))
    code = _EXPORT.sub("", _IMPORT.sub("", code))
    if left := _LEFT_OVER.search(code if above else _DEFAULT.sub("", code, count=1)):
        raise ValueError(f"{file.name}: this cannot be joined: {left[0]}")
    return {**texts, file: code.strip("\n") + "\n"}
