"""What Prometheus, a dashboard and traces show of a fault, and after how many seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboards.boards import BOARDS
from dashboards.expectations import MARKER, Expectation, Sight, Sign
from dashboards.prometheus import Prometheus
from dashboards.queries import as_sent
from mallbots.operators import DEADLINE_SECONDS, Operators
from mallbots_platform import operator_pb2 as pb
from telemetry.testing import OtlpReceiver, ReceivedSpan, spans_in

LOOK_SECONDS = 1.0
MARKER_SECONDS, SEEN_SECONDS, TRACED_SECONDS, CLEARED_SECONDS = 15.0, 90.0, 120.0, 90.0
LONGEST_FAULT_SECONDS = 200.0


@dataclass(slots=True)
class Course:
    """When each was first seen, in seconds after the fault was switched on; `cleared`, after it was switched off."""

    expected: Expectation
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def missed(self) -> list[str]:
        wanted = ("marker", "alert on the fault", "alert", "panel", "trace", "cleared")
        return [f"{self.expected.options}: no {each}" for each in wanted if each not in self.seconds]

    def __str__(self) -> str:
        return f"{self.expected.options}: " + ", ".join(f"{what} {at:.0f}" for what, at in self.seconds.items())


class FaultWatch:
    """Of all faults that are lived through at the same time."""

    def __init__(self, prometheus: Prometheus, operators: Operators, receiver: OtlpReceiver) -> None:
        self.courses: dict[str, Course] = {}
        self._left: list[asyncio.Task[None]] = []
        self._prometheus = prometheus
        self._operators = operators
        self._receiver = receiver
        self._firing: list[dict[str, str]] = []
        self._spans: list[ReceivedSpan] = []
        self._read = 0

    async def look(self) -> None:
        """At alerts and spans, for all that wait for them, until cancelled."""
        while True:
            self._firing = await asyncio.to_thread(self._prometheus.firing)
            requests = self._receiver.requests[self._read :]
            self._read += len(requests)
            self._spans += await asyncio.to_thread(spans_in, requests)
            await asyncio.sleep(LOOK_SECONDS)

    async def live_through(self, expected: Expectation) -> None:
        """Until alerts and panels have shown it, and it is off again. Its traces may come later."""
        course, on_at = Course(expected), time.time_ns()
        self.courses[expected.fault] = course
        await self._switch(expected, on=True)
        self._later(self._note(course, "trace", lambda: self._tells(expected.sign, on_at), TRACED_SECONDS))
        sights = (self._shows(expected, expected.sight), self._shows(expected, marker_of(expected)))
        await asyncio.gather(
            self._note(course, "marker", sights[1], MARKER_SECONDS),
            self._note(course, "alert on the fault", lambda: self._fires("FaultIsOn", {"fault": expected.fault})),
            self._note(course, "alert", lambda: self._fires(expected.alert, expected.labels)),
            self._note(course, "panel", sights[0]),
        )
        await self._switch(expected, on=False)
        self._later(self._note(course, "cleared", lambda: self._is_over(expected), CLEARED_SECONDS))

    async def until(self, fault: str, what: str) -> None:
        """It was seen, or it is not going to be."""
        deadline = time.monotonic() + SEEN_SECONDS
        while time.monotonic() < deadline:
            if fault in self.courses and what in self.courses[fault].seconds:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def until_asked(self, expr: str) -> None:
        """It comes to something; or it is not going to."""
        deadline = time.monotonic() + SEEN_SECONDS
        while not await asyncio.to_thread(self._prometheus.ask, expr) and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)

    async def until_over(self) -> None:
        await asyncio.gather(*self._left)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._left.append(asyncio.create_task(work))

    async def _note(
        self, course: Course, what: str, holds: Callable[[], Awaitable[bool]], seconds: float = SEEN_SECONDS
    ) -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            if await holds():
                course.seconds[what] = time.monotonic() - begun
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _switch(self, expected: Expectation, *, on: bool) -> None:
        request = pb.SwitchFaultRequest(
            name=expected.fault, on=on, seconds=LONGEST_FAULT_SECONDS, strength=expected.strength
        )
        await self._operators.of(expected.context).SwitchFault(request, timeout=DEADLINE_SECONDS)

    async def _fires(self, alert: str, labels: Mapping[str, str]) -> bool:
        return any(alert == each["alertname"] and labels.items() <= each.items() for each in self._firing)

    async def _is_over(self, expected: Expectation) -> bool:
        if expected.afterwards:
            await self._clear_away(expected.labels["group"])
        note = await self._fires("FaultIsOn", {"fault": expected.fault})
        return not note and not await self._fires(expected.alert, expected.labels)

    async def _clear_away(self, group: str) -> None:
        """As an operator does: what can be read is tried again, what cannot is given up."""
        for context, parked in await self._operators.parked(group, "dead"):
            operator = self._operators.of(context)
            if parked.message_id:
                await operator.RetryParked(pb.RetryParkedRequest(id=parked.id), timeout=DEADLINE_SECONDS)
            else:
                await operator.DiscardParked(pb.DiscardParkedRequest(id=parked.id), timeout=DEADLINE_SECONDS)

    async def _tells(self, sign: Sign, since_ns: int) -> bool:
        return any(span.ended_ns > since_ns and is_sign(sign, span) for span in self._spans)

    def _shows(self, expected: Expectation, sight: Sight) -> Callable[[], Awaitable[bool]]:
        queries = [as_sent(expr, expected.context) for expr in queries_of(sight)]

        async def look() -> bool:
            answers = [await asyncio.to_thread(self._prometheus.ask, query) for query in queries]
            return any(
                sight.labels.items() <= each.labels.items() and each.value > sight.above
                for answer in answers
                for each in answer
            )

        return look


def marker_of(expected: Expectation) -> Sight:
    return Sight(board="mallbots-load-faults", panel=MARKER, labels={"fault": expected.fault})


def queries_of(sight: Sight) -> list[str]:
    """Raises ValueError where there is no such panel."""
    [panel] = [
        panel for board in BOARDS if board.uid == sight.board for panel in board.panels if panel.title == sight.panel
    ]
    return [query.expr for query in panel.queries]


def is_sign(sign: Sign, span: ReceivedSpan) -> bool:
    numbers: dict[str, Any] = span.attributes
    return (
        span.service == sign.service
        and span.name.startswith(sign.name)
        and sign.error in ("", numbers.get("error.type"))
        and (span.ended_ns - span.started_ns) / 1e9 >= sign.seconds
        and all(numbers.get(name, 0) >= least for name, least in sign.at_least.items())
        and (not sign.names_no_cause or numbers.get("messaging.batch.message_count", 0) > len(span.links))
    )
