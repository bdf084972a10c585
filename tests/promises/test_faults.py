"""Whatever the service, the network or the video host does: the right end, never a second payment, one plain line.

Each row of the tables is one misbehaviour and what must come of it. After its end every row is run once more, by another session on
the same ledger, and must do what "Run All is free" says of such an end.
"""

import dataclasses
import email.utils
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from promises.stage import PACE, accepted, parts_in, session_at, settled, submit, until
from tracking.doubles import VideoHost

from seedance_nb.api.client import Client
from seedance_nb.api.models import Status
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.following import following

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
    limits: dict[str, Any] = dataclasses.field(default_factory=dict)
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


def cancel_while_it_waits(job, _simulator):
    until(lambda: "busy" in (job.snapshot.trouble or ""))
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
    unclear("no answer though processed", "hang", 1, "no answer"),
    unclear("no answer and not processed", "hang_before", 0, "no answer"),
    unclear("a drip beyond the total deadline", "drip", 1, "no answer"),
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
        "429 with seconds",
        "status",
        SUCCEEDED,
        1,
        posts=2,
        http_status=429,
        headers={"Retry-After": "1"},
        says=("busy",),
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
    unclear("2xx cut inside the id", "truncate", 1, bytes=40),
    unclear("2xx without an id", "no_id", 1, "no usable id"),
    unclear("2xx with an id nobody may follow", "wrong_id", 1, "no usable id", body="../../etc/passwd"),
    saved("2xx cut after the id", "truncate"),
    saved("2xx badly encoded", "garbage_encoding"),
    saved("success: false with an id", "success_false_with_id", says=("success: false",)),
    saved("a number of 5000 digits", "huge_int", says=("its id was saved",)),
    saved("lists 100,000 deep", "deep_nesting", says=("its id was saved",)),
    saved("half a character", "lone_surrogate"),
    saved("broken chunks after the id", "chunked_broken"),
    saved("64 MB of blanks after the id", "huge_body", says=("its id was saved",)),
    saved("a gzip bomb after the id", "gzip_bomb", says=("its id was saved",)),
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


def address(url, says="not opened"):
    return downloads(f"the address {url}", "bad_url", says, body=url)


DOWNLOADS = [
    *downloads("403", "expire", "HTTP 403"),
    *downloads("404", "status", "HTTP 404", http_status=404),
    *downloads("410", "status", "HTTP 410", http_status=410),
    downloads("500", "status", "HTTP 500", http_status=500)[0],
    *downloads("an HTML page", "html", "text/html"),
    *downloads("zero bytes", "zero", "empty file"),
    *downloads("closed half-way", "cut", "broke off"),
    downloads("closed at once", "drop_before", "did not answer")[0],
    downloads("reset", "reset_after", "did not answer")[0],
    *downloads("a wrong length", "wrong_length", "no whole MP4"),
    *downloads("packed with gzip", "gzip_bomb", "packed", bytes=1_000_000),
    *downloads("5 GB announced", "announce_huge", "larger than max_clip_bytes"),
    *downloads("junk", "garbage", "MP4"),
    *downloads("junk behind a good beginning", "not_mp4_inside", "no whole MP4"),
    *downloads("broken chunks", "chunked_broken", "broke off"),
    *downloads("a redirect in circles", "redirect", headers={"Location": "?"}),
    *downloads("a redirect into a private network", "redirect", "private", headers={"Location": "http://10.0.0.1/x"}),
    *downloads("an odd Location", "odd_location"),
    downloads("a stall", "stall", "no byte for 0.5 s", limits={"stall_timeout": 0.5})[0],
    downloads("a drip", "drip", "took longer than 1 s", seconds=0.1, limits={"download_timeout": 1})[0],
    downloads("larger than allowed, unannounced", "chunked_broken", "max_clip_bytes", limits={"max_clip_bytes": 5000})[
        1
    ],
    *address("file:///etc/passwd", "that is none"),
    *address("ftp://127.0.0.1/film.mp4"),
    *address("http://user:word@127.0.0.1/film.mp4"),
    *address("http://169.254.169.254/latest/meta-data/"),
    *address("http://[::ffff:10.0.0.1]/film.mp4"),
    *address("http://0.0.0.0/film.mp4"),
    *address("javascript:alert(1)", "that is none"),
    *address("http://[half", "that is none"),
    Row(
        "download: half, and no ranges",
        (Fault("download", "cut"), Fault("download", "no_range")),
        SUCCEEDED,
        1,
        says=("broke off",),
    ),
]

CANCELS = [
    Row(
        "cancel: it works", (), CANCELLED, 1, says=("cancelled", "credits"), prompt="[stuck]", act=cancel_when_accepted
    ),
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
        "cancel: while a busy service is waited for",
        (Fault("create", "status", http_status=429, headers={"Retry-After": "30"}),),
        CANCELLED,
        0,
        says=("before it was sent", "nothing was charged"),
        act=cancel_while_it_waits,
    ),
]
IMPATIENT = {"read_timeout": 1, "create_timeout": 2, "stall_timeout": 1}
ROWS = [*CREATE, *LOOKS, *DOWNLOADS, *CANCELS]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(following, "DOWNLOAD_TRIES", 3)


def test_the_table_has_no_row_twice():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_trouble_has_its_end_and_never_costs_twice(row, tmp_path, told):
    with Simulator(pace=row.pace, faults=row.faults) as simulator:
        with session_at(simulator.base_url, tmp_path, **IMPATIENT | row.limits) as session:
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
        again = submit(another_kernel, row.prompt)
        if row.status in (UNKNOWN, SUCCEEDED):
            settled(again)
            assert (again.reused, again.request_id) == (True, job.request_id)
            assert simulator.calls["create"] == posts
            assert (again.clip is not None) == (row.status is SUCCEEDED)
            assert again.credits == (None if row.status is UNKNOWN else 0)
        else:
            until(lambda: again.request_id)
            assert not again.reused
            assert simulator.calls["create"] == posts + 1
            assert accepted(simulator) == row.accepted + 1


KEPT = [row for row in ROWS if row.clip is False]


@pytest.mark.parametrize("row", KEPT[:: len(KEPT) // 6], ids=str)
def test_what_was_paid_for_is_fetched_later_without_a_create(row, tmp_path):
    with Simulator(pace=row.pace, faults=row.faults) as simulator, session_at(simulator.base_url, tmp_path) as session:
        job = settled(submit(session, row.prompt))
        simulator.clear_faults()

        job.download_again()

        assert job.result(20).path.exists()
        assert (accepted(simulator), simulator.calls["create"]) == (1, 1)


def nowhere(host, *args, **kwargs):
    if host == "nowhere.invalid":
        raise socket.gaierror("Name or service not known")
    return look_up(host, *args, **kwargs)


look_up = socket.getaddrinfo


@pytest.mark.parametrize("base_url", ["https://nowhere.invalid", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
def test_what_surely_never_left_is_tried_again_and_then_rejected_at_no_cost(
    base_url, simulator, tmp_path, monkeypatch, told
):
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    port = simulator.base_url.rpartition(":")[2]
    with session_at(base_url.format(port=port), tmp_path, connect_timeout=0.2) as session:
        for _ in range(2):
            job = settled(submit(session))

            assert job.status is REJECTED
            assert not job.reused
            assert_said(("could not reach the service", "nothing was submitted; run it again later"), job, told)
            assert (job.credits, simulator.calls["create"]) == (0, 0)
    assert any("trying again in" in (snapshot.note or "") for snapshot in told)


def test_an_error_nobody_foresaw_while_sending_counts_as_perhaps_sent(session, simulator, monkeypatch):
    async def break_down(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Client, "create", break_down)
    assert settled(submit(session)).status is UNKNOWN

    monkeypatch.undo()
    assert settled(submit(session)).status is UNKNOWN
    assert simulator.calls["create"] == 0


def test_a_service_that_comes_up_while_the_create_is_tried_again_gets_it_once(tmp_path, monkeypatch):
    with Simulator(pace=PACE) as gone:
        base_url = gone.base_url
    with session_at(base_url, tmp_path, pause_after_trouble=0.3) as session:
        job = submit(session)
        until(lambda: job.snapshot.trouble)
        with Simulator(int(base_url.rpartition(":")[2]), pace=PACE) as back:
            assert job.result(20)
            assert accepted(back) == 1


@pytest.mark.parametrize("http_status", [401, 403])
def test_a_key_refused_while_polling_pauses_the_job_until_a_good_one_comes(http_status, tmp_path, told):
    faults = [Fault("get", "status", None, http_status=http_status)]
    with Simulator(pace=PACE, faults=faults) as simulator:
        with session_at(simulator.base_url, tmp_path, account="me") as session:
            job = submit(session)
            until(lambda: "key was refused" in (job.snapshot.trouble or ""))
            looks = simulator.calls["get"]
            time.sleep(0.3)
            assert simulator.calls["get"] == looks
            assert not job.done()
            assert_said(("the job is kept", "%seedance login"), job, told)

            simulator.clear_faults()
            session.change(api_key="a-good-key")

            assert job.result(20)
            assert submit(session).result(20) == job.clip
        assert (accepted(simulator), simulator.calls["create"]) == (1, 1)


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_a_download_that_broke_off_goes_on_where_it_stopped(kind, session_of, one_film, monkeypatch):
    began_at = []
    receive = following.receive

    async def watch(client, url, arriving, progress):
        began_at.append(arriving.received)
        await receive(client, url, arriving, progress)

    monkeypatch.setattr(following, "receive", watch)
    faults = [Fault("download", kind, bytes=100_000)]
    with Simulator(pace=PACE, faults=faults) as video_host:
        session = session_of(video_host, stall_timeout=0.5)
        assert submit(session).result(20).bytes() == one_film.read_bytes()
    assert [bool(received) for received in began_at] == [False, True]


def test_a_cancelled_job_costs_what_the_service_charged_and_a_new_try_is_another_create(tmp_path):
    with Simulator(pace=PACE) as simulator, session_at(simulator.base_url, tmp_path) as session:
        job = submit(session, "[stuck]")
        cancel_when_accepted(job, simulator)
        assert settled(job).credits == simulator.scenario.accepted[0].credits

        again = submit(session, "[stuck]")

        assert until(lambda: again.request_id) != job.request_id
        assert accepted(simulator) == 2


@pytest.mark.parametrize("etag", [None, 'W/"one"'], ids=["no ETag", "a weak one"])
def test_two_halves_of_different_files_never_make_one_clip(etag, session_of, one_film):
    film = one_film.read_bytes()
    cut = len(film) // 3
    # Of the same length, and its first picture can be decoded just as well: in each half something is different.
    other = film[:cut] + film[cut : cut + 2000][::-1] + film[cut + 2000 : -2000] + film[-2000:][::-1]
    host = VideoHost(film)
    host.etag, host.honours_if_range, host.stops_after = etag, False, len(film) // 2
    answer = host.answer

    def replaced_after_the_first_half(request):
        answer(request)
        host.data = other

    host.answer = replaced_after_the_first_half
    try:
        with Simulator(pace=PACE, faults=[Fault("get", "bad_url", None, body=host.url)]) as simulator:
            clip = submit(session_of(simulator)).result(60)
        assert clip.bytes() == other
        assert host.asked == [(None, None)] * 2
    finally:
        host.close()
