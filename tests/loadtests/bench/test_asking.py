import pytest

from dashboards.queries import Asked
from loadtests.bench.asking import Answered, as_asked

DAY = (1_795_639_530, 1_795_725_930)


def test_a_graph_is_asked_for_at_whole_steps_of_the_time_shown() -> None:
    asked = Asked("a page", 'rate(a{context="$context"}[$__rate_interval])')

    assert as_asked(asked, "depot", *DAY) == (
        "query_range",
        {"query": 'rate(a{context="depot"}[305s])', "start": "1795639500", "end": "1795725900", "step": "300"},
    )


def test_what_is_shown_as_it_is_now_is_asked_for_once() -> None:
    asked = Asked("a page", "increase(a[$__range])", instant=True)

    assert as_asked(asked, "", *DAY) == ("query", {"query": "increase(a[86400s])", "time": "1795725930"})


@pytest.mark.parametrize(
    ("expr", "may_be_empty"),
    [
        ("sum(mallbots_orders)", False),
        ("sum(rate(rpc_client_call_duration_seconds_count[1m]))", True),
        ("sum(redis_clients_connected)", True),
        ("max(prometheus_tsdb_head_series)", True),
        ("sum(mallbots_telemetry_spans_total)", False),
    ],
)
def test_only_what_others_make_or_trouble_brings_may_be_empty(expr: str, may_be_empty: bool) -> None:
    answered = Answered(Asked("a page", expr), has_data=False, seconds=0.1, sent=("query", {"query": expr}))

    assert answered.may_be_empty is may_be_empty
