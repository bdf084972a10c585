"""The Python that asks for a video again."""

from __future__ import annotations

from typing import Any

from ..api.fields import DEFAULTS, TABLE
from ..api.models import VideoRequest

_FIELDS = tuple(field for field in TABLE if field.kind != "prompt")


def as_python(request: VideoRequest, take: int = 1) -> str:
    """The call of `submit` that asks for exactly this request and take again (and so costs nothing while the ledger has it)."""
    given = {field.name: _as_list(getattr(request, field.name)) for field in _FIELDS}
    given["take"] = take if take > 1 else None
    # Left out, those with a default would mean that.
    options = [f"    {name}={value!r},\n" for name, value in given.items() if value is not None or name in DEFAULTS]
    return f"import seedance_nb\n\nseedance_nb.submit(\n    {request.prompt!r},\n{''.join(options)})"


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
