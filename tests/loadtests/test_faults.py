import asyncio
import sys
import time
from pathlib import Path

from pytest import MonkeyPatch, fixture, mark

from loadtests.faults import FaultPeriod, FaultSwitch
from loadtests.objectives import RECOVERY_SECONDS
from tests.support.world import eventually

COMMAND = """
import sys
from pathlib import Path

with Path(sys.argv[1]).open("a") as heard:
    heard.write(" ".join(sys.argv[2:]) + "\\n")
if "missing" in sys.argv:
    sys.exit("mallbots: there is no fault 'missing'")
"""


class Operator:
    """Stands in for `mallbots fault`, and writes down what it hears."""

    def __init__(self, directory: Path) -> None:
        script = directory / "stand_in.py"
        script.write_text(COMMAND)
        self._heard = directory / "heard"
        self.command = (sys.executable, str(script), str(self._heard))

    @property
    def heard(self) -> list[str]:
        return self._heard.read_text().splitlines() if self._heard.exists() else []


@fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


async def test_a_fault_is_switched_on_and_off(operator: Operator) -> None:
    switch = FaultSwitch("slow-handler --strength 0.5", Path("/data"), operator.command)

    before = time.time()
    await switch.during(0.3)

    assert operator.heard == ["on slow-handler --strength 0.5 --for 30 --data /data", "off slow-handler --data /data"]
    assert before <= switch.period.on_at <= switch.period.off_at <= time.time()
    assert (switch.period.name, switch.period.trouble) == ("slow-handler", "")


@mark.parametrize("where", ["--context payments", "--context=payments"])
async def test_a_fault_is_switched_off_where_it_is(operator: Operator, where: str) -> None:
    await FaultSwitch(f"slow-handler {where}", Path("/data"), operator.command).during(0.03)

    assert operator.heard[-1] == f"off slow-handler {where} --data /data"


async def test_a_fault_that_does_not_exist_is_told(operator: Operator) -> None:
    switch = FaultSwitch("missing", Path("/data"), operator.command)

    await switch.during(0.03)

    assert switch.period == FaultPeriod(
        "missing", trouble="could not be switched on: mallbots: there is no fault 'missing'"
    )
    assert len(operator.heard) == 1


async def test_an_interrupted_run_leaves_no_fault(operator: Operator, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.faults.ON_AFTER", 0.0)
    switch = FaultSwitch("slow-handler", Path("/data"), operator.command)
    running = asyncio.create_task(switch.during(300))

    await eventually(lambda: switch.period.on_at, seconds=30)
    running.cancel()
    await asyncio.wait([running])

    assert operator.heard[-1] == "off slow-handler --data /data"
    assert switch.period.off_at


async def test_a_run_over_before_its_fault_has_none(operator: Operator) -> None:
    running = asyncio.create_task(FaultSwitch("slow-handler", Path("/data"), operator.command).during(300))

    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])

    assert operator.heard == []


@mark.parametrize(
    ("begun", "ended", "is_felt"),
    [
        (90.0, 99.0, False),
        (90.0, 101.0, True),
        (105.0, 106.0, True),
        (90.0, 200.0, True),
        (110.0 + RECOVERY_SECONDS - 1, 130.0, True),
        (110.0 + RECOVERY_SECONDS, 130.0, False),
    ],
)
def test_a_fault_is_felt_while_it_lasts(begun: float, ended: float, is_felt: bool) -> None:
    assert FaultPeriod("slow-handler", 100.0, 110.0).is_felt(begun, ended) is is_felt


def test_a_fault_that_goes_on_is_felt() -> None:
    assert FaultPeriod("slow-handler", 100.0).is_felt(500.0, 501.0)
    assert not FaultPeriod("slow-handler").is_felt(500.0, 501.0)
