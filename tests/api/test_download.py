"""The way to a video: which addresses are opened, and what becomes of the bytes."""

import asyncio
import socket

import pytest
from api.raw_server import RawServer, free_port, reply

from seedance_nb.api.addresses import allowed_addresses, check_output_url, is_public
from seedance_nb.api.client import MAX_REDIRECTS, Client, VideoStream
from seedance_nb.errors import ClipError
from seedance_nb.settings import Limits, Secret
from seedance_nb.simulator import Fault


def fetch(url, **options):
    """An action: open the video and read it; (stream, bytes)."""

    async def action(client):
        async with client.video(url, **options) as stream:
            return stream, b"".join([chunk async for chunk in stream.chunks])

    return action


def refused(run, url, **limits):
    with pytest.raises(ClipError) as caught:
        run(fetch(url), **limits)
    assert str(caught.value).isprintable()
    return str(caught.value)


# Which addresses are opened


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/v.mp4", ("a.example", 443, True)),
        ("HTTPS://A.Example:8443/v.mp4?sig=%20", ("a.example", 8443, True)),
        ("https://[2606:4700::1]/v.mp4", ("2606:4700::1", 443, True)),
    ],
)
@pytest.mark.parametrize("api_on_loopback", [True, False])
def test_an_https_address_is_opened(url, expected, api_on_loopback):
    assert check_output_url(url, api_on_loopback=api_on_loopback) == expected


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v.mp4", "http://a.example/v.mp4"])
def test_http_is_only_for_an_api_on_this_machine(url):
    assert check_output_url(url, api_on_loopback=True)[2] is False
    with pytest.raises(ClipError, match=r"is not https \(http:\); not opened"):
        check_output_url(url, api_on_loopback=False)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "is none"),
        ("v.mp4", "is none"),
        ("/etc/passwd", "is none"),
        ("file:///etc/passwd", "is none"),
        ("javascript:alert(1)", "is none"),
        ("data:video/mp4;base64,AAAA", "is none"),
        ("https://", "is none"),
        ("https:///v.mp4", "is none"),
        ("https://[::1/v.mp4", "is none"),
        ("https://a.example:99999/v.mp4", "is none"),
        ("https://a.example:x/v.mp4", "is none"),
        ("https://a.example/v.mp4\n", "is none"),
        ("https://a.example/\x00", "is none"),
        ("https://a.exam\tple/v.mp4", "is none"),
        ("https://a.example/v .mp4", "is none"),
        ("ftp://a.example/v.mp4", "not https (ftp:)"),
        ("file://a.example/etc/passwd", "not https (file:)"),
        ("//a.example/v.mp4", "not https (:)"),
        ("https://user@a.example/v.mp4", "a login in it"),
        ("https://user:word@a.example/v.mp4", "a login in it"),
        ("https://:word@a.example/v.mp4", "a login in it"),
        ("https://@a.example/v.mp4", "a login in it"),
        ("https://a.example\\@169.254.169.254/", "a login in it"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("api_on_loopback", [True, False])
def test_an_address_that_is_odd_is_not_opened(url, why, api_on_loopback):
    with pytest.raises(ClipError) as caught:
        check_output_url(url, api_on_loopback=api_on_loopback)

    assert why in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "104.16.0.1", "2606:4700::1", "2a00:1450:4001::1", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address) is True


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "168.63.129.16",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::169.254.169.254",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2002:c0a8:101::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "100::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "",
        "localhost",
        "a.example",
        "127.1",
        "2130706433",
    ],
)
def test_an_address_of_a_private_network_is_not_public(address):
    assert is_public(address) is False


def allow(monkeypatch, answer, host="films.example", *, api_on_loopback=False):
    """What `allowed_addresses` says when the name server gives these addresses, or raises this error."""

    async def main():
        async def getaddrinfo(_host, port, **_options):
            if isinstance(answer, Exception):
                raise answer
            return [(None, None, None, "", (address, port)) for address in answer]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        return await allowed_addresses(host, 443, api_on_loopback=api_on_loopback)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["8.8.8.8"], ["8.8.8.8"]),
        (["2606:4700::1", "8.8.8.8"], ["2606:4700::1", "8.8.8.8"]),
        (["8.8.8.8", "8.8.8.8"], ["8.8.8.8"]),
    ],
)
def test_a_name_with_public_addresses_leads_to_them_in_their_order(monkeypatch, found, expected):
    assert allow(monkeypatch, found) == expected


@pytest.mark.parametrize(
    "found",
    [
        ["10.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["8.8.8.8", "::1"],
        ["169.254.169.254"],
        ["127.0.0.1"],
        ["::ffff:127.0.0.1"],
    ],
    ids=repr,
)
def test_a_name_with_any_private_address_is_not_opened(monkeypatch, found):
    with pytest.raises(ClipError, match=r"leads into a private network \(films\.example\); not opened"):
        allow(monkeypatch, found)


@pytest.mark.parametrize(
    ("found", "allowed"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("169.254.169.254", False)]
)
def test_while_the_api_is_on_this_machine_this_machine_is_allowed_and_no_other(monkeypatch, found, allowed):
    if allowed:
        assert allow(monkeypatch, [found], api_on_loopback=True) == [found]
    else:
        with pytest.raises(ClipError, match="private network"):
            allow(monkeypatch, [found], api_on_loopback=True)


@pytest.mark.parametrize(
    "trouble", [[], socket.gaierror(-2, "unknown"), TimeoutError(), UnicodeError("label too long")], ids=repr
)
def test_a_name_that_cannot_be_found_says_so(monkeypatch, trouble):
    with pytest.raises(ClipError, match=r"the video host films\.example cannot be found"):
        allow(monkeypatch, trouble)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost"])
def test_other_spellings_of_this_machine_are_not_opened(host):
    with pytest.raises(ClipError, match=r"private network|cannot be found"):
        asyncio.run(allowed_addresses(host, 443, api_on_loopback=False))


def test_the_connection_goes_to_the_address_that_was_checked(run, monkeypatch):
    looked_up = []

    def once(host, port, *_arguments, **_options):
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with RawServer(reply(b"film")) as server:
        monkeypatch.setattr(socket, "getaddrinfo", once)
        _, film = run(fetch(f"http://films.example:{server.port}/v.mp4"))

    assert (film, looked_up) == (b"film", ["films.example"])
    assert f"Host: films.example:{server.port}" in server.requests[0].splitlines()


def test_an_ipv6_address_keeps_its_brackets_in_the_host_header(run, monkeypatch):
    with RawServer(reply(b"film")) as server:
        here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: here)
        run(fetch(f"http://[::1]:{server.port}/v.mp4"))

    assert f"Host: [::1]:{server.port}" in server.requests[0].splitlines()


# Redirects


def test_a_redirect_is_followed(run, simulator):
    simulator.add_fault(Fault("download", "redirect", headers={"Location": simulator.film_url}))

    assert run(fetch(simulator.film_url))[1] == simulator.film


def test_a_redirect_may_be_relative(run, simulator):
    simulator.add_fault(Fault("download", "redirect", headers={"Location": f"{simulator.film_id}.mp4"}))

    assert run(fetch(simulator.film_url))[1] == simulator.film


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://10.0.0.1/v.mp4", "private network"),
        ("http://169.254.169.254/latest/meta-data/", "private network"),
        ("http://[fd00:ec2::254]/", "private network"),
        ("http://0.0.0.0/", "private network"),
        ("file:///etc/passwd", "is none"),
        ("ftp://127.0.0.1/v.mp4", "not https"),
        ("http://user:word@127.0.0.1/", "a login in it"),
        ("http://[::1", ""),
        ("//[", ""),
        ("http://127.0.0.1:99999999/", ""),
        ("/\x7f", ""),
        ("http://[not-an-address:1/ \x7f", ""),
    ],
    ids=repr,
)
def test_every_hop_of_a_redirect_is_checked(run, simulator, location, why):
    simulator.add_fault(Fault("download", "redirect", headers={"Location": location}))

    assert why in refused(run, simulator.film_url)
    assert simulator.calls == {"download": 1}


def test_a_redirect_in_circles_ends(run, simulator):
    simulator.add_fault(Fault("download", "redirect", times=None, headers={"Location": simulator.film_url}))

    assert refused(run, simulator.film_url) == "the video's address redirects in circles"
    assert simulator.calls == {"download": MAX_REDIRECTS + 1}


def test_a_redirect_to_nowhere_is_an_answer_like_any_other(run):
    with RawServer(reply(b"", "302 Found")) as server:
        stream, _ = run(fetch(server.base_url + "/v.mp4"))

    assert stream.status == 302


@pytest.mark.parametrize("path", ["/\x7f", "/v.mp4\ud83d"], ids=ascii)
def test_an_address_that_httpx_refuses_is_refused_in_our_words(run, path):
    with RawServer(reply(b"film")) as server, pytest.raises(ClipError, match="an address of the video that is none"):
        run(fetch(server.base_url + path))


# What is sent to the video host


def test_the_key_is_never_sent_to_the_video_host(run, simulator):
    simulator.add_fault(Fault("download", "redirect", headers={"Location": simulator.film_url}))

    run(fetch(simulator.film_url))

    assert (simulator.calls, simulator.calls_with_key) == ({"download": 2}, {})


def test_no_cookie_is_kept(run):
    async def twice(client):
        for _ in range(2):
            await fetch(server.base_url + "/v.mp4")(client)

    with RawServer(reply(b"film", Set_Cookie="track=1; Path=/")) as server:
        run(twice)

    assert len(server.requests) == 2
    assert not any("cookie" in head.lower() for head in server.requests)


# The bytes


def test_a_film_arrives_whole(run, simulator):
    stream, film = run(fetch(simulator.film_url))

    assert film == simulator.film
    assert (stream.status, stream.offset, stream.total) == (200, 0, len(film))
    assert stream.headers["content-type"] == "video/mp4"


def test_a_large_film_is_read_in_large_pieces_and_none_is_longer_than_memory_allows(run):
    film = bytes(range(256)) * 80_000

    async def pieces(client):
        async with client.video(f"{server.base_url}/v.mp4") as stream:
            return [chunk async for chunk in stream.chunks]

    with RawServer(reply(film)) as server:
        chunks = run(pieces)

    assert b"".join(chunks) == film
    assert 65_536 < max(map(len, chunks)) <= 262_144
    assert len(chunks) < len(film) / 65_536  # httpx's own connections would make more of them


def test_a_download_goes_on_where_it_stopped(run, simulator):
    stream, rest = run(fetch(simulator.film_url, offset=1000))

    assert rest == simulator.film[1000:]
    assert (stream.status, stream.offset, stream.total) == (206, 1000, len(simulator.film))


def test_a_host_that_knows_no_ranges_begins_again(run, simulator):
    simulator.add_fault(Fault("download", "no_range"))

    stream, film = run(fetch(simulator.film_url, offset=1000))

    assert (stream.status, stream.offset, stream.total, film) == (200, 0, len(simulator.film), simulator.film)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"validator": '"v1"'}, []),
        ({"offset": 5}, ["Range: bytes=5-"]),
        ({"offset": 5, "validator": '"v1"'}, ["Range: bytes=5-", 'If-Range: "v1"']),
    ],
    ids=repr,
)
def test_only_the_same_file_is_gone_on_with(run, options, expected):
    with RawServer(reply(b"film")) as server:
        run(fetch(server.base_url + "/v.mp4", **options))

    assert [line for line in server.requests[0].splitlines() if "Range:" in line] == expected


@pytest.mark.parametrize(
    ("status", "headers", "asked", "expected"),
    [
        (200, {"content-length": "10"}, 0, (0, 10)),
        (200, {}, 5, (0, None)),
        (206, {"content-range": "bytes 5-9/10", "content-length": "5"}, 5, (5, 10)),
        (206, {"content-range": "bytes 5-9/*"}, 5, (5, None)),
        (206, {"content-range": "bytes 4-9/10"}, 5, (0, 10)),
        (206, {}, 5, (0, None)),
        (200, {"content-range": "bytes 5-9/10"}, 5, (0, None)),
        (200, {"content-length": "-1"}, 0, (0, None)),
        (200, {"content-length": "9" * 30}, 0, (0, None)),
        (200, {"content-length": "٣"}, 0, (0, None)),
        (206, {"content-range": "nonsense"}, 5, (0, None)),
    ],
    ids=repr,
)
def test_offset_and_size_are_what_the_host_says_where_it_makes_sense(status, headers, asked, expected):
    stream = VideoStream(status=status, headers=headers, chunks=None, asked_offset=asked)

    assert (stream.offset, stream.total) == expected


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("download", "drop_before"), "the video host did not answer ("),
        (Fault("download", "reset_before"), "the video host did not answer ("),
        (Fault("download", "hang"), "the video host did not answer (no answer in time)"),
        (Fault("download", "odd_location"), "the video host did not answer ("),
        (Fault("download", "cut"), "the download broke off ("),
        (Fault("download", "chunked_broken"), "the download broke off ("),
        (Fault("download", "stall"), "the download broke off (no byte for 0.3 s)"),
        (Fault("download", "announce_huge"), "the download broke off (no byte for 0.3 s)"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_a_download_that_fails_says_how_in_one_line(run, simulator, fault, said):
    simulator.add_fault(fault)

    assert refused(run, simulator.film_url, stall_timeout=0.3).startswith(said)


def test_a_host_that_is_not_there_did_not_answer(run):
    assert refused(run, f"http://127.0.0.1:{free_port()}/v.mp4").startswith("the video host did not answer (")


@pytest.mark.parametrize("status", [403, 404, 410, 500])
def test_another_status_is_handed_on_with_the_stream(run, simulator, status):
    simulator.add_fault(Fault("download", "status", http_status=status))

    assert run(fetch(simulator.film_url))[0].status == status


def test_a_packed_film_is_not_inflated(run, simulator):
    simulator.add_fault(Fault("download", "gzip_bomb", bytes=30_000_000))

    stream, film = run(fetch(simulator.film_url))

    assert stream.headers["content-encoding"] == "gzip"
    assert len(film) < 5_000_000


def test_an_address_that_leads_nowhere_is_passed_over_for_the_next(monkeypatch, simulator):
    async def first_nowhere(_self, _host, port, **_options):
        return [(None, None, None, "", ("::1", port)), (None, None, None, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", first_nowhere)
    url = simulator.base_url.replace("127.0.0.1", "localhost") + "/simulator/journal"

    async def main():
        async with Client(simulator.base_url, Secret("sd2_test"), Limits()) as client, client.video(url) as stream:
            return stream.status

    assert asyncio.run(main()) == 200
