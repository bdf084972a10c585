"""The table "When an answer is unclear", row by row."""

import json
import time

import pytest
from api.json_shapes import ACCEPTED, ANY_BYTES, ANY_OBJECT, REQUEST_IDS, is_presentable
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seedance_nb.api.answers import (
    Answer,
    Silence,
    asked_pause,
    judge_answer,
    judge_create,
    judge_look,
    read_json,
    retry_after_seconds,
    salvage_id,
)
from seedance_nb.api.models import REQUEST_ID, Generation, Status
from seedance_nb.errors import (
    ApiError,
    AuthenticationError,
    ConnectionFailed,
    OutcomeUnknown,
    PaymentRequired,
    RateLimited,
    SeedanceError,
    ServerError,
)

GOOD = json.dumps(ACCEPTED).encode()
REFUSED = {"success": False, "error": {"code": "invalid", "message": "no"}}


def answer(body=b"", status=200, trouble=None, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw, trouble)


def raised(judge, *arguments):
    with pytest.raises(SeedanceError) as caught:
        judge(*arguments)
    assert is_presentable(str(caught.value))
    return caught.value


def outcome_of(judge, *arguments):
    """The generation, or None where one of our errors was raised."""
    try:
        return judge(*arguments)
    except SeedanceError as error:
        said = str(error)
    assert is_presentable(said)
    return None


# create


def test_the_documented_answer_is_an_accepted_generation():
    assert judge_create(answer(ACCEPTED)) == Generation(
        request_id="req_1234567890", status=Status.QUEUED, status_text="queued", credits_charged=40.0
    )


def test_a_create_that_surely_never_left_says_that_nothing_was_submitted():
    error = raised(judge_create, Silence("no such host", may_have_left=False))

    assert type(error) is ConnectionFailed
    assert str(error) == "could not reach the service (no such host); nothing was submitted"


def test_a_create_that_may_have_left_is_unknown_and_says_what_to_do():
    error = raised(judge_create, Silence("no answer in time", may_have_left=True))

    assert type(error) is OutcomeUnknown
    assert str(error) == (
        "this may have been accepted and charged (no answer in time); it is not sent again by itself: "
        "look at your dashboard, then attach its id, or buy another take with --fresh."
    )


@pytest.mark.parametrize(
    "body", [b"", b"<h1>no</h1>", b'{"success": fal', json.dumps(REFUSED).encode(), b"\xff", b"[]"]
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ApiError),
        (401, AuthenticationError),
        (402, PaymentRequired),
        (403, AuthenticationError),
        (404, ApiError),
        (413, ApiError),
        (422, ApiError),
    ],
)
def test_a_clear_refusal_is_one_whatever_its_body(status, kind, body):
    error = raised(judge_create, answer(body, status))

    assert (type(error), error.http_status) == (kind, status)
    assert "nothing was charged; " in str(error)


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (400, "change the request and run it again"),
        (401, "check the key: SEEDANCE_API_KEY or %seedance login"),
        (402, "add credits to the account, then run it again"),
        (403, "check the key: SEEDANCE_API_KEY or %seedance login"),
        (404, "check SEEDANCE_BASE_URL"),
        (413, "make the prompt or the metadata shorter"),
        (422, "change the request and run it again"),
    ],
)
@pytest.mark.parametrize("message", ["no", "very long words " * 100], ids=["short", "long"])
def test_a_refusal_ends_with_its_cure_however_much_the_service_says(status, cure, message):
    error = raised(judge_create, answer({"success": False, "error": message}, status))

    assert str(error).startswith("refused (the service said: ")
    assert str(error).endswith("); nothing was charged; " + cure)


def test_a_refusal_carries_the_services_own_code_and_words():
    error = raised(
        judge_create, answer({"success": False, "error": {"code": "unauthorized", "message": "Invalid API key"}})
    )

    assert (type(error), error.http_status, error.code, error.message) == (
        (AuthenticationError, 200, "unauthorized", "Invalid API key")
    )


@pytest.mark.parametrize("status", [200, 202, 405, 409, 415, 418, 451])
def test_success_false_without_an_id_is_a_refusal(status):
    error = raised(judge_create, answer(REFUSED, status))

    assert (type(error), error.code, error.message) == (ApiError, "invalid", "no")


@pytest.mark.parametrize(
    "body", [{**REFUSED, "requestId": {"x": 1}}, {**REFUSED, "requestId": "req 1"}], ids=["object", "text"]
)
def test_success_false_with_an_id_that_cannot_be_followed_is_unknown(body):
    assert type(raised(judge_create, answer(body))) is OutcomeUnknown


@pytest.mark.parametrize(
    "body", [b"", b"<html>", GOOD, json.dumps(REFUSED).encode()], ids=["empty", "html", "id", "refused"]
)
def test_too_many_requests_is_refused_for_now(body):
    error = raised(judge_create, answer(body, 429, retry_after="7"))

    assert (type(error), error.http_status, error.retry_after) == (RateLimited, 429, 7.0)
    assert "nothing was submitted" in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"<h1>Bad gateway</h1>", json.dumps(REFUSED).encode()], ids=["empty", "html", "refused"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 408, 500, 501, 502, 503, 504, 520, 599, 100, 999])
def test_what_says_neither_yes_nor_no_is_unknown(status, body):
    error = raised(judge_create, answer(body, status, retry_after="3", location="/"))

    assert type(error) is OutcomeUnknown
    assert f"(HTTP {status})" in str(error)


@pytest.mark.parametrize("status", [405, 409, 451])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"success": null}'], ids=repr)
def test_another_4xx_without_a_clear_word_is_unknown(status, body):
    assert type(raised(judge_create, answer(body, status))) is OutcomeUnknown


@pytest.mark.parametrize("status", [307, 408, 409, 500, 503])
def test_an_id_in_an_answer_that_is_neither_is_named_so_that_it_can_be_attached(status):
    error = raised(judge_create, answer({**ACCEPTED, "success": False}, status))

    assert type(error) is OutcomeUnknown
    assert str(error).endswith("The answer mentioned req_1234567890: %seedance attach req_1234567890 looks it up.")


@pytest.mark.parametrize(
    ("body", "trouble", "why"),
    [
        (b"", None, "the answer was not JSON"),
        (b" \n", None, "the answer was not JSON"),
        (b"<html>Just a moment...</html>", None, "the answer was not JSON"),
        (GOOD[:20], None, "the answer was not JSON"),
        (b"[" * 100_000, None, "the answer was not JSON"),
        (b"\xff\xfe\x00", None, "the answer was not JSON"),
        (b"{}", None, "no usable id in the answer"),
        (b"[]", None, "no usable id in the answer"),
        (b"null", None, "no usable id in the answer"),
        (b'{"success": true}', None, "no usable id in the answer"),
        (b'{"requestId": null, "status": "queued"}', None, "no usable id in the answer"),
        (b'{"requestId": true}', None, "no usable id in the answer"),
        (b'{"requestId": ""}', None, "no usable id in the answer"),
        (b'{"requestId": "../../admin"}', None, "no usable id in the answer"),
        (b'{"requestId": "two words"}', None, "no usable id in the answer"),
        (b"", "too long", "too long"),
        (b'{"success": false, "error"', "cut off (end of stream)", "cut off (end of stream)"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
)
def test_a_2xx_without_a_usable_id_is_unknown(body, trouble, why):
    error = raised(judge_create, answer(body, trouble=trouble))

    assert type(error) is OutcomeUnknown
    assert f"({why})" in str(error)


@pytest.mark.parametrize(
    ("body", "oddity"),
    [
        ({**ACCEPTED, "success": False, "error": "oops"}, "the answer said success: false"),
        ({**ACCEPTED, "status": "pondering"}, "the service invented the status 'pondering'"),
        ({"requestId": "req_1234567890"}, "the answer had no status"),
        ({"data": ACCEPTED}, None),
        (b"\xef\xbb\xbf" + GOOD, None),
        (GOOD[:-1] + b', "note": "\xff\xfe\xc3("}', None),
        (GOOD[:-1] + b', "score": NaN, "rank": -Infinity}', None),
        (GOOD[:-1] + b', "prompt": "half \\ud83d"}', None),
        (GOOD[:-1] + b', "error": ' + b"[" * 500 + b"]" * 500 + b"}", None),
        (GOOD[:-1] + b', "n": ' + b"9" * 4000 + b"}", None),
        (GOOD[:-1] + b', "n": ' + b"9" * 5000 + b"}", "the answer was damaged; its id was saved"),
        (GOOD[:-1] + b', "extra": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the answer was damaged; its id was saved"),
        (GOOD[:-5], "the answer was damaged; its id was saved"),
        (GOOD + b"<!-- served by proxy -->", "the answer was damaged; its id was saved"),
        (b"<pre>" + GOOD + b"</pre>", "the answer was damaged; its id was saved"),
        ({"result": {"task": [ACCEPTED]}}, "the answer was damaged; its id was saved"),
        ([ACCEPTED], "the answer was damaged; its id was saved"),
    ],
    ids=[
        "success false", "odd status", "no status", "data", "BOM", "bad UTF-8", "NaN", "surrogate", "500 deep", "4000 digits",
        "5000 digits", "100,000 deep", "cut", "tail", "HTML around", "nested", "list",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_2xx_with_an_id_is_followed_however_odd_it_is(body, oddity, status):
    generation = judge_create(answer(body, status))

    assert (generation.request_id, generation.oddity) == ("req_1234567890", oddity)
    assert not generation.status.is_final


def test_an_id_is_also_saved_from_a_body_that_broke_off():
    generation = judge_create(answer(GOOD[:60], trouble="cut off (end of stream)"))

    assert generation.request_id == "req_1234567890"


@given(ANY_OBJECT, REQUEST_IDS, st.sampled_from([200, 201, 202, 299]))
@settings(deadline=None, max_examples=60)
def test_json_that_holds_a_valid_id_always_yields_it(rest, request_id, status):
    assert judge_create(answer({**rest, "requestId": request_id}, status)).request_id == request_id


@given(
    ANY_BYTES, st.sampled_from([200, 202, 204, 307, 400, 401, 402, 404, 408, 409, 422, 429, 500, 503]), st.booleans()
)
@settings(deadline=None, max_examples=60)
@example(b'{"requestId": null}', 200, False)
@example(b'{"data": [1]}', 200, False)
def test_any_answer_to_a_create_is_a_generation_or_one_of_our_errors(body, status, broke_off):
    outcome = answer(body, status, trouble="cut off" if broke_off else None)

    generation = outcome_of(judge_create, outcome)

    if generation is not None:
        assert 200 <= status < 300
        assert REQUEST_ID.fullmatch(generation.request_id)
        assert generation.request_id.encode() in body or b"\\u" in body


# Ids in damaged answers


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"requestId": "req_1", "sta', "req_1"),
        (b'{"requestId":"req_1"', "req_1"),
        (b'{ "requestId" :\n "req_1" ', "req_1"),
        (b'{"requestId": 12345, ', "12345"),
        (b'\xff{"requestId": "req_1"}\xff', "req_1"),
        (b'{"requestId": null, "data": {"requestId": "req_1"', "req_1"),
        (b'{"requestId": "no good", "data": {"requestId": "req_1"', "req_1"),
        (b'{"requestId": "req_1', None),
        (b'{"requestId": 123', None),
        (b'{"requestId": null, ', None),
        (b'{"requestId": false}', None),
        (b'{"requestId": 1.5, ', None),
        (b'{"requestId": {"id": 1', None),
        (b'{"requestId": "req 1", ', None),
        (b'{"requestId": "' + b"a" * 201 + b'"', None),
        (b"", None),
    ],
    ids=repr,
)
def test_only_a_whole_id_is_saved_from_a_damaged_answer(body, expected):
    assert salvage_id(body) == expected


@given(st.integers(0, len(GOOD)))
@settings(deadline=None, max_examples=60)
def test_a_cut_anywhere_gives_the_right_id_or_none(length):
    assert salvage_id(GOOD[:length]) in (None, "req_1234567890")


# looks


def test_a_look_tells_what_the_service_said():
    said = {"success": True, "requestId": "req_1", "status": "processing"}

    assert judge_look(answer(said), "req_1") == Generation(
        request_id="req_1", status=Status.PROCESSING, status_text="processing"
    )


@pytest.mark.parametrize("word", ["queued", "processing", "succeeded", "failed", "cancelled", "reticulating"])
def test_a_look_passes_on_every_status_also_one_nobody_documented(word):
    generation = judge_look(answer({"status": word, "success": False}), "req_1")

    assert (generation.request_id, generation.status_text) == ("req_1", word)
    assert generation.status.is_final == (word in ("succeeded", "failed", "cancelled"))


@pytest.mark.parametrize("body", [b"", b"<html>", json.dumps(REFUSED).encode()], ids=["empty", "html", "refused"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ApiError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, ApiError),
        (409, ApiError),
        (408, ServerError),
        (429, RateLimited),
        (500, ServerError),
        (503, ServerError),
        (307, ServerError),
        (100, ServerError),
    ],
)
def test_a_look_that_says_nothing_of_the_job_is_an_error_with_its_status(status, kind, body):
    error = raised(judge_look, answer(body, status), "req_1")

    assert (type(error), error.http_status) == (kind, status)
    assert "charged" not in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        GOOD[:30],
        b"[]",
        b"7",
        b"null",
        b"{}",
        b'{"requestId": "req_1"}',
        b'{"status": null}',
        b'{"status": 7}',
        b'{"status": " "}',
        b'{"status": "\\u0000"}',
        b'{"data": [1]}',
        b'{"data": "x"}',
        b'{"data": {"status": null}}',
        b'{"requestId": "req_2", "status": "succeeded"}',
        b'{"data": {"requestId": "req_2", "status": "succeeded"}}',
        b"[" * 100_000,
        b'{"status": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda value: repr(value[:60]),
)
def test_a_look_whose_answer_cannot_be_read_or_is_about_another_is_the_services_trouble(body):
    assert type(raised(judge_look, answer(body), "req_1")) is ServerError


def test_a_look_that_is_refused_with_status_200_is_a_refusal():
    refused = {"success": False, "error": {"code": "unauthorized", "message": "Invalid API key"}}

    assert type(raised(judge_look, answer(refused), "req_1")) is AuthenticationError


def test_a_look_without_contact_says_so():
    error = raised(judge_look, Silence("no answer in time", may_have_left=True), "req_1")

    assert (type(error), str(error)) == (ConnectionFailed, "no contact with the service (no answer in time)")


def test_a_look_says_when_to_come_back():
    assert raised(judge_look, answer(b"", 429, retry_after="12"), "req_1").retry_after == 12.0


@given(
    ANY_BYTES, st.sampled_from([200, 204, 302, 400, 401, 404, 408, 429, 500]), REQUEST_IDS | st.just("req_1234567890")
)
@settings(deadline=None, max_examples=60)
@example(b'{"data": [1]}', 200, "req_1")
def test_any_answer_to_a_look_is_about_the_job_or_one_of_our_errors(body, status, request_id):
    generation = outcome_of(judge_look, answer(body, status), request_id)

    if generation is not None:
        assert 200 <= status < 300
        assert generation.request_id == request_id
        assert is_presentable(generation.status_text)


# cancel and the list of models


@pytest.mark.parametrize(
    ("status", "kind"), [(409, ApiError), (404, ApiError), (401, AuthenticationError), (500, ServerError)]
)
def test_a_cancel_that_did_not_work_is_an_error_with_its_status(status, kind):
    error = raised(judge_answer, answer(REFUSED, status))

    assert (type(error), error.http_status) == (kind, status)


def test_a_cancel_that_worked_is_passed_on_as_it_is():
    said = {"success": True, "requestId": "req_1", "status": "cancelled"}

    assert judge_answer(answer(said)) == said


# Retry-After

NOW = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("999999999", 999999999.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:50:37", 60.0),
        ("Sun, 06 Nov 1994 08:50:37 -0000", 60.0),
        ("Sun, 06 Nov 1994 09:50:37 +0100", 60.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Sat, 05 Nov 1994 08:49:37 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("nan", None),
        ("inf", None),
        ("10000000000", None),
        ("9" * 5000, None),
        ("Sun, 06 Nov 99999999999999 08:49:37 GMT", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("5, 7, 0", 7.0),
        ("5, soon", None),
        (",", None),
        ("\x00", None),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_in_gmt(value, expected, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        seconds = retry_after_seconds(value, NOW)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert seconds == expected


@given(
    st.text(max_size=40)
    | st.from_regex(r"\w{3}, \d{1,3} \w{3} \d{1,6} \d\d:\d\d:\d\d( GMT| [+-]\d{4,9})?", fullmatch=True)
)
@settings(deadline=None, max_examples=60)
def test_any_retry_after_is_a_wait_that_is_not_negative_or_none(value):
    seconds = retry_after_seconds(value, NOW)

    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize("clock", [-86_400, -3600, 0, 3600, 86_400], ids=lambda value: f"{value} s")
def test_a_date_is_compared_with_the_clock_of_who_wrote_it(clock):
    headers = {"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}

    assert asked_pause(headers, NOW + clock) == 60.0


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT"])
def test_without_a_clock_of_theirs_a_date_is_compared_with_ours(date):
    headers = {"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT"} | ({} if date is None else {"date": date})

    assert asked_pause(headers, NOW) == 60.0


def test_seconds_need_no_clock_and_silence_asks_for_nothing():
    assert asked_pause({"retry-after": "7", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0) == 7.0
    assert asked_pause({"date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0) is None


def test_a_look_that_meets_a_service_in_trouble_says_how_long_it_asks_to_be_left_alone():
    assert raised(judge_look, answer(b"", 503, retry_after="12"), "req_1").retry_after == 12.0
    assert raised(judge_look, answer(b"", 500), "req_1").retry_after is None


# Reading JSON


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", ({}, True)),
        (b"null", (None, True)),
        (b"\xef\xbb\xbf[1]", ([1], True)),
        (b' {"a": 1}\r\n', ({"a": 1}, True)),
        (b'"\xff"', ("�", True)),
        (b'"\\ud83d"', ("\ud83d", True)),
        (b"[1e999]", ([float("inf")], True)),
        (b"[Infinity]", ([float("inf")], True)),
        (b"[" + b"9" * 5000 + b"]", (None, False)),
        (b"[" * 100_000 + b"]" * 100_000, (None, False)),
        (b"", (None, False)),
        (b"\x00", (None, False)),
        (b"{}{}", (None, False)),
        (b"{'a': 1}", (None, False)),
        ("{}".encode("utf-16"), (None, False)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_json_is_read_as_far_as_it_can_be(body, expected):
    assert read_json(answer(body)) == expected


def test_a_body_that_broke_off_is_not_read_as_json_even_if_it_looks_whole():
    assert read_json(answer(b"{}", trouble="cut off")) == (None, False)


@given(ANY_BYTES)
@settings(deadline=None, max_examples=60)
def test_reading_any_bytes_raises_nothing(body):
    value, readable = read_json(answer(body))

    assert readable or value is None
