"""What was paid for survives a power cut: the file is synced before it has its name, the folder after; both are the owner's alone."""

import os
import stat

import pytest
from clips.test_store import arrived

from seedance_nb.clips import store as rooms
from seedance_nb.clips.store import Clips
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.ledger_file import make_private_folder


@pytest.fixture
def synced(monkeypatch):
    """Inodes of what was synced, in their order."""
    seen, really = [], os.fsync

    def fsync(handle):
        seen.append(os.fstat(handle).st_ino)
        really(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_a_download_is_synced_before_it_counts_as_whole(tmp_path, small_film, synced):
    part = tmp_path / "a.part"
    part.write_bytes(small_film.read_bytes())
    rooms.inspect(part, tmp_path / "a.jpg")
    assert part.stat().st_ino in synced


def test_the_folder_is_synced_after_the_rename(tmp_path, small_film, synced):
    folder = tmp_path / "clips"
    clips = Clips(folder)
    clip = clips.admit("j1", arrived(clips, small_film))
    assert clip.path.parent.stat().st_ino in synced
    clips.close()


def test_folders_that_we_make_are_the_owners_alone(tmp_path):
    before = os.umask(0)
    try:
        ledger = Ledger(tmp_path / "home" / "ledger.sqlite3")
        ledger.jobs()
        ledger.close()
        make_private_folder(tmp_path / "other")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("home", "other")] == [0o700, 0o700]
