"""Labels that hold only what differs, and the words of a prompt that vary alone."""

import pytest

from seedance_nb.grids.wording import LABEL_LENGTH, MOST_TEXTS, Piece, label, labels, pieces, what_differs

LONG = "the quick brown fox jumps over the lazy dog and then goes home to sleep for the night "


def test_what_all_begin_and_end_with_is_cut():
    found = what_differs(["A cat jumps in the rain", "A red hen jumps in the rain"])

    assert found == ("… cat …", "… red hen …")


def test_words_between_that_all_share_are_cut_too():
    found = what_differs(["a cat in the red night", "a dog in the blue night"])

    assert found == ("… cat … red …", "… dog … blue …")


def test_a_word_is_never_cut_in_its_middle():
    assert what_differs(["a catfish swims", "a cat swims"]) == ("… catfish …", "… cat …")


def test_where_one_text_is_the_beginning_of_another_a_common_word_is_kept():
    assert what_differs(["A cat jumps", "A cat jumps high"]) == ("… jumps", "… jumps high")


def test_in_chinese_every_character_is_a_word():
    assert what_differs(["一只猫在雨中跳跃", "一只狗在雨中跳跃"]) == ("… 猫 …", "… 狗 …")


def test_equal_texts_get_equal_labels_and_one_text_is_itself():
    assert what_differs(["a cat", "a dog", "a cat"]) == ("… cat", "… dog", "… cat")
    assert what_differs(["a cat", "a cat"]) == ("a cat", "a cat")
    assert what_differs([]) == ()


@pytest.mark.parametrize(
    "texts",
    [
        ["", "a cat"],
        ["a cat", "a  cat", "a cat (2)"],
        ["x" * 300, "x" * 299 + "y", "x" * 298],
        [LONG + "one", LONG + "two", "something else", LONG * 3 + "one"],
        [f"{LONG}{i} {LONG}{i % 3}" for i in range(30)],
        [" ", "\t", "\n"],
        ["…", "a …", "a … b"],
    ],
    ids=str,
)
def test_different_texts_never_share_a_label_and_none_is_empty_or_long(texts):
    found = what_differs(texts)

    assert len(set(found)) == len(texts)
    assert all(text.strip() for text in found)
    assert max(map(len, found)) < 2 * LABEL_LENGTH


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("duration", [5, 10, None], ("5 s", "10 s", "the service's choice")),
        ("take", [1, 2], ("take 1", "take 2")),
        ("model", ["seedance-2.0", "seedance-2.0-fast"], ("seedance-2.0", "seedance-2.0-fast")),
        ("animal", ["red fox", "red hen"], ("red fox", "red hen")),
        ("prompt", ["a red fox", "a red hen"], ("… fox", "… hen")),
        ("media_urls", [("u", "v"), ("u",), None], ("2 references", "1 reference", "the service's choice")),
        ("media_urls", [("http://a/1.png",), ("http://a/2.png",)], ("1 reference: http://a/1.png", "1 reference: http://a/2.png")),
        ("metadata", [{"seed": 1}, {"seed": 2}], ('{"seed": 1}', '{"seed": 2}')),
        ("speed", [0.5, 2, True], ("0.5", "2", "true")),
    ],
    ids=str,
)  # fmt: skip
def test_every_axis_has_its_words(name, values, expected):
    assert labels(name, values) == expected
    assert tuple(label(name, value, values) for value in values) == expected


def test_a_part_that_varies_alone_knows_the_texts_that_differ_by_it_alone():
    texts = ["a paper boat jumps", "a fox jumps", "a fox runs", "a paper boat runs", "snow falls"]

    boat, *_, snow = pieces(texts)

    assert boat == (Piece("a "), Piece("paper boat", (1,)), Piece(" "), Piece("jumps", (3,)))
    assert snow == (Piece("snow falls"),)


def test_the_pieces_of_a_text_are_the_text():
    texts = [
        f"  a {animal}\n {action}, 雨{n} "
        for animal in ("cat", "big dog")
        for action in ("runs", "sits")
        for n in "一二"
    ]

    cut = pieces(texts)

    assert ["".join(piece.text for piece in parts) for parts in cut] == texts
    assert all(any(piece.alike for piece in parts) for parts in cut)


def test_more_texts_than_anybody_would_compare_by_word_stay_whole():
    texts = [f"a cat number {i}" for i in range(MOST_TEXTS + 1)]

    assert pieces(texts) == tuple((Piece(text),) for text in texts)


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["비 오는 거리, 종이배", "눈 오는 거리, 종이배"], ("비 …", "눈 …")),
        (["종이배, 네온 불빛", "종이배, 아침 빛"], ("… 네온 불빛", "… 아침 빛")),
        (["a boat", "비 오는 거리를, 네온 불빛"], ("a boat", "비 오는 거리를, 네온 불빛")),
        (["a boat", "雨中的纸船，霓虹。neon"], ("a boat", "雨中的纸船，霓虹。neon")),
    ],
)
def test_a_label_has_spaces_where_its_text_has_some(texts, labels):
    assert what_differs(texts) == labels
