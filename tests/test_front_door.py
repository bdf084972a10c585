import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from notebook.kernel import Kernel

import seedance_nb
from seedance_nb.api.models import make_request
from seedance_nb.settings import LIMIT_NAMES, Limits

PUBLIC = [
    "ApiError",
    "AuthenticationError",
    "BudgetExceeded",
    "Clip",
    "ClipError",
    "ConfigurationError",
    "ConnectionFailed",
    "Generation",
    "GenerationCancelled",
    "GenerationFailed",
    "Grid",
    "InvalidRequest",
    "Job",
    "Ledger",
    "OutcomeUnknown",
    "PaymentRequired",
    "RateLimited",
    "SeedanceError",
    "ServerError",
    "Session",
    "Status",
    "Story",
    "VideoRequest",
    "WaitTimeout",
    "__version__",
    "account",
    "configure",
    "forget",
    "grid",
    "import_clip",
    "jobs",
    "limit",
    "load_ipython_extension",
    "measures",
    "models",
    "panel",
    "rank",
    "read",
    "resume",
    "serve_webhooks",
    "story",
    "submit",
    "unload_ipython_extension",
]
HEAVY = [
    "IPython",
    "anywidget",
    "av",
    "httpx",
    "ipywidgets",
    "msgspec",
    "PIL",
    "platformdirs",
    "sqlite3",
    "tornado",
    "traitlets",
]
MODULES = 3
"""`import seedance_nb` loads itself, its version and __future__; measured on 3.11."""


def fresh(code):
    """What a new interpreter prints, as JSON."""
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    return json.loads(done.stdout)


def test_the_public_names_are_these_and_no_others():
    assert sorted(seedance_nb.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_explains_itself(name):
    value = getattr(seedance_nb, name)

    assert isinstance(value, str) or inspect.getdoc(value)


def test_the_names_are_listed_for_completion():
    assert set(PUBLIC) <= set(dir(seedance_nb))


def test_a_star_import_brings_every_public_name():
    names = {}
    exec("from seedance_nb import *", names)

    assert set(PUBLIC) <= set(names)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'seedance_nb' has no attribute 'sumbit'"):
        _ = seedance_nb.sumbit


def test_names_for_type_checkers_are_the_names_at_run_time():
    source = inspect.getsource(seedance_nb)
    block = source.partition("if TYPE_CHECKING:")[2].partition("_ROOM_OF")[0]

    for name in set(PUBLIC) - {"__version__", "load_ipython_extension", "unload_ipython_extension"}:
        assert re.search(rf"\b{name}\b", block)


def test_importing_the_front_door_loads_nothing_behind_it():
    code = f"""
import sys
import importlib, json, typing
before = set(sys.modules)
import seedance_nb
new = set(sys.modules) - before
print(json.dumps([len(new), sorted(name for name in new if name.split('.')[0] in {HEAVY})]))
"""
    count, heavy = fresh(code)

    assert heavy == []
    assert count <= MODULES + 1


def test_an_error_can_be_named_without_loading_more_than_errors():
    code = f"""
import sys, json
before = set(sys.modules)
from seedance_nb import SeedanceError
print(json.dumps(sorted(name for name in set(sys.modules) - before if name.split('.')[0] in {HEAVY})))
"""
    assert fresh(code) == []


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import seedance_nb.tracking.session",
        "from seedance_nb.tracking import session",
        "import seedance_nb.tracking",
        "import seedance_nb; seedance_nb.submit",
    ],
)
def test_jobs_is_the_public_function_also_after_its_room_was_imported(before):
    code = f"""
{before}
import json, tempfile
import seedance_nb as sd
with tempfile.TemporaryDirectory() as home:
    sd.configure(api_key="a-key", base_url="http://127.0.0.1:1", home=home)
    print(json.dumps([callable(sd.jobs), list(sd.jobs()), list(sd.jobs(status="failed", limit=3))]))
"""
    assert fresh(code) == [True, [], []]


# Every keyword can be seen -----------------------------------------------------------------------------

FIELDS = ["model", "aspect_ratio", "duration", "resolution", "media_urls", "webhook_url", "metadata", "extra"]
PLACES = ["api_key", "base_url", "home", "account", "ledger", "clips", "uploads", "notify"]
KEYWORDS = {
    "sd.submit": ["prompt", *FIELDS, "take", "fresh", "max_credits"],
    "sd.grid": ["prompt", "rows", "takes", "mode", "where", "raw", "sample", *FIELDS],
    "sd.jobs": ["status", "limit", "starred", "text"],
    "sd.forget": ["job"],
    "sd.import_clip": ["path"],
    "sd.limit": ["credits", "per", "person", "project", "calls_a_minute", "creates_at_once"],
    "sd.configure": [*PLACES, "webhook_url", "public_url", "person", "project", *LIMIT_NAMES],
    "sd.Session": [*PLACES, "webhook_url", "public_url", "person", "project", *LIMIT_NAMES],
    "sd.serve_webhooks": ["port", "host", "public_url"],
    "sd.account": ["which", "of"],
    "sd.rank": ["votes", "clips", "by", "aspect", "of", "raters", "seed", "scale"],
    "sd.Session.submit": ["prompt", *FIELDS, "take", "fresh", "max_credits"],
    "sd.Session.jobs": ["status", "limit", "starred", "text"],
    "sd.Grid.submit": ["max_credits", "fresh"],
    "sd.Grid.ranking": ["by", "aspect", "raters", "of", "resamples", "seed", "block_of", "scale"],
    "sd.Grid.raters": ["by", "aspect"],
    "sd.Grid.register": [
        "question",
        "by",
        "of",
        "aspects",
        "raters",
        "votes",
        "stopping",
        "exclusion",
        "estimand",
        "notes",
    ],
    "sd.Grid.power": ["gap", "by", "luck", "taste", "suits", "ties", "raters", "votes", "power"],
    "sd.Grid.vote": ["aspects", "rater", "by", "offline", "gold", "training"],
    "sd.Grid.add_votes": ["path", "unsigned"],
    "sd.Grid.withdraw": ["rater"],
    "sd.Grid.export": ["path", "rows", "columns", "pages", "where", "embed", "sound", "executor", "names", "layout"],
}


def parameters(path):
    value = seedance_nb
    for name in path.split(".")[1:]:
        value = getattr(value, name)
    return {
        name: parameter
        for name, parameter in inspect.signature(value).parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }


@pytest.fixture(scope="module")
def new_kernel(tmp_path_factory):
    """A kernel that has imported the front door and used nothing of it."""
    with Kernel(tmp_path_factory.mktemp("door"), {}) as kernel:
        kernel.run("import seedance_nb as sd")
        yield kernel


@pytest.mark.parametrize("path", KEYWORDS)
def test_tab_offers_every_keyword_and_shift_tab_shows_it_with_its_type_and_what_it_does(new_kernel, path):
    offered, shown = new_kernel.tab(f"{path}("), new_kernel.shift_tab(f"{path}(")

    assert list(parameters(path)) == KEYWORDS[path]
    for name in KEYWORDS[path]:
        assert f"{name}=" in offered
        assert re.search(rf"\b{name}: \S", shown)
    assert "ocstring:" in shown
    assert "options" not in shown.partition("ocstring:")[0]


@pytest.mark.parametrize(
    "name",
    [
        "submit",
        "grid",
        "jobs",
        "configure",
        "account",
        "limit",
        "rank",
        "models",
        "resume",
        "serve_webhooks",
        "import_clip",
    ],
)
def test_no_function_of_the_front_door_takes_just_anything(name):
    signature = inspect.signature(getattr(seedance_nb, name))

    for parameter in signature.parameters.values():
        assert parameter.annotation not in (inspect.Parameter.empty, "Any")
    assert signature.return_annotation not in (inspect.Signature.empty, "Any")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sd.submit", "sd.Session.submit"),
        ("sd.jobs", "sd.Session.jobs"),
        ("sd.serve_webhooks", "sd.Session.serve_webhooks"),
    ],
)
def test_the_front_door_and_the_session_take_the_same(one, other):
    assert parameters(one) == parameters(other)


def test_the_defaults_that_are_shown_are_those_of_a_request():
    request = make_request("x")
    for path in ("sd.submit", "sd.grid"):
        shown = {name: parameter.default for name, parameter in parameters(path).items() if name in FIELDS}
        assert shown == {name: getattr(request, name) for name in FIELDS}


@pytest.mark.parametrize("path", ["sd.configure", "sd.Session"])
def test_every_limit_is_shown_with_its_own_type(path):
    for name, field in Limits.__dataclass_fields__.items():
        kinds = parameters(path)[name].annotation.split(" | ")
        assert kinds[0] == field.type.split(" | ")[0]
        assert kinds[-1] == "None"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("submit('x', secs=4)", "InvalidRequest", "did you mean 'duration'"),
        ("submit('x', max_credit=4)", "InvalidRequest", "did you mean 'max_credits'"),
        ("Session().submit('x', ratio='1:1')", "InvalidRequest", "did you mean 'aspect_ratio'"),
        ("configure(max_credit=4)", "ConfigurationError", "known are connect_timeout"),
        ("Session(poll_flor=4)", "ConfigurationError", "known are connect_timeout"),
    ],
)
def test_a_keyword_that_there_is_not_is_refused_in_one_line_that_names_the_cure(call, error, words):
    with pytest.raises(getattr(seedance_nb, error), match=words):
        eval(f"seedance_nb.{call}")


@pytest.mark.parametrize("call", ["configure", "Session"])
def test_no_frame_holds_the_key_of_a_call_that_raises(call):
    for more in ({"nonsense": 1}, {"poll_floor": -1}, {"home": 3}):
        with pytest.raises(seedance_nb.ConfigurationError) as caught:
            getattr(seedance_nb, call)(**{"api_key": "sd2_a_secret", **more})
        held = [value for entry in caught.traceback[1:] for value in entry.frame.f_locals.values()]
        assert held
        assert "sd2_a_secret" not in repr([value for value in held if isinstance(value, str | dict | tuple)])


def test_the_axes_of_a_grid_come_in_the_order_in_which_they_were_typed():
    grid = seedance_nb.grid(
        "a {x} {y}", y=[1, 2], model=["seedance-2.0", "seedance-2.0-fast"], x=[1, 2], duration=[4, 5]
    )

    assert grid.axes.names == ("y", "model", "x", "duration")
