import json
from pathlib import Path

import pytest

from mallbots import doctor as examination
from mallbots.doctor import OK, PROBLEM, WARNING
from mallbots.invariants import gather_evidence
from mallbots.operators import open_operators
from mallbots.reporting import Failed
from mallbots.sagas import list_sagas
from tests.support.travel import Agency


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    return Agency(f"sqlite:///{tmp_path / 'travel.db'}")


async def refused_an_undo(agency: Agency, trip: str) -> None:
    await agency.request(trip)
    await agency.accept((await agency.commands(trip))[-1])
    await agency.refuse("no room", (await agency.commands(trip))[-1])
    await agency.refuse("the train has left", (await agency.commands(trip))[-1])


async def put_asleep(agency: Agency, trip: str) -> None:
    await agency.parts.change(lambda: agency.parts.database.run("DELETE FROM timers WHERE key = ?", (f"trip:{trip}",)))


async def test_each_is_listed_with_what_it_is_refused(
    agency: Agency, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await agency.request("1")
    await refused_an_undo(agency, "2")

    await list_sagas(tmp_path, "", False, False, True)
    everything = json.loads(capsys.readouterr().out)
    await list_sagas(tmp_path, "", True, False, True)
    [stuck] = json.loads(capsys.readouterr().out)
    await list_sagas(tmp_path, "running", False, False, True)
    [running] = json.loads(capsys.readouterr().out)

    assert [each["id"] for each in everything] == ["2", "1"]
    assert (running["id"], running["refusal"]) == ("1", "")
    assert (stuck["id"], stuck["state"], stuck["step"]) == ("2", "compensating", "reserve seat")
    assert (stuck["refusal"], stuck["awaiting"]) == ("the train has left", "trip:2:undo:reserve-seat:1")


async def test_people_get_a_line_for_each(agency: Agency, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await refused_an_undo(agency, "1")

    await list_sagas(tmp_path, "", True, False, False)
    [title, line] = capsys.readouterr().out.splitlines()
    await list_sagas(tmp_path, "", False, True, False)
    nothing = capsys.readouterr().out

    assert title.startswith("saga") and line.split()[:3] == ["trip", "1", "compensating"]
    assert line.rstrip().endswith("the train has left")
    assert nothing == "there is no such process\n"


async def test_only_one_trouble_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="say one of --stuck and --asleep"):
        await list_sagas(tmp_path, "", True, True, False)


async def test_doctor_says_whether_each_can_go_on(agency: Agency, tmp_path: Path) -> None:
    await agency.request("1")
    well = await examination.processes_that_span(tmp_path)
    await refused_an_undo(agency, "2")
    stuck = await examination.processes_that_span(tmp_path)
    await put_asleep(agency, "1")
    asleep = await examination.processes_that_span(tmp_path)

    assert (well.state, stuck.state, asleep.state) == (OK, WARNING, PROBLEM)
    assert stuck.detail == "1 are refused what they have to do, such as trip:2: the train has left"
    assert asleep.detail == "1 have neither ended nor a next wake-up, such as trip:1"
    assert asleep.advice.endswith("SagaIsAsleep.md")


async def test_a_database_that_is_not_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "travel.db").write_bytes(b"no database at all" * 100)

    assert (await examination.processes_that_span(tmp_path)).state == WARNING


async def test_one_that_sleeps_is_evidence(agency: Agency, tmp_path: Path) -> None:
    await agency.request("1")
    await put_asleep(agency, "1")

    async with open_operators(tmp_path) as operators:
        evidence = await gather_evidence(operators, {}, 0)

    assert [each.id for each in evidence.asleep] == ["trip:1"]
