import asyncio
import copy
import dataclasses
import json
import logging
import pickle
import traceback
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from api.raw_server import RawServer, free_port, reply

from seedance_nb.api.client import Client
from seedance_nb.api.models import VideoRequest
from seedance_nb.errors import ConfigurationError, SeedanceError
from seedance_nb.settings import (
    DEFAULT_BASE_URL,
    LIMIT_NAMES,
    Limits,
    Secret,
    Settings,
    check_base_url,
    check_key,
    check_limit,
    is_loopback,
    read_keyring,
    resolve,
    with_stored_key,
    write_keyring,
)
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.simulator.faults import KINDS

KEY = "sd2_live_planted0123456789"


@pytest.fixture
def project(tmp_path):
    """A folder whose pyproject.toml says this, and a notebook's folder below it."""

    def write(text):
        (tmp_path / "pyproject.toml").write_text(text, "utf-8")
        below = tmp_path / "notebooks" / "deep"
        below.mkdir(parents=True)
        return below

    return write


def refusal(function, *arguments, **options):
    with pytest.raises(ConfigurationError) as caught:
        function(*arguments, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


# Where a setting comes from


def test_nothing_said_anywhere_gives_the_defaults(tmp_path):
    settings = resolve(environ={}, folder=tmp_path)

    assert dataclasses.replace(settings, home=None, ledger=None, clips=None, person=None) == Settings(
        base_url=DEFAULT_BASE_URL, home=None, ledger=None, clips=None
    )
    assert settings.home.is_absolute()
    assert settings.home.name == "seedance_nb"
    assert settings.uses_simulator is False


@pytest.mark.parametrize(
    ("argument", "env", "pyproject", "expected"),
    [
        (1, "2", "3", 1.0),
        (None, "2", "3", 2.0),
        (None, "", "3", 3.0),
        (None, None, "3", 3.0),
        (None, None, None, None),
        (0, "2", "3", 0.0),
    ],
)
def test_argument_before_environment_before_pyproject_before_default(project, argument, env, pyproject, expected):
    folder = project(f"[tool.seedance_nb]\nmax_credits = {pyproject}" if pyproject else "")
    environ = {} if env is None else {"SEEDANCE_MAX_CREDITS": env}

    assert resolve(max_credits=argument, environ=environ, folder=folder).limits.max_credits == expected


@pytest.mark.parametrize(
    ("argument", "environ", "expected"),
    [
        ("https://a.example", {"SEEDANCE_BASE_URL": "https://b.example"}, "https://a.example"),
        (None, {"SEEDANCE_BASE_URL": "https://b.example/"}, "https://b.example"),
        (None, {"SEEDANCE_BASE_URL": ""}, DEFAULT_BASE_URL),
        (None, {}, DEFAULT_BASE_URL),
    ],
)
def test_the_base_url_is_the_argument_or_the_environments(tmp_path, argument, environ, expected):
    assert resolve(base_url=argument, environ=environ, folder=tmp_path).base_url == expected


@pytest.mark.parametrize(
    ("argument", "environ", "expected"),
    [
        ("one-key", {"SEEDANCE_API_KEY": "two-key"}, ("one-key", "argument")),
        (Secret("one-key"), {"SEEDANCE_API_KEY": "two-key"}, ("one-key", "argument")),
        (" one-key\n", {}, ("one-key", "argument")),
        (None, {"SEEDANCE_API_KEY": "two-key\n"}, ("two-key", "SEEDANCE_API_KEY")),
        (None, {"SEEDANCE_API_KEY": ""}, (None, None)),
        (None, {}, (None, None)),
    ],
    ids=["argument", "secret", "blanks around", "environment", "empty", "none"],
)
def test_the_key_is_the_argument_or_the_environments(tmp_path, argument, environ, expected):
    settings = resolve(api_key=argument, environ=environ, folder=tmp_path)

    assert (settings.api_key and settings.api_key.reveal(), settings.key_source) == expected


@pytest.mark.parametrize(
    ("argument", "environ", "expected"),
    [
        ("/a", {"SEEDANCE_HOME": "/b"}, Path("/a")),
        (Path("/a"), {}, Path("/a")),
        (None, {"SEEDANCE_HOME": "/b"}, Path("/b")),
        ("~/x", {}, Path.home() / "x"),
        ("x", {}, Path.cwd() / "x"),
    ],
)
def test_home_is_the_argument_or_the_environments_as_an_absolute_path(tmp_path, argument, environ, expected):
    assert resolve(home=argument, environ=environ, folder=tmp_path).home == expected


def test_the_process_environment_is_the_usual_one(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEDANCE_API_KEY", "from-the-shell")

    assert resolve(folder=tmp_path).api_key == Secret("from-the-shell")


@pytest.mark.parametrize("name", LIMIT_NAMES)
def test_every_limit_can_be_an_argument_or_stand_in_pyproject(project, name):
    folder = project(f"[tool.seedance_nb]\n{name} = 7")

    assert getattr(resolve(environ={}, folder=folder).limits, name) == 7
    assert getattr(resolve(environ={}, folder=folder, **{name: 8}).limits, name) == 8


def test_the_limits_are_those_of_the_contract():
    expected = (
        *("connect_timeout", "read_timeout", "create_timeout", "stall_timeout", "download_timeout", "max_clip_bytes"),
        *("max_json_bytes", "embed_limit", "concurrency", "poll_floor", "poll_ceiling"),
        *("tries_after_trouble", "pause_after_trouble", "longest_pause", "clips_cache_bytes", "max_credits"),
    )

    assert expected == LIMIT_NAMES


def test_a_folder_that_was_deleted_is_passed_over(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert resolve(environ={}, home="/a").limits == Limits()


@pytest.mark.parametrize("name", ["api_key", "base_url", "home", "colour"])
def test_pyproject_holds_limits_and_nothing_else(project, name):
    said = resolve(environ={}, folder=project(f'[tool.seedance_nb]\n{name} = "{KEY}"')).limits_trouble

    assert (
        f"line 2: {name!r} cannot be set in pyproject.toml under [tool.seedance_nb]; allowed are connect_timeout, "
        in said
    )
    assert "planted" not in said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.seedance2.ink", "https://www.seedance2.ink"),
        (" https://a.example/ \n", "https://a.example"),
        ("https://a.example:8443/base/", "https://a.example:8443/base"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("Simulator", "simulator"),
        ("HTTPS://WWW.Seedance2.INK", "https://www.seedance2.ink"),
        ("https://www.seedance2.ink:443/", "https://www.seedance2.ink"),
        ("https://www.seedance2.ink.", "https://www.seedance2.ink"),
        ("https://www.seedance2.ink.:443//", "https://www.seedance2.ink"),
        ("http://LOCALHOST:80", "http://localhost"),
        ("https://B\u00dccher.example/API", "https://xn--bcher-kva.example/API"),
        ("https://bu\u0308cher.example", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
    ],
)
def test_a_base_url_has_one_spelling(url, expected):
    assert check_base_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "a.example",
        "//a.example",
        "ftp://a.example",
        "https://",
        "https:///x",
        "https://user@a.example",
        "https://user:word@a.example",
        "https://:word@a.example",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://a example",
        "https://a.example/\x7fx",
        "https://a.example/\ud83d",
        "https://a.ex\nample",
        "https://[::1",
        "https://a.example:x",
        "https://a.example:99999",
        "http://a.example",
        "http://10.0.0.1",
        "http://169.254.169.254",
        "http://127.0.0.1.a.example",
        "http://localhost.a.example",
        "file:///etc/passwd",
        5,
    ],
    ids=ascii,
)
def test_a_base_url_the_key_must_not_be_sent_to_is_refused_with_the_cure(url):
    said = refusal(check_base_url, url)

    assert said.startswith("the base URL ")
    assert "https" in said
    assert "word" not in said


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("localhost.example", False),
        ("127.1", False),
        ("", False),
    ],
)
def test_only_this_machine_is_this_machine(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize("key", ["", "  ", None, 5, b"sd2_live_x"], ids=repr)
def test_a_key_that_is_empty_or_no_text_is_refused(key):
    said = refusal(check_key, key)

    assert said == "the API key is empty, or no text; set SEEDANCE_API_KEY or run %seedance login"


BROKEN_KEYS = [f"{KEY}\nX-Other: 1", f"{KEY} {KEY}", f"{KEY}\x00", f"{KEY}é", f"{KEY}\u200b", KEY * 30]
broken_keys = pytest.mark.parametrize(
    "key", BROKEN_KEYS, ids=["newline", "space", "NUL", "accent", "zero width", "long"]
)


@broken_keys
def test_a_broken_key_is_refused_without_repeating_it(key):
    said = refusal(check_key, key)

    assert said.endswith("copy it again; set SEEDANCE_API_KEY or run %seedance login")
    assert "planted" not in said


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("read_timeout", 5, 5.0),
        ("read_timeout", "2.5", 2.5),
        ("max_clip_bytes", "1e9", 1_000_000_000),
        ("embed_limit", 0, 0),
        ("max_credits", 0, 0.0),
        ("max_credits", None, None),
    ],
)
def test_a_limit_is_a_number_of_its_own_kind(name, value, expected):
    number = check_limit(name, value)

    assert (number, type(number)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("read_timeout", 0, "read_timeout must be a positive number, not '0'"),
        ("read_timeout", -1, "read_timeout must be a positive number, not '-1'"),
        ("read_timeout", "soon\n", "read_timeout must be a positive number, not 'soon'"),
        ("read_timeout", "", "read_timeout must be a positive number, not ''"),
        ("read_timeout", None, "read_timeout must be a positive number, not 'None'"),
        ("read_timeout", True, "read_timeout must be a positive number, not 'True'"),
        ("read_timeout", float("nan"), "read_timeout must be a positive number, not 'nan'"),
        ("read_timeout", float("inf"), "read_timeout must be a positive number, not 'inf'"),
        ("read_timeout", 10**400, "read_timeout must be a positive number, not '1" + "0" * 58 + "…'"),
        ("read_timeout", 10**5000, "read_timeout must be a positive number, not '(int)'"),
        ("read_timeout", [5], "read_timeout must be a positive number, not '[5]'"),
        ("concurrency", 0.5, "concurrency must be a positive whole number, not '0.5'"),
        ("concurrency", 0, "concurrency must be a positive whole number, not '0'"),
        ("embed_limit", -1, "embed_limit must be a whole number that is not negative, not '-1'"),
        ("max_credits", -1, "max_credits must be a number that is not negative, not '-1'"),
    ],
    ids=["0", "-1", "text", "empty", "None", "True", "nan", "inf", "huge", "huger", "list", "half", "none", "embed", "credits"],
)  # fmt: skip
def test_a_limit_that_makes_no_sense_is_refused_by_name(name, value, said):
    assert refusal(check_limit, name, value) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_credit": 5}, "unknown setting 'max_credit'; known are connect_timeout, "),
        ({"base_url": "http://a.example"}, "the base URL is http"),
        ({"environ": {"SEEDANCE_BASE_URL": "a.example"}}, "the base URL must look like "),
        ({"home": "~nobody-of-this-name/x"}, "home must be a folder, not '~nobody-of-this-name/x'; set SEEDANCE_HOME"),
        ({"home": "a\0b"}, "home must be a folder, not 'a b'; set SEEDANCE_HOME"),
        ({"home": 5}, "home must be a folder, not '5'; set SEEDANCE_HOME"),
        ({"api_key": ""}, "the API key is empty"),
    ],
    ids=["unknown", "http", "no scheme", "no such user", "NUL", "no path", "empty key"],
)
def test_every_bad_setting_is_refused_by_name(tmp_path, options, said):
    assert refusal(resolve, folder=tmp_path, **{"environ": {}} | options).startswith(said)


def test_the_simulator_is_never_shown_a_key(tmp_path):
    settings = resolve(base_url="simulator", api_key=KEY, environ={"SEEDANCE_API_KEY": KEY}, folder=tmp_path)

    assert (settings.uses_simulator, settings.api_key, settings.key_source) == (True, None, None)


# The key is in nothing that is shown or stored


@pytest.mark.parametrize("show", [repr, str, ascii, "{}".format, "{!r}".format, "{0!s:>30}".format])
def test_no_text_of_a_secret_settings_or_client_shows_the_key(tmp_path, show):
    settings = resolve(api_key=KEY, environ={}, folder=tmp_path)
    client = Client(DEFAULT_BASE_URL, settings.api_key, settings.limits)

    for thing in (settings.api_key, settings, client, vars(client), vars(settings), [settings], client._auth):
        assert KEY not in show(thing)
    asyncio.run(client.close())


@pytest.mark.parametrize(
    "store",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars],
    ids=["pickle", "copy", "deepcopy", "json", "vars"],
)
def test_a_secret_is_not_stored(store):
    with pytest.raises(TypeError) as caught:
        store(Secret(KEY))

    assert KEY not in str(caught.value)


def test_settings_with_a_key_are_not_pickled(tmp_path):
    with pytest.raises(TypeError, match="a key is never pickled"):
        pickle.dumps(resolve(api_key=KEY, environ={}, folder=tmp_path))


def test_secrets_are_compared_by_what_they_hold():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def shown_with_locals(error):
    """What a traceback shows that lists local variables, from the frames of the package on."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True, max_group_width=50)
    ours = [frame for frame in told.stack if "/seedance_nb/" in frame.filename]
    assert ours
    told.stack = traceback.StackSummary.from_list(ours)
    assert told.__cause__ is None
    assert told.__context__ is None
    return "".join(told.format()) + "".join(str(frame.locals) for frame in ours)


@broken_keys
def test_no_traceback_of_a_refused_key_shows_it(tmp_path, key):
    for environ, options in (({}, {"api_key": key}), ({"SEEDANCE_API_KEY": key}, {})):
        with pytest.raises(ConfigurationError) as caught:
            resolve(environ=environ, folder=tmp_path, **options)

        assert "planted" not in shown_with_locals(caught.value)


@broken_keys
def test_no_traceback_of_checking_a_key_shows_it(key):
    with pytest.raises(ConfigurationError) as caught:
        check_key(key)

    assert "planted" not in shown_with_locals(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"base_url": "x"}, {"concurrency": 0}, {"home": 5}, {"unknown": 1}], ids=lambda value: next(iter(value))
)
def test_no_traceback_of_another_bad_setting_shows_the_key(tmp_path, monkeypatch, wrong):
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)

    for options in ({}, {"api_key": KEY}):
        with pytest.raises(ConfigurationError) as caught:
            resolve(folder=tmp_path, **options, **wrong)

        assert "planted" not in shown_with_locals(caught.value)


def call(client, which):
    if which == "create":
        return client.create(VideoRequest(prompt="a cat [stuck]"))
    return {"get": client.get, "cancel": client.cancel}[which]("req_1") if which != "models" else client.models()


def outcome(base_url, *which):
    """The errors these calls end in, one after the other, with the planted key."""

    async def main():
        found = []
        limits = Limits(read_timeout=0.2, create_timeout=0.2, connect_timeout=0.5, stall_timeout=0.2)
        async with Client(base_url, Secret(KEY), limits) as client:
            for name in which:
                try:
                    await (fetch(client, base_url) if name == "download" else call(client, name))
                except SeedanceError as error:
                    found.append(error)
        return found

    return asyncio.run(main())


async def fetch(client, base_url):
    async with client.video(base_url + "/results/req_1.mp4") as stream:
        async for _ in stream.chunks:
            pass


def assert_no_key(errors, records):
    for error in errors:
        shown = [shown_with_locals(error), str(error), repr(error), str(vars(error)), repr(error.args)]
        assert not [text for text in shown if "planted" in text]
        pickle.dumps(error)
    for record in records:
        assert "planted" not in record.getMessage() + repr(vars(record))


@pytest.fixture(scope="module")
def service():
    with Simulator(pace=Pace(0, 0, 0)) as simulator:
        yield simulator


@pytest.mark.parametrize(
    "kind",
    [
        name
        for name, kind in KINDS.items()
        if not kind.statuses and name not in ("delay", "drip") and "webhook" not in kind.calls
    ],
)
def test_no_error_and_no_log_shows_the_key_however_the_service_misbehaves(service, caplog, kind):
    caplog.set_level(logging.DEBUG)
    which = sorted(KINDS[kind].calls)
    for name in which:
        service.add_fault(Fault(name, kind, bytes=2_000_000 if kind in ("gzip_bomb", "huge_body") else None))

    errors = outcome(service.base_url, *which)
    service.clear_faults()

    assert any(record.name.startswith(("asyncio", "httpx")) for record in caplog.records)
    assert_no_key(errors, caplog.records)


@pytest.mark.parametrize(
    "status", ["200 OK", "400 Bad Request", "401 Unauthorized", "429 Too Many Requests", "500 Oops"]
)
def test_a_key_that_the_service_repeats_is_blotted_out(status):
    said = {"success": False, "error": {"code": KEY, "message": f"Invalid API key: {KEY}"}}
    with RawServer(reply(json.dumps(said).encode(), status)) as server:
        errors = outcome(server.base_url, "create", "get", "cancel", "models")

    assert len(errors) >= 3
    assert_no_key(errors, [])
    if status.startswith("4"):
        assert "Invalid API key: (key)" in str(errors[0])


def test_no_error_shows_the_key_when_nobody_is_there(caplog):
    caplog.set_level(logging.DEBUG)

    errors = outcome(f"http://127.0.0.1:{free_port()}", "create", "get", "cancel", "models", "download")

    assert len(errors) == 5
    assert_no_key(errors, caplog.records)


# The keyring


class Drawer(keyring.backend.KeyringBackend):
    """A keyring that remembers for the length of a test."""

    priority = 1

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


@pytest.fixture
def drawer():
    before = keyring.get_keyring()
    chosen = Drawer()
    keyring.set_keyring(chosen)
    yield chosen
    keyring.set_keyring(before)


@pytest.fixture
def locked(monkeypatch):
    def refuse(*_arguments):
        raise keyring.errors.KeyringLocked(f"cannot open the drawer with {KEY}")

    for name in ("get_password", "set_password"):
        monkeypatch.setattr(keyring, name, refuse)


def test_a_key_is_kept_for_its_own_host_alone(drawer):
    assert write_keyring("https://a.example:8443/base", Secret(KEY)) is True

    assert drawer.kept == {("seedance_nb", "a.example:8443"): KEY}
    assert read_keyring("https://a.example:8443") == Secret(KEY)
    assert read_keyring("https://a.example") is None


def test_the_keyring_is_asked_when_nothing_else_has_a_key(drawer, tmp_path):
    write_keyring(DEFAULT_BASE_URL, Secret(KEY))

    settings = with_stored_key(resolve(environ={}, folder=tmp_path))

    assert (settings.api_key, settings.key_source) == (Secret(KEY), "keyring")


@pytest.mark.parametrize("options", [{"api_key": "another"}, {"base_url": "simulator"}], ids=["has a key", "simulator"])
def test_the_keyring_is_not_asked_in_vain(locked, tmp_path, options):
    settings = resolve(environ={}, folder=tmp_path, **options)

    assert with_stored_key(settings) is settings


def test_an_empty_keyring_leaves_the_settings_as_they_are(drawer, tmp_path):
    settings = resolve(environ={}, folder=tmp_path)

    assert with_stored_key(settings) is settings


def test_resolving_does_not_ask_the_keyring(drawer, tmp_path):
    write_keyring(DEFAULT_BASE_URL, Secret(KEY))

    assert resolve(environ={}, folder=tmp_path).api_key is None


def test_a_locked_keyring_has_no_key_and_keeps_none(locked):
    assert read_keyring(DEFAULT_BASE_URL) is None
    assert write_keyring(DEFAULT_BASE_URL, Secret(KEY)) is False


def test_without_keyring_there_is_no_key_and_none_is_kept(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)

    assert read_keyring(DEFAULT_BASE_URL) is None
    assert write_keyring(DEFAULT_BASE_URL, Secret(KEY)) is False


def test_a_broken_key_in_the_keyring_is_refused_without_repeating_it(drawer):
    drawer.kept["seedance_nb", "a.example"] = f"{KEY}\nX-Other: 1"

    with pytest.raises(ConfigurationError, match="copy it again") as caught:
        read_keyring("https://a.example")

    assert "planted" not in shown_with_locals(caught.value)
