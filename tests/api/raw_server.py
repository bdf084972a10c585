"""A server that sends the bytes it is told to and remembers what it was sent."""

import contextlib
import socket
import threading


def reply(body=b"", status="200 OK", **headers):
    """The bytes of an honest HTTP answer that keeps the connection open."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RawServer:
    """Answers every request with `answer`: bytes, or an iterator of bytes made anew by a function.

    `tls` is the context of a server that encrypts. `requests` holds the heads it was sent, `connections` counts those that were opened, `sent` the bytes of iterators.
    """

    def __init__(self, answer, *, hang_up=False, tls=None):
        self.answer = answer
        self.hang_up = hang_up
        self.tls = tls
        self.requests = []
        self.connections = 0
        self.sent = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._open = []
        self._threads = []

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                self._open.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            stack.enter_context(connection)
            while self._read_request(connection):
                if isinstance(self.answer, bytes):
                    connection.sendall(self.answer)
                else:
                    for part in self.answer():
                        connection.sendall(part)
                        self.sent += len(part)
                if self.hang_up:
                    return

    def _read_request(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lower = head.lower()
        wanted = int(lower.partition(b"content-length:")[2].split(b"\r\n")[0]) if b"content-length:" in lower else 0
        while len(body) < wanted:
            body += connection.recv(65536)
        self.requests.append(head.decode("latin-1"))
        return True


def free_port():
    """A port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
