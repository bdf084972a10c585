import inspect
import pickle
import re
import unicodedata

import pytest
from api.json_shapes import ANY_JSON, is_presentable
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_nb import errors
from seedance_nb.errors import ApiError, RateLimited, SeedanceError, WaitTimeout, one_line

TREE = {
    "SeedanceError": "Exception",
    "ConfigurationError": "SeedanceError",
    "InvalidRequest": "SeedanceError ValueError",
    "BudgetExceeded": "SeedanceError",
    "ApiError": "SeedanceError",
    "AuthenticationError": "ApiError",
    "PaymentRequired": "ApiError",
    "RateLimited": "ApiError",
    "ServerError": "ApiError",
    "ConnectionFailed": "SeedanceError",
    "OutcomeUnknown": "SeedanceError",
    "GenerationFailed": "SeedanceError",
    "GenerationCancelled": "SeedanceError",
    "WaitTimeout": "SeedanceError TimeoutError",
    "ClipError": "SeedanceError",
    "ClipForgotten": "ClipError",
}
KINDS = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
each = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def test_the_tree_is_the_one_of_the_contract():
    assert {name: " ".join(base.__name__ for base in kind.__bases__) for name, kind in KINDS.items()} == TREE


def test_the_tree_is_drawn_in_the_docstring_as_it_is():
    drawn = re.findall(r"(?:^ {4}|[├└]── )([A-Z]\w+)", errors.__doc__, re.MULTILINE)

    assert drawn == list(TREE)


@each
def test_every_error_says_what_it_means(kind):
    assert kind.__doc__


@each
def test_every_error_is_one_line_and_shows_as_one_in_a_notebook(kind):
    error = kind("what happened:\n\tthe cure\x1b[31m \ud83d")

    assert str(error) == "what happened: the cure [31m ?"
    assert error._render_traceback_() == [f"{kind.__name__}: what happened: the cure [31m ?"]


@each
def test_every_error_carries_the_job_it_happened_to(kind):
    job = object()

    assert (kind("x").job, kind("x", job=job).job) == (None, job)


def test_a_refusal_carries_status_code_and_the_services_own_words():
    error = ApiError("refused (no)", http_status=402, code="poor", message="no\nmoney")

    assert (error.http_status, error.code, error.message) == (402, "poor", "no money")


def test_a_refusal_without_words_of_the_service_repeats_its_own():
    error = ApiError("refused\n(no)")

    assert (error.http_status, error.code, error.message) == (None, None, "refused (no)")


def test_only_what_passes_by_itself_says_how_long_to_wait():
    assert RateLimited("busy").retry_after is None
    assert errors.ServerError("down").retry_after is None
    assert not hasattr(ApiError("x"), "retry_after")


def test_errors_are_caught_by_their_builtin_names_too():
    assert isinstance(WaitTimeout("x"), TimeoutError)
    assert isinstance(errors.InvalidRequest("x"), ValueError)


@each
def test_an_error_survives_a_process_boundary(kind):
    error = pickle.loads(pickle.dumps(kind("what happened")))

    assert (type(error), str(error)) == (kind, "what happened")


# one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("  a \t b\r\n\r\nc ", "a b c"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("\x1b]8;;https://evil.example\x07click", "]8;;https://evil.example click"),
        ("bell\x07 null\x00", "bell null"),
        ("half \ud83d smile", "half ? smile"),
        ("invoice\u202egpj.exe", "invoice gpj.exe"),
        ("a\u2066b\u2069\u200fc", "a b c"),
        ("zero\u200bwidth\ufeff", "zero width"),
        ("종이배 🚤 é", "종이배 🚤 é"),
        (None, "None"),
        (42, "42"),
        (10**5000, "(int)"),
        ({"a": "b\nc"}, "{'a': 'b\\nc'}"),
    ],
    ids=lambda value: ascii(value)[:40] if not isinstance(value, int) else "number",
)
def test_any_text_is_folded_to_one_printable_line(text, expected):
    assert one_line(text) == expected


@pytest.mark.parametrize(
    ("length", "expected"), [(9, "x" * 9), (10, "x" * 10), (11, "x" * 9 + "…"), (10_000, "x" * 9 + "…")]
)
def test_a_long_text_is_cut_with_an_ellipsis(length, expected):
    assert one_line("x" * length, 10) == expected


def test_an_error_is_never_longer_than_a_few_lines_of_a_notebook():
    assert len(str(SeedanceError("long words " * 1000))) == 600


@given(ANY_JSON | st.text(st.characters()), st.integers(1, 50))
@settings(deadline=None, max_examples=60)
def test_whatever_is_folded_is_short_and_presentable(value, limit):
    line = one_line(value, limit)

    assert is_presentable(line)
    assert len(line) <= limit
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in line)
