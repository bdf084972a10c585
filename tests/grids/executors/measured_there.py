"""Measures for the workers of a cluster; some go wrong on purpose."""

import os
import signal
import time
from pathlib import Path


def moved(path):
    """Decodes all of it, and all of its digits count."""
    import seedance_nb as sd

    lights = [float((picture.astype(float) ** 0.7).mean()) for _, picture in sd.measures.pictures(path)]
    return {"light": sum(lights) / len(lights) / 3, "size": path.stat().st_size}


def process(path):
    return os.getpid()


class Fussy:
    """Raises on one clip, hangs on the next, ends its process on the third."""

    def __init__(self, raises, hangs, dies):
        self.raises, self.hangs, self.dies = raises, hangs, dies

    def __call__(self, path):
        if path.stem == self.raises:
            raise RuntimeError("no face in it")
        if path.stem == self.hangs:
            time.sleep(3600)
        if path.stem == self.dies:
            os.kill(os.getpid(), signal.SIGSEGV)
        return path.stat().st_size


class Marking:
    """Says where it is by a file, so that a test knows when a worker is in the middle."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def __call__(self, path):
        (self.folder / path.stem).touch()
        return moved(path)


class Hanging:
    """Hangs on all clips but one."""

    def __init__(self, good, begun):
        self.good, self.begun = good, Path(begun)

    def __call__(self, path):
        if path.stem != self.good:
            self.begun.touch()
            time.sleep(3600)
        return 1.0
