"""A ballot from its first screen to the answers in a file: by keys and by touch, in Chromium in three windows, and in WebKit."""

import json

import pytest
from browser.lab import eventually
from browser.studies import make_clip, make_tile, write_ballot
from browser.webkit import webkit

from seedance_nb.grids.picture import GridPicture

pytestmark = pytest.mark.browser

ASPECTS = ("overall", "motion")
AWAKE = "const choice = document.querySelector('.seedance-ballot-choice'); return Boolean(choice && choice.getClientRects().length && !choice.disabled);"
QUESTION = "return document.querySelector('.seedance-ballot-head .seedance-ballot-title').innerText + document.querySelector('.seedance-ballot-progress').innerText;"
ENDED = "return document.querySelector('.seedance-ballot-end').getClientRects().length > 0;"
ACCESSIBLE = {"a": "A is better", "x": "Both bad", "t": "Tie", "b": "B is better"}
CHOICE_OF = {"a": "left", "x": "both bad", "t": "tie", "b": "right"}


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """Two models of two prompts, a second each."""
    folder = tmp_path_factory.mktemp("films")
    tiles = []
    for index in range(4):
        clip = make_clip(folder, f"clip_{index}", "a boat", take=index + 1, seconds=1.0)
        tiles.append(
            make_tile(index, {"thing": f"thing {index // 2}", "model": f"model {index % 2}"}, "a paper boat", clip)
        )
    return GridPicture(("thing", "model"), tuple(tiles), submitted=True)


@pytest.fixture
def path(picture, tmp_path):
    return write_ballot(picture, tmp_path / "ballot.html", aspects=ASPECTS, by="model", pairs=2, training=True)


class Chromium:
    """A rater with a mouse or a finger, in a window of their own."""

    def __init__(self, browser, size, touch):
        self.browser, self.touch = browser, touch
        work = lambda: browser.context.browser.new_context(  # noqa: E731
            viewport={"width": size[0], "height": size[1]}, has_touch=touch, is_mobile=touch, accept_downloads=True
        )
        self.context = browser.do(work)
        self.page = browser.do(self.context.new_page)
        self.scrolled = 0

    def open(self, path):
        self.browser.do(self.page.goto, path.as_uri())

    def ask(self, script):
        return self.browser.do(self.page.evaluate, f"() => {{ {script} }}")

    def name(self, text):
        self.browser.do(lambda: self.page.get_by_role("textbox", name="Your name").fill(text))

    def key(self, key):
        self.browser.do(self.page.keyboard.press, "Enter" if key == "\n" else key)

    def press(self, name):
        """A finger or the mouse, on what is in sight already."""
        button = self.page.get_by_role("button", name=name).first
        self.browser.do(lambda: button.tap() if self.touch else button.click())
        self.scrolled += self.ask("return scrollY;")

    def save(self, folder):
        def work():
            with self.page.expect_download() as download:
                self.page.get_by_role("button", name="Save my votes").last.click()
            download.value.save_as(folder / "votes.json")

        self.browser.do(work)
        return folder / "votes.json"

    def close(self):
        self.browser.do(self.context.close)


class WebKit:
    """The same with WebKit's window."""

    def __init__(self, driver, home):
        self.driver, self.home = driver, home
        driver.set_window_size(1280, 760)

    def open(self, path):
        self.driver.get(path.as_uri())

    def ask(self, script):
        return self.driver.execute_script(script)

    def name(self, text):
        field = self.driver.find_element("css selector", ".seedance-ballot-input")
        field.clear()
        field.send_keys(text)

    def key(self, key):
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        ActionChains(self.driver).send_keys(Keys.ENTER if key == "\n" else key).perform()

    def press(self, name):
        buttons = self.driver.find_elements("css selector", ".seedance-ballot button")
        next(button for button in buttons if button.is_displayed() and button.text.startswith(name)).click()

    def save(self, folder):
        self.press("Save my votes")
        eventually(lambda: any((self.home / "downloads").glob("*.json")), 60)
        [path] = (self.home / "downloads").glob("*.json")
        eventually(lambda: path.read_text().endswith("}"), 60)
        return path


def give(rater, path, way, answers):
    """From the first screen to the last, by keys or by pressing; how often the buttons were asleep when a pair came."""
    rater.open(path)
    rater.name("Anna")
    rater.key("\n") if way == "keys" else rater.press("Start voting")
    for answer in answers:
        eventually(lambda: rater.ask(AWAKE), 60)
        before = rater.ask(QUESTION)
        rater.key(answer) if way == "keys" else rater.press(ACCESSIBLE[answer])
        eventually(lambda before=before: rater.ask(ENDED) or rater.ask(QUESTION) != before, 60)
    eventually(lambda: rater.ask(ENDED), 60)


def saved_by(rater, folder, answers):
    """What was exported is what was answered, each after a full play."""
    saved = json.loads(rater.save(folder).read_text())
    assert saved["rater"] == "Anna"
    assert [vote["choice"] for vote in saved["votes"]] == [CHOICE_OF[answer] for answer in answers]
    assert [vote["aspect"] for vote in saved["votes"]] == [*ASPECTS] * (len(answers) // 2)
    assert all(vote["plays"] >= 1 for vote in saved["votes"])
    assert all(vote["seconds"] >= 0.9 for vote in saved["votes"])


def answers_for(path):
    """One for each question of each pair on the page."""
    ballot = json.loads(path.read_text().split('id="ballot">', 1)[1].split("</script>", 1)[0])
    return ("axtbbtxa" * 3)[: len(ballot["pairs"]) * len(ASPECTS)]


@pytest.mark.parametrize(
    ("size", "touch"),
    [((1280, 720), False), ((390, 844), True), ((844, 390), True)],
    ids=["computer", "phone", "phone on its side"],
)
@pytest.mark.parametrize("way", ["keys", "presses"])
def test_in_chromium(browser, path, tmp_path, size, touch, way):
    rater = Chromium(browser, size, touch)
    try:
        give(rater, path, way, answers_for(path))
        saved_by(rater, tmp_path, answers_for(path))
        assert rater.scrolled == 0
    finally:
        rater.close()


@pytest.mark.host("WebKit", "ballot")
def test_in_webkit_by_keys_and_by_the_mouse(path, tmp_path):
    home = tmp_path / "home"
    with webkit(home) as driver:
        rater = WebKit(driver, home)
        for way in ("keys", "presses"):
            give(rater, path, way, answers_for(path))
            saved_by(rater, tmp_path, answers_for(path))
            rater.press("Withdraw my answers")
            rater.press("Withdraw them all")
            for file in (home / "downloads").iterdir():
                file.unlink()


def test_without_webkit_it_is_skipped_with_a_word_and_in_ci_it_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", "1")
    monkeypatch.delenv("WITHOUT_WEBKIT", raising=False)
    with pytest.raises(pytest.fail.Exception, match="apt-get install webkit2gtk-driver"), webkit(tmp_path / "one"):
        pass
    monkeypatch.setenv("WITHOUT_WEBKIT", "WebKit that starts")
    with pytest.raises(pytest.skip.Exception, match="no WebKit that starts found"), webkit(tmp_path / "said"):
        pass
    monkeypatch.delenv("WITHOUT_WEBKIT")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="NO WEBKIT TESTS"), webkit(tmp_path / "two"):
        pass
