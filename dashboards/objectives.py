"""What is promised to a customer, and how fast the promise may be used up before somebody is woken.

For each objective the rate of events and of those that broke it is recorded over five minutes; longer windows are sums
of these two series, so that three days cost no more to look at than one hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dashboards.promql import per_second

PERIOD = "30d"
BASE = "5m"


@dataclass(frozen=True, slots=True)
class Objective:
    """`target` is the share of events that are to be good; `total` and `bad` are rates over `BASE`, one series each."""

    name: str
    alert: str
    promise: str
    target: float
    total: str
    bad: str
    board: str

    @property
    def allowed(self) -> float:
        """The share that may be bad."""
        return round(1 - self.target, 6)


@dataclass(frozen=True, slots=True)
class Window:
    """Burning `factor` times as fast as allowed over both spans: the long one says it matters, the short one that it
    still goes on."""

    short: str
    long: str
    factor: float
    severity: str


WINDOWS = (
    Window("5m", "1h", 14.4, "page"),
    Window("30m", "6h", 6, "page"),
    Window("2h", "1d", 3, "ticket"),
    Window("6h", "3d", 1, "ticket"),
)
SPANS = ("30m", "1h", "2h", "6h", "1d", "3d", PERIOD)

# What a customer cannot help: the statuses for which a server's span is an error.
OUR_FAULT = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"


def _checkouts(more: str = "") -> str:
    where = f'{{rpc_method=~".*/CheckoutBasket"{more}}}'
    return per_second("rpc_server_call_duration_seconds_count", where=where, over=BASE)


def _effects(series: str, more: str = "") -> str:
    where = f'{{type!="other"{more}}}'
    return per_second(f"mallbots_event_critical_seconds_{series}", where=where, over=BASE)


def _ready(series: str, where: str = "") -> str:
    return per_second(f"mallbots_order_ready_seconds_{series}", where=where, over=BASE)


OBJECTIVES = (
    Objective(
        name="checkout-availability",
        alert="CheckoutFailsTooOften",
        promise="999 of 1,000 checkouts do not fail because of us.",
        target=0.999,
        total=_checkouts(),
        bad=_checkouts(f', status=~"{OUR_FAULT}"') + f" or 0 * {_checkouts()}",
        board="mallbots-one-context",
    ),
    Objective(
        name="critical-time",
        alert="EffectsComeTooLate",
        promise="99 of 100 events have had their effect within a second.",
        target=0.99,
        total=_effects("count"),
        bad=_effects("count") + " - " + _effects("bucket", ', le="1.0"'),
        board="mallbots-flows",
    ),
    Objective(
        name="time-to-ready",
        alert="OrdersGetReadyTooLate",
        promise="99 of 100 orders are ready within a minute.",
        target=0.99,
        total=_ready("count"),
        bad=_ready("count") + " - " + _ready("bucket", '{le="60.0"}'),
        board="mallbots-mall-today",
    ),
)


def objective_recordings(objective: Objective) -> Iterator[tuple[str, str]]:
    """Names and expressions; each result has the one label `slo`, which the rule adds."""
    chosen = f'{{slo="{objective.name}"}}'
    yield f"slo:events:rate{BASE}", objective.total
    yield f"slo:events_bad:rate{BASE}", objective.bad
    yield f"slo:error_ratio:rate{BASE}", f"slo:events_bad:rate{BASE}{chosen} / slo:events:rate{BASE}{chosen}"
    for span in SPANS:
        bad, total = (f"sum_over_time(slo:{what}:rate{BASE}{chosen}[{span}])" for what in ("events_bad", "events"))
        yield f"slo:error_ratio:rate{span}", f"{bad} / {total}"
    yield "slo:allowed:ratio", f"vector({objective.allowed:g})"
    yield "slo:budget_left:ratio", f"1 - slo:error_ratio:rate{PERIOD}{chosen} / {objective.allowed:g}"


def burns(objective: Objective, severity: str) -> str:
    """True when the budget burns so fast that somebody of this severity is to be told."""
    return "\nor\n".join(_burns(objective, window) for window in WINDOWS if window.severity == severity)


def _burns(objective: Objective, window: Window) -> str:
    bound = f"{window.factor:g} * {objective.allowed:g}"
    spans = (window.short, window.long)
    return "(" + " and ".join(f'slo:error_ratio:rate{span}{{slo="{objective.name}"}} > {bound}' for span in spans) + ")"
