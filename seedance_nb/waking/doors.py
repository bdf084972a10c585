"""How a Jupyter server wakes a kernel: a private folder in which each living token has a file, and a datagram on this machine.

The file is named by the token's fingerprint and says which local ports want to hear of it. The datagram is the fingerprint. Neither
holds a token, and neither says anything of the job but its key in the ledger.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import socket
import time
from pathlib import Path

OLD_SECONDS = 7 * 86_400.0
"""A file of a job that nobody followed to its end is thrown away so long after it was last touched."""
MOST_LISTENERS = 8
"""Kernels that are told of one job: the newest ones, for each restart adds one."""
_DIGITS = frozenset("0123456789abcdef")


class Doors:
    """The folder. All calls are quick, and none raises because of what lies there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sender: socket.socket | None = None
        self._jobs: dict[str, str] = {}
        self._read_at: int | None = None

    def make(self) -> None:
        """Make the folder, for this user alone, and throw away what is old. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if _DIGITS.issuperset(path.name) and time.time() - path.stat().st_mtime > OLD_SECONDS:
                    path.unlink()

    def hang(self, fingerprint: str, job: str, port: int) -> None:
        """Have `port` told when somebody calls with this token. Raises OSError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        file = os.open(self._folder / fingerprint, flags, 0o600)
        try:
            os.write(file, f"{fingerprint} {job} {port}\n".encode())
        finally:
            os.close(file)

    def take_down(self, fingerprint: str) -> None:
        """Forget a token."""
        with contextlib.suppress(OSError):
            (self._folder / fingerprint).unlink(missing_ok=True)

    def of_job(self, job: str) -> str | None:
        """The fingerprint of the token that an earlier kernel hung for this job, if it still hangs."""
        with contextlib.suppress(OSError):
            changed = self._folder.stat().st_mtime_ns
            if changed != self._read_at:  # read once, however many jobs are resumed
                self._jobs = {
                    words[1]: path.name
                    for path in self._folder.iterdir()
                    if _DIGITS.issuperset(path.name)
                    and len(words := path.read_text(encoding="utf-8").split(maxsplit=2)) == 3
                }
                self._read_at = changed
        return self._jobs.get(job)

    def ring(self, fingerprint: str) -> None:
        """Tell those who wait for this token, if it is one that lives."""
        with contextlib.suppress(OSError, ValueError):
            lines = (self._folder / fingerprint).read_text(encoding="utf-8").splitlines()
            for line in lines[-MOST_LISTENERS:]:
                known, _, port = line.split()
                if hmac.compare_digest(known, fingerprint):
                    self._tell(int(port), fingerprint)

    def _tell(self, port: int, fingerprint: str) -> None:
        if self._sender is None:
            self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sender.setblocking(False)
        with contextlib.suppress(OSError, OverflowError):  # nobody there any more
            self._sender.sendto(fingerprint.encode(), ("127.0.0.1", port))

    def close(self) -> None:
        """Give the socket back."""
        if self._sender is not None:
            self._sender.close()
            self._sender = None
