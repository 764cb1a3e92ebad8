"""overload: what is still answered when three times as many calls come as can be answered, and how soon all is well."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from contexts.customers.contract import customers_pb2
from loadtests.bench.consumers.callers import service
from loadtests.bench.contenders import Contender, Started
from loadtests.bench.rows import Row, Target, at_least, at_most
from loadtests.bench.scale import Scale
from loadtests.bench.stage import Stage

CALM, BUSY, FULL, TOO_MUCH = 0.3, 0.9, 1.1, 3.0
TIMES = (CALM, BUSY, FULL, TOO_MUCH, CALM)
PATIENCE_SECONDS = 0.25
AS_BEFORE = 2.0
LEAST_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Work:
    """`seconds` of work a call; 0 is the mall's cheapest change."""

    name: str
    seconds: float
    method: str
    request: Message
    target: Target


class Asked(NamedTuple):
    due: float
    took: float
    status: str

    @property
    def is_answered(self) -> bool:
        return self.status == "OK" and self.took <= PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Siege:
    """What became of all calls, by phase, each of which lasted so many `seconds`."""

    capacity: float
    seconds: float
    phases: list[list[Asked]]

    def goodput(self, phase: int) -> float:
        """Calls a second that were answered in time."""
        return sum(asked.is_answered for asked in self.phases[phase]) / self.seconds

    @property
    def best(self) -> float:
        return max(self.goodput(TIMES.index(times)) for times in (BUSY, FULL))

    @property
    def under_siege(self) -> float:
        return self.goodput(TIMES.index(TOO_MUCH))

    @property
    def share(self) -> float:
        return self.under_siege / self.best if self.best else 0.0

    @property
    def over_after(self) -> float:
        """Seconds after the last of the many calls: from then on all were answered, and about as fast as before."""
        before, after = self.phases[0], self.phases[-1]
        longest = max(LEAST_SECONDS, AS_BEFORE * sorted(asked.took for asked in before)[-1 - len(before) // 100])
        late = [asked.due for asked in after if not asked.is_answered or asked.took > longest]
        return max(late, default=0.0)


def works() -> tuple[Work, ...]:
    said = GetMessageClass(service().methods_by_name["Say"].input_type)(text="hello")
    ann = customers_pb2.RegisterCustomerRequest(name="Ann", sms_number="+491511234567")
    registering = "/mallbots.customers.v1.CustomersService/RegisterCustomer"
    return (
        Work("4 ms of work a call", 0.004, "/mallbots.bench.v1.EchoService/Say", said, at_least(0.8)),
        Work("the mall's cheapest change", 0.0, registering, ann, at_least(0.5)),
    )


def rows(stage: Stage, scale: Scale) -> Iterator[Row]:
    for work in works():
        sieges = [besiege(stage, work, scale.siege_seconds) for _ in range(scale.rounds)]
        siege = max(sieges, key=lambda each: each.share)
        yield Row(
            group="overload",
            name=f"answered in time at {TOO_MUCH:g} times the capacity, {work.name}",
            figure=siege.share,
            target=work.target,
            ours={"per_second": siege.under_siege},
            theirs={"per_second": siege.best},
            spread=(min(each.share for each in sieges), siege.share),
            note=f"against the best at {BUSY:g} and {FULL:g} times {siege.capacity:,.0f}/s; {_told(siege)}",
        )
        over_after = [each.over_after for each in sieges]
        yield Row(
            group="overload",
            name=f"until all is as before, {work.name}",
            figure=min(over_after),
            unit="s",
            target=at_most(1),
            spread=(min(over_after), max(over_after)),
            note=f"calls at {CALM:g} times the capacity, right behind the many",
        )


def besiege(stage: Stage, work: Work, seconds: float) -> Siege:
    place = stage.empty()
    server = Contender(name=work.name, module="loadtests.bench.consumers.besieged", reads=(), writes=())
    crowd = Contender(name="crowd", module="loadtests.bench.consumers.crowd", reads=(), writes=())
    serves = {"seconds": work.seconds, "redis": stage.redis.url, "database": str(place / "besieged.db")}
    asks = {
        "method": work.method,
        "request": work.request.SerializeToString().hex(),
        "patience": PATIENCE_SECONDS,
        "seconds": seconds,
        "times": TIMES,
        "cores": stage.cores.others,
    }
    with Started(server, serves | {"cores": stage.cores.measured}, place / "server", stage.telemetry) as serving:
        serving.go()
        with Started(crowd, asks | {"address": serving.facts["address"]}, place / "crowd", {}) as asking:
            asking.go()
            found = asking.hear()
        serving.end()
    return Siege(found["capacity"], seconds, [[Asked(*each) for each in phase] for phase in found["phases"]])


def _told(siege: Siege) -> str:
    statuses: dict[str, Any] = {}
    for asked in siege.phases[TIMES.index(TOO_MUCH)]:
        statuses[asked.status] = statuses.get(asked.status, 0) + 1
    return " · ".join(f"{status} {count / siege.seconds:,.0f}/s" for status, count in sorted(statuses.items()))
