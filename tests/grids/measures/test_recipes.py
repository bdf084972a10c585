"""What docs/measures.md shows runs as it stands; the model's library is a tiny one, made here."""

import contextlib
import re
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import seedance_nb as sd

PAGE = Path(__file__).parents[3] / "docs" / "measures.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


class Tensor(np.ndarray):
    def to(self, device):
        assert device == "cpu"
        return self

    def norm(self, dim, keepdim):
        return np.linalg.norm(self, axis=dim, keepdims=keepdim).view(Tensor)


class Tiny:
    """Sees the mean colour of a picture, and of a text how long it is."""

    def eval(self):
        return self

    def encode_image(self, pictures):
        return pictures.reshape(len(pictures), -1, 3).mean(axis=1).view(Tensor)

    def encode_text(self, texts):
        return np.array([[len(text), 1.0, 2.0] for text in texts]).view(Tensor)


@pytest.fixture
def tiny_libraries(monkeypatch):
    loads = []

    def made(name, pretrained, device):
        loads.append((name, pretrained, device))
        return Tiny(), None, lambda image: np.asarray(image, dtype=float).view(Tensor)

    open_clip, torch = types.ModuleType("open_clip"), types.ModuleType("torch")
    open_clip.create_model_and_transforms = made
    open_clip.get_tokenizer = lambda name: lambda texts: np.array(texts).view(Tensor)
    torch.no_grad = contextlib.nullcontext
    torch.stack = lambda pictures: np.stack(pictures).view(Tensor)
    monkeypatch.setitem(sys.modules, "open_clip", open_clip)
    monkeypatch.setitem(sys.modules, "torch", torch)
    return loads


def test_the_first_lines_and_a_function_of_ones_own_do_what_they_say(grid):
    known = {"grid": grid, "sd": sd}

    exec(BLOCKS[0], known)
    exec(BLOCKS[1], known)

    assert list(grid.to_pandas().columns[-5:]) == ["flicker", "dark.mean", "dark.least", "megabytes", "unmeasured"]
    assert grid.to_pandas().notna()[["flicker", "dark.mean", "megabytes"]].all(axis=None)


def test_the_model_is_loaded_once_and_sees_every_clip(grid, tiny_libraries):
    class InThreads:
        measure = staticmethod(lambda model: found.append(grid.measure(model, ThreadPoolExecutor(2))))

    found = []

    exec(BLOCKS[2], {"grid": InThreads, "sd": sd})

    [measures] = found
    assert measures.columns == ("Aesthetics",)
    assert measures.failures == ()
    assert all(-1 <= value <= 1 for value in measures.values().values())
    assert len(tiny_libraries) == 1
    assert tiny_libraries[0][2] == "cpu"


def test_the_page_names_every_measure_that_is_shipped():
    from seedance_nb.grids.measures.shipped import SHIPPED

    for name in SHIPPED:
        assert re.search(rf"\| `{name}` \|", PAGE.read_text(encoding="utf-8")), name
