"""What makes two measures the same: their source, and everything that they take from around themselves."""

import functools
import subprocess
import sys

from seedance_nb.grids.measures.fingerprint import source_hash
from seedance_nb.grids.measures.shipped import SHIPPED

SCRIPT = """
import linecache
from seedance_nb.grids.measures.fingerprint import source_hash
def define(text):
    name = f"<cell {len(linecache.cache)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), globals())
{}
print(source_hash(fn))
"""


def hash_of(*cells):
    """The hash of `fn` in a process of its own, after these cells were run as a notebook runs them."""
    defined = "\n".join(f"define({cell!r})" for cell in cells)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{}", defined, 1)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_the_same_cells_in_another_kernel_are_the_same_measure_and_any_change_makes_another():
    helper, fn = (
        "LIMIT = 3\ndef helper(x):\n    return x + LIMIT\n",
        "def fn(path, scale=2):\n    return helper(scale)\n",
    )

    first = hash_of(helper, fn)

    assert hash_of("unrelated = 1\n", helper, fn) == first
    assert hash_of(helper, fn.replace("helper(scale)", "helper(scale) + 1")) != first
    assert hash_of(helper, fn.replace("scale=2", "scale=4")) != first
    assert hash_of(helper.replace("x + LIMIT", "x - LIMIT"), fn) != first
    assert hash_of(helper.replace("LIMIT = 3", "LIMIT = 4"), fn) != first


def test_a_default_counts_by_its_value():
    fn = "def fn(path, scale=SCALE):\n    return scale\n"

    assert hash_of("SCALE = 2\n", fn) == hash_of("SCALE = 1 + 1\n", fn) != hash_of("SCALE = 3\n", fn)


def test_what_an_object_or_a_closure_or_a_partial_holds_counts():
    class Counts:
        def __init__(self, limit):
            self.limit = limit

        def batch(self, paths):
            return [self.limit for _ in paths]

    def above(limit):
        return lambda path: limit

    def scaled(scale, path):
        return scale

    for make in (Counts, above, lambda limit: functools.partial(scaled, limit), lambda limit: Counts(limit).batch):
        assert source_hash(make(1)) == source_hash(make(1))
        assert source_hash(make(1)) != source_hash(make(2))


def test_functions_that_call_each_other_have_a_hash_too():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    assert source_hash(even) != source_hash(odd)


def test_the_shipped_ones_differ():
    assert len({source_hash(measure) for measure in SHIPPED.values()}) == len(SHIPPED)
