"""Each kind of fault, as a client on the other side of a socket sees it."""

import gzip
import http.client
import json
import socket
import time

import pytest
from simulator.http_caller import AT_ONCE, VIDEOS, Caller

from seedance_nb.simulator import Fault, Simulator
from seedance_nb.simulator.faults import KINDS

SILENT = {"hang", "hang_before", "stall", "announce_huge"}
TESTED: set[str] = set()


@pytest.fixture(scope="module")
def house():
    """One simulator with one finished generation, for the whole module."""
    with Simulator(pace=AT_ONCE) as simulator:
        call = Caller(simulator)
        simulator.film_id = call.create("a finished cat").json["requestId"]
        call.finish(simulator.film_id)
        simulator.film = call("GET", f"/results/{simulator.film_id}.mp4").body
        yield simulator


@pytest.fixture
def hit(house):
    """Install one fault and make the call that meets it."""

    def install_and_call(which, kind, **fields):
        TESTED.add(kind)
        call = Caller(house, timeout=0.5 if kind in SILENT else 5)
        house.add_fault(Fault(which, kind, **fields))
        if which == "create":
            return call.create()
        if which == "download":
            return call("GET", f"/results/{house.film_id}.mp4")
        return call.get(house.film_id)

    yield install_and_call
    house.clear_faults()


def accepted_by(house, action):
    before = len(house.scenario.accepted)
    with pytest.raises((OSError, http.client.HTTPException)):
        action()
    return len(house.scenario.accepted) - before


@pytest.mark.parametrize(
    ("kind", "accepted", "error"),
    [
        ("hang", 1, TimeoutError),
        ("hang_before", 0, TimeoutError),
        ("drop_before", 0, http.client.RemoteDisconnected),
        ("drop_after", 1, http.client.RemoteDisconnected),
        ("reset_before", 0, ConnectionResetError),
        ("reset_after", 1, ConnectionResetError),
    ],
)
def test_a_create_without_an_answer_was_accepted_or_not_as_the_kind_says(house, hit, kind, accepted, error):
    def action():
        with pytest.raises(error):
            hit("create", kind)
        raise OSError

    assert accepted_by(house, action) == accepted


def test_delay_answers_late(hit):
    began = time.monotonic()
    assert hit("get", "delay", seconds=0.3).status == 200
    assert time.monotonic() - began >= 0.3


def test_drip_sends_byte_after_byte(house):
    TESTED.add("drip")
    house.add_fault(Fault("get", "drip", seconds=0.05))
    host, port = house.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=2) as connection:
        connection.sendall(f"GET {VIDEOS}/{house.film_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        pieces = [connection.recv(4096) for _ in range(5)]
    assert [len(piece) for piece in pieces[2:]] == [1, 1, 1]


def test_chunked_broken_breaks_the_framing(hit):
    with pytest.raises((http.client.HTTPException, ValueError)):
        hit("get", "chunked_broken")


def test_status_answers_what_it_was_given_without_processing(house, hit):
    before = len(house.scenario.accepted)
    answer = hit("create", "status", http_status=429, body={"error": "slow"}, headers={"Retry-After": "7"})
    assert (answer.status, answer.json, answer.headers["Retry-After"]) == (429, {"error": "slow"}, "7")
    assert len(house.scenario.accepted) == before


def test_status_after_processes_first(house, hit):
    before = len(house.scenario.accepted)
    answer = hit("create", "status_after")
    assert (answer.status, answer.json["success"]) == (503, False)
    assert len(house.scenario.accepted) == before + 1


def test_html_is_a_page_with_status_200(hit):
    answer = hit("create", "html")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.body.startswith(b"<!doctype html>")


def test_redirect_points_where_it_was_told(hit):
    answer = hit("create", "redirect", headers={"Location": "http://127.0.0.2:1/elsewhere"})
    assert (answer.status, answer.headers["Location"]) == (307, "http://127.0.0.2:1/elsewhere")


def test_odd_location_is_no_url(hit):
    answer = hit("download", "odd_location")
    assert answer.status == 302
    assert "[" in answer.headers["Location"]


@pytest.mark.parametrize("which", ["get", "download"])
def test_gzip_bomb_inflates_to_what_was_asked(hit, which):
    answer = hit(which, "gzip_bomb", bytes=5_000_000)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 1_000_000
    assert len(gzip.decompress(answer.body)) > 5_000_000


def test_empty_is_200_without_a_body(hit):
    assert hit("create", "empty")[::2] == (200, b"")


def test_truncate_cuts_the_json(hit):
    answer = hit("create", "truncate", bytes=40)
    assert len(answer.body) == 40
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


def test_garbage_encoding_is_not_utf8_but_names_the_id(hit):
    answer = hit("create", "garbage_encoding")
    with pytest.raises(UnicodeDecodeError):
        answer.body.decode()
    assert b"req_" in answer.body


def test_no_id_leaves_the_id_out(hit):
    assert "requestId" not in hit("create", "no_id").json


def test_wrong_id_names_another(house, hit):
    assert hit("get", "wrong_id").json["requestId"] == "req_0000000000" != house.film_id


def test_success_false_with_id_names_the_id_all_the_same(house, hit):
    answer = hit("create", "success_false_with_id").json
    assert answer["success"] is False
    assert answer["requestId"] == house.scenario.accepted[-1].request_id


@pytest.mark.parametrize(("kind", "error"), [("huge_int", ValueError), ("deep_nesting", RecursionError)])
def test_json_that_python_cannot_read(hit, kind, error):
    answer = hit("create", kind)
    with pytest.raises(error):
        json.loads(answer.body)


@pytest.mark.parametrize(("which", "field"), [("create", "status"), ("get", "prompt")])
def test_lone_surrogate_is_json_that_cannot_be_encoded_again(hit, which, field):
    with pytest.raises(UnicodeEncodeError):
        hit(which, "lone_surrogate").json[field].encode()


def test_huge_body_is_as_large_as_asked(hit):
    assert len(hit("get", "huge_body", bytes=3_000_000).body) == 3_000_000


def test_not_found_is_a_404(hit):
    assert hit("get", "not_found").status == 404


@pytest.mark.parametrize(
    ("kind", "fields", "status", "output"),
    [
        ("unknown_status", {"body": "pondering"}, "pondering", None),
        ("backwards", {}, "queued", None),
        ("no_url", {}, "succeeded", {"type": "video"}),
        ("bad_url", {"body": "file:///etc/passwd"}, "succeeded", {"type": "video", "url": "file:///etc/passwd"}),
    ],
)
def test_a_get_says_something_else(hit, kind, fields, status, output):
    answer = hit("get", kind, **fields).json
    assert (answer["status"], answer["output"]) == (status, output)


def test_zero_is_a_video_without_bytes(hit):
    assert hit("download", "zero")[::2] == (200, b"")


def test_cut_ends_before_the_announced_length(house, hit):
    with pytest.raises(http.client.IncompleteRead) as caught:
        hit("download", "cut", bytes=1234)
    assert len(caught.value.partial) == 1234
    assert caught.value.expected == len(house.film) - 1234


@pytest.mark.parametrize("kind", ["stall", "announce_huge"])
def test_a_download_that_never_ends(hit, kind):
    with pytest.raises(TimeoutError):
        hit("download", kind)


def test_wrong_length_announces_less_than_it_sends(house, hit):
    assert int(hit("download", "wrong_length").headers["Content-Length"]) == len(house.film) - 1000


def test_expire_refuses_the_url_until_a_get_gives_a_fresh_one(house, hit):
    call = Caller(house)
    assert hit("download", "expire").status == 403
    assert call("GET", f"/results/{house.film_id}.mp4").status == 403
    fresh = call.get(house.film_id).json["output"]["url"].removeprefix(house.base_url)
    assert call("GET", fresh)[::2] == (200, house.film)
    house.scenario._expired.clear()


def test_no_range_sends_the_whole_file(house):
    TESTED.add("no_range")
    house.add_fault(Fault("download", "no_range"))
    answer = Caller(house)("GET", f"/results/{house.film_id}.mp4", Range="bytes=0-9")
    assert answer[::2] == (200, house.film)


def test_garbage_is_no_video_under_a_videos_name(hit):
    answer = hit("download", "garbage")
    assert answer.headers["Content-Type"] == "video/mp4"
    assert b"ftyp" not in answer.body[:32]


def test_not_mp4_inside_begins_like_one(house, hit):
    answer = hit("download", "not_mp4_inside", bytes=5000)
    assert answer.body[4:8] == b"ftyp"
    assert answer.body[:24] == house.film[:24]
    assert b"moov" not in answer.body


@pytest.mark.parametrize(
    ("wanted", "status", "part", "described"),
    [
        ("bytes=0-9", 206, slice(0, 10), "bytes 0-9/{}"),
        ("bytes=5-", 206, slice(5, None), "bytes 5-{last}/{}"),
        ("bytes=-7", 206, slice(-7, None), "bytes {minus7}-{last}/{}"),
        ("bytes=10-99999999", 206, slice(10, None), "bytes 10-{last}/{}"),
        ("bytes=99999999-", 416, slice(0, 0), "bytes */{}"),
        ("bytes=0-1,4-5", 200, slice(None), None),
        ("lines=1-2", 200, slice(None), None),
    ],
)
def test_a_range_of_the_video_can_be_had(house, wanted, status, part, described):
    answer = Caller(house)("GET", f"/results/{house.film_id}.mp4", Range=wanted)
    length = len(house.film)
    expected = described and described.format(length, last=length - 1, minus7=length - 7)
    assert (answer.status, answer.body, answer.headers["Content-Range"]) == (status, house.film[part], expected)


def test_head_tells_the_length_of_the_video(house):
    answer = Caller(house)("HEAD", f"/results/{house.film_id}.mp4")
    assert (answer.status, int(answer.headers["Content-Length"]), answer.body) == (200, len(house.film), b"")


def test_every_kind_was_met_in_this_module():
    in_test_webhooks = {name for name, kind in KINDS.items() if "webhook" in kind.calls}
    assert set(KINDS) - TESTED - in_test_webhooks == set()
