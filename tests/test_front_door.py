import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import seedance_nb

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
    "VideoRequest",
    "WaitTimeout",
    "__version__",
    "account",
    "configure",
    "grid",
    "jobs",
    "load_ipython_extension",
    "models",
    "panel",
    "rank",
    "resume",
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

    for name in seedance_nb._ROOM_OF:
        assert name in block


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
