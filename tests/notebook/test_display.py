"""What stays in the notebook for good, and who is waited for: without a kernel."""

import base64
import collections
import contextvars
import dataclasses
import hashlib
import io
import itertools
import re
import threading
from types import SimpleNamespace
from urllib.parse import unquote

import av
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.events import EventManager, available_events

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.clips.store import Clips
from seedance_nb.errors import GenerationFailed
from seedance_nb.notebook import redraws
from seedance_nb.notebook import screen as screen_module
from seedance_nb.notebook.card.job_display import JobView, final_bundle, show_job
from seedance_nb.notebook.display import jobs_html
from seedance_nb.notebook.screen import Screen
from seedance_nb.pages.job_page import final_html
from seedance_nb.simulator import film
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking.session import JobList

SNAPSHOT = Snapshot(
    key="j1",
    request=VideoRequest(prompt="a <paper> boat", aspect_ratio="1:1", duration=4, resolution="480p"),
    take=1,
    status=Status.PROCESSING,
    status_text="processing",
    request_id="req_1",
    credits=12.0,
    created_at=1000.0,
)
FAILED = dataclasses.replace(
    SNAPSHOT, status=Status.FAILED, error=GenerationFailed("no video; 12 credits were charged")
)
LARGE, NONE = 10**9, 0  # limits above and below every clip


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    film.render(
        path, prompt="a boat", model="m", take=1, request_id="req_1", aspect_ratio="1:1", resolution="720p", seconds=0.5
    )
    return path.read_bytes()


@pytest.fixture
def done(master, tmp_path, monkeypatch):
    """A finished job, its clip in a folder whose name is a trial for addresses; the notebook lies beside the folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    folder = tmp_path / "my clips #1 100% é"
    folder.mkdir()
    part = folder / "part"
    part.write_bytes(master)
    clip = Clips(folder).admit("j1", part)
    return dataclasses.replace(SNAPSHOT, status=Status.SUCCEEDED, clip=clip, finished_at=1042.0)


def embedded(html):
    [encoded] = re.findall(r'src="data:video/mp4;base64,([^"]+)"', html)
    return base64.b64decode(encoded)


def link(html):
    [address] = re.findall(r'<a href="([^"]+)"', html)
    return address


# -- for good


def test_the_whole_file_is_embedded_byte_for_byte(done, master):
    html = final_html(done, LARGE)

    assert hashlib.sha256(embedded(html)).digest() == hashlib.sha256(master).digest()
    assert "<a " not in html


def test_a_file_of_just_the_limit_is_embedded(done, master):
    assert embedded(final_html(done, len(master))) == master
    assert embedded(final_html(done, len(master) - 1)) != master


def test_above_the_limit_a_preview_is_embedded_with_a_link_to_the_file(done, master):
    html = final_html(done, NONE)

    preview = embedded(html)
    with av.open(io.BytesIO(preview)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, min(stream.width, stream.height)) == ("h264", 480)
    assert len(preview) < len(master)
    assert "a small preview is stored here" in html


def test_the_link_is_relative_to_the_notebook_and_percent_encoded(done):
    address = link(final_html(done, NONE))

    assert address == "my%20clips%20%231%20100%25%20%C3%A9/j1.mp4"
    assert done.clip.path.samefile(unquote(address))


def test_the_link_leads_from_the_notebook_and_not_from_the_working_folder(done, tmp_path, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "notebook.ipynb"))
    monkeypatch.chdir("/")

    assert (tmp_path / unquote(link(final_html(done, NONE)))).samefile(done.clip.path)


def test_a_file_that_no_page_could_open_has_no_link_but_its_path(done, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))

    html = final_html(done, NONE)

    assert "<a " not in html
    assert f"<code>~/{done.clip.path.parent.name}/j1.mp4</code>" in html
    assert str(tmp_path) not in html


def test_a_file_in_a_hidden_folder_has_no_link_for_jupyter_serves_none(done, tmp_path):
    hidden = tmp_path / ".cache"
    done.clip.path.parent.rename(hidden)
    clip = dataclasses.replace(done.clip, path=hidden / "j1.mp4", poster=None)

    html = final_html(dataclasses.replace(done, clip=clip), NONE)

    assert "<a " not in html
    assert ".cache/j1.mp4</code>" in html


def test_the_path_is_there_where_scripts_are_not(done):
    html = re.sub(r"<script>.*?</script>", "", final_html(done, NONE), flags=re.DOTALL)

    assert "j1.mp4</code>" in html
    assert "<button" not in html


def test_no_path_is_named_where_the_file_itself_is_stored(done, tmp_path):
    html = final_html(done, LARGE)

    assert "original file" not in html
    assert str(tmp_path) not in html


def test_a_preview_is_made_once(done):
    final_html(done, NONE)
    preview = done.clip.path.with_suffix(".preview.mp4")
    first = preview.stat().st_mtime_ns

    final_html(done, NONE)

    assert preview.stat().st_mtime_ns == first


@pytest.mark.parametrize("limit", [LARGE, NONE])
def test_a_file_that_is_gone_leaves_its_picture_and_the_reason_and_no_link_that_cannot_work(done, limit):
    done.clip.path.unlink()

    html = final_html(done, limit)

    assert "not stored in the notebook (" in html
    assert "<a " not in html
    assert "<video" not in html
    assert "data:image/jpeg" in html


def test_a_poster_that_is_gone_is_done_without(done, master):
    snapshot = dataclasses.replace(done, clip=dataclasses.replace(done.clip, poster=None))

    html = final_html(snapshot, LARGE)

    assert embedded(html) == master
    assert "<img" not in html


def test_a_poster_file_that_is_gone_does_not_cost_the_video(done, master):
    done.clip.poster.unlink()

    assert embedded(final_html(done, LARGE)) == master


def test_a_job_without_a_clip_ends_in_words():
    html = final_html(FAILED, LARGE)

    assert "no video; 12 credits were charged" in html.lower()
    assert "<video" not in html


def test_what_stays_is_html_and_plain_text_and_nothing_else(done):
    assert {frozenset(final_bundle(s, LARGE)) for s in (done, FAILED)} == {frozenset({"text/html", "text/plain"})}


def test_an_output_is_taken_away_by_something_that_the_classic_notebook_puts_in_its_place():
    """It leaves what it shows where it is when the new bundle is empty."""
    shell = shell_of(PERSON)
    sent = []
    shell.display_pub.publish = lambda bundle, *_, transient, update: sent.append((bundle, transient, update))
    screen = Screen(shell)

    screen.take_away("card")

    assert sent == [({"text/html": ""}, {"display_id": "card"}, True), ({}, {"display_id": "card"}, True)]


# -- a table of jobs


def job(snapshot):
    return SimpleNamespace(snapshot=snapshot, clip=snapshot.clip)


def test_a_list_of_jobs_is_a_table_with_a_row_each():
    html = jobs_html(JobList([job(SNAPSHOT), job(FAILED)]))

    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)][1:]
    assert [row[1:] for row in rows] == [
        ["req_1", "being made", "a &lt;paper&gt; boat", "seedance-2.0 · 1:1 · 4 s · 480p", "1", "12 credits"],
        ["req_1", "failed", "a &lt;paper&gt; boat", "seedance-2.0 · 1:1 · 4 s · 480p", "1", "12 credits"],
    ]


def test_an_empty_list_says_how_to_make_one():
    assert "none yet; %seedance a paper boat on a rainy street makes one" in jobs_html(JobList())


# -- who is watching


def shell_of(kernel):
    shell = SimpleNamespace(display_pub=CapturingDisplayPublisher(), kernel=kernel)
    shell.events = EventManager(shell, available_events)
    return shell


def kernel_asking(**content):
    return SimpleNamespace(get_parent=lambda _channel: {"content": content})


def broken():
    raise RuntimeError("no parent")


PERSON, PROGRAM = kernel_asking(allow_stdin=True), kernel_asking(allow_stdin=False)


@pytest.mark.parametrize(
    ("kernel", "environment", "waits"),
    [
        (PERSON, {}, False),
        (PROGRAM, {}, True),
        (kernel_asking(), {}, False),
        (SimpleNamespace(get_parent=lambda _channel: broken()), {}, False),
        (None, {}, False),
        (PROGRAM, {"SERVER_SOFTWARE": "voila/0.5"}, False),
        (PROGRAM, {"SEEDANCE_WAIT": "auto"}, True),
        (PROGRAM, {"SEEDANCE_WAIT": "never"}, False),
        (PROGRAM, {"SEEDANCE_WAIT": " Never "}, False),
        (PERSON, {"SEEDANCE_WAIT": "always"}, True),
        (None, {"SEEDANCE_WAIT": "always"}, True),
    ],
)
def test_a_cell_waits_where_nobody_is_there_to_see_the_video_come(monkeypatch, kernel, environment, waits):
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Screen(shell_of(kernel)).waits is waits


def test_a_terminal_gets_text_and_no_display(capsys, done):
    shell = shell_of(None)

    show_job(Screen(shell), job(done))

    assert capsys.readouterr().out == final_bundle(done, LARGE)["text/plain"] + "\n"
    assert shell.display_pub.outputs == []


def test_detaching_takes_every_hook_back():
    shell = shell_of(PERSON)
    screen = Screen(shell)
    attached = sum(map(len, shell.events.callbacks.values()))

    screen.detach()
    screen.detach()

    assert (attached, sum(map(len, shell.events.callbacks.values()))) == (2, 0)


# -- in the context of the newest cell

CELL = contextvars.ContextVar("cell")  # as the parent message of ipykernel 7.0: no thread of ours has one


def begin_cell(shell, name):
    CELL.set(name)
    shell.events.trigger("pre_run_cell", None)


def in_bare_thread(function):
    """What `function` returned in a thread that knows nothing of any cell, or the error it ended in."""
    found = []

    def run():
        try:
            found.append(function())
        except LookupError as error:
            found.append(error)

    thread = threading.Thread(target=lambda: contextvars.Context().run(run))
    thread.start()
    thread.join(60)
    return found[0]


def test_what_a_thread_sends_to_the_page_runs_in_the_context_of_the_newest_cell():
    shell = shell_of(PERSON)
    screen = Screen(shell)
    seen = []
    for cell in ("one", "two"):
        contextvars.copy_context().run(begin_cell, shell, cell)
        seen.append(in_bare_thread(lambda: screen.in_cell_context(CELL.get)))

    assert isinstance(in_bare_thread(CELL.get), LookupError)  # else this test tells nothing
    assert seen == ["one", "two"]


def test_outputs_that_a_thread_changes_are_sent_in_the_context_of_the_newest_cell():
    sent = []
    shell = shell_of(PERSON)
    shell.display_pub = SimpleNamespace(publish=lambda *_, update, **__: sent.append((CELL.get(), update)))
    screen = Screen(shell)
    for cell in ("one", "two"):
        contextvars.copy_context().run(begin_cell, shell, cell)
        assert in_bare_thread(lambda: screen.publish({}, "d1", update=True)) is None

    assert sent == [("one", True), ("two", True)]


def test_two_threads_may_send_at_the_same_time():
    shell = shell_of(PERSON)
    screen = Screen(shell)
    contextvars.copy_context().run(begin_cell, shell, "one")

    def both():
        return in_bare_thread(lambda: screen.in_cell_context(CELL.get))

    assert screen.in_cell_context(both) == "one"  # one context cannot be entered twice


# -- how often cards are drawn, by a clock of our own


class Loop:
    """The background loop: calls what is due as its clock moves."""

    def __init__(self):
        self.now, self.due = 1000.0, []

    def call_later(self, seconds, function):
        self.due.append((self.now + seconds, len(self.due), function))

    def advance(self, seconds):
        end = self.now + seconds
        while ready := [entry for entry in self.due if entry[0] <= end]:
            first = min(ready)
            self.due.remove(first)
            self.now = max(self.now, first[0])
            first[2]()
        self.now = end


class MovingJob:
    """A job that is told about again and again."""

    def __init__(self, loop, number):
        self.key, self.snapshot = f"j{number}", SNAPSHOT
        self.call_later, self.limits = loop.call_later, SimpleNamespace(embed_limit=LARGE)

    def subscribe(self, listener):
        self.tell = lambda: listener(self.snapshot)
        return lambda: None


@pytest.fixture
def loop(monkeypatch):
    loop = Loop()
    for module in (redraws, screen_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: loop.now))
    return loop


def draws(loop, monkeypatch, *, cards, seconds):
    """{card: when it was drawn} of so many cards whose jobs are told about fifty times a second."""
    drawn = collections.defaultdict(list)

    def open_card(view, _):
        view._card = SimpleNamespace(is_in_view=True, show=lambda _: drawn[view.job.key].append(loop.now))

    monkeypatch.setattr(JobView, "_open_card", open_card)
    screen = Screen(shell_of(PERSON))
    jobs = [MovingJob(loop, number) for number in range(cards)]
    for job in jobs:
        JobView(screen, job).open(with_card=True)
    for _ in range(seconds * 50):
        for job in jobs:
            job.tell()
        loop.advance(0.02)
    return drawn


def test_a_card_is_drawn_at_most_four_times_a_second(loop, monkeypatch):
    [times] = draws(loop, monkeypatch, cards=1, seconds=10).values()

    assert 35 <= len(times) <= 41
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.249


@pytest.mark.parametrize("cards", [6, 20, 300])
def test_all_cards_together_are_drawn_at_most_twenty_times_a_second_and_each_has_its_turn(loop, monkeypatch, cards):
    drawn = draws(loop, monkeypatch, cards=cards, seconds=30)
    times = sorted(at for card in drawn.values() for at in card)

    assert 20 * 30 * 0.9 <= len(times) <= 20 * 30 + 20
    for second in range(29):
        assert (
            sum(1000 + second <= at < 1001 + second for at in times) <= 25
        )  # what was put off adds a quarter of a second
    assert len(drawn) == cards
    fewest, most = min(map(len, drawn.values())), max(map(len, drawn.values()))
    assert most <= 1.5 * fewest + 1
