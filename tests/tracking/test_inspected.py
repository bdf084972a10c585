"""A session has the files of strangers looked into by another process."""

import pytest
from clips.odd_films import of_packets, png
from clips.test_inspector import process_of

from seedance_nb.clips import inspector as room
from seedance_nb.clips.inspector import Inspector
from seedance_nb.errors import ClipError
from seedance_nb.simulator import film as films


def test_a_session_has_its_files_looked_into_elsewhere_and_leaves_nothing_behind(make_session, monkeypatch):
    monkeypatch.setattr(room, "Inspector", Inspector)
    session = make_session()
    session.submit("a boat", duration=4, resolution="480p").result(60)
    process = process_of(session.engine.runner._tools.clips._inspect)

    session.close()

    assert process.poll() is not None


def test_a_refused_file_is_fetched_once_and_the_job_says_where_it_is(make_session, simulator, tmp_path, monkeypatch):
    def render(path, **_):
        of_packets(path, [png(16_000, 16_000)], claims=(16_000, 16_000))

    monkeypatch.setattr(films, "render", render)
    job = make_session().submit("a boat", duration=4, resolution="480p")
    with pytest.raises(ClipError, match="cannot be shown: the video is 16000 × 16000") as caught:
        job.result(60)
    job.download_again()
    with pytest.raises(ClipError, match=r"kept in the folder of clips as \w+\.unchecked\.mp4; nothing more is charged"):
        job.result(60)

    assert simulator.calls["download"] == 1
    assert "\n" not in str(caught.value)
