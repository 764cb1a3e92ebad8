"""A flow for a person: one line a hop, what it is on the left, how many milliseconds it took on the right."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from mallbots.causal_tree import Flow, Handling, Message, Root, step_name
from mallbots.reporting import counted, open_console, plain

WIDEST_LABEL = 44
WHO = 9
TITLES = ("outbox", "stream", "handler", "answer")
NUMBER = 8


class Line(NamedTuple):
    """`times` stand under TITLES, in microseconds; `at` is when a root began, in seconds since the first one."""

    guide: str
    label: str
    style: str
    who: str = ""
    at: float | None = None
    times: tuple[int | None, ...] = ()
    note: str = ""
    trouble: str = ""


def show_flow(flow: Flow, *, everything: bool = False, console: Console | None = None) -> None:
    console = console or open_console()
    console.print(Text(header(flow), style="bold"))
    lines = list(flow_lines(flow, everything=everything))
    width = min(WIDEST_LABEL, max((len(line.guide) + len(line.label) for line in lines), default=0))
    titles = "ms".ljust(width + 1 + WHO) + "".join(title.rjust(NUMBER) for title in TITLES)
    console.print(Text(titles, style="dim"), soft_wrap=True)
    for line in lines:
        console.print(_text(line, width), soft_wrap=True)


def header(flow: Flow) -> str:
    until = "hand-over" if flow.ends_with_hand_over else "the last event"
    parts = [
        f"{'order' if flow.state else 'flow'} {flow.id} {flow.state}".rstrip(),
        f"{flow.seconds:.2f} s from click to {until}",
        counted(flow.events, "event"),
        counted(flow.handlings, "handling"),
        counted(flow.retries, "retry", "retries"),
    ]
    return " · ".join(parts + ([f"{flow.parked} set aside"] if flow.parked else []))


def flow_lines(flow: Flow, *, everything: bool = False) -> Iterator[Line]:
    """`everything`: also who has taken note of a message without acting on it."""
    begin = flow.roots[0].at if flow.roots else 0
    for root in flow.roots:
        yield _root_line(root, begin)
        yield from _messages(root.effects, "", everything)


def trouble(handling: Handling) -> str:
    """What is not as it should be; empty for most."""
    if handling.outcome == "applied":
        return f"after {handling.attempts} attempts" if handling.attempts > 1 else ""
    if handling.outcome == "ignored":
        return ""
    wait = f", next in {max(0.0, handling.due_at / 1e6 - time.time()):.0f} s" if handling.due_at else ""
    return f"({handling.outcome}: attempt {handling.attempts}{wait}: {handling.error})"


def ms(microseconds: int) -> str:
    """Whole ones where a tenth would touch the figure beside it."""
    exact = f"{microseconds / 1000:.1f}"
    return exact if len(exact) < NUMBER else f"{microseconds / 1000:.0f}"


def _text(line: Line, width: int) -> Text:
    text = Text(line.guide, style="dim").append(line.label, style=line.style or "default")
    text.append(" " * max(1, width + 1 - len(text)))
    details = (line.who.ljust(WHO) + _figures(line)).rstrip()
    text.append(f"{details}  {line.note}".rstrip(), style="dim")
    if line.trouble:
        text.append(plain(f"  {line.trouble}", "red"))
    return text


def _figures(line: Line) -> str:
    figures = ["" if time is None else ms(time) for time in line.times]
    if line.at is None:
        return "".join(figure.rjust(NUMBER) for figure in figures)
    return f"at {line.at:.3f} s".rjust(2 * NUMBER) + "".join(figure.rjust(NUMBER) for figure in figures[2:])


def _root_line(root: Root, begin: int) -> Line:
    style = "bold red" if root.kind == "unknown" else "bold cyan"
    at, took = max(0, root.at - begin) / 1e6, (None, None, root.duration_us or None)
    return Line("", root.name, style, root.context, at, took, f"in flow {root.flow}" if root.flow else "")


def _messages(messages: list[Message], indent: str, everything: bool) -> Iterator[Line]:
    for number, message in enumerate(messages, 1):
        corner, below = _guides(number == len(messages))
        yield _step_line(message, indent + corner) if message.is_command else _event_line(message, indent + corner)
        yield from _below(message, indent + below, everything)


def _below(message: Message, indent: str, everything: bool) -> Iterator[Line]:
    """A step's handler stands on its line; its effects follow at once."""
    if message.is_command:
        effects = [effect for handling in message.handlings for effect in handling.effects] + message.effects
        yield from _messages(effects, indent, everything)
        return
    handlings = [each for each in message.handlings if everything or each.outcome != "ignored"]
    for number, handling in enumerate(handlings, 1):
        corner, below = _guides(number == len(handlings) and not message.effects)
        yield _handling_line(handling, indent + corner)
        yield from _messages(handling.effects, indent + below, everything)
    yield from _messages(message.effects, indent, everything)


def _event_line(message: Message, guide: str) -> Line:
    style = "bold reverse" if message.asked_for else "bold"
    return Line(guide, message.type, style, times=(message.outbox_us,), note=_unpublished(message))


def _handling_line(handling: Handling, guide: str) -> Line:
    if handling.outcome == "ignored":
        return Line(guide, handling.group, "green", times=(None, handling.stream_us), note="took note")
    times = (None, handling.stream_us, handling.handler_us if handling.outcome == "applied" else None)
    return Line(guide, handling.group, "green", times=times, trouble=trouble(handling))


def _step_line(message: Message, guide: str) -> Line:
    handling = message.handlings[-1] if message.handlings else None
    times = (
        message.outbox_us,
        handling.stream_us if handling else None,
        handling.handler_us if handling and handling.outcome == "applied" else None,
        message.answer_us,
    )
    refusal = f"✗ {message.answer}" if message.answer not in ("", "done") else ""
    return Line(
        guide,
        step_name(message.id),
        "bold reverse" if message.asked_for else "magenta",
        handling.group if handling else "",
        times=times,
        note="✓" if message.answer == "done" else _unpublished(message),
        trouble="  ".join(filter(None, (trouble(handling) if handling else "", refusal))),
    )


def _unpublished(message: Message) -> str:
    return "" if message.is_published else "not published yet"


def _guides(is_last: bool) -> tuple[str, str]:
    return ("└─ ", "   ") if is_last else ("├─ ", "│  ")
