"""A picture from disk as a reference, in JupyterLab: uploaded to a real bucket, shown on the card, the video plays; again for nothing."""

import urllib.request

import pytest
from PIL import Image
from tracking.references.bucket import S3, access

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb"
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

    lab.wait_until(
        "() => [...document.querySelectorAll('.seedance-reference')].some((picture) => picture.naturalWidth > 0)",
        hint="the card shows no thumbnail",
    )
    lab.wait_text(1, "the reference was uploaded to s3://films/refs")
    lab.screenshot(f"reference-{theme}")


def test_a_picture_from_disk_goes_by_the_bucket_and_its_cell_is_free_again(
    simulate, notebook, folder, bucket, kernel_env
):
    simulator = simulate()
    kernel_env["SEEDANCE_UPLOADS"] = bucket.place
    lab = with_a_picture(notebook, folder, SAILS)

    lab.play_check(cell=1)
    [sent] = [accepted.body["mediaUrls"] for accepted in simulator.scenario.accepted]
    assert urllib.request.urlopen(sent[0]).read() == (folder / "boat.png").read_bytes()
    lab.save()
    saved = (folder / "notebook.ipynb").read_text(encoding="utf-8")
    assert "X-Amz" not in saved
    assert access()["AWS_ACCESS_KEY_ID"] not in saved

    bucket.stop()
    bucket.start()
    uploaded = bucket.objects()
    lab.run_cell(1)
    lab.wait_text(1, "reused")
    lab.play_check(cell=1)
    assert (len(simulator.scenario.accepted), bucket.objects()) == (1, uploaded)
