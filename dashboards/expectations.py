"""What each fault is to be seen by: the alert that fires, the panel that shows it, the trace that tells of it.

`docs/observability.md` has this table with the seconds that were measured; a test lives through it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MARKER = "Which faults are on?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A panel, and the value that shows the fault: one with these labels that is above this bound."""

    board: str
    panel: str
    labels: Mapping[str, str]
    above: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A span: `name` is how it begins. `at_least` are numbers that it has, `seconds` how long it takes."""

    says: str
    service: str
    name: str
    error: str = ""
    seconds: float = 0.0
    at_least: Mapping[str, float] = field(default_factory=dict)
    names_no_cause: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """`labels` are those by which the alert names the place; `afterwards` is what an operator has to do once the fault
    is off, where it does not clear by itself."""

    fault: str
    context: str
    strength: float | None = None
    alert: str
    labels: Mapping[str, str]
    sight: Sight
    sign: Sign
    afterwards: str = ""

    @property
    def options(self) -> str:
        strength = "" if self.strength is None else f" --strength {self.strength:g}"
        return f"{self.fault}{strength} --context {self.context}"

    @property
    def command(self) -> str:
        return f"mallbots fault on {self.options}"


EXPECTATIONS = (
    # Not of payments: what is slow refuses calls, customers do not get to check out, and nobody is behind any more.
    Expectation(
        fault="slow-handler",
        context="ordering",
        strength=10,
        alert="ConsumerIsBehind",
        labels={"group": "ordering"},
        sight=Sight(board="mallbots-consumers", panel="By how long?", labels={"group": "ordering"}, above=10),
        sign=Sign(
            says="`process` of ordering takes ten seconds and more", service="ordering", name="process ", seconds=10
        ),
    ),
    Expectation(
        fault="failing-handler",
        context="baskets",
        strength=1,
        alert="DeadMessages",
        labels={"group": "baskets"},
        sight=Sight(
            board="mallbots-consumers", panel="How much waits for an operator?", labels={"group": "baskets"}, above=0
        ),
        sign=Sign(
            says="`process` of baskets fails again and again, with `InjectedFault`",
            service="baskets",
            name="process ",
            error="InjectedFault",
            at_least={"mallbots.attempt": 2},
        ),
        afterwards="mallbots parked retry --group baskets",
    ),
    Expectation(
        fault="locked-database",
        context="depot",
        alert="TimersAreLate",
        labels={"context": "depot"},
        sight=Sight(board="mallbots-sagas", panel="Are timers late?", labels={"context": "depot"}, above=10),
        sign=Sign(
            says="calls to depot fail with `DatabaseBusy`",
            service="depot",
            name="mallbots.depot.",
            error="DatabaseBusy",
        ),
    ),
    Expectation(
        fault="cut-redis",
        context="stores",
        alert="OutboxIsOld",
        labels={"context": "stores"},
        sight=Sight(
            board="mallbots-outbox-streams",
            panel="How old is the oldest decision that is not published?",
            labels={"context": "stores"},
            above=10,
        ),
        sign=Sign(
            says="afterwards: `process` of what stores said, ten seconds and more in the outbox",
            service="baskets",
            name="process stores.",
            at_least={"mallbots.outbox_seconds": 10},
        ),
    ),
    Expectation(
        fault="poison-event",
        context="baskets",
        strength=4,
        alert="DeadMessages",
        labels={"group": "ordering"},
        sight=Sight(
            board="mallbots-outbox-streams",
            panel="When did groups find holes, and when were they healed?",
            labels={"group": "ordering"},
        ),
        sign=Sign(
            says="`receive` of ordering took something that names no trace",
            service="ordering",
            name="receive baskets.events",
            names_no_cause=True,
        ),
        afterwards="mallbots parked discard ordering:1",
    ),
    Expectation(
        fault="clock-jump",
        context="customers",
        alert="ClocksDisagree",
        labels={"group": "ordering"},
        sight=Sight(board="mallbots-flows", panel="Do the clocks agree?", labels={"group": "ordering"}),
        sign=Sign(
            says="`process` of customers comes a minute and more after its message was published, by its clock",
            service="customers",
            name="process ",
            at_least={"mallbots.stream_seconds": 60},
        ),
    ),
    # That a payment is declined is business as usual: nothing is broken, so no alert but the one on the fault itself.
    Expectation(
        fault="declining-bank",
        context="payments",
        alert="FaultIsOn",
        labels={"fault": "declining-bank"},
        sight=Sight(board="mallbots-sagas", panel="How do processes end?", labels={"outcome": "failed"}),
        sign=Sign(
            says="`create payments.PaymentDeclined`",
            service="payments",
            name="create payments.PaymentDeclined",
        ),
    ),
)
