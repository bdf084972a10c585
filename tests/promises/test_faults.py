"""Whatever the service, the network or the video host does: the right end, never a second payment, one plain line.

Each row of the tables is one misbehaviour and what must come of it. After its end every row is run once more, by another session on
the same ledger, and must do what "Run All is free" says of such an end.
"""

import dataclasses
import email.utils
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from promises.stage import PACE, accepted, parts_in, session_at, settled, submit, until

from seedance_nb.api.models import Status
from seedance_nb.jobs import fetching, submitting
from seedance_nb.simulator import Fault, Pace, Simulator

SUCCEEDED, FAILED, CANCELLED = Status.SUCCEEDED, Status.FAILED, Status.CANCELLED
REJECTED, UNKNOWN = Status.REJECTED, Status.UNKNOWN
HTML = "<!doctype html><h1>Bad gateway</h1>"
NOT_AGAIN = ("may have been accepted and charged", "not sent again by itself", "dashboard")
NOTHING_CHARGED = ("refused", "nothing was charged")
PAID_AND_KEPT = ("could not be downloaded", "paid for and kept", "download_again")


@dataclasses.dataclass(frozen=True)
class Row:
    """`accepted` creates of `posts` received must lead to `status`; `says`: words of the error, or of a line told on the way."""

    name: str
    faults: tuple[Fault, ...]
    status: Status
    accepted: int
    posts: int = 1
    says: tuple[str, ...] = ()
    clip: bool | None = None  # None: there is one exactly when it succeeded
    prompt: str = "a paper boat"
    limits: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    pace: Pace = PACE
    act: Callable[..., None] | None = None

    def __str__(self) -> str:
        return self.name


def on_create(name, kind, status, accepted, posts=1, says=(), **fields):
    limits = fields.pop("limits", {})
    return Row(f"create: {name}", (Fault("create", kind, **fields),), status, accepted, posts, says, limits=limits)


def refused(http_status, *says, **fields):
    """A clear refusal: an end, nothing charged, the service's reason and the cure."""
    words = (*NOTHING_CHARGED, *says)
    return on_create(f"{http_status}", "status", REJECTED, 0, says=words, http_status=http_status, **fields)


def unclear(name, kind, accepted, *says, **fields):
    """An answer that leaves it open: one POST for ever."""
    return on_create(name, kind, UNKNOWN, accepted, says=(*NOT_AGAIN, *says), **fields)


def saved(name, kind, **fields):
    """A damaged answer with an id in it: followed to its clip."""
    return on_create(name, kind, SUCCEEDED, 1, **fields)


def in_seconds(seconds):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def cancel_at_once(job, _simulator):
    job.cancel()


def cancel_when_accepted(job, _simulator):
    until(lambda: job.request_id)
    job.cancel()


def cancel_until_it_works(job, _simulator):
    until(lambda: job.request_id)
    job.cancel()
    until(lambda: "not confirmed" in (job.snapshot.note or ""))
    job.cancel()


def cancel_when_it_is_too_late(job, simulator):
    until(lambda: job.request_id)
    until(lambda: simulator.scenario.status(job.request_id) is SUCCEEDED)
    job.cancel()


def cancel_elsewhere(job, simulator):
    until(lambda: job.request_id)
    simulator.scenario.cancel(job.request_id)


CREATE = [
    unclear("connection closed before processing", "drop_before", 0),
    unclear("connection closed after processing", "drop_after", 1),
    unclear("reset before processing", "reset_before", 0),
    unclear("reset after processing", "reset_after", 1),
    unclear("no answer though processed", "hang", 1, "no answer in time"),
    unclear("no answer and not processed", "hang_before", 0, "no answer in time"),
    unclear("a drip beyond the total deadline", "drip", 1, "no answer within 2 s"),
    refused(400, "change the request"),
    refused(401, "check the key"),
    refused(402, "add credits"),
    refused(403, "check the key"),
    refused(404, "SEEDANCE_BASE_URL"),
    refused(413, "shorter"),
    refused(422, "change the request"),
    on_create(
        "402 with a body of required and available",
        "status",
        REJECTED,
        0,
        says=(*NOTHING_CHARGED, "too few", "add credits"),
        http_status=402,
        body={"success": False, "error": {"code": "x", "message": "too few", "required": 40, "available": 3}},
    ),
    on_create(
        "200 with success: false and no id",
        "status",
        REJECTED,
        0,
        says=(*NOTHING_CHARGED, "no such style"),
        http_status=200,
        body={"success": False, "error": "no such style"},
    ),
    on_create("an HTML 403 of a gateway", "status", REJECTED, 0, says=NOTHING_CHARGED, http_status=403, body=HTML),
    on_create("429", "status", SUCCEEDED, 1, posts=2, says=("busy", "nothing was submitted"), http_status=429),
    on_create(
        "429 three times", "status", SUCCEEDED, 1, posts=4, says=("busy",), http_status=429, times=3, body={"error": 1}
    ),
    on_create("429 for ever", "status", REJECTED, 0, posts=6, says=("busy", "nothing"), http_status=429, times=None),
    on_create(
        "429 with seconds", "status", SUCCEEDED, 1, posts=2, http_status=429, headers={"Retry-After": "1"}, says=("busy",)
    ),
    on_create(
        "429 with a date", "status", SUCCEEDED, 1, posts=2, http_status=429, headers={"Retry-After": in_seconds(1)}
    ),
    on_create("429 until tomorrow", "status", SUCCEEDED, 1, posts=2, http_status=429, headers={"Retry-After": "86400"}),
    on_create(
        "429 with nonsense", "status", SUCCEEDED, 1, posts=2, http_status=429, headers={"Retry-After": "soon, perhaps"}
    ),
    unclear("408", "status", 0, "HTTP 408", http_status=408),
    *(unclear(f"{n} before processing", "status", 0, f"HTTP {n}", http_status=n) for n in (500, 502, 503, 504)),
    *(
        unclear(f"{n} in HTML after processing", "status_after", 1, f"HTTP {n}", http_status=n, body=HTML)
        for n in (500, 502, 503, 504)
    ),
    unclear("503 with Retry-After", "status_after", 1, http_status=503, headers={"Retry-After": "0"}),
    unclear(
        "500 that names an id",
        "status_after",
        1,
        "%seedance attach req_4242424242",
        http_status=500,
        body={"success": False, "requestId": "req_4242424242"},
    ),
    unclear("a redirect to a neighbour", "redirect", 1, "HTTP 307"),
    unclear("a redirect to another host", "redirect", 1, headers={"Location": "http://127.0.0.2:1/steal"}),
    unclear("an odd Location", "odd_location", 1),
    unclear("2xx in HTML", "html", 1, "not JSON"),
    unclear("2xx with nothing in it", "empty", 1),
    unclear("2xx cut before the id", "truncate", 1, bytes=20),
    unclear("2xx without an id", "no_id", 1, "no usable id"),
    unclear("2xx with an id nobody may follow", "wrong_id", 1, "no usable id", body="../../etc/passwd"),
    saved("2xx cut after the id", "truncate"),
    saved("2xx badly encoded", "garbage_encoding"),
    saved("success: false with an id", "success_false_with_id", says=("success: false",)),
    saved("a number of 5000 digits", "huge_int", says=("its id was saved",)),
    saved("lists 100,000 deep", "deep_nesting", says=("its id was saved",)),
    saved("half a character", "lone_surrogate"),
    saved("broken chunks after the id", "chunked_broken"),
    saved("an answer that comes late", "delay", seconds=0.5),
]


def looks(name, kind, *, says=(), times=(1, 3), **fields):
    """The same trouble while polling, once and several times: the job is kept and ends with its clip."""
    limits = fields.pop("limits", {})
    return [
        Row(f"look: {name}, {n} times", (Fault("get", kind, n, **fields),), SUCCEEDED, 1, says=says, limits=limits)
        for n in times
    ]


def said_failed(name, error, *says):
    body = {"success": True, "status": "failed", "error": error}
    fault = Fault("get", "status", http_status=200, body=body)
    return Row(f"look: failed, {name}", (fault,), FAILED, 1, says=("could not make this video", "credits", *says))


LOOKS = [
    *looks("connection closed", "drop_before", says=("no contact",)),
    *looks("reset", "reset_after", says=("no contact",)),
    *looks("no answer", "hang", says=("no contact",), times=(1, 2)),
    *looks("a drip", "drip", says=("no answer within",), seconds=0.3, times=(1,)),
    *looks("408", "status", http_status=408, says=("HTTP 408",)),
    *looks("500 in HTML", "status", http_status=500, body=HTML, says=("HTTP 500",)),
    *looks("503 with Retry-After", "status", http_status=503, headers={"Retry-After": "0"}, says=("HTTP 503",)),
    *looks("429", "status", http_status=429, says=("fewer requests",)),
    *looks("429 with Retry-After", "status", http_status=429, headers={"Retry-After": "1"}, times=(1,)),
    *looks("400", "status", http_status=400),
    *looks("an early 404", "not_found", says=("does not know this id",)),
    *looks("HTML", "html", says=("no JSON",)),
    *looks("nothing", "empty", says=("no JSON",)),
    *looks("cut", "truncate"),
    *looks("bad encoding", "garbage_encoding"),
    *looks("no id", "no_id"),
    *looks("another id", "wrong_id", says=("another generation",)),
    *looks("a word nobody knows", "unknown_status"),
    *looks("backwards", "backwards"),
    *looks("a redirect", "redirect"),
    *looks("an odd Location", "odd_location"),
    *looks("a number of 5000 digits", "huge_int"),
    *looks("lists 100,000 deep", "deep_nesting"),
    *looks("half a character", "lone_surrogate"),
    *looks("64 MB of blanks", "huge_body", times=(1,)),
    *looks("a gzip bomb", "gzip_bomb", times=(1,)),
    *looks("broken chunks", "chunked_broken"),
    *looks("succeeded without an address", "no_url", says=("waiting for the address",)),
    Row(
        "look: succeeded without an address for ever",
        (Fault("get", "no_url", None),),
        SUCCEEDED,
        1,
        says=(*PAID_AND_KEPT, "no address"),
        clip=False,
    ),
    Row("look: failed with a text", (), FAILED, 1, says=("<as asked>", "run it again"), prompt="a boat [fail]"),
    Row("look: failed with an object", (), FAILED, 1, says=("moderation refused",), prompt="a boat [moderation]"),
    said_failed("nothing said", None, "gave no reason"),
    said_failed("markup and escapes", "<img src=x onerror=alert(1)>\n\x1b[31mred\u2028line", "<img src=x"),
    said_failed("a list", [1, {"a": 2}]),
    said_failed("half a character", "half \ud83d"),
    Row("look: cancelled elsewhere", (), CANCELLED, 1, says=("cancelled",), prompt="[stuck]", act=cancel_elsewhere),
]


def downloads(name, kind, *says, **fields):
    """The same trouble with the file once, then it comes; and for ever, then it is paid for, kept, and fetched later."""
    limits = fields.pop("limits", {})
    call = "get" if kind == "bad_url" else "download"
    once, ever = Fault(call, kind, **fields), Fault(call, kind, None, **fields)
    words = (*PAID_AND_KEPT, *says)
    return [
        Row(f"download: {name}, then the film", (once,), SUCCEEDED, 1, says=says, limits=limits),
        Row(f"download: {name} for ever", (ever,), SUCCEEDED, 1, says=words, clip=False, limits=limits),
    ]


def address(url):
    return downloads(f"the address {url}", "bad_url", "not opened" if "." in url or ":" in url else "", body=url)


DOWNLOADS = [
    *downloads("403", "expire", "HTTP 403"),
    *downloads("404", "status", "HTTP 404", http_status=404),
    *downloads("410", "status", "HTTP 410", http_status=410),
    *downloads("500", "status", "HTTP 500", http_status=500),
    *downloads("an HTML page", "html", "text/html"),
    *downloads("zero bytes", "zero", "empty file"),
    *downloads("closed half-way", "cut", "broke off"),
    *downloads("closed at once", "drop_before", "did not answer"),
    *downloads("reset", "reset_after", "did not answer"),
    *downloads("a wrong length", "wrong_length", "no whole MP4"),
    *downloads("packed with gzip", "gzip_bomb", "packed", bytes=1_000_000),
    *downloads("5 GB announced", "announce_huge", "larger than max_clip_bytes"),
    *downloads("junk", "garbage", "no MP4"),
    *downloads("junk behind a good beginning", "not_mp4_inside", "no whole MP4"),
    *downloads("broken chunks", "chunked_broken", "broke off"),
    *downloads("a redirect in circles", "redirect", headers={"Location": "?"}),
    *downloads("a redirect into a private network", "redirect", "private", headers={"Location": "http://10.0.0.1/x"}),
    *downloads("an odd Location", "odd_location"),
    downloads("a stall", "stall", "no byte for 0.5 s", limits={"stall_timeout": 0.5})[0],
    downloads("a drip", "drip", "took longer than 1 s", seconds=0.1, limits={"download_timeout": 1})[0],
    downloads("larger than allowed, unannounced", "chunked_broken", "max_clip_bytes", limits={"max_clip_bytes": 5000})[1],
    *address("file:///etc/passwd"),
    *address("ftp://127.0.0.1/film.mp4"),
    *address("http://user:word@127.0.0.1/film.mp4"),
    *address("http://169.254.169.254/latest/meta-data/"),
    *address("http://[::ffff:10.0.0.1]/film.mp4"),
    *address("http://0.0.0.0/film.mp4"),
    *address("javascript:alert(1)"),
    *downloads("an address that is none", "bad_url", "that is none", body="http://[half"),
    Row(
        "download: half, and no ranges",
        (Fault("download", "cut"), Fault("download", "no_range")),
        SUCCEEDED,
        1,
        says=("broke off",),
    ),
]

CANCELS = [
    Row("cancel: it works", (), CANCELLED, 1, says=("cancelled", "credits"), prompt="[stuck]", act=cancel_when_accepted),
    *(
        Row(f"cancel: {name}, then it works", faults, CANCELLED, 1, prompt="[stuck]", act=cancel_until_it_works)
        for name, faults in {
            "an error": (Fault("cancel", "status", http_status=500),),
            "no answer": (Fault("cancel", "hang_before"),),
            "409": (Fault("cancel", "status", http_status=409),),
        }.items()
    ),
    Row(
        "cancel: too late, the video is fetched",
        (Fault("get", "status", 3, http_status=503),),
        SUCCEEDED,
        1,
        act=cancel_when_it_is_too_late,
    ),
    Row(
        "cancel: confirmed falsely, the video is fetched",
        (Fault("cancel", "status", http_status=200, body={"success": True, "status": "cancelled"}),),
        SUCCEEDED,
        1,
        pace=Pace(0, 0.5, 0),
        act=cancel_when_accepted,
    ),
    Row(
        "cancel: before it was sent",
        (Fault("create", "status", http_status=429, headers={"Retry-After": "30"}),),
        CANCELLED,
        0,
        says=("before it was sent", "nothing was charged"),
        act=cancel_at_once,
    ),
]
ROWS = [*CREATE, *LOOKS, *DOWNLOADS, *CANCELS]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(submitting, "LONGEST_BUSY_WAIT", 1.0)
    monkeypatch.setattr(fetching, "DOWNLOAD_TRIES", 3)


def test_the_table_has_no_row_twice():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_trouble_has_its_end_and_never_costs_twice(row, tmp_path, told):
    with Simulator(pace=row.pace, faults=row.faults) as simulator:
        with session_at(simulator.base_url, tmp_path, **row.limits) as session:
            job = submit(session, row.prompt)
            if row.act is not None:
                row.act(job, simulator)
            settled(job)

            assert job.status is row.status
            assert accepted(simulator) == row.accepted <= 1
            assert simulator.calls["create"] == row.posts
            assert (job.clip is not None) == (row.status is SUCCEEDED if row.clip is None else row.clip)
            assert_said(row.says, job, told)
            assert parts_in(tmp_path) == []

        simulator.clear_faults()
        assert_run_again_as_promised(row, job, simulator, tmp_path)


def assert_said(words, job, told):
    lines = [str(line) for s in told for line in (s.trouble, s.note, s.error) if line is not None]
    place = str(job.error) if job.error is not None else " | ".join(lines)
    assert [word for word in words if word not in place] == []
    assert all(line.isprintable() and len(line) < 1000 for line in lines)


def assert_run_again_as_promised(row, job, simulator, home):
    """What an end means for the next run of the same cell: told, given, fetched, or a new try."""
    posts = simulator.calls["create"]
    with session_at(simulator.base_url, home) as another_kernel:
        again = settled(submit(another_kernel, row.prompt)) if "[stuck]" not in row.prompt else None
        if again is None:
            return
        if row.status is UNKNOWN:
            assert (again.status, again.reused, again.credits) == (UNKNOWN, True, None)
            assert simulator.calls["create"] == posts
        elif row.status is SUCCEEDED:
            assert (again.reused, again.credits, again.request_id) == (True, 0, job.request_id)
            assert again.clip.sha256 == settled(again).clip.sha256
            assert simulator.calls["create"] == posts
        else:
            assert simulator.calls["create"] == posts + 1
            assert accepted(simulator) == row.accepted + 1
            assert not again.reused


@pytest.mark.parametrize("row", [row for row in ROWS if row.clip is False], ids=str)
def test_what_was_paid_for_is_fetched_later_without_a_create(row, tmp_path):
    with Simulator(pace=row.pace, faults=row.faults) as simulator, session_at(simulator.base_url, tmp_path) as session:
        job = settled(submit(session, row.prompt))
        simulator.clear_faults()

        job.download_again()

        assert job.result(20).path.exists()
        assert (accepted(simulator), simulator.calls["create"]) == (1, 1)
