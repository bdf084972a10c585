"""What is served is what is checked: scripts are joined from modules, and the very texts that pages get are checked as well."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seedance_nb.grids.ballots import page as ballot_page
from seedance_nb.grids.walls import markup as wall_markup
from seedance_nb.notebook.ballot.ballot import Ballot
from seedance_nb.notebook.board.grid_board import GridBoard
from seedance_nb.notebook.board.story_picker import StoryPicker
from seedance_nb.notebook.card.job_card import JobCard
from seedance_nb.notebook.panel.choice import Choice
from seedance_nb.notebook.panel.file_drop import FileDrop
from seedance_nb.notebook.panel.frame import PanelFrame
from seedance_nb.notebook.panel.gallery import Gallery
from seedance_nb.notebook.panel.single_widget import SingleWidget
from seedance_nb.pages import assets

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "seedance_nb"
DENO = Path(sys.executable).with_name("deno")
WIDGETS = {
    JobCard: "notebook/card/job_card.js",
    GridBoard: "notebook/board/grid_board.js",
    StoryPicker: "notebook/board/story_picker.js",
    Choice: "notebook/panel/choice.js",
    Gallery: "notebook/panel/gallery.js",
    FileDrop: "notebook/panel/file_drop.js",
    PanelFrame: "notebook/panel/panel.js",
    SingleWidget: "notebook/panel/single_widget.js",
    Ballot: "notebook/ballot/ballot.js",
}


def served():
    """Every script that a page ever gets, by the file it begins with."""
    texts = {file: widget._esm for widget, file in WIDGETS.items()}
    for page, file in ((wall_markup, "grids/walls/wall.js"), (ballot_page, "grids/ballots/page.js")):
        texts[file] = page.script(PACKAGE / file)
    return texts


def deno(*arguments, folder):
    if not DENO.exists():
        pytest.skip("deno is not installed: pip install 'seedance_nb[dev]'")
    env = {**os.environ, "DENO_DIR": str(folder / "deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    done = subprocess.run([DENO, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def check(texts, tmp_path):
    """Type-check texts as they are served: without their types, so less strictly, but with every name in its place."""
    config = json.loads((ROOT / "deno.json").read_text())
    config["compilerOptions"] |= {"strict": False, "noUncheckedIndexedAccess": False}
    (tmp_path / "deno.json").write_text(json.dumps({"lock": False, "compilerOptions": config["compilerOptions"]}))
    for file, text in texts.items():
        (tmp_path / Path(file).name).write_text(text)
    return deno("check", "--no-remote", "--no-npm", ".", folder=tmp_path)


def test_every_script_of_the_package_is_served():
    reached = set()

    def follow(file):
        reached.add(file)
        for name in re.findall(r'^import .* from "(.+)";$', file.read_text(), re.MULTILINE):
            follow((file.parent / name).resolve())

    for file in served():
        follow(PACKAGE / file)

    assert reached == set(PACKAGE.rglob("*.js"))


@pytest.mark.parametrize("file", served())
def test_what_is_served_are_the_lines_that_were_checked(file):
    lines = [line.removeprefix("export ") for path in PACKAGE.rglob("*.js") for line in path.read_text().splitlines()]
    known = {*lines, *(f"export {line}" for line in lines if line.startswith("default "))}

    inside = served()[file].removeprefix('(() => {\n"use strict";\n').removesuffix("})();")

    assert [line for line in inside.splitlines() if line not in known] == []


def test_the_texts_as_they_are_served_are_checked(tmp_path):
    code, said = check(served(), tmp_path)

    assert code == 0, said


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("const OURS = 1;", "Cannot redeclare block-scoped variable 'OURS'"),
        ("sya(null);", "Cannot find name 'sya'"),
        ('document.querySelector("p").colour = 1;', "Property 'colour' does not exist"),
    ],
)
def test_a_name_used_twice_or_never_made_would_be_found(tmp_path, fault, found):
    code, said = check({"card.js": f"{JobCard._esm}\n{fault}\n"}, tmp_path)

    assert code != 0
    assert found in said


def test_a_module_is_served_once_and_before_those_that_import_it(tmp_path):
    (tmp_path / "a.js").write_text(
        '// A comment.\nimport { b } from "./b.js";\nimport { c, d } from "./c.js";\nb(c, d);\n'
    )
    (tmp_path / "b.js").write_text('import {\n  c,\n} from "./c.js";\n\nexport function b() {\n  return c;\n}\n')
    (tmp_path / "c.js").write_text(
        '/** @import { X } from "./x.js" */\n/**\n * What * it is.\n **/\nexport const c = "a // b"; // kept\n/** @type {X} */ (c);\nexport async function d() {}\n/** Last. */\n'
    )

    assert assets.module(tmp_path / "a.js") == (
        'const c = "a // b"; // kept\n/** @type {X} */ (c);\nasync function d() {}\n\nfunction b() {\n  return c;\n}\n\nb(c, d);\n'
    )


def test_a_script_is_strict_has_its_own_scope_and_ends_no_element(tmp_path):
    (tmp_path / "a.js").write_text('export const end = "</script>";\n')

    assert assets.script(tmp_path / "a.js") == '(() => {\n"use strict";\nconst end = "<\\/script>";\n})();'


@pytest.mark.parametrize(
    "line",
    [
        'import { a as b } from "./a.js";',
        'import a from "./a.js";',
        'import "./a.js";',
        'import { a } from "https://example.com/a.js";',
        "export { b };",
        "export default 1;\nexport default 2;",
        "export let b = 1;",
    ],
)
def test_what_cannot_be_joined_is_said_with_its_file(tmp_path, line):
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    (tmp_path / "main.js").write_text(f"{line}\n")

    with pytest.raises(ValueError, match=r"main\.js: this cannot be joined: (import|export)"):
        assets.module(tmp_path / "main.js")


def test_only_the_first_module_has_a_default(tmp_path):
    (tmp_path / "a.js").write_text("export const a = 1;\nexport default a;\n")
    (tmp_path / "main.js").write_text('import { a } from "./a.js";\nexport default a;\n')

    with pytest.raises(ValueError, match=r"a\.js: this cannot be joined: export default a;"):
        assets.module(tmp_path / "main.js")


def test_a_circle_of_imports_is_no_module(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\nexport const a = b;\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nexport const b = a;\n')

    with pytest.raises(ValueError, match=r"a\.js imports itself, by way of b\.js"):
        assets.module(tmp_path / "a.js")


@pytest.mark.parametrize(
    "again", ["function once() {}", "async function once() {}", "const once = 1;", "let once = 1;"]
)
def test_a_name_of_two_modules_is_refused(tmp_path, again):
    (tmp_path / "a.js").write_text("function once() {}\nexport const a = once;\n")
    (tmp_path / "main.js").write_text(f'import {{ a }} from "./a.js";\n{again}\na(once);\n')

    with pytest.raises(ValueError, match=r"main\.js: more than one module has the name once"):
        assets.module(tmp_path / "main.js")
