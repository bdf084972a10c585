"""Blind votes as a rater gives them: by keys in JupyterLab, and in the page for raters without Python."""

import contextlib
import importlib.util
import re
from pathlib import Path

import pytest
from browser.lab import SCREENSHOTS, WAIT_FOR_FILE
from browser.studies import votes_in as taken_in
from browser.studies import write_ballot

from seedance_nb.api.models import Status
from seedance_nb.clips.store import Clips
from seedance_nb.grids.axes import lay_out
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.simulator import film
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.vote import Choice

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb\nimport seedance_nb as sd"
GRID = (
    'grid = sd.grid("a paper {{thing}} on a rainy street", thing={things}, model=["seedance-2.0", "seedance-2.0-fast"],'
    ' duration=4, resolution="480p", aspect_ratio="1:1")\ngrid.submit(max_credits=10_000).result()\nNone'
)
VOTE = 'grid.vote(aspects=["overall", "prompt match"], by="model", training=False)'
ROOM = ".seedance-ballot"
READY = """() => {
    const room = document.querySelector('.seedance-ballot');
    const choice = room?.querySelector('.seedance-ballot-choice');
    return choice && choice.getClientRects().length && !choice.disabled;
}"""
ON_STAGE = "() => document.querySelector('.seedance-ballot-time').innerText.includes('/')"
"""The clips can be played; whether their answers have woken is another thing."""
PLAYING = "() => document.querySelectorAll('.seedance-ballot-video')[1].currentTime > 0.3"
NAMES = "seedance-2.0"


class Room:
    """A voting room in a page, as a rater sees it."""

    def __init__(self, tab):
        self.tab = tab

    def do(self, work):
        return self.tab.browser.do(lambda: work(self.tab.page))

    def begin(self, rater="Anna", *, speed=2):
        """To the first pair; at double speed it is seen in half the time, and its answers wake the sooner."""
        self.do(lambda page: page.get_by_role("textbox", name="Your name").fill(rater))
        self.do(lambda page: page.keyboard.press("Enter"))
        self.tab.wait_until(ON_STAGE, timeout=60, hint="no pair came")
        if speed == 2:
            self.press("+", "+")
            self.wait_ready()

    def wait_ready(self):
        self.tab.wait_until(READY, timeout=60, hint="no pair can be voted on")

    def press(self, *keys):
        for key in keys:
            self.do(lambda page, key=key: page.keyboard.press(key))

    def vote(self, key):
        """Answer one question, once it is asked; returns it."""
        self.wait_ready()
        question = self.question()
        self.press(key)
        self.tab.wait_until(
            "question => document.querySelector('.seedance-ballot-title:not(.seedance-ballot-name *)').innerText !== question"
            " || document.querySelector('.seedance-ballot-ask').getClientRects().length === 0"
            " || document.querySelector('.seedance-ballot-choice').disabled === false",
            question,
        )
        return question

    def question(self):
        return self.do(lambda page: page.locator(".seedance-ballot-head .seedance-ballot-title").inner_text())

    def wait_text(self, text):
        self.tab.wait_until(
            "text => document.querySelector('.seedance-ballot')?.innerText.includes(text)",
            text,
            hint=f"never saw {text!r}",
        )

    def text(self):
        return self.do(lambda page: page.locator(ROOM).inner_text())

    def markup(self):
        """All that stands in the page, seen or not, but the scripts."""
        return self.do(lambda page: page.locator(ROOM).evaluate("room => room.outerHTML"))

    def look(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.do(lambda page: page.locator(ROOM).screenshot(path=SCREENSHOTS / f"ballot-{name}.png"))

    def axe(self):
        spec = importlib.util.find_spec("axe_playwright_python")
        if spec is None:
            pytest.fail("axe-playwright-python is not installed; make test installs it")
        source = (Path(spec.origin).parent / "axe.min.js").read_text()
        self.do(lambda page: page.evaluate(source))
        found = self.do(
            lambda page: page.evaluate("() => axe.run('.seedance-ballot', { resultTypes: ['violations'] })")
        )
        return [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found["violations"]]


@pytest.fixture
def room(simulate, notebook):
    """`room(*things, theme=)`: the ballot of a finished grid, two models by these things, in a notebook."""

    def room(*things, theme="light"):
        simulate(queue_seconds=0, render_seconds=0.2)
        lab = notebook(LOAD, GRID.format(things=list(things)), VOTE, WAIT_FOR_FILE, theme=theme)
        for index in range(3):
            lab.run_cell(index, timeout=120)
        room = Room(lab)
        room.wait_text("Start voting")
        return room

    return room


def two_by_two(folder, seconds):
    """Two prompts by two models, all done."""
    laid = lay_out("a paper {thing}", thing=["boat", "plane"], model=["seedance-2.0", "seedance-2.0-fast"])
    clips = Clips(folder)
    tiles = []
    for cell in laid.cells():
        part = clips.arriving(f"k{cell.index}").part
        about = {"prompt": cell.request.prompt, "model": "hidden", "take": 1, "request_id": "req_1"}
        film.render(part, **about, aspect_ratio="16:9", resolution="480p", seconds=seconds)
        clip = clips.admit(f"k{cell.index}", part)
        tiles.append(Tile(cell, Snapshot(f"k{cell.index}", cell.request, 1, Status.SUCCEEDED, "succeeded", clip=clip)))
    return GridPicture(laid.names, tuple(tiles), submitted=True)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """Two prompts by two models, of one second each."""
    return two_by_two(tmp_path_factory.mktemp("clips"), 1)


@pytest.fixture(scope="module")
def long_picture(tmp_path_factory):
    """The same of five seconds each, for what is watched while they play."""
    return two_by_two(tmp_path_factory.mktemp("long"), 5)


@pytest.fixture
def page(browser, picture, tmp_path):
    """`page(theme=)`: the ballot page, opened from its file."""
    tabs = []

    def page(theme="light", of=picture, **options):
        path = write_ballot(of, tmp_path / "ballot.html", **{"aspects": ["overall", "motion"], **options})
        tabs.append(browser.open("about:blank"))
        browser.do(tabs[-1].page.emulate_media, color_scheme=theme)
        tabs[-1].go(path.as_uri())
        return Room(tabs[-1])

    yield page
    for tab in tabs:
        browser.do(tab.page.close)


def votes_in(home):
    """What the ledger holds, read from outside."""
    with contextlib.closing(Ledger(home / "ledger.sqlite3")) as ledger:
        return ledger.votes_among([job.key for job in ledger.jobs(limit=100)])


def have_one_prompt(home, vote):
    """Whether both clips of this vote were asked for in the same words."""
    with contextlib.closing(Ledger(home / "ledger.sqlite3")) as ledger:
        prompts = {job.key: job.request.prompt for job in ledger.jobs(limit=100)}
    return prompts[vote.left] == prompts[vote.right]


@pytest.mark.host("JupyterLab 4, single document", "ballot")
def test_votes_are_given_by_keys_seen_afterwards_and_taken_back(room, tmp_path):
    room = room("boat", "plane")
    room.begin()
    blind = room.markup()
    shared = room.text()

    room.vote("a")
    halfway = room.markup()
    room.vote("x")
    room.wait_text("This is what they were")
    shown = room.text()
    first = votes_in(tmp_path)
    room.press("Enter")
    room.vote("2")
    room.vote("3")
    room.wait_text("This is what they were")
    both = votes_in(tmp_path)
    room.press("u")
    room.wait_ready()
    after = votes_in(tmp_path)
    room.press("d", "d")

    assert NAMES not in blind + halfway
    # By the pair that the ballot has chosen: of two prompts the one of each clip would tell which is which.
    assert ("Both were asked for: a paper" in shared) == have_one_prompt(tmp_path, first[0])
    assert NAMES in shown
    assert [(v.rater, v.aspect, v.choice) for v in first] == [
        ("Anna", "overall", Choice.LEFT),
        ("Anna", "prompt match", Choice.BOTH_BAD),
    ]
    assert [(v.aspect, v.choice) for v in both[2:]] == [("overall", Choice.RIGHT), ("prompt match", Choice.TIE)]
    assert after == first
    assert room.do(lambda page: page.locator(".jp-Notebook .jp-Cell").count()) == 4  # d d deletes one elsewhere


def test_votes_are_taken_while_a_cell_runs(room, folder, tmp_path):
    room = room("boat")
    room.begin()
    room.tab.run_cell(3, wait=False)
    room.tab.wait_until("() => driver.isRunning(3)")

    room.do(lambda page: page.locator(ROOM).focus())
    room.vote("a")
    room.vote("b")
    room.wait_text("This is what they were")
    running = room.tab.is_running(3)
    votes = votes_in(tmp_path)
    (folder / "go").touch()

    assert running
    assert [vote.choice for vote in votes] == [Choice.LEFT, Choice.RIGHT]


def test_done_leads_to_the_ranking_and_nothing_is_saved_but_a_sentence(room, folder):
    room = room("boat")
    room.begin()
    room.vote("a")
    room.vote("b")
    room.wait_text("This is what they were")

    room.do(lambda page: page.get_by_role("button", name="Done").click())
    room.wait_text("grid.ranking(by='model')")
    room.tab.save()

    saved = (folder / "notebook.ipynb").read_text()
    assert "2 votes on 1 pair" in room.text()
    assert "blind votes; they are drawn while the kernel runs" in saved
    assert len(saved) < 20_000


@pytest.mark.parametrize(
    "theme", ["light", pytest.param("dark", marks=pytest.mark.host("JupyterLab 4, dark", "ballot"))]
)
def test_the_room_stumbles_no_screen_reader_in_jupyterlab(room, theme):
    room = room("boat", theme=theme)
    found = room.axe()
    room.look(f"lab-{theme}-name")
    room.begin()
    found += room.axe()
    room.look(f"lab-{theme}-vote")
    room.vote("a")
    room.vote("b")
    room.wait_text("This is what they were")
    found += room.axe()
    room.look(f"lab-{theme}-reveal")
    room.do(lambda page: page.get_by_role("button", name="Done").click())
    room.wait_text("grid.ranking")
    found += room.axe()
    room.look(f"lab-{theme}-end")

    assert found == []
    assert room.tab.is_dark() == (theme == "dark")


def test_all_votes_of_the_page_come_back_as_they_were_given(page, picture, tmp_path):
    room = page(by="model", pairs=2)
    room.begin("Berta <b>")
    given = []
    for key, choice in zip("a1tx", [Choice.LEFT, Choice.LEFT, Choice.TIE, Choice.BOTH_BAD], strict=True):
        given.append((room.vote(key), choice))
    room.wait_text("That was the last pair")

    saved = save(room, tmp_path)
    votes = taken_in(saved, picture)

    assert saved.name == "ballot-Berta-b.json"
    assert [(vote.aspect in asked, vote.choice) for vote, (asked, _) in zip(votes, given, strict=True)] == [
        (True, choice) for _, choice in given
    ]
    assert {vote.rater for vote in votes} == {"Berta <b>"}
    assert {frozenset((vote.left, vote.right)) for vote in votes} == {frozenset(("k0", "k1")), frozenset(("k2", "k3"))}
    assert NAMES not in room.do(lambda page: page.content())


def test_the_page_goes_on_after_a_reload_and_undo_goes_back(page, picture, tmp_path):
    room = page(by="model", pairs=2)
    room.begin()
    for key in "abt":
        room.vote(key)
    room.do(lambda page: page.reload())
    room.begin()
    again = room.question()
    room.press("u")
    room.wait_text("Which is better overall?")
    room.press("u")
    room.wait_text("pair 1 of 2")
    room.wait_ready()
    for key in "xxxx":
        room.vote(key)
    room.wait_text("That was the last pair")

    votes = taken_in(save(room, tmp_path), picture)

    assert "motion" in again
    assert [vote.choice for vote in votes] == [Choice.BOTH_BAD] * 4


def test_a_page_that_lost_a_clip_on_its_way_says_so(page, tmp_path):
    room = page(by="model", pairs=1)
    text = (tmp_path / "ballot.html").read_text(encoding="utf-8")
    (tmp_path / "ballot.html").write_text(re.sub(r'<script type="text/plain".*?</script>', "", text, count=1), "utf-8")
    room.do(lambda page: page.reload())
    room.do(lambda page: page.get_by_role("textbox", name="Your name").fill("Anna"))
    room.press("Enter")

    room.wait_text("This page is damaged: clip-")
    assert "is missing." in room.text()


def test_a_page_is_one_raters_and_says_so_to_the_next(page):
    room = page(by="model", pairs=2)
    room.begin("Anna")
    room.vote("a")
    room.do(lambda page: page.reload())
    room.do(lambda page: page.get_by_role("textbox", name="Your name").fill("Berta"))
    room.press("Enter")
    room.wait_text("This page is Anna's, who has voted here")
    room.begin("Anna")

    assert "motion" in room.question()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_stumbles_no_screen_reader(page, theme):
    room = page(theme)
    found = room.axe()
    room.begin()
    found += room.axe()
    room.look(f"page-{theme}-vote")
    room.press("e")
    room.tab.wait_until("() => document.fullscreenElement")
    room.look(f"page-{theme}-large")
    room.press("e")
    room.do(lambda page: page.set_viewport_size({"width": 420, "height": 800}))
    room.look(f"page-{theme}-narrow")

    assert found == []


SPREAD = """async (seconds) => {
    const videos = [...document.querySelectorAll('.seedance-ballot-video')];
    const spread = [];
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
        await new Promise(requestAnimationFrame);
        const [a, b] = videos.map((video) => video.currentTime);
        const nearLoop = Math.min(a, b) < 0.15 || Math.max(a, b) > videos[0].duration - 0.15;
        if (!nearLoop) spread.push(Math.abs(a - b));
    }
    return spread.sort((x, y) => x - y);
}"""
OWN_FRAME = """async () => {
    const gaps = [];
    let before = await new Promise(requestAnimationFrame);
    while (gaps.length < 60) {
        const now = await new Promise(requestAnimationFrame);
        gaps.push((now - before) / 1000);
        before = now;
    }
    return gaps.sort((x, y) => x - y)[56];
}"""
STILL = """async () => {
    const videos = [...document.querySelectorAll('.seedance-ballot-video')];
    while (videos.some((video) => video.seeking || !video.paused)) await new Promise(requestAnimationFrame);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [a, b] = videos.map((video) => video.currentTime);
    return Math.abs(a - b);
}"""


@pytest.mark.alone
def test_both_clips_play_in_step_and_stand_together_when_paused(page, long_picture):
    room = page(of=long_picture)
    room.begin(speed=1)

    room.tab.wait_until(PLAYING)
    spread = room.do(lambda page: page.evaluate(SPREAD, 5))
    frame = room.do(lambda page: page.evaluate(OWN_FRAME))  # how finely this machine draws just now
    room.press(" ")
    paused = room.do(lambda page: page.evaluate(STILL))
    room.do(lambda page: page.get_by_role("slider").fill("400"))
    sought = room.do(lambda page: page.evaluate(STILL))

    p95 = spread[int(len(spread) * 0.95)]
    print(
        f"spread p50 {spread[len(spread) // 2] * 1000:.0f} p95 {p95 * 1000:.0f} ms, paused {paused * 1000:.1f}, sought {sought * 1000:.1f}"
    )
    assert len(spread) > 50
    assert p95 < max(0.05, 3 * frame)  # 20 to 48 ms where nothing else runs
    assert paused <= 0.01
    assert sought <= 0.01


HOLD_UP = """async () => {
    const videos = [...document.querySelectorAll('.seedance-ballot-video')];
    const [a, b] = videos;
    a.currentTime += 0.6;
    let last = 0;
    for (;;) {
        await new Promise(requestAnimationFrame);
        if (b.currentTime < last) return 'the next round began';
        last = b.currentTime;
        const moving = videos.every((video) => !video.seeking && !video.paused);
        if (moving && Math.abs(a.currentTime - b.currentTime) < 0.03) return 'together';
    }
}"""


def test_a_clip_that_was_held_up_catches_up_in_the_same_round(page, long_picture):
    room = page(of=long_picture)
    room.begin(speed=1)
    room.press("-", "-")  # a quarter of the speed: a round takes 20 s
    room.tab.wait_until(PLAYING)

    ended = room.do(lambda page: page.evaluate(HOLD_UP))

    assert ended == "together"


def save(room, folder):
    """Press "Save my votes" and keep what the browser downloads."""

    def work(page):
        with page.expect_download() as download:
            page.get_by_role("button", name="Save my votes").last.click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path

    return room.do(work)
