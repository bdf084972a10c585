"""The private folder through which a server wakes a kernel, and the address it is reached at."""

import json
import os
import socket
import time

import pytest

from seedance_nb.errors import ConfigurationError
from seedance_nb.settings import check_public_url, check_webhook_url, resolve
from seedance_nb.waking.addresses import SERVER_IN_ENV, choose, find_server, is_private, of_the_hub
from seedance_nb.waking.doors import OLD_SECONDS, Doors
from seedance_nb.waking.tokens import fingerprint, new_token

KNOWN = fingerprint("only-for-these-tests-A")


@pytest.fixture
def doors(tmp_path):
    doors = Doors(tmp_path / "wake")
    doors.make()
    yield doors
    doors.close()


@pytest.fixture
def kernels():
    """Two kernels that listen."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
        each.settimeout(60)
    yield sockets
    for each in sockets:
        each.close()


def test_everybody_who_follows_the_job_is_told(doors, kernels):
    for kernel in kernels:
        doors.hang(KNOWN, "j1", kernel.getsockname()[1])

    doors.ring(KNOWN)

    assert [kernel.recv(100).decode() for kernel in kernels] == [KNOWN, KNOWN]


def test_a_token_taken_down_rings_nobody(doors, kernels):
    doors.hang(KNOWN, "j1", kernels[0].getsockname()[1])
    doors.take_down(KNOWN)
    doors.ring(KNOWN)
    kernels[0].settimeout(0.2)

    with pytest.raises(TimeoutError):
        kernels[0].recv(100)


def test_the_next_kernel_finds_what_hangs_for_its_job(doors):
    doors.hang(KNOWN, "j1", 1)
    assert doors.of_job("j1") == KNOWN
    assert doors.of_job("j2") is None

    other = fingerprint(new_token())
    time.sleep(0.02)  # the clock of some file systems is coarse
    doors.hang(other, "j2", 1)

    assert doors.of_job("j2") == other


@pytest.mark.parametrize("text", ["", "nonsense", f"{KNOWN} j1 http\n", f"{'0' * 64} j1 5\n", f"{KNOWN} j1 99999999\n"])
def test_a_damaged_file_is_nobody(doors, tmp_path, text):
    (tmp_path / "wake" / KNOWN).write_text(text)

    doors.ring(KNOWN)
    doors.of_job("j1")


def test_the_folder_is_private_and_forgets_what_nobody_followed(doors, tmp_path):
    folder = tmp_path / "wake"
    doors.hang(KNOWN, "j1", 1)
    (folder / "server-1.json").write_text("{}")
    long_ago = time.time() - OLD_SECONDS - 60
    for path in folder.iterdir():
        os.utime(path, (long_ago, long_ago))

    doors.make()

    assert [path.name for path in folder.iterdir()] == ["server-1.json"]  # of a server that may have run for long
    assert folder.stat().st_mode & 0o77 == 0


@pytest.mark.parametrize(
    ("environ", "public"),
    [
        ({}, None),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/user/me/"}, None),
        (
            {"JUPYTERHUB_SERVICE_PREFIX": "/user/me/", "JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/me/"},
            "https://hub.example/user/me/",
        ),
        (
            {"JUPYTERHUB_SERVICE_PREFIX": "/user/me/", "JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example/hub/"},
            "https://hub.example/user/me/",
        ),
        (
            {"JUPYTERHUB_SERVICE_PREFIX": "/user/me/", "JUPYTERHUB_HOST": "https://me.hub.example"},
            "https://me.hub.example/user/me/",
        ),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/user/me/", "JUPYTERHUB_PUBLIC_URL": "nonsense"}, None),
    ],
)
def test_a_hub_tells_where_its_servers_are_reached(environ, public):
    assert of_the_hub(environ) == public


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://h/user/me", "https://h/user/me/"),
        (" https://h/user/me/lab/tree/a.ipynb ", "https://h/user/me/"),
        ("https://h:8443", "https://h:8443/"),
        ("http://127.0.0.1:8888/lab", "http://127.0.0.1:8888/"),
    ],
)
def test_a_public_address_may_be_copied_from_the_browser(given, kept):
    assert check_public_url(given) == kept


@pytest.mark.parametrize(
    "wrong", ["h", "ftp://h/", "https://u:secret@h/", "https://h/?token=secret", "https://", 5, "https://h/ a"]
)
def test_what_nobody_could_ring_at_is_refused_without_being_repeated(wrong):
    with pytest.raises(ConfigurationError, match="the public address must look like https://host/") as told:
        resolve(public_url=wrong)

    assert "secret" not in str(told.value)


def test_a_webhook_for_every_create_is_auto_off_or_an_address():
    assert [check_webhook_url(text) for text in ("AUTO", " off ", "https://h/ring?x=1")] == [
        "auto",
        None,
        "https://h/ring?x=1",
    ]
    with pytest.raises(ConfigurationError, match="must be auto, off, or a full URL"):
        check_webhook_url("yes")
    known = resolve(environ={"SEEDANCE_WEBHOOK_URL": "auto", "SEEDANCE_PUBLIC_URL": "https://h/x"})
    assert (known.webhook_url, known.public_url) == ("auto", "https://h/x/")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "https://10.1.2.3/",
        "https://box/",
        "https://[::1]/",
        "http://nas.local/",
    ],
)
def test_what_no_service_elsewhere_could_reach_is_private(url):
    assert is_private(url)
    assert not is_private("https://hub.example/")
    assert not is_private("https://8.8.8.8/")


def test_what_is_said_wins_and_what_is_unknown_is_one_line_with_the_cure(tmp_path):
    told = tmp_path / "server.json"
    environ = {SERVER_IN_ENV: str(told)}
    assert find_server(environ) is None

    def server(public):
        told.write_text(json.dumps({"folder": str(tmp_path), "local": "http://127.0.0.1:8888/", "public": public}))
        return find_server(environ)

    here = {"public_url": None, "api_is_here": True}
    there = {"public_url": None, "api_is_here": False}
    assert choose(server(None), **here)[0] == "http://127.0.0.1:8888/"
    assert choose(server("https://h.example/"), **there)[0] == "https://h.example/"
    assert (
        choose(server("https://h.example/"), public_url="https://g.example/", api_is_here=True)[0]
        == "https://g.example/"
    )
    for lost in (choose(server(None), **there), choose(server("http://10.0.0.1/"), **there), choose(None, **there)):
        assert lost[0] is None
        assert "\n" not in lost[1]
        assert "polled as usual" in lost[1]
    assert "sd.configure(public_url=" in choose(server(None), **there)[1]
    assert "sd.serve_webhooks(port=" in choose(None, **there)[1]
