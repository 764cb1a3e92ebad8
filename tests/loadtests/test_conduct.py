import os
from pathlib import Path

from pytest import mark, raises

from loadtests.conduct import conduct
from loadtests.wanted import Wanted
from mallbots.directories import CONTEXTS, endpoints_directory
from mallbots.reporting import Failed
from mallbots_platform.endpoints import Endpoint, announce


def announced(data: Path, **grpc: str) -> Wanted:
    """A mall of which only the announcements are there."""
    for context, address in grpc.items():
        announce(endpoints_directory(data), context, Endpoint(address, "127.0.0.1:1", "127.0.0.1:2", os.getpid()))
    return Wanted(shape="steady", seconds=5, rate=1, users=5, data=data)


async def refused(wanted: Wanted) -> str:
    with raises(Failed) as refusal:
        await conduct(wanted, lambda text: None, lambda measured: None)
    return str(refusal.value)


async def test_a_mall_on_another_machine_is_refused(tmp_path: Path) -> None:
    here = dict.fromkeys(CONTEXTS, "127.0.0.1:50051")

    told = await refused(announced(tmp_path, **here | {"depot": "192.168.7.7:50051"}))

    assert told == "192.168.7.7:50051 is no address of this machine's loopback: load goes nowhere else"


async def test_half_a_mall_is_not_enough(tmp_path: Path) -> None:
    told = await refused(announced(tmp_path, stores="127.0.0.1:50051", baskets="127.0.0.1:50052"))

    assert told.startswith("customers, ordering, payments, depot does not run in")


@mark.parametrize("name", ["ordering.db", "stores.db"])
async def test_an_earlier_run_is_not_mixed_with_this(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    told = await refused(Wanted(shape="steady", seconds=5, rate=1, users=5, data=tmp_path))

    assert "holds an earlier run" in told
