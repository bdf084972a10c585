"""Webhooks of the jobs that are followed here: whose token is whose, when a ring may cause a look, and whether rings can be relied on.

A ring is a hint and no more. It brings the next look of one job forward; what the look says is what counts. Who rings again and again
for nothing is listened to ever less. While rings come at an address, its jobs are looked at as seldom as `poll_ceiling` allows; the
first end that nobody rang for takes that back.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ...api.signed_addresses import WAKE_PATH
from ...errors import ConfigurationError, one_line
from ...waking.addresses import choose, find_server, is_private
from ...waking.doors import Doors
from ...waking.tokens import fingerprint, new_token

FIRST_PAUSE = 1.0
"""After a ring for nothing the next one is heard so many seconds later, then twice as many …"""
LONGEST_PAUSE = 60.0
RING_SECONDS = 2.0
"""A ring is believed to come so soon after the end, where it is asked how long the job took."""


class Bell:
    """One job's webhook. Its address is known here until the create was sent, and nowhere else."""

    __slots__ = (
        "_job",
        "address",
        "base",
        "brought_look",
        "fingerprint",
        "has_rung",
        "look_at",
        "pause",
        "quiet_until",
        "wake",
    )

    def __init__(self, wake: asyncio.Event, job: str, base: str | None, known: str) -> None:
        self.wake, self._job, self.base, self.fingerprint = wake, job, base, known
        self.address: str | None = None
        self.has_rung = self.brought_look = False
        self.look_at: float | None = None
        """When a ring, on the clock that nobody sets, wants the job to be looked at."""
        self.quiet_until = self.pause = 0.0

    def __repr__(self) -> str:
        return f"<Bell of {self._job}>"

    @property
    def announced_the_end(self) -> bool:
        """Of a job that has ended: whether the look that saw it was brought by a ring, or met one."""
        return self.brought_look or self.look_at is not None

    def looks(self) -> None:
        """The job is looked at now."""
        self.brought_look, self.look_at = self.look_at is not None, None

    @property
    def rang_for_nothing(self) -> bool:
        """Whether a look after a ring found that it had not ended: then it is polled like any other."""
        return self.pause > 0

    def found_nothing(self, now: float) -> None:
        """The look that a ring brought saw no end."""
        self.pause = min(LONGEST_PAUSE, 2 * self.pause) if self.pause else FIRST_PAUSE
        self.quiet_until = now + self.pause


class Bells:
    """All of a runner's. Used inside its loop only."""

    def __init__(self, monotonic: Callable[[], float], *, api_is_here: bool) -> None:
        self._monotonic, self._api_is_here = monotonic, api_is_here
        self.webhook_url: str | None = None
        """What a create carries that says nothing of a webhook."""
        self.public_url: str | None = None
        self._served: str | None = None
        self._bells: dict[str, Bell] = {}
        self._relied_on: str | None = None
        self._doors: Doors | None = None
        self._listener: asyncio.DatagramTransport | None = None
        self._opening = asyncio.Lock()

    def use(self, webhook_url: str | None, public_url: str | None) -> None:
        """Go on with other settings."""
        self.webhook_url, self.public_url = webhook_url, public_url

    def serve_at(self, base: str | None) -> None:
        """Rings come to a server of our own, or no longer; `base` ends in a slash. Raises ConfigurationError if nobody can ring there."""
        if base is not None and is_private(base) and not self._api_is_here:
            raise ConfigurationError(
                f"no webhooks are served: nobody outside can call {one_line(urlsplit(base).netloc, 60)}; give"
                " public_url='https://…', where a proxy or a tunnel leads here"
            )
        self._served = base

    def place(self, environ: Mapping[str, str] | None = None) -> tuple[str | None, str]:
        """(where this process is rung, or None; why not, or by whose word), in one line."""
        if self._served is not None:
            return self._served, "sd.serve_webhooks"
        return choose(find_server(environ), public_url=self.public_url, api_is_here=self._api_is_here)

    async def hang(self, job: str, wake: asyncio.Event) -> tuple[Bell | None, str | None]:
        """(a bell for this job, whose address the create carries; why there is none)."""
        base, why = self.place()
        if base is None:
            return None, why
        token = new_token()
        known = fingerprint(token)
        assert known is not None
        if self._served is None:
            try:
                await self._listen()
                assert self._doors is not None
                self._doors.hang(known, job, self._port)
            except OSError as error:
                return (
                    None,
                    f"webhook_url auto has no effect: nothing can be heard here ({error.strerror}); it is polled as usual",
                )
        bell = self._bells[known] = Bell(wake, job, base, known)
        bell.address = f"{base}{WAKE_PATH}{token}"
        return bell, None

    async def hang_again(self, job: str, wake: asyncio.Event) -> Bell | None:
        """The bell that an earlier kernel hung for this job: its token still lives."""
        server = find_server()
        if server is None:
            return None
        doors = self._doors or Doors(server.folder)
        known = doors.of_job(job)
        if known is None or known in self._bells:
            return None
        with contextlib.suppress(OSError):
            await self._listen()
            assert self._doors is not None
            self._doors.hang(known, job, self._port)
            base, _ = self.place()
            bell = self._bells[known] = Bell(wake, job, base, known)
            return bell
        return None

    def take_down(self, bell: Bell, *, for_good: bool = True) -> None:
        """Its job needs no ring any more; `for_good`: nor does any other kernel."""
        self._bells.pop(bell.fingerprint, None)
        bell.address = None
        if for_good and self._doors is not None:
            self._doors.take_down(bell.fingerprint)

    def ring(self, known: str) -> None:
        """Somebody called with the token of this fingerprint, or says so."""
        bell = self._bells.get(known)
        if bell is None:
            return
        bell.has_rung = True
        if bell.look_at is None:
            bell.look_at = max(self._monotonic(), bell.quiet_until)
            bell.wake.set()

    def relies_on(self, bell: Bell | None) -> bool:
        """Whether the end of this job will surely be rung for, as far as anybody can know."""
        return bell is not None and bell.base == self._relied_on is not None and not bell.rang_for_nothing

    def ended(self, bell: Bell) -> None:
        """Its job was seen to have ended."""
        if bell.announced_the_end:
            self._rely_on(bell.base)
        elif bell.base == self._relied_on and not bell.has_rung:
            self._rely_on(None)

    def _rely_on(self, base: str | None) -> None:
        if base != self._relied_on:
            self._relied_on = base
            for bell in self._bells.values():
                bell.wake.set()  # all think again about their next look

    @property
    def _port(self) -> int:
        assert self._listener is not None
        return int(self._listener.get_extra_info("sockname")[1])

    async def _listen(self) -> None:
        async with self._opening:
            if self._listener is not None:
                return
            server = find_server()
            if server is None:
                raise OSError(None, "no Jupyter server")
            self._doors = Doors(server.folder)
            self._listener, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Listener(self.ring), local_addr=("127.0.0.1", 0), family=socket.AF_INET
            )

    def close(self) -> None:
        """Hear nothing any more. What still hangs is for the next kernel."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._doors is not None:
            self._doors.close()


class _Listener(asyncio.DatagramProtocol):
    """Hears the server of this kernel. What is no fingerprint of a job here changes nothing."""

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002
        if len(data) == 64:
            self._ring(data.decode("ascii", "replace"))
