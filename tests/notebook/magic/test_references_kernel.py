"""Own files in the magic, in a real kernel: a path, a picture and a clip by name, said wrong, and once more for nothing."""

import pytest
from notebook.kernel import Kernel
from PIL import Image

from seedance_nb.simulator import Pace, Simulator


@pytest.fixture
def simulator():
    with Simulator(pace=Pace(0, 0.05, 0)) as running:
        yield running


@pytest.fixture
def kernel(tmp_path, simulator):
    folder = tmp_path / "notebook"
    folder.mkdir()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(folder / "a boat.png")
    access = {
        "SEEDANCE_BASE_URL": simulator.base_url,
        "SEEDANCE_API_KEY": "sd2_test_key",
        "SEEDANCE_UPLOADS": f"file://{tmp_path}/public?public=https://cdn.example.org/refs",
    }
    with Kernel(folder, access) as running:
        assert running.run("%load_ext seedance_nb").succeeded
        yield running


def test_own_files_go_by_path_and_by_name(kernel, simulator, tmp_path):
    cells = [
        '%seedance the boat sails -d 5 -i "a boat.png" -o boat --wait',
        "from PIL import Image; picture = Image.new('RGB', (40, 40))\n%seedance it dives -d 5 -i {picture} -o dive --wait",
        "last = boat.clip.frame(-1)\n%seedance on it goes -d 5 -i {last} -i {dive} -o on --wait",
        '%seedance three -d 5 -i "a boat.png" https://e.org/x.png "a boat.png" --wait',
        "both = ['a boat.png', picture]\n%seedance both -d 5 -i {both} --wait",
    ]
    for cell in cells:
        assert kernel.run(cell).succeeded
    sent = [accepted.body["mediaUrls"] for accepted in simulator.scenario.accepted]
    assert [len(each) for each in sent] == [1, 1, 2, 3, 2]
    names = {url.removeprefix("https://cdn.example.org/refs/") for each in sent for url in each if "//e.org" not in url}
    assert names == {path.name for path in (tmp_path / "public").iterdir()}
    assert {name.rpartition(".")[2] for name in names} == {"png", "mp4"}

    for cell in cells:
        assert kernel.run(cell).succeeded
    assert len(simulator.scenario.accepted) == 5


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('%seedance x -d 5 -i "no boat.png"', "there is no file no boat.png"),
        ("%seedance x -d 5 -i .", "is a folder"),
        ("secret = 7\n%seedance x -d 5 -i {secret}", "there is no file 7"),
        ("class Odd: pass\nodd = Odd()\n%seedance x -d 5 -i {odd}", "not Odd"),
        ("import numpy as np; wide = np.zeros((3, 3))\n%seedance x -d 5 -i {wide}", "3 × 3 pixels"),
        ("%%seedance -d 5 -n 2 -i gone.png\nx", "there is no file gone.png"),
        (
            '%seedance x -d 5 -i "a boat.png" https://e.org/1.png https://e.org/2.png https://e.org/3.png https://e.org/4.png https://e.org/5.png',
            "give 1 to 5 media URLs, not 6",
        ),
        ("%seedance x -d 5 -i https://e.org/photo.heic", "does not take"),
    ],
)
def test_what_is_no_reference_is_said_in_one_line_and_nothing_is_sent(kernel, simulator, line, words):
    refused = kernel.run(line)
    assert not refused.succeeded
    assert words in refused.error
    assert "nothing was sent" in refused.error.lower()
    assert "\n" not in refused.error
    assert not simulator.calls["create"]


def test_the_card_shows_the_picture(kernel):
    shown = kernel.run('%seedance the boat sails [stuck] -d 5 -i "a boat.png"')
    assert shown.succeeded
    found = kernel.run(
        "import ipywidgets\n"
        "print([card.references[0]['picture'][:23] for card in ipywidgets.Widget.widgets.values() if getattr(card, 'references', None)]"
        " if hasattr(ipywidgets.Widget, 'widgets') else '')"
    )
    assert "data:image/jpeg;base64," in found.text
