"""Starting and stopping, with a program that does as it is told."""

import os
import signal
import stat
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from mallbots import supervisor
from mallbots.observe.program import Launch, Program
from mallbots.observe.site import Site
from mallbots.observe.stack import Stack, exporting, observing
from tests.support.mall import is_gone
from tests.support.world import eventually

REDIS = "redis://127.0.0.1:1"
SERVES = """
import http.server, signal, sys
if "stubborn" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
REFUSES = "import sys; print('one more line'); sys.exit('line 3: field scrape_intervall not found')"


def showing(site: Site) -> Launch:
    return Launch((str(site.ports["shower"]), str(site.folder("shower"))), site.url("shower"))


SHOWER = Program("shower", ("shower",), "things", "somewhere", {"shower": 0}, showing)
ABSENT = replace(SHOWER, name="absent", executables=("no-such-program",), how_to_get="Debian's package `absent`")


@pytest.fixture
def bin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


def install(folder: Path, text: str) -> None:
    path = folder / "shower"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def stack_in(data: Path, *programs: Program, said: list[str] | None = None) -> AbstractAsyncContextManager[Stack]:
    return observing(data, [], (said if said is not None else []).append, programs)


async def test_what_is_there_runs_and_what_is_not_is_named(tmp_path: Path, bin: Path) -> None:
    install(bin, SERVES)
    async with stack_in(tmp_path, SHOWER, ABSENT) as stack:
        told = await stack.start(REDIS)

        pid = stack.pids["shower"]
        assert stack.pages.keys() == {"shower"} and stack.pages["shower"].startswith("http://127.0.0.1:")
        assert stack.missing == {"absent": "not on the PATH: Debian's package `absent`"}
        assert told == {}
        assert not is_gone(pid)
    assert is_gone(pid)


async def test_what_does_not_start_says_why_and_keeps_nobody_from_starting(tmp_path: Path, bin: Path) -> None:
    install(bin, REFUSES)
    said: list[str] = []
    async with stack_in(tmp_path, SHOWER, said=said) as stack:
        await stack.start(REDIS)

        assert stack.pages == {} and stack.pids == {} and said == []
        assert stack.missing == {"shower": "did not start: one more line | line 3: field scrape_intervall not found"}


async def test_what_dies_is_told(tmp_path: Path, bin: Path) -> None:
    install(bin, SERVES)
    said: list[str] = []
    async with stack_in(tmp_path, SHOWER, said=said) as stack:
        await stack.start(REDIS)

        os.kill(stack.pids["shower"], signal.SIGKILL)

        await eventually(lambda: said)
    assert said[0].startswith("shower ended (signal 9: ")


async def test_what_does_not_end_when_asked_is_killed(
    tmp_path: Path, bin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(bin, SERVES)
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.2)
    stubborn = replace(SHOWER, prepare=lambda site: Launch((str(site.ports["shower"]), "stubborn"), site.url("shower")))
    async with stack_in(tmp_path, stubborn) as stack:
        await stack.start(REDIS)
        pid = stack.pids["shower"]

    assert is_gone(pid)


async def test_what_an_earlier_run_left_is_named(tmp_path: Path, bin: Path) -> None:
    install(bin, SERVES)
    async with stack_in(tmp_path, SHOWER) as left:
        await left.start(REDIS)

        async with stack_in(tmp_path, SHOWER) as second:
            await second.start(REDIS)

            kill = f"stop it with `kill {left.pids['shower']}`"
            assert second.missing == {"shower": f"did not start: an earlier run left it running: {kill}"}


@pytest.mark.parametrize(
    "running, told",
    [
        (("collector", "jaeger"), "collector.grpc"),
        (("jaeger",), "jaeger.otlp"),
    ],
)
async def test_the_mall_sends_its_spans_to_who_takes_them(running: tuple[str, ...], told: str, tmp_path: Path) -> None:
    site = Site(tmp_path, REDIS, {}, {"collector.grpc": 1, "jaeger.otlp": 2})

    assert exporting(site, running) == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": site.url(told),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }
