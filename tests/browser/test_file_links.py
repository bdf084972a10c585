"""Where the original is, when a preview is shown: a path that can be copied, and a link only where it works."""

import pytest
from browser.lab import in_browser

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb\nimport seedance_nb as sd\nsession = sd.configure(embed_limit=1000)"
BOAT = "%seedance a paper boat -d 4 -r 480p"
WALL = "%seedance a paper boat -d 4 -r 480p -n 2 --wait"


@in_browser
def copied(lab, cell):
    """What the first *Copy path* of a cell puts on the clipboard."""
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = lab.page.locator(".jp-Notebook .jp-Cell").nth(cell).get_by_role("button", name="Copy path").first
    button.click()
    lab.wait_until("() => [...document.querySelectorAll('button')].some(b => b.textContent === 'Copied')")
    return lab.page.evaluate("() => navigator.clipboard.readText()")


@in_browser
def shown(lab, cell):
    """(buttons named Copy path, links, paths) of a cell."""
    outputs = lab.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-Cell-outputWrapper")
    links = outputs.locator("figure a")
    return (
        outputs.get_by_role("button", name="Copy path").count(),
        [links.nth(i).evaluate("a => a.href") for i in range(links.count())],
        outputs.locator("figcaption code").all_inner_texts(),
    )


@in_browser
def fetched(lab, address):
    """So many bytes come when this page follows the link, if they are a video."""
    code = "async a => { const r = await fetch(a); return [r.headers.get('content-type'), (await r.arrayBuffer()).byteLength] }"
    kind, size = lab.page.evaluate(code, address)
    return size if kind == "video/mp4" else kind


def test_a_file_outside_of_jupyters_root_has_a_path_to_copy_and_no_link(
    simulate, notebook, open_notebook, folder, tmp_path, kernel_env
):
    kernel_env["HOME"] = str(tmp_path)
    simulate()
    lab = notebook(LOAD, BOAT)
    lab.run_all()
    lab.play_check(cell=1)
    [clip] = (tmp_path / "clips").glob("j*[0-9a-f].mp4")
    place = f"~/clips/{clip.name}"

    buttons, links, paths = shown(lab, 1)
    assert (buttons, links, paths[-1]) == (1, [], place)
    assert copied(lab, 1) == place
    lab.screenshot("figure-original-path")
    lab.save()
    lab.shutdown_kernel()
    lab.reload()
    lab.play_check(cell=1)
    assert copied(lab, 1) == place  # saved, and trusted by who made it

    copy = folder / "copy.ipynb"
    copy.write_bytes((folder / "notebook.ipynb").read_bytes())
    theirs = open_notebook(copy, on="stranger")
    theirs.play_check(cell=1)
    assert not theirs.is_trusted(1)
    buttons, links, paths = shown(theirs, 1)
    assert (buttons, links, paths[-1]) == (0, [], place)  # no button that does nothing
    theirs.screenshot("figure-original-path-untrusted")


def test_a_wall_of_previews_has_a_path_to_copy_for_each(simulate, notebook, tmp_path, kernel_env):
    kernel_env["HOME"] = str(tmp_path)
    simulate()
    lab = notebook(LOAD, WALL)
    lab.run_all()
    lab.wait_text(1, "original file")

    buttons, links, paths = shown(lab, 1)
    assert (buttons, links) == (2, [])
    assert copied(lab, 1) in {path for path in paths if path.startswith("~/clips/")}
    lab.screenshot("wall-original-path")


@in_browser
def typed_on_the_button(lab, cell, *keys):
    """So many cells are left after these keys were pressed with the focus on *Copy path*."""
    lab.page.locator(".jp-Notebook .jp-Cell").nth(cell).get_by_role("button", name="Copy path").first.focus()
    for key in keys:
        lab.page.keyboard.press(key)
    return lab.page.locator(".jp-Notebook .jp-Cell").count()


def test_letters_typed_on_the_button_do_nothing_to_the_notebook(simulate, notebook):
    simulate()
    lab = notebook(LOAD, BOAT)
    lab.run_all()
    lab.play_check(cell=1)

    before = typed_on_the_button(lab, 1)
    assert typed_on_the_button(lab, 1, "d", "d", "a", "b", "x") == before
    typed_on_the_button(lab, 1, "Shift+Enter")  # runs the last cell, and makes a new one
    lab.wait_until("n => document.querySelectorAll('.jp-Notebook .jp-Cell').length === n", before + 1, timeout=60)


def test_a_file_below_the_notebooks_folder_has_a_link_that_works(simulate, notebook, folder, kernel_env):
    kernel_env["SEEDANCE_HOME"] = str(folder / "mine")
    simulate()
    lab = notebook(LOAD, "import os; os.chdir('/')", BOAT)
    lab.run_all()
    lab.play_check(cell=2)
    [clip] = (folder / "mine" / "clips").glob("j*[0-9a-f].mp4")

    _, [href], _ = shown(lab, 2)
    assert fetched(lab, href) == clip.stat().st_size
