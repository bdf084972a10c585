"""Whether anything has left decides what became of a create: not which error it was. And a way out that is none is said beforehand."""

import asyncio
import ssl

import httpx
import msgspec
import pytest
from api.conftest import KEY
from api.raw_server import RawServer, reply

from seedance_nb.api import client as room
from seedance_nb.api import connection, transport
from seedance_nb.api.addresses import PassingTrouble, proxy_for, way_out_trouble
from seedance_nb.api.client import Client
from seedance_nb.api.models import VideoRequest
from seedance_nb.errors import ConnectionFailed, InvalidRequest, OutcomeUnknown
from seedance_nb.settings import Limits, Secret

SERVICE = "https://service.example"
PASSWORD = "pass-word-0123"
REQUEST = VideoRequest(prompt="a boat")
BODY = b'{"success": true, "requestId": "req_1", "status": "queued"}'
BROKEN = {
    "socks4": f"socks4://me:{PASSWORD}@127.0.0.1:1",
    "an unknown kind": "foo://127.0.0.1:1",
    "a port too high": f"http://me:{PASSWORD}@127.0.0.1:99999",
    "a port that is none": "http://127.0.0.1:http",
    "port 0": "http://127.0.0.1:0",
    "no host": "http://",
    "no host but a port": "http://:3128",
    "half an IPv6 address": "http://[::1",
    "an empty label": "http://ex..ample:3128",
    "a label too long": f"http://{'x' * 70}.example:3128",
    "a blank inside": "http://a b:1",
    "not even a kind": "://",
}
NEEDS_A_PACKAGE = {"socks5": f"socks5://me:{PASSWORD}@127.0.0.1:1", "socks5h": "SOCKS5H://127.0.0.1:1"}
USABLE = {
    "plain": "http://127.0.0.1:3128",
    "without its kind": "127.0.0.1:3128",
    "in capitals": "HTTP://PROXY.EXAMPLE:3128/",
    "over TLS": "https://proxy.example",
    "IPv6": "http://[::1]:3128",
    "a login with odd characters": f"http://us%40er:{PASSWORD}%2F%3A@127.0.0.1:3128",
    "a login that should have been quoted": f"http://us@er:p@ss:{PASSWORD}@127.0.0.1:3128",
    "Unicode": "http://bücher.example:3128",
}
USED = dict(
    zip(
        USABLE.values(),
        [
            ("127.0.0.1", 3128, None),
            ("127.0.0.1", 3128, None),
            ("proxy.example", 3128, None),
            ("proxy.example", 443, None),
            ("::1", 3128, None),
            ("127.0.0.1", 3128, ("us@er", f"{PASSWORD}/:")),
            ("127.0.0.1", 3128, ("us@er", f"p@ss:{PASSWORD}")),
            ("bücher.example", 3128, None),
        ],
        strict=True,
    )
)
"""Where each leads, and its login."""


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def with_client(action, base_url=SERVICE, **limits):
    async with Client(base_url, Secret(KEY), Limits(**{"connect_timeout": 2, "create_timeout": 3} | limits)) as client:
        return await action(client)


def error_of(action, base_url=SERVICE):
    with pytest.raises(Exception) as caught:
        asyncio.run(with_client(action, base_url))
    return caught.value


def create(client):
    return client.create(REQUEST)


@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy"])
@pytest.mark.parametrize("address", (BROKEN | NEEDS_A_PACKAGE).values(), ids=BROKEN | NEEDS_A_PACKAGE)
def test_a_proxy_that_cannot_be_used_is_named_with_its_cure_and_without_its_password(variable, address, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv(variable, address)

    found, cure = way_out_trouble(SERVICE)
    submitted, looked = error_of(create), error_of(lambda client: client.get("req_1"))

    assert found.startswith(variable)
    assert "unset it" in cure
    assert ("pip install socksio" in cure) == (address in NEEDS_A_PACKAGE.values())
    assert type(submitted) is type(looked) is ConnectionFailed
    assert str(submitted).endswith("nothing was submitted")
    assert found in str(submitted)
    assert found in str(looked)
    assert PASSWORD not in f"{found} {cure} {submitted} {looked}"


@pytest.mark.parametrize("address", USABLE.values(), ids=USABLE)
def test_a_proxy_that_can_be_used_is(address, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", address)

    proxy = proxy_for(SERVICE, "service.example")

    assert proxy.trouble is None
    assert way_out_trouble(SERVICE) is None
    assert PASSWORD not in repr(proxy)
    name, port, login = USED[address]
    assert (proxy.host, proxy.port, proxy.login) == (name, port, login)


def test_a_broken_proxy_for_everything_does_not_matter_where_another_one_leads(monkeypatch):
    """As many tools set them: http_proxy, https_proxy and all_proxy=socks5://…"""
    with RawServer(b"HTTP/1.1 407 No\r\n\r\n", hang_up=True) as proxy:
        monkeypatch.setenv("ALL_PROXY", "foo://127.0.0.1:1")
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)

        assert way_out_trouble(SERVICE) is None
        assert "407" in str(error_of(create))
        assert proxy.requests[0].startswith("CONNECT service.example:443")


@pytest.mark.parametrize("excepted", ["service.example", ".example", "*", "x,,service.example:443, ,[::1"])
def test_a_broken_proxy_does_not_matter_where_none_is_asked(excepted, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "foo://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", excepted)

    assert way_out_trouble(SERVICE) is None or ":443" in excepted
    assert way_out_trouble("http://127.0.0.1:1") is None


def test_a_file_is_not_fetched_over_a_proxy_that_cannot_be_used(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", f"socks4://me:{PASSWORD}@127.0.0.1:1")

    async def watch(client):
        async with client.video("https://films.example/film.mp4"):
            pass

    error = error_of(watch)

    assert type(error) is PassingTrouble  # waited for, like any other way that is not there
    assert "ALL_PROXY names a proxy of the kind socks4://" in str(error)
    assert PASSWORD not in str(error)


def test_a_proxy_that_is_mended_is_used_without_a_new_client(monkeypatch):
    monkeypatch.setattr(room, "PROXY_SECONDS", 0.0)

    async def twice(client):
        monkeypatch.setenv("ALL_PROXY", "foo://127.0.0.1:1")
        with pytest.raises(ConnectionFailed, match="ALL_PROXY"):
            await client.get("req_1")
        with RawServer(b"HTTP/1.1 407 No\r\n\r\n", hang_up=True) as proxy:
            monkeypatch.setenv("ALL_PROXY", proxy.base_url)
            with pytest.raises(ConnectionFailed, match="407"):
                await client.get("req_1")

    asyncio.run(with_client(twice))


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_not_there_are_named(variable, monkeypatch, tmp_path):
    monkeypatch.setenv(variable, str(tmp_path / "nowhere"))

    found, cure = way_out_trouble(SERVICE)

    assert variable in found
    assert "unset it" in cure
    assert type(error_of(create)) is ConnectionFailed
    assert way_out_trouble("http://127.0.0.1:1") is None


def test_certificates_that_are_none_submit_nothing(monkeypatch, tmp_path):
    (tmp_path / "certificates.pem").write_text("these are none")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificates.pem"))

    error = error_of(create)

    assert type(error) is ConnectionFailed
    assert "check SSL_CERT_FILE" in str(error)
    assert way_out_trouble(SERVICE) == ("SSL_CERT_FILE names a file without certificates", "correct it or unset it")


def test_a_proxy_that_never_answers_its_connect_has_seen_no_create(monkeypatch):
    with RawServer(lambda: iter(()), hang_up=False) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)

        async def hasty(client):
            return await client.create(REQUEST)

        with pytest.raises(ConnectionFailed, match="nothing was submitted"):
            asyncio.run(with_client(hasty, connect_timeout=0.5, create_timeout=1))
        assert proxy.requests[0].startswith("CONNECT")


# Errors nobody foresaw

UNFORESEEN = [
    ImportError("no socksio"),
    MemoryError(),
    RuntimeError("can't start new thread"),
    KeyError("x"),
    OSError(24, "Too many open files"),
    UnicodeError("label too long"),
    ssl.SSLError("no"),
    OverflowError("port must be 0-65535"),
    RecursionError("deep"),
    AssertionError(),
]


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda e: type(e).__name__)
def test_before_the_first_byte_nothing_was_submitted_whatever_the_error(error, monkeypatch):
    async def breaks(*_, **__):
        raise error

    with RawServer(reply(BODY)) as server:
        monkeypatch.setattr(transport, "_first", breaks)
        found = error_of(create, server.base_url)
        looked = error_of(lambda client: client.get("req_1"), server.base_url)

    assert type(found) is type(looked) is ConnectionFailed
    assert str(found).endswith("nothing was submitted")
    assert server.requests == []


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda e: type(e).__name__)
def test_after_the_first_byte_it_is_open_whatever_the_error(error, monkeypatch):
    async def breaks(*_):
        raise error

    with RawServer(lambda: iter(())) as server:
        monkeypatch.setattr(connection.Connection, "_wait", breaks)
        found = error_of(create, server.base_url)

    assert type(found) is OutcomeUnknown
    assert "may have been accepted and charged" in str(found)


def test_an_answer_that_is_there_counts_more_than_an_error_after_it(monkeypatch):
    class Response(httpx.Response):
        def __init__(self, *_, **__):
            raise RuntimeError("after the answer")

    monkeypatch.setattr(httpx, "Response", Response)
    with RawServer(reply(BODY)) as server:
        generation = asyncio.run(with_client(create, server.base_url))

    assert (generation.request_id, generation.oddity) == ("req_1", None)


@pytest.mark.parametrize("metadata", [{"a": "\ud800"}, {"a": object()}], ids=["half a character", "no JSON"])
def test_what_cannot_be_written_is_not_sent(metadata):
    request = msgspec.structs.replace(REQUEST, metadata=metadata)

    with RawServer(reply(BODY)) as server:
        error = error_of(lambda client: client.create(request), server.base_url)

    assert type(error) is InvalidRequest
    assert str(error).endswith("nothing was submitted")
    assert server.requests == []
