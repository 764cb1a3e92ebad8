import json

import pytest

from dashboards.boards.choices import CONTEXTS, GROUPS, TYPES
from dashboards.files import GENERATED
from dashboards.panels import Variable
from dashboards.queries import Asked, asked, problems, selectors
from dashboards.recordings import OBJECTIVE_RECORDINGS, RECORDINGS, Recording
from dashboards.vocabulary import names_of, series
from telemetry.registry import METRICS

UNUSED: dict[str, str] = {}


def test_every_query_asks_for_series_that_exist() -> None:
    known = series()

    assert [text for query in asked() for text in problems(query, known)] == []


def test_marks_on_every_page_come_from_series_that_exist() -> None:
    pages = [json.loads(path.read_text(encoding="utf-8")) for path in GENERATED.glob("*.json")]
    marks = {each["expr"] for page in pages for each in page["annotations"]["list"]}

    assert len(marks) == 2
    assert [text for expr in marks for text in problems(Asked("mark", expr), series())] == []


def test_every_declared_metric_is_asked_for() -> None:
    named = {selector.name for query in asked() for selector in selectors(query.parsed)}

    unused = {name for name, metric in METRICS.items() if not named & set(names_of(metric))}

    assert unused == UNUSED.keys()


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ("sum(mallbots_orders_placed)", "here: there is no mallbots_orders_placed"),
        ('mallbots_orders{sate="paid"}', "here: mallbots_orders has no label sate"),
        ("sum by (shop) (mallbots_orders)", "here: nothing under `by` has the label shop"),
        ("up + (1 - sum(rate(mallbots_order_total[1m])))", "here: there is no mallbots_order_total"),
        ("histogram_quantile(0.9, rate(mallbots_commit_bucket[1m]))", "here: there is no mallbots_commit_bucket"),
    ],
)
def test_a_query_for_what_nobody_makes_is_found(expr: str, problem: str) -> None:
    assert problems(Asked("here", expr), series()) == [problem]


@pytest.mark.parametrize("variable", [CONTEXTS, GROUPS, TYPES], ids=lambda variable: variable.name)
def test_choices_come_from_labels_that_exist(variable: Variable) -> None:
    metric, label = variable.query.removeprefix("label_values(").removesuffix(")").split(", ")

    assert label in series()[metric]


@pytest.mark.parametrize(
    "recording", (*RECORDINGS, *OBJECTIVE_RECORDINGS), ids=lambda each: f"{each.name} {each.objective}"
)
def test_a_recording_has_the_labels_in_its_name(recording: Recording) -> None:
    level = recording.name.partition(":")[0]

    assert level == "_".join(label for label in recording.labels if label != "le")
