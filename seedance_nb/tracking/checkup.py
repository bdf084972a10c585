"""Is everything in place? A line a question, with the cure where the answer is no. Sends no create and shows no key."""

from __future__ import annotations

import dataclasses
import http.client
import importlib.metadata
import platform
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ..api.addresses import proxy_for, way_out_trouble
from ..errors import AuthenticationError, ConfigurationError, SeedanceError, one_line
from ..settings import AUTO, is_loopback
from ..upload_places import read_place
from .ledger.contract import AccountNotKnown, shown
from .ledger.ledger import Ledger
from .session import Session

LITTLE_SPACE = 1_000_000_000
WEBHOOK_SECONDS = 10.0
PACKAGES = (
    "seedance_nb",
    "ipython",
    "ipykernel",
    "ipywidgets",
    "anywidget",
    "httpx",
    "httptools",
    "av",
    "nest-asyncio2",
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One answer: `ok`, what was looked at, what was found, and what to do if it is not as it should be."""

    ok: bool
    what: str
    found: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{'ok ' if self.ok else 'NO '} {self.what:<10} {self.found}" + (f": {self.cure}" if self.cure else "")


def check_up(session: Session) -> Iterator[Finding]:
    """All findings, one by one: the slow one (the service) comes after those that need no network."""
    yield _versions()
    yield _key(session)
    yield _limits(session)
    yield _ledger(session)
    yield _folder(
        session.settings.clips.parent
        if session.settings.clips.parent == session.settings.home
        else session.settings.clips
    )
    if session.settings.shared_clips is not None:
        yield _shared_clips(session)
    yield _codecs()
    yield _fonts()
    yield _keyring()
    yield _network(session)
    yield _service(session)
    yield _webhooks(session)


def _versions() -> Finding:
    known = []
    for name in PACKAGES:
        try:
            known.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return Finding(True, "versions", f"Python {platform.python_version()}, {', '.join(known)}")


def _key(session: Session) -> Finding:
    if session.settings.uses_simulator:
        return Finding(True, "key", "none, and none needed: this is the simulator")
    try:
        account = session.account
    except ConfigurationError:
        return Finding(False, "key", "none", "run %seedance login, or set SEEDANCE_API_KEY before Jupyter starts")
    found = f"present, from {session.settings.key_source} (account {shown(account)})"
    try:
        session.ownership.check_unfinished()
    except AccountNotKnown as question:
        return Finding(False, "key", found, str(question))
    except ConfigurationError:  # the ledger's own line says that
        pass
    return Finding(True, "key", found)


def _limits(session: Session) -> Finding:
    trouble = session.settings.limits_trouble
    if trouble is not None:
        return Finding(False, "limits", "cannot be read, so nothing is sent", trouble)
    limit = session.limits.max_credits
    if limit is None:
        return Finding(True, "limits", "no max_credits set")
    return Finding(True, "limits", f"at most {limit:g} credits a session, {session.spent:g} of them spent")


def _ledger(session: Session) -> Finding:
    path = session.settings.ledger
    if not path.exists():
        return Finding(True, "ledger", f"none yet; it will be {path}")
    try:
        health, about = session.ask_ledger(Ledger.check), session.ask_ledger(Ledger.about)
        unfinished = session.has_unfinished()
    except ConfigurationError as error:
        return Finding(False, "ledger", "cannot be used", str(error))
    if health != "ok":
        return Finding(False, "ledger", f"damaged ({health})", "restore a backup, or move it away to begin a new one")
    more = ", with unfinished jobs (%seedance attach all)" if unfinished else ""
    return Finding(True, "ledger", f"sound, {path}{f', {about}' if about else ''}{more}")


def _folder(home: Path) -> Finding:
    place = next(p for p in (home, *home.parents) if p.exists())
    free = shutil.disk_usage(place).free
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        cure = "make it writable, or set SEEDANCE_HOME to a folder that is"
        return Finding(False, "folder", f"{place} cannot be written ({error.strerror})", cure)
    mode = f"{home.stat().st_mode & 0o777:o}" if home.exists() else "700"
    if free < LITTLE_SPACE:
        return Finding(
            False, "folder", f"{home}, only {free / 1e9:.1f} GB free", "free some space: clips are kept here"
        )
    return Finding(True, "folder", f"{home}, {free / 1e9:.0f} GB free, mode {mode}")


def _shared_clips(session: Session) -> Finding:
    """By writing, reading and deleting a small object there."""
    from ..clips.shared import SharedClips

    settings = session.settings
    assert settings.shared_clips is not None
    try:
        place = read_place(settings.shared_clips, "clips")
        shared = session.engine.shared_clips or SharedClips(place, settings.clips, settings.limits.clips_cache_bytes)
        found = shared.check()
    except ConfigurationError as error:
        return Finding(False, "clips", "cannot be shared, and stay here until they can", str(error))
    if shared.trouble is not None:
        return Finding(False, "clips", found, shared.trouble)
    return Finding(True, "clips", found)


def _codecs() -> Finding:
    try:
        import av
        import av.codec

        av.codec.Codec("h264", "r")
        av.codec.Codec("libx264", "w")
    except Exception as error:  # whatever a broken binary wheel raises
        return Finding(False, "codecs", f"PyAV cannot do H.264 ({error})", "pip install --force-reinstall av")
    return Finding(True, "codecs", f"H.264 in and out, PyAV {av.__version__}")


def _fonts() -> Finding:
    from .. import fonts

    lacking = [script for script, letter in fonts.SCRIPTS.items() if not fonts.can_draw(letter)]
    if not lacking:
        return Finding(True, "fonts", "letters for all common scripts, and emoji, on sheets and films")
    words = f"no letters for {', '.join(lacking)}: sheets and films number such labels"
    return Finding(True, "fonts", words, fonts.cure_for(lacking))


def _keyring() -> Finding:
    try:
        import keyring

        name = type(keyring.get_keyring()).__module__
    except Exception:  # absent or broken: both mean "not available", and both are fine
        return Finding(True, "keyring", "not installed; %seedance login then keeps a key for one kernel only")
    if "fail" in name or "null" in name:
        return Finding(
            True, "keyring", "no backend on this machine; %seedance login then keeps a key for one kernel only"
        )
    return Finding(True, "keyring", name)


def _network(session: Session) -> Finding:
    if session.settings.uses_simulator:
        return Finding(True, "network", "none needed: this is the simulator")
    url = session.settings.base_url
    if (trouble := way_out_trouble(url)) is not None:
        return Finding(False, "network", *trouble)
    host = urlsplit(url).hostname or ""
    proxy = None if is_loopback(host) else proxy_for(url, host)
    return Finding(True, "network", "no proxy" if proxy is None else f"by the proxy that {proxy.variable} names")


def _service(session: Session) -> Finding:
    where = session.settings.base_url
    try:
        items = session.engine.runner.background.run(session.engine.runner.fetch_models())
    except AuthenticationError:
        return Finding(False, "service", f"{where} refuses the key", "run %seedance login with a good one")
    except SeedanceError as error:
        return Finding(
            False, "service", f"{where} gives no list of models ({error})", "check the network and SEEDANCE_BASE_URL"
        )
    return Finding(True, "service", f"{where} answers and offers {len(items)} models")


def _webhooks(session: Session) -> Finding:
    """By calling the address as the service would, from here: what stands before a firewall only somebody outside can say."""
    is_used = session.settings.webhook_url == AUTO
    try:
        runner = session.engine.runner
    except ConfigurationError:  # said already
        return Finding(True, "webhooks", "not tried: nothing can be sent yet")
    url, why = runner.background.run(runner.webhook_arrives(_call, WEBHOOK_SECONDS))
    if url is not None:
        use = "" if is_used else "; --webhook auto, or sd.configure(webhook_url='auto'), uses it"
        return Finding(True, "webhooks", f"a call to {url} arrives here ({why}){use}")
    return Finding(not is_used, "webhooks", "none arrive, so all is polled" if is_used else "not used", why)


def _call(address: str) -> str | None:
    """Ring at this address; what went wrong, without the address, which is a secret."""
    is_here = is_loopback(urlsplit(address).hostname or "")
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_here else []))
    shown = urlsplit(address).netloc
    try:
        with opener.open(urllib.request.Request(address, data=b"{}", method="POST"), timeout=WEBHOOK_SECONDS):  # noqa: S310 - its scheme was checked
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return (
            f"{shown} answers with HTTP {error.code}: is the address the one before /lab, and is it open to the world?"
        )
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{shown} cannot be reached ({one_line(getattr(error, 'reason', error), 100)})"
