"""Which addresses of results are opened: public ones, over https. This machine only while the API itself is on it.

The service names the address, so it is a stranger's word: without these rules it could make a notebook fetch from the network it
stands in, or from a cloud's metadata service.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import urllib.request
from urllib.parse import urlsplit

from ..errors import ClipError, one_line
from ..settings import is_loopback
from .deadlines import Deadline

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
# 3.11 calls these public: protocol assignments (a cloud's metadata among them), and the metadata of another cloud.
_NOT_PUBLIC = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("168.63.129.16/32"))


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
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        found = []
    addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
    if not addresses:
        raise ClipError(f"the video host {one_line(host, 80)} cannot be found")
    for address in addresses:
        if not is_public(address) and not (api_on_loopback and is_loopback(address)):
            raise ClipError(f"the video's address leads into a private network ({one_line(host, 80)}); not opened")
    return addresses


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


def goes_through_proxy(url: str, host: str) -> bool:
    """Behind a proxy names are looked up by the proxy, so there is no address to check here."""
    proxies = urllib.request.getproxies()
    return bool(proxies.get(urlsplit(url).scheme) or proxies.get("all")) and not urllib.request.proxy_bypass(host)
