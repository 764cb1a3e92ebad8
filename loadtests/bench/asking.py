"""Every query of every panel, asked of Prometheus as Grafana does, and how long each answer takes."""

import json
import re
from dataclasses import dataclass, replace
from functools import partial

from dashboards.boards import BOARDS
from dashboards.prometheus import Prometheus, least_seconds
from dashboards.queries import OF_ONE_CONTEXT, Asked, as_sent, asked_by, selectors, shown, step_seconds
from dashboards.silence import MADE_ELSEWHERE, SILENT_WHEN_WELL
from mallbots.directories import CONTEXTS

Sent = tuple[str, dict[str, str]]
# What other programs make, Prometheus among them, that does not watch itself here.
NOT_HERE = ("ALERTS", "prometheus_", *MADE_ELSEWHERE)
# A mall that is seen for a few seconds may show it, or not: it is there while an order is under way.
MAY_BE_SILENT = {*SILENT_WHEN_WELL, "mallbots_saga_in_flight"}
_PART = re.compile("_(bucket|count|sum)$")


@dataclass(frozen=True, slots=True)
class Answered:
    """`seconds` until the whole answer was there, and what was `sent`; of the slowest, where each context was asked
    for."""

    asked: Asked
    has_data: bool
    seconds: float
    sent: Sent

    @property
    def may_be_empty(self) -> bool:
        """It asks for what another program makes, or for what is silent while all is well."""
        names = {_PART.sub("", selector.name) for selector in selectors(self.asked.parsed)}
        return bool(names & MAY_BE_SILENT) or any(name.startswith(NOT_HERE) for name in names)


def ask_all(prometheus: Prometheus, since: int, until: int) -> list[Answered]:
    """For a page that shows that time, in seconds since 1970."""
    return [_ask(prometheus, asked, since, until) for board in BOARDS for asked in asked_by(board)]


def as_asked(asked: Asked, context: str, since: int, until: int) -> Sent:
    """What of its API Prometheus is asked, and with which parameters. Points of a graph are at whole steps."""
    query, step = as_sent(asked.expr, context, shown(until - since)), step_seconds(until - since)
    if asked.instant:
        return "query", {"query": query, "time": f"{until}"}
    begin, end = since // step * step, until // step * step
    return "query_range", {"query": query, "start": f"{begin}", "end": f"{end}", "step": f"{step}"}


def _ask(prometheus: Prometheus, asked: Asked, since: int, until: int) -> Answered:
    contexts = CONTEXTS if OF_ONE_CONTEXT in asked.expr else ("",)
    each = [_answered(prometheus, asked, as_asked(asked, context, since, until)) for context in contexts]
    slowest = max(each, key=lambda answered: answered.seconds)
    return replace(slowest, has_data=any(answered.has_data for answered in each))


def _answered(prometheus: Prometheus, asked: Asked, sent: Sent) -> Answered:
    what, parameters = sent
    answer, seconds = least_seconds(partial(prometheus.answer, what, **parameters), 3)
    return Answered(asked, bool(json.loads(answer)["data"]["result"]), seconds, sent)
