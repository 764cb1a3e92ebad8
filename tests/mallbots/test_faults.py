"""`mallbots fault`, against two small processes."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mallbots.directories import endpoints_directory
from mallbots.faults import list_faults, switch_fault
from mallbots.reporting import Misused
from mallbots_platform.endpoints import Endpoint, announce
from mallbots_platform.errors import InvalidInput, Unavailable
from mallbots_platform.faults import Fault
from tests.support.world import World, eventually


async def switch(data: Path, name: str, context: str = "", *, on: bool = True, seconds: float = 30.0) -> None:
    await switch_fault(data, name, context, on, seconds, None, as_json=False)


async def test_a_fault_is_switched_in_all_that_know_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    running = [await world.teller(), await world.listener()]

    await switch(world.directory, "slow-handler")
    assert all(each.process.faults.strength("slow-handler") for each in running)
    assert told(capsys) == ["slow-handler is on for 30 s in listener", "slow-handler is on for 30 s in teller"]

    await switch(world.directory, "slow-handler", "teller", on=False)
    assert [bool(each.process.faults.switched) for each in running] == [False, True]
    assert told(capsys) == ["slow-handler is off in teller"]


async def test_what_is_not_there_is_said_and_changes_nothing(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    teller.process.faults.declare(Fault(name="leak", description="memory is not given back"))
    await teller.process.faults.switch_on("slow-handler", 30.0)
    refusals = {
        ("earthquake", ""): "there is no fault 'earthquake', only clock-jump, ",
        ("earthquake", "listener"): "there is no fault 'earthquake', only clock-jump, ",
        ("slow-handler", "depot"): "depot is not running; running are listener, teller",
        ("leak", "listener"): "listener does not know the fault leak; leak is of teller",
    }

    for (name, context), reason in refusals.items():
        for on in (True, False):
            with pytest.raises(Misused, match=reason) as refused:
                await switch(world.directory, name, context, on=on)
            assert refused.value.code == 2

    assert (list(teller.process.faults.switched), listener.process.faults.switched) == (["slow-handler"], {})


async def test_a_senseless_time_changes_nothing(world: World) -> None:
    teller = await world.teller()

    with pytest.raises(InvalidInput, match="seconds"):
        await switch(world.directory, "slow-handler", seconds=0)

    assert teller.process.faults.switched == {}


async def test_where_nothing_runs_there_is_no_fault(world: World) -> None:
    teller = await world.teller()
    await teller.stop()
    (endpoints_directory(world.directory) / "teller.json").unlink()

    for ask in (list_faults(world.directory, as_json=True), switch(world.directory, "slow-handler")):
        with pytest.raises(Misused, match="no process is running: start them with `mallbots up`"):
            await ask


async def test_a_process_that_hangs_is_not_waited_for_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots.operators.DEADLINE_SECONDS", 0.3)
    teller = await world.teller()
    begun = time.monotonic()

    async with hanging(world.directory, "listener"):
        with pytest.raises(Unavailable):
            await switch(world.directory, "slow-handler")

    assert time.monotonic() - begun < 5
    assert teller.process.faults.switched == {}


async def test_it_lists_where_which_is_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller, _ = await world.teller(), await world.listener()
    await teller.process.faults.switch_on("slow-handler", 30.0, 0.4)

    await list_faults(world.directory, as_json=True)
    listed = {(each["context"], each["fault"]): each for each in json.loads(told(capsys)[-1])}
    await list_faults(world.directory, as_json=False)
    table = {line.split()[0]: line.rstrip() for line in told(capsys)}

    assert [place for place, each in listed.items() if each["on"]] == [("teller", "slow-handler")]
    assert 25 < listed["teller", "slow-handler"]["seconds_left"] <= 30
    assert table["slow-handler"].endswith(("teller (30 s)", "teller (29 s)"))
    assert table["clock-jump"].endswith("all")


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What the command wrote, between what the processes log."""
    return [line for line in capsys.readouterr().out.splitlines() if line.strip() and not line.startswith("{")]


@asynccontextmanager
async def hanging(data: Path, context: str) -> AsyncIterator[None]:
    """A process that takes connections and says nothing."""

    talking: set[asyncio.StreamWriter] = set()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.add(writer)
        await reader.read()
        writer.close()
        await writer.wait_closed()
        talking.remove(writer)

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    announce(endpoints_directory(data), context, Endpoint(address, address, address, os.getpid()))
    try:
        yield
    finally:
        server.close()
        await eventually(lambda: not talking)
