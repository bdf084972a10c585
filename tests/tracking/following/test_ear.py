"""One reading for all who listen, and nobody is forgotten between two readings."""

import asyncio

from seedance_nb.tracking.following.ear import Ear


class Rows:
    """A table that is read when the test says so; nobody sleeps."""

    def __init__(self):
        self.read, self.gates = [], [asyncio.Event(), asyncio.Event(), asyncio.Event()]
        self.tasks = []
        self.ear = Ear(
            self._read,
            lambda seconds: asyncio.sleep(0),
            lambda work: self.tasks.append(asyncio.create_task(work)),
            lambda owner: True,
        )

    async def _read(self, keys):
        self.read.append(keys)
        await self.gates[len(self.read) - 1].wait()
        return {key: f"row of {key}" for key in keys if key != "lost"}


async def until_read(rows, times):
    while len(rows.read) < times:
        await asyncio.sleep(0)


def test_all_who_listen_are_read_in_one_go():
    async def listen():
        rows = Rows()
        rows.gates[0].set()
        assert await asyncio.gather(*(rows.ear.next(key) for key in "abc")) == ["row of a", "row of b", "row of c"]
        assert rows.read == [["a", "b", "c"]]

    asyncio.run(listen())


def test_who_begins_to_listen_while_a_reading_is_under_way_is_read_next():
    async def listen():
        rows = Rows()
        first = rows.ear.next("a")
        await until_read(rows, 1)
        late = rows.ear.next("b")
        rows.gates[0].set()
        rows.gates[1].set()
        assert (await first, await asyncio.wait_for(late, 30)) == ("row of a", "row of b")
        assert rows.read == [["a"], ["b"]]

    asyncio.run(listen())


def test_a_row_that_is_not_there_is_none():
    async def listen():
        rows = Rows()
        rows.gates[0].set()
        assert await rows.ear.next("lost") is None

    asyncio.run(listen())
