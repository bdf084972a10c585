"""Clips of a team in a bucket: uploaded once verified, believed to be there when it says so, read through a folder of limited size.

The bucket is a server that speaks S3 over HTTP and stores what it is given; two homes share one ledger file.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec  # noqa: F401 - brings its registry
import pytest
from tracking.references.bucket import S3, SECRET, BadS3, access

from seedance_nb.clips.shared import STORED, SharedClips
from seedance_nb.errors import ConfigurationError
from seedance_nb.settings import resolve
from seedance_nb.tracking.checkup import check_up
from seedance_nb.upload_places import read_place

SMALL = {"aspect_ratio": "1:1", "resolution": "480p", "duration": 4}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def s3(monkeypatch):
    for name, value in access().items():
        monkeypatch.setenv(name, value)
    server = S3()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def member(make_session, tmp_path, s3):
    """A session of a member of the team: a home of one's own, the ledger and the bucket of all."""

    def make(name, place=None, **changes):
        return make_session(
            home=tmp_path / name, ledger=tmp_path / "team" / "ledger.sqlite3", clips=place or s3.place, **changes
        )

    return make


def kept(session):
    """The session's store, once everything that lies in its folder is in the bucket."""
    shared = session.engine.shared_clips
    until(lambda: not shared.not_stored())
    return shared


def until(condition):
    end = time.monotonic() + 90
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
    return found


def used_at(shared, name):
    return (shared.folder / STORED / f"{name}.json").stat().st_mtime_ns


def name_of(s3, clip):
    return f"{s3.prefix}/{clip.sha256}.mp4"


def test_a_clip_is_in_the_bucket_under_its_hash(member, s3):
    session = member("ada")
    clip = session.submit("a boat", **SMALL).result(60)
    kept(session)

    assert s3.objects() == [name_of(s3, clip)]
    assert s3.client.get_object(Bucket="films", Key=name_of(s3, clip))["Body"].read() == clip.bytes()


def test_a_colleague_with_another_home_sees_it_from_the_bucket_and_nothing_is_sent(member, s3, simulator):
    session = member("ada")
    clip = session.submit("a boat", **SMALL).result(60)
    kept(session)
    looked = len(simulator.scenario.accepted)
    session.close()
    simulator.stop()  # whatever comes now comes from the bucket

    job = member("bob").submit("a boat", **SMALL)
    found = job.result(60)

    assert looked == len(simulator.scenario.accepted) == 1
    assert job.reused
    assert found.bytes() == clip.path.read_bytes()
    assert found.path.parent != clip.path.parent
    assert found.poster is not None


def test_who_waits_for_the_same_job_in_another_home_has_the_clip_from_the_bucket(member, simulator, caplog):
    caplog.set_level("INFO", "seedance_nb")
    ada, bob = member("ada"), member("bob")
    one, other = ada.submit("a boat", **SMALL), bob.submit("a boat", **SMALL)

    assert one.result(60).sha256 == other.result(60).sha256

    assert len(simulator.scenario.accepted) == 1
    assert "came from s3://films" in caplog.text


def test_what_is_cached_is_shown_without_the_bucket_and_without_the_service(member, s3, simulator):
    first = member("ada")
    clip = first.submit("a boat", **SMALL).result(60)
    kept(first)
    first.close()
    s3.stop()
    simulator.stop()
    try:
        assert member("ada").submit("a boat", **SMALL).result(60) == clip
    finally:
        s3.start()


def test_a_clip_that_was_changed_in_the_bucket_is_not_believed_and_comes_from_the_service(
    member, s3, simulator, caplog
):
    caplog.set_level("INFO", "seedance_nb")
    first = member("ada")
    clip = first.submit("a boat", **SMALL).result(60)
    kept(first)
    first.close()
    s3.client.put_object(Bucket="films", Key=name_of(s3, clip), Body=b"x" * clip.size)
    clip.path.unlink()

    second = member("bob")
    found = second.submit("a boat", **SMALL).result(60)

    assert found.sha256 == clip.sha256
    assert len(simulator.scenario.accepted) == 1
    assert "its content was changed" in caplog.text
    kept(second)
    assert s3.client.get_object(Bucket="films", Key=name_of(s3, clip))["Body"].read() == found.bytes()


@pytest.mark.parametrize("how", ["refuses", "cuts"])
def test_a_bucket_that_refuses_or_cuts_holds_no_clip_back_and_is_named_in_a_line_without_a_key(member, how, s3):
    with BadS3(how) as bad:
        session = member("ada", bad.place)
        job = session.submit("a boat", **SMALL)
        clip = job.result(60)

        shared = session.engine.shared_clips
        trouble = until(lambda: shared.trouble)
        assert re.match(rf"the clip {clip.path.name} is here and not in s3://films/refs yet \(", trouble)
        assert trouble.endswith("nothing is lost, it is tried again")
        assert "\n" not in trouble
        assert SECRET not in trouble
        until(lambda: job.snapshot.trouble == trouble)
        shared.most = 1
        shared.make_room()
        assert clip.path.exists()
        assert shared.not_stored() == [clip.path.name]
        session.close()


def test_a_process_that_is_killed_in_the_middle_of_an_upload_loses_nothing_and_the_next_goes_on(
    tmp_path, s3, simulator, member
):
    home, ledger = tmp_path / "ada", tmp_path / "team" / "ledger.sqlite3"
    script = (
        "import sys, time\n"
        "from seedance_nb.tracking.session import Session\n"
        f"session = Session(api_key='k', base_url={simulator.base_url!r}, home={str(home)!r}, ledger={str(ledger)!r}, clips=sys.argv[1])\n"
        "session.submit('a boat', aspect_ratio='1:1', resolution='480p', duration=4).result(60)\n"
        "print('there', flush=True)\n"
        "time.sleep(600)\n"
    )
    with BadS3("hangs") as bad:
        process = subprocess.Popen(
            [sys.executable, "-c", script, bad.place],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout.readline() == "there\n"
            until(lambda: bad.writes)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()

    next_one = member("ada")
    job = next_one.submit("a boat", **SMALL)
    clip = job.result(60)
    kept(next_one)

    assert len(simulator.scenario.accepted) == 1
    assert s3.objects() == [name_of(s3, clip)]


def test_the_folder_stays_within_its_size_and_what_was_used_longest_ago_goes_first(tmp_path, s3):
    shared = SharedClips(read_place(s3.place, "clips"), tmp_path, 2500)
    for number, name in enumerate(["a.mp4", "b.mp4", "c.mp4"]):
        (tmp_path / name).write_bytes(bytes([number]) * 1000)
        shared.keep(name).result(60)
        shared.make_room(name)
        if name == "b.mp4":
            until(lambda: shared.used(tmp_path / "a.mp4") or used_at(shared, "a.mp4") > used_at(shared, "b.mp4"))

    until(lambda: not (tmp_path / "b.mp4").exists())
    assert {path.name for path in tmp_path.glob("*.mp4")} == {"a.mp4", "c.mp4"}
    shared.close(5)


def test_what_was_deleted_in_the_bucket_does_not_go_from_the_folder_but_back_to_the_bucket(tmp_path, s3):
    shared = SharedClips(read_place(s3.place, "clips"), tmp_path, 10**9)
    (tmp_path / "a.mp4").write_bytes(b"only one")
    shared.keep("a.mp4").result(60)
    for key in s3.objects():
        s3.client.delete_object(Bucket="films", Key=key)

    shared.most = 1
    shared.make_room()

    until(s3.objects)
    until(lambda: not shared.not_stored())
    shared.close(5)


def test_without_s3fs_the_extra_is_named_and_nothing_is_lost(member, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(
        sys.modules["fsspec.registry"]._registry, "s3", raising=False
    )  # as in a kernel that never had it
    session = member("ada")
    clip = session.submit("a boat", **SMALL).result(60)

    trouble = until(lambda: session.engine.shared_clips.trouble)

    assert "pip install 'seedance_nb[team]'" in trouble
    assert clip.path.exists()


def test_the_doctor_says_whether_the_bucket_can_be_written_and_what_waits(member, s3):
    session = member("ada")
    session.submit("a boat", **SMALL).result(60)
    kept(session)
    found = next(finding for finding in check_up(session) if finding.what == "clips")
    assert found.ok
    assert "can be written; 1 clips here are in it, 0 wait" in found.found

    with BadS3("refuses") as bad:
        found = next(finding for finding in check_up(member("bob", bad.place)) if finding.what == "clips")
    assert not found.ok
    assert "cannot be used" in found.cure
    assert SECRET not in str(found)


def test_forgetting_frees_the_file_here_and_leaves_the_bucket(member, s3):
    session = member("ada")
    job = session.submit("a boat", **SMALL)
    clip = job.result(60)
    kept(session)

    session.forget(job)

    assert not clip.path.exists()
    assert s3.objects() == [name_of(s3, clip)]
    job.download_again()
    assert job.result(60).sha256 == clip.sha256


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://me:planted@bucket/x", "clips must look like s3://bucket/prefix, without a password"),
        ("https://bucket/x?planted=1", "clips cannot be an http address"),
        ("s3://bucket/x?planted=1", "'planted' cannot stand behind the question mark"),
    ],
)
def test_an_address_that_is_none_is_told_in_a_line(tmp_path, place, said):
    for given in ({"clips": place, "environ": {}}, {"environ": {"SEEDANCE_CLIPS": place}}):
        with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
            resolve(home=tmp_path, **given)
        assert "me:planted" not in str(caught.value)


def test_the_place_may_stand_in_pyproject_and_the_folder_is_then_in_home(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.seedance_nb]\nclips = "s3://bucket/clips"\nclips_cache_bytes = 7\n')

    found = resolve(environ={}, home=tmp_path / "home", folder=tmp_path)

    assert (found.shared_clips, found.clips) == ("s3://bucket/clips", tmp_path / "home" / "clips")
    assert found.limits.clips_cache_bytes == 7


def test_no_key_of_the_service_goes_to_the_bucket_and_none_of_the_bucket_to_the_service(member, s3, simulator):
    session = member("ada", api_key="planted-key-of-the-service")
    clip = session.submit("a boat", **SMALL).result(60)
    kept(session)
    stored = s3.client.get_object(Bucket="films", Key=name_of(s3, clip))

    assert "planted" not in repr(stored["ResponseMetadata"]) + repr(stored["Metadata"])
    assert SECRET not in repr([(entry.body, entry.request_id) for entry in simulator.scenario.accepted])
