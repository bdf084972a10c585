import datetime as dt
import enum
import math
from decimal import Decimal
from fractions import Fraction

import msgspec
import numpy as np
import pandas as pd
import pytest
from api.json_shapes import ANY_JSON, ANY_OBJECT, REQUEST_IDS, is_presentable
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_nb.api.models import (
    REQUEST_ID,
    SERVER_STATUSES,
    Generation,
    Status,
    VideoRequest,
    as_request_id,
    error_parts,
    make_request,
    parse_generation,
    status_word,
)
from seedance_nb.errors import InvalidRequest

FULL = VideoRequest(
    prompt="a cat",
    model="seedance-2.0-fast",
    aspect_ratio="1:1",
    duration=4,
    resolution="480p",
    media_urls=("https://a.example/x.png",),
    webhook_url="https://b.example/hook",
    metadata={"k": ["v", 1]},
)
FULL_ON_THE_WIRE = {
    "prompt": "a cat",
    "model": "seedance-2.0-fast",
    "aspectRatio": "1:1",
    "duration": 4,
    "resolution": "480p",
    "mediaUrls": ["https://a.example/x.png"],
    "webhookUrl": "https://b.example/hook",
    "metadata": {"k": ["v", 1]},
}
# as documented
SUCCEEDED = {
    "success": True,
    "requestId": "req_1234567890",
    "status": "succeeded",
    "model": "seedance-2.0",
    "prompt": "…",
    "duration": 5,
    "aspectRatio": "16:9",
    "output": {"type": "video", "url": "https://pub-your-bucket.r2.dev/open-api-results/req_1234567890.mp4"},
    "error": None,
}


# The request


def test_every_field_has_its_documented_name_on_the_wire():
    assert msgspec.json.decode(msgspec.json.encode(FULL.to_wire())) == FULL_ON_THE_WIRE


def test_absent_fields_stay_absent_but_the_model_is_always_named():
    assert VideoRequest(prompt="a cat").to_wire() == {"prompt": "a cat", "model": "seedance-2.0"}


@pytest.mark.parametrize("request_", [FULL, VideoRequest(prompt="a cat")], ids=["full", "bare"])
def test_a_request_survives_the_way_to_the_wire_and_back(request_):
    wire = msgspec.json.decode(msgspec.json.encode(request_.to_wire()))

    assert VideoRequest.from_wire(wire) == request_


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "a dog"),
        ("model", "seedance-2.0"),
        ("aspect_ratio", "16:9"),
        ("duration", 5),
        ("resolution", "720p"),
        ("media_urls", None),
        ("media_urls", ("https://a.example/x.png?v=2",)),
    ],
)
def test_everything_that_can_change_the_video_makes_another_request(field, value):
    assert msgspec.structs.replace(FULL, **{field: value}).canonical_hash() != FULL.canonical_hash()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("webhook_url", "https://c.example/"),
        ("webhook_url", None),
        ("metadata", {"k": "other"}),
        ("metadata", {"k": [1, {"deep": 2}]}),
        ("metadata", None),
        ("prompt", "\ufeff a\u00a0cat \r\n"),
        ("media_urls", ("HTTPS://A.example:443/x.png?X-Amz-Signature=1",)),
    ],
)
def test_what_makes_no_other_video_is_still_the_same_request(field, value):
    assert msgspec.structs.replace(FULL, **{field: value}).canonical_hash() == FULL.canonical_hash()


def test_the_hash_of_a_request_is_the_same_in_every_version():
    # Written down in ledgers: another value here would buy every video again.
    request = VideoRequest(prompt="a paper boat", aspect_ratio="16:9", duration=5)

    assert request.canonical_hash() == "c21f0d0ab0b253395493da6142f5936dfda2a6a83516ce2c3c70a6d72034d709"


# A request as it is kept and shown

SIGNED = "https://a.example/x.png?v=3&X-Amz-Signature=abc"


def test_a_request_without_signatures_is_the_same_request_and_says_what_is_missing():
    metadata = {"from": SIGNED, "note": "see https://x", "list": [SIGNED, 1]}
    signed = make_request("a cat", media_urls=[SIGNED], webhook_url="https://u:p@h/?token=t", metadata=metadata)
    kept = signed.without_signatures()

    shown = "https://a.example/x.png?v=3#unsigned"
    assert (kept.media_urls, kept.webhook_url) == ((shown,), "https://h/#unsigned")
    assert kept.metadata == {"from": shown, "note": "see https://x", "list": [shown, 1]}
    assert kept.canonical_hash() == signed.canonical_hash()
    assert (kept.unsigned_address, signed.unsigned_address) == (shown, None)
    assert kept.without_signatures() == kept


@pytest.mark.parametrize("field", ["media_urls", "webhook_url", "metadata"])
def test_an_address_without_its_signature_is_found_wherever_it_stands(field):
    value = {
        "media_urls": [f"{SIGNED}#unsigned"],
        "webhook_url": "https://h/#unsigned",
        "metadata": {"a": ["https://h/#unsigned"]},
    }

    assert make_request("a cat", **{field: value[field]}).unsigned_address


# What a user gives


@pytest.mark.parametrize(
    "value", [5, "5", " 5 ", "5.0", 5.0, Decimal(5), Fraction(5), np.int64(5), np.float32(5), np.array(5)], ids=repr
)
def test_a_whole_number_of_seconds_is_one_however_it_is_written(value):
    duration = make_request("a cat", duration=value).duration

    assert (duration, type(duration)) == (5, int)


@pytest.mark.parametrize(
    "value",
    [5.5, "5s", "five", "", True, np.True_, b"5", math.nan, math.inf, "1e1", 5 + 0j, [5], np.array([5]), Decimal("5.1"), Decimal("NaN"),
     np.timedelta64(5, "s"), dt.timedelta(seconds=5), 10**30, Decimal("1e1000000"), pd.NA, pd.NaT],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_whole_number_of_seconds_is_refused_in_one_line(value):
    with pytest.raises(InvalidRequest, match=r"^duration must be whole seconds.*; nothing was sent$"):
        make_request("a cat", duration=value)


class Model(enum.StrEnum):
    FAST = "seedance-2.0-fast"


@pytest.mark.parametrize("value", [Model.FAST, np.str_("seedance-2.0-fast"), "seedance-2.0-fast\u00a0"], ids=repr)
def test_every_kind_of_text_is_sent_as_plain_text(value):
    request = make_request(np.str_("a cat"), model=value, media_urls=[np.str_("https://a.example/x.png")])

    texts = [request.prompt, request.model, *request.media_urls]
    assert ([type(text) for text in texts], request.model) == ([str] * 3, "seedance-2.0-fast")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prompt": b"a cat"}, "the prompt must be text, not bytes; nothing was sent"),
        ({"prompt": 5}, "the prompt must be text, not int; nothing was sent"),
        ({"media_urls": [b"https://a/x.png"]}, "media_urls[0] must be text, a public https:// address, not bytes; nothing was sent and nothing charged"),
        ({"media_urls": ["https://a/x.png", 5]}, "media_urls[1] must be text, a public https:// address, not int; nothing was sent and nothing charged"),
        ({"media_urls": {"https://a/x.png"}}, "media_urls must be a list of URLs, not set; nothing was sent and nothing charged"),
        ({"media_urls": {"a": "b"}}, "media_urls must be a list of URLs, not dict; nothing was sent and nothing charged"),
        ({"media_urls": b"https://a/x.png"}, "media_urls must be a list of URLs, not bytes; nothing was sent and nothing charged"),
        ({"media_urls": 5}, "media_urls must be a list of URLs, not int; nothing was sent and nothing charged"),
        ({"metadata": ["k"]}, "metadata must be a dict of names and plain JSON values, not list; nothing was sent"),
        ({"metadata": "k"}, "metadata must be a dict of names and plain JSON values, not str; nothing was sent"),
        ({"metadata": [("a", 1)]}, "metadata must be a dict of names and plain JSON values, not list; nothing was sent"),
        ({"metadata": {"a": {"tags": [1, {2}]}}}, "metadata.a.tags[1]: a set is no JSON value; write it as text, a number, a list or a dict; nothing was sent"),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value),
)  # fmt: skip
def test_what_would_be_sent_as_something_else_is_refused_in_one_line(options, said):
    with pytest.raises(InvalidRequest) as told:
        make_request(**{"prompt": "a cat", **options})

    assert str(told.value) == said


def test_the_prompt_that_is_sent_is_the_one_that_counts():
    assert make_request("\u00a0cafe\u0301 \r\nsmall\u200b ").prompt == "café\nsmall"


# The status


@pytest.mark.parametrize(
    ("status", "final"),
    [
        ("submitting", False),
        ("queued", False),
        ("processing", False),
        ("succeeded", True),
        ("failed", True),
        ("cancelled", True),
        ("rejected", True),
        ("unknown", True),
    ],
)
def test_a_status_knows_whether_it_is_final(status, final):
    assert Status(status).is_final is final


def test_there_are_no_other_statuses():
    assert [status.value for status in Status] == (
        ["submitting", "queued", "processing", "succeeded", "failed", "cancelled", "rejected", "unknown"]
    )


def test_the_service_cannot_say_the_words_that_are_ours():
    assert sorted(SERVER_STATUSES) == ["cancelled", "failed", "processing", "queued", "succeeded"]


# Ids


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("req_1234567890", "req_1234567890"),
        ("7f3c-9.a~b:c=d@e+f", "7f3c-9.a~b:c=d@e+f"),
        (1234567890, "1234567890"),
        ("a" * 200, "a" * 200),
        ("a" * 201, None),
        ("", None),
        ("..", None),
        ("../../admin", None),
        ("-rf", None),
        ("req 1", None),
        ("req_1\n", None),
        ("req_1/cancel", None),
        ("req?x", None),
        ("req%2f", None),
        ("réq", None),
        ("\ud83d", None),
        (-5, None),
        (True, None),
        (1.5, None),
        (None, None),
        (["req_1"], None),
    ],
    ids=repr,
)
def test_only_an_id_that_is_safe_in_a_path_is_followed(value, expected):
    assert as_request_id(value) == expected


# The error field, whose shape is not documented


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, (None, None)),
        ("", (None, None)),
        ({}, (None, None)),
        ([], (None, None)),
        (False, (None, None)),
        ("  \n", (None, None)),
        ("no luck", (None, "no luck")),
        ("two\nlines", (None, "two lines")),
        ("\x1b[31mred", (None, "[31mred")),
        ("half \ud83d", (None, "half ?")),
        ("<b>bold</b>", (None, "<b>bold</b>")),
        ({"code": "unauthorized", "message": "Invalid API key"}, ("unauthorized", "Invalid API key")),
        ({"type": "moderation", "detail": "refused"}, ("moderation", "refused")),
        ({"error": "inside"}, (None, "inside")),
        ({"code": "moderation_blocked"}, ("moderation_blocked", "moderation_blocked")),
        ({"code": 1001, "message": {"en": "no"}}, ("1001", "{'en': 'no'}")),
        ({"why": "x"}, (None, "{'why': 'x'}")),
        (["a", "b"], (None, "['a', 'b']")),
        (42, (None, "42")),
    ],
    ids=repr,
)
def test_an_error_of_any_shape_becomes_a_code_and_a_line(error, expected):
    assert error_parts(error) == expected


def test_an_error_too_large_or_deep_for_a_text_names_its_kind():
    deep = []
    for _ in range(100_000):
        deep = [deep]

    assert [error_parts(10**5000), error_parts(deep)] == [(None, "(int)"), (None, "(list)")]


@given(ANY_JSON)
@settings(deadline=None, max_examples=60)
def test_any_error_becomes_presentable_text_or_nothing(error):
    for part in error_parts(error):
        assert part is None or (part and is_presentable(part))


# Reading a generation


def test_the_documented_result_is_read_whole():
    assert parse_generation(SUCCEEDED) == Generation(
        request_id="req_1234567890",
        status=Status.SUCCEEDED,
        status_text="succeeded",
        output_url="https://pub-your-bucket.r2.dev/open-api-results/req_1234567890.mp4",
        model="seedance-2.0",
        prompt="…",
        duration=5,
        aspect_ratio="16:9",
    )


def test_the_documented_acceptance_is_read_whole():
    answer = {"success": True, "requestId": "req_1234567890", "status": "queued", "creditsCharged": 40}

    assert parse_generation(answer) == Generation(
        request_id="req_1234567890", status=Status.QUEUED, status_text="queued", credits_charged=40.0
    )


@pytest.mark.parametrize(
    ("said", "status", "text", "oddity"),
    [
        ("queued", "queued", "queued", None),
        ("SUCCEEDED", "succeeded", "SUCCEEDED", None),
        (" failed\n", "failed", "failed", None),
        ("reticulating", "processing", "reticulating", "the service invented the status 'reticulating'"),
        ("unknown", "processing", "unknown", "the service invented the status 'unknown'"),
        ("rejected", "processing", "rejected", "the service invented the status 'rejected'"),
        ("que\nued", "processing", "que ued", "the service invented the status 'que ued'"),
        (None, "queued", "queued", "the answer had no status"),
        ("", "queued", "queued", "the answer had no status"),
        ("\x00", "queued", "queued", "the answer had no status"),
        (7, "queued", "queued", "the answer had no status"),
        (["succeeded"], "queued", "queued", "the answer had no status"),
    ],
    ids=repr,
)
def test_an_odd_status_stays_visible_and_is_not_final(said, status, text, oddity):
    generation = parse_generation({"requestId": "req_1", "status": said})

    assert (generation.status, generation.status_text, generation.oddity) == (status, text, oddity)


def test_success_false_is_odd_but_keeps_the_id():
    generation = parse_generation({"requestId": "req_1", "success": False, "status": "queued", "error": "oops"})

    assert (generation.request_id, generation.oddity, generation.error) == (
        ("req_1", "the answer said success: false", "oops")
    )


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"type": "video", "url": "https://a.example/v.mp4"}, "https://a.example/v.mp4"),
        ("https://a.example/v.mp4", "https://a.example/v.mp4"),
        ({"url": "https://a.example/" + "x" * 8192}, None),
        ({"url": "https://a.example/\n"}, None),
        ({"url": "https://a.example/\ud83d"}, None),
        ({"url": ""}, None),
        ({"url": 5}, None),
        ({"type": "video"}, None),
        (["https://a.example/v.mp4"], None),
        (None, None),
    ],
)
def test_the_address_of_the_video_is_taken_from_where_it_may_be(output, expected):
    assert parse_generation({"requestId": "r", "output": output}).output_url == expected


@pytest.mark.parametrize(
    ("charged", "expected"),
    [
        *[(40, 40.0), (12.5, 12.5), (0, 0.0), (-1, None), (10**400, None), (float("nan"), None), (True, None)],
        *[("40", None), (1e300, None), (float("inf"), None), (2 * 10**9, None)],
    ],
    ids=["40", "12.5", "0", "-1", "400 digits", "nan", "True", "text", "1e300", "infinite", "two milliards"],
)
def test_credits_are_a_believable_number_or_not_known(charged, expected):
    assert parse_generation({"requestId": "r", "creditsCharged": charged}).credits_charged == expected


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (5, 5),
        (5.0, 5),
        (3600, 3600),
        (0, None),
        (-5, None),
        (3601, None),
        (10**400, None),
        (float("nan"), None),
        ("5", None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_length_is_a_believable_number_of_seconds_or_not_known(duration, expected):
    assert parse_generation({"requestId": "r", "duration": duration}).duration == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"success": True, "data": {"requestId": "req_1", "status": "queued"}}, ("req_1", "queued")),
        ({"status": "ok", "data": {"requestId": "req_1", "status": "failed"}}, ("req_1", "failed")),
        ({"requestId": None, "data": {"requestId": "req_1", "status": "failed"}}, ("req_1", "failed")),
        ({"requestId": "req_1", "data": {"requestId": "req_2", "status": "failed"}}, ("req_1", "failed")),
        ({"requestId": "req_1", "status": "queued", "data": {"status": "failed"}}, ("req_1", "queued")),
        ({"requestId": "req_1", "status": None, "data": {"status": "failed"}}, ("req_1", "failed")),
        ({"requestId": "req_1", "status": "queued", "data": ["x"]}, ("req_1", "queued")),
    ],
    ids=["data", "envelope status", "null id", "two ids", "two statuses", "null status", "a list"],
)
def test_an_answer_wrapped_in_data_is_unwrapped(answer, expected):
    generation = parse_generation(answer)

    assert (generation.request_id, generation.status_text) == expected
    assert status_word(answer) == expected[1]


def test_an_answer_without_an_id_is_about_the_one_we_asked_for():
    assert parse_generation({"status": "queued"}, request_id="req_9").request_id == "req_9"


@pytest.mark.parametrize(
    "answer", [{}, {"requestId": "../x"}, [], None, "req_1", 7, [{"requestId": "req_1"}]], ids=repr
)
def test_without_any_id_there_is_no_generation(answer):
    assert parse_generation(answer) is None


@given(ANY_OBJECT, st.none() | REQUEST_IDS)
@settings(deadline=None, max_examples=60)
def test_whatever_is_read_is_presentable_and_its_id_can_be_followed(answer, asked_for):
    generation = parse_generation(answer, request_id=asked_for)

    if generation is None:
        return
    assert REQUEST_ID.fullmatch(generation.request_id)
    texts = [value for value in msgspec.structs.asdict(generation).values() if isinstance(value, str)]
    assert all(is_presentable(text) for text in texts)
    assert generation.status_text
    msgspec.json.encode(generation)


@given(ANY_OBJECT, REQUEST_IDS)
@settings(deadline=None, max_examples=60)
def test_a_valid_id_is_found_whatever_else_is_in_the_answer(answer, request_id):
    assert parse_generation({**answer, "requestId": request_id}).request_id == request_id


def test_a_generation_cannot_be_changed():
    with pytest.raises(AttributeError):
        parse_generation(SUCCEEDED).status = Status.FAILED
