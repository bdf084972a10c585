"""Sentences that join our words with somebody else's: theirs may be as long and odd as they like, ours stand whole."""

import http.server
import json
import re
import threading

import pytest
from tracking.doubles import until

from seedance_nb import errors
from seedance_nb.errors import LONGEST, THEIRS, ConfigurationError, SeedanceError, shortened
from seedance_nb.grids.axes import Cell
from seedance_nb.grids.export.table import make_table
from seedance_nb.grids.films.layout import standing
from seedance_nb.grids.pages.board import problems
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.grids.walls.tiles import state
from seedance_nb.notebook.card.job_card import card_view
from seedance_nb.notebook.interactive import drawn_by
from seedance_nb.notebook.syntax.arguments import parse
from seedance_nb.notebook.syntax.filling import BadLine
from seedance_nb.pages import html, words
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.session import Session

REASON = (
    "the reason begins "
    + "<b onmouseover=alert(1)>very</b>\n\t\u202elong\u2066 and\x1b[31m odd; " * 150
    + "the reason ends"
)
CHARGE = "; 40 credits were charged, and whether they come back is not documented; "
CURE = "change the prompt or run it again"
KINDS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, SeedanceError)]


class Service(http.server.ThreadingHTTPServer):
    """Accepts a create and then says `answer` (status, JSON) to looks, `refusal` to creates and `no` to cancels."""

    daemon_threads = True

    def __init__(self):
        self.accepts = 200, {"success": True, "requestId": "req_1", "status": "queued", "creditsCharged": 40}
        self.looks = 200, {"success": True, "requestId": "req_1", "status": "processing"}
        self.cancels = 200, {"success": True, "requestId": "req_1", "status": "cancelled"}
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.say(*(service.looks if "/generations/" in self.path else (404, {})))

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.say(*(service.cancels if self.path.endswith("/cancel") else service.accepts))

            def say(self, status, answer):
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def service():
    with Service() as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join(10)


@pytest.fixture
def session(service, tmp_path):
    made = Session(
        base_url=f"http://127.0.0.1:{service.server_port}",
        api_key="k",
        home=tmp_path / "home",
        poll_floor=0.05,
        poll_ceiling=0.1,
    )
    yield made
    made.close()


def is_presentable(text):
    return text.isprintable() and "\u202e" not in text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_keeps_both_its_ends(kind):
    text = str(kind(f"What happened ({REASON}){CHARGE}{CURE}"))
    assert text.startswith("What happened (the reason begins ")
    assert text.endswith(CHARGE + CURE)
    assert len(text) == LONGEST
    assert is_presentable(text)


@pytest.mark.parametrize("limit", [2, 3, 10, THEIRS])
def test_what_is_shortened_is_as_long_as_allowed_and_has_both_ends(limit):
    text = shortened("a" + "x" * 5000 + "z", limit)
    assert len(text) == limit
    assert text[-1] == ("z" if limit > 1 else "…")
    assert "…" in text
    assert shortened("short") == "short"


@pytest.fixture
def failed(service, session):
    service.looks = (
        200,
        {"success": True, "requestId": "req_1", "status": "failed", "error": {"code": "x" * 500, "message": REASON}},
    )
    job = session.submit("a boat", duration=5)
    assert until(job.done, 60)
    return job


def test_a_failed_generation_says_the_charge_and_the_cure(failed):
    said = str(failed.error)
    assert said.startswith("the service could not make this video (the reason begins ")
    assert len(said) < THEIRS + 200  # the reason was shortened, and not the sentence
    assert said.endswith(f"){CHARGE}{CURE}")
    assert is_presentable(said)


def test_and_so_does_every_place_that_shows_it(failed, session, tmp_path):
    snapshot = failed.snapshot
    tile = Tile(Cell(0, {"x": 1}, snapshot.request, 1), snapshot)
    picture = GridPicture(("x",), (tile,), submitted=True, credits=40.0)
    panel = []
    with drawn_by(panel.append):
        raise failed.error
    shown = {
        "receipt": re.sub("<[^>]*>", " ", html.ending(snapshot)),
        "plain": words.plain(snapshot),
        "card": card_view(snapshot, 0.0)["error"],
        "wall": state(tile),
        "board": problems(picture)["0"],
        "table": make_table(picture, {}, tmp_path).rows[0]["error"],
        "film": standing(tile)[1],
        "panel": panel[0],
        "ledger": session.ask_ledger(Ledger.find, failed.key).error,
    }
    for place, text in shown.items():
        assert CURE in text, place
        assert CHARGE in text or place == "film", place  # a film has room for 200 characters
    assert "<b onmouseover" not in html.ending(snapshot)


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (400, "; nothing was charged; change the request and run it again"),
        (401, "; nothing was charged; check the key: SEEDANCE_API_KEY or %seedance login"),
        (402, "; nothing was charged; add credits to the account, then run it again"),
    ],
)
def test_a_refusal_says_that_nothing_was_charged(service, session, status, end):
    service.accepts = status, {"success": False, "error": {"code": "c", "message": REASON}}
    job = session.submit("a boat", duration=5)
    assert until(job.done, 60)
    assert "the service said: the reason begins" in str(job.error)
    assert str(job.error).endswith(end)


def test_a_busy_service_that_talks_long_is_told_of_whole(service, session):
    service.accepts = 429, {"success": False, "error": {"message": REASON}}
    job = session.submit("a boat", duration=5)
    heard = []
    job.subscribe(heard.append)
    assert until(lambda: any(s.trouble for s in heard), 60)
    trouble = next(s.trouble for s in heard if s.trouble)
    assert trouble.endswith(")")
    assert is_presentable(trouble)
    job.cancel()
    assert until(job.done, 60)


def test_a_look_and_a_cancel_that_are_refused_at_length_keep_our_words(service, session):
    service.looks = 400, {"success": False, "error": {"message": REASON}}
    service.cancels = 409, {"success": False, "error": {"message": REASON}}
    job = session.submit("a boat", duration=5)
    assert until(lambda: job.snapshot.trouble, 60)
    assert job.snapshot.trouble.endswith("change the request and run it again")
    job.cancel()
    assert until(lambda: "not confirmed" in (job.snapshot.note or ""), 60)
    assert job.snapshot.note.endswith("); still following")


def test_a_path_as_long_as_it_may_be_leaves_the_cure(tmp_path):
    long = tmp_path.joinpath(*["x" * 200] * 15)
    with pytest.raises(ConfigurationError) as caught:
        Ledger(long / ("y" * 300) / "ledger.sqlite3").find("j1")
    said = str(caught.value)
    assert said.startswith("the ledger ")
    assert "cannot be used (" in said
    assert len(said) <= LONGEST
    assert said[-1] not in "xy…"


@pytest.mark.parametrize(
    "line", [f"a boat -d {'9' * 5000}", f"a boat --{'z' * 5000}", f"a boat -n {'q' * 5000}", f"jobs {'j' * 5000}"]
)
def test_a_line_of_any_length_is_refused_with_the_cure_at_its_end(line):
    with pytest.raises(BadLine) as caught:
        parse(line, None)
    assert len(str(caught.value)) <= LONGEST
    assert re.search(r"Nothing was sent$|options$|choose .*$|so, write .*$", str(caught.value)), str(caught.value)[
        -200:
    ]


def test_what_goes_wrong_in_the_panel_is_closed_properly():
    said = []
    with drawn_by(said.append):
        raise ValueError(REASON)
    assert said[0].startswith("this did not work (ValueError: the reason begins ")
    assert said[0].endswith("the reason ends)")
