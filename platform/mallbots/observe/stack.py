"""All that shows a run: what is on the PATH is started, what is not is named, everything is stopped in the end."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import SubprocessError

from yaml import YAMLError

from mallbots.directories import endpoints_directory
from mallbots.observe.alertmanager import ALERTMANAGER
from mallbots.observe.collector import COLLECTOR
from mallbots.observe.grafana import GRAFANA
from mallbots.observe.jaeger import JAEGER
from mallbots.observe.loki import LOKI
from mallbots.observe.process import NotStarted, RunningProgram, start
from mallbots.observe.program import Program
from mallbots.observe.prometheus import PROMETHEUS, write_targets
from mallbots.observe.site import Site, choose_ports
from mallbots.reporting import Failed, one_line
from mallbots.supervisor import Report
from mallbots.undisturbed import undisturbed
from mallbots_platform.endpoints import read_endpoints

PROGRAMS = (GRAFANA, PROMETHEUS, ALERTMANAGER, COLLECTOR, JAEGER, LOKI)
LOOK_SECONDS = 1.0


class Stack:
    """`pages` has the address of each program that runs; `missing` says of each other one why it does not."""

    def __init__(self, data: Path, contexts: Iterable[str], report: Report, programs: Iterable[Program]) -> None:
        self.pages: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self._data = data
        self._contexts = tuple(contexts)
        self._report = report
        self._programs = tuple(programs)
        self._running: dict[str, RunningProgram] = {}
        self._watchers: list[asyncio.Task[None]] = []

    @property
    def pids(self) -> dict[str, int]:
        return {name: each.pid for name, each in self._running.items()}

    async def start(self, redis_url: str) -> Mapping[str, str]:
        """What the mall's processes have to be told, so that their spans are seen."""
        found = {each.name: at for each in self._programs if (at := _executable(each))}
        wanted = {what: port for each in self._programs if each.name in found for what, port in each.ports.items()}
        site = Site(self._data, redis_url, found, choose_ports(wanted))
        async with asyncio.TaskGroup() as starting:  # nobody goes on to start when it has come to an end
            for each in self._programs:
                starting.create_task(self._start(each, site))
        self.pages = {each.name: self.pages[each.name] for each in self._programs if each.name in self.pages}
        self._watchers = [asyncio.create_task(self._watch(*each)) for each in self._running.items()]
        if "prometheus" in self.pages:
            self._watchers.append(asyncio.create_task(self._keep_targets(site)))
        return exporting(site, self.pages)

    async def stop(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(each.end() for each in self._running.values()))

    async def _start(self, program: Program, site: Site) -> None:
        if program.name not in site.found:
            self.missing[program.name] = f"not on the PATH: {program.how_to_get}"
            return
        try:
            running = await start(program, site)
            self._running[program.name] = running
            await running.until_ready()
            self.pages[program.name] = site.url(program.name) + program.page
        except (NotStarted, Failed, OSError, SubprocessError, YAMLError) as error:
            self.missing[program.name] = f"did not start: {one_line(error)}"
            if broken := self._running.pop(program.name, None):
                await broken.end()

    async def _watch(self, name: str, running: RunningProgram) -> None:
        self._say(f"{name} ended ({await running.until_ended()})")

    async def _keep_targets(self, site: Site) -> None:
        """A process that is started anew may listen elsewhere."""
        known: dict[str, str] = {}
        while True:
            endpoints = read_endpoints(endpoints_directory(self._data))
            metrics = {each: endpoints[each].metrics for each in self._contexts if each in endpoints}
            if metrics != known:
                with contextlib.suppress(OSError):  # a full disk: the next round tries again
                    write_targets(site, metrics)
                    known = metrics
            await asyncio.sleep(LOOK_SECONDS)

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            self._report(text)


@asynccontextmanager
async def observing(
    data: Path, contexts: Iterable[str], report: Report, programs: Iterable[Program] = PROGRAMS
) -> AsyncIterator[Stack]:
    """Nothing runs until `start` is called, and nothing any more afterwards."""
    stack = Stack(data, contexts, report, programs)
    try:
        yield stack
    finally:
        await undisturbed(stack.stop())


def _executable(program: Program) -> str | None:
    return next(filter(None, map(shutil.which, program.executables)), None)


def exporting(site: Site, running: Collection[str]) -> dict[str, str]:
    """To the first of those that take spans."""
    for program, at in (("collector", "collector.grpc"), ("jaeger", "jaeger.otlp")):
        if program in running:
            return {"OTEL_EXPORTER_OTLP_ENDPOINT": site.url(at), "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    return {}
