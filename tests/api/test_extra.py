"""Fields of the service that this package does not know: their names and values, their identity, and what is kept of answers."""

import json
import math
from datetime import date

import numpy as np
import pytest

from seedance_nb.api.extra import (
    LEFT_OUT,
    MOST_ANSWER_BYTES,
    MOST_BYTES,
    as_typed,
    merged,
    read_extra,
    shown_extra,
    typed_value,
)
from seedance_nb.api.fields import FIELDS
from seedance_nb.api.models import VideoRequest, make_request, parse_generation
from seedance_nb.errors import InvalidRequest
from seedance_nb.pages.words import settings_line
from seedance_nb.snapshot import news_in

# Identity of "a boat" with all defaults, as the version before had it in its ledgers.
BEFORE = VideoRequest(prompt="a boat", duration=5).canonical_hash()
OLD_TEXT = '{"duration":5,"model":"seedance-2.0","prompt":"a boat"}'


def identity(extra):
    return make_request("a boat", extra=extra).canonical_hash()


def test_they_go_beside_the_others_as_they_are_given():
    request = make_request(
        "a boat", extra={"seed": 7, "negative_prompt": " blurry ", "camera": {"pan": [1, 2.5, None]}}
    )

    assert request.to_wire() == make_request("a boat").to_wire() | request.extra
    assert request.extra == {"seed": 7, "negative_prompt": " blurry ", "camera": {"pan": [1, 2.5, None]}}
    assert VideoRequest.from_wire(json.loads(json.dumps(request.to_wire()))) == request


def test_without_any_the_identity_is_the_one_of_old_ledgers():
    import hashlib

    assert hashlib.sha256(OLD_TEXT.encode()).hexdigest() == BEFORE
    assert identity(None) == identity({}) == make_request("a boat").canonical_hash()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
        ({"seed": 7}, {"seed": 7.0}),
        ({"seed": 7}, {"seed": np.int64(7)}),
        ({"style": "cafe\u0301"}, {"style": "café"}),
        ({"mask": "https://b.example/m.png?X-Amz-Signature=1"}, {"mask": "https://b.example/m.png?X-Amz-Signature=2"}),
    ],
)
def test_equal_values_are_one_request(one, other):
    assert identity(one) == identity(other)


@pytest.mark.parametrize(
    "other",
    [{}, {"seed": 8}, {"seed": "7"}, {"seed": True}, {"seed": None}, {"seeds": 7}, {"seed": [7]}, {"seed": 7, "x": 1}],
)
def test_another_value_is_another_request(other):
    assert identity({"seed": 7}) != identity(other)


def test_true_is_not_one():
    assert identity({"loop": True}) != identity({"loop": 1})


OWN = [
    *FIELDS,
    "take",
    "aspectRatio",
    "mediaUrls",
    "webhookUrl",
    "Duration",
    "ASPECT-RATIO".replace("-", "_"),
    "Seconds",
    "ratio",
]
OWN += [
    "image_url",
    "first_frame",
    "durration",
    "promt",
    "resoluton",
    "modle",
    "aspectRatios",
    "fresh",
    "max_credits",
    "maxCredits",
]
OWN += ["takes", "num_videos", "Extra", "extra_body", "metaData"]


@pytest.mark.parametrize("name", OWN)
def test_a_field_we_have_is_refused_in_any_spelling(name):
    with pytest.raises(InvalidRequest, match=r"^extra: .*nothing was sent$") as refused:
        make_request("a boat", extra={name: 7})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["seed", "mode", "fps", "negative_prompt", "cfg_scale", "camera_fixed", "watermark", "style", "prompt_optimizer", "_x", "generateAudio", "service_tier"])  # fmt: skip
def test_a_name_of_its_own_is_none_of_ours(name):
    assert make_request("a boat", extra={name: 7}).extra == {name: 7}


@pytest.mark.parametrize("name", ["", " ", "a b", "1x", "a-b", "a.b", "씨앗", "sèed", "a\nb", "x" * 65, "\ud800", 7, None, ("a",), b"seed", "seed "])  # fmt: skip
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InvalidRequest, match=r"is no name of a field.*nothing was sent"):
        make_request("a boat", extra={name: 7})


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        b"x",
        bytearray(b"x"),
        {1, 2},
        object(),
        date(2026, 1, 1),
        2**70,
        "\ud800",
        lambda: 1,
        1j,
        {"a": math.nan},
        [b"x"],
        {"a": {1: 2}},
        np.array([1, 2]),
        range(3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_would_change_is_refused_with_its_path(value):
    with pytest.raises(InvalidRequest, match=r"^extra\.seed.*nothing was sent$"):
        make_request("a boat", extra={"seed": value})


@pytest.mark.parametrize("given", ["seed=7", [("seed", 7)], 7, True, b"{}", {"seed"}], ids=repr)
def test_what_is_no_dict_is_refused(given):
    with pytest.raises(InvalidRequest, match="extra must be a dict"):
        make_request("a boat", extra=given)


@pytest.mark.parametrize("extra", [{"api_key": "x"}, {"Authorization": "x"}, {"token": "x"}, {"note": "my sd2_live_abcdef123456"}, {"a": {"b": ["sd2_live_abcdef123456"]}}, {"a": {"sd2_live_abcdef123456": 1}}])  # fmt: skip
def test_a_key_is_refused_and_not_repeated(extra):
    with pytest.raises(InvalidRequest, match="SEEDANCE_API_KEY") as refused:
        make_request("a boat", extra=extra)
    assert "abcdef" not in str(refused.value)


def test_what_is_huge_is_refused():
    assert read_extra({"mask": "x" * (MOST_BYTES - 20)})
    for extra in ({"mask": "x" * MOST_BYTES}, {f"f{i}": i for i in range(65)}):
        with pytest.raises(InvalidRequest, match="too many"):
            read_extra(extra)
    deep: list = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(InvalidRequest, match="nested deeper"):
        read_extra({"deep": deep})


def test_no_signature_is_kept_or_shown():
    signed = "https://b.example/m.png?X-Amz-Signature=SECRET"
    request = make_request("a boat", extra={"mask": {"url": signed}})

    kept = request.without_signatures()
    assert "SECRET" not in json.dumps(kept.to_wire())
    assert (kept.unsigned_address is not None, request.unsigned_address) == (True, None)
    assert kept.canonical_hash() == request.canonical_hash()
    assert request.to_wire()["mask"]["url"] == signed


# As text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("7", 7), ("-7", -7), ("7.5", 7.5), ("1e3", 1000.0), ("true", True), ("false", False), ("null", None),
        ('{"pan": 1}', {"pan": 1}), ("[1, 2]", [1, 2]), ("soft light", "soft light"), ('"007"', "007"), ("'7'", "7"), ('""', ""),
        ('"C:\\new"', "C:\\new"), ("a=b", "a=b"), ("v1.2", "v1.2"), ("2026-01-01", "2026-01-01"), ("16:10", "16:10"),
    ],
)  # fmt: skip
def test_json_is_json_and_all_else_is_text(typed, value):
    found, note = typed_value(typed)
    assert (found, type(found), note) == (value, type(value), None)


@pytest.mark.parametrize(
    ("typed", "own"),
    [
        ("07", "7"),
        ("+7", "7"),
        (".5", "0.5"),
        ("1_000", "1000"),
        ("True", "true"),
        ("None", "null"),
        ("FALSE", "false"),
        ("00", "0"),
    ],
)
def test_what_only_looks_like_json_is_sent_as_text_and_said(typed, own):
    assert typed_value(typed) == (typed, f'sent as the text "{typed}"; JSON\'s own would be {own}')


@pytest.mark.parametrize("typed", ["NaN", "Infinity", "-inf".removeprefix("-")])
def test_no_number_is_text(typed):
    assert typed_value(typed) == (typed, f'sent as the text "{typed}"')


@pytest.mark.parametrize(
    "value",
    [
        7,
        7.0,
        "7",
        "007",
        True,
        "true",
        None,
        "null",
        "",
        " x ",
        '"x"',
        "'x",
        "a\nb",
        {"a": "b c"},
        [1, "2"],
        "soft light",
        "NaN",
        "+7",
    ],
)
def test_a_value_as_it_is_typed_is_read_back(value):
    found, _ = typed_value(as_typed(value))
    assert (found, type(found)) == (value, type(value))


def test_they_stand_in_the_line_of_settings():
    line = settings_line(make_request("a boat", extra={"seed": 7, "name": "007", "camera": {"pan": 1}}))

    assert line.endswith('720p · seed=7 · name="007" · camera={"pan": 1}')
    many = shown_extra({f"field_{i}": "x" * 500 for i in range(9)})
    assert (len(many), many[-1]) == (5, "and 5 more fields")
    assert max(map(len, many)) <= 60


# Of answers ------------------------------------------------------------------------------------------------


def answer(**more):
    return parse_generation({"success": True, "requestId": "req_1", "status": "queued", "creditsCharged": 4, **more})


def test_what_is_not_read_is_kept():
    said = {"seed": 7, "queue": {"place": 3}, "output": {"type": "video", "url": "https://a.example/x.mp4", "fps": 24}}

    assert answer(**said).answer_extra == {"seed": 7, "queue": {"place": 3}, "output": {"fps": 24}}
    assert answer().answer_extra is None
    assert answer(prompt="x", mediaUrls=["x"], metadata={"a": 1}, error=None, later=None).answer_extra is None


def size_of(found):
    return len(json.dumps(found, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "said",
    [
        {"x": "y" * 10**6}, {f"f{i}": "y" * 400 for i in range(1000)}, {"y" * 10**5: 1}, {"x": [["z" * 400] * 1000] * 50},
        {"x": 10**5000}, {"x": float("nan")}, {"x": "\ud800"}, {"한글" * 1000: "한" * 5000},
    ],
    ids=range(8),
)  # fmt: skip
def test_it_is_bounded_and_can_be_written(said):
    found = answer(**said).answer_extra

    assert found
    assert size_of(found) <= MOST_ANSWER_BYTES + 100
    json.dumps(found, allow_nan=False).encode()


def test_what_was_left_out_is_said():
    found = answer(**{f"f{i}": "y" * 400 for i in range(30)}, seed=7).answer_extra

    assert found["seed"] == 7
    assert "fields more, too large to be kept" in found[LEFT_OUT]


def test_it_holds_no_signature():
    assert "SECRET" not in str(answer(preview="https://b.example/p.jpg?X-Amz-Signature=SECRET").answer_extra)


def test_answers_are_kept_together_the_later_word_of_each_name():
    from tracking.doubles import record

    first = answer(seed=7, place=3).answer_extra
    news = news_in(answer(place=2), record(answer_extra=first))
    assert news == {"answer_extra": {"seed": 7, "place": 2}}
    assert news_in(answer(place=3), record(answer_extra=first)) == {}
    assert (
        size_of(merged({f"a{i}": "y" * 450 for i in range(8)}, {f"b{i}": "y" * 450 for i in range(8)}))
        <= MOST_ANSWER_BYTES + 100
    )
