"""The form and its button: what a press would send and cost, the press itself, and the code that repeats it."""

from __future__ import annotations

import threading

from ...api.models import Status, VideoRequest
from ...errors import InvalidRequest, one_line
from ...pages.code import as_python
from ...pages.words import clamp
from ..interactive import drawn_by
from ..syntax.back_to_text import as_magic
from .compose import Compose
from .context import Context
from .frame import PanelFrame
from .orders import Orders
from .price import Tag, price_tag


class Form:
    """Prices what stands in the fields whenever it may have changed, and draws that on the frame's button."""

    def __init__(self, context: Context, frame: PanelFrame, orders: Orders) -> None:
        self._context, self._frame, self._orders = context, frame, orders
        self._lock = threading.RLock()
        self._token = ""
        self._tag: Tag | None = None
        self.fields = Compose(context.session.catalog, self.refresh, context.session.shelf)

    def refresh(self, *, with_code: bool = True) -> None:
        """Price and code of what stands in the form now, for the session that the kernel has now; without the code when the form is not what has changed."""
        fields = self.fields
        with self._lock, drawn_by(self._frame.complain):
            self._context.follow_kernel()
            request, refusal, notes = None, "", ""
            try:
                request = fields.request()
                self._tag = self._price(request)
                if not fields.prompt_is_empty:
                    checked = self._context.session.catalog.check(request)
                    notes = "".join(f"Note: {note}. " for note in checked).rstrip()
            except InvalidRequest as error:
                refusal = str(error)
                self._tag = price_tag([None], None, refusal=refusal)
            self._token = f"{request.canonical_hash() if request else ''}/{fields.count}"
            self._frame.action = {
                "label": self._tag.label,
                "why": self._tag.why,
                "enabled": self._tag.enabled,
                "price": self._tag.price,
                "problem": self._tag.problem,
                "notes": notes,
                "token": self._token,
                "form": fields.as_seen(),
            }
            if not with_code:
                return
            if request is None or fields.prompt_is_empty:
                self._frame.code = {"subject": "the form", "magic": "", "python": ""}
            else:
                self._show_code(request, range(1, fields.count + 1), "the form")

    def press(self, token: str, price: float | None) -> None:
        """Submit what the button stood for when the page showed that token and price. Raises SeedanceError."""
        with self._lock:
            self.refresh()
            tag = self._tag
            if tag is None or not tag.enabled:
                return
            dearer = tag.price is not None and (price is None or tag.price > price)
            if token != self._token or dearer:
                raise InvalidRequest(
                    "the form or its price had changed meanwhile; nothing was sent: look, then press again"
                )
            # Not enabled until priced anew, below: a second press that is on its way already finds it so.
            self._frame.action = {**self._frame.action, "enabled": False, "token": ""}
            request, takes = self.fields.request(), self.fields.count
        self._orders.submit(request, range(1, takes + 1))

    def edit(self, request: VideoRequest) -> None:
        """Put a request into the form."""
        self.fields.load(request)
        self._frame.focus_prompt()

    def use_prompt(self, prompt: str) -> None:
        """Put a prompt into the form; all else stays."""
        self.fields.prompt.control.value = prompt
        self._frame.focus_prompt()

    def show_code(self, request: VideoRequest, take: int) -> None:
        """Offer the code of a clip instead of the form's."""
        self._show_code(request, range(take, take + 1), f"take {take} of “{clamp(one_line(request.prompt), 60)}”")

    def _show_code(self, request: VideoRequest, takes: range, subject: str) -> None:
        python = "\n\n".join(as_python(request, take) for take in takes)
        magic = as_magic(request, takes[0]) if len(takes) == 1 else python  # a magic asks for one take
        if self._context.single:  # no notebook of Jupyter's
            magic = ""
        self._frame.code = {"subject": subject, "magic": magic, "python": python}

    def _price(self, request: VideoRequest) -> Tag:
        session, fields = self._context.session, self.fields
        known: list[Status | None] = [None] * fields.count
        if not fields.prompt_is_empty:
            records = [session.preview(request, take) for take in range(1, fields.count + 1)]
            known = [record.status if record is not None else None for record in records]
        limit = session.limits.max_credits
        return price_tag(
            known,
            session.estimate(request),
            left=None if limit is None else limit - session.spent,
            simulated=session.settings.uses_simulator,
            prompt_is_empty=fields.prompt_is_empty,
        )
