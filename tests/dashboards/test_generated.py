import json
import re
from typing import Any

import pytest

from dashboards.boards import BOARDS
from dashboards.files import GENERATED, files
from tests.dashboards.grafana_schema import problems

SCHEMA = 42
PAGES = [f"{board.uid}.json" for board in BOARDS]


def read(name: str) -> dict[str, Any]:
    page: dict[str, Any] = json.loads((GENERATED / name).read_text(encoding="utf-8"))
    return page


def test_generated_files_are_current() -> None:
    """`python -m dashboards` writes them."""
    found = {path.name: path.read_text(encoding="utf-8") for path in GENERATED.iterdir()}

    wanted = files()

    assert found.keys() == wanted.keys()
    assert [name for name in wanted if found[name] != wanted[name]] == []


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_what_grafana_takes(name: str) -> None:
    page = read(name)

    assert page["schemaVersion"] == SCHEMA
    assert problems(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_each_page_finds_its_sources_wherever_it_is_imported(name: str) -> None:
    text = (GENERATED / name).read_text(encoding="utf-8")

    chosen = {each["name"]: each["query"] for each in read(name)["templating"]["list"] if each["type"] == "datasource"}
    assert chosen == {kind: kind for kind in ("prometheus", "jaeger", "loki") if f"${{{kind}}}" in text}
    assert set(re.findall(r'"uid": "([^"]+)"', text)) == {f"${{{kind}}}" for kind in used(read(name))} | {name[:-5]}


def used(page: dict[str, Any]) -> set[str]:
    return {panel["datasource"]["type"] for panel in page["panels"] if "datasource" in panel} | {"prometheus"}


def test_a_field_that_grafana_does_not_know_is_found() -> None:
    page = read(PAGES[0])
    page["panels"][1]["tilte"] = "?"

    assert problems(page) == ["dashboard.panels[1] has a field tilte that Grafana does not know"]


def test_a_value_of_a_wrong_type_is_found() -> None:
    page = read(PAGES[0])
    page["panels"][1]["gridPos"]["w"] = "wide"

    assert [text for text in problems(page) if text.endswith("is 'wide', must be int")]


def test_a_kind_of_line_that_grafana_does_not_draw_is_found() -> None:
    page = read("mallbots-flows.json")
    lines = next(panel for panel in page["panels"] if panel["type"] == "timeseries")
    lines["fieldConfig"]["defaults"]["custom"]["drawStyle"] = "crayon"

    assert [text for text in problems(page) if "crayon" in text]


@pytest.mark.parametrize("name", PAGES)
def test_panels_lie_beside_each_other(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in read(name)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", PAGES)
def test_pages_look_again_every_few_seconds(name: str) -> None:
    page = read(name)

    assert page["refresh"] in ("5s", "10s")
    assert [each["name"] for each in page["annotations"]["list"]] == ["alerts", "faults"]
