"""Which parts of an address only prove who may read it: they change whenever it is signed anew. Pure.

They name no content, so they count for no identity, and they open what they sign, so they are kept and shown nowhere. What is sent is the
whole address. `?v=3`, `?id=5` and `?versionId=…` name the content and stay.
"""

from __future__ import annotations

import re
import time
import unicodedata
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, unquote_plus, urlsplit, urlunsplit

from ..settings import canonical_host

WAKE_PATH = "seedance/wake/"
"""What the address of a webhook of ours ends in, before the token that may ring there. Where a service repeats it, it is left out too."""
UNSIGNED = "unsigned"
"""The fragment that stands for what was left out: such an address can be shown and compared, but not be fetched by anybody."""


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_SIGNING = _names(
    # One's own and everybody's.
    "signature sig sign signed token jwt auth auth_key authkey authorization credential credentials expires expire expiry expiration exp"
    " expires_at expiresat expires_in expiresin policy acl hmac apikey api_key api-key password passwd secret session ticket"
    # Amazon (version 2), CloudFront, Google (version 2), Aliyun, Huawei, Volcengine, Akamai, Alibaba and Tencent networks, B2.
    " awsaccesskeyid key-pair-id hash-algorithm googleaccessid ossaccesskeyid accesskeyid access_key_id access_key security-token"
    " hdnea hdnts hdntl __token__ __hdnea__ __gda__ _upt x-id txsecret txtime wssecret wstime"
    # Tencent COS.
    " q-sign-algorithm q-ak q-sign-time q-key-time q-header-list q-url-param-list q-signature"
)
_SIGNING_END = re.compile(r"(signature|token|[_-]sig|[_-]sign|[_-]expires|secret|accesskeyid|signedheaders)$")
_VENDOR = re.compile(r"x-(amz|goog|oss|tos|cos|obs|bce|ks|r2|b2|ms|[a-z0-9]{2,12})-")
_ALWAYS_VENDOR = ("x-amz-", "x-goog-", "x-oss-", "x-tos-", "x-obs-", "x-bce-")
_CONTENT_END = re.compile(r"(process|style|version-?id|range|resize|format|generation)$")
"""`x-oss-process=image/resize,w_200` makes another picture."""
_AZURE = _names("sv ss srt sr st se sp si sip spr sdd scid skoid sktid skt ske sks skv saoid suoid ses sdduid skdutid")
_BESIDE = _names("e ex et is st t ts tm time timestamp date start end valid_from valid_to validfrom validto nva nvb oe")
"""Only where a signature stands beside them, and only with a moment for a value: alone they may name anything."""
_PROOFS_BESIDE = _names("hash md5 sha1 sha256 digest h hm hdn verify mac k s oh nonce rand key keyname keyid kid")
"""The same, with random digits for a value."""
_ENDS = ("expires", "expire", "se", "exp", "expiry", "e", "ex")
"""Where signers write the moment of the end."""
_MOMENT = re.compile(r"\d{10}(\d{3}){0,3}|\d{8}T\d{6}Z?|\d{14}|\d{4}-\d\d-\d\dT.*", re.ASCII)
_HEX_MOMENT = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)
_RANDOM = re.compile(r"(?=.*\d)[\w+/=~.-]{16,}|[0-9a-f]{8,}", re.ASCII | re.IGNORECASE)
_WAKE_TOKEN = re.compile(r"(seedance(?:/|%2f)wake(?:/|%2f))[\w-][^\s\"'<>]*", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_UNRESERVED = re.compile(r"%([46][1-9a-f]|[57][0-9a]|3[0-9]|2[de]|5f|7e)", re.IGNORECASE)
_ESCAPE = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)


class _Parameter(NamedTuple):
    name: str
    """In small letters, decoded."""
    value: str
    text: str
    """As it stands in the address."""


def without_signature(address: str) -> str:
    """The address as it may be kept and shown: as written, without login and signature, then with `#unsigned` at its end."""
    if isinstance(address, str):
        address = _without_token(address)
    if not isinstance(address, str) or not any(mark in address for mark in "?@#"):
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    if not parts.netloc:
        return address
    parameters = _parameters(parts.query)
    kept = _content(parameters)
    host = parts.netloc.rpartition("@")[2]
    if len(kept) == len(parameters) and host == parts.netloc:
        return urlunsplit(parts._replace(fragment=UNSIGNED if parts.fragment == UNSIGNED else ""))
    query = "&".join(parameter.text for parameter in kept)
    return urlunsplit(parts._replace(netloc=host, query=query, fragment=UNSIGNED))


def without_signatures(value: Any) -> Any:
    """The value with every text in it that is an address shown without its signature; in lists and dicts too."""
    if isinstance(value, str):
        return without_signature(value) if "://" in value else _without_token(value)
    if isinstance(value, list | tuple):
        return type(value)(map(without_signatures, value)) if not hasattr(value, "_fields") else value
    if isinstance(value, dict):
        return {name: without_signatures(inner) for name, inner in value.items()}
    return value


def without_signatures_in(text: str) -> str:
    """A sentence of somebody else with the addresses in it shown without their signatures."""
    text = _without_token(text)
    return _ADDRESS.sub(lambda match: without_signature(match[0]), text) if "://" in text else text


def _without_token(text: str) -> str:
    return _WAKE_TOKEN.sub(rf"\1#{UNSIGNED}", text) if "wake" in text.lower() else text


def seconds_left(address: str, now: float | None = None) -> float | None:
    """For how long a signed address can still be read, by what stands in it; None where nothing of that kind does."""
    try:
        given = {each.name: each.value for each in _parameters(urlsplit(address).query)}
    except ValueError:
        return None
    ends: float | None = None
    for vendor in ("x-amz-", "x-goog-", "x-oss-", "x-tos-", "x-obs-"):
        begun, lasts = _moment(given.get(f"{vendor}date", "")), given.get(f"{vendor}expires", "")
        if begun is not None and re.fullmatch(r"\d{1,9}", lasts, re.ASCII):
            ends = begun + int(lasts)
    if ends is None and any(_signs(name) and name not in _ENDS for name in given):
        ends = next((moment for name in _ENDS if (moment := _moment(given.get(name, ""))) is not None), None)
    return None if ends is None else ends - (time.time() if now is None else now)


def _moment(text: str) -> float | None:
    """Seconds since 1970 of `1764000000`, `20261126T161500Z` or `2026-11-26T16:15:00Z`."""
    if re.fullmatch(r"\d{10}", text, re.ASCII):
        return float(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def is_unsigned(address: object) -> bool:
    """Whether this address was signed once, and its signature left out by `without_signature`."""
    return isinstance(address, str) and address.endswith("#" + UNSIGNED)


def canonical_address(address: str) -> str:
    """What two addresses of the same content share: no signature, one spelling of host, port, escapes and order of parameters."""
    try:
        parts = urlsplit(without_signature(address))
        port = parts.port
    except (ValueError, AttributeError):
        return address
    if not parts.hostname:
        return address
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    host = canonical_host(parts.hostname)
    host = f"[{host}]" if ":" in host else host
    query = "&".join(_spelling(p.text) for p in sorted(_parameters(parts.query), key=lambda p: p.name))
    return urlunsplit(
        (parts.scheme, host if port in (None, usual) else f"{host}:{port}", _spelling(parts.path) or "/", query, "")
    )


def _parameters(query: str) -> list[_Parameter]:
    found = []
    for text in query.split("&"):
        if text:
            name, _, value = text.partition("=")
            # Copied out of a page's source, & is &amp;.
            found.append(_Parameter(unquote_plus(name).strip().lower().removeprefix("amp;"), unquote_plus(value), text))
    return found


def _content(parameters: list[_Parameter]) -> list[_Parameter]:
    names = {parameter.name for parameter in parameters}
    by_azure = "sig" in names and bool(names & {"sv", "se", "si"})
    strong = {name for name in names if _signs(name)}
    signers = {match[0] for name in strong if (match := _VENDOR.match(name))}

    def is_content(parameter: _Parameter) -> bool:
        name, value = parameter.name, parameter.value
        if name in strong or (by_azure and name in _AZURE):
            return False
        if strong and any(name.startswith(signer) for signer in signers) and not _CONTENT_END.search(name):
            return False
        proves = name in _BESIDE and (_MOMENT.fullmatch(value) or (len(name) <= 2 and _HEX_MOMENT.fullmatch(value)))
        proves = proves or (name in _PROOFS_BESIDE and _RANDOM.fullmatch(value))
        return not (proves and (strong or _is_pair(names)))

    return [parameter for parameter in parameters if is_content(parameter)]


def _is_pair(names: set[str]) -> bool:
    """Signers that use no telling name at all: Discord, the networks of Meta, nginx's secure_link."""
    return {"ex", "is", "hm"} <= names or {"oh", "oe"} <= names or {"md5", "e"} <= names


def _signs(name: str) -> bool:
    if _CONTENT_END.search(name):
        return False
    return name in _SIGNING or name.startswith(_ALWAYS_VENDOR) or bool(_SIGNING_END.search(name))


def _spelling(text: str) -> str:
    """Escapes in capitals, and only where they are needed; other alphabets escaped."""
    plain = _UNRESERVED.sub(lambda match: unquote(match[0]), unicodedata.normalize("NFC", text))
    return quote(_ESCAPE.sub(lambda match: match[0].upper(), plain), safe="%/:?#[]@!$&'()*+,;=~", errors="replace")
