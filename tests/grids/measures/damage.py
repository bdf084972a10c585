"""The clips and the damage of `benchmarks/measures.py`, small: what the figures of README are made of is what is tested."""

import functools
import importlib.util
import sys
from pathlib import Path

SIZE, PICTURES, RATE = (96, 160), 24, 12


def _benchmark():
    path = Path(__file__).parents[3] / "benchmarks" / "measures.py"
    spec = importlib.util.spec_from_file_location("seedance_nb_benchmark_of_measures", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bench = _benchmark()


@functools.cache
def scene(seed):
    return bench.scene(seed, SIZE, PICTURES, RATE)


def write(film, path):
    return bench.write(film, path, RATE)
