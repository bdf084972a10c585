"""The one table of a request's fields: a change to it is a change everywhere. Tried in copies of the package, in processes of their own."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import seedance_nb
from seedance_nb.api.fields import DEFAULTS, EVERY, FIELDS, MODELS, TABLE, listed, offered
from seedance_nb.api.models import VideoRequest, make_request
from seedance_nb.notebook.syntax.arguments import Defaults, parse, request_options
from seedance_nb.simulator import rules
from seedance_nb.tracking.session import Session


def named(name):
    return next(field for field in TABLE if field.name == name)


@pytest.fixture
def copied(tmp_path):
    """A copy of the package to be changed: `change(file, old, new)`, then `run(code)` in it."""
    root = tmp_path / "copy"
    shutil.copytree(
        Path(seedance_nb.__file__).parent, root / "seedance_nb", ignore=shutil.ignore_patterns("__pycache__")
    )
    changed = set()

    class Copy:
        files = changed

        def change(self, file, old, new):
            path = root / "seedance_nb" / file
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1, (file, old)
            path.write_text(text.replace(old, new), encoding="utf-8")
            changed.add(file)

        def run(self, code):
            environment = os.environ | {"PYTHONPATH": str(root), "SEEDANCE_HOME": str(tmp_path / "home")}
            done = subprocess.run(
                [sys.executable, "-c", code],
                check=False,
                env=environment,
                cwd=root,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

    return Copy()


def test_request_session_and_magic_agree_with_the_table():
    signature = inspect.signature(Session.submit).parameters

    assert tuple(VideoRequest.__struct_fields__) == FIELDS
    assert tuple(inspect.signature(make_request).parameters) == FIELDS
    assert [name for name in signature if name in FIELDS] == [*FIELDS]
    for name in FIELDS[1:]:
        assert (
            signature[name].default == inspect.signature(make_request).parameters[name].default == named(name).default
        )
    assert vars(Defaults()) == dict(DEFAULTS)
    assert request_options(parse("a boat")) == {"prompt": "a boat", **DEFAULTS}
    assert msgspec.structs.asdict(rules.with_defaults(VideoRequest(prompt="a boat"))) == msgspec.structs.asdict(
        make_request("a boat")
    )


def test_every_default_is_offered_by_the_default_model():
    offer = MODELS[DEFAULTS["model"]]

    assert all(DEFAULTS[name] in getattr(offer, name) for name in EVERY)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((5,), "5"),
        ((5, 10), "5 or 10"),
        ((4, 5, 6), "4 to 6"),
        (tuple(range(4, 16)), "4 to 15"),
        ((4, 6, 8, 10, 12), "4, 6, 8, 10 or 12"),
        (("16:9", "9:16", "1:1", "4:3", "21:9"), "16:9, 9:16, 1:1, 4:3 or 21:9"),
        ((), ""),
    ],
)
def test_only_whole_numbers_without_a_gap_are_said_from_and_to(values, words):
    assert listed(values) == words


def test_the_help_says_which_model_takes_something_else():
    assert offered(named("duration")) == "4 to 15; 5 or 10 with seedance-1.5-pro"
    assert offered(named("resolution")) == "480p, 720p, 1080p"


NEW_RATIO = """
import seedance_nb as sd
from seedance_nb.api.catalog import Catalog
from seedance_nb.errors import InvalidRequest
from seedance_nb.notebook.syntax.arguments import complete, help_text, parse
from seedance_nb.notebook.panel.compose import Compose

line = "%seedance -m {model} -a "
assert complete(line.format(model="seedance-1.5-pro"), []) == ["16:9", "9:16", "1:1", "21:9"]
assert complete(line.format(model="seedance-2.0"), []) == ["16:9", "9:16", "1:1"]
assert "16:9, 9:16, 1:1; 16:9, 9:16, 1:1 or 21:9 with seedance-1.5-pro" in " ".join(help_text().split())
form = Compose(Catalog(), lambda: None)
assert "21:9" not in form.aspect_ratio.control.labels
assert "makes 4 to 15 s" not in form.model.line.value and "makes 16:9, 9:16 or 1:1" in form.model.line.value
form.model.control.value = "seedance-1.5-pro"
assert "21:9" in form.aspect_ratio.control.labels and " to " not in form.model.line.value
plan = sd.grid("a boat", model=["seedance-1.5-pro", "seedance-2.0"], aspect_ratio="21:9").plan
assert [line.standing for line in plan.lines] == ["new", "invalid"], plan
with sd.Session(base_url="simulator") as session:
    clip = session.submit("a boat", model="seedance-1.5-pro", aspect_ratio="21:9", resolution="480p").result(120)
    assert abs(clip.width / clip.height - 21 / 9) < 0.02, clip
    try:
        session.submit("a boat", aspect_ratio="21:9")
    except InvalidRequest as error:
        assert "choose 16:9, 9:16 or 1:1" in str(error)
    else:
        raise AssertionError("sent")
print("done")
"""


@pytest.mark.slow
def test_a_new_ratio_for_one_model_is_one_line_in_one_file(copied):
    copied.change(
        "api/fields.py",
        '"seedance-1.5-pro": Offer(("16:9", "9:16", "1:1"),',
        '"seedance-1.5-pro": Offer(("16:9", "9:16", "1:1", "21:9"),',
    )

    assert copied.run(NEW_RATIO) == "done\n"
    assert copied.files == {"api/fields.py"}


NEW_MODEL = """
import seedance_nb as sd
from seedance_nb.api.models import make_request
from seedance_nb.notebook.syntax.arguments import complete
from seedance_nb.tracking.prices import most
from seedance_nb.api.catalog import Catalog

assert complete("%seedance -m seedance-3", []) == ["seedance-3"]
assert complete("%seedance -m seedance-3 -r ", []) == ["720p", "2160p"]
assert most(make_request("x", resolution="2160p"), Catalog(), (None, None)) is None  # no price is guessed from another's
with sd.Session(base_url="simulator") as session:
    job = session.submit("a boat", model="seedance-3", duration=2, resolution="720p")
    assert job.result(120).height == 720
    assert {"720p": 8, "2160p": 64} == session.models().models["seedance-3"].credits_per_second
print("done")
"""


@pytest.mark.slow
def test_a_new_model_with_new_seconds_and_lines_is_one_line_in_one_file(copied):
    copied.change(
        "api/fields.py",
        '        "seedance-1.5-pro": Offer',
        '        "seedance-3": Offer(("16:9",), (2, 3), ("720p", "2160p")),\n        "seedance-1.5-pro": Offer',
    )

    assert copied.run(NEW_MODEL) == "done\n"


NEW_OPTION = """
import time
import seedance_nb as sd
from seedance_nb.api.models import make_request
from seedance_nb.notebook.syntax.arguments import grid_options, help_text, parse, request_options
from seedance_nb.notebook.syntax.back_to_text import as_magic, as_python
from seedance_nb.tracking.ledger.ledger import Ledger

assert "--negative-prompt TEXT" in help_text() and "never to be seen" in help_text()
found = parse('a boat --negative-prompt "no people, no text" --seed 7,8')
assert found.is_grid and grid_options(found)["seed"] == [7, 8]
request = make_request(**request_options(parse('a boat --negative-prompt "no people, no text" --seed 7')))
assert request.negative_prompt == "no people, no text" and request.seed == 7
assert request.canonical_hash() != make_request("a boat").canonical_hash()
again = as_magic(request)
assert make_request(**request_options(parse(*again.removeprefix("%%seedance").split("\\n", 1)))) == request, again
old = make_request("a boat").to_wire()
assert "seed" not in old and "negativePrompt" not in old  # what was bought before is still the same request
with sd.configure(base_url="simulator") as session:
    job = sd.submit("a boat", negative_prompt="no people", seed=7, resolution="480p", duration=4)
    job.result(120)
    exec(as_python(job.request, 2))
    end = time.monotonic() + 60
    while len(sd.jobs()) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert [(job.take, job.request.seed) for job in sd.jobs()] == [(2, 7), (1, 7)]
    record = session.ask_ledger(Ledger.find, job.key)
    assert (record.request.negative_prompt, record.request.seed) == ("no people", 7)
    for seed, is_reused in ((7, True), (8, False)):
        again = session.submit("a boat", negative_prompt="no people", seed=seed, resolution="480p", duration=4)
        again.result(120)  # a busy ledger is not waited for by `submit`
        assert again.reused is is_reused
    for near in ("negativ_prompt", "seeds"):
        try:
            sd.submit("a boat", **{near: 1})
        except sd.InvalidRequest as error:
            assert "did you mean" in str(error), error
        else:
            raise AssertionError(near)
print("done")
"""


@pytest.mark.slow
def test_a_new_option_of_the_magic_that_is_stored_with_the_job_is_two_files(copied):
    copied.change(
        "api/fields.py",
        ')\n"""In the order in which they are shown."""',
        '    Field("negative_prompt", "text", None, ("--negative-prompt",), "TEXT", "never to be seen"),\n'
        '    Field("seed", "number", None, ("--seed",), "NUMBERS", "where the noise begins"),\n'
        ')\n"""In the order in which they are shown."""',
    )
    copied.change(
        "api/models.py",
        'of these, by the names they have there; sent beside them."""\n',
        'of these, by the names they have there; sent beside them."""\n    negative_prompt: str | None = None\n    seed: int | None = None\n',
    )
    copied.change(
        "api/models.py",
        "    extra: Mapping[str, Any] | None = None,\n)",
        "    extra: Mapping[str, Any] | None = None,\n    negative_prompt: str | None = None,\n    seed: int | None = None,\n)",
    )
    copied.change(
        "api/models.py",
        "extra=read_extra(extra),\n    )",
        "extra=read_extra(extra),\n        negative_prompt=_spelled(negative_prompt),\n        seed=seed,\n    )",
    )

    assert copied.run(NEW_OPTION) == "done\n"
    assert copied.files == {"api/fields.py", "api/models.py"}
