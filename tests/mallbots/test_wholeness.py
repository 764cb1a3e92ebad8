import time

from mallbots.operators import Operators, open_operators
from mallbots.wholeness import until_whole
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.errors import RuleViolated
from tests.platform.test_parking import operator
from tests.support.world import Running, World, eventually

SOON = 0.3


async def test_a_run_in_which_all_is_applied_is_whole(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")

    async with open_operators(world.directory) as operators:
        assert await until_whole(operators, 10.0) == ""

    assert await listener.heard() == ["one", "two"]


async def test_who_is_behind_is_waited_for_and_named(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await switch(listener, "slow-handler", strength=1.0)
    await teller.say("one")

    async with open_operators(world.directory) as operators:
        left = await until_whole(operators, SOON)

        assert left.startswith("listener is 1 behind in teller.events ")
        assert await until_whole(operators, 10.0) == ""
    assert await listener.heard() == ["one"]


async def test_what_waits_for_another_attempt_is_waited_for(world: World) -> None:
    teller, listener = await world.teller(), await world.listener(retry_attempts=1000)
    await switch(listener, "failing-handler", strength=1.0)
    await teller.say("one")

    async with open_operators(world.directory) as operators:
        await eventually(operators.parked)
        left = await until_whole(operators, SOON)
        await switch(listener, "failing-handler", on=False)

        assert left == "1 message to be tried again"
        assert await until_whole(operators, 10.0) == ""
    assert await listener.heard() == ["one"]


async def test_a_process_that_complains_is_heard(world: World) -> None:
    teller = await world.teller()
    await switch(teller, "cut-redis")
    await teller.say("one")
    await eventually(lambda: teller.process.troubles)

    async with open_operators(world.directory) as operators:
        left = await until_whole(operators, SOON)

    assert left == f"teller: {teller.process.troubles[0]}"


async def test_a_process_that_is_away_is_waited_for(world: World) -> None:
    listener = await world.listener()
    async with open_operators(world.directory) as operators:
        await listener.stop()

        begun = time.monotonic()
        left = await until_whole(operators, SOON)

    assert left
    assert time.monotonic() - begun < 5


async def test_what_is_dead_holds_nobody_up(world: World) -> None:
    def refuse(text: str) -> None:
        raise RuleViolated(f"{text} is not for my ears")

    teller, _ = await world.teller(), await world.listener(refuse)
    await teller.say("one")

    async with open_operators(world.directory) as operators:
        assert await until_whole(operators, 10.0) == ""
        assert [parked.state for _, parked in await operators.parked()] == ["dead"]


class Talkative:
    """A context that has always said something more when it is asked, to which nobody listens after the first six."""

    def __init__(self) -> None:
        self.said = 5
        self.sagas: dict[str, list[pb.SagaState]] = {"asleep": []}

    async def ReadLog(self, request: pb.ReadLogRequest, timeout: float) -> pb.ReadLogResponse:
        self.said += 1
        return pb.ReadLogResponse(channels=["events"], last_sequence=self.said - 1)

    async def GetStatus(self, request: pb.GetStatusRequest, timeout: float) -> pb.GetStatusResponse:
        return pb.GetStatusResponse(partitions=1)

    async def GetLag(self, request: pb.GetLagRequest, timeout: float) -> pb.GetLagResponse:
        behind = pb.Lag(group="deaf", source="teller", channel="events", last_sequence=self.said, applied_sequence=6)
        return pb.GetLagResponse(lags=[behind])

    async def ListParked(self, request: pb.ListParkedRequest, timeout: float) -> pb.ListParkedResponse:
        return pb.ListParkedResponse()

    async def ListSagas(self, request: pb.ListSagasRequest, timeout: float) -> pb.ListSagasResponse:
        return pb.ListSagasResponse(sagas=self.sagas[request.trouble])


async def test_what_is_said_later_is_not_waited_for() -> None:
    operators = Operators({"teller": Talkative()}, ["teller"])

    assert await until_whole(operators, 10.0) == ""
    assert await until_whole(operators, SOON) == "deaf is 2 behind in teller.events 0"


async def switch(running: Running, fault: str, *, on: bool = True, **strength: float) -> None:
    await operator(running, "SwitchFault", pb.SwitchFaultRequest(name=fault, on=on, seconds=30.0, **strength))


async def test_a_process_that_nothing_will_wake_is_not_whole() -> None:
    context = Talkative()
    context.sagas["asleep"] = [pb.SagaState(saga="order", id="order:1")]
    operators = Operators({"teller": context}, ["teller"])

    assert await until_whole(operators, SOON, lost={"1"}) == ""
    context.said = 5
    assert await until_whole(operators, SOON) == "1 process without a next wake-up"
