"""Where a service can ring: what is known of the public address of this Jupyter server, or of a script's own."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError, one_line
from ..settings import check_public_url, is_loopback

SERVER_IN_ENV = "SEEDANCE_WAKE_SERVER"
"""What the server extension tells the kernels of its server: the path of a file that describes it."""
CURE = (
    "say it by sd.configure(public_url='https://…') or SEEDANCE_PUBLIC_URL (what stands before /lab in the browser of"
    " somebody elsewhere); until then it is polled as usual"
)


@dataclasses.dataclass(frozen=True)
class Server:
    """A Jupyter server with the extension, as it describes itself. Addresses end in a slash."""

    folder: Path
    """Where its living tokens lie."""
    local: str
    public: str | None


def is_private(url: str) -> bool:
    """Whether an address is known on this machine or this network alone, so that no service elsewhere can ring there."""
    host = urlsplit(url).hostname or ""
    if is_loopback(host) or host.endswith((".local", ".internal", ".lan")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host


def of_the_hub(environ: Mapping[str, str]) -> str | None:
    """The public address of this server as JupyterHub tells it, None where it does not."""
    prefix = environ.get("JUPYTERHUB_SERVICE_PREFIX")
    if prefix is None:
        return None
    if whole := environ.get("JUPYTERHUB_PUBLIC_URL"):
        return _or_none(whole)
    if hub := environ.get("JUPYTERHUB_PUBLIC_HUB_URL"):
        parts = urlsplit(hub)
        return _or_none(f"{parts.scheme}://{parts.netloc}{prefix}")
    host = environ.get("JUPYTERHUB_HOST")  # set where each user has a domain
    return _or_none(f"{host.rstrip('/')}{prefix}") if host else None


def _or_none(url: str) -> str | None:
    try:
        return check_public_url(url)
    except ConfigurationError:
        return None


def find_server(environ: Mapping[str, str] | None = None) -> Server | None:
    """The Jupyter server of this kernel or terminal, if it has the extension and lies on this machine."""
    path = (os.environ if environ is None else environ).get(SERVER_IN_ENV)
    if not path:
        return None
    try:
        told: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        return Server(Path(told["folder"]), str(told["local"]), told["public"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def choose(server: Server | None, *, public_url: str | None, api_is_here: bool) -> tuple[str | None, str]:
    """(the address at which this server is rung, or None; in one line why, or by whose word)."""
    if server is None:
        return None, (
            "webhook_url auto has no effect here: this process has no Jupyter server with the seedance_nb extension"
            " (jupyter server extension list); in a script sd.serve_webhooks(port=…) listens. It is polled as usual"
        )
    if public_url is None and api_is_here:
        return server.local, "both ends are on this machine"
    url, source = (public_url, "public_url") if public_url is not None else (server.public, "what the server knows")
    if url is None:
        return (
            None,
            f"webhook_url auto has no effect yet: nobody has said how this server is reached from outside; {CURE}",
        )
    if is_private(url) and not api_is_here:
        shown = one_line(urlsplit(url).netloc, 60)
        return None, f"webhook_url auto has no effect: {shown} cannot be reached from outside; {CURE}"
    return url, source
