"""Addresses of a person's own files, before they are anywhere the service could fetch them from: named by what is in them. Pure.

A request holds `sha256:<64 hex digits>.png` where it will send an https address. So its identity is the content: where the file lay, where
it was uploaded and how that address was signed make no other video.
"""

from __future__ import annotations

import re

_CONTENT = re.compile(r"(sha256|pixels):([0-9a-f]{64})(\.[a-z0-9]{3,4})")


def content_address(digest: str, suffix: str, *, of_pixels: bool = False) -> str:
    """The address of the bytes with this sha256 (hex); `of_pixels`: of a picture from memory, whatever file it was written to."""
    return f"{'pixels' if of_pixels else 'sha256'}:{digest}{suffix}"


def is_content(address: object) -> bool:
    """Whether this is such an address, and not one that the service could fetch."""
    return isinstance(address, str) and _CONTENT.fullmatch(address) is not None


def name_of_content(address: str) -> str:
    """The file name for it, here and in a bucket: letters, digits, one dot. Raises ValueError for what is no such address."""
    found = _CONTENT.fullmatch(address)
    if found is None:
        raise ValueError(address)
    kind, digest, suffix = found.groups()
    return f"{digest}{'.pixels' if kind == 'pixels' else ''}{suffix}"


def digest_of_content(address: str) -> str | None:
    """The sha256 that the bytes must have; None where the address names the pixels."""
    found = _CONTENT.fullmatch(address)
    return found[2] if found is not None and found[1] == "sha256" else None
