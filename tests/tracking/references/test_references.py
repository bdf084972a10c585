"""Own files as references: what they are, that they are the same video wherever they went, and that nothing is sent or kept half done."""

import base64
import hashlib
import io
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tracking.references.bucket import S3, SECRET, BadS3, access

from seedance_nb.api.content_addresses import is_content
from seedance_nb.api.models import Status
from seedance_nb.errors import ConfigurationError, InvalidRequest, SeedanceError
from seedance_nb.simulator.faults import Fault
from seedance_nb.tracking.references import uploads as sending
from seedance_nb.tracking.references.shelf import Shelf


def picture(shade=100, size=(64, 48), mode="RGB"):
    return Image.fromarray(np.full((size[1], size[0], 3), shade, np.uint8)).convert(mode)


def encoded(image, kind="PNG"):
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "references")


@pytest.fixture
def boat(tmp_path):
    path = tmp_path / "a boat é 배.png"
    path.write_bytes(encoded(picture()))
    return path


@pytest.fixture
def bucket(monkeypatch):
    """A server on this machine that speaks S3 over HTTP and stores what it is given."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in access().items():
        monkeypatch.setenv(name, value)
    server = S3()
    server.start()
    yield server
    server.stop()


def refusal_of(session, reference):
    """Why there is no clip: said at once where that is known by then, else when the job has ended."""
    with pytest.raises(SeedanceError) as caught:
        session.submit("the boat sails", duration=4, media_urls=[reference]).result(60)
    return caught.value


# What a reference may be ----------------------------------------------------------------------------------


def test_the_same_content_has_one_address_however_it_is_given(shelf, boat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    addresses = {
        shelf.address(given)
        for given in (boat, str(boat), boat.name, f"~/{boat.name}", boat.read_bytes(), bytearray(boat.read_bytes()))
    }
    assert addresses == {f"sha256:{hashlib.sha256(boat.read_bytes()).hexdigest()}.png"}
    [address] = addresses
    assert shelf.path(address).read_bytes() == boat.read_bytes()


def test_a_picture_from_memory_is_named_by_its_pixels(shelf):
    pixels = np.asarray(picture(7))
    named = {
        shelf.address(given)
        for given in (picture(7), pixels, pixels / 255, Image.open(io.BytesIO(encoded(picture(7)))))
    }
    assert len(named) == 1
    assert next(iter(named)).startswith("pixels:")
    assert shelf.address(picture(8)) not in named
    assert np.array_equal(np.asarray(Image.open(shelf.path(named.pop()))), pixels)


def test_lists_stay_lists_and_addresses_stay_addresses(shelf, boat):
    given = ["https://e.org/a.png", [boat, picture()], None]
    made = shelf.addresses(given)
    assert made[0] == "https://e.org/a.png"
    assert [is_content(each) for each in made[1]] == [True, True]
    assert made[2] is None
    assert shelf.addresses(np.asarray(picture())).startswith("pixels:")


@pytest.mark.parametrize(
    ("kind", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("GIF", ".gif"), ("BMP", ".bmp")]
)
def test_a_file_is_what_its_bytes_say_and_not_its_name(shelf, tmp_path, kind, suffix):
    path = tmp_path / "wrong.txt"
    path.write_bytes(encoded(picture(), kind))
    assert shelf.address(path).endswith(suffix)


def moving_webp():
    out = io.BytesIO()
    picture(0).save(out, "WEBP", save_all=True, append_images=[picture(200)], duration=100)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"root:x:0:0:root:/root:/bin/bash\n", "is no picture"),
        (b"\0\0\0\x20ftypheic" + bytes(40), "save it as .jpg or .png"),
        (b"\0\0\0\x20ftypavif" + bytes(40), "AVIF"),
        (b"\x1aE\xdf\xa3" + bytes(60), "save it as .mp4"),
        (b"%PDF-1.7" + bytes(60), "save its page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (encoded(picture(size=(3, 3))), "3 × 3 pixels, too few"),
        (encoded(picture(size=(64, 64)))[:90], "cannot be read whole"),
        (moving_webp(), "save one picture of it"),
    ],
)
def test_what_the_service_would_not_take_is_one_line(shelf, tmp_path, content, words):
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest) as caught:
        shelf.address(path)
    said = str(caught.value)
    assert words in said
    assert "nothing was sent and nothing charged" in said
    assert "\n" not in said
    assert not shelf.folder.exists()


def test_a_file_that_cannot_be_read_is_one_line(shelf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    huge = tmp_path / "huge.mp4"
    with huge.open("wb") as file:
        os.truncate(file.fileno(), 400_000_000)
    link = tmp_path / "link.png"
    link.symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.png")
    for given, words in (
        ("there is none.png", "there is no file there is none.png in "),
        (tmp_path, "is a folder"),
        (huge, "400 MB"),
        (link, "is no picture"),
        (tmp_path / "pipe.png", "is no file that can be read whole"),
        ("~nobody-of-this-name/x.png", "cannot be read"),
        ("a\0b.png", "cannot be read"),
        (7, "not int"),
        (np.zeros((4, 4, 7), np.uint8), "height x width"),
        (np.zeros((40, 40), np.int64) + 900, "int64"),
        (np.full((40, 40), np.nan), "float64"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            shelf.address(given)
        assert words in str(caught.value)
        assert "nothing was sent and nothing charged" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_open_files_and_views_of_bytes_are_what_is_in_them(shelf, boat):
    content = boat.read_bytes()
    with boat.open("rb") as file:
        given = [file, io.BytesIO(content), memoryview(content)]
        assert shelf.addresses(given) == [shelf.address(boat)] * 3
    assert shelf.addresses(io.BytesIO(content)) == shelf.address(boat)
    for odd, words in ((file, "cannot be read"), (io.StringIO("x"), "is open as text"), (io.BytesIO(), "is empty")):
        with pytest.raises(InvalidRequest, match=words) as caught:
            shelf.addresses(odd)
        assert "nothing was sent and nothing charged" in str(caught.value)


def test_a_photo_is_sent_the_way_up_it_is_shown(shelf, tmp_path):
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:, :30] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by a quarter to see it
    path = tmp_path / "photo.png"
    Image.fromarray(upright).rotate(90, expand=True).save(path, exif=exif)
    assert shelf.address(Image.open(path)) == shelf.address(Image.fromarray(upright))
    shown = Image.open(io.BytesIO(base64.b64decode(shelf.thumbnail(shelf.address(path)).partition(",")[2])))
    assert shown.size == (60, 40)


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_a_picture_of_more_than_8_bits_is_not_sent_black_or_white(shelf, kind):
    deep = Image.fromarray((np.arange(64 * 48).reshape(48, 64) * 20).astype(kind))
    with pytest.raises(InvalidRequest, match=r"more than 8 bits.*nothing was sent and nothing charged"):
        shelf.address(deep)


def test_a_film_that_was_cut_is_not_sent(shelf, small_film, tmp_path):
    whole = small_film.read_bytes()
    assert shelf.address(whole).endswith(".mp4")
    before = sorted(shelf.folder.iterdir())
    for cut in (whole[: len(whole) * 9 // 10], whole[:40], b"\0\0\0\x20ftypisom" + bytes(400)):
        with pytest.raises(InvalidRequest, match=r"cannot be played.*nothing was sent and nothing charged"):
            shelf.address(cut)
    assert sorted(shelf.folder.iterdir()) == before
    assert shelf.thumbnail(shelf.address(small_film)).startswith("data:image/jpeg")


def test_an_address_of_a_kind_that_the_service_surely_refuses_is_refused(make_session, simulator):
    session = make_session()
    for ending in (".heic", ".HEIF"):
        with pytest.raises(InvalidRequest, match=r"does not take.*nothing was sent and nothing charged"):
            session.submit("a boat", duration=4, media_urls=[f"https://e.org/photo{ending}?v=3"])
    assert simulator.calls["create"] == 0


def test_a_clip_whose_file_is_gone_is_one_line(session):
    clip = session.submit("a red boat", duration=4).result(60)
    clip.path.unlink()
    with pytest.raises(InvalidRequest, match=r"is gone.*nothing was sent and nothing charged"):
        session.submit("on", duration=4, media_urls=[clip])


def test_a_job_is_waited_for_and_its_clip_is_meant(session):
    job = session.submit("a red boat", duration=4)
    address = session.shelf.address(job)
    assert address == f"sha256:{job.clip.sha256}.mp4" == session.shelf.address(job.clip)


# Uploaded, and sent ---------------------------------------------------------------------------------------


def test_a_file_is_uploaded_once_and_the_create_holds_an_address_that_can_be_fetched(
    make_session, simulator, bucket, boat
):
    session = make_session(uploads=bucket.place)
    job = session.submit("the boat sails", duration=4, media_urls=[boat])
    job.result(60)

    [sent] = [accepted.body["mediaUrls"] for accepted in simulator.scenario.accepted]
    assert urllib.request.urlopen(sent[0]).read() == boat.read_bytes()
    assert bucket.objects() == [f"{bucket.prefix}/{hashlib.sha256(boat.read_bytes()).hexdigest()}.png"]
    assert [remark for remark in job.snapshot.remarks if "uploaded to s3://films/refs" in remark]
    assert not job.snapshot.warnings
    shown = repr(job.snapshot) + str(job.request) + job.to_html()
    assert SECRET not in shown
    assert "127.0.0.1" not in str(job.request.media_urls)
    assert job.request.media_urls == (session.shelf.address(boat),)


def test_run_all_is_free_with_the_bucket_on_another_port_and_no_bucket_at_all(make_session, simulator, bucket, boat):
    first = make_session(uploads=bucket.place)
    first.submit("the boat sails", duration=4, media_urls=[boat]).result(60)
    first.close()
    bucket.stop()
    bucket.start()

    for place in (bucket.place, None, "s3://another/place"):
        again = make_session(uploads=place)
        job = again.submit("the boat sails", duration=4, media_urls=[str(boat)])
        job.result(60)
        assert job.reused
        again.close()
    assert (simulator.calls["create"], len(bucket.objects())) == (1, 1)


def test_what_is_in_the_bucket_already_is_not_uploaded_again(make_session, bucket, boat, monkeypatch):
    session = make_session(uploads=bucket.place)
    session.submit("one", duration=4, media_urls=[boat]).result(60)
    written = bucket.client.head_object(Bucket="films", Key=bucket.objects()[0])["LastModified"]
    told = []
    real = sending.publish
    monkeypatch.setattr(sending, "publish", lambda *args: told.append(real(*args)) or told[-1])
    job = session.submit("two", duration=4, media_urls=[boat, "https://e.org/x.png"])
    job.result(60)

    assert told == [False]
    assert bucket.client.head_object(Bucket="films", Key=bucket.objects()[0])["LastModified"] == written
    assert any("the reference is at s3://films/refs" in remark for remark in job.snapshot.remarks)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (None, "no place to upload to is set: sd.configure(uploads=…)"),
        ("s3://no-such-bucket/x", "could not be uploaded to s3://no-such-bucket/x"),
        (lambda path: 1 / 0, "ZeroDivisionError"),
        (lambda path: "ftp://e.org/x.png", "gave no https:// address"),
        (lambda path: "http://example.org/x.png", "gave no https:// address"),
        (lambda path: "https://192.168.1.7/x.png", "gave no https:// address that others can reach"),
        (lambda path: "https:///x.png", "gave no https:// address"),
        (lambda path: None, "gave no https:// address"),
    ],
)
def test_without_a_place_that_works_nothing_is_sent(make_session, simulator, bucket, boat, place, words):
    if isinstance(place, str):
        place += f"?endpoint_url={bucket.endpoint}"
    session = make_session(uploads=place)
    error = refusal_of(session, boat)
    assert words in str(error)
    assert all((job.status, job.credits) == (Status.REJECTED, 0) for job in session.jobs())
    assert "nothing was submitted and nothing charged" in str(error)
    assert "\n" not in str(error)
    assert SECRET not in str(error)
    assert simulator.calls["create"] == 0


@pytest.mark.parametrize("public", ["http://cdn.example.org/refs", "https://10.0.0.1/refs", "https://169.254.169.254"])
def test_a_public_address_that_the_service_cannot_fetch_is_refused_before_anything_is_uploaded(
    make_session, simulator, boat, tmp_path, public
):
    session = make_session(uploads=f"file://{tmp_path}/public?public={public}")
    error = refusal_of(session, boat)
    assert f"public={public} is no https:// address that others can reach" in str(error)
    assert (simulator.calls["create"], (tmp_path / "public").exists()) == (0, False)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_of_this_machine_is_fetched_by_a_service_on_this_machine_alone(boat, host, scheme):
    public = f"file:///x?public={scheme}://{host}:9000/refs"
    sending.check(public, allow_http=True)
    with pytest.raises(ConfigurationError, match="that others can reach"):
        sending.check(public, allow_http=False)
    with pytest.raises(ConfigurationError, match="that others can reach"):
        sending.address_of(lambda path: f"{scheme}://{host}:9000/{path.name}", boat, allow_http=False)


def test_a_function_that_never_answers_ends_its_own_job_alone(make_session, simulator, boat):
    asked, answer = threading.Event(), threading.Event()

    def address(path):
        asked.set()
        answer.wait()
        return "https://cdn.example.org/late.png"

    session = make_session(uploads=address, create_timeout=2)
    stuck = [session.submit("the boat sails", duration=4, take=take, media_urls=[boat]) for take in (1, 2, 3)]
    try:
        assert asked.wait(60)
        # The others have their videos looked into all the while: there are two workers for that, and three that hang.
        session.submit("without a boat", duration=4).result(60)
        for job in stuck:
            with pytest.raises(ConfigurationError, match=r"not there within 2 s \(create_timeout\)"):
                job.result(60)
            assert (job.status, job.credits) == (Status.REJECTED, 0)
    finally:
        answer.set()
    assert simulator.calls["create"] == 1


def test_after_a_refusal_the_same_cell_buys_once(make_session, simulator, bucket, boat):
    session = make_session(uploads=f"s3://missing/x?endpoint_url={bucket.endpoint}")
    assert refusal_of(session, boat) is not None
    session.change(uploads=bucket.place)
    assert session.submit("the boat sails", duration=4, media_urls=[boat]).result(60) is not None
    assert session.submit("the boat sails", duration=4, media_urls=[boat]).reused
    assert simulator.calls["create"] == 1


def test_an_upload_that_was_cut_is_not_believed(make_session, simulator, boat, tmp_path, monkeypatch):
    from fsspec.implementations.local import LocalFileSystem

    real, cut = LocalFileSystem.put_file, [True]

    def cut_short(self, source, target, **options):
        real(self, source, target, **options)
        if cut:
            os.truncate(target, os.path.getsize(target) * 9 // 10)

    monkeypatch.setattr(LocalFileSystem, "put_file", cut_short)
    session = make_session(uploads=f"file://{tmp_path}/public?public=https://cdn.example.org/refs")
    error = refusal_of(session, boat)
    assert "was cut" in str(error)
    assert simulator.calls["create"] == 0
    cut.clear()
    session.submit("the boat sails", duration=4, media_urls=[boat]).result(60)
    [sent] = [accepted.body["mediaUrls"] for accepted in simulator.scenario.accepted]
    assert sent == [f"https://cdn.example.org/refs/{Path(session.shelf.path(session.shelf.address(boat))).name}"]
    assert (tmp_path / "public" / Path(sent[0]).name).read_bytes() == boat.read_bytes()


@pytest.mark.parametrize(
    ("how", "code", "status", "words"),
    [
        ("refuses", "AccessDenied", 403, "keys and rights"),
        ("refuses", "NoSuchBucket", 404, "check the bucket's name"),
        ("runs out", "ExpiredToken", 400, "its keys have run out: sign in again"),
        ("runs out", "TokenRefreshRequired", 400, "its keys have run out: sign in again"),
        ("runs out", "InvalidAccessKeyId", 403, "keys and rights"),
        ("cuts", "", 0, "was cut"),
    ],
)
def test_a_bucket_that_fails_is_one_line_and_nothing_half_done_is_believed(
    make_session, simulator, bucket, boat, how, code, status, words
):
    with BadS3(how, code, status) as bad:
        session = make_session(uploads=bad.place)
        said = str(refusal_of(session, boat))
        assert all((job.status, job.credits) == (Status.REJECTED, 0) for job in session.jobs())
        assert words in said
        assert "nothing was submitted and nothing charged" in said
        assert "\n" not in said
        assert "s3://films/refs" in said
        assert SECRET not in said
        assert refusal_of(session, boat) is not None
        if how == "cuts":
            assert bad.writes == 2, "what is there in part is written again"
    assert simulator.calls["create"] == 0
    session.change(uploads=bucket.place)
    session.submit("the boat sails", duration=4, media_urls=[boat]).result(60)
    assert simulator.calls["create"] == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("X-Amz-Date={day}T000000Z&X-Amz-Expires=60&X-Amz-Signature=abc", "has run out"),
        ("Expires={soon}&Signature=abc&Key-Pair-Id=1", "runs out in"),
        ("sv=1&se=2020-01-01T00%3A00%3A00Z&sr=b&sig=abc", "has run out"),
        ("X-Goog-Date={day}T000000Z&X-Goog-Expires=1&X-Goog-Signature=abc", "has run out"),
    ],
)
def test_an_address_that_is_signed_for_less_than_a_job_may_wait_is_not_sent(
    make_session, simulator, boat, query, words
):
    signed = query.format(day="20250101", soon=int(time.time()) + 60)
    session = make_session(uploads=lambda path: f"https://e.org/{path.name}?{signed}")
    said = str(refusal_of(session, boat))
    assert words in said
    assert "sign it for a day; nothing was submitted and nothing charged" in said
    assert simulator.calls["create"] == 0
    # One that was given is sent as it is given, with a word of it: what else it opens is not ours to know.
    job = session.submit("another boat", duration=4, media_urls=[f"https://e.org/a.png?{signed}"])
    job.result(60)
    assert any(words in warning and "sign it for a day" in warning for warning in job.snapshot.warnings)
    assert not any("abc" in warning for warning in job.snapshot.warnings)


def test_an_address_that_lives_long_enough_is_sent_without_a_word(make_session, boat):
    later = int(time.time()) + 3600
    session = make_session(uploads=lambda path: f"https://e.org/{path.name}?Expires={later}&Signature=abc")
    given = f"https://e.org/a.png?Expires={later}&Signature=abc"
    job = session.submit("the boat sails", duration=4, media_urls=[boat, given, "https://e.org/b.png?e=1700000000"])
    job.result(60)
    assert not any("sign it" in warning for warning in job.snapshot.warnings)


def test_a_job_that_fails_is_no_reference(session, simulator):
    failed = session.submit("a boat [fail]", duration=4)
    for given in (failed, [failed]):
        with pytest.raises(InvalidRequest) as caught:
            session.submit("on it goes", duration=4, media_urls=given)
        said = str(caught.value)
        assert "has no clip" in said
        assert "nothing was sent and nothing charged for this one" in said
        assert "\n" not in said
    assert simulator.calls["create"] == 1


def test_who_is_killed_in_the_middle_of_an_upload_buys_once_afterwards(make_session, simulator, bucket, boat, tmp_path):
    with BadS3("hangs") as bad:
        asks = (
            "import sys, seedance_nb as sd; where, home, place, boat = sys.argv[1:]\n"
            "session = sd.Session(api_key='k', base_url=where, home=home, uploads=place)\n"
            "session.submit('the boat sails', duration=4, media_urls=[boat]).result()\n"
        )
        given = [simulator.base_url, str(tmp_path), bad.place, str(boat)]
        process = subprocess.Popen([sys.executable, "-c", asks, *given])
        deadline = time.monotonic() + 60
        while not bad.writes and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.wait()
        assert (bad.writes, simulator.calls["create"]) == (1, 0)

    session = make_session(uploads=bucket.place)
    boat.unlink()  # the copy is what counts
    [known] = session.jobs()
    session.submit("the boat sails", duration=4, media_urls=list(known.request.media_urls)).result(60)
    assert (simulator.calls["create"], len(bucket.objects())) == (1, 1)


def test_six_references_are_refused_before_anything_is_uploaded(make_session, simulator, bucket):
    session = make_session(uploads=bucket.place)
    with pytest.raises(InvalidRequest, match=r"1 to 5 media URLs, not 6.*nothing was sent and nothing charged"):
        session.submit("many", duration=4, media_urls=[picture(shade) for shade in range(6)])
    assert (simulator.calls["create"], bucket.objects()) == (0, [])


def test_an_address_is_signed_anew_when_the_create_is_tried_again(make_session, simulator, boat):
    signed = []

    def sign(path):
        signed.append(f"https://e.org/{path.name}?Expires={len(signed)}&Signature=abc")
        return signed[-1]

    session = make_session(uploads=sign, pause_after_trouble=0.05)
    simulator.add_fault(Fault("create", "status", times=2, http_status=429))
    session.submit("the boat sails", duration=4, media_urls=[boat]).result(60)
    assert len(signed) == 3
    assert simulator.scenario.accepted[0].body["mediaUrls"] == [signed[-1]]


def test_a_copy_that_was_changed_is_not_uploaded(make_session, simulator, boat):
    session = make_session(uploads=lambda path: f"https://e.org/{path.name}")
    address = session.shelf.address(boat)
    session.shelf.path(address).write_bytes(b"something else")
    error = refusal_of(session, address)
    assert "gone or was changed" in str(error)
    assert simulator.calls["create"] == 0


def test_a_grid_takes_own_files_as_axes_and_in_rows(make_session, boat):
    import pandas as pd

    from seedance_nb.grids.opening import open_grid

    session = make_session(uploads=lambda path: f"https://e.org/{path.name}")
    laid = open_grid(session, "a boat", duration=4, media_urls=[[boat], [picture(3)], None])
    assert [cell.invalid for cell in laid.cells] == [None] * 3
    assert len({cell.identity for cell in laid.cells}) == 3
    rows = [{"prompt": "a", "media_urls": str(boat)}, {"prompt": "b", "media_urls": None}]
    for given in (rows, pd.DataFrame(rows)):
        cells = open_grid(session, given, duration=4).cells
        assert cells[0].request.media_urls == (session.shelf.address(boat),)
        assert cells[1].request.media_urls is None


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("bucket/prefix", "must look like s3://bucket/prefix"),
        ("https://e.org/x", "cannot be an http address"),
        ("s3://user:hunter2@bucket/x", "without a password"),
        ("s3://b/x?endpoint=https://e.org", "'endpoint' cannot stand"),
        ("s3://b/x?public=ftp://e.org", "public= must be"),
        ("s3://b/x?public=https://", "public= must be"),
        ("s3://b/x?public=cdn.example.org", "public= must be"),
        (7, "must be an address such as"),
        ("", "must be an address such as"),
    ],
)
def test_a_place_that_is_none_is_refused_at_once(make_session, place, words):
    with pytest.raises(ConfigurationError) as caught:
        make_session(uploads=place)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_place_may_stand_in_the_environment_or_in_the_project(make_session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text('[tool.seedance_nb]\nuploads = "s3://project/x"\n', encoding="utf-8")
    assert make_session().settings.uploads == "s3://project/x"
    monkeypatch.setenv("SEEDANCE_UPLOADS", "gs://mine/x")
    assert make_session().settings.uploads == "gs://mine/x"
    assert make_session(uploads="az://said/x").settings.uploads == "az://said/x"
