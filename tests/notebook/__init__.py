"""So that `notebook` is this folder here, also where Jupyter's package of that name is installed (ipywidgets 7 brings it)."""
