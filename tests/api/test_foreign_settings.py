"""Settings of other services inside a prompt: said, never acted on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_nb.api.foreign_settings import note_of, setting_named

VALUES = {"model": "seedance-2.0", "aspect_ratio": "16:9", "duration": 5, "resolution": None}


def test_a_note_names_what_stands_there_our_setting_and_what_it_is():
    assert note_of("a cat --ratio 9:16 --dur 10 --rs 1080p --seed 7", VALUES) == (
        "in the prompt as words, and no settings: --ratio 9:16 (-a/--aspect-ratio on the line, aspect_ratio= in Python, which is 16:9); "
        "--dur 10 (-d/--duration on the line, duration= in Python, which is 5); "
        "--rs 1080p (-r/--resolution on the line, resolution= in Python, which is left to the service); "
        "--seed 7 (the service has no seed; -n N makes independent takes)"
    )


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a cat --camerafixed", "--camerafixed (no such"),
        ("a cat, --wm false, at night", "--wm false (no such"),
        ("a cat --aspect_ratio=9:16", "--aspect_ratio=9:16 (-a"),
        ("a cat ––ar 9:16", "––ar 9:16 (-a"),
        ("a cat -ar 9:16", "-ar 9:16 (-a"),
        ('{"durationSeconds":10}', '"durationSeconds":10 (-d'),
        ("{'seed': 7}", "'seed': 7 (the service has no seed"),
        ("Aspect ratio: 9:16. Length: 10 s", "ratio: 9:16"),
        ("a cat\nresolution：1080p", "resolution：1080p (-r"),
        ("a cat (9:16)", "(9:16) (-a"),
        ("--iref https://h/a.png --image https://h/b.png", "--image https://h/b.png (-i"),
        ("--n 4", "--n 4 (-n"),
    ],
)
def test_a_setting_is_found_however_it_is_written(prompt, said):
    assert said in note_of(prompt, VALUES)


@pytest.mark.parametrize(
    "prompt",
    [
        "a boat -- drifting - slowly — away",
        "model: a tall woman; style: noir",
        "size matters, quality of light, no people, a seed",
        "it is 9:16, the score is 3:4",
        "well-n 5ed, up-d 4",
        "--drifting --boats",
        "-5 degrees, -no smoking-",
        "",
    ],
)
def test_prose_is_no_setting(prompt):
    assert note_of(prompt, VALUES) is None


def test_many_settings_stay_a_line():
    note = note_of(" ".join(f"--fps {n}" for n in range(50)), VALUES)

    assert note.endswith(", and 44 more")
    assert len(note) < 500


@pytest.mark.parametrize("name", ["ar", "--ar", "aspectRatio", "aspect_ratio", "Aspect-Ratio"])
def test_a_name_is_known_however_its_words_are_joined(name):
    assert setting_named(name).option == "-a"


@given(st.text())
def test_any_text_gives_a_printable_line_or_none(prompt):
    note = note_of(prompt, VALUES)

    assert note is None or note.isprintable()
