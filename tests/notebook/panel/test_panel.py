"""The panel without a page: its widgets are driven as a page would, by their traits and their messages."""

import json
import time
from types import SimpleNamespace

import comm
import hypothesis.strategies as st
import ipywidgets
import pytest
from comm.base_comm import BaseComm
from hypothesis import given, settings

import seedance_nb
from seedance_nb.api.catalog import Catalog, Estimate
from seedance_nb.api.models import Status, VideoRequest, make_request
from seedance_nb.clips.tags import read_tags, same_film
from seedance_nb.clips.trace import read_trace
from seedance_nb.notebook.interactive import drawn_by
from seedance_nb.notebook.panel import gallery as panel_gallery
from seedance_nb.notebook.panel.compose import Compose, read_metadata, thumbnails, write_metadata
from seedance_nb.notebook.panel.panel import Panel
from seedance_nb.notebook.panel.price import price_tag
from seedance_nb.pages.code import as_python
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking import session as sessions
from seedance_nb.tracking.ledger.contract import Wanted
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.record import Record
from seedance_nb.tracking.ledger.rows import insert
from seedance_nb.tracking.session import Session

KEY = "sd2_test_key"
EXACT = Estimate(40, "the service's price list", exact=True)
GUESS = Estimate(40, "the documented sample")


class Wire(BaseComm):
    """A comm that keeps what was sent, of all widgets, in `Wire.log`."""

    log = []

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        Wire.log.append((self.comm_id, msg_type, data or {}, buffers or []))


class WireOfIpykernel74(Wire):
    """Remembers the shell that wrote last, as ipykernel 7.4.0 does."""

    def _reply_subshell_for(self, data, default):
        return "the busy main shell"


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)
    Wire.log = []
    yield Wire
    ipywidgets.Widget.close_all()


@pytest.fixture
def session(simulator, workplace):
    with Session(api_key=KEY, base_url=simulator.base_url, home=workplace) as session:
        yield session


@pytest.fixture
def panel(session):
    panel = Panel(session)
    yield panel
    panel.stop()


def from_page(widget, content):
    widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def answers(widget, kind):
    custom = [
        (data["content"], buffers)
        for who, _, data, buffers in Wire.log
        if who == widget.comm.comm_id and data.get("method") == "custom"
    ]
    return [(content, buffers) for content, buffers in custom if content["kind"] == kind]


def press(panel, token=None, **more):
    action = panel.frame.action
    from_page(panel.frame, {"kind": "generate", "token": token or action["token"], "price": action["price"]} | more)


def eventually(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def make(panel, prompt="a paper boat"):
    """A finished clip, made with the panel."""
    panel.compose.prompt.control.value = prompt
    panel.compose.resolution.control.value = "480p"
    press(panel)
    eventually(lambda: panel.session.jobs()[0].clip is not None and not panel.watch.box.children)
    return panel.session.jobs()[0]


# -- composing


def test_opening_submits_nothing_and_asks_nothing(panel, simulator):
    assert simulator.calls == {}


def test_the_models_are_asked_for_in_the_background(panel, simulator):
    simulator.add_fault(Fault("models", "delay", seconds=3))

    began = time.monotonic()
    panel.learn_models()
    took = time.monotonic() - began
    eventually(lambda: panel.session.catalog.answered)

    assert took < 3
    assert panel.compose.model.control.value == "seedance-2.0"


def test_without_a_key_the_panel_opens_and_says_what_to_do(workplace):
    with Session(home=workplace) as session:
        panel = Panel(session)
        panel.compose.prompt.control.value = "a paper boat"
        press(panel)

    assert "%seedance login" in panel.frame.trouble


def test_the_lengths_follow_the_model_and_the_change_is_explained(panel):
    panel.compose.duration.control.value = 7

    panel.compose.model.control.chosen = "seedance-1.5-pro"

    assert panel.compose.duration.control.labels == ["5 s", "10 s"]
    assert panel.compose.duration.control.value == 5
    assert "makes 5 or 10 s; 7 s became 5 s" in panel.compose.model.line.value


def test_a_list_is_not_told_from_its_first_to_its_last(panel):
    item = {"id": "seedance-9", "aspectRatios": ["16:9", "4:3", "1:1", "3:4", "21:9"], "durations": [4, 6, 8, 10, 12]}
    panel.compose.learn(Catalog().merged([item]))

    panel.compose.model.control.chosen = "seedance-9"

    said = panel.compose.model.line.value
    assert "makes 4, 6, 8, 10 or 12 s, 16:9, 4:3, 1:1, 3:4 or 21:9" in said
    assert " to " not in said


def test_a_length_chosen_from_a_list_that_has_changed_since_is_not_taken_for_another(panel):
    panel.compose.model.control.chosen = "seedance-1.5-pro"

    panel.compose.duration.control.chosen = "7 s"

    assert (panel.compose.duration.control.chosen, panel.compose.duration.control.value) == ("5 s", 5)


def test_a_model_that_only_the_service_knows_is_offered(panel):
    panel.compose.learn(Catalog().merged([{"id": "seedance-9", "durations": [3]}]))

    panel.compose.model.control.chosen = "seedance-9"

    assert panel.compose.duration.control.labels == ["3 s"]


def test_a_broken_address_is_explained_below_its_field(panel):
    panel.compose.prompt.control.value = "a boat"

    panel.compose.media.control.value = "http://<b>"

    assert "must be a public https:// address" in panel.compose.media.line.value
    assert "&lt;b&gt;" in panel.compose.media.line.value
    assert not panel.frame.action["enabled"]


def test_reference_media_keep_their_order_and_are_escaped():
    drawn = thumbnails(['https://a/first.png?"><script>', "https://a/last.jpg"])

    assert drawn.index("first frame") < drawn.index("last frame")
    assert "<script>" not in drawn


def test_the_order_of_reference_media_can_be_reversed(panel):
    panel.compose.media.control.value = "https://a/1.png\nhttps://a/2.png"

    panel.compose.swap.click()

    assert panel.compose.request().media_urls == ("https://a/2.png", "https://a/1.png")


def test_the_history_is_searched_and_used_again(panel):
    make(panel, "a paper boat")
    panel.compose.prompt.control.value = ""
    panel.history.refresh()
    panel.history.search.control.value = "PAPER"

    [(_, found)] = panel.history.list.control.options
    panel.history.list.control.value = found
    panel.history.button.click()

    assert panel.compose.prompt.control.value == "a paper boat"


METADATA = st.none() | st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.booleans(), min_size=1)


@given(METADATA)
def test_metadata_survives_the_form(metadata):
    assert read_metadata(write_metadata(metadata)) == metadata


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_edit_as_new_restores_every_request_we_can_make(data):
    request = data.draw(REQUESTS)
    form = Compose(Catalog(), lambda: None)

    form.load(request)

    assert form.request() == request


# -- the price on the button


@pytest.mark.parametrize(
    ("known", "estimate", "label"),
    [
        ([None], EXACT, "Generate · 40 credits"),
        ([None], GUESS, "Generate · about 40 credits"),
        ([None], None, "Generate · price unknown"),
        ([None, None, Status.SUCCEEDED], EXACT, "Generate · 80 credits"),
        ([Status.FAILED], EXACT, "Generate · 40 credits"),
        ([Status.SUCCEEDED], EXACT, "Generate · free, you have this"),
        ([Status.SUCCEEDED, Status.QUEUED], EXACT, "Generate · free, being made"),
        ([Status.UNKNOWN], EXACT, "Generate · outcome unknown"),
    ],
)
def test_the_button_says_what_a_press_costs(known, estimate, label):
    assert price_tag(known, estimate).label == label


def test_the_tooltip_names_the_source_of_an_estimate():
    assert "the documented sample" in price_tag([None], GUESS).why


def test_over_the_budget_the_button_says_so_and_is_disabled():
    tag = price_tag([None], EXACT, left=30)

    assert (tag.enabled, tag.label) == (False, "Generate · over budget (40 credits)")
    assert "30 are left" in tag.problem


def test_an_unknown_outcome_is_never_sent_again():
    assert not price_tag([Status.UNKNOWN, None][:1], EXACT).enabled


def test_foreign_settings_in_the_prompt_are_noted_below_the_button_before_it_is_pressed(panel, simulator):
    panel.compose.prompt.control.value = "a cat --ar 9:16"

    eventually(lambda: "--ar 9:16 (-a/--aspect-ratio" in panel.frame.action["notes"])
    assert panel.frame.action["enabled"]
    panel.compose.prompt.control.value = "a cat"
    eventually(lambda: panel.frame.action["notes"] == "")
    assert simulator.calls["create"] == 0


def test_what_only_looks_like_a_number_is_said_below_its_field_to_be_sent_as_text(panel):
    extra = panel.compose.extra
    extra.control.value = "seed=07\nstyle=film"
    said = extra.line.value
    extra.control.value = "seed=7"

    assert said == "<span>seed is sent as the text &#34;07&#34;; JSON&#39;s own would be 7</span>"
    assert (extra.line.value, extra.line.layout.display) == ("", "none")
    extra.control.value = "seed="
    assert "seedance-wrong" in extra.line.value


def test_the_session_limit_disables_the_button(simulator, workplace):
    with Session(api_key=KEY, base_url=simulator.base_url, home=workplace, max_credits=30) as session:
        panel = Panel(session)
        panel.compose.prompt.control.value = "a paper boat"
        press(panel)

    assert "over budget" in panel.frame.action["label"]
    assert simulator.calls == {}


# -- buying


def test_two_presses_are_one_create(panel, simulator):
    panel.compose.prompt.control.value = "a paper boat"
    token = panel.frame.action["token"]

    press(panel, token)
    press(panel, token)
    eventually(lambda: panel.session.jobs()[0].request_id is not None)

    assert simulator.calls["create"] == 1


def test_a_press_for_a_form_that_has_changed_since_buys_nothing(panel, simulator):
    panel.compose.prompt.control.value = "a paper"
    token = panel.frame.action["token"]
    panel.compose.prompt.control.value = "a paper boat"

    press(panel, token)

    assert "nothing was sent" in panel.frame.trouble
    assert simulator.calls == {}


def test_a_press_at_a_lower_price_than_it_would_cost_buys_nothing(panel, simulator):
    panel.compose.prompt.control.value = "a paper boat"

    press(panel, price=1)

    assert simulator.calls == {}


def test_takes_buy_what_is_missing_only(panel, simulator):
    make(panel)
    panel.compose.takes.control.value = 3
    label = panel.frame.action["label"]

    press(panel)
    eventually(lambda: simulator.calls["create"] == 3)

    assert label == "Generate · about 50 credits"
    assert sorted(job.take for job in panel.session.jobs()) == [1, 2, 3]


def test_what_the_ledger_has_is_free_and_opens(panel, simulator):
    job = make(panel)
    eventually(lambda: panel.frame.action["label"] == "Generate · free, you have this")
    before = len(answers(panel.gallery, "changed"))

    press(panel)
    eventually(lambda: len(answers(panel.gallery, "changed")) > before)

    assert simulator.calls["create"] == 1
    assert answers(panel.gallery, "changed")[-1][0]["show"] == job.key


def test_two_panels_buy_an_intention_once(panel, simulator):
    other = Panel(panel.session)
    for one in (panel, other):
        one.compose.prompt.control.value = "a paper boat"

    press(panel)
    press(other)
    eventually(lambda: panel.session.jobs()[0].request_id is not None)

    assert simulator.calls["create"] == 1


def test_a_press_goes_to_the_session_that_the_kernel_has_now(session, simulator, workplace, monkeypatch):
    screen = SimpleNamespace(in_cell_context=lambda function, *args: function(*args))
    monkeypatch.setattr(sessions, "default", lambda: session)
    panel = Panel(session, screen)
    panel.compose.prompt.control.value = "a paper boat"
    with (
        Simulator(pace=Pace(0, 0, 0)) as other,
        Session(api_key=KEY, base_url=other.base_url, home=workplace / "other") as configured,
    ):
        monkeypatch.setattr(sessions, "default", lambda: configured)
        press(panel)
        eventually(lambda: configured.jobs()[0].clip is not None)
        panel.stop()

        assert (other.calls["create"], simulator.calls["create"]) == (1, 0)
        assert answers(panel.gallery, "changed")


def test_the_code_follows_the_form_and_not_the_jobs_that_end_meanwhile(panel):
    make(panel)
    panel.compose.prompt.control.value = "something else"
    panel._look_again()

    assert "something else" in panel.frame.code["magic"]


# -- watching


@pytest.fixture
def slow_panel(workplace):
    with (
        Simulator(pace=Pace(30, 30, 0)) as simulator,
        Session(api_key=KEY, base_url=simulator.base_url, home=workplace) as session,
    ):
        panel = Panel(session)
        yield panel
        panel.stop()


def test_a_job_made_elsewhere_in_the_kernel_has_one_card(slow_panel):
    slow_panel.session.submit("a paper boat")
    slow_panel.session.submit("a paper boat")
    slow_panel.compose.prompt.control.value = "a paper boat"
    press(slow_panel)

    eventually(lambda: "queue" in slow_panel.frame.says)
    eventually(lambda: len(slow_panel.watch.box.children) == 1)


def test_a_panel_opened_later_shows_what_runs(slow_panel):
    slow_panel.session.submit("a paper boat")

    later = Panel(slow_panel.session)

    assert len(later.watch.box.children) == 1


def test_cards_stand_newest_first(slow_panel):
    for prompt in ("first", "second"):
        slow_panel.session.submit(prompt)

    cards = [row.children[0].view["prompt"] for row in slow_panel.watch.box.children]
    assert cards == ["second", "first"]


def test_the_status_line_and_the_tally_follow(panel):
    make(panel)

    assert panel.frame.says == "a paper boat: done"
    eventually(lambda: panel.frame.tally == "1 done · 25 simulated credits today · 25 this session")


def test_a_failure_is_told_in_plain_words_and_can_be_retried(panel, simulator):
    panel.compose.prompt.control.value = "a paper boat [fail]"
    press(panel)
    eventually(lambda: "failed" in panel.frame.says)
    [row] = panel.watch.box.children
    retry, _ = row.children[1].children[0].children
    eventually(lambda: retry.layout.display == "")

    retry.click()
    retry.click()
    eventually(lambda: simulator.calls["create"] == 2)

    assert "could not make this video" in row.children[0].view["error"]
    assert retry.description == "Retry · about 40 simulated credits"


def test_an_unknown_outcome_offers_no_retry(panel, simulator):
    simulator.add_fault(Fault("create", "drop_after"))
    panel.compose.prompt.control.value = "a paper boat"
    press(panel)
    eventually(lambda: panel.watch.failed == 1)

    [row] = panel.watch.box.children
    retry, dismiss = row.children[1].children[0].children
    assert (retry.layout.display, dismiss.layout.display) == ("none", "")


# -- the gallery


def test_a_page_of_tiles_comes_when_it_is_asked_for(panel):
    job = make(panel)

    from_page(panel.gallery, {"kind": "page", "view": "v", "serial": 1, "offset": 0, "filter": {}})

    [(page, buffers)] = answers(panel.gallery, "page")
    assert [tile["key"] for tile in page["tiles"]] == [job.key]
    assert (page["more"], buffers) == (False, [])


def test_posters_and_clips_travel_as_buffers(panel):
    job = make(panel)

    from_page(panel.gallery, {"kind": "posters", "keys": [job.key]})
    from_page(panel.gallery, {"kind": "clip", "key": job.key})

    [(_, [poster])] = answers(panel.gallery, "posters")
    [(_, [mp4])] = answers(panel.gallery, "clip")
    assert (poster, mp4) == (job.clip.poster.read_bytes(), job.clip.bytes())


def test_opening_a_clip_shows_its_facts_and_its_code(panel):
    job = make(panel)
    panel.compose.prompt.control.value = "something else"

    from_page(panel.gallery, {"kind": "open", "key": job.key})

    facts = dict(answers(panel.gallery, "open")[-1][0]["tile"]["facts"])
    assert (facts["Cost"], facts["Request id"]) == ("25 simulated credits", job.request_id)
    assert "a paper boat" in panel.frame.code["magic"]


def test_a_star_and_a_note_are_kept_and_filtered_by(panel):
    job = make(panel)

    def tiles(**chosen):
        from_page(panel.gallery, {"kind": "page", "view": "v", "serial": 1, "offset": 0, "filter": chosen})
        return [tile["key"] for tile in answers(panel.gallery, "page")[-1][0]["tiles"]]

    assert tiles(marked="starred") == tiles(marked="noted") == tiles(text="keeper") == []
    from_page(panel.gallery, {"kind": "star", "key": job.key, "starred": True})
    from_page(panel.gallery, {"kind": "note", "key": job.key, "text": "a keeper"})

    shown = answers(panel.gallery, "open")[-1][0]["tile"]
    assert (shown["starred"], shown["noted"], shown["words"]) == (True, "a keeper", "★ done")
    assert tiles(marked="starred") == tiles(marked="noted") == tiles(text="KEEPER") == [job.key]
    from_page(panel.gallery, {"kind": "star", "key": job.key, "starred": False})
    assert tiles(marked="starred") == []


def test_a_new_take_asked_for_twice_is_bought_once(panel, simulator):
    job = make(panel)
    from_page(panel.gallery, {"kind": "open", "key": job.key})
    take = answers(panel.gallery, "open")[-1][0]["tile"]["next_take"]

    for _ in range(2):
        from_page(panel.gallery, {"kind": "new_take", "key": job.key, "take": take})
    eventually(lambda: simulator.calls["create"] == 2)

    assert sorted(job.take for job in panel.session.jobs()) == [1, 2]


def test_saving_never_writes_over_a_file(panel, workplace):
    job = make(panel)
    (workplace / "mine.mp4").write_text("precious")

    from_page(panel.gallery, {"kind": "save", "key": job.key, "path": "mine.mp4"})
    from_page(panel.gallery, {"kind": "save", "key": job.key, "path": "copy"})
    from_page(panel.gallery, {"kind": "save", "key": job.key, "path": "{model}-{take:02}"})

    [(trouble, _)] = answers(panel.gallery, "trouble")
    assert (trouble["control"], "is not written over" in trouble["text"]) == ("save", True)
    assert (workplace / "mine.mp4").read_text() == "precious"
    for name in ("copy.mp4", f"{job.request.model}-01.mp4"):
        assert same_film(workplace / name, job.clip.path)
        assert read_trace(read_tags(workplace / name)).request.prompt == job.request.prompt


def test_edit_as_new_fills_the_form(panel):
    job = make(panel)
    panel.compose.prompt.control.value = ""

    from_page(panel.gallery, {"kind": "edit", "key": job.key})

    assert panel.compose.request() == job.request


def test_an_error_in_a_callback_is_drawn_where_it_happened(panel):
    from_page(panel.gallery, {"kind": "open", "key": "nobody"})

    [(trouble, _)] = answers(panel.gallery, "trouble")
    assert (trouble["control"], "no job" in trouble["text"]) == ("open", True)


def test_a_surprise_in_a_callback_is_drawn_too():
    said = []

    with drawn_by(said.append):
        raise ZeroDivisionError("division by zero")

    assert said == ["this did not work (ZeroDivisionError: division by zero)"]


# -- leaving with code


TEXTS = st.text(min_size=1).map(str.strip).filter(lambda t: t and not any("\ud800" <= c <= "\udfff" for c in t))
REQUESTS = st.builds(
    make_request,
    TEXTS,
    model=st.sampled_from(["seedance-2.0", "seedance-2.0-fast"]),
    aspect_ratio=st.sampled_from([None, "16:9", "9:16"]),
    duration=st.sampled_from([None, 5, 9]),
    resolution=st.sampled_from([None, "720p"]),
    media_urls=st.sampled_from([None, ["https://a/x.png"], ["https://a/x.png", "https://a/y.mp4"]]),
    metadata=st.none() | st.dictionaries(TEXTS, TEXTS | st.integers(-(2**31), 2**31), min_size=1),
)


@given(REQUESTS, st.integers(1, 5))
@settings(deadline=None)
def test_the_python_text_submits_exactly_the_same(request_, take):
    calls = []
    before, seedance_nb.submit = seedance_nb.submit, lambda prompt, **options: calls.append((prompt, options))
    try:
        exec(as_python(request_, take), {})
    finally:
        seedance_nb.submit = before

    [(prompt, options)] = calls
    assert options.pop("take", 1) == take
    assert make_request(prompt, **options) == request_


def test_the_code_of_a_clip_reuses_it(panel, simulator):
    make(panel)
    submitted = []
    code = panel.frame.code["python"]

    exec(
        code.replace("seedance_nb.submit", "submit").replace("import seedance_nb", ""),
        {"submit": lambda *a, **k: submitted.append(panel.session.submit(*a, **k))},
    )

    assert (submitted[0].credits, submitted[0].reused, simulator.calls["create"]) == (0, True, 1)


# -- rules


def test_no_trait_ever_holds_the_key(panel):
    make(panel)
    from_page(panel.gallery, {"kind": "page", "serial": 1, "offset": 0, "filter": {}})

    assert KEY not in json.dumps([data for _, _, data, _ in Wire.log], default=str)


def test_every_control_lets_the_page_choose_the_shell(monkeypatch, session):
    monkeypatch.setattr(comm, "create_comm", WireOfIpykernel74)
    panel = Panel(session)

    for widget in controls(panel.root):
        assert widget.comm._reply_subshell_for({}, "the page's choice") == "the page's choice", widget


def test_every_control_has_a_name(panel):
    for widget in controls(panel.root):
        if hasattr(widget, "description"):
            assert widget.description, widget


def controls(widget):
    if isinstance(widget, ipywidgets.Box):
        return [found for child in widget.children for found in controls(child)]
    return [] if isinstance(widget, ipywidgets.HTML) else [widget]


# -- looking around in the ledger


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    yield ledger
    ledger.close()


def fill(ledger, size, **changes):
    with ledger.file.transaction() as db:
        for i in range(size):
            request = VideoRequest(prompt=changes.get("prompt", f"Prompt 100% {i}"), duration=5)
            facts = {"status": Status.SUCCEEDED, "notebook": "a.ipynb", "credits": 2.0} | changes
            facts.pop("prompt", None)
            record = Record(
                key=f"{facts['notebook']}{i}",
                account="me",
                base_url="u",
                request=request,
                take=i + 1 + 100 * (facts["notebook"] == "b.ipynb"),
                status_text="x",
                created_at=1000.0 + i,
                **facts,
            )
            insert(db, record)


def test_pages_are_newest_first_and_meet_without_a_gap(ledger):
    fill(ledger, 5)

    pages = [ledger.browsing.page(Wanted(), 2, offset) for offset in (0, 2, 4)]

    assert [record.take for page in pages for record in page] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"text": "prompt 100% 1"}, 1),
        ({"text": "100_"}, 0),
        ({"text": "a.ipynb2"}, 1),
        ({"status": "failed"}, 2),
        ({"notebook": "b.ipynb"}, 2),
        ({"model": "seedance-2.0", "notebook": "a.ipynb"}, 3),
        ({"day": "1999-01-01"}, 0),
    ],
)
def test_jobs_are_filtered(ledger, wanted, count):
    fill(ledger, 3)
    fill(ledger, 2, notebook="b.ipynb", status=Status.FAILED, prompt="other")

    assert len(ledger.browsing.page(Wanted(**wanted), 50)) == count


def test_there_is_a_list_of_what_can_be_filtered_by(ledger):
    fill(ledger, 3)
    fill(ledger, 1, notebook="b.ipynb")

    found = ledger.browsing.facets()

    assert found.models == ("seedance-2.0",)
    assert set(found.notebooks) == {"a.ipynb", "b.ipynb"}
    assert len(found.days) == 1


def test_prompts_come_once_each(ledger):
    fill(ledger, 3, prompt="the same")

    assert ledger.browsing.prompts() == ("the same",)


def test_the_highest_take_counts_failed_ones_too(ledger):
    fill(ledger, 3, prompt="the same", status=Status.FAILED)

    assert ledger.browsing.highest_take("me", VideoRequest(prompt="the same", duration=5)) == 3
    assert ledger.browsing.highest_take("me", VideoRequest(prompt="never", duration=5)) == 0


def test_credits_of_today_leave_out_the_simulated(ledger):
    fill(ledger, 3)
    fill(ledger, 2, notebook="b.ipynb", simulated=True)

    assert ledger.browsing.credits_since(1001.0, False) == 4.0


def test_a_listener_hears_of_every_job_until_it_stops(session):
    heard = []
    stop = session.on_job(heard.append)
    session.submit("one")
    stop()
    session.submit("two")

    assert [job.request.prompt for job in heard] == ["one"]


def test_opening_over_many_clips_sends_no_more_than_a_page(panel):
    fill_ledger = lambda ledger: fill(ledger, 300)  # noqa: E731
    panel.session.ask_ledger(fill_ledger)

    from_page(panel.gallery, {"kind": "page", "serial": 1, "offset": 0, "filter": {}})

    [(page, _)] = answers(panel.gallery, "page")
    assert (len(page["tiles"]), page["more"]) == (panel_gallery.PAGE, True)
