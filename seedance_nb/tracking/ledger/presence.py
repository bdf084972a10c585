"""Who is alive, where a file is shared by the processes of one machine: as their numbers tell."""

from __future__ import annotations

from .. import owner as owners


class LocalPresence:
    """Nothing to keep: the system knows. Fulfils `contract.Presence`."""

    beat_seconds: float | None = None

    def beat(self, owner: str) -> None:
        """Nothing: the system tells."""

    def hang_up_if_silent(self) -> None:
        """Nothing: a file answers."""

    def leave(self, owner: str) -> None:
        """Nothing: the system tells."""

    def is_alive(self, owner: str | None) -> bool | None:
        """Whether the owner's create may still be in the air; None where nobody here can tell (another machine)."""
        return owners.is_alive(owner)

    def is_at_work(self, owner: str | None) -> bool:
        """Whether the owner surely goes on."""
        return owners.is_at_work(owner)
