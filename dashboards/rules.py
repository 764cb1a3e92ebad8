"""Turns recordings and alerts into the files that Prometheus reads."""

from typing import Any

import yaml

from dashboards.alert import Alert
from dashboards.alerts import GROUPS
from dashboards.recordings import OBJECTIVE_RECORDINGS, RECORDINGS, Recording

OFTEN, SELDOM = "5s", "30s"


def recording_rules() -> str:
    often = [{"record": each.name, "expr": each.expr} for each in RECORDINGS]
    seldom = [_objective_rule(each) for each in OBJECTIVE_RECORDINGS]
    return _yaml([_group("mallbots recordings", OFTEN, often), _group("mallbots objectives", SELDOM, seldom)])


def alert_rules() -> str:
    return _yaml([_group(name, OFTEN, [_alert(each) for each in alerts]) for name, alerts in GROUPS.items()])


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.lasting,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook_url": alert.runbook, "dashboard": f"/d/{alert.board}"},
    }


def _objective_rule(recording: Recording) -> dict[str, Any]:
    return {"record": recording.name, "expr": recording.expr, "labels": {"slo": recording.objective}}


def _group(name: str, interval: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "interval": interval, "rules": rules}


def _yaml(groups: list[dict[str, Any]]) -> str:
    return yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=1000)
