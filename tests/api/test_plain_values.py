"""What JSON would change is refused, with the path of the value; all else arrives as it was given."""

import collections
import dataclasses
import datetime as dt
import enum
import math
import types
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_nb.api.plain_values import DEEPEST, is_missing, json_value, whole_number
from seedance_nb.errors import InvalidRequest


class Colour(enum.Enum):
    RED = "red"


class Shot(NamedTuple):
    take: int


@dataclasses.dataclass
class Facts:
    a: int = 1


class Struct(msgspec.Struct):
    a: int = 1


class Odd(int):
    """Says that it is another number than the one that would be sent."""

    def __eq__(self, other):
        return False

    def __ne__(self, other):
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, np.float64("nan"), b"x", bytearray(b"x"), memoryview(b"x"), {1, 2}, frozenset([1]), Decimal("1.5"),
     dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.date(2026, 1, 1), dt.timedelta(1), np.datetime64("2026"), np.timedelta64(1, "ns"),
     pd.Timestamp("2026"), pd.NA, pd.NaT, np.array([1, 2]), np.bytes_(b"x"), np.longdouble("0.1"), 1j, Colour.RED, Shot(1), Facts(), Struct(), object(), Odd(5),
     2**63, -(2**63) - 1, 10**400, range(3), iter([1]), (x for x in [1]), msgspec.UNSET, Ellipsis, int, len, pd.Series([1]), "\ud83d"],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_value_that_json_would_change_is_refused_with_its_path(value):
    for where, path in (({"a": value}, "metadata.a"), ({"a": {"b c": [0, (1, value)]}}, "metadata.a['b c'][1][1]")):
        with pytest.raises(InvalidRequest) as told:
            json_value(where, "metadata")
        assert str(told.value).startswith(f"{path}: ")
        assert str(told.value).endswith("; nothing was sent")
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", [1, 1.5, None, True, b"a", (1,), Colour.RED, "\ud83d"], ids=repr)
def test_a_name_that_is_no_text_is_refused_with_its_path(name):
    with pytest.raises(InvalidRequest, match=r"^metadata\.a: .*; nothing was sent$"):
        json_value({"a": {name: 1}}, "metadata")


def test_two_names_that_would_be_one_are_refused():
    class Name(str):
        __slots__ = ()
        __hash__ = object.__hash__

        def __eq__(self, other):
            return self is other

    with pytest.raises(InvalidRequest, match="the name 'a' is there twice"):
        json_value({Name("a"): 1, Name("a"): 2}, "metadata")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, [2, ()]), [1, [2, []]]),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        ([np.int64(5), np.float64(0.5), np.float32(0.1), np.bool_(True), np.str_("x")], [5, 0.5, float(np.float32(0.1)), True, "x"]),
        ({"a.b": 1, "": 2}, {"a.b": 1, "": 2}),
        ([2**63 - 1, -(2**63), 0, True, None], [2**63 - 1, -(2**63), 0, True, None]),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_equal_in_json_passes_as_pythons_own(value, expected):
    made = json_value(value, "metadata")

    assert made == expected
    assert repr(made) == repr(expected)  # types too


def test_minus_zero_stays_minus_zero():
    assert math.copysign(1, msgspec.json.decode(msgspec.json.encode(json_value([-0.0], "m")))[0]) == -1


def test_what_is_too_deep_or_holds_itself_is_refused():
    ring = {}
    ring["self"] = [ring]
    deep = 1
    for _ in range(DEEPEST):
        deep = [deep]

    assert json_value(deep, "m")
    for value in (ring, [deep]):
        with pytest.raises(InvalidRequest, match="nested deeper than 64, or holds itself; nothing was sent"):
            json_value(value, "m")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(ANY)
@settings(deadline=None, max_examples=100)
def test_whatever_is_json_arrives_as_it_was_given_in_the_same_order(value):
    arrived = msgspec.json.decode(msgspec.json.encode(json_value(value, "m")))

    assert repr(arrived) == repr(value)


@pytest.mark.parametrize(
    "value", [None, math.nan, np.float64("nan"), Decimal("NaN"), pd.NA, pd.NaT, np.datetime64("NaT")], ids=repr
)
def test_what_a_table_calls_missing_is_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize(
    "value", ["", "nan", 0, False, [], np.array([1, 2]), pd.Series([1, 2]), pd.Timestamp("2026")], ids=repr
)
def test_what_is_only_little_is_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "number"), [(-3, -3), ("-3", -3), ("+3.00", 3), (np.uint8(7), 7), (7.0, 7), ("３", None), ("3,0", None)]
)
def test_a_whole_number_is_read_as_one_or_not_at_all(value, number):
    assert whole_number(value) == number
