"""The driver itself: it runs, reads, saves and reloads as a person does."""

import nbformat
import pytest

pytestmark = pytest.mark.browser


def test_a_cell_is_run_read_saved_and_still_there_after_a_reload(notebook, folder):
    lab = notebook("from IPython.display import HTML\nprint('printed')\nHTML('<b>bold</b> words')", "1 + 1")

    lab.run_cell(0)
    lab.run_cell(1)
    lab.save()
    lab.reload()

    saved = nbformat.read(folder / "notebook.ipynb", as_version=4).cells
    assert lab.text(0) == "printed\nbold words"
    assert [output.output_type for output in saved[0].outputs] == ["stream", "execute_result"]
    assert saved[1].outputs[0].data["text/plain"] == "2"


def test_kernels_run_this_python_with_the_environment_of_the_test(notebook, kernel_env):
    import sys

    kernel_env["SEEDANCE_MAX_CREDITS"] = "7"
    lab = notebook(
        "import os, sys\nsys.executable, os.environ['SEEDANCE_MAX_CREDITS'], os.environ.get('SEEDANCE_API_KEY')"
    )

    lab.run_all()

    assert lab.text(0).endswith(f"({sys.executable!r}, '7', None)")


def test_a_button_is_clicked_while_another_cell_runs(notebook):
    lab = notebook(
        "import ipywidgets\n"
        "button = ipywidgets.Button(description='Press')\n"
        "button.on_click(lambda _: setattr(button, 'description', 'Pressed'))\n"
        "button",
        "import asyncio; await asyncio.sleep(30)",
    )

    lab.run_cell(0)
    lab.wait_role(0, "button", "Press")
    lab.run_cell(1, wait=False)
    lab.click(0, "Press")
    lab.wait_role(0, "button", "Pressed")

    assert lab.is_running(1)


def test_a_copy_opened_by_another_server_is_not_trusted(notebook, open_notebook, folder):
    lab = notebook("from IPython.display import HTML\nHTML('<b>bold</b><script></script>')")
    lab.run_all()
    lab.save()
    copy = folder / "copy.ipynb"
    copy.write_bytes((folder / "notebook.ipynb").read_bytes())

    assert open_notebook(copy).is_trusted(0)
    assert not open_notebook(copy, on="stranger").is_trusted(0)
