"""A tree of widgets that is drawn as one: what its page is told of it, and what its page tells it."""

import threading
import time

import ipywidgets as w
import pytest

from seedance_nb.notebook.card.job_card import JobCard
from seedance_nb.notebook.panel.choice import Choice
from seedance_nb.notebook.panel.panel import Panel
from seedance_nb.notebook.panel.single_widget import SingleWidget
from seedance_nb.tracking import session as sessions
from seedance_nb.tracking.session import Session


class Page:
    """The other end of a single widget: what it was sent, and the state of each part as a page keeps it."""

    def __init__(self, single):
        self.single, self.sent, self.parts = single, [], {}
        single.send = self.receive
        self.tell({"kind": "draw"})

    def receive(self, message, buffers=()):
        self.sent.append((message, list(buffers or ())))
        for facts in message.get("parts", ()):
            self.parts[facts["id"]] = dict(facts)
        if message["kind"] == "state":
            self.parts[message["part"]]["state"] |= message["state"]

    def tell(self, message, buffers=()):
        self.single._answer(self.single, message, list(buffers))

    def set(self, widget, serial=1, **state):
        self.tell({"kind": "state", "part": widget.comm.comm_id, "state": state, "serial": serial})

    def state(self, widget):
        return self.parts[widget.comm.comm_id]["state"]

    def named(self, name):
        return [facts for facts in self.parts.values() if facts["name"] == name]


@pytest.fixture
def session(simulator, workplace):
    with Session(api_key="sd2_test_key", base_url=simulator.base_url, home=workplace) as session:
        yield session


@pytest.fixture
def panel(session, monkeypatch):
    monkeypatch.setattr(sessions, "default", lambda: session)
    panel = Panel(session, single=True)
    yield panel
    panel.close()


def eventually(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_a_page_that_asks_is_told_the_whole_tree_with_scripts_and_styles():
    text, choice = w.Text(description="Name", value="<b>"), Choice("Model", [("a", 1), ("b", 2)], 2)
    box = w.VBox([text, w.HBox([choice])]).add_class("mine")
    page = Page(SingleWidget(box))

    [(tree, _)] = page.sent
    assert (tree["kind"], tree["root"]) == ("tree", box.comm.comm_id)
    assert page.state(box)["children"] == [text.comm.comm_id, box.children[1].comm.comm_id]
    assert page.state(box)["_dom_classes"] == ["mine"]
    assert (page.state(text)["value"], page.state(text)["description"]) == ("<b>", "Name")
    assert page.state(choice)["chosen"] == "b"
    [facts] = page.named("Choice")
    assert "export default" in facts["module"]
    assert "module" not in page.state(choice)
    assert not [name for name in page.state(choice) if name.startswith("_e")]


def test_what_changes_is_told_and_display_is_a_fact_of_the_widget():
    button = w.Button(description="Go", layout={"display": "none"})
    page = Page(SingleWidget(w.VBox([button])))
    first = page.state(button)["display"]

    button.layout.display = ""
    button.disabled = True

    assert first == "none"
    assert (page.state(button)["display"], page.state(button)["disabled"]) == ("", True)


def test_what_comes_into_the_tree_is_told_with_it_and_what_left_says_nothing_more():
    box, label = w.VBox([]), w.HTML("one")
    page = Page(SingleWidget(box))

    box.children = [label]
    label.value = "two"
    box.children = []
    sent = len(page.sent)
    label.value = "three"
    quiet = len(page.sent) == sent
    box.children = [label]

    assert quiet
    assert page.state(label)["value"] == "three"


def test_the_page_sets_a_value_and_is_told_that_it_was_heard_but_not_its_own_words():
    text, seen = w.Text(), []
    text.observe(lambda change: seen.append(change["new"]), "value")
    page = Page(SingleWidget(w.VBox([text])))

    page.set(text, value="a boat", serial=7)

    assert seen == ["a boat"]
    assert [message for message, _ in page.sent[1:]] == [{"kind": "heard", "part": text.comm.comm_id, "serial": 7}]


def test_a_press_and_a_message_with_buffers_reach_their_widgets_and_strangers_reach_none():
    pressed, heard = [], []
    button, other = w.Button(), w.Text()
    button.on_click(lambda _: pressed.append(1))
    other.on_msg(lambda _, content, buffers: heard.append((content, [bytes(b) for b in buffers])))
    page = Page(SingleWidget(w.VBox([button, other])))

    page.tell({"kind": "told", "part": button.comm.comm_id, "content": {"event": "click"}})
    page.tell({"kind": "told", "part": other.comm.comm_id, "content": {"kind": "piece"}}, [b"mp4"])
    page.tell({"kind": "told", "part": "nobody", "content": {"event": "click"}})
    page.tell({"kind": "state", "part": other.comm.comm_id, "state": "no dict"})
    page.tell("nonsense")

    assert pressed == [1]
    assert heard == [({"kind": "piece"}, [b"mp4"])]


def test_a_card_that_is_a_part_has_no_script_of_its_own_where_it_is_made_and_brings_it_to_the_page():
    card = JobCard({}, on_cancel=lambda: None, clip_bytes=lambda: None, is_part=True)
    box = w.VBox([])
    page = Page(SingleWidget(box))

    thread = threading.Thread(target=lambda: setattr(box, "children", [card]))
    thread.start()
    thread.join()

    assert card.get_state()["_esm"] == ""
    [facts] = page.named("JobCard")
    assert "Cancel" in facts["module"]
    assert ".seedance-card" in facts["style"]


def press(page, panel):
    action = page.state(panel.frame)["action"]
    content = {"kind": "generate", "token": action["token"], "price": action["price"]}
    page.tell({"kind": "told", "part": panel.frame.comm.comm_id, "content": content})


def test_a_press_of_the_drawn_panel_is_one_create_at_the_price_it_showed_and_its_clip_comes_to_the_page(
    panel, session, simulator
):
    page = Page(SingleWidget(panel.root))
    before = page.state(panel.frame)["action"]
    press(page, panel)
    page.set(panel.compose.prompt.control, value="a boat")
    page.set(panel.compose.resolution.control, chosen="480p")
    shown = page.state(panel.frame)["action"]

    press(page, panel)
    page.tell(
        {
            "kind": "told",
            "part": panel.frame.comm.comm_id,
            "content": {"kind": "generate", "token": shown["token"], "price": 0},
        }
    )
    eventually(lambda: page.named("JobCard"))
    eventually(lambda: page.state(panel.watch.box)["children"] == [])

    assert not before["enabled"]
    assert (shown["enabled"], shown["form"]["prompt"]) == (True, "a boat")
    assert [entry.body["prompt"] for entry in simulator.scenario.accepted] == ["a boat"]
    eventually(lambda: "1 done" in page.state(panel.frame)["tally"])
    [job] = session.jobs()
    page.tell(
        {"kind": "told", "part": panel.gallery.comm.comm_id, "content": {"kind": "clip", "key": job.key, "view": "v"}}
    )
    [buffer] = page.sent[-1][1]
    assert bytes(buffer) == job.clip.bytes()
