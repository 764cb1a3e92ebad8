"""Locust as a process: what it said last is told where it ends before its time."""

import socket

from pytest import CaptureFixture, LogCaptureFixture, mark

from loadtests.instructions import Instructions
from loadtests.locust_process import LocustProcess
from loadtests.swarm.metrics import Metrics
from mallbots.directories import CONTEXTS


@mark.timeout(120)
async def test_why_it_could_not_begin_is_told(capsys: CaptureFixture[str]) -> None:
    elsewhere = dict.fromkeys(CONTEXTS, "192.168.7.7:50051")
    told = Instructions(addresses=elsewhere, shape="steady", seconds=5, rate=1, users=5, seed=1)

    trouble = await LocustProcess(told).run(lambda line: None)

    assert trouble.startswith(
        "Locust ended with exit code 1: mallbots.reporting.Failed: 192.168.7.7:50051 is no address"
    )
    assert "Traceback" in capsys.readouterr().err


def test_a_run_goes_on_where_its_metrics_have_no_place(caplog: LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        Metrics().serve(f"127.0.0.1:{taken.getsockname()[1]}")

    assert "Prometheus will not see this run: Address already in use" in caplog.text
