"""Which addresses of results are opened: public ones, over https. This machine only while the API itself is on it.

The service names the address, so it is a stranger's word: without these rules it could make a notebook fetch from the network it
stands in, or from a cloud's metadata service.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import importlib.util
import ipaddress
import os
import socket
import ssl
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import ClipError, one_line
from ..settings import is_loopback
from .deadlines import Deadline

PROXY_KINDS = ("http", "https", "socks5", "socks5h")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
# 3.11 calls these public: protocol assignments (a cloud's metadata among them), and the metadata of another cloud.
_NOT_PUBLIC = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("168.63.129.16/32"))


class PassingTrouble(ClipError):  # noqa: N818 - it says what is the case
    """Nothing was learned of the file: no name, no line, no answer, a host that has too much to do. It may be there the next time."""

    retry_after: float | None = None
    """Seconds the host asked to be left alone."""


def check_output_url(url: str, *, api_on_loopback: bool) -> tuple[str, int, bool]:
    """(host, port, https?) of a result's address; raises ClipError for one we do not open.

    https only; http, and this machine itself, only while the API is on this machine too.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if not host or any(ord(c) <= 32 for c in url):
        raise ClipError("the service gave an address of the video that is none")
    if parts.username is not None or parts.password is not None:
        raise ClipError("the service gave an address of the video with a login in it; not opened")
    secure = parts.scheme == "https"
    if not secure and not (parts.scheme == "http" and api_on_loopback):
        raise ClipError(
            f"the service gave an address of the video that is not https ({one_line(parts.scheme, 20)}:); not opened"
        )
    return host, port or (443 if secure else 80), secure


async def allowed_addresses(host: str, port: int, *, api_on_loopback: bool) -> list[str]:
    """The addresses of `host` to connect to, at least one; raises ClipError if any of them is not public."""
    try:
        async with Deadline(10):
            addresses = await _looked_up(host, port)
    except (OSError, TimeoutError, UnicodeError):
        addresses = []
    if not addresses:
        raise PassingTrouble(f"the video host {one_line(host, 80)} cannot be found")
    for address in addresses:
        if not is_public(address) and not (api_on_loopback and is_loopback(address)):
            raise ClipError(f"the video's address leads into a private network ({one_line(host, 80)}); not opened")
    return addresses


async def any_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host that the user named, at least one, whatever they are; raises OSError or UnicodeError."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return await _looked_up(host, port)


async def _looked_up(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; an IPv4 address dressed as IPv6 is judged by what is inside."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        # Newer Pythons know more private ranges than older ones; everything public was ever given out of 2000::/3.
        if ip not in _GIVEN_OUT or (ip.sixtofour is not None and not is_public(str(ip.sixtofour))):
            return False
    elif any(ip in network for network in _NOT_PUBLIC):
        return False
    return ip.is_global and not ip.is_multicast


@dataclasses.dataclass(frozen=True)
class Proxy:
    """The proxy that leads to an address: which variable names it, and its own address, which may hold a password."""

    variable: str
    address: str = dataclasses.field(repr=False)

    @property
    def kind(self) -> str:
        """One of PROXY_KINDS, if it can be used."""
        return urlsplit(self.address).scheme.lower()

    @property
    def host(self) -> str:
        """Its name or address, without brackets."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.address).port or {"http": 80, "https": 443}.get(self.kind, 1080)

    @property
    def login(self) -> tuple[str, str] | None:
        """Name and password, which may hold characters that no URL can."""
        parts = urlsplit(self.address)
        login = (unquote(parts.username or ""), unquote(parts.password or ""))
        return login if any(login) else None

    @property
    def trouble(self) -> tuple[str, str] | None:
        """(Why it cannot be used, what to do), or None. Shows nothing of a password."""
        try:
            parts = urlsplit(self.address)
            kind, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
            host.encode("idna")
        except ValueError:  # a UnicodeError too
            kind, host, port = "", "", None
        mend = f"correct {self.variable} or unset it"
        if kind and kind not in PROXY_KINDS:
            return f"{self.variable} names a proxy of the kind {one_line(kind, 20)}://, which cannot be used", mend
        if not host or port == 0 or any(ord(c) <= 32 for c in host):
            return f"{self.variable} names no proxy that can be read", mend
        if kind.startswith("socks") and importlib.util.find_spec("socksio") is None:
            return (
                f"{self.variable} names a SOCKS proxy, for which a package is missing",
                f"pip install socksio, or {mend}",
            )
        return None


def proxy_for(url: str, host: str) -> Proxy | None:
    """The proxy that the environment (or the system) names for this address; None where the way is straight.

    Behind a proxy names are looked up by the proxy, so there is no address to check here.
    """
    scheme = urlsplit(url).scheme
    proxies = urllib.request.getproxies()
    kind = scheme if proxies.get(scheme) else "all"
    address = proxies.get(kind)
    if not address or _is_excepted(host):
        return None
    names = (f"{kind}_proxy", f"{kind.upper()}_PROXY")
    variable = next((name for name in names if os.environ.get(name)), "the system's settings")
    return Proxy(variable, address if "://" in address else f"http://{address}")


def way_out_trouble(url: str) -> tuple[str, str] | None:
    """(Why nothing can be sent to this address, as the environment is now; what to do), or None where nothing speaks against it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxy = None if is_loopback(host) else proxy_for(url, host)
    trouble = None if proxy is None else proxy.trouble
    if trouble is None and parts.scheme == "https":
        trouble = _certificate_trouble()
    return trouble


def _certificate_trouble() -> tuple[str, str] | None:
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file and not os.access(file, os.R_OK):
        return "SSL_CERT_FILE names no file that can be read", "correct it or unset it"
    if file and not _holds_certificates(file, Path(file).stat().st_mtime_ns):  # 20 ms, once
        return "SSL_CERT_FILE names a file without certificates", "correct it or unset it"
    if folder and not file and not Path(folder).is_dir():
        return "SSL_CERT_DIR names no folder", "correct it or unset it"
    return None


@functools.lru_cache(4)
def _holds_certificates(file: str, _modified: int) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except (OSError, ValueError):
        return False
    return True


def _is_excepted(host: str) -> bool:
    try:
        return bool(urllib.request.proxy_bypass(host))
    except Exception:  # whatever stands in NO_PROXY: then the proxy is asked
        return False
