"""Notebooks without the videos inside, and with them again, byte for byte: `seedance slim`."""

import dataclasses
import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys

import nbformat
import pytest

from seedance_nb import slimming
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.cli import main
from seedance_nb.clips.store import Clips
from seedance_nb.errors import ClipError, ConfigurationError
from seedance_nb.notebook.card.job_display import final_bundle
from seedance_nb.pages import html
from seedance_nb.simulator import film
from seedance_nb.snapshot import Snapshot

BOAT = Snapshot(
    key="j1",
    request=VideoRequest(prompt='a "paper" boat\nin <b>rain</b> é ' + "– " * 10, aspect_ratio="1:1", duration=4),
    take=1,
    status=Status.SUCCEEDED,
    status_text="succeeded",
    request_id="req_1",
    credits=12.0,
    created_at=1000.0,
    finished_at=1042.0,
)
MB = 1_000_000


@pytest.fixture(scope="module")
def bundle_of(tmp_path_factory):
    """`bundle_of(bytes)`: what a cell stores of a clip that large, and the clip."""
    folder = tmp_path_factory.mktemp("clips")
    film.render(
        folder / "film.mp4",
        prompt="b", model="m", take=1, request_id="r", aspect_ratio="1:1", resolution="480p", seconds=0.5,
    )  # fmt: skip
    master = (folder / "film.mp4").read_bytes()

    def bundle_of(size=0):
        key = f"j{size}"
        filler = random.Random(7).randbytes(size)
        box = (size + 8).to_bytes(4, "big") + b"free" + filler if size else b""
        (folder / "part").write_bytes(master + box)
        clip = Clips(folder).admit(key, folder / "part")
        return final_bundle(dataclasses.replace(BOAT, clip=clip), 10**9), clip

    return bundle_of


def written(path, *bundles, **metadata):
    """A notebook as Jupyter writes it."""
    cells = [
        nbformat.v4.new_code_cell(
            "%seedance a boat",
            metadata=dict(metadata),
            outputs=[
                nbformat.v4.new_output("stream", text="12 credits\n"),
                nbformat.v4.new_output("display_data", bundle),
                nbformat.v4.new_output("display_data", {}),
            ],
        )
        for bundle in bundles
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def html_of(path, cell=0):
    return nbformat.read(path, as_version=4).cells[cell].outputs[1].data["text/html"]


def test_thirty_megabytes_are_taken_out_and_put_back_byte_for_byte(bundle_of, tmp_path):
    bundle, clip = bundle_of(30 * MB)
    notebook = written(tmp_path / "boats.ipynb", bundle)
    saved = notebook.read_bytes()

    change = slimming.slim(notebook)

    [video] = (tmp_path / "boats_files").glob("*.mp4")
    assert video.read_bytes() == clip.path.read_bytes()
    assert video.stem == clip.sha256
    assert (change.videos, change.before, change.after) == (1, len(saved), notebook.stat().st_size)
    assert notebook.stat().st_size < 0.01 * len(saved)
    assert "1 video into" in change.words
    assert "40.0 MB" in change.words
    nbformat.validate(nbformat.read(notebook, as_version=4))

    nbformat.write(nbformat.read(notebook, as_version=4), notebook)  # opened and saved in between
    slimming.embed(notebook)
    assert notebook.read_bytes() == saved


def test_again_changes_nothing(bundle_of, tmp_path):
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    whole = notebook.read_bytes()
    slimming.embed(notebook)
    assert notebook.read_bytes() == whole

    slimming.slim(notebook)
    slim = notebook.read_bytes()
    assert "nothing to do" in slimming.slim(notebook).words
    assert notebook.read_bytes() == slim


def test_only_addresses_in_our_outputs_change_whoever_wrote_the_file(bundle_of, tmp_path):
    """Another order of keys, other blanks and line ends, one string for lines: other programs write so."""
    bundle, _ = bundle_of()
    notebook = written(tmp_path / "n.ipynb", bundle)
    made = json.loads(notebook.read_text("utf-8"))
    data = made["cells"][0]["outputs"][1]["data"]
    data["text/html"] = "".join(data["text/html"])
    stranger = '<video src="data:video/mp4;base64,AAAA"></video>'
    made["cells"] += [
        {"source": data["text/html"], "metadata": {"z": 1, "a": {}}, "cell_type": "markdown", "id": "m"},
        {
            "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/html": stranger}}],
            "source": [], "metadata": {}, "cell_type": "code", "execution_count": None, "id": "s",
        },
    ]  # fmt: skip
    made = dict(reversed(made.items()))
    text = json.dumps(made, indent=2, ensure_ascii=False).replace("\n", "\r\n")
    notebook.write_bytes(text.encode("utf-8"))

    assert slimming.slim(notebook).videos == 1

    slim = notebook.read_bytes().decode("utf-8")
    source = json.dumps(data["text/html"], ensure_ascii=False)
    assert slim.count(source) == 1  # in the markdown cell; in the output it is another
    assert json.dumps(stranger) in slim
    assert text.split('"outputs"')[0].split('"cells"')[0] == slim.split('"outputs"')[0].split('"cells"')[0]
    slimming.embed(notebook)
    assert notebook.read_bytes().decode("utf-8") == text


def test_what_could_not_be_put_back_exactly_stays_where_it_is(bundle_of, tmp_path):
    """Colab writes `=` and `<` as \\u003d and \\u003c; base64 may have odd last bits."""
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    text = notebook.read_text("utf-8").replace("<video", "\\u003cvideo")
    notebook.write_text(text, "utf-8")
    assert slimming.slim(notebook).videos == 0
    assert notebook.read_text("utf-8") == text

    text = notebook.read_text("utf-8").replace("\\u003cvideo", "<video")
    odd = re.sub(r"data:video/mp4;base64,[^\\]+", "data:video/mp4;base64,AAAAAAB=", text)
    notebook.write_text(odd, "utf-8")
    assert slimming.slim(notebook).videos == 0
    assert notebook.read_text("utf-8") == odd


@pytest.mark.parametrize("name", ["plain.ipynb", "a b #1 100% é 'x'.ipynb"])
def test_addresses_are_percent_encoded_and_relative(bundle_of, tmp_path, name):
    notebook = written(tmp_path / name, bundle_of()[0])

    slimming.slim(notebook)

    [address] = re.findall(r'<video[^>]* src="([^"]+)"', html_of(notebook))
    assert re.fullmatch(r"[A-Za-z0-9_.~/%-]+", address)
    assert "data:" not in html_of(notebook)


def test_one_folder_holds_equal_clips_of_many_notebooks_once(bundle_of, tmp_path):
    boat, other = bundle_of()[0], bundle_of(1000)[0]
    first = written(tmp_path / "a.ipynb", boat, other, boat)
    second = written(tmp_path / "sub" / "b.ipynb", boat)
    before = first.read_bytes(), second.read_bytes()

    for notebook in (first, second):
        slimming.slim(notebook, tmp_path / "clips")

    assert len(list((tmp_path / "clips").glob("*.mp4"))) == 2
    assert 'src="../clips/' in html_of(second)
    slimming.embed(second)
    slimming.embed(first)
    assert (first.read_bytes(), second.read_bytes()) == before


def test_a_dry_run_says_how_much_and_writes_nothing(bundle_of, tmp_path, capsys):
    notebook = written(tmp_path / "n.ipynb", bundle_of(2 * MB)[0])
    before = notebook.read_bytes()

    assert main(["slim", "--dry-run", str(notebook)]) == 0

    said = capsys.readouterr().out
    assert re.search(r"would take out 1 video into .*n_files; 2\.\d MB → \d+ kB \(2\.\d MB less\)", said), said
    assert notebook.read_bytes() == before
    assert list(tmp_path.iterdir()) == [notebook]


# -- nothing is lost


def refused(call, match, kind=ConfigurationError):
    with pytest.raises(kind, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_another_is_told_and_the_notebook_stays(bundle_of, tmp_path):
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    slimming.slim(notebook)
    slim = notebook.read_bytes()
    [video] = (tmp_path / "n_files").glob("*.mp4")
    data = video.read_bytes()

    video.write_bytes(data[:-1] + b"\0")
    refused(lambda: slimming.embed(notebook), "sha256 is another", ClipError)
    video.unlink()
    refused(lambda: slimming.embed(notebook), r"cannot be read .*put it there again", ClipError)
    assert notebook.read_bytes() == slim

    video.write_bytes(data)
    assert slimming.embed(notebook).videos == 1


def test_another_file_under_its_name_is_not_written_over(bundle_of, tmp_path):
    bundle, clip = bundle_of()
    notebook = written(tmp_path / "n.ipynb", bundle)
    saved = notebook.read_bytes()
    (tmp_path / "n_files").mkdir()
    (tmp_path / "n_files" / f"{clip.sha256}.mp4").write_bytes(b"mine")

    refused(lambda: slimming.slim(notebook), "is another file", ClipError)

    assert (tmp_path / "n_files" / f"{clip.sha256}.mp4").read_bytes() == b"mine"
    assert notebook.read_bytes() == saved


@pytest.mark.parametrize("act", [slimming.slim, slimming.embed])
@pytest.mark.parametrize(
    "content",
    [b"", b"no json", b"[]", b"{}", b'{"nbformat": 4}', b'{"nbformat": 3, "worksheets": []}', b"\xff\xfe{", b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_notebook_is_refused_and_left(tmp_path, act, content):
    path = tmp_path / "n.ipynb"
    path.write_bytes(content)

    refused(lambda: act(path), "is not a notebook")

    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["gone.ipynb", ".", "a\0b.ipynb"])
def test_what_cannot_be_read_is_one_line(tmp_path, name):
    refused(lambda: slimming.slim(tmp_path / name), "cannot be read")


@pytest.mark.parametrize("act", ["slim", "embed"])
def test_a_notebook_that_was_saved_meanwhile_is_not_written_over(bundle_of, tmp_path, monkeypatch, act):
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    if act == "embed":
        slimming.slim(notebook)
    theirs = notebook.read_bytes() + b"\n"
    trusted = slimming._is_trusted

    def meanwhile(text):
        notebook.write_bytes(theirs)
        return trusted(text)

    monkeypatch.setattr(slimming, "_is_trusted", meanwhile)

    refused(lambda: getattr(slimming, act)(notebook), "changed meanwhile")

    assert notebook.read_bytes() == theirs


def test_it_is_tried_whether_it_would_go_back_in_before_anything_is_replaced(bundle_of, tmp_path, monkeypatch):
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    saved = notebook.read_bytes()
    monkeypatch.setattr(slimming, "_put_back", lambda html, home: (html, 0))

    refused(lambda: slimming.slim(notebook), "would not go back in exactly", ClipError)

    assert notebook.read_bytes() == saved


def test_a_link_stays_one_and_permissions_stay(bundle_of, tmp_path):
    real = written(tmp_path / "real" / "n.ipynb", bundle_of()[0])
    real.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(real)

    slimming.slim(link)

    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert list((real.parent / "n_files").glob("*.mp4"))
    assert not list(real.parent.glob(".*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(bundle_of, tmp_path):
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    (tmp_path / "shut").mkdir(mode=0o500)
    refused(lambda: slimming.slim(notebook, tmp_path / "shut"), "cannot be written")


def test_a_file_where_the_folder_should_be_is_told(bundle_of, tmp_path):
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    saved = notebook.read_bytes()
    (tmp_path / "n_files").write_text("mine")

    refused(lambda: slimming.slim(notebook), "cannot be written")

    assert notebook.read_bytes() == saved


def test_a_hidden_folder_is_refused_for_jupyter_shows_nothing_from_it(bundle_of, tmp_path):
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    refused(lambda: slimming.slim(notebook, tmp_path / ".clips"), "hidden")
    assert list(tmp_path.iterdir()) == [notebook]


# -- in company


def test_trust_stays_where_it_was(bundle_of, tmp_path, monkeypatch):
    from nbformat.sign import NotebookNotary

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    mine, theirs = (written(tmp_path / name, bundle_of()[0]) for name in ("mine.ipynb", "theirs.ipynb"))
    theirs.write_text(theirs.read_text("utf-8").replace("12 credits", "13 credits"), "utf-8")
    NotebookNotary().sign(nbformat.read(mine, as_version=4))

    for act in (slimming.slim, slimming.embed):
        for notebook in (mine, theirs):
            act(notebook)
        trusted = [NotebookNotary().check_signature(nbformat.read(n, as_version=4)) for n in (mine, theirs)]
        assert trusted == [True, False]


@pytest.mark.parametrize("metadata", [{}, {"tags": ["boats"]}])
def test_cells_can_be_marked_for_nbstripout(bundle_of, tmp_path, metadata):
    """nbstripout keeps the outputs of cells with this in their metadata, and the metadata itself."""
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0], **metadata)
    made = nbformat.read(notebook, as_version=4)
    made.cells.append(nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")]))
    nbformat.write(made, notebook)

    slimming.slim(notebook, keep_output=True)

    ours, other = nbformat.read(notebook, as_version=4).cells
    assert (ours.metadata, other.metadata) == ({**metadata, "keep_output": True}, {})
    as_jupyter = io.StringIO()
    nbformat.write(nbformat.read(notebook, as_version=4), as_jupyter)
    if not metadata:  # else the order of keys is Jupyter's own
        assert notebook.read_text("utf-8") == as_jupyter.getvalue()
    once = notebook.read_bytes()
    slimming.slim(notebook, keep_output=True)
    assert notebook.read_bytes() == once


def test_walls_are_taken_out_too(tmp_path):
    """Their markup is another, and holds one clip many times."""
    uri = html.data_uri("video/mp4", b"clip")
    wall = (
        f'<div class="sdw" {html.KEYS}><video controls src="{uri}" title="a"><img src="{html.data_uri("image/jpeg", b"p")}"></video>'
        f'<video src="{uri}" title="b"></video></div>'
    )
    notebook = written(tmp_path / "n.ipynb", {"text/html": wall, "text/plain": "wall"})
    saved = notebook.read_bytes()

    assert slimming.slim(notebook).videos == 2

    assert sorted(file.suffix for file in (tmp_path / "n_files").iterdir()) == [".jpg", ".mp4"]
    slimming.embed(notebook)
    assert notebook.read_bytes() == saved


def test_the_shell_needs_neither_key_nor_ledger_and_takes_many(bundle_of, tmp_path):
    notebooks = [written(tmp_path / f"{i}.ipynb", bundle_of()[0]) for i in range(2)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("SEEDANCE_")}
    env["SEEDANCE_HOME"] = str(tmp_path / "home")

    def seedance(*words):
        command = [sys.executable, "-m", "seedance_nb", "slim", *map(str, words)]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)

    done = seedance(*notebooks)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 2)
    assert not (tmp_path / "home").exists()
    wrong = seedance("--embedd", notebooks[0])
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert len(wrong.stderr.splitlines()) == 1
    gone = seedance(tmp_path / "gone.ipynb")
    assert (gone.returncode, len(gone.stderr.splitlines())) == (2, 1)
    assert "usage: seedance slim" in seedance("-h").stdout


def test_the_files_name_is_the_sha256_of_what_is_in_it(bundle_of, tmp_path):
    notebook = written(tmp_path / "n.ipynb", bundle_of()[0])
    slimming.slim(notebook)
    for file in (tmp_path / "n_files").iterdir():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem


def test_the_hook_for_pre_commit_is_this_command(tmp_path):
    from pathlib import Path

    hook = Path(__file__).resolve().parents[1].joinpath(".pre-commit-hooks.yaml").read_text("utf-8")
    assert "entry: seedance slim\n" in hook
    assert "types: [jupyter]" in hook
