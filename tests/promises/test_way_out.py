"""A way out that is none (a proxy that cannot be used) costs nothing and stops nothing: it is said, and waited for."""

import ssl

import pytest
import trustme
from api.raw_server import RawServer, reply
from api.test_deadlines import Tunnel
from promises.stage import QUICK, settled, until
from tracking.doubles import record

from seedance_nb.api.models import Status
from seedance_nb.errors import ConfigurationError
from seedance_nb.tracking.checkup import check_up
from seedance_nb.tracking.following import following, submitting
from seedance_nb.tracking.session import Session

SERVICE = "https://service.example"
PASSWORD = "pass-word-0123"
FAILED = b'{"success": true, "requestId": "req_1", "status": "failed", "error": "no luck"}'


@pytest.fixture
def broken_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ALL_PROXY", f"socks4://me:{PASSWORD}@127.0.0.1:1")


def session_behind(home):
    return Session(api_key="a-key", base_url=SERVICE, home=home, account="me", **QUICK, max_credits=1000)


def test_it_is_said_before_anything_is_sent_and_leaves_no_trace(broken_proxy, tmp_path):
    with session_behind(tmp_path) as session:
        with pytest.raises(ConfigurationError) as caught:
            session.submit("a boat")

        said = str(caught.value)
        assert "ALL_PROXY names a proxy of the kind socks4://" in said
        assert said.endswith("correct ALL_PROXY or unset it; nothing was submitted")
        assert PASSWORD not in said
        assert session.jobs() == []
        assert session.spent == 0


def test_doctor_names_it(broken_proxy, tmp_path):
    with session_behind(tmp_path) as session:
        found = {finding.what: finding for finding in check_up(session)}

    assert (found["network"].ok, "ALL_PROXY" in found["network"].found) == (False, True)
    assert "unset it" in found["network"].cure
    assert PASSWORD not in " ".join(map(str, found.values()))


def test_a_job_that_was_paid_for_waits_and_goes_on_when_it_is_mended(broken_proxy, tmp_path, monkeypatch):
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("service.example").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    row = record("a boat", account="name:me", base_url=SERVICE, status=Status.QUEUED, request_id="req_1", credits=40.0)
    with session_behind(tmp_path) as session:
        session.ask_ledger(type(session.engine.runner.ledger).claim, row, False, lambda: None)
        (job,) = session.resume()
        until(lambda: "ALL_PROXY" in (job.snapshot.trouble or "") and job.snapshot.failed_checks > 1)
        assert not job.done()

        with RawServer(reply(FAILED), tls=tls) as server, Tunnel(server.port) as tunnel:
            monkeypatch.setenv("ALL_PROXY", tunnel.url)
            assert settled(job).status is Status.FAILED


@pytest.mark.parametrize("where", ["look", "fetch"])
def test_an_error_nobody_foresaw_is_trouble_and_not_the_end(where, simulator, session, monkeypatch):
    real, times = getattr(following, where), []

    async def breaks(*arguments):
        times.append(1)
        if len(times) < 3:
            raise MemoryError
        return await real(*arguments)

    monkeypatch.setattr(following, where, breaks)
    job = session.submit("a boat", model="seedance-2.0-fast", duration=4, resolution="480p", aspect_ratio="1:1")
    told = []
    job.subscribe(lambda snapshot: told.append(snapshot.trouble or ""))

    assert job.result(60)
    assert len(times) >= 3
    assert any("an error of ours" in trouble for trouble in told)
    assert simulator.calls["create"] == 1


def test_an_error_in_the_making_of_the_connection_submits_nothing(session, simulator, monkeypatch):
    def breaks(*_):
        raise ImportError("httpx is broken")

    monkeypatch.setattr(submitting.Tools, "api", breaks)
    job = settled(session.submit("a boat"))

    assert (job.status, job.credits) == (Status.REJECTED, 0.0)
    assert str(job.error).endswith("nothing was submitted")
    assert simulator.calls["create"] == 0
