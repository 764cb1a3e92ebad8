"""Faults are felt, are visible, and end by themselves."""

import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.clock import now_us
from mallbots_platform.errors import InvalidInput, NotFound, Unavailable
from mallbots_platform.faults import Faults
from telemetry.bundle import open_telemetry
from tests.platform.test_parking import operator, states
from tests.support.world import Running, World, eventually


def switch(fault: str, seconds: float = 30.0, **strength: float) -> pb.SwitchFaultRequest:
    return pb.SwitchFaultRequest(name=fault, on=True, seconds=seconds, **strength)


async def test_a_fault_switches_itself_off(world: World) -> None:
    listener = await world.listener()

    await operator(listener, "SwitchFault", switch("slow-handler", seconds=0.3))

    assert listener.measured("mallbots_faults_active", fault="slow-handler") == 1
    assert await listener.counts(0, "mallbots_faults_active")
    assert listener.process.faults.strength("slow-handler") == 0


async def test_a_fault_is_switched_off_before_its_time(world: World) -> None:
    listener = await world.listener()
    await operator(listener, "SwitchFault", switch("slow-handler"))

    answer = await operator(listener, "SwitchFault", pb.SwitchFaultRequest(name="slow-handler", on=False))

    assert isinstance(answer, pb.SwitchFaultResponse)
    assert answer.fault.seconds_left == 0
    assert listener.measured("mallbots_faults_active") == 0


async def test_failing_handlers_park_and_recover(world: World) -> None:
    teller, listener = await world.teller(), await world.listener(retry_attempts=1000)
    await operator(listener, "SwitchFault", switch("failing-handler", strength=1.0))

    await teller.say("one")
    await eventually(lambda: is_parked(listener))
    await operator(listener, "SwitchFault", pb.SwitchFaultRequest(name="failing-handler", on=False))

    assert await listener.hears("one")


async def is_parked(listener: Running) -> bool:
    return await states(listener) == [("k", "waiting")]


async def test_slow_handlers_are_slow(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await operator(listener, "SwitchFault", switch("slow-handler", strength=0.3))

    await teller.say("one")

    assert await listener.hears("one")
    [(handler_us,)] = await listener.rows("SELECT handler_us FROM deliveries")
    assert handler_us >= 300_000


async def test_a_cut_redis_is_waited_for(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await operator(teller, "SwitchFault", switch("cut-redis"))

    await teller.say("one")
    await eventually(lambda: teller.process.troubles)
    heard_meanwhile = await listener.heard()
    await operator(teller, "SwitchFault", pb.SwitchFaultRequest(name="cut-redis", on=False))

    assert heard_meanwhile == []
    assert await listener.hears("one")


async def test_a_locked_database_is_unavailable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform._sqlite.BUSY_MILLISECONDS", 50)
    teller = await world.teller()
    await operator(teller, "SwitchFault", switch("locked-database"))

    async def is_refused() -> bool:
        try:
            await teller.say("in vain")
        except Unavailable:
            return True
        return False

    assert await eventually(is_refused)
    await operator(teller, "SwitchFault", pb.SwitchFaultRequest(name="locked-database", on=False))
    await teller.say("again")


async def test_poison_harms_nobody(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")

    await operator(teller, "SwitchFault", switch("poison-event", strength=4))
    await teller.say("two")

    assert await listener.hears("one", "two", seconds=20)


async def test_a_clock_jumps_and_comes_back(world: World) -> None:
    listener = await world.listener()
    before = now_us()

    await operator(listener, "SwitchFault", switch("clock-jump", strength=3600))
    ahead = now_us() - before
    await operator(listener, "SwitchFault", pb.SwitchFaultRequest(name="clock-jump", on=False))

    assert ahead > 3_500_000_000
    assert now_us() - before < 60_000_000


async def test_every_process_lists_its_faults(world: World) -> None:
    listener = await world.listener()

    listed = await operator(listener, "ListFaults", pb.ListFaultsRequest())

    assert isinstance(listed, pb.ListFaultsResponse)
    assert {fault.name for fault in listed.faults} == {
        *("slow-handler", "failing-handler", "locked-database", "cut-redis", "poison-event", "clock-jump")
    }
    assert all(fault.description and not fault.seconds_left for fault in listed.faults)


@pytest.mark.parametrize(("seconds", "strength"), [(0, 1), (-1, 1), (4000, 1), (1, 11), (1, -1)])
async def test_what_makes_no_sense_changes_nothing(seconds: float, strength: float) -> None:
    faults = Faults(open_telemetry("test", {}))

    with pytest.raises(InvalidInput):
        await faults.switch_on("slow-handler", seconds, strength)

    assert faults.switched == {}


async def test_an_unknown_fault_is_not_found() -> None:
    with pytest.raises(NotFound, match="no fault has the id 'earthquake'"):
        await Faults(open_telemetry("test", {})).switch_on("earthquake", 1.0)
