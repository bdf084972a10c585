"""What Colab has is left as it is: a pip install that exchanges its IPython leaves a kernel that no longer starts."""

import importlib.metadata

import pytest
from notebook.kernel import VIEW, Kernel
from packaging.requirements import Requirement

from seedance_nb.simulator import Pace, Simulator

# Python 3.13 there. The suite's kernel, magic, display and waiting tests were run on these.
COLAB = {
    "ipython": "7.34.0",
    "ipykernel": "6.17.1",
    "ipywidgets": "7.7.1",
    "traitlets": "5.7.1",
    "anywidget": "0.9.21",
}


@pytest.mark.parametrize("name", COLAB)
def test_what_colab_has_is_enough(name):
    asked = [Requirement(text) for text in importlib.metadata.requires("seedance_nb")]
    plain = [one for one in asked if one.name == name and (one.marker is None or one.marker.evaluate({"extra": ""}))]

    assert all(one.specifier.contains(COLAB[name]) for one in plain)
    assert plain or name == "ipykernel"  # which is the front end's business


# Widgets that are not its own Colab shows only where its manager for them was switched on, and tells the page so beside each view.
URL = "https://ssl.gstatic.com/colaboratory-static/widgets/manager"
GOOGLE_COLAB = f"""
import sys, types
google, colab, output = (types.ModuleType(name) for name in ("google", "google.colab", "google.colab.output"))
google.colab, colab.output = colab, output
output._widgets = types.SimpleNamespace(_installed_url=None)

def enable_custom_widget_manager():
    def tell(message):
        content = message.get("content", {{}})
        if {VIEW!r} in content.get("data", {{}}):
            content.setdefault("metadata", {{}})[{VIEW!r}] = {{"colab": {{"custom_widget_manager": {{"url": {URL!r}}}}}}}
        return message
    if output._widgets._installed_url is None:
        output._widgets._installed_url = {URL!r}
        get_ipython().display_pub.register_hook(tell)

output.enable_custom_widget_manager = enable_custom_widget_manager
sys.modules.update({{"google": google, "google.colab": colab, "google.colab.output": output}})
"""
SMALL = "-m seedance-2.0-fast -a 1:1 -d 4 -r 480p"


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """`colab(cell)`: what a cell of a kernel in Colab shows."""
    folder = tmp_path_factory.mktemp("colab")
    (folder / "pyproject.toml").write_text("[tool.seedance_nb]\npoll_floor = 0.1\npoll_ceiling = 0.3\n")
    with Simulator(pace=Pace(0, 1, 0)) as simulator:
        access = {"SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_API_KEY": "sd2_test_key"}
        with Kernel(folder, access) as kernel:
            assert kernel.run(GOOGLE_COLAB).succeeded
            assert kernel.run("%load_ext seedance_nb").succeeded

            def run(cell):
                ran = kernel.run(cell)
                assert ran.succeeded, ran.error
                return ran

            run.kernel = kernel
            yield run


def views(cell):
    """The views of widgets that it shows, and whether the page is told of the manager."""
    shown = [m["content"] for m in cell.messages if m["msg_type"] in ("display_data", "execute_result")]
    return [content["metadata"].get(VIEW, {}) for content in shown if VIEW in content["data"]]


TOLD = [{"colab": {"custom_widget_manager": {"url": URL}}}]


@pytest.mark.host("Colab", "panel", how="by its rules")
def test_the_panel_is_shown_by_the_manager_for_widgets_from_elsewhere(colab):
    assert views(colab("%seedance")) == TOLD  # first of all: nothing has switched it on before


@pytest.mark.host("Colab", "live card", how="by its rules")
def test_a_card_is_too_and_becomes_the_video(colab):
    cell = colab(f"%seedance a paper boat {SMALL}")

    assert views(cell) == TOLD
    colab.kernel.wait(lambda: cell.outputs[1] == {} and "data:video/mp4" in cell.outputs[0]["text/html"])


@pytest.mark.host("Colab", "ballot", how="by its rules")
def test_a_board_and_a_ballot_are_too(colab):
    board = colab(f"%%seedance {SMALL} -o grid\na kite\n---\na swan")
    colab("grid.result(); None")
    ballot = colab("grid.vote()")

    assert (views(board), views(ballot)) == (TOLD, TOLD)


@pytest.mark.host("Colab", "stop button", how="by its rules")
def test_its_stop_button_which_interrupts_the_kernel_ends_the_wait_and_not_the_job(colab):
    colab(f"%seedance a long boat [stuck] {SMALL} -o boat")
    waiting = colab.kernel.send("print('it ' + 'waits'); boat.result()")
    colab.kernel.wait(lambda: "it waits" in waiting.text)

    colab.kernel.interrupt()
    waiting.wait()

    assert "stopped waiting; job " in waiting.text + waiting.error
    assert "Traceback" not in waiting.text
    assert colab.kernel.value("boat.done()") == "False"
