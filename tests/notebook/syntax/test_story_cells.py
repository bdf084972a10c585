"""%%seedance --story: shots with a line >>> between them, and what is refused because it would buy something else."""

import pytest

from seedance_nb.notebook.syntax.arguments import as_body, help_text, parse, story_options
from seedance_nb.notebook.syntax.filling import BadLine

BODY = "a paper boat\non a rainy street\n>>>\nthe rain stops\n >>> \nthe sea\n"


def refusal(line, cell=None, names=None):
    with pytest.raises(BadLine) as caught:
        parse(line, cell, None, names)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith("Nothing was sent")
    return said


def test_shots_stand_between_lines_of_three_signs():
    found = parse("--story -n 2 -d 4 -i boat.png --max-credits 300", BODY, names={})

    assert found.is_story
    assert story_options(found) == {
        "shots": ["a paper boat\non a rainy street", "the rain stops", "the sea"],
        "model": "seedance-2.0",
        "aspect_ratio": "16:9",
        "duration": 4,
        "resolution": "720p",
        "first_frame": "boat.png",
        "takes": 2,
    }
    assert found.max_credits == 300


def test_names_are_filled_into_each_shot_and_a_list_is_all_of_them():
    found = parse("--story", "a {colour} boat\n>>>\nthe {colour} sea", names={"colour": "red"})
    assert found.prompts == ("a red boat", "the red sea")
    assert parse("--story {shots}", names={"shots": ["one", "two"]}).prompts == ("one", "two")


def test_an_escaped_sign_is_part_of_its_shot_and_comes_back_as_it_was_typed():
    found = parse("--story", "one\n\\>>>\n\\---\n>>>\ntwo")
    assert found.prompts == ("one\n>>>\n---", "two")
    assert parse("--story", ">>>\n".join(as_body(prompt) + "\n" for prompt in found.prompts)).prompts == found.prompts
    assert parse("", as_body(found.prompts[0])).prompts == (found.prompts[0],)


@pytest.mark.parametrize("cell", ["one shot", ">>>\none shot\n>>>\n", "", None])
def test_fewer_than_two_shots_are_no_story_and_no_single_video_either(cell):
    said = refusal("--story", cell)
    assert "at least 2 shots" in said
    assert "a line >>> alone between two of them" in said


def test_what_stands_between_shots_without_the_option_is_never_bought_as_one_prompt():
    assert "%%seedance --story" in refusal("", BODY)


@pytest.mark.parametrize("line", ["---", ">>", ">>>>", "＞＞＞", ">>> the sea", "»"])
def test_what_nearly_parts_two_shots_is_refused(line):
    said = refusal("--story", f"one\n>>>\ntwo\n{line}\nthree")
    assert ">>>" in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--story -m seedance-2.0,seedance-2.0-fast", "a story has one model for all its shots"),
        ("--story -d 4,5", "a story has one duration"),
        ("--story --fresh", "-n 2 makes another take of each shot"),
        ("--story --sample 2", "leave it out"),
        ("--story --save-to boats", "export"),
        ("--story -i a.png b.png", "begins with one picture"),
    ],
)
def test_what_a_story_cannot_take_is_refused_with_what_can(line, words):
    assert words in refusal(line, BODY)


def test_alternatives_compare_and_are_no_story():
    assert "{a|b} compares videos" in refusal("--story", "a {red|blue} boat\n>>>\nthe sea", names={})


def test_the_help_says_how():
    assert "With --story the prompts are shots" in help_text()
