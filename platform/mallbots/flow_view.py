"""A flow for a person: one line a hop, what it is on the left, how long it took on the right."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from mallbots.causal_tree import Flow, Handling, Message, Root, step_name
from mallbots.reporting import open_console

WIDEST = 72


class Line(NamedTuple):
    guide: str
    label: str
    style: str
    detail: str
    trouble: str = ""


def show_flow(flow: Flow, *, everything: bool = False, console: Console | None = None) -> None:
    console = console or open_console()
    console.print(Text(header(flow), style="bold"), soft_wrap=True)
    lines = list(flow_lines(flow, everything=everything))
    width = min(WIDEST, max((len(line.guide) + len(line.label) for line in lines), default=0))
    for line in lines:
        text = Text(line.guide, style="dim").append(line.label, style=line.style or "default")
        text.append(" " * max(2, width + 2 - len(text)))
        text.append(line.detail, style="dim")
        if line.trouble:
            text.append(f"  {line.trouble}" if line.detail else line.trouble, style="red")
        console.print(text, soft_wrap=True)


def header(flow: Flow) -> str:
    until = "hand-over" if flow.ends_with_hand_over else "the last event"
    parts = [
        f"{'order' if flow.state else 'flow'} {flow.id} {flow.state}".rstrip(),
        f"{flow.seconds:.2f} s from click to {until}",
        f"{flow.events} events",
        f"{flow.handlings} handlings",
        f"{flow.retries} retries",
    ]
    return " · ".join(parts + ([f"{flow.parked} set aside"] if flow.parked else []))


def flow_lines(flow: Flow, *, everything: bool = False) -> Iterator[Line]:
    """`everything`: also who has taken note of a message without acting on it."""
    begin = flow.roots[0].at if flow.roots else 0
    for root in flow.roots:
        yield Line("", root.name, "bold cyan" if root.kind != "unknown" else "bold red", _root_detail(root, begin))
        yield from _messages(root.effects, "", everything)


def _messages(messages: list[Message], indent: str, everything: bool) -> Iterator[Line]:
    for number, message in enumerate(messages, 1):
        corner, below = _guides(number == len(messages))
        yield _message_line(message, indent + corner)
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
        yield Line(indent + corner, handling.group, "green", _handling_detail(handling), trouble(handling))
        yield from _messages(handling.effects, indent + below, everything)
    yield from _messages(message.effects, indent, everything)


def _message_line(message: Message, guide: str) -> Line:
    style = "bold reverse" if message.asked_for else "bold" if not message.is_command else "magenta"
    if not message.is_command:
        return Line(guide, message.type, style, _outbox(message))
    details, troubles = [], []
    for handling in message.handlings:
        details.append(f"{handling.group:<10} {_outbox(message)}  {_handling_detail(handling)}")
        troubles.append(trouble(handling))
    if message.answer_us is not None:
        details.append(f"there and back {ms(message.answer_us)}")
    if message.answer == "done":
        details.append("✓")
    elif message.answer:
        troubles.append(f"✗ {message.answer}")
    detail = "  ".join(details) or _outbox(message)
    return Line(guide, step_name(message.id), style, detail, "  ".join(filter(None, troubles)))


def _root_detail(root: Root, begin: int) -> str:
    after = f"at {max(0, root.at - begin) / 1e6:.3f} s"
    return f"{root.context:<10} {ms(root.duration_us):>8}  {after}" if root.duration_us else f"{root.context}  {after}"


def _outbox(message: Message) -> str:
    if message.outbox_us is not None:
        return f"outbox {ms(message.outbox_us)}"
    return "" if message.published_at else "not published yet"


def _handling_detail(handling: Handling) -> str:
    if handling.outcome == "ignored":
        return "took note"
    hop = f"stream {ms(handling.stream_us)}"
    return f"{hop}  handled in {ms(handling.handler_us)}" if handling.outcome == "applied" else hop


def trouble(handling: Handling) -> str:
    """What is not as it should be; empty for most."""
    if handling.outcome == "applied":
        return f"after {handling.attempts} attempts" if handling.attempts > 1 else ""
    if handling.outcome == "ignored":
        return ""
    wait = f", next in {max(0.0, handling.due_at / 1e6 - time.time()):.0f} s" if handling.due_at else ""
    return f"({handling.outcome}: attempt {handling.attempts}{wait}: {handling.error})"


def ms(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms"


def _guides(is_last: bool) -> tuple[str, str]:
    return ("└─ ", "   ") if is_last else ("├─ ", "│  ")
