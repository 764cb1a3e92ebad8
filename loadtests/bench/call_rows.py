"""calls: what the platform's interceptors, spans and metrics add to a gRPC call, client and server together."""

from collections.abc import Iterator
from functools import partial

from loadtests.bench.costs import interleaved, least
from loadtests.bench.inner import run
from loadtests.bench.rows import Row, at_most, of_cost
from loadtests.bench.scale import Scale
from loadtests.bench.stage import Stage


def rows(stage: Stage, scale: Scale) -> Iterator[Row]:
    def told(platform: bool) -> dict[str, int]:
        return {"calls": scale.calls, "platform": platform}

    measured = interleaved(
        scale.rounds,
        {
            "ours": partial(run, stage, "callers", scale.calls, told(platform=True)),
            "bare": partial(run, stage, "callers", scale.calls, told(platform=False)),
        },
    )
    ours, bare = least(measured["ours"]), least(measured["bare"])
    yield Row(
        group="calls",
        name="added to a bare grpc.aio call",
        figure=ours.cpu_us - bare.cpu_us,
        unit="µs",
        target=at_most(60),
        ours=of_cost(ours),
        theirs=of_cost(bare),
        note="two spans, two durations, deadline, errors; both ends in one process",
    )
