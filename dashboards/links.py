"""Ways from a panel to the traces, to the logs and to the next dashboard."""

import json
from urllib.parse import quote

from dashboards.panels import Link

PROMETHEUS, JAEGER, LOKI, ALERTMANAGER = "prometheus", "jaeger", "loki", "alertmanager"
# What Grafana puts in when the link is clicked: it must reach Grafana as it is, whatever is quoted around it.
CONTEXT, GROUP, TYPE = "${__field.labels.context}", "${__field.labels.group}", "${__field.labels.type}"
METHOD, SOURCE, SERVICE = "${__field.labels.rpc_method}", "${__field.labels.source}", "${__field.labels.service_name}"
_TIME = {"from": "${__from}", "to": "${__to}"}


def board(uid: str, title: str, **variables: str) -> Link:
    """The same time on another dashboard, with variables set."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return Link(title, f"/d/{uid}?from=${{__from}}&to=${{__to}}{chosen}")


def traces(title: str, service: str, tags: str = "", operation: str = "") -> Link:
    """A search in Jaeger; `tags` as its page writes them: `key=value key=value`."""
    query = {"queryType": "search", "service": service, "operation": operation, "tags": tags, "limit": 50}
    return _explore(title, JAEGER, {key: value for key, value in query.items() if value})


def logs(title: str, logql: str) -> Link:
    return _explore(title, LOKI, {"expr": logql})


def source(kind: str) -> str:
    """The data source that is chosen at the top of a page: a name of ours would be another one's elsewhere."""
    return f"${{{kind}}}"


def _explore(title: str, kind: str, query: dict[str, object]) -> Link:
    uid = source(kind)
    pane = {
        "datasource": uid,
        "queries": [{"refId": "A", "datasource": {"type": kind, "uid": uid}} | query],
        "range": _TIME,
    }
    text = json.dumps({"pane": pane}, separators=(",", ":"))
    return Link(title, f"/explore?schemaVersion=1&orgId=1&panes={_quoted(text)}")


def _quoted(text: str) -> str:
    """Percent-encoded, but for `${…}`."""
    head, *rest = text.split("${")
    pieces = [quote(head, safe="")]
    for part in rest:
        name, _, tail = part.partition("}")
        pieces.append(f"${{{name}}}{quote(tail, safe='')}")
    return "".join(pieces)
