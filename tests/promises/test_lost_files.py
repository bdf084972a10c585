"""What is remembered against what is on disk: a clip whose file is gone, cut or replaced is never shown, and fetched again for nothing."""

import asyncio
import os
import shutil

import pytest
from promises.stage import PACE, accepted, session_at, settled, submit, until

from seedance_nb.api.models import Status
from seedance_nb.errors import ClipError
from seedance_nb.pages.job_page import final_html
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking.following import following, polling


def gone(clip):
    clip.path.unlink()


def cut(clip):
    os.truncate(clip.path, 1000)


def replaced(clip):
    data = clip.path.read_bytes()
    clip.path.write_bytes(data[:-100] + data[-100:][::-1])


def folder_gone(clip):
    shutil.rmtree(clip.path.parent)


def folder_moved(clip):
    clip.path.parent.rename(clip.path.parent.with_name("moved"))


LOSSES = [gone, cut, replaced, folder_gone, folder_moved]


async def awaited(job):
    return await job


WAYS = {
    "result": lambda job: job.result(60),
    "await": lambda job: asyncio.run(awaited(job)),
    "download_again": lambda job: (job.download_again(), job.result(60))[1],
}


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("way", WAYS)
def test_a_lost_file_is_said_to_be_lost_and_fetched_again_without_a_create(way, lose, simulator, session, one_film):
    job = submit(session)
    clip = job.result(60)
    lose(clip)

    assert (job.status, job.clip) == (Status.SUCCEEDED, None)
    assert isinstance(job.error, ClipError)
    assert "job.download_again() brings it back, without a new create" in str(job.error)
    assert job.error.job is job

    again = WAYS[way](job)

    assert again.bytes() == one_film.read_bytes()
    assert (job.clip, job.error) == (again, None)
    assert (accepted(simulator), simulator.calls["create"], simulator.calls["download"]) == (1, 1, 2)


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("kernel", ["the same kernel", "another one"])
def test_run_all_fetches_a_lost_file_again_and_buys_nothing(kernel, lose, simulator, session, tmp_path, one_film):
    lose(submit(session).result(60))

    with session_at(simulator.base_url, tmp_path) as another:
        job = submit(session if kernel == "the same kernel" else another)
        assert job.result(60).bytes() == one_film.read_bytes()
        assert (job.reused, job.credits) == (True, 0)
    assert (accepted(simulator), simulator.calls["create"], simulator.calls["download"]) == (1, 1, 2)


def test_nothing_is_fetched_while_the_file_is_there(simulator, session):
    job = submit(session)
    clip = job.result(60)
    os.utime(clip.path)
    job.download_again()
    assert job.result(60) == submit(session).result(60) == clip
    assert simulator.calls["download"] == 1


def test_what_the_service_has_forgotten_is_said_in_one_line_and_never_bought_again(simulator, session, monkeypatch):
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(polling, "LONGEST_AFTER_TROUBLE", 0.02)
    job = submit(session)
    job.result(60).path.unlink()
    simulator.add_fault(Fault("get", "not_found", None))

    with pytest.raises(ClipError, match="the service does not have it any more") as caught:
        job.result(60)

    assert str(caught.value).isprintable()
    assert "paid for and kept" in str(caught.value)
    assert settled(submit(session)).clip is None
    assert simulator.calls["create"] == 1


def test_a_file_that_is_there_again_ends_the_wait(simulator, session, tmp_path):
    job = submit(session)
    clip = job.result(60)
    clip.path.rename(tmp_path / "away")
    simulator.add_fault(Fault("download", "status", None, http_status=503))
    job.download_again()
    until(lambda: "fetched again at" in (job.snapshot.note or ""))
    (tmp_path / "away").rename(clip.path)
    simulator.clear_faults()
    job.download_again()  # ends the pause
    assert job.result(60).bytes() == clip.bytes()


def test_asking_again_ends_the_pause_before_the_next_try(simulator, session_of, monkeypatch):
    monkeypatch.setattr(following, "FIRST_PAUSE", 50_000.0)
    simulator.add_fault(Fault("download", "status", http_status=503))
    job = submit(session_of(simulator, longest_pause=10_000))
    until(lambda: "fetched again at" in (job.snapshot.note or ""))
    job.download_again()
    assert job.result(60).path.exists()


def test_a_figure_never_shows_another_file_under_the_name_of_a_lost_one(session, one_film):
    job = submit(session)
    clip = job.result(60)
    snapshot = job.snapshot
    replaced(clip)
    shown = final_html(snapshot, 12_000_000)
    assert "was changed" in shown
    assert "data:video/mp4" not in shown
    assert clip.path.name not in shown.replace(f"the file {clip.path.name} was changed", "")


def test_a_preview_of_the_file_before_is_not_shown_for_the_new_one(simulator, session):
    from seedance_nb.clips.store import Clips, preview_of

    job = submit(session)
    clip = job.result(60)
    small = Clips(clip.path.parent).preview(clip)
    small.write_bytes(b"of the file before")
    gone(clip)
    assert job.result(60)
    assert not preview_of(clip.path).exists()


def test_leftovers_swept_by_another_process_in_the_middle_of_a_download_cost_a_try(tmp_path, one_film):
    faults = [Fault("download", "stall", bytes=100_000)]
    with (
        Simulator(pace=PACE, faults=faults) as simulator,
        session_at(simulator.base_url, tmp_path, stall_timeout=1) as session,
    ):
        job = submit(session)
        part = until(lambda: next((p for p in (tmp_path / "clips").glob(".*.part") if p.stat().st_size), None))
        part.unlink()
        assert job.result(60).bytes() == one_film.read_bytes()
