from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.alert import NOTE, PAGE, TICKET, Alert
from dashboards.alerts import ALERTS
from dashboards.boards import BOARDS
from dashboards.files import GENERATED
from tests.dashboards.alert_stories import PROMISES, STORIES, PromiseStory, Story
from tests.dashboards.promtool import promtool, run_story

RULES = [GENERATED / "recordings.rules.yml", GENERATED / "alerts.rules.yml"]
PROMISE_GROUPS = ("mallbots objectives", "mallbots promises")
every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
every_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.alert}-{story.severity}")
every_promise = pytest.mark.parametrize("story", PROMISES, ids=lambda story: f"{story.alert}-{story.severity}")


def promise_rules(folder: Path) -> Path:
    """Those of promises alone, and as seldom as is enough for hours: the tool works out every one of them each time."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    chosen = [group | {"interval": "1m"} for group in groups if group["name"] in PROMISE_GROUPS]
    path = folder / "promises.rules.yml"
    path.write_text(yaml.safe_dump({"groups": chosen}))
    return path


def as_told(story: Story, values: dict[str, str] | None = None) -> dict[str, Any]:
    """For promtool: silent before, firing in the trouble, silent after it."""
    begins, ends = story.before, story.before + story.troubled
    times = {begins - story.step: False, begins + story.seen_after: True, ends + story.silent_after - story.step: False}
    return {
        "interval": f"{story.step}s",
        "input_series": [{"series": series, "values": values} for series, values in (values or story.values).items()],
        "promql_expr_test": [_fires(story, at, expected) for at, expected in times.items()],
    }


def _fires(story: Story, at: int, expected: bool) -> dict[str, Any]:
    chosen = f'{{alertname="{story.alert}", alertstate="firing", severity="{story.severity}"}}'
    samples = [{"labels": "{}", "value": 1}] if expected else []
    return {"expr": f"group(ALERTS{chosen})", "eval_time": f"{at}s", "exp_samples": samples}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_prometheus_accepts_the_rules(path: Path) -> None:
    told = promtool("check", "rules", path)

    assert told.returncode == 0, told.stdout + told.stderr


@every_story
def test_an_alert_fires_in_its_trouble_and_is_silent_after_it(story: Story, tmp_path: Path) -> None:
    assert run_story(tmp_path, RULES, as_told(story)) == ""


@every_story
def test_an_alert_fires_though_every_third_scrape_fails(story: Story, tmp_path: Path) -> None:
    assert run_story(tmp_path, RULES, as_told(story, story.values_with_gaps)) == ""


def test_a_story_without_trouble_is_found_out(tmp_path: Path) -> None:
    story = next(each for each in STORIES if each.alert == "DeadMessages")
    calm = Story(alert=story.alert, series={series: ("=0", "=0", "=0") for series in story.series})

    assert "DeadMessages" in run_story(tmp_path, RULES, as_told(calm))


@every_alert
def test_every_alert_has_a_story(alert: Alert) -> None:
    assert (alert.name, alert.severity) in {(story.alert, story.severity) for story in (*STORIES, *PROMISES)}


@every_alert
def test_every_alert_leads_to_the_page_that_shows_it(alert: Alert) -> None:
    assert alert.board in {board.uid for board in BOARDS}
    assert alert.severity in (PAGE, TICKET, NOTE)
    assert alert.summary.endswith(".")


@every_story
def test_symptoms_are_seen_within_90_seconds(story: Story) -> None:
    assert story.seen_after <= 90


@every_promise
def test_a_promise_that_is_not_kept_is_told(story: PromiseStory, tmp_path: Path) -> None:
    assert run_story(tmp_path, [promise_rules(tmp_path)], as_told(story)) == ""


@pytest.mark.parametrize("story", [each for each in PROMISES if each.severity == TICKET], ids=lambda story: story.alert)
def test_a_promise_that_wears_thin_wakes_nobody(story: PromiseStory, tmp_path: Path) -> None:
    at = story.before + story.troubled - story.step
    paging = Story(alert=story.alert, series={})

    told = as_told(story) | {"promql_expr_test": [_fires(story, at, True), _fires(paging, at, False)]}

    assert run_story(tmp_path, [promise_rules(tmp_path)], told) == ""
