"""A line between a browser and a server that can be cut, as a tunnel or a laptop's lid does, and mended."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class CutLine:
    """Listens on 127.0.0.1 and carries what comes to another port there. While it is cut nothing passes and nobody is let in."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []
        self._is_cut = False
        self.turned_away = 0
        """How often somebody tried to come in while it was cut."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listener.close()

    def cut(self) -> None:
        """Ends all connections, and takes no new ones."""
        with self._lock:
            self._is_cut = True
            lines, self._lines = self._lines, []
        for line in lines:
            _end(line)

    def mend(self) -> None:
        """Takes connections again."""
        with self._lock:
            self._is_cut = False

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                with self._lock:
                    if self._is_cut:
                        self.turned_away += 1
                        _end(near)
                        continue
                    far = socket.create_connection(("127.0.0.1", self._port))
                    self._lines += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    _end(one)
    _end(other)


def _end(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
