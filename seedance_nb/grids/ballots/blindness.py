"""Whether the clips themselves say what they were made with. Pure."""

from __future__ import annotations

from ..picture import GridPicture

_SIMULATED = (
    "These clips come from the simulator, which writes prompt and model on every picture: this ballot is not blind. It is good for "
    "practice, and its answers say nothing of the models."
)


def not_blind(picture: GridPicture) -> str:
    """What has to be said before the first vote; empty where nothing on a picture tells what it was made with."""
    shown = (tile.snapshot for tile in picture.tiles if tile.clip is not None)
    return _SIMULATED if any(snapshot is not None and snapshot.simulated for snapshot in shown) else ""
