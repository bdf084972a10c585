"""Names of saved clips from a pattern: what made the clip fills it in, and no value leads anywhere."""

from pathlib import PurePath

import pytest

from seedance_nb.clips.naming import named, within
from seedance_nb.errors import ClipError

FACTS = {
    "prompt": "a paper boat on a rainy street",
    "take": 2,
    "model": "seedance-2.0",
    "aspect_ratio": "16:9",
    "resolution": None,
}


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{prompt:.12}-{take}.mp4", "a paper boat-2.mp4"),
        ("{take:03}.mp4", "002.mp4"),
        ("{model}/{aspect_ratio}.mp4", "seedance-2.0/16-9.mp4"),
        ("{resolution}.mp4", "none.mp4"),
        ("{{{take}}}.mp4", "{2}.mp4"),
        ("plain.mp4", "plain.mp4"),
    ],
)
def test_names_in_braces_stand_for_what_made_the_clip(pattern, name):
    assert named(pattern, FACTS) == name


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("../../etc/passwd", "-..-etc-passwd"),
        ("a/b\\c", "a-b-c"),
        ("..", "none"),
        (".hidden", "hidden"),
        ("CON", "_CON"),
        ("a\nb\x00c\u202ed", "a b-c-d"),
        ("{take}", "{take}"),
        ("\ud800x", "-x"),
        ("cafe\u0301", "caf\u00e9"),
        ("", "none"),
    ],
)
def test_no_value_holds_a_separator_or_hides_a_file(prompt, name):
    assert named("{prompt}", {"prompt": prompt}) == name


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{promt}.mp4", r"no value for \{promt\}; did you mean \{prompt\}"),
        ("{zzz}.mp4", "there are prompt, take"),
        ("{prompt", "cannot be read"),
        ("{take.__class__}", "no value for"),
        ("{take!r}", "no format"),
        ("{prompt:>9999999999}", "no format"),
        ("{prompt:{take}}", "no format"),
        ("{prompt:d}", "does not fit"),
        ("{}", "no value"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_in_one_line(pattern, words):
    with pytest.raises(ClipError, match=words) as refused:
        named(pattern, FACTS)

    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "pattern", ["/etc/{take}.mp4", "../{take}.mp4", "a/../../b.mp4", "~/b.mp4", "C:/b.mp4", "..\\b.mp4"]
)
def test_a_name_in_a_folder_stays_in_it(pattern):
    with pytest.raises(ClipError, match="leads out of the folder"):
        within(pattern, FACTS)


def test_a_name_in_a_folder_may_have_folders():
    assert within("{model}/{take}.mp4", FACTS) == PurePath("seedance-2.0/2.mp4")


def test_a_long_value_is_cut_between_letters_and_leaves_the_rest():
    name = named("{prompt}-{take}.mp4", {"prompt": "雨" * 200, "take": 7})

    assert name == "雨" * 60 + "-7.mp4"


def test_a_name_that_no_file_system_takes_is_refused():
    with pytest.raises(ClipError, match="too long"):
        within("{prompt}{prompt}.mp4", {"prompt": "x" * 200})
