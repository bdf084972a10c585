"""What an answer says of a job for the first time reaches its picture and its row, whichever answer says it."""

import msgspec
import pytest
from tracking.doubles import Service, TimeMachine, make_runner, submit, until


class Telling(Service):
    """A service of which one call says that it simulates."""

    def __init__(self, clock, told_by, **options):
        super().__init__(clock, **options)
        self.told_by = told_by

    async def create(self, request):
        answer = await super().create(request)
        return msgspec.structs.replace(answer, simulated=self.told_by == "create")

    async def get(self, request_id):
        answer = await super().get(request_id)
        return msgspec.structs.replace(answer, simulated=self.told_by == "get")


@pytest.mark.parametrize(("told_by", "known"), [("create", True), ("get", True), ("nobody", False)])
def test_what_is_told_is_shown_and_recorded(tmp_path, told_by, known):
    clock = TimeMachine()
    runner = make_runner(tmp_path, Telling(clock, told_by), clock)
    job = submit(runner, "a kite [fail]")
    assert until(job.done)
    runner.close()

    assert job.snapshot.simulated is known
    assert runner.ledger.find(job.key).simulated is known
    runner.ledger.close()
