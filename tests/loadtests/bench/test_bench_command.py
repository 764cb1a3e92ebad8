import pytest

from loadtests.bench.__main__ import GROUPS, is_good, main
from loadtests.bench.peer_rows import MEASURED
from loadtests.bench.peers import Peer
from loadtests.bench.rows import Row, Skipped, at_most


def test_a_group_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--only", "hop,hops"])

    said = capsys.readouterr().err
    assert status == 2
    assert "there is no hops" in said
    assert all(name in said for name in GROUPS)


def test_every_row_of_the_issue_has_its_group() -> None:
    assert set(GROUPS) == {
        "hop",
        "peers",
        "probe",
        "telemetry",
        "append",
        "flow",
        "calls",
        "overload",
        "growth",
        "dashboards",
    }


def test_a_peer_that_is_not_installed_says_how() -> None:
    assert "--install" in Peer("absent-peer", (), "absent").missing


def test_every_peer_has_its_weakness_beside_its_figure() -> None:
    assert all(each.note for each in MEASURED)


def test_only_a_missed_target_and_a_failure_are_faults() -> None:
    missed = Row(group="calls", name="x", figure=61, target=at_most(60))
    failed = Skipped("peers", "Protean", "it ended early", failed=True)

    assert not is_good(missed) and not is_good(failed)
    assert is_good(Skipped("peers", "Protean", "not installed"))
    assert is_good(Row(group="flow", name="x", figure=1))
