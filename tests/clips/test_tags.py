"""What made a clip stands in its saved copy, whose pictures and sound are the same bit for bit."""

import dataclasses
import shutil

import av
import pytest
from clips import odd_films

from seedance_nb.api.models import Status, make_request
from seedance_nb.clips.frames import frames
from seedance_nb.clips.saving import NameTaken
from seedance_nb.clips.store import Clips
from seedance_nb.clips.tags import read_tags, same_film
from seedance_nb.clips.trace import read_trace
from seedance_nb.errors import ClipError
from seedance_nb.snapshot import Snapshot


def packets_of(path):
    with av.open(str(path)) as reader:
        return sorted((p.stream.index, p.dts, p.pts, bytes(p)) for p in reader.demux() if p.dts is not None)


def clip_of(tmp_path, film, **settings):
    clips = Clips(tmp_path / "clips")
    part = clips.arriving("j1").part
    shutil.copy(film, part)
    options = {"prompt": "a paper boat", "duration": 5, "webhook_url": "https://me.example/secret"} | settings
    return Snapshot(
        key="j1",
        request=make_request(**options),
        take=2,
        status=Status.SUCCEEDED,
        status_text="succeeded",
        request_id="gen_1",
        created_at=1_700_000_000.0,
        clip=clips.admit("j1", part),
    ).traced_clip


def test_the_copy_tells_what_made_it_and_the_original_does_not(tmp_path, small_film):
    clip = clip_of(tmp_path, small_film)

    saved = clip.save_to(str(tmp_path / "{prompt:.7}-{take}-{date}.mp4"))

    assert saved.name == "a paper-2-2023-11-14.mp4"
    told = read_trace(read_tags(saved))
    assert (told.request.prompt, told.request.duration, told.take, told.request_id) == ("a paper boat", 5, 2, "gen_1")
    assert read_tags(saved)["title"] == "a paper boat"
    assert b"me.example" not in saved.read_bytes()
    assert clip.path.read_bytes() == small_film.read_bytes()
    assert read_trace(read_tags(clip.path)) is None


def test_no_signature_of_a_reference_is_passed_on(tmp_path, small_film):
    clip = clip_of(tmp_path, small_film, media_urls=["https://b.example/a.png?X-Amz-Signature=s3cr3t&X-Amz-Expires=60"])

    saved = clip.save_to(tmp_path / "boat.mp4")

    assert b"s3cr3t" not in saved.read_bytes()
    assert b"https://b.example/a.png" in saved.read_bytes()


@pytest.mark.parametrize("prompt", ['雨 "x" {take} \\ </script>', "two\nlines\tand more", "x" * 1900])
def test_every_prompt_comes_back_as_it_was(tmp_path, small_film, prompt):
    clip = clip_of(tmp_path, small_film, prompt=prompt)

    assert read_trace(read_tags(clip.save_to(tmp_path / "boat.mp4"))).request.prompt == clip.trace.request.prompt


def test_pictures_and_sound_are_the_same_and_the_index_comes_first(tmp_path, small_film):
    saved = clip_of(tmp_path, small_film).save_to(tmp_path / "boat.mp4")

    assert same_film(small_film, saved)
    whole = saved.read_bytes()
    assert 0 < whole.index(b"moov") < whole.index(b"mdat")


@pytest.mark.parametrize("how", [None, *odd_films.TURNS])
def test_sound_and_how_a_film_is_turned_survive(tmp_path, how):
    source = tmp_path / "odd.mp4"
    odd_films.film(source, sound="aac", sound_at=0.1, picture_at=0.25)
    if how is not None:
        odd_films.turn(source, how)

    saved = clip_of(tmp_path, source).save_to(tmp_path / "boat.mp4")

    assert same_film(source, saved)
    assert read_trace(read_tags(saved)) is not None
    assert packets_of(source) == packets_of(saved)
    assert [picture.tobytes() for picture in frames(source)] == [picture.tobytes() for picture in frames(saved)]


def test_the_same_film_is_left_and_another_is_never_written_over(tmp_path, small_film, large_film):
    clip = clip_of(tmp_path, small_film)
    saved = clip.save_to(tmp_path / "boat.mp4")
    before = saved.stat()

    assert clip.save_to(tmp_path / "boat.mp4") == saved
    assert saved.stat().st_mtime_ns == before.st_mtime_ns
    other = dataclasses.replace(clip_of(tmp_path / "other", large_film), trace=clip.trace)
    with pytest.raises(NameTaken):
        other.save_to(tmp_path / "boat.mp4")


def test_a_film_that_was_cut_since_is_not_taken_for_the_same_by_its_tags(tmp_path, small_film, large_film):
    from seedance_nb.clips.tags import write_tagged

    clip = clip_of(tmp_path, small_film)
    assert write_tagged(large_film, tmp_path / "boat.mp4", clip.trace.tags(clip.sha256))

    with pytest.raises(NameTaken):
        clip.save_to(tmp_path / "boat.mp4")


@pytest.mark.parametrize(
    "comment", ["", "[]", "{", '{"seedance_nb": "0"}', '{"seedance_nb": 1, "prompt": 5}', "[" * 100_000]
)
def test_tags_of_others_are_not_believed(comment):
    assert read_trace({"comment": comment}) is None


def test_what_is_no_film_is_said_in_one_line(tmp_path):
    (tmp_path / "x.mp4").write_text("no film")

    with pytest.raises(ClipError, match=r"x\.mp4 is no MP4"):
        read_tags(tmp_path / "x.mp4")


def test_a_name_that_is_not_there_is_refused_before_anything_is_written(tmp_path, small_film):
    with pytest.raises(ClipError, match=r"did you mean \{prompt\}"):
        clip_of(tmp_path, small_film).save_to(str(tmp_path / "new" / "{promt}.mp4"))

    assert not (tmp_path / "new").exists()
