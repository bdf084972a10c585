"""What a session runs on: the runner and the simulator, started at first use, and the ledger."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

from ..settings import Secret, is_loopback
from ..upload_places import read_place
from . import host
from .budget import Budget
from .choices import Choices
from .job import Job, Origin
from .ledger.ledger import Ledger
from .ledger.ledger_file import make_private_folder
from .references.references import References
from .references.shelf import Shelf

if TYPE_CHECKING:
    from ..clips.shared import SharedClips
    from ..simulator.server import Simulator
    from .following.runner import Runner

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE_OF_A_KERNEL = 1.2
"""At the end of a kernel, creates in the air get so long to hear their answer: Jupyter kills what takes longer than a few seconds."""
PATIENCE_OF_UPLOADS = 60.0
"""A script that ends waits so long for clips on their way to a bucket; the next session goes on with the others."""
WAIT_ATTRIBUTE = "_seedance_wait"


class Engine:
    """Costs nothing until it is used: no thread, no file, no connection. Everything may be called from any thread."""

    def __init__(
        self,
        choices: Choices,
        *,
        account: Callable[[], str],
        budget: Callable[[], Budget],
        origin: Callable[[], Origin],
    ) -> None:
        self._choices, self._account, self._budget, self._origin = choices, account, budget, origin
        self.references = References(
            Shelf(choices.settings.home / "references"),
            lambda: choices.settings.uploads,
            allow_http=choices.settings.uses_simulator
            or is_loopback(urlsplit(choices.settings.base_url).hostname or ""),
        )
        self.shared_clips: SharedClips | None = None
        """The bucket of clips, once something runs, if there is one."""
        self._runner: Runner | None = None
        self._simulator: Simulator | None = None
        self._lock = threading.RLock()

    @property
    def started(self) -> Runner | None:
        """The runner if there is one, also one that is not usable any more."""
        return self._runner

    @property
    def is_in_use(self) -> bool:
        """Whether there is a runner that follows jobs in this process."""
        return self._runner is not None and self._runner.is_usable

    @property
    def runner(self) -> Runner:
        """The background runner, started at first use, and anew in a forked child. Raises ConfigurationError where there is no key."""
        with self._lock:
            if self._runner is None or not self._runner.is_usable:
                self._runner = self._start()
                self.unite_spellings()
                # After it, since the last is called first: the simulator it may have started must hear what is waited for. Again
                # after a close: a session may be used anew.
                _at_the_end_of_the_process(self._at_exit)
            self._runner.wait_strategy = getattr(host.find_host(), WAIT_ATTRIBUTE, Job.wait_in_slices)
            return self._runner

    @property
    def has_ledger(self) -> bool:
        """Whether there is a ledger yet."""
        return self._choices.settings.ledger.exists()

    def ask_ledger(self, method: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the ledger in its own thread, or directly where nothing runs yet (no thread is started for a question)."""
        runner = self._runner
        if runner is not None and runner.is_usable:
            return runner.background.ask_ledger(method, runner.ledger, *args, **kwargs)
        ledger = Ledger(self._choices.settings.ledger)
        try:
            return method(ledger, *args, **kwargs)
        finally:
            ledger.close()

    def is_alive(self, owner: str | None) -> bool | None:
        """Whether the runner of this name may still have a create in the air; None where nobody can tell."""
        runner = self._runner
        ledger = runner.ledger if runner is not None and runner.is_usable else Ledger(self._choices.settings.ledger)
        return ledger.presence.is_alive(owner)

    def work(self, function: Callable[[], object]) -> None:
        """Run `function()` soon beside the background thread, for what is slow; here and now where nothing runs."""
        runner = self._runner
        if runner is None or not runner.is_usable:
            function()
        else:
            runner.work(function)

    def unite_spellings(self) -> None:
        """Have the ledger take over, before it is asked anything else, what was written for this host in another spelling."""
        choices, account, runner = self._choices, self._account(), self._runner
        assert runner is not None

        def account_at(spelling: str) -> str:
            return choices.fingerprint_at(spelling) or account

        runner.background.tell_ledger(runner.ledger.unite_spellings, choices.settings.base_url, account, account_at)

    def close(self, patience: float | None = None) -> None:
        """Stop following and close everything; creates that are not answered yet are waited for, at most `patience` seconds (None: as
        long as a create may take). Idempotent.
        """
        with self._lock:
            runner, self._runner = self._runner, None
            simulator, self._simulator = self._simulator, None
        if runner is not None:
            runner.close(patience)
            if self.shared_clips is not None:
                self.shared_clips.close(PATIENCE_OF_UPLOADS if patience is None else patience)
        if simulator is not None:
            simulator.stop()
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        # Whoever ends a kernel waits a few seconds and then kills it: that would lose what can still be written now.
        self.close(PATIENCE_OF_A_KERNEL if host.is_kernel() else None)

    def _start(self) -> Runner:
        from ..clips.inspector import Inspector
        from ..clips.store import Clips
        from .following.runner import Runner

        settings = self._choices.settings
        simulated = settings.uses_simulator
        with contextlib.suppress(OSError):  # a folder that cannot be made is the ledger's to tell, where it matters
            make_private_folder(settings.home)
        base_url, key = self._start_simulator() if simulated else (settings.base_url, self._choices.need_key())
        shared = self._share_clips()
        clips = Clips(settings.clips, Inspector(), shared)
        clips.sweep()
        if shared is not None:
            shared.go_on()
        runner = Runner(
            base_url=base_url,
            key=key,
            account=self._account(),
            limits=settings.limits,
            ledger=Ledger(settings.ledger),
            clips=clips,
            budget=self._budget(),
            service=settings.base_url,
            notebook=host.notebook_name(),
            simulated=simulated,
            origin=self._origin(),
            references=self.references,
            person=settings.person,
            project=settings.project,
        )
        runner.use_webhooks(settings.webhook_url, settings.public_url)
        return runner

    def _share_clips(self) -> SharedClips | None:
        settings = self._choices.settings
        if settings.shared_clips is None:
            return None
        from ..clips.shared import SharedClips

        place = read_place(settings.shared_clips, "clips")
        self.shared_clips = SharedClips(place, settings.clips, settings.limits.clips_cache_bytes)
        return self.shared_clips

    def _start_simulator(self) -> tuple[str, Secret]:
        from ..simulator import SIMULATOR_KEY
        from ..simulator.server import start

        self._simulator = start(self._choices.settings.home / "simulator")
        return self._simulator.base_url, Secret(SIMULATOR_KEY)


def _at_the_end_of_the_process(function: Callable[[], Any]) -> None:
    atexit.register(function)
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:  # such a child does not call what atexit knows
        from multiprocessing.util import Finalize

        Finalize(None, function, exitpriority=10)
