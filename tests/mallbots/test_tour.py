import pytest

from dashboards.alerts import ALERTS
from dashboards.boards import BOARDS
from dashboards.queries import Asked, problems
from dashboards.vocabulary import series
from mallbots.observe.links import Views, views
from mallbots.tour import TROUBLES, Trouble
from tests.support.mall import mallbots_here

every_trouble = pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.fault)


@every_trouble
def test_a_trouble_is_seen_where_it_is_said_to_be(trouble: Trouble) -> None:
    assert trouble.board in {board.uid for board in BOARDS}
    assert set(trouble.alerts) <= {alert.name for alert in ALERTS}
    assert problems(Asked(trouble.fault, trouble.query), series()) == []


def test_links_are_given_to_what_runs() -> None:
    both = Views("http://localhost:9090", "http://localhost:3000")

    assert list(both.of("mallbots-flows", "up == 0", ["FaultIsOn"])) == [
        "http://localhost:3000/d/mallbots-flows",
        "http://localhost:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=0&g0.range_input=15m",
        "FaultIsOn: http://localhost:9090/alerts",
    ]
    assert list(Views().of("mallbots-flows", "up", ["FaultIsOn"])) == ["alerts: FaultIsOn"]
    assert list(Views().of("mallbots-flows", "up", [])) == []


async def test_without_programs_there_are_no_links() -> None:
    assert await views({}) == Views()


@pytest.mark.parametrize("options", [("--minutes", "0"), ("--minutes", "241"), ("--rate", "0"), ("--rate", "51")])
def test_a_tour_without_time_or_customers_is_refused(options: tuple[str, str]) -> None:
    assert "--minutes must be more than 0" in mallbots_here("observe", *options).refusal
