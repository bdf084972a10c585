import zlib

import pytest

from seedance_nb.simulator.faults import KINDS, Fault, FaultBook
from seedance_nb.simulator.tampering import gzip_with_blanks


def kinds(book, calls):
    return [None if (fault := book.choose(*call)) is None else fault.kind for call in calls]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("get", "html"), ["html", None, None, None]),
        (Fault("get", "html", times=2), ["html", "html", None, None]),
        (Fault("get", "html", times=None), ["html"] * 4),
        (Fault("get", "html", after=2), [None, None, "html", None]),
        (Fault("create", "html"), [None] * 4),
    ],
)
def test_a_fault_hits_so_many_calls_after_so_many(fault, expected):
    assert kinds(FaultBook([fault]), [("get",)] * 4) == expected


def test_a_fault_with_a_match_hits_only_calls_about_it():
    book = FaultBook([Fault("get", "html", times=None, match="boat")])
    assert kinds(book, [("get", "a cat\nreq_1"), ("get", "a boat\nreq_2")]) == [None, "html"]


def test_the_next_fault_takes_over_when_the_first_is_spent():
    book = FaultBook([Fault("get", "html", times=2), Fault("get", "empty")])
    assert kinds(book, [("get",)] * 4) == ["html", "html", "empty", None]


def test_a_fault_about_success_waits_for_it():
    book = FaultBook([Fault("get", "no_url")])
    assert kinds(book, [("get", "", "processing"), ("get", "", "succeeded")]) == [None, "no_url"]


def test_cleared_faults_hit_nothing():
    book = FaultBook([Fault("get", "html", times=None)])
    book.clear()
    assert book.choose("get") is None


@pytest.mark.parametrize(("call", "kind"), [("get", "nonsense"), ("create", "cut"), ("download", "no_id")])
def test_a_fault_that_could_never_hit_is_refused(call, kind):
    with pytest.raises(ValueError, match=kind):
        Fault(call, kind)


def test_every_kind_says_what_it_does():
    assert all(kind.does and kind.calls for kind in KINDS.values())


def test_the_gzip_bomb_is_small_and_inflates_to_the_body_and_blanks():
    packed = gzip_with_blanks(b'{"a": 1}', 20_000_000)
    inflated = zlib.decompressobj(31).decompress(packed)
    assert len(packed) < 100_000
    assert len(inflated) > 20_000_000
    assert inflated.rstrip() == b'{"a": 1}'
