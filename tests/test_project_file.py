"""Limits in pyproject.toml and in the environment: each slip that would lose one is said, and then nothing may be sent."""

import os

import pytest

from seedance_nb.settings import Limits, resolve

TABLE = "[tool.seedance_nb]\nmax_credits = 30\n"


@pytest.fixture
def read(tmp_path):
    """(max_credits, what is wrong) of a folder whose pyproject.toml holds this."""

    def reading(content, environ=None, folder=tmp_path):
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "pyproject.toml").write_bytes(raw)
        found = resolve(environ=environ or {}, folder=folder)
        said = found.limits_trouble
        assert said is None or (said.isprintable() and "\n" not in said)
        return found.limits.max_credits, said

    return reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_hides_no_limit(read, encoding):
    assert read(TABLE.replace("\n", "\r\n").encode(encoding)) == (30, None)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        pytest.param(TABLE + "[tool.ruff]\nline-length 120\n", 4, "cannot be read", id="a slip in another table"),
        pytest.param(TABLE.replace("30", "30 40"), 2, "cannot be read", id="a slip in ours"),
        pytest.param(TABLE + "[tool.ruff", 3, "cannot be read", id="cut short"),
        pytest.param(TABLE + "max_credits = 40\n", 3, "cannot be read", id="twice"),
        pytest.param(TABLE + "a = " + "[" * 5000, None, "nested too deep", id="deep"),
        pytest.param("# caf\xe9\n".encode("latin-1") + TABLE.encode(), 1, "save it as UTF-8", id="latin-1"),
        pytest.param(TABLE.encode("utf-16-le"), 1, "cannot be read", id="UTF-16 without a mark"),
        pytest.param(b"[project]\ndependencies = ['seedance_nb']\nx", 3, "cannot be read", id="named elsewhere"),
        pytest.param("tool.seedance_nb = 30\n", 1, "must be one table", id="no table"),
        pytest.param("[[tool.seedance_nb]]\nmax_credits = 30\n", 1, "must be one table", id="a list of tables"),
        pytest.param("[tool.seedance-nb]\nmax_credits = 30\n", 1, "[tool.seedance_nb] is meant", id="a hyphen"),
        pytest.param("[tool.seedance]\nmax_credits = 30\n", 1, "[tool.seedance_nb] is meant", id="the short name"),
        pytest.param("[tool.Seedance_NB]\nmax_credits = 30\n", 1, "[tool.seedance_nb] is meant", id="capitals"),
        pytest.param("[tool.sedance_nb]\nmax_credits = 30\n", 1, "[tool.seedance_nb] is meant", id="a letter short"),
        pytest.param("[seedance_nb]\nmax_credits = 30\n", 1, "[tool.seedance_nb] is meant", id="without tool"),
        pytest.param("[tools.seedance_nb]\nmax_credits = 30\n", 1, "[tool.seedance_nb] is meant", id="tools"),
        pytest.param("[project.seedance_nb]\nmax_credits = 30\n", 1, "is meant", id="in another table"),
        pytest.param("max_credits = 30\n" + TABLE, 1, "belongs under [tool.seedance_nb]", id="above its table"),
        pytest.param("[tool.seedance_nb]\n[tool.ruff]\nmax_credits = 30\n", 3, "belongs under", id="below another"),
        pytest.param(
            "[tool.seedance_nb]\nMax_Credits = 30\n", 2, "did you mean max_credits", id="its name in capitals"
        ),
        pytest.param(
            "[tool.seedance_nb]\nmax-credits = 30\n", 2, "did you mean max_credits", id="its name with a hyphen"
        ),
        pytest.param("[tool.seedance_nb]\nmax_credit = 30\n", 2, "did you mean max_credits", id="its name cut short"),
        pytest.param("[tool.seedance_nb.limits]\nmax_credits = 30\n", 1, "'limits' cannot be set", id="a table below"),
        pytest.param('[tool.seedance_nb]\nmax_credits = "30 credits"\n', 2, "must be a number", id="a unit"),
        pytest.param('[tool.seedance_nb]\nmax_credits = "30,5"\n', 2, "must be a number", id="a comma"),
        pytest.param("[tool.seedance_nb]\nmax_credits = nan\n", 2, "must be a number", id="nan"),
        pytest.param("[tool.seedance_nb]\nmax_credits = inf\n", 2, "must be a number", id="inf"),
        pytest.param("[tool.seedance_nb]\nmax_credits = -1\n", 2, "must be a number", id="negative"),
        pytest.param("[tool.seedance_nb]\nmax_credits = true\n", 2, "must be a number", id="true"),
        pytest.param("[tool.seedance_nb]\nmax_credits = []\n", 2, "must be a number", id="a list"),
    ],
)
def test_a_slip_that_would_lose_the_limit_is_said_with_its_line(read, content, line, words):
    limit, said = read(content)
    assert limit is None
    assert said is not None
    assert (f"pyproject.toml, line {line}: " if line else "pyproject.toml: ") in said
    assert words in said


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("not toml [", id="no TOML"),
        pytest.param(b"\x00\xff", id="bytes"),
        pytest.param("a=" + "[" * 5000, id="deep"),
        pytest.param("tool = 5", id="tool is 5"),
        pytest.param("[tool.seedance_nb]\n", id="an empty table of ours"),
        pytest.param(
            '[project]\ndependencies = ["seedance_nb"]\n[project.optional-dependencies]\nseedance = ["seedance_nb"]\n'
            '[tool.uv.sources]\nseedance_nb = {path = "x"}\n[tool.poetry.dependencies]\nseedance-nb = "^1"\n',
            id="it is a dependency",
        ),
    ],
)
def test_what_is_not_about_limits_of_ours_is_passed_over(read, content):
    assert read(content) == (None, None)


def test_every_setting_comes_from_the_nearest_file_that_sets_it(tmp_path, read):
    below = tmp_path / "part" / "notebooks"
    below.mkdir(parents=True)
    (tmp_path / "part" / "pyproject.toml").write_text("[project]\nname = 'part'\n[tool.seedance_nb]\nconcurrency = 3\n")

    found = resolve(environ={}, folder=below)
    assert read(TABLE + "concurrency = 7\n", folder=below) == (30, None)
    assert found.limits.concurrency == 3
    (tmp_path / "part" / "pyproject.toml").write_text("[tool.seedance_nb]\nmax_credits = 5\n")
    assert read(TABLE, folder=below) == (5, None)


def test_a_folder_of_that_name_is_no_file_and_what_cannot_be_opened_may_hold_a_limit(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.mkdir()
    assert resolve(environ={}, folder=tmp_path).limits_trouble is None
    path.rmdir()
    path.symlink_to(tmp_path / "not-mounted.toml")
    assert "cannot be read (No such file or directory)" in resolve(environ={}, folder=tmp_path).limits_trouble
    path.unlink()
    os.mkfifo(path)
    assert "no file that can be read" in resolve(environ={}, folder=tmp_path).limits_trouble


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SEEDANCE_MAX_CREDITS": ""}, "SEEDANCE_MAX_CREDITS is empty"),
        ({"SEEDANCE_MAX_CREDITS": "  "}, "SEEDANCE_MAX_CREDITS is empty"),
        ({"SEEDANCE_MAX_CREDITS": "30 credits"}, "must be a number that is not negative, not '30 credits'"),
        ({"SEEDANCE_MAX_CREDITS": "30,5"}, "must be a number that is not negative, not '30,5'"),
        ({"SEEDANCE_MAX_CREDITS": "nan"}, "must be a number"),
        ({"SEEDANCE_MAX_CREDITS": "-1"}, "must be a number"),
        ({"SEEDANCE_MAX_CREDIT": "30"}, "SEEDANCE_MAX_CREDITS is meant"),
        ({"seedance_max_credits": "30"}, "SEEDANCE_MAX_CREDITS is meant"),
        ({"SEEDENCE_MAX_CREDITS": "30"}, "SEEDANCE_MAX_CREDITS is meant"),
        ({"SEEDANCE_BUDGET": "30"}, "SEEDANCE_MAX_CREDITS is meant"),
        ({"SEEDANCE_NB_CREDIT_LIMIT": "30"}, "SEEDANCE_MAX_CREDITS is meant"),
    ],
    ids=lambda value: None if isinstance(value, str) else "=".join(*value.items()),
)
def test_a_limit_of_the_environment_that_cannot_be_read_is_said(read, environ, words):
    limit, said = read("", environ)
    assert limit is None
    assert words in said


def test_the_environment_outranks_the_file_and_an_argument_both(read, tmp_path):
    assert read(TABLE, {"SEEDANCE_MAX_CREDITS": " 7 ", "OTHER_MAX_CREDITS": "8", "SEEDANCE_EMBED_LIMIT": "x"}) == (
        7,
        None,
    )
    found = resolve(environ={"SEEDANCE_MAX_CREDITS": "lots"}, folder=tmp_path, max_credits=8)
    assert (found.limits, found.limits_trouble) == (Limits(max_credits=8), None)
