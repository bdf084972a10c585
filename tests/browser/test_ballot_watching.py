"""Answers wake when both clips have been seen once, and nobody is locked in by a clip that does not play; pauses, practice, withdrawal."""

import importlib.util
import json
from pathlib import Path

import pytest
from browser.lab import SCREENSHOTS
from browser.studies import make_clip, make_tile, write_ballot

from seedance_nb.grids.picture import GridPicture

pytestmark = pytest.mark.browser

READY = "() => document.querySelector('.seedance-ballot-time')?.innerText.includes('/')"
AWAKE = "() => document.querySelector('.seedance-ballot-choice')?.disabled === false"
SHOWN = "text => document.querySelector('.seedance-ballot').innerText.includes(text)"
AT_REST = (
    "() => [...document.querySelectorAll('.seedance-ballot-video')].every((video) => video.paused && !video.seeking)"
)
BALLOT = "() => JSON.parse(document.getElementById('ballot').textContent)"
COUNT = """() => {
    window.words = [];
    new MutationObserver(() => words.push(document.querySelector('.seedance-ballot-wait').textContent))
        .observe(document.querySelector('.seedance-ballot-wait'), { childList: true, characterData: true, subtree: true });
}"""


class Page:
    """A ballot page as a rater sees it."""

    def __init__(self, tab):
        self.tab = tab

    def do(self, work):
        return self.tab.browser.do(lambda: work(self.tab.page))

    def evaluate(self, script, argument=None):
        return self.do(lambda page: page.evaluate(script, argument))

    def begin(self, name="Anna"):
        self.do(lambda page: page.get_by_role("textbox", name="Your name").fill(name))
        self.press("Enter")
        return self

    def ready(self):
        self.tab.wait_until(READY, timeout=60, hint="no pair came")
        return self

    def awake(self):
        self.tab.wait_until(AWAKE, timeout=60, hint="the answers never woke")
        return self

    def press(self, *keys):
        for key in keys:
            self.do(lambda page, key=key: page.keyboard.press(key))

    def click(self, name):
        self.do(lambda page: page.get_by_role("button", name=name, exact=False).first.click())

    def wait_text(self, text):
        self.tab.wait_until(SHOWN, text, timeout=60, hint=f"never saw {text!r}")

    def text(self, part=""):
        return self.do(lambda page: page.locator(f".seedance-ballot{part}").first.inner_text())

    def scrub(self, value):
        self.do(lambda page: page.get_by_role("slider").fill(str(value)))

    def votes(self):
        """What this page keeps in the browser, whoever gave them; all pages from files share that place."""
        kept = self.evaluate("() => ({...localStorage})")
        mine = [text for key, text in kept.items() if key.startswith(f"{self.shelf()} ")]
        return [vote for text in mine for vote in json.loads(text)]

    def shelf(self):
        return f"seedance-ballot-{self.evaluate(BALLOT)['ballot']}"

    def axe(self):
        spec = importlib.util.find_spec("axe_playwright_python")
        self.evaluate((Path(spec.origin).parent / "axe.min.js").read_text())
        found = self.evaluate("() => axe.run('.seedance-ballot', { resultTypes: ['violations'] })")
        return [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found["violations"]]

    def look(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.do(lambda page: page.screenshot(path=SCREENSHOTS / f"ballot-{name}.png"))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


def picture_of(films, things, seconds=1.0, **changes):
    """So many things by two models."""
    tiles = []
    for index in range(2 * things):
        clip = make_clip(films, f"clip_{index % 4}_{seconds}".replace(".", "_"), "a boat", index % 4 + 1, seconds)
        tiles.append(make_tile(index, {"thing": index // 2, "model": f"model {index % 2}"}, "a boat", clip, **changes))
    return GridPicture(("thing", "model"), tuple(tiles), submitted=True)


@pytest.fixture
def page(browser, films, tmp_path):
    """`page(things=)`: a ballot page over that many pairs, opened from its file."""
    tabs = []

    def page(things=1, *, seconds=1.0, media=None, simulated=False, **options):
        picture = picture_of(films, things, seconds, simulated=simulated)
        path = write_ballot(picture, tmp_path / "ballot.html", by="model", pairs=things, **options)
        tabs.append(browser.open("about:blank"))
        if media:
            browser.do(lambda: tabs[-1].page.emulate_media(**media))
        tabs[-1].go(path.as_uri())
        return Page(tabs[-1])

    yield page
    for tab in tabs:
        tab.close()


# -- watching


def test_no_answer_is_taken_before_both_were_seen_and_why_is_said(page):
    room = page(seconds=5.0).begin().ready()
    room.press("-", "-")  # a quarter of the speed: 20 s until they wake
    asleep = room.evaluate("() => [...document.querySelectorAll('.seedance-ballot-choice')].map((b) => b.disabled)")
    room.press("a", "b", "x", "t", "1", "4", "ArrowLeft")
    said = room.text(" [role=status]")
    waiting = room.text("-wait")
    before = room.votes()
    room.press("+", "+", "+", "+")
    room.awake()
    room.press("a")
    room.wait_text("That was the last pair")
    [vote] = room.votes()

    assert asleep == [True] * 4
    assert before == []
    assert waiting.startswith("Watch both once: ")
    assert waiting.endswith(" s")
    assert "Watch both once" in said
    assert vote["plays"] == 1
    assert vote["seconds"] > 2  # five seconds of film at no more than double speed


def test_the_seconds_that_are_left_are_told_down_and_then_nothing(page):
    room = page(seconds=5.0).begin().ready()
    room.evaluate(COUNT)
    room.awake()
    words = room.evaluate("() => words")

    seconds = [int(word.split(": ")[1].removesuffix(" s")) for word in words if word.endswith(" s")]
    assert seconds == sorted(seconds, reverse=True)
    assert len(set(seconds)) >= 3
    assert words[-1] == ""


def test_scrubbing_and_replaying_wake_nothing(page):
    room = page(seconds=5.0).begin().ready()
    room.press("-", "-")
    for place in (300, 600, 900, 999, 10, 1000):
        room.scrub(place)
    room.press("r", "r")
    room.click("Pause")
    room.tab.wait_until(AT_REST)
    for place in (0, 250, 500, 750, 1000):
        room.scrub(place)
    room.tab.wait_until(AT_REST)

    assert room.evaluate(AWAKE) is False
    assert room.text("-wait") == "Watch both once: press Play"


def test_a_pair_that_was_seen_is_awake_again_after_undo_and_plays_are_counted(page):
    room = page(2).begin().ready().awake()
    room.press("a")
    room.wait_text("pair 2 of 2")
    room.ready()
    room.press("u")
    room.wait_text("pair 1 of 2")
    room.ready()
    again = room.evaluate(AWAKE)
    room.press("b")
    room.wait_text("pair 2 of 2")
    [vote] = room.votes()

    assert again is True
    assert (vote["choice"], vote["plays"] >= 1) == ("right", True)


def test_where_nothing_moves_by_itself_play_is_the_way(page):
    room = page(media={"reduced_motion": "reduce"}).begin().ready()
    still = room.evaluate(AT_REST)
    word = room.text("-wait")
    room.click("Play")
    room.awake()

    assert still is True
    assert word == "Watch both once: press Play"


def test_a_browser_that_refuses_to_play_by_itself_offers_play(page):
    room = page()
    room.evaluate(
        """() => {
            const play = HTMLMediaElement.prototype.play;
            HTMLMediaElement.prototype.play = function () {
                return window.allowed ? play.call(this) : Promise.reject(new DOMException('no', 'NotAllowedError'));
            };
        }"""
    )
    room.begin().ready()
    room.wait_text("Watch both once: press Play")
    room.evaluate("() => { window.allowed = true; }")
    room.press(" ")
    room.awake()


# -- nobody is locked in


def test_a_clip_that_cannot_be_played_can_be_skipped_and_undone(page):
    room = page(2)
    ballot = room.evaluate(BALLOT)
    first = ballot["pairs"][0]["left"]
    room.evaluate("name => { document.getElementById('clip-' + name).textContent = btoa('no film at all'); }", first)
    room.begin()
    room.wait_text("Skip this pair")
    stuck = room.text()
    found = room.axe()
    room.look("skip")
    room.click("Skip this pair")
    room.wait_text("pair 1 of 2")
    room.awake()
    room.press("a")
    room.wait_text("1 of 2 pairs are judged")

    assert "cannot play one of these clips" in stuck
    assert found == []
    assert [vote["pair"] for vote in room.votes()] == [1]


def test_clips_that_stand_still_though_they_are_played_lock_nobody_in(page):
    room = page(2)
    room.evaluate(
        """() => {
            HTMLMediaElement.prototype.play = function () { return Promise.resolve(); };
            const now = performance.now.bind(performance);
            performance.now = () => 20 * now();
        }"""
    )
    room.begin()
    room.wait_text("do not play on here")
    room.click("Skip this pair")
    room.tab.wait_until("() => document.querySelector('.seedance-ballot-stage .seedance-ballot-trouble').hidden")


def test_a_clip_that_breaks_while_it_plays_can_be_tried_again(page):
    room = page(seconds=5.0).begin().ready()
    room.press("-", "-")
    room.evaluate("() => document.querySelector('.seedance-ballot-video').onerror()")
    room.wait_text("cannot be played to its end")
    room.click("Try again")
    room.ready()
    room.press("+", "+", "+", "+")
    room.awake()


# -- a pause


def test_after_twenty_pairs_there_is_a_pause_that_one_key_ends(page):
    room = page(21)
    ballot = room.evaluate(BALLOT)
    counted = [number for number, pair in enumerate(ballot["pairs"]) if pair.get("kind") != "training"]
    votes = [
        {"id": f"v{n}", "pair": n, "aspect": "overall", "choice": "tie", "at": 1.0, "seconds": 1, "plays": 1}
        for n in range(counted[18] + 1)
    ]
    room.evaluate(
        "([shelf, kept]) => { localStorage.setItem(shelf, 'Anna'); localStorage.setItem(shelf + ' Anna', kept); }",
        [room.shelf(), json.dumps(votes)],
    )
    room.do(lambda page: page.reload())
    room.begin().ready().awake()
    room.press("t")
    room.wait_text(f"20 of {len(counted)} done")
    pause = room.text()
    found = room.axe()
    focused = room.evaluate("() => document.activeElement.innerText")
    room.look("pause")
    room.press("Enter")
    room.ready()

    assert "Rest your eyes; go on when you like." in pause
    assert found == []
    assert focused.startswith("Go on")
    assert "21 of" in room.text("-progress")


# -- what is said and kept


def test_simulated_clips_are_said_not_to_be_blind_once_before_the_first_vote(page):
    room = page(simulated=True)
    first = room.text()
    found = room.axe()
    room.look("not-blind")
    room.begin().ready()

    assert "this ballot is not blind" in first
    assert "writes prompt and model on every picture" in first
    assert "not blind" not in room.text()
    assert found == []


def test_of_films_from_the_service_nothing_is_said(page):
    assert "not blind" not in page().text()


def test_what_is_kept_is_said_and_all_answers_can_be_withdrawn(page):
    room = page(2)
    first = room.text()
    completes = room.do(lambda page: page.get_by_role("textbox", name="Your name").get_attribute("autocomplete"))
    room.begin().ready().awake()
    room.press("a")
    room.wait_text("pair 2 of 2")
    room.click("Done")
    room.wait_text("Withdraw my answers")
    end = room.text()
    kept = room.votes()
    room.click("Withdraw my answers")
    room.wait_text("nobody can bring them back")
    asked, found = room.text(), room.axe()
    room.look("withdraw")
    room.click("Keep them")
    still = room.votes()
    room.click("Withdraw my answers")
    room.click("Withdraw them all")
    room.wait_text("Your answers are withdrawn")
    room.press("u")

    assert "how many seconds" in first
    assert completes == "off"
    assert "how many seconds" in end
    assert (len(kept), len(still), room.votes()) == (1, 1, [])
    assert "Withdraw them all" in asked
    assert found == []
    assert not any(word in room.text() for word in ("Save my votes", "Undo", "Vote on", "Withdraw"))
    assert not any(key.startswith(room.shelf()) for key in room.evaluate("() => Object.keys(localStorage)"))


def test_a_training_pair_is_marked_and_counted_nowhere(page):
    room = page(2, training=True).begin().ready()
    practice = room.text()
    found = room.axe()
    room.look("practice")
    room.awake()
    room.press("a")
    room.wait_text("pair 1 of 2")
    room.ready()

    assert "Practice: it does not count" in practice
    assert "practice, then 2 pairs" in practice
    assert found == []
    assert "Practice" not in room.text()


NAME = """() => {
    const node = document.activeElement;
    return (node.labels?.[0]?.innerText || node.getAttribute('aria-label') || node.innerText).trim();
}"""


def test_everything_can_be_reached_with_tab_and_has_a_name(page):
    room = page(2).begin().ready().awake()
    room.do(lambda page: page.locator(".seedance-ballot").focus())
    names = []
    for _ in range(12):
        room.press("Tab")
        names.append(room.evaluate(NAME))

    wanted = ("A is better", "Tie", "Both bad", "B is better", "Pause", "Replay", "Position in both clips", "Speed")
    for part in (*wanted, "Sound", "Enlarge", "Done"):
        assert any(name.startswith(part) for name in names), (part, names)


def test_why_the_answers_sleep_and_that_they_woke_is_announced_once_each(page):
    room = page(seconds=5.0)
    room.evaluate(
        """() => {
            const status = document.querySelector('.seedance-ballot [role=status]');
            window.announced = [];
            new MutationObserver(() => announced.push(status.textContent)).observe(status, { childList: true, characterData: true, subtree: true });
        }"""
    )
    room.begin().ready().awake()
    room.tab.wait_until("() => announced.at(-1) === 'Which is better overall?'")

    assert room.evaluate("() => announced") == [
        "The clips are on their way",
        "Watch both clips once before you answer. Which is better overall?",
        "Which is better overall?",
    ]
