"""The Jupyter Server extension: serves …/seedance/wake/<token> and tells the server's kernels where that is. Only a server imports this."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_server.auth import decorator
from jupyter_server.serverapp import ServerApp

from ..errors import ConfigurationError
from ..settings import check_public_url
from .addresses import SERVER_IN_ENV, of_the_hub
from .doors import Doors
from .pages import Wake, route


class _OpenWake(Wake):
    """The same where the server lets nobody in whom it does not know: this page knows nobody and shows nothing."""

    # Jupyter Server before 2.13 asks for no such mark.
    post = cast("Any", getattr(decorator, "allow_unauthenticated", lambda method: method))(Wake.post)


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Called by the server at its start."""
    folder = Path(jupyter_runtime_dir()) / "seedance-wake"
    description = folder / f"server-{os.getpid()}.json"
    doors = Doors(folder)
    try:
        doors.make()
    except OSError as error:
        app.log.warning("seedance_nb: no webhooks, %s cannot be used (%s)", folder, error.strerror)
        return
    cast("Any", app.web_app).add_handlers(".*$", [route(re.escape(app.base_url), doors.ring, _OpenWake)])
    os.environ[SERVER_IN_ENV] = str(description)  # kernels and terminals get it from here

    def describe() -> None:
        told = {"folder": str(folder), "local": _local(app), "public": _public(app)}
        with contextlib.suppress(OSError):  # then `auto` says that there is no server
            new = description.with_suffix(".new")
            new.write_text(json.dumps(told), encoding="utf-8")
            new.replace(description)

    describe()
    atexit.register(description.unlink, missing_ok=True)
    app.io_loop.add_callback(describe)  # once it listens: the port may have become another one


def _local(app: ServerApp) -> str:
    parts = urlsplit(app.local_url)
    return f"{parts.scheme}://{parts.netloc}{app.base_url}"


def _public(app: ServerApp) -> str | None:
    """Where the server is told to be reached: by itself, behind a proxy (custom_display_url), or by its hub."""
    if app.custom_display_url:
        parts = urlsplit(app.custom_display_url)
        path = app.base_url if parts.path in ("", "/") else parts.path
        with contextlib.suppress(ConfigurationError):
            return check_public_url(f"{parts.scheme}://{parts.netloc}{path}")
    return of_the_hub(os.environ)
