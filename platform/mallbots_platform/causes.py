"""Why something happens: what directly caused it, which conversation it belongs to, and its trace."""

from dataclasses import dataclass

from telemetry.tracing import TraceContext

NO_TRACE = TraceContext("")


@dataclass(frozen=True, slots=True)
class Cause:
    """`causation_id` names a message, a request or a timer; `correlation_id` may be empty until a key is known."""

    causation_id: str
    correlation_id: str = ""
    trace: TraceContext = NO_TRACE


UNKNOWN = Cause("")
