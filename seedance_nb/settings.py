"""Where a setting comes from: argument > environment > `[tool.seedance_nb]` in pyproject.toml > keyring > default.

Only limits may stand in pyproject.toml. The key must not lie in a file that is shared, and a base URL there would let a
downloaded project send the reader's key to a stranger. A limit that somebody set and that cannot be read is kept as trouble: looking
goes on, but nothing is sent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import ipaddress
import math
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import ConfigurationError, one_line
from .keywords import UNSET
from .ledger_address import LedgerAddress, hidden
from .project_file import read_limits
from .upload_places import Uploads, check_clips, check_uploads

DEFAULT_BASE_URL = "https://www.seedance2.ink"
SIMULATOR = "simulator"
AUTO, OFF = "auto", "off"
"""As `webhook_url`: an address of our own, where this process can be rung; or none."""
KEYRING_SERVICE = "seedance_nb"
LONGEST_NAME = 80
EACH_NAME = "each"
"""No name of a person or project: it stands for every one of them."""


class Secret:
    """A key that no repr, traceback with locals, pickle or format string shows; `.reveal()` is the only way in."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The key itself; call it where the header is built and nowhere else."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.__value == self.__value

    def __hash__(self) -> int:
        return hash(self.__value)

    def __reduce__(self) -> Any:
        raise TypeError("a key is never pickled")


@dataclasses.dataclass(frozen=True)
class Limits:
    """Timeouts and pace in seconds, sizes in bytes, credits in credits."""

    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    create_timeout: float = 60.0
    """Total deadline of one create, from connect to the last byte of its answer."""
    stall_timeout: float = 30.0
    """A download that brings no byte for so long is broken off and tried again."""
    download_timeout: float = 900.0
    """Total deadline of one download attempt."""
    max_clip_bytes: int = 1_000_000_000
    max_json_bytes: int = 1_000_000
    embed_limit: int = 12_000_000
    """Up to this size the MP4 itself is stored in the notebook, above it a small preview."""
    concurrency: int = 32
    """HTTP calls under way at once, over all jobs of a session."""
    poll_floor: float = 0.5
    """Never ask about one job more often than this."""
    poll_ceiling: float = 60.0
    """Never wait longer than this between two looks, unless the service asks for it."""
    tries_after_trouble: int = 6
    """A create that surely was not accepted (no connection, 429) is sent so many times in all before it is given up; up to five times
    as many while the service is making other videos of ours, for which it may be busy."""
    pause_after_trouble: float = 1.0
    """The first pause before such a create is sent again; each following one is longer."""
    longest_pause: float = 300.0
    """No pause after trouble is longer than this, whatever the service asks for."""
    clips_cache_bytes: int = 20_000_000_000
    """Where `clips` is a bucket: so much of it is kept here at most; what was used longest ago goes, and never what is not in the bucket."""
    max_credits: float | None = None
    """Refuse to send what would bring the session above this."""


LIMIT_NAMES = tuple(f.name for f in dataclasses.fields(Limits))
_WHOLE = {"max_clip_bytes", "max_json_bytes", "embed_limit", "concurrency", "tries_after_trouble", "clips_cache_bytes"}
_ZERO_ALLOWED = {"embed_limit", "max_credits"}
_FROM_ENV = (
    "SEEDANCE_BASE_URL",
    "SEEDANCE_HOME",
    "SEEDANCE_CLIPS",
    "SEEDANCE_UPLOADS",
    "SEEDANCE_WEBHOOK_URL",
    "SEEDANCE_PUBLIC_URL",
    "SEEDANCE_PERSON",
    "SEEDANCE_PROJECT",
    "JUPYTERHUB_USER",
)
_MONEY_IN_ENV = "SEEDANCE_MAX_CREDITS"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything a session needs to know. `base_url` has no trailing slash.

    `home` holds ledger.sqlite3 and clips/, unless `ledger` (a file, or a server that a team shares) or `clips` (a folder) lie elsewhere. Where `clips` was named as a bucket,
    it is `shared_clips`, and `clips` the folder in `home` that holds what was read of it lately.
    """

    base_url: str
    home: Path
    ledger: Path | LedgerAddress
    clips: Path
    api_key: Secret | None = None
    limits: Limits = dataclasses.field(default_factory=Limits)
    webhook_url: str | None = None
    """What a create carries that says nothing of a webhook: an address, or `auto`."""
    public_url: str | None = None
    """Where this process, or its Jupyter server, is reached from outside; ends in a slash."""
    key_source: str | None = None
    """Where the key came from, in words; never the key."""
    limits_trouble: str | None = None
    """Why the limits that somebody set cannot be relied on, in one line; then nothing may be sent."""
    shared_clips: str | None = None
    """The bucket of clips, an fsspec URL; None: clips lie in their folder alone."""
    uploads: Uploads | None = None
    """Where a person's own files go before the service fetches them; None: nowhere."""
    person: str | None = None
    """Who spends, for limits and sums of a team: what was said, else the name at the hub, else the login name."""
    project: str | None = None
    """What is spent for; None: nobody has said."""
    folder: Path | None = dataclasses.field(default=None, compare=False, repr=False)
    """Where the search for pyproject.toml began; None: it could not."""

    @property
    def uses_simulator(self) -> bool:
        return self.base_url == SIMULATOR


def resolve(
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    home: str | os.PathLike[str] | None = None,
    ledger: str | os.PathLike[str] | LedgerAddress | None = None,
    clips: str | os.PathLike[str] | None = None,
    uploads: Uploads | None = None,
    webhook_url: str | None = None,
    public_url: str | None = None,
    person: str | None = None,
    project: str | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    **limits: Any,
) -> Settings:
    """Settings from arguments, environment, each pyproject.toml at or above `folder` (nearest first), and defaults.

    The keyring is asked later, by `with_stored_key`, when a key is really needed: importing it takes longer than all of this.

    Raises ConfigurationError, naming the setting and the cure. Limits from the environment or a file that cannot be read raise
    nothing: they are `limits_trouble`.
    """
    whole_env = os.environ if environ is None else environ
    key, source = _given_key(api_key, whole_env)
    env = {name: whole_env[name] for name in _FROM_ENV if name in whole_env}
    named_ledger = hidden(ledger or whole_env.get("SEEDANCE_LEDGER"))
    money = {name: value for name, value in whole_env.items() if _is_about_money(name)}
    # Whatever raises below must not show key or password in a traceback with local variables (`%xmode Verbose` saves them).
    del api_key, environ, whole_env, ledger
    refuse_unknown(limits)
    base = check_base_url(base_url or env.get("SEEDANCE_BASE_URL") or DEFAULT_BASE_URL)
    if base == SIMULATOR:  # it needs none and must never be shown a real one
        key, source = None, None
    secret = None if key is None else check_key(key)
    place = home or env.get("SEEDANCE_HOME")
    if not place:
        import platformdirs

        place = platformdirs.user_data_path("seedance_nb", appauthor=False)
    given = {name: value for name, value in limits.items() if value is not None}
    with contextlib.suppress(OSError):  # the working folder was deleted: nothing can stand in it
        folder = Path.cwd() if folder is None else folder.absolute()
    chosen, trouble = (
        ({}, None)
        if folder is None
        else read_limits(folder, (*LIMIT_NAMES, "uploads", "clips", "project"), _check_setting)
    )
    if "max_credits" not in given:
        from_env, env_trouble = _limit_in(money)
        chosen, trouble = chosen | from_env, trouble or env_trouble
    chosen |= {name: check_limit(name, value) for name, value in given.items()}
    place_in_file, clips_in_file = chosen.pop("uploads", None), chosen.pop("clips", None)
    project_in_file = chosen.pop("project", None)
    if project is None:
        project = env.get("SEEDANCE_PROJECT", "").strip() or project_in_file
    named_person = person or env.get("SEEDANCE_PERSON", "").strip()
    if uploads is None and (named := env.get("SEEDANCE_UPLOADS", "").strip()):
        uploads = named
    uploads = check_uploads(uploads) if uploads is not None else place_in_file
    whole = _check_place("home", place)
    named_clips = clips or env.get("SEEDANCE_CLIPS") or clips_in_file
    shared = check_clips(named_clips) if isinstance(named_clips, str) and "://" in named_clips else None
    webhook, public = webhook_url or env.get("SEEDANCE_WEBHOOK_URL"), public_url or env.get("SEEDANCE_PUBLIC_URL")
    return Settings(
        base_url=base,
        home=whole,
        # What was named is checked here; what lies in home by itself is told of where it is used.
        ledger=_check_ledger(named_ledger) if named_ledger else whole / "ledger.sqlite3",
        clips=_check_place("clips", named_clips) if named_clips and shared is None else whole / "clips",
        shared_clips=shared,
        api_key=secret,
        limits=Limits(**chosen),
        webhook_url=check_webhook_url(webhook) if webhook else None,
        public_url=check_public_url(public) if public else None,
        key_source=source,
        limits_trouble=trouble,
        uploads=uploads,
        person=check_name("person", named_person) if named_person else _login_name(env.get("JUPYTERHUB_USER")),
        project=check_name("project", project) if project else None,
        folder=folder,
    )


def check_name(what: str, text: object) -> str:
    """The name of a person or project in one spelling, in small letters; raises ConfigurationError for what is none."""
    name = unicodedata.normalize("NFC", text.strip().casefold()) if isinstance(text, str) else ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name in (EACH_NAME, "*"):
        raise ConfigurationError(
            f"{what} must be a name of 1 to {LONGEST_NAME} letters, not {one_line(text, 60)!r}; nothing was submitted"
        )
    return name


def _login_name(at_the_hub: str | None) -> str | None:
    import getpass

    with contextlib.suppress(ConfigurationError, KeyError, OSError, ImportError):
        return check_name("person", at_the_hub or getpass.getuser())
    return None


def refuse_unknown(names: Iterable[str]) -> None:
    """Raises ConfigurationError for the first of these names that is no limit."""
    for name in sorted(set(names) - set(LIMIT_NAMES)):
        raise ConfigurationError(f"unknown setting {name!r}; known are {', '.join(LIMIT_NAMES)}")


def limits_among(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those of these arguments that are limits and were given."""
    return {name: arguments[name] for name in LIMIT_NAMES if arguments[name] is not UNSET}


def _is_about_money(name: str) -> bool:
    """Whether an environment variable is, or was meant to be, the limit of credits."""
    plain = name.upper()
    if plain == _MONEY_IN_ENV:
        return True
    if not plain.startswith("SEEDANCE"):  # a slip in the first word
        return "CREDIT" in plain and difflib.SequenceMatcher(None, plain, _MONEY_IN_ENV).ratio() >= 0.9
    own = plain.removeprefix("SEEDANCE_").lower()
    return own not in LIMIT_NAMES and any(word in plain for word in ("CREDIT", "BUDGET", "SPEND", "LIMIT"))


def _limit_in(money: Mapping[str, str]) -> tuple[dict[str, Any], str | None]:
    """(max_credits as the environment sets it, why that cannot be relied on or None)."""
    for name, value in sorted(money.items()):
        cure = f"set {_MONEY_IN_ENV} to a number of credits, or remove it"
        if name != _MONEY_IN_ENV:
            return {}, f"the environment variable {one_line(name, 60)} is not read; {_MONEY_IN_ENV} is meant"
        if not value.strip():
            return {}, f"the environment variable {name} is empty; {cure}"
        try:
            return {"max_credits": check_limit("max_credits", value)}, None
        except ConfigurationError as error:
            return {}, f"the environment variable {name}: {error}; {cure}"
    return {}, None


def _check_ledger(place: str | os.PathLike[str] | LedgerAddress) -> Path | LedgerAddress:
    return place.check() if isinstance(place, LedgerAddress) else _check_place("ledger", place)


def _check_place(what: str, place: str | os.PathLike[str]) -> Path:
    """The absolute path; raises ConfigurationError for what is none. `what` is home, ledger or clips."""
    kind, cure = "file" if what == "ledger" else "folder", f"set SEEDANCE_{what.upper()} to one"
    if isinstance(place, str) and "://" in place:  # not repeated: an address may hold a password
        cure += ", or to postgresql://user@host/database" if what == "ledger" else ""
        raise ConfigurationError(f"{what} must be a plain path of a {kind}, not an address; {cure}")
    try:
        path = Path(place).expanduser().absolute()
        usable = "\0" not in str(path)
        if what != "home":  # the older one: a wrong kind is told where it is used
            usable = usable and not (path.is_dir() if kind == "file" else path.exists() and not path.is_dir())
    except (OSError, RuntimeError, TypeError, ValueError):  # no such user behind the ~, or no path at all
        usable = False
    if not usable:
        raise ConfigurationError(f"{what} must be a {kind}, not {one_line(place, 80)!r}; {cure}")
    return path


def check_base_url(text: str) -> str:
    """The base URL in one spelling, or `simulator`; raises ConfigurationError for what a key must not be sent to.

    Capitals of the host, its usual port, a trailing slash or dot and another alphabet's letters (IDN) name no other service.
    """
    url = text.strip().rstrip("/") if isinstance(text, str) else ""
    if url.lower() == SIMULATOR:
        return SIMULATOR
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"the base URL is no URL ({error}); set SEEDANCE_BASE_URL to https://…") from None
    odd = "@" in parts.netloc or parts.query or parts.fragment or " " in url or not url.isprintable()
    if parts.scheme not in ("https", "http") or not host or odd:
        raise ConfigurationError("the base URL must look like https://host; set SEEDANCE_BASE_URL, or leave it out")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            "the base URL is http, which would send the key in clear text; use https (http is for 127.0.0.1 only)"
        )
    host = canonical_host(host)
    host = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host if port in (None, usual) else f'{host}:{port}'}{parts.path.rstrip('/')}"


def check_webhook_url(text: str) -> str | None:
    """A webhook for every create: `auto`, a full URL, or None for `off`; raises ConfigurationError for anything else."""
    url = text.strip() if isinstance(text, str) else ""
    if url.lower() in (AUTO, OFF):
        return AUTO if url.lower() == AUTO else None
    if _is_odd(url):
        raise ConfigurationError("webhook_url must be auto, off, or a full URL that starts with https://")
    return url


def check_public_url(text: str) -> str:
    """The address with a slash at its end; raises ConfigurationError for what nobody could ring at, without repeating it."""
    url = text.strip() if isinstance(text, str) else ""
    if _is_odd(url) or not url.isascii() or any(sign in url for sign in "@?#"):
        raise ConfigurationError(
            "the public address must look like https://host/user/me/: set public_url, or SEEDANCE_PUBLIC_URL, to what stands"
            " before /lab in the browser"
        )
    parts = urlsplit(url)
    path = re.sub(r"/(lab|tree|notebooks|doc)(/.*)?$", "", parts.path)
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}/"


def _is_odd(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return True
    return not host or parts.scheme not in ("https", "http") or " " in url or not url.isprintable()


def same_service(one: str, other: str) -> bool:
    """Whether two base URLs, perhaps written by older versions, name the same service."""
    try:
        return one == other or check_base_url(one) == check_base_url(other)
    except ConfigurationError:
        return False


def canonical_host(host: str) -> str:
    """A host's name in small letters, in the form that goes over the wire (punycode), without the dot of the root."""
    host = host.lower().rstrip(".")
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_key(text: str | Secret) -> Secret:
    """A key as it may stand in a header; raises ConfigurationError without repeating it."""
    key = _stripped(text)
    del text  # no frame that raises may hold it
    trouble = _trouble_with(key.reveal())
    if trouble:
        raise ConfigurationError(f"{trouble}; set SEEDANCE_API_KEY or run %seedance login")
    return key


def _stripped(given: object) -> Secret:
    text = given.reveal() if isinstance(given, Secret) else given
    return Secret(text.strip() if isinstance(text, str) else "")


def _trouble_with(key: str) -> str | None:
    if not key:
        return "the API key is empty, or no text"
    # A line break inside would split the header.
    if len(key) > 512 or not all("!" <= c <= "~" for c in key):
        return "the API key holds spaces, line breaks or characters that no key has; copy it again"
    return None


def _check_setting(name: str, value: Any) -> Any:
    if name == "project":
        return check_name("project", value)
    if name == "uploads":
        return check_uploads(value)
    if name == "clips":  # a folder there would be another one for everybody
        if isinstance(value, str) and "://" in value:
            return check_clips(value)
        raise ConfigurationError(
            "clips must be an address such as s3://bucket/clips there; a folder is named by SEEDANCE_CLIPS or sd.configure(clips=…)"
        )
    return check_limit(name, value)


def check_limit(name: str, value: Any) -> Any:
    """The limit as a number; raises ConfigurationError."""
    if name == "max_credits" and value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if (
        isinstance(value, bool)
        or not math.isfinite(number)
        or number < 0
        or (number == 0 and name not in _ZERO_ALLOWED)
        or (name in _WHOLE and not number.is_integer())
    ):
        what = "whole number" if name in _WHOLE else "number"
        kind = f"a {what} that is not negative" if name in _ZERO_ALLOWED else f"a positive {what}"
        raise ConfigurationError(f"{name} must be {kind}, not {one_line(value, 60)!r}")
    return int(number) if name in _WHOLE else number


def _given_key(given: str | Secret | None, env: Mapping[str, str]) -> tuple[Secret | None, str | None]:
    """(the key as it was given, unchecked; where from). It raises nothing, so that no traceback shows its variables."""
    if given is not None:
        return (given if isinstance(given, Secret) else Secret(given)), "argument"
    stored = env.get("SEEDANCE_API_KEY")
    return (Secret(stored), "SEEDANCE_API_KEY") if stored else (None, None)


def with_stored_key(settings: Settings) -> Settings:
    """The settings with the keyring's key, if they have none and the keyring has one for this host."""
    if settings.api_key is not None or settings.uses_simulator:
        return settings
    stored = read_keyring(settings.base_url)
    return dataclasses.replace(settings, api_key=stored, key_source="keyring") if stored else settings


def read_keyring(base_url: str) -> Secret | None:
    """The key stored for this host by `%seedance login`, or None (also where keyring is absent or has no backend)."""
    try:
        import keyring

        names = _keyring_names(base_url)
        stored = Secret(next(filter(None, (keyring.get_password(KEYRING_SERVICE, name) for name in names)), ""))
    except Exception:  # a missing package, a locked or broken backend: all mean "no key here"
        return None
    return check_key(stored) if stored.reveal() else None


def _keyring_names(base_url: str) -> tuple[str, ...]:
    """What a key of this host may be stored under: its name as it is written now, then as older versions took it over."""
    netloc = urlsplit(base_url).netloc
    named_port = urlsplit(base_url).port is not None
    return (netloc,) if named_port else (netloc, f"{netloc}:{443 if base_url.startswith('https:') else 80}")


def write_keyring(base_url: str, key: Secret) -> bool:
    """Store the key for this host; False where there is no keyring to store it in."""
    try:
        import keyring

        keyring.set_password(KEYRING_SERVICE, urlsplit(base_url).netloc, key.reveal())
    except Exception:  # see read_keyring; the error's own text could repeat the key, so it is dropped
        return False
    return True
