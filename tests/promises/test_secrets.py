"""The key stays where it belongs, whatever a server does; and nothing a server or user writes becomes markup."""

import asyncio
import dataclasses
import http.server
import json
import logging
import threading
import traceback
from html.parser import HTMLParser
from pathlib import Path

import pytest
from promises.stage import PACE, session_at, submit, until

from seedance_nb.api.client import Client
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.clips.clip import Clip
from seedance_nb.errors import GenerationFailed, SeedanceError
from seedance_nb.pages import html, words
from seedance_nb.settings import Limits, Secret
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.snapshot import Snapshot

PLANTED = "sd2_live_" + "PLANTED" * 5
"""Never a local variable: the tracebacks below are taken with their locals."""
FRIENDLY = "planted_" + "GOODKEY" * 5
"""For the simulator, which lets nobody in who shows a key that looks real."""


def answer(status, body, **headers):
    return status, {"Content-Type": "application/json", **headers}, body.encode()


ACCEPTED = json.dumps({"success": True, "requestId": "req_1", "status": "queued"})
MISBEHAVIOURS = {
    "refuses the key": lambda _: answer(401, '{"success": false, "error": {"code": "unauthorized"}}'),
    "has an HTML error": lambda _: answer(500, "<h1>Bad gateway</h1>"),
    "says nothing": lambda _: None,
    "redirects to a stranger": lambda port: answer(307, "", Location=f"http://127.0.0.2:{port}/stolen"),
    "redirects to nonsense": lambda _: answer(302, "", Location="http://[half:99999999/ \x7f"),
    "answers nonsense": lambda _: answer(200, "\x00\x01 no JSON"),
    "answers with half an object": lambda _: answer(200, '{"success": true, "requ'),
    "is busy for ever": lambda _: answer(429, "{}"),
    "answers in a packing nobody asked for": lambda _: answer(200, "x", **{"Content-Encoding": "br"}),
    "repeats the key in its message": lambda _: answer(401, json.dumps({"error": f"Incorrect API key: {PLANTED}"})),
    "repeats the key as an id": lambda _: answer(
        200, json.dumps({"success": True, "requestId": PLANTED, "status": PLANTED})
    ),
    "accepts and forgets": lambda _: answer(200, ACCEPTED),
    "accepts and gives a bad address": lambda _: answer(
        200, ACCEPTED.replace("queued", "succeeded")[:-1] + ', "output": {"url": "http://10.0.0.1/film.mp4"}}'
    ),
}


@pytest.fixture
def misbehaving():
    """A host that answers every call in one way; `with_key` holds the paths that came with a key, `strangers` the others' too."""
    with_key = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if "Authorization" in self.headers:
                with_key.append((self.headers["Host"], self.path))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = server.way(server.server_port)
            if reply is None:
                return
            status, headers, body = reply
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
    server.with_key = with_key
    server.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def assert_nowhere(secret, places):
    leaks = [name for name, text in places.items() if secret in text]
    assert leaks == []


def everything_on_disk(home):
    return {str(path): path.read_bytes().decode("latin-1") for path in Path(home).rglob("*") if path.is_file()}


def everything_said(session, job, caplog):
    """Logs, texts, reprs, and the traceback that a notebook in `%xmode Verbose` would save."""
    runner = session.engine.runner
    things = [session, session.settings, session.catalog, session.limits, runner, runner._tools, runner._tools.api()]
    things += [job, job.snapshot, job.request, job.error, session.jobs(), session.spending(), runner.ledger]
    said = {f"repr of {type(thing).__name__}": repr(thing) for thing in things}
    said["snapshot"] = str(dataclasses.asdict(dataclasses.replace(job.snapshot, error=None)))
    said["error"] = str(job.error)
    said["html"] = html.ending(job.snapshot) + html.receipt(job.snapshot) + words.plain(job.snapshot)
    said["log"] = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    try:
        job.result(0.01)
    except SeedanceError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        said["traceback"] = "".join(shown.format())
    return said


@pytest.mark.parametrize("way", MISBEHAVIOURS)
def test_the_key_is_written_nowhere_and_shown_to_no_stranger(way, misbehaving, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    misbehaving.way = MISBEHAVIOURS[way]
    with session_at(misbehaving.base_url, tmp_path, key=PLANTED, read_timeout=1) as session:
        job = submit(session)
        until(lambda: job.snapshot.is_settled or job.snapshot.failed_checks > 1 or job.snapshot.last_contact_at)

        assert_nowhere(PLANTED, everything_said(session, job, caplog))
    assert_nowhere(PLANTED, everything_on_disk(tmp_path))
    assert {host for host, _ in misbehaving.with_key} == {misbehaving.base_url.removeprefix("http://")}
    assert all(path.startswith("/api/open/v1/") for _, path in misbehaving.with_key)


@pytest.mark.parametrize("way", MISBEHAVIOURS)
def test_no_frame_of_ours_holds_the_key_when_it_raises(way, misbehaving):
    misbehaving.way = MISBEHAVIOURS[way]
    limits = Limits(read_timeout=1, create_timeout=2)

    async def call_everything():
        async with Client(misbehaving.base_url, Secret(PLANTED), limits) as client:
            calls = [
                client.create(VideoRequest(prompt="a boat")),
                client.get("req_1"),
                client.models(),
                open_video(client),
            ]
            return await asyncio.gather(*calls, return_exceptions=True)

    async def open_video(client):
        async with client.video(f"{misbehaving.base_url}/film.mp4") as stream:
            return [chunk async for chunk in stream.chunks]

    errors = [outcome for outcome in asyncio.run(call_everything()) if isinstance(outcome, BaseException)]
    shown = [traceback.TracebackException.from_exception(error, capture_locals=True) for error in errors]
    assert_nowhere(PLANTED, {str(n): "".join(one.format()) for n, one in enumerate(shown)})
    assert errors


@pytest.mark.parametrize("kind", ["expire", "cut", "redirect", "html"])
def test_the_video_host_never_sees_the_key(kind, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with Simulator(pace=PACE, api_key=FRIENDLY, faults=[Fault("download", kind)]) as simulator:
        with session_at(simulator.base_url, tmp_path, key=FRIENDLY) as session:
            job = submit(session)
            assert job.result(20)
            assert_nowhere(FRIENDLY, everything_said(session, job, caplog))
        assert simulator.calls["download"] > 1
        assert simulator.calls_with_key == {"create": 1, "get": simulator.calls["get"]}
    assert_nowhere(FRIENDLY, everything_on_disk(tmp_path))


@pytest.mark.parametrize("key", ["sd2 live", "sd2_live_a\nb: c", "sd2_live_\u200bx", "x" * 600])
def test_a_broken_key_is_refused_without_being_repeated(key, tmp_path):
    with pytest.raises(SeedanceError) as caught:
        session_at("http://127.0.0.1:1", tmp_path, key=key)
    assert key not in str(caught.value)


# What others write ---------------------------------------------------------------------------------------------------------

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "'><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    "` onmouseover=alert(1) `",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "</div></figure></video><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "--><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><x/>",
    "<body onload=alert(1)>",
    "<video src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<form action=javascript:alert(1)><input type=submit>",
    "<style>@import 'http://127.0.0.1/x'</style>",
    "<base href=//127.0.0.1/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&quot; onclick=&quot;alert(1)",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<img\tsrc=x\nonerror\r=alert(1)>",
    "\u202e<script>\u202calert(1)</script>",
    "\ud83d<script>alert(1)</script>",
    "</code><script>alert(1)</script><code>",
    "{{7*7}}${7*7}<%= 7*7 %><script>",
]


class Skeleton(HTMLParser):
    """Tags with their attributes' names, and what a browser would run or follow."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.shape = []
        self.addresses = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.shape.append((tag, *(name for name, _ in attributes)))
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        self.text += "".join(str(value) for name, value in attributes if name not in ("src", "href"))

    def handle_endtag(self, tag):
        self.shape.append("/" + tag)

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.shape.append("a comment")

    handle_decl = handle_pi = unknown_decl = handle_comment


def pages(text):
    """Every kind of output with `text` in every place that a user, a server or a file name can fill."""
    request = VideoRequest(
        prompt=text,
        model=text,
        aspect_ratio=text,
        resolution=text,
        duration=5,
        media_urls=(text,),
        metadata={text: text},
    )
    clip = Clip(Path("/clips") / text.replace("/", "_").replace("\0", ""), None, 1, 480, 480, 24.0, 4.0, text)
    base = Snapshot(
        "j1",
        request,
        1,
        Status.PROCESSING,
        text,
        request_id=text,
        note=text,
        trouble=text,
        warnings=(text,),
        remarks=(text,),
    )
    failed = dataclasses.replace(base, status=Status.FAILED, error=GenerationFailed(text), finished_at=1.0)
    done = dataclasses.replace(base, status=Status.SUCCEEDED, clip=clip)
    return {
        "receipt": html.receipt(base),
        "ending": html.ending(failed),
        "figure": html.figure(done, "data:video/mp4;base64,AA==", "data:image/jpeg;base64,AA==", link=text, note=text),
        "clip": html.clip_figure(clip, "clip.mp4", "clip.jpg", note=text),
        "sources": html.figure(done, text, text),
        "table": html.table([text, "credits"], [[text, "1"]], text),
    }


def test_there_are_forty_payloads():
    assert len(set(PAYLOADS)) >= 40


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_others_write_is_text_and_never_markup(payload):
    for name, page in pages(payload).items():
        found, harmless = Skeleton(page), Skeleton(pages("harmless")[name])
        # The link to the original is left out where it is no http address or file: nothing else may differ.
        expected = [part for part in harmless.shape if part not in (("a", "href"), "/a")]

        assert [part for part in found.shape if part not in (("a", "href"), "/a")] == expected, name
        if name != "sources":  # those two are made by us, from our own bytes
            assert not [a for a in found.addresses if a.lower().startswith(("javascript:", "data:text", "vbscript:"))]


def test_what_others_write_can_be_read_as_they_wrote_it():
    payload = "<b>&amp; \"quoted\" 'text'</b>"
    for name, page in pages(payload).items():
        assert payload in Skeleton(page).text, name
