"""A tree of widgets as one: for notebooks that draw anywidgets and know no other widget (marimo).

What is below stays as it is: each widget keeps its traits and its messages, only that its comm is a wire of this one's, and what Jupyter's
page would do with its model and its view is done by `single_widget.js`. So the page has one model, whatever the tree holds, and widgets
may be made in any thread: it is this one, made in a cell, that speaks to the page.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ...pages.assets import module
from ...tracking.background import log

_HERE = Path(__file__).parent
_SHOWN = frozenset({"_dom_classes", "_options_labels"})
"""Of what begins with an underscore, all that a page is told as state; `_esm` and `_css` it gets once, with the widget."""
_HIDDEN = frozenset({"layout", "style", "tabbable", "keys", "comm"})


class SingleWidget(anywidget.AnyWidget):
    """The tree below `root`. Of a layout only `display` is shown, as a fact of the widget that has it.

    The page sends `{kind: "draw"}`, which is answered with `{kind: "tree", root, parts: [part, …]}`, and for one part `{kind: "state", part,
    state, serial}`, answered with `{kind: "heard", part, serial}`, or `{kind: "told", part, content}` with its buffers. Unasked it gets `{kind: "state",
    part, state, parts}`, `parts` being those that came in with it, and `{kind: "told", part, content}` with buffers. A part is
    `{id, name, state, module, style}`: the name of its class, and of an anywidget its script and style sheet.
    """

    _esm = module(_HERE / "single_widget.js")
    _css = _HERE / "single_widget.css"

    def __init__(self, root: Any) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._wires: dict[str, _Wire] = {}
        super().__init__()
        self._arrange()
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        return "[seedance panel; it is drawn while its kernel runs]"

    # To the page, from any thread ----------------------------------------------------------------------

    def tell(self, wire: _Wire, data: dict[str, Any], buffers: Sequence[Any]) -> None:
        """Send on what a widget has to say to its model."""
        with self._lock:  # what a page is told of the tree and of its parts comes in one order
            if wire.part not in self._wires:
                return
            if data.get("method") == "custom":
                self.send(
                    {"kind": "told", "part": wire.part, "content": _plain(data["content"])}, buffers=list(buffers)
                )
            elif data.get("method") == "update":
                self._tell_state(wire, data["state"])

    def _tell_state(self, wire: _Wire, changed: dict[str, Any]) -> None:
        new = [self._facts(other) for other in self._arrange()] if "children" in changed else []
        state = wire.state(changed)
        if state or new:
            self.send({"kind": "state", "part": wire.part, "state": state, "parts": new})

    def _arrange(self) -> list[_Wire]:
        """Wire what has come into the tree, and rest what has left it; gives what came."""
        there = list(_below(self._root))
        new = [widget for widget in there if (wire := _wire_of(widget)) is None or wire.part not in self._wires]
        for widget in new:
            wire = _wire_of(widget) or self._connect(widget)
            self._wires[wire.part] = wire
        kept = {widget.comm.comm_id for widget in there}
        for part in [part for part in self._wires if part not in kept]:
            del self._wires[part]
        return [widget.comm for widget in new]

    def _connect(self, widget: Any) -> _Wire:
        before = widget.comm
        wire = widget.comm = _Wire(before.comm_id, widget, self.tell)
        before.close()
        layout = getattr(widget, "layout", None)
        if layout is not None:
            layout.observe(lambda _: wire.send({"method": "update", "state": {"display": None}}), "display")
        return wire

    def _facts(self, wire: _Wire) -> dict[str, Any]:
        whole = wire.widget.get_state()
        facts = {"id": wire.part, "name": type(wire.widget).__name__, "state": wire.state({**whole, "display": None})}
        return facts | {"module": _own(wire.widget, "_esm"), "style": _own(wire.widget, "_css")}

    # From the page -------------------------------------------------------------------------------------

    def _answer(self, _widget: object, content: object, buffers: Any) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "draw":
            with self._lock:
                parts = [self._facts(wire) for wire in self._wires.values()]
                self.send({"kind": "tree", "root": self._root.comm.comm_id, "parts": parts})
            return
        if not isinstance(content, dict) or (wire := self._wires.get(str(content.get("part")))) is None:
            return  # of a part that has left the tree since: nothing it could ask for is meant any more
        try:
            if kind == "state":
                wire.hear({"method": "update", "state": dict(content.get("state") or {})}, [])
            elif kind == "told":
                wire.hear({"method": "custom", "content": content.get("content")}, list(buffers or ()))
        except Exception:  # one that a page gets wrong takes no other with it
            log.exception("a message to %s failed", type(wire.widget).__name__)
        finally:
            if kind == "state":
                self.send({"kind": "heard", "part": wire.part, "serial": content.get("serial")})


class _Wire:
    """What a widget of the tree has for a comm."""

    kernel = "one"  # on a comm without any, nothing is sent

    def __init__(self, part: str, widget: Any, tell: Callable[[_Wire, dict[str, Any], Sequence[Any]], None]) -> None:
        self.part = self.comm_id = part
        self.widget = widget
        self._tell: Callable[[_Wire, dict[str, Any], Sequence[Any]], None] | None = tell
        self._hear: Callable[[dict[str, Any]], object] = lambda _: None

    def on_msg(self, hear: Callable[[dict[str, Any]], object]) -> None:
        """What the widget hears its page by."""
        self._hear = hear

    def on_close(self, _: object) -> None:
        """Nothing is told of an end: the one that is over is the single one."""

    def send(self, data: Any = None, metadata: object = None, buffers: Any = None) -> None:
        """What the widget tells its page."""
        del metadata
        if self._tell is not None:
            self._tell(self, data or {}, buffers or ())

    def close(self, *_: object, **__: object) -> None:
        """Send no more."""
        self._tell = None

    def hear(self, data: dict[str, Any], buffers: Sequence[Any]) -> None:
        """What the page tells the widget."""
        self._hear({"content": {"data": data}, "buffers": buffers})

    def state(self, changed: dict[str, Any]) -> dict[str, Any]:
        """What a page is told of these changes; of children and of `display` what they are now."""
        shown = {
            name: value
            for name, value in changed.items()
            if name in _SHOWN or not (name.startswith("_") or name in _HIDDEN)
        }
        if "children" in shown:
            shown["children"] = [child.comm.comm_id for child in self.widget.children]
        if "display" in shown:
            shown["display"] = getattr(getattr(self.widget, "layout", None), "display", None) or ""
        return dict(_plain(shown))


def _wire_of(widget: Any) -> _Wire | None:
    return widget.comm if isinstance(widget.comm, _Wire) else None


def _below(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _below(child)


def _own(widget: Any, name: str) -> str:
    """A text that the widget's class brings: an anywidget hides it behind a trait, which is empty in one that is only ever a part."""
    found = (vars(kind).get(name) for kind in type(widget).__mro__)
    return next((str(text) for text in found if text is not None and not isinstance(text, traitlets.TraitType)), "")


def _plain(content: Any) -> Any:
    # marimo writes nothing but very texts, lists and dicts; escaped HTML is a text of its own kind.
    return json.loads(json.dumps(content))
