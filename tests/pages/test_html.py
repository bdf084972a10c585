"""HTML that is safe, quiet, and still right when JupyterLab does not trust it."""

import base64
import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.clips.clip import Clip
from seedance_nb.errors import GenerationCancelled, GenerationFailed, SeedanceError
from seedance_nb.pages import html
from seedance_nb.pages import words as in_words
from seedance_nb.snapshot import Snapshot

XSS = """"><img src=x onerror=alert(1)><script>alert(1)</script>' onmouseover='alert(1)"""
BOAT = VideoRequest(prompt="a paper boat", aspect_ratio="16:9", duration=5, resolution="720p")
CLIP = Clip(Path("clips/j1.mp4"), None, 2_500_000, 1280, 720, 24.0, 5.0, "ab12" * 16)
SNAPSHOT = Snapshot(
    key="j1",
    request=BOAT,
    take=1,
    status=Status.PROCESSING,
    status_text="processing",
    request_id="req_1",
    credits=40.0,
    created_at=1000.0,
    accepted_at=1001.0,
)
DONE = dataclasses.replace(SNAPSHOT, status=Status.SUCCEEDED, status_text="succeeded", clip=CLIP, finished_at=1042.0)
# Of JupyterLab's sanitiser for untrusted notebooks: the tags and attributes it leaves alone.
KEPT = {
    "*": {"style", "title", "dir"},
    "video": {"controls", "loop", "muted", "preload", "width", "height", "src"},
    "img": {"src", "alt", "width"},
    "a": {"href"},
    **dict.fromkeys(["div", "span", "code", "strong", "figure", "figcaption", "details", "summary"], frozenset()),
    **dict.fromkeys(["table", "caption", "thead", "tbody", "tr", "th", "td"], frozenset()),
}


class Page(HTMLParser):
    """What a browser would make of it: elements with their attributes, and the text between them."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def of(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    def foreign(self):
        return [
            (tag, name)
            for tag, attrs in self.elements
            for name in [None, *attrs]
            if tag not in KEPT or (name is not None and name not in KEPT[tag] | KEPT["*"])
            if (name, attrs.get(name)) != ("data-lm-suppress-shortcuts", "seedance")  # ours; nothing rests on it there
        ]


def with_(snapshot=SNAPSHOT, **changes):
    return dataclasses.replace(snapshot, **changes)


def poisoned(**changes):
    """Every text a server, a user or a file system could have written, hostile."""
    request = VideoRequest(
        prompt=XSS,
        model=XSS,
        aspect_ratio=XSS,
        resolution=XSS,
        media_urls=(f"https://x/{XSS}",),
        webhook_url=XSS,
        metadata={XSS: XSS},
    )
    hostile = {
        "key": XSS,
        "request": request,
        "status_text": XSS,
        "request_id": XSS,
        "estimate_source": XSS,
        "error": SeedanceError(XSS),
        "trouble": XSS,
        "note": XSS,
        "warnings": (XSS,),
        "remarks": (XSS,),
    }
    return with_(**hostile | changes)


def pages():
    """Each function on the worst it can get, by name."""
    clip = dataclasses.replace(CLIP, path=Path(f"clips/{XSS.replace('/', '')}.mp4"), sha256=XSS)
    done = poisoned(status=Status.SUCCEEDED, error=None, clip=clip, finished_at=1042.0)
    made = {f"receipt {status}": html.receipt(poisoned(status=status)) for status in Status}
    made |= {f"ending {status}": html.ending(poisoned(status=status)) for status in Status}
    made["receipt without an id"] = html.receipt(poisoned(request_id=None, simulated=True, error=None))
    made["figure"] = html.figure(done, XSS, XSS, link=XSS, note=XSS)
    made["figure of a long prompt"] = html.figure(
        with_(done, request=VideoRequest(prompt=XSS * 20)), "data:video/mp4;base64,AA=="
    )
    made["clip figure"] = html.clip_figure(clip, XSS, XSS, link=XSS, note=XSS)
    made["table"] = html.table([XSS, "n"], [[XSS * 3, "1"], [XSS, XSS]], XSS)
    return made


@pytest.mark.parametrize(("name", "source"), pages().items(), ids=pages())
def test_no_text_becomes_an_element_or_an_attribute(name, source):
    page = Page(source)

    assert page.foreign() == []
    assert page.open == []
    assert [a for a in page.of("img") if a["src"] == "x"] == []
    assert "alert(1)" in source, "the text itself must stay readable"


@pytest.mark.parametrize("name", ["receipt processing", "ending failed", "figure"])
def test_hostile_text_is_shown_as_it_is(name):
    assert XSS in Page(pages()[name]).text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "http://["]
)
def test_a_link_that_runs_something_is_no_link(url):
    page = Page(html.figure(DONE, "data:,", link=url))

    assert page.of("a") == []
    assert "original file (2.5 MB)" in page.text


def test_a_text_cannot_turn_its_neighbours_around_or_break_the_notebook_file():
    source = html.receipt(with_(request=VideoRequest(prompt="a\u202eb\x00c\ud800d\x9be")))

    source.encode("utf-8")
    assert "ab c?d e" in source


def test_emoji_and_line_breaks_of_a_prompt_survive():
    prompt = "a family 👨‍👩‍👧\nin the rain"

    assert prompt in Page(html.receipt(with_(request=VideoRequest(prompt=prompt)))).text


# -- figure


def test_the_source_is_on_the_video_and_the_poster_inside_it():
    page = Page(html.figure(DONE, "data:video/mp4;base64,AAAA", "data:image/jpeg;base64,BBBB"))

    [video], [img] = page.of("video"), page.of("img")
    assert page.of("source") == []
    assert video["src"] == "data:video/mp4;base64,AAAA"
    assert {"controls", "loop", "muted"} <= set(video)
    assert (video["preload"], video["title"]) == ("metadata", "a paper boat")
    assert (img["src"], img["alt"]) == ("data:image/jpeg;base64,BBBB", "a paper boat")
    assert re.search(r"<video[^>]*><img[^>]*></video>", html.figure(DONE, "v", "p"))


def test_bytes_are_in_the_figure_once():
    mp4, poster = html.data_uri("video/mp4", b"an mp4" * 50), html.data_uri("image/jpeg", b"a jpeg" * 50)

    source = html.figure(DONE, mp4, poster)

    assert (source.count(mp4), source.count(poster)) == (1, 1)


def test_a_data_uri_gives_the_bytes_back():
    head, _, body = html.data_uri("video/mp4", bytes(range(256))).partition(",")

    assert (head, base64.b64decode(body)) == ("data:video/mp4;base64", bytes(range(256)))


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((1280, 720), (640, 360)),
        ((720, 1280), (270, 480)),
        ((720, 720), (480, 480)),
        ((854, 480), (640, 360)),
        ((3000, 10), (640, 2)),
        ((0, 0), (640, 360)),
    ],
)
def test_a_clip_is_fitted_into_640_by_480(size, shown):
    clip = dataclasses.replace(CLIP, width=size[0], height=size[1])

    [video] = Page(html.figure(with_(DONE, clip=clip), "v")).of("video")

    assert (int(video["width"]), int(video["height"])) == shown


def test_the_caption_says_what_it_is_and_what_it_cost():
    text = Page(html.figure(DONE, "v")).text

    assert text == (
        "a paper boat"
        "seedance-2.0 · 16:9 · 5 s · 720p · take 1 · 40 credits · made in 42 s · request req_1 · sha256 ab12ab12ab12"
    )


def test_the_caption_takes_from_the_clip_what_the_request_left_open():
    text = Page(html.figure(with_(DONE, request=VideoRequest(prompt="a boat")), "v")).text

    assert "1280×720 · 5 s" in text


def test_a_preview_links_to_the_original():
    page = Page(html.figure(DONE, "v", link="clips/j%201.mp4", note="Shown is a preview."))

    assert page.of("a") == [{"href": "clips/j%201.mp4"}]
    assert page.text.endswith("Shown is a preview. · original file (2.5 MB)")


def test_a_very_long_prompt_folds_and_stays_complete():
    prompt = "a paper boat " * 1500
    page = Page(html.figure(with_(DONE, request=VideoRequest(prompt=prompt)), "v", "p"))

    assert len(page.of("details")) == len(page.of("summary")) == 1
    assert page.text.count(prompt) == 1
    assert len(page.of("video")[0]["title"]) <= html.LONG_PROMPT + 1
    assert len(page.of("img")[0]["alt"]) <= html.LONG_PROMPT + 1


def test_a_short_prompt_does_not_fold():
    assert Page(html.figure(DONE, "v")).of("details") == []


def test_a_clip_alone_is_shown_with_the_facts_of_its_file():
    page = Page(html.clip_figure(CLIP, "v", "p"))

    assert page.of("video")[0]["src"] == "v"
    assert page.text == "j1.mp4 · 1280×720 · 24 fps · 5 s · 2.5 MB · sha256 ab12ab12ab12"


# -- receipt and ending


def test_a_receipt_says_what_was_asked_where_it_stood_and_how_to_get_it_back():
    text = Page(html.receipt(SNAPSHOT)).text

    assert text == (
        "a paper boat"
        "seedance-2.0 · 16:9 · 5 s · 720p · take 1 · 40 credits"
        "last seen being made · get it back with %seedance attach req_1"
    )


def test_before_there_is_a_request_id_the_receipt_names_our_own():
    text = Page(html.receipt(with_(status=Status.SUBMITTING, request_id=None))).text

    assert "last seen being sent · get it back with %seedance attach j1" in text


@pytest.mark.parametrize("make", [html.receipt, html.ending, lambda s: html.figure(s, "v"), in_words.plain])
@pytest.mark.parametrize("reused", [False, True])
def test_what_is_simulated_says_so(make, reused):
    assert "simulated" in make(with_(DONE, simulated=True, reused=reused))


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.REJECTED, Status.UNKNOWN])
def test_a_receipt_of_a_job_that_ended_without_a_video_is_its_ending(status):
    snapshot = with_(status=status, error=GenerationFailed("No video; 40 credits were charged; try another prompt."))

    assert html.receipt(snapshot) == html.ending(snapshot)


def test_an_ending_says_what_happened_what_it_cost_and_what_to_do():
    error = GenerationFailed("No video; 40 credits were charged; try another prompt.")
    text = Page(html.ending(with_(status=Status.FAILED, error=error, finished_at=1042.0))).text

    assert text == (
        "Failed. No video; 40 credits were charged; try another prompt."
        "a paper boat"
        "seedance-2.0 · 16:9 · 5 s · 720p · take 1 · 40 credits · after 42 s · request req_1"
    )


def test_a_video_that_could_not_be_downloaded_is_told_from_a_failure():
    snapshot = with_(DONE, clip=None, error=SeedanceError("The file could not be downloaded; run the cell again."))

    assert Page(html.receipt(snapshot)).text.startswith("Made, but not downloaded. The file could not be downloaded;")


def test_no_colour_is_given_to_text():
    declarations = ";".join(
        attrs.get("style") or "" for source in pages().values() for _, attrs in Page(source).elements
    )

    assert re.findall(r"(?:^|;)\s*(?:color|background)[^;]*", declarations) == []
    assert "var(" not in declarations


# -- words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (-3, "0 s"), (float("nan"), "0 s"), (float("inf"), "0 s"), (0.4, "0 s"), (42, "42 s"),
        (59.7, "1 min"), (72, "1 min 12 s"), (120, "2 min"), (3599, "59 min 59 s"), (3600, "1 h"), (7500, "2 h 5 min"),
        (7199, "2 h"),
    ],
)  # fmt: skip
def test_durations_are_said_as_people_say_them(seconds, words):
    assert in_words.duration_words(seconds) == words


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (BOAT, "seedance-2.0 · 16:9 · 5 s · 720p"),
        (VideoRequest(prompt="p"), "seedance-2.0"),
        (
            VideoRequest(prompt="p", duration=10, media_urls=("https://x/a.png",)),
            "seedance-2.0 · 10 s · 1 reference file (first frame)",
        ),
        (VideoRequest(prompt="p", media_urls=("https://x/a", "https://x/b")), "seedance-2.0 · 2 reference files"),
        (
            VideoRequest(prompt="p", media_urls=("sha256:" + 64 * "0" + ".png", "https://x/B.JPG?v=3")),
            "seedance-2.0 · 2 reference files (first and last frame)",
        ),
        (VideoRequest(prompt="p", media_urls=("https://x/a.mp4",)), "seedance-2.0 · 1 reference file"),
        (VideoRequest(prompt="p", media_urls=3 * ("https://x/a.png",)), "seedance-2.0 · 3 reference files"),
    ],
)
def test_settings_leave_out_what_was_left_to_the_service(request_, line):
    assert in_words.settings_line(request_) == line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": Status.SUBMITTING, "status_text": "submitting"}, "being sent"),
        ({"status": Status.QUEUED, "status_text": "queued"}, "waiting in the queue"),
        ({"status_text": "PROCESSING"}, "being made"),
        ({"status_text": "upscaling"}, "being made (the service says “upscaling”)"),
        ({"cancel_requested": True}, "being made, cancel requested"),
        ({"status": Status.SUCCEEDED, "clip": CLIP}, "done"),
        ({"status": Status.SUCCEEDED}, "made, downloading"),
        ({"status": Status.SUCCEEDED, "error": SeedanceError("x")}, "made, but not downloaded"),
        ({"status": Status.FAILED, "status_text": "failed"}, "failed"),
        ({"status": Status.CANCELLED, "cancel_requested": True}, "cancelled"),
        ({"status": Status.REJECTED}, "not accepted"),
        ({"status": Status.UNKNOWN}, "outcome unknown"),
    ],
)
def test_a_status_is_said_in_plain_words(changes, words):
    assert in_words.status_words(with_(**changes)) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "40 credits"),
        ({"credits": 1.0}, "1 credit"),
        ({"credits": 12.8}, "12.8 credits"),
        ({"credits": 0.0}, "0 credits"),
        ({"credits": 0.0, "reused": True}, "0 credits, reused"),
        ({"simulated": True}, "40 simulated credits"),
        ({"credits": None, "estimate": 40.0}, "about 40 credits"),
        ({"credits": None}, "credits not known"),
        ({"credits": None, "estimate": 40.0, "status": Status.FAILED}, "credits not known"),
        ({"credits": None, "estimate": 40.0, "status": Status.UNKNOWN}, "credits unknown: it may have been charged"),
    ],
)
def test_credits_are_never_guessed(changes, words):
    assert in_words.credits_words(with_(**changes)) == words


# -- plain text


def test_plain_text_of_a_running_job_says_how_to_get_it_back():
    assert in_words.plain(SNAPSHOT).splitlines() == [
        "a paper boat",
        "seedance-2.0 · 16:9 · 5 s · 720p · take 1 · being made · 40 credits · request req_1",
        "get it back with %seedance attach req_1",
    ]


def test_plain_text_of_a_finished_job_names_its_file():
    assert in_words.plain(DONE).splitlines()[-1] == "file j1.mp4"


def test_plain_text_of_a_failed_job_ends_in_its_error():
    assert in_words.plain(with_(status=Status.FAILED, error=SeedanceError("No."))).splitlines()[-1] == "No."


def test_plain_text_is_at_most_three_lines_and_cannot_command_a_terminal():
    text = in_words.plain(
        with_(request=VideoRequest(prompt="a\n\x1b]0;owned\x07b\n" * 40), error=SeedanceError("x\ny"))
    )

    assert len(text.splitlines()) == 3
    assert "\x1b" not in text
    assert "\x07" not in text


# -- table


def test_a_table_sets_numbers_right_and_texts_left():
    page = Page(html.table(["job", "credits"], [["req_1", "40"], ["req_2", "12.8"], ["req_3", ""]]))

    sides = [re.search("text-align:(left|right)", a["style"]).group(1) for t, a in page.elements if t in ("th", "td")]
    assert sides == ["left", "right"] * 4


def test_a_table_without_rows_is_only_its_head():
    page = Page(html.table(["job", "credits"], [], "No jobs yet"))

    assert page.text == "No jobs yetjobcredits"
    assert page.of("td") == []


def test_a_plain_table_has_its_columns_in_line():
    text = in_words.plain_table(("Id", "Prompt"), [("req_1", "a\nboat"), ("req_22", "fox")], "Jobs")
    assert text.splitlines() == ["Jobs", "Id      Prompt", "req_1   a boat", "req_22  fox"]


def test_an_ending_says_what_it_is_once():
    error = GenerationCancelled("cancelled; nothing was charged")
    page = html.ending(with_(status=Status.CANCELLED, status_text="cancelled", error=error))
    assert "<strong>Cancelled.</strong> Nothing was charged" in page
