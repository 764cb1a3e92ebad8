"""What is told of a stack: where to look, and how to get what is missing."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from mallbots.observe.process import answers
from mallbots.observe.stack import PROGRAMS, Stack


def show_stack(stack: Stack, console: Console) -> None:
    table = Table("program", "page", "shows", box=None, pad_edge=False)
    for each in PROGRAMS:
        if each.name in stack.pages:
            table.add_row(each.name, stack.pages[each.name], each.shows)
    if stack.pages:
        console.print(table)
    for each in PROGRAMS:
        if each.name in stack.missing:
            console.print(f"{each.name} is missing: {stack.missing[each.name]}", soft_wrap=True, markup=False)


def as_json(stack: Stack) -> dict[str, object]:
    """Nothing, where nothing was wanted."""
    if not (stack.pages or stack.missing):
        return {}
    return {"observe": stack.pages, "missing": stack.missing}


@dataclass(frozen=True, slots=True)
class Views:
    """Pages on one matter. `prometheus` and `grafana` are what their addresses begin with, if they run."""

    prometheus: str = ""
    grafana: str = ""

    def of(self, board: str, query: str, alerts: Iterable[str]) -> Iterator[str]:
        if self.grafana:
            yield f"{self.grafana}/d/{board}"
        if self.prometheus:
            asked = urlencode({"g0.expr": query, "g0.tab": 0, "g0.range_input": "15m"})
            yield f"{self.prometheus}/graph?{asked}"
        if alerts := ", ".join(alerts):
            yield f"{alerts}: {self.prometheus}/alerts" if self.prometheus else f"alerts: {alerts}"


async def views(pages: Mapping[str, str]) -> Views:
    """Debian builds Prometheus without its newer page."""
    prometheus = pages.get("prometheus", "").rstrip("/")
    if prometheus and not await asyncio.to_thread(answers, f"{prometheus}/alerts"):
        prometheus += "/classic"
    return Views(prometheus, pages.get("grafana", "").partition("/d/")[0])
