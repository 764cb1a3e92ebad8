"""What is told of a stack: where to look, and how to get what is missing."""

from rich.console import Console
from rich.table import Table

from mallbots.observe.stack import PROGRAMS, Stack


def show_stack(stack: Stack, console: Console) -> None:
    table = Table("program", "page", "shows", box=None, pad_edge=False)
    for each in PROGRAMS:
        if each.name in stack.pages:
            table.add_row(each.name, stack.pages[each.name], each.shows)
    console.print(table)
    for each in PROGRAMS:
        if each.name in stack.missing:
            console.print(f"{each.name} is missing: {stack.missing[each.name]}", soft_wrap=True, markup=False)


def as_json(stack: Stack) -> dict[str, object]:
    return {"observe": stack.pages, "missing": stack.missing}
