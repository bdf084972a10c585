"""Reading what a stranger sends without trusting its size."""

from __future__ import annotations

import zlib
from typing import Any

from ..errors import one_line


class BoundedBody:
    """Collects a body of at most `limit` bytes after inflating. `trouble` says what is wrong with it, None while nothing is.

    A library that inflates by itself makes 2 GB of 2 MB if a server wants so; here the inflater is stopped at the limit.
    """

    def __init__(self, limit: int, packing: str = "") -> None:
        self.content = bytearray()
        self.trouble: str | None = None
        self._limit = limit
        self._came = 0
        self._unpacker: Any = None
        self.unpack(packing)

    def unpack(self, packing: str) -> None:
        """What comes is packed so: the value of Content-Encoding."""
        packing = packing.strip().lower()
        if packing in ("gzip", "x-gzip", "deflate"):
            self._unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        elif packing not in ("", "identity"):
            self.trouble = f"packed as {one_line(packing, 20)}"

    def feed(self, data: bytes) -> bool:
        """Take more of it; False when there is trouble and nothing more is wanted."""
        if self.trouble is not None:
            return False
        self._came += len(data)  # counted too: what follows the end of a packed stream inflates to nothing
        try:
            self.content += data if self._unpacker is None else self._unpacker.decompress(data, self._limit + 1)
        except zlib.error:
            self.trouble = "badly packed"
            return False
        if max(self._came, len(self.content)) > self._limit:
            del self.content[self._limit :]
            self.trouble = "too long"
        return self.trouble is None
