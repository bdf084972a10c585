"""The simulator on 127.0.0.1: tornado in a thread of its own, beside whatever loop the notebook or the test runs.

    with Simulator(pace=Pace(0.1, 0.5)) as simulator:
        ...  # talk to simulator.base_url

Control pages, for tests in other processes: `GET /simulator/journal` (accepted creates and counts of calls),
`GET /simulator/faults` (the faults in force), `POST` there (a JSON list of faults, see `Fault`) and `DELETE`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from tornado.httpserver import HTTPServer

from . import SIMULATOR_KEY
from .faults import Fault, FaultBook
from .handlers import Open, application
from .scenario import Pace, Scenario
from .studio import Studio
from .webhooks import Webhooks


class Simulator:
    """The Open API on `base_url`, from `start()` (or `with`) to `stop()`.

    - `port` 0 takes a free one. Nothing but 127.0.0.1 is ever listened on.
    - `folder` keeps films and `journal.jsonl`, so that a restarted simulator knows its generations; None means a private
      temporary folder that goes away at stop, and no journal.
    - `pace`, `api_key`, `credits`, `max_concurrent`, `fail_every`, `clock`: see `Scenario`.
    - `faults`: how to misbehave from the start; see `Fault`.

    `calls` counts requests by call ("create", "get", "cancel", "models", "download", "other"), refused and broken ones too, and
    "webhook": what it called itself, at the `webhookUrl` of what has ended;
    `calls_with_key` counts those that carried an Authorization header.
    """

    def __init__(
        self,
        port: int = 0,
        folder: Path | str | None = None,
        pace: Pace | None = None,
        faults: Iterable[Fault] = (),
        api_key: str | None = None,
        credits: int | None = None,  # noqa: A002 - the service's word
        *,
        max_concurrent: int | None = None,
        fail_every: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._port = port
        self._private_folder = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="seedance-simulator-") if folder is None else folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._studio = Studio(self.folder)
        self._faults = FaultBook(faults)
        self.scenario = Scenario(
            clock,
            pace,
            journal=None if folder is None else self.folder / "journal.jsonl",
            api_key=api_key,
            credits=credits,
            max_concurrent=max_concurrent,
            fail_every=fail_every,
            film=self._studio.state,
        )
        self.calls: Counter[str] = Counter()
        self.calls_with_key: Counter[str] = Counter()
        self._open = Open()
        self._owner = os.getpid()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False

    def start(self) -> Self:
        """Listen; returns when connections are accepted. Idempotent. Raises OSError when the port is taken."""
        if self._stopped:
            raise RuntimeError("this simulator has been stopped; make another one")
        if self._thread is not None:
            return self
        try:
            listener = socket.create_server(("127.0.0.1", self._port), backlog=256)
        except OSError:
            self.stop()
            raise
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        self.scenario.base_url = self.base_url
        # a selector loop everywhere: tornado cannot use Windows' default one
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(
            lambda _loop, _context: None
        )  # a client that hangs up is no news in a notebook
        listening = threading.Event()
        arguments = (self._loop, listener, listening)
        self._thread = threading.Thread(target=self._serve, args=arguments, name="seedance-simulator", daemon=True)
        self._thread.start()
        listening.wait()
        atexit.register(self.stop)
        return self

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    def stop(self) -> None:
        """Close everything, also calls that hang, and remove the private folder. Idempotent; no-op in a forked child."""
        if self._stopped or os.getpid() != self._owner:
            return
        self._stopped = True
        atexit.unregister(self.stop)
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
        self._studio.close()
        if self._private_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        """Stop."""
        self.stop()

    def add_fault(self, fault: Fault) -> None:
        """Misbehave this way too, behind the faults already in force. From any thread."""
        self._faults.add(fault)

    def clear_faults(self) -> None:
        """Behave again. From any thread."""
        self._faults.clear()

    def _serve(self, loop: asyncio.AbstractEventLoop, listener: socket.socket, listening: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        server: HTTPServer | None = None
        webhooks = Webhooks(self.scenario, self._faults, self.calls)

        async def listen() -> None:
            nonlocal server
            pages = application(
                self.scenario, self._studio, self._faults, self.calls, self.calls_with_key, self._open, webhooks
            )
            server = HTTPServer(pages)
            server.add_socket(listener)

        async def close() -> None:
            assert server is not None
            server.stop()
            self._open.close()
            webhooks.close()
            await server.close_all_connections()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        try:
            loop.run_until_complete(listen())
            listening.set()
            loop.run_forever()
            loop.run_until_complete(close())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            listening.set()
            asyncio.set_event_loop(None)
            loop.close()


def start(folder: Path | None = None) -> Simulator:
    """The simulator a session uses: films and journal in `folder`, only `SIMULATOR_KEY` let in.

    SEEDANCE_SIMULATOR_QUEUE_SECONDS and SEEDANCE_SIMULATOR_RENDER_SECONDS set the median pace.
    """
    usual = Pace()
    pace = Pace(
        queue_seconds=float(os.environ.get("SEEDANCE_SIMULATOR_QUEUE_SECONDS") or usual.queue_seconds),
        render_seconds=float(os.environ.get("SEEDANCE_SIMULATOR_RENDER_SECONDS") or usual.render_seconds),
    )
    return Simulator(folder=folder, pace=pace, api_key=SIMULATOR_KEY).start()
