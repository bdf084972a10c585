"""`--save-to DIR`: every clip of a cell is copied to a folder as soon as it is there, and a line in the cell says where."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import SeedanceError, one_line
from ...pages import html
from ...pages.file_links import link_to, place_of
from ...pages.file_names import save_named
from ...snapshot import Snapshot
from ...tracking.job import Job
from ..screen import Screen


class SavedClips:
    """The line of one cell. Made in the cell; the copies are made where the jobs end, in the background."""

    def __init__(
        self,
        screen: Screen,
        folder: Path,
        jobs: Sequence[Job],
        *,
        quiet: bool = False,
        save: Callable[[Snapshot], Path] | None = None,
    ) -> None:
        """`save` puts the clip of a job somewhere below `folder`; None: into it, under a name made of its prompt and take."""
        self._screen, self._folder, self._quiet = screen, folder.absolute(), quiet
        self._put = save or (lambda snapshot: save_named(snapshot, self._folder))
        self._jobs = list({job.key: job for job in jobs}.values())
        self._display_id = uuid.uuid4().hex
        self._saved: dict[str, Path] = {}
        self._troubles: dict[str, str] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Create the line, save what is there, and have the rest saved when it comes."""
        for job in self._jobs:
            if job.done():
                self._save(job)
        self._tell(update=False)
        for job in self._jobs:
            if job.key not in self._saved:
                job.add_done_callback(self._there)

    def finish(self) -> None:
        """Say it again from the main thread, after a wait: there nbclient listens, and a terminal reads."""
        for job in self._jobs:
            if job.done():
                self._save(job)
        self._tell(update=True)
        words = self._words()
        if words and not self._screen.in_kernel and (self._troubles or not self._quiet):
            print(words)

    def _there(self, job: Job) -> None:
        """In the background thread, or in any where the job has ended already; copying a file does not belong on a loop."""

        def save_and_tell() -> None:
            self._save(job)
            self._tell(update=True)

        job.work(save_and_tell)

    def _save(self, job: Job) -> None:
        snapshot = job.snapshot
        with self._lock:
            if snapshot.clip is None or snapshot.key in self._saved:
                return
            try:
                self._saved[snapshot.key] = self._put(snapshot)
                self._troubles.pop(snapshot.key, None)
            except SeedanceError as error:
                self._troubles[snapshot.key] = f"not saved: {one_line(error, 300)}"

    def _tell(self, *, update: bool) -> None:
        """Draw the line. What was asked to be quiet speaks of trouble only."""
        if self._screen.in_kernel and (self._troubles or not self._quiet):
            self._screen.publish(self._bundle(), self._display_id, update=update)

    def _bundle(self) -> dict[str, str]:
        words = self._words()
        return {"text/html": html.saved_line(words, self._link()), "text/plain": words} if words else {}

    def _words(self) -> str:
        many = len(self._jobs)
        with self._lock:
            places, troubles = list(self._saved.values()), list(dict.fromkeys(self._troubles.values()))
        if many == 1 and places:
            said = f"saved as {place_of(places[0]) or places[0].name}"
        else:
            said = f"saved {len(places)} of {many} clips in {place_of(self._folder)}" if many > 1 else ""
        return "; ".join(part for part in (said, *troubles[:3]) if part)

    def _link(self) -> str | None:
        with self._lock:
            places = list(self._saved.values())
        return link_to(places[0]) if len(self._jobs) == 1 and places else None
