"""The classic notebook (nbclassic, as Notebook 6 was): each video and each wall once, on the page and in the file."""

import nbformat
import pytest
from browser.lab import TOKEN, JupyterServer, embedded_videos, in_browser, write_notebook

pytestmark = pytest.mark.browser

CELLS = (
    "%load_ext seedance_nb",
    "%seedance a paper boat -d 4 -r 480p",
    "%seedance a paper plane -d 4 -r 480p -n 2",
)
VIDEOS = "() => [...document.querySelectorAll('.code_cell')].map((cell) => cell.querySelectorAll('video').length)"


@pytest.fixture(scope="module")
def classic(tmp_path_factory):
    with JupyterServer(tmp_path_factory.mktemp("classic"), application="nbclassic") as server:
        yield server


@pytest.fixture
def page(browser, classic, kernel_env, simulate):
    """The notebook in the classic application, all of it run and finished, and its file."""
    simulate()
    classic.set_kernel_env(kernel_env)
    path = write_notebook(classic.folder / "notebook.ipynb", CELLS)
    tab = browser.open(f"{classic.url}/notebooks/{path.name}?token={TOKEN}")
    tab.wait_until(
        "() => Boolean(window.Jupyter?.notebook?.kernel?.is_connected() && Jupyter.notebook.kernel.widget_manager)",
        timeout=60,
    )
    yield tab, path
    tab.close()
    classic.shutdown_kernels()


@in_browser
def tell(tab, script):
    return tab.page.evaluate(script)


def test_each_video_and_wall_is_there_once_on_the_page_and_in_the_file(page):
    tab, path = page
    tell(tab, "() => { Jupyter.notebook.execute_all_cells() }")
    tab.wait_until(f"() => String(({VIDEOS})()) === '0,1,2'", timeout=120, hint="the videos never came")
    # A card that stays asks for its video 0.8 s after the end: longer than that nothing more may come.
    tell(tab, "() => { window.later = false; setTimeout(() => { window.later = true }, 4000) }")
    tab.wait_until("() => window.later", timeout=60)

    assert tell(tab, VIDEOS) == [0, 1, 2]
    assert tell(tab, "() => document.querySelectorAll('.seedance-card, .seedance-board').length") == 0
    tab.play_check(nth=0)
    tab.screenshot("classic")

    tell(tab, "() => { window.saved = false; Jupyter.notebook.save_notebook().then(() => { window.saved = true }) }")
    tab.wait_until("() => window.saved", timeout=60)
    assert len(embedded_videos(path)) == 3
    outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.outputs]
    kinds = [set(output.get("data", {})) for output in outputs if output.output_type == "display_data"]
    assert kinds == [{"text/html", "text/plain", "image/jpeg"}, set()] * 2
