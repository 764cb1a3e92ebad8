"""Where traces are searched: the real Jaeger, and a stand-in that answers the same questions from what was received."""

import asyncio
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode
from urllib.request import urlopen

import grpc

from mallbots.observe.jaeger import JAEGER
from mallbots.observe.process import RunningProgram, start
from mallbots.observe.site import Site, choose_ports
from telemetry.testing import ReceivedSpan
from tests.support.world import eventually

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PATIENCE = 60.0
MOST_TRACES = 20_000
SLICE_MS = 250
Traces = dict[str, set[str]]
Edges = set[tuple[str, str]]


class TraceStore(Protocol):
    async def search(self, tag: str, value: str) -> Traces:
        """The traces with a span that is tagged so: the ids of all their spans."""

    async def edges(self) -> Edges:
        """Which service calls, or tells, which other one."""


class ReceivedTraces(AbstractAsyncContextManager["ReceivedTraces"]):
    def __init__(self, spans: Iterable[ReceivedSpan]) -> None:
        self._spans = {(span.trace_id, span.span_id): span for span in spans}

    async def search(self, tag: str, value: str) -> Traces:
        wanted = {trace for (trace, _), span in self._spans.items() if str(span.attributes.get(tag)) == value}
        found: Traces = defaultdict(set)
        for trace, id in self._spans:
            if trace in wanted:
                found[trace].add(id)
        return found

    async def edges(self) -> Edges:
        parents = ((self._spans.get((span.trace_id, span.parent_id)), span) for span in self._spans.values())
        return {(parent.service, span.service) for parent, span in parents if parent and parent.service != span.service}

    async def __aexit__(self, *exception: object) -> None: ...


class JaegerTraces(AbstractAsyncContextManager["JaegerTraces"]):
    """Jaeger with our configuration, given what a run has exported, and asked over its HTTP API."""

    def __init__(self, program: str, data: Path, exported: Iterable[bytes], spans: Sequence[ReceivedSpan]) -> None:
        self._site = Site(data, "", {JAEGER.name: program}, choose_ports(dict.fromkeys(JAEGER.ports, 0)))
        self._exported = exported
        self._from_us = min(span.started_ns for span in spans) // 1000 - 1_000_000
        self._to_us = max(span.ended_ns for span in spans) // 1000 + 1_000_000
        self._spans = {(span.trace_id, span.span_id) for span in spans}
        self._running: RunningProgram

    async def search(self, tag: str, value: str) -> Traces:
        return await self._traces({tag: value})

    async def edges(self) -> Edges:
        """Asked for one slice of time after the other: on disk, Jaeger looks at a hundred traces at most each time."""
        found: Edges = set()
        for end_ms in range(self._from_us // 1000, self._to_us // 1000 + SLICE_MS, SLICE_MS):
            asked = {"endTs": end_ms, "lookback": SLICE_MS}
            answer = await self._ask(f"/api/dependencies?{urlencode(asked)}") or ()
            found |= {(each["parent"], each["child"]) for each in answer if each["parent"] != each["child"]}
        return found

    async def __aenter__(self) -> "JaegerTraces":
        self._running = await start(JAEGER, self._site)
        try:
            await self._running.until_ready()
            async with grpc.aio.insecure_channel(self._site.address("jaeger.otlp")) as channel:
                export: Any = channel.unary_unary(EXPORT, lambda request: request, lambda response: response)
                for request in self._exported:
                    await export(request, timeout=PATIENCE)
            await eventually(self._has_all, PATIENCE)
        except BaseException:
            await self._running.end()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._running.end()

    async def _has_all(self) -> bool:
        return {(trace, id) for trace, ids in (await self._traces({})).items() for id in ids} == self._spans

    async def _traces(self, tags: dict[str, str]) -> Traces:
        """Of every service, for Jaeger wants to be told of which."""
        told = {"tags": json.dumps(tags), "start": self._from_us, "end": self._to_us, "limit": MOST_TRACES}
        found: Traces = {}
        for service in await self._ask("/api/services") or ():
            for trace in await self._ask(f"/api/traces?{urlencode({'service': service, **told})}") or ():
                found[trace["traceID"]] = {span["spanID"] for span in trace["spans"]}
        return found

    async def _ask(self, path: str) -> Any:
        def ask() -> Any:
            with urlopen(f"{self._site.url('jaeger')}{path}", timeout=PATIENCE) as answer:
                return json.load(answer)["data"]

        return await asyncio.to_thread(ask)


def jaeger() -> str | None:
    return next(filter(None, map(shutil.which, JAEGER.executables)), None)
