"""`make demo` on a machine that knows nothing of us."""

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import av
import pytest
from browser.lab import Browser, embedded_videos, write_notebook

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
CLIPS = 4  # the boat, the fox, the awaited clip, and the boat again


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo, run once without a terminal and with an empty home."""
    home = tmp_path_factory.mktemp("home")
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("SEEDANCE_", "JUPYTER", "IPYTHON"))
    }
    env |= {"HOME": str(home), "SEEDANCE_API_KEY": "sd2_live_must_not_be_used", "SEEDANCE_HOME": str(home / "ledger")}
    result = subprocess.run(
        [sys.executable, "scripts/demo.py"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return result, home


def test_it_succeeds_with_one_line_a_cell_and_no_warnings(demo):
    result, _ = demo

    lines = [line for line in result.stdout.splitlines() if line.startswith("[")]
    assert (result.returncode, result.stderr) == (0, "")
    assert len(lines) > 8
    assert all(re.fullmatch(r"\[ ?\d+/\d+\] .+  done in \d+\.\d s", line) for line in lines), lines
    assert f"{ROOT / 'build' / 'quickstart.html'}" in result.stdout


def test_the_users_ledger_is_not_touched(demo):
    _, home = demo

    assert not (home / "ledger").exists()


@pytest.mark.parametrize("name", ["quickstart.ipynb", "quickstart.html"])
def test_the_videos_are_inside(demo, name):
    videos = [base64.b64decode(encoded) for encoded in embedded_videos(ROOT / "build" / name)]

    assert len(videos) == CLIPS
    for video in videos:
        with av.open(io.BytesIO(video)) as film:
            stream = film.streams.video[0]
            assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
            assert next(film.decode(stream)).width == stream.width


@pytest.mark.browser
@pytest.mark.host("nbconvert HTML", "finished video after reopening")
def test_the_page_plays_from_a_file(demo):
    with Browser() as browser:
        page = browser.open((ROOT / "build" / "quickstart.html").as_uri())

        for nth in range(CLIPS):
            assert page.play_check(nth)["readyState"] == 4
        page.screenshot("demo-html")


def test_a_cell_that_fails_ends_it_with_one_line(tmp_path):
    notebook = write_notebook(tmp_path / "broken.ipynb", ["1 + 1", "raise ValueError('two\\nlines')", "'never run'"])
    script = f"import demo, pathlib; demo.ROOT = demo.BUILD = pathlib.Path({str(tmp_path)!r}); demo.QUICKSTART = demo.ROOT / {notebook.name!r}"
    result = subprocess.run(
        [sys.executable, "-c", f"{script}; raise SystemExit(demo.main())"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 1
    assert "[ 3/3]" not in result.stdout
    assert result.stderr.strip() == r"The demo failed: cell 2 (raise ValueError('two\nlines')): ValueError: two lines"
