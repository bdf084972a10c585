"""What Colab has is left as it is: a pip install that exchanges its IPython leaves a kernel that no longer starts."""

import importlib.metadata

import pytest
from packaging.requirements import Requirement

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
