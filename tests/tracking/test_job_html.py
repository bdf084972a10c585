"""`job.to_html()`: what a notebook stores of a job, for whoever embeds it elsewhere; in a plain script, without a kernel."""

import base64
import re
import subprocess
import sys

from tracking.doubles import until

SMALL = {"aspect_ratio": "1:1", "resolution": "480p", "duration": 4}
VIDEO = re.compile(r'<video\b[^>]*\ssrc="data:video/mp4;base64,([^"]+)"')
SCRIPT = """
import sys
import seedance_nb as sd
job = sd.submit("a boat", aspect_ratio="1:1", resolution="480p", duration=4)
job.result(60)
assert "<video" in job.to_html()
print(sorted({name.partition(".")[0] for name in sys.modules} & {"IPython", "ipywidgets", "anywidget", "traitlets"}))
"""


def test_a_finished_job_has_its_clip_inside_and_nothing_that_runs(session):
    job = session.submit("a <b>boat</b> & more", **SMALL)
    job.result(60)
    html = job.to_html()
    [video] = VIDEO.findall(html)
    assert base64.b64decode(video) == job.clip.bytes()
    assert "a &lt;b&gt;boat&lt;/b&gt; &amp; more" in html
    assert "<script" not in html


def test_above_the_limit_a_preview_is_inside(session):
    job = session.submit("a boat", **SMALL)
    clip = job.result(60)
    [video] = VIDEO.findall(job.to_html(embed_limit=clip.size - 1))
    assert 0 < len(base64.b64decode(video)) != clip.size


def test_one_that_failed_says_why_and_one_that_runs_how_to_get_it_back(session):
    failed = session.submit("a boat [fail]", **SMALL)
    assert until(failed.done)
    assert "Failed." in failed.to_html()
    running = session.submit("a boat [stuck]", **SMALL)
    assert until(lambda: running.request_id)
    assert f"%seedance attach {running.request_id}" in running.to_html()


def test_a_plain_script_needs_nothing_of_the_notebook(simulator, tmp_path, monkeypatch):
    for name, value in {"BASE_URL": simulator.base_url, "API_KEY": "k", "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(f"SEEDANCE_{name}", value)
    said = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert said.stdout == "[]\n", said.stderr
