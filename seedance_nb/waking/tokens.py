"""The word that makes an address of one job: 128 random bits. Only its fingerprint is kept, so that no file or log can call for it."""

from __future__ import annotations

import hashlib
import secrets

_LENGTH = 22
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def new_token() -> str:
    """128 random bits as 22 letters that need no escaping in a URL."""
    return secrets.token_urlsafe(16)


def fingerprint(token: str) -> str | None:
    """What a token is known by, as 64 hex digits; None for what cannot be one.

    Tokens are looked up by it, so how long that takes says nothing of a token that is nearly right.
    """
    if len(token) != _LENGTH or not _LETTERS.issuperset(token):
        return None
    return hashlib.sha256(token.encode("ascii")).hexdigest()
