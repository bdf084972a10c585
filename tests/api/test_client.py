"""The four calls over a real socket, also while the service misbehaves."""

import asyncio
import gzip
import json
import random
import socket
import ssl
import time
import tracemalloc
import zlib

import httpx
import pytest
import trustme
from api.conftest import KEY
from api.raw_server import RawServer, free_port, reply

from seedance_nb.api.answers import unpacked
from seedance_nb.api.client import Client, in_words
from seedance_nb.api.models import Status, VideoRequest
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
from seedance_nb.settings import Limits, Secret
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.simulator.faults import KINDS
from seedance_nb.simulator.tampering import gzip_with_blanks

REQUEST = VideoRequest(
    prompt="a cat [stuck]", model="seedance-2.0-fast", aspect_ratio="1:1", duration=4, resolution="480p"
)
MEGABYTE = 1_000_000
ACCEPTED = json.dumps({"success": True, "requestId": "req_1", "status": "queued"}).encode()
LOOKED_AT = json.dumps({"success": True, "requestId": "req_1", "status": "processing"}).encode()


def create(client):
    return client.create(REQUEST)


def look(client):
    return client.get("req_1")


def raised(run, action, **limits):
    with pytest.raises(SeedanceError) as caught:
        run(action, **limits)
    return caught.value


# The calls


def test_a_create_is_accepted_as_it_was_asked_for(run, simulator):
    generation = run(create)

    entry = simulator.scenario.find(generation.request_id)
    assert (generation.status, generation.credits_charged, entry.body) == (Status.QUEUED, 12.0, REQUEST.to_wire())


def test_a_look_tells_where_a_generation_stands(run, simulator):
    generation = run(lambda client: client.get(simulator.film_id))

    assert (generation.status, generation.output_url) == (Status.SUCCEEDED, simulator.film_url)


def test_a_cancel_is_passed_on(run, simulator):
    async def create_and_cancel(client):
        created = await client.create(REQUEST)
        return created, await client.cancel(created.request_id), await client.get(created.request_id)

    created, cancelled, looked_at = run(create_and_cancel)

    assert cancelled.request_id == created.request_id
    assert [cancelled.status, looked_at.status] == [Status.CANCELLED, Status.CANCELLED]


def test_a_cancel_of_what_has_ended_is_an_error_with_its_status(run, simulator):
    error = raised(run, lambda client: client.cancel(simulator.film_id))

    assert (type(error), error.http_status) == (ApiError, 409)


def test_the_models_come_as_the_service_gave_them(run):
    models = run(lambda client: client.models())

    assert [item["id"] for item in models] == ["seedance-2.0", "seedance-2.0-fast", "seedance-1.5-pro"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([{"id": "a"}], [{"id": "a"}]),
        ({"data": {"models": ["a"]}}, ["a"]),
        ({"data": list(range(500))}, list(range(200))),
    ],
    ids=["bare list", "wrapped twice", "too many"],
)
def test_the_models_are_found_where_they_may_be(run, body, expected):
    with RawServer(reply(json.dumps(body).encode())) as server:
        assert run(lambda client: client.models(), server.base_url) == expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"success": False, "error": {"code": "unauthorized", "message": "Invalid API key"}}, AuthenticationError),
        ({"success": True}, ServerError),
        ({"data": "soon"}, ServerError),
    ],
    ids=["refused", "nothing", "text"],
)
def test_a_list_of_models_that_is_none_is_an_error(run, body, kind):
    with RawServer(reply(json.dumps(body).encode())) as server:
        assert type(raised(run, lambda client: client.models(), base_url=server.base_url)) is kind


@pytest.mark.parametrize("request_id", ["../models", "a/b", "", "a?b", "a b", "é"])
def test_an_id_that_is_none_never_enters_a_path(run, simulator, request_id):
    assert "is no request id" in str(raised(run, lambda client: client.get(request_id)))
    assert "is no request id" in str(raised(run, lambda client: client.cancel(request_id)))
    assert simulator.calls == {}


def test_every_call_carries_the_key_and_says_who_calls(run):
    async def all_four(client):
        await client.create(REQUEST)
        await client.get("req_1")
        await client.cancel("req_1")
        await client.models()

    answer = json.dumps({"requestId": "req_1", "status": "queued", "data": []}).encode()
    with RawServer(reply(answer)) as server:
        run(all_four, server.base_url)

    assert [head.split(" HTTP")[0] for head in server.requests] == [
        "POST /api/open/v1/video/generations",
        "GET /api/open/v1/video/generations/req_1",
        "POST /api/open/v1/video/generations/req_1/cancel",
        "GET /api/open/v1/models",
    ]
    for head in server.requests:
        assert f"Authorization: Bearer {KEY}" in head.splitlines()
        assert "User-Agent: seedance_nb" in head.splitlines()
        assert "Accept-Encoding: identity" in head.splitlines()


def test_another_key_is_used_from_the_next_call_on(run):
    async def change_the_key(client):
        await client.get("req_1")
        client.set_key(Secret("another-key"))
        await client.get("req_1")

    with RawServer(reply(LOOKED_AT)) as server:
        run(change_the_key, server.base_url)

    keys = [line for head in server.requests for line in head.splitlines() if line.startswith("Authorization")]
    assert keys == [f"Authorization: Bearer {KEY}", "Authorization: Bearer another-key"]


# Creates under every fault of the simulator

FOLLOWED = Status.QUEUED
ENDLESS = {"hang", "hang_before", "drip"}
CREATES = [
    (Fault("create", "delay", seconds=0.1), FOLLOWED),
    (Fault("create", "hang"), OutcomeUnknown),
    (Fault("create", "hang_before"), OutcomeUnknown),
    (Fault("create", "drop_before"), OutcomeUnknown),
    (Fault("create", "drop_after"), OutcomeUnknown),
    (Fault("create", "reset_before"), OutcomeUnknown),
    (Fault("create", "reset_after"), OutcomeUnknown),
    (Fault("create", "drip"), OutcomeUnknown),
    (Fault("create", "chunked_broken"), FOLLOWED),
    (Fault("create", "status", http_status=400), ApiError),
    (Fault("create", "status", http_status=401), AuthenticationError),
    (Fault("create", "status", http_status=402), PaymentRequired),
    (Fault("create", "status", http_status=422), ApiError),
    (Fault("create", "status", http_status=429, headers={"Retry-After": "7"}), RateLimited),
    (Fault("create", "status", http_status=408), OutcomeUnknown),
    (Fault("create", "status", http_status=503, headers={"Retry-After": "7"}), OutcomeUnknown),
    (Fault("create", "status_after", http_status=500, body="<h1>oops</h1>"), OutcomeUnknown),
    (Fault("create", "html"), OutcomeUnknown),
    (Fault("create", "html", http_status=502), OutcomeUnknown),
    (Fault("create", "redirect"), OutcomeUnknown),
    (Fault("create", "odd_location"), OutcomeUnknown),
    (Fault("create", "gzip_bomb"), FOLLOWED),
    (Fault("create", "empty"), OutcomeUnknown),
    (Fault("create", "truncate", bytes=35), OutcomeUnknown),
    (Fault("create", "truncate", bytes=60), FOLLOWED),
    (Fault("create", "garbage_encoding"), FOLLOWED),
    (Fault("create", "no_id"), OutcomeUnknown),
    (Fault("create", "wrong_id"), FOLLOWED),
    (Fault("create", "success_false_with_id"), FOLLOWED),
    (Fault("create", "huge_int"), FOLLOWED),
    (Fault("create", "deep_nesting"), FOLLOWED),
    (Fault("create", "lone_surrogate"), Status.PROCESSING),
    (Fault("create", "huge_body", bytes=3 * MEGABYTE), FOLLOWED),
]


def _name(value):
    return f"{value.kind}-{value.http_status or value.bytes or ''}".strip("-") if isinstance(value, Fault) else ""


@pytest.mark.parametrize(("fault", "expected"), CREATES, ids=_name)
def test_a_create_is_sent_once_whatever_happens_and_ends_in_an_id_or_the_right_error(run, simulator, fault, expected):
    simulator.add_fault(fault)

    if isinstance(expected, Status):
        generation = run(create)
        newest = simulator.scenario.accepted[-1].request_id
        assert generation.status is expected
        assert generation.request_id == ("req_0000000000" if fault.kind == "wrong_id" else newest)
    else:
        assert type(raised(run, create, **({"create_timeout": 0.3} if fault.kind in ENDLESS else {}))) is expected
    assert simulator.calls == {"create": 1}


def test_every_fault_of_a_create_is_in_the_table():
    assert {fault.kind for fault, _ in CREATES} == {name for name, kind in KINDS.items() if "create" in kind.calls}


LOOKS = [
    (Fault("get", "delay", seconds=0.1), Status.SUCCEEDED),
    (Fault("get", "hang"), ConnectionFailed),
    (Fault("get", "hang_before"), ConnectionFailed),
    (Fault("get", "drop_before"), ConnectionFailed),
    (Fault("get", "drop_after"), ConnectionFailed),
    (Fault("get", "reset_before"), ConnectionFailed),
    (Fault("get", "reset_after"), ConnectionFailed),
    (Fault("get", "drip", seconds=0.1), ServerError),
    (Fault("get", "chunked_broken"), ServerError),
    (Fault("get", "status", http_status=401), AuthenticationError),
    (Fault("get", "status", http_status=403), AuthenticationError),
    (Fault("get", "status", http_status=408), ServerError),
    (Fault("get", "status", http_status=429), RateLimited),
    (Fault("get", "status_after", http_status=503), ServerError),
    (Fault("get", "html"), ServerError),
    (Fault("get", "redirect"), ServerError),
    (Fault("get", "odd_location"), ConnectionFailed),
    (Fault("get", "gzip_bomb"), ServerError),
    (Fault("get", "empty"), ServerError),
    (Fault("get", "truncate"), ServerError),
    (Fault("get", "garbage_encoding"), Status.SUCCEEDED),
    (Fault("get", "no_id"), Status.SUCCEEDED),
    (Fault("get", "wrong_id"), ServerError),
    (Fault("get", "success_false_with_id"), Status.SUCCEEDED),
    (Fault("get", "huge_int"), ServerError),
    (Fault("get", "deep_nesting"), ServerError),
    (Fault("get", "lone_surrogate"), Status.SUCCEEDED),
    (Fault("get", "huge_body", bytes=3 * MEGABYTE), ServerError),
    (Fault("get", "not_found"), ApiError),
    (Fault("get", "unknown_status"), Status.PROCESSING),
    (Fault("get", "backwards"), Status.QUEUED),
    (Fault("get", "no_url"), Status.SUCCEEDED),
    (Fault("get", "bad_url", body="http://x/\n"), Status.SUCCEEDED),
]


@pytest.mark.parametrize(("fault", "expected"), LOOKS, ids=_name)
def test_a_look_ends_in_a_status_or_the_right_error(run, simulator, fault, expected):
    simulator.add_fault(fault)

    def look_at_the_film(client):
        return client.get(simulator.film_id)

    if isinstance(expected, Status):
        assert run(look_at_the_film).status is expected
    else:
        assert (
            type(raised(run, look_at_the_film, **({"read_timeout": 0.2} if fault.kind in ENDLESS else {}))) is expected
        )
    assert simulator.calls == {"get": 1}


def test_every_fault_of_a_look_is_in_the_table():
    assert {fault.kind for fault, _ in LOOKS} == {name for name, kind in KINDS.items() if "get" in kind.calls}


# What surely never left


def assert_nothing_was_submitted(error):
    assert type(error) is ConnectionFailed
    assert str(error).endswith("; nothing was submitted")


def test_a_refused_connection_submits_nothing(run):
    assert_nothing_was_submitted(raised(run, create, base_url=f"http://127.0.0.1:{free_port()}"))


def test_a_name_nobody_knows_submits_nothing(run, monkeypatch):
    def unknown(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert_nothing_was_submitted(raised(run, create, base_url="https://service.example"))


def test_a_failed_tls_handshake_submits_nothing(run):
    with RawServer(reply(ACCEPTED)) as server:
        assert_nothing_was_submitted(
            raised(run, create, base_url=f"https://127.0.0.1:{server.port}", connect_timeout=1)
        )

    assert server.requests == []


def test_waiting_for_a_free_connection_submits_nothing(run, simulator):
    simulator.add_fault(Fault("create", "drip", seconds=0.05))

    async def two_at_once(client):
        first = asyncio.create_task(client.create(REQUEST))
        await asyncio.sleep(0.1)
        try:
            await client.create(REQUEST)
        finally:
            first.cancel()

    error = raised(run, two_at_once, concurrency=1, read_timeout=0.3)

    assert_nothing_was_submitted(error)
    assert "too many calls at once" in str(error)
    assert simulator.calls == {"create": 1}


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["refused", "no TLS"],
)
def test_a_proxy_that_leads_nowhere_submits_nothing_and_sees_no_key(run, monkeypatch, answer):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with RawServer(answer, hang_up=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        monkeypatch.setenv("https_proxy", proxy.base_url)
        assert_nothing_was_submitted(raised(run, create, base_url="https://service.example"))

    assert [head.split(" HTTP")[0] for head in proxy.requests] == ["CONNECT service.example:443"]
    assert KEY not in proxy.requests[0]


def test_on_this_machine_no_proxy_is_asked(run, monkeypatch, simulator):
    with RawServer(reply(b"", "502 Bad Gateway")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base_url)
        run(create)

    assert (proxy.connections, simulator.calls) == (0, {"create": 1})


# Deadlines


@pytest.mark.parametrize("kind", ["drip", "hang"])
def test_the_deadline_of_a_create_is_total(run, simulator, kind):
    simulator.add_fault(Fault("create", kind, seconds=0.1))
    began = time.monotonic()

    error = raised(run, create, create_timeout=0.5, read_timeout=60)

    assert "no answer within 0.5 s" in str(error)
    assert 0.4 < time.monotonic() - began < 30


def test_a_look_has_a_total_deadline_too(run, simulator):
    simulator.add_fault(Fault("get", "drip", seconds=0.1))

    error = raised(run, lambda client: client.get(simulator.film_id), read_timeout=0.25)

    assert "no answer within 0.5 s" in str(error)


# Connections


def test_each_create_has_a_connection_of_its_own_and_looks_share_one(run):
    async def thrice(client, call):
        for _ in range(3):
            await call(client)

    with RawServer(reply(ACCEPTED)) as server:
        run(lambda client: thrice(client, create), server.base_url)
        creates = server.connections
        run(lambda client: thrice(client, look), server.base_url)

    assert (creates, server.connections - creates) == (3, 1)


def test_a_kept_connection_that_was_closed_does_not_matter_to_a_look(run):
    async def twice(client):
        await client.get("req_1")
        await asyncio.sleep(0.05)
        return await client.get("req_1")

    with RawServer(reply(LOOKED_AT), hang_up=True) as server:
        assert run(twice, server.base_url).status is Status.PROCESSING

    assert server.connections == 2


def test_a_key_with_a_line_break_becomes_no_header(run):
    with RawServer(reply(ACCEPTED)) as server:
        assert_nothing_was_submitted(raised(run, create, base_url=server.base_url, key=f"{KEY}\r\nX-Evil: 1"))

    assert server.requests == []


def test_a_certificate_nobody_vouches_for_gets_no_request_and_no_key(run):
    with RawServer(reply(ACCEPTED)) as server:
        for action in (create, look):
            error = raised(run, action, base_url=f"https://localhost:{server.port}", connect_timeout=1)
            assert "could not reach" in str(error) or "no contact" in str(error)

    assert server.requests == []


@pytest.mark.parametrize("named", ["localhost", "elsewhere.example"])
def test_over_tls_the_name_in_the_certificate_counts(run, monkeypatch, named):
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(named).configure_cert(server_side)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(httpx, "create_ssl_context", lambda: trusting)

    async def create_and_look(client):
        created = await client.create(REQUEST)
        return [created.status, *[(await client.get("req_1")).status for _ in range(3)]]

    with RawServer(reply(ACCEPTED), tls=server_side) as server:
        base_url = f"https://localhost:{server.port}"
        if named == "localhost":
            assert run(create_and_look, base_url) == [Status.QUEUED] * 4
            assert server.connections == 2
            assert all(f"Bearer {KEY}" in head and f"Host: localhost:{server.port}" in head for head in server.requests)
        else:
            assert_nothing_was_submitted(raised(run, create, base_url=base_url))
            assert server.requests == []


def test_what_nothing_is_encrypted_for_loads_no_certificates(run, monkeypatch):
    def unwanted():
        raise AssertionError("certificates were loaded")

    async def all_of_it(client):
        await client.create(REQUEST)
        await client.get("req_1")

    with RawServer(reply(ACCEPTED)) as server:
        monkeypatch.setattr("seedance_nb.api.client.httpx.create_ssl_context", unwanted)

        async def main():
            async with Client(server.base_url, Secret(KEY), Limits()) as client:
                await all_of_it(client)

        asyncio.run(main())

    assert len(server.requests) == 2


def test_a_redirect_is_not_followed_and_its_target_sees_no_key(run, simulator):
    with Simulator() as stranger:
        for call, action in (("create", create), ("get", look), ("models", lambda client: client.models())):
            target = f"{stranger.base_url}/api/open/v1/models"
            simulator.add_fault(Fault(call, "redirect", headers={"Location": target}))
            raised(run, action)

        assert (stranger.calls, stranger.calls_with_key) == ({}, {})
    assert simulator.calls == {"create": 1, "get": 1, "models": 1}


# Bounds


def endless(first=b""):
    """The parts of an answer without an end, as far as anyone wants to read it."""

    def parts():
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n" + first
        for _ in range(4000):
            yield b" " * 65536

    return parts


@pytest.mark.parametrize(
    "first",
    [
        b"\r\n" + ACCEPTED,
        b"Content-Encoding: gzip\r\n\r\n" + gzip_with_blanks(ACCEPTED, 200 * MEGABYTE),
        b"Content-Encoding: gzip\r\n\r\n" + gzip_with_blanks(ACCEPTED, 0),
    ],
    ids=["plain", "gzip bomb", "after the end of gzip"],
)
def test_an_endless_answer_takes_little_memory_and_its_id_is_saved(run, first):
    with RawServer(endless(first)) as server:
        tracemalloc.start()
        generation = run(create, server.base_url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert generation.request_id == "req_1"
    assert server.sent < 20 * MEGABYTE
    assert peak < 20 * MEGABYTE


def test_an_endless_look_is_too_long(run):
    with RawServer(endless(b"\r\n" + LOOKED_AT)) as server:
        assert "too long" in str(raised(run, look, base_url=server.base_url))


@pytest.mark.parametrize(
    ("raw", "packing", "expected"),
    [
        (b"", "", (b"", None)),
        (b"abc", "", (b"abc", None)),
        (b"x" * 100, "", (b"x" * 100, None)),
        (b"x" * 101, "", (b"x" * 100, "too long")),
        (b"abc", " Identity", (b"abc", None)),
        (gzip_with_blanks(b"abc", 0), "gzip", (b"abc", None)),
        (zlib.compress(b"abc"), "deflate", (b"abc", None)),
        (gzip_with_blanks(b"abc", 0)[:-9], "gzip", (b"abc", None)),
        (gzip_with_blanks(b"abc", MEGABYTE), "x-gzip", (b"abc" + b" " * 97, "too long")),
        (gzip_with_blanks(b"abc", 0) + b"x" * 100, "gzip", (b"abc", "too long")),
        (b"no gzip", "gzip", (b"", "badly packed")),
        (b"abc", "br\x7f", (b"", "packed as br")),
    ],
    ids=[
        "empty", "plain", "just fits", "one too many", "identity", "gzip", "deflate", "without its end", "gzip bomb", "after its end",
        "bad gzip", "brotli",
    ],
)  # fmt: skip
def test_a_body_is_unpacked_up_to_the_limit_and_says_what_was_wrong(raw, packing, expected):
    assert unpacked(raw, packing, 100) == expected


def test_what_comes_before_a_badly_packed_part_is_kept():
    noise = random.Random(1).randbytes(20_000)
    broken = bytearray(gzip.compress(ACCEPTED + noise))
    broken[-2000:-1000] = bytes(1000)
    broken[-8:] = bytes(8)

    body, trouble = unpacked(bytes(broken), "gzip", 100_000)

    assert trouble == "badly packed"
    assert body.startswith(ACCEPTED)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectTimeout("connecting took too long"), "connecting took too long"),
        (httpx.ConnectError("[Errno -2] Name or service\nnot known"), "[Errno -2] Name or service not known"),
        (httpx.ReadError(""), "ReadError"),
        (ConnectionResetError(), "ConnectionResetError"),
        (ValueError("x" * 500), "x" * 159 + "…"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_transport_error_is_told_in_a_few_words(error, expected):
    assert in_words(error) == expected
