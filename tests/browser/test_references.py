"""A picture from disk as a reference, in JupyterLab: uploaded to a real bucket, shown on the card, the video plays; again for nothing."""

import base64
import hashlib
import urllib.request

import pytest
from browser.lab import eventually
from browser.test_panel import LOAD, PanelPage, axe, look, walk
from PIL import Image
from tracking.references.bucket import S3, access

from seedance_nb.api.models import make_request
from seedance_nb.clips.saving import save
from seedance_nb.clips.trace import Trace

pytestmark = pytest.mark.browser

THUMBNAIL = "() => [...document.querySelectorAll('.seedance-reference')].some((picture) => picture.naturalWidth > 0)"
BAR = """() => {
    const line = [...document.querySelectorAll(".seedance-line")].find((line) => line.textContent.includes("uploaded"));
    return getComputedStyle(line).borderLeftColor.match(/[\\d.]+/g).slice(0, 3).map(Number);
}"""
"""The colour of the bar before what the card says of the reference."""
SAILS = "%seedance the boat sails on -d 4 -r 480p -i boat.png"


@pytest.fixture
def bucket(monkeypatch, kernel_env):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in access().items():
        monkeypatch.setenv(name, value)
    kernel_env.update(access())
    server = S3()
    server.start()
    yield server
    server.stop()


def with_a_picture(notebook, folder, line, **options):
    folder.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").convert("RGB").resize((320, 180)).save(folder / "boat.png")
    lab = notebook(LOAD, line, **options)
    lab.run_cell(0)
    lab.run_cell(1)
    return lab


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_card_shows_the_picture_and_where_it_went(simulate, notebook, folder, bucket, kernel_env, theme):
    simulate()
    kernel_env["SEEDANCE_UPLOADS"] = bucket.place
    lab = with_a_picture(notebook, folder, SAILS.replace("sails", "sails [stuck]"), theme=theme)

    lab.wait_until(THUMBNAIL, hint="the card shows no thumbnail")
    lab.wait_text(1, "first frame")
    lab.wait_text(1, "the reference was uploaded to s3://films/refs")
    lab.screenshot(f"reference-{theme}")
    red, _, blue = lab.browser.do(lab.page.evaluate, BAR)

    assert blue > red  # what is good to know is no warning, and those are orange


def test_a_picture_from_disk_goes_by_the_bucket_and_its_cell_is_free_again(
    simulate, notebook, folder, bucket, kernel_env
):
    simulator = simulate(render_seconds=3)
    kernel_env["SEEDANCE_UPLOADS"] = bucket.place
    lab = with_a_picture(notebook, folder, SAILS)
    lab.wait_until(THUMBNAIL, hint="the card shows no thumbnail")

    lab.play_check(cell=1)
    [sent] = [accepted.body["mediaUrls"] for accepted in simulator.scenario.accepted]
    assert urllib.request.urlopen(sent[0]).read() == (folder / "boat.png").read_bytes()
    lab.save()
    saved = (folder / "notebook.ipynb").read_text(encoding="utf-8")
    assert "X-Amz" not in saved
    assert access()["AWS_ACCESS_KEY_ID"] not in saved

    bucket.stop()
    bucket.start()
    uploaded = bucket.written()
    lab.run_cell(1)
    lab.wait_text(1, "reused")
    lab.play_check(cell=1)
    assert (len(simulator.scenario.accepted), bucket.written()) == (1, uploaded)


DROP = """([content, name, on]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
    const place = [...document.querySelectorAll(".seedance-fold-button")].find((button) => button.textContent.includes(on));
    const ways = { dataTransfer: carried, bubbles: true, cancelable: true };
    return ["dragover", "drop"].map((kind) => place.dispatchEvent(new DragEvent(kind, ways)));
}"""
"""Drops a file there; false for what was taken, as the page would go to the file otherwise."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_panel_takes_a_dropped_picture_a_large_film_and_a_frame(
    simulate, notebook, folder, bucket, kernel_env, small_film, tmp_path, theme
):
    simulator = simulate(queue_seconds=0.1, render_seconds=0.2)
    kernel_env["SEEDANCE_UPLOADS"] = bucket.place
    lab = notebook(LOAD, "%seedance", theme=theme)
    lab.run_cell(0)
    lab.run_cell(1)
    page = PanelPage(lab)
    page.wait_button("Generate")
    picture = tmp_path / "a boat.png"
    Image.linear_gradient("L").convert("RGB").resize((320, 180)).save(picture)
    film = tmp_path / "film.mp4"  # longer than any message to a kernel may be
    film.write_bytes(small_film.read_bytes() + (24_000_000).to_bytes(4, "big") + b"free" + bytes(23_999_992))

    # On the title of the fold, which is closed.
    dropped = [base64.b64encode(picture.read_bytes()).decode(), picture.name, "Reference media"]
    assert lab.browser.do(lambda: lab.page.evaluate(DROP, dropped)) == [False, False]
    page.do(lambda out: out.get_by_text("a boat.png is a reference now").wait_for())
    page.do(lambda out: out.locator(".seedance-drop input").set_input_files(film))
    page.do(lambda out: out.get_by_text("film.mp4 is a reference now").wait_for(timeout=60_000))
    page.do(lambda out: out.locator(".seedance-drop input").set_input_files(picture.parent / "ledger.sqlite3"))
    page.do(lambda out: out.get_by_text("ledger.sqlite3 is no picture").wait_for())
    eventually(lambda: page.do(lambda out: out.locator(".seedance-thumbnails img").count()) == 2)
    page.make("the boat sails on")
    page.wait_video("the boat sails on", timeout=60)

    [sent] = [accepted.body["mediaUrls"] for accepted in simulator.scenario.accepted]
    fetched = [hashlib.sha256(urllib.request.urlopen(address).read()).digest() for address in sent]
    assert fetched == [hashlib.sha256(path.read_bytes()).digest() for path in (picture, film)]

    page.press("Use as reference")
    page.wait_button("Use the last frame as first frame")
    page.press("Use the last frame as first frame")
    eventually(lambda: page.do(lambda out: out.locator(".seedance-thumbnails img").count()) == 3)
    page.fill("Prompt", "and on [stuck]")
    page.press("Generate")
    page.wait_button("Cancel")
    eventually(lambda: page.do(lambda out: out.locator(".seedance-references img").count()) == 3)
    names = lab.browser.do(lambda: walk(lab.page, 40))
    assert {"Choose files…", "Addresses and paths", "Use the whole clip"} <= set(names), names
    assert sum(name.startswith("Use the") for name in names) == 7
    for width in (400, 800):
        lab.browser.do(look, page, f"panel-references-{theme}-{width}", width)
    assert lab.browser.do(lambda: axe(lab.page)) == []
    page.press("Cancel")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_saved_clip_that_is_dropped_gives_its_cell_back(simulate, notebook, small_film, tmp_path, theme):
    simulate()
    request = make_request("a paper boat in the rain", duration=7, resolution="480p")
    content = small_film.read_bytes()
    film = save(small_film, hashlib.sha256(content).hexdigest(), tmp_path / "saved.mp4", Trace(request, 1))
    lab = notebook(LOAD, "%seedance", theme=theme)
    lab.run_cell(0)
    lab.run_cell(1)
    page = PanelPage(lab)
    page.wait_button("Generate")
    dropped = [base64.b64encode(film.read_bytes()).decode(), film.name, "Reference media"]

    assert lab.browser.do(lambda: lab.page.evaluate(DROP, dropped)) == [False, False]
    page.wait_button("Give its cell", timeout=60)
    assert "saved.mp4 is a reference now" in page.do(lambda out: out.locator(".seedance-drop").inner_text())
    page.press("Give its cell")
    page.do(lambda out: out.get_by_text("the form holds what made saved.mp4").wait_for())

    eventually(lambda: page.do(lambda out: out.get_by_label("Prompt").first.input_value()) == request.prompt)
    code = page.do(lambda out: out.locator(".seedance-code textarea").input_value())
    assert "-d 7" in code
    assert code.endswith("a paper boat in the rain")
    assert page.do(lambda out: out.get_by_role("button", name="Give its cell").count()) == 0
    lab.browser.do(look, page, f"panel-gives-a-cell-{theme}", 800)
