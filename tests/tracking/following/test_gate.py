import asyncio

from seedance_nb.tracking.following.gate import Gate


async def enter(gate, inside, let_out):
    async with gate:
        inside.append(1)
        await let_out.wait()
        inside.pop()


async def crowd(gate, count):
    """So many at the gate: how many are inside, and the way to let them out."""
    inside, let_out = [], asyncio.Event()
    tasks = [asyncio.create_task(enter(gate, inside, let_out)) for _ in range(count)]
    await asyncio.sleep(0.01)
    return inside, let_out, tasks


def test_as_many_are_let_in_as_is_allowed():
    async def story():
        inside, let_out, tasks = await crowd(Gate(3), 10)
        assert len(inside) == 3
        let_out.set()
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_after_a_refusal_one_is_let_in_and_twice_as_many_with_every_acceptance():
    async def story():
        gate = Gate(5)
        gate.refused()
        inside, let_out, tasks = await crowd(gate, 10)
        seen = [len(inside)]
        for _ in range(4):
            gate.accepted()
            await asyncio.sleep(0.01)
            seen.append(len(inside))
        assert seen == [1, 2, 4, 5, 5]
        let_out.set()
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_refusals_in_a_row_are_counted_and_those_of_one_wave_once():
    gate = Gate(5)
    for seen in (0, 0, 0, 1, 1, 2):
        gate.refused(seen)
    assert gate.refusals == 3

    gate.accepted()

    assert gate.refusals == 0


def test_who_gives_up_waiting_leaves_no_hole():
    async def story():
        gate = Gate(1)
        inside, let_out, tasks = await crowd(gate, 3)
        tasks[1].cancel()
        let_out.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        inside, let_out, tasks = await crowd(gate, 2)
        assert len(inside) == 1
        let_out.set()
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_who_gives_up_at_the_moment_it_is_let_in_passes_the_place_on():
    async def story():
        gate = Gate(1)
        inside, let_out, tasks = await crowd(gate, 3)
        let_out.set()
        await asyncio.sleep(0)  # the first is out, the second was called and has not come in yet
        tasks[1].cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        assert not inside

    asyncio.run(story())


def test_another_allowance_counts_at_once():
    async def story():
        gate = Gate(1)
        inside, let_out, tasks = await crowd(gate, 4)
        gate.allow(3)
        await asyncio.sleep(0.01)
        assert len(inside) == 3
        let_out.set()
        await asyncio.gather(*tasks)

    asyncio.run(story())
