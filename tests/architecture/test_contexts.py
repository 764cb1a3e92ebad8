"""The same names everywhere: what each context must have, and what its parts may know."""

import ast
import dataclasses
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mallbots.directories import CONTEXTS
from mallbots_platform.messages import Contract

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("adapters", "application", "composition", "contract", "domain")
PURE = {"aggregates", "errors", "messages", "validation"}
ADVICE = "let someone subscribe to it, or say here what it is for"
JOURNAL = "for flows, and for contexts that come later"
INSIDE = "acted upon inside its own context; published for flows"
HEARD_BY_NOBODY = {
    "baskets.BasketStarted": JOURNAL,
    "baskets.BasketCancelled": "ends a basket that nobody else knows of",
    "baskets.BasketAbandoned": "ends a basket that nobody else knows of",
    "customers.CustomerRegistered": "for a notifier's cache of numbers; ordering asks by a command instead",
    "customers.CustomerSmsNumberChanged": "for a notifier's cache of numbers",
    "customers.CustomerEnabled": "ordering asks by a command, so that the answer is never stale",
    "customers.CustomerDisabled": "ordering asks by a command, so that the answer is never stale",
    "ordering.OrderCreated": "begins the order process, which is ordering's own",
    "ordering.OrderRejected": "for a notifier; what was done has been undone by the process",
    "ordering.OrderReadied": "for a notifier; the join with the payment is ordering's own",
    "ordering.OrderPaid": "the join with the goods is ordering's own",
    "ordering.OrderCompleted": "for a notifier; staff ask for completed orders",
    "ordering.OrderCollected": JOURNAL,
    "payments.PaymentAuthorized": "the customer has the answer; ordering confirms it by a command",
    "payments.PaymentDeclined": "the customer has the answer",
    "payments.PaymentReleased": INSIDE,
    "payments.InvoiceIssued": JOURNAL,
    "payments.InvoiceAdjusted": JOURNAL,
    "payments.InvoiceCancelled": JOURNAL,
    "payments.InvoiceRefunded": JOURNAL,
    "depot.ShoppingListCreated": "the process has the reply to its command",
    "depot.ShoppingListScheduled": "the process has the reply to its command",
    "depot.ShoppingListAssigned": INSIDE,
    "depot.ShoppingListCancelled": "the process has the reply to its command",
    "depot.ShoppingStarted": JOURNAL,
    "depot.StoreVisited": JOURNAL,
    "depot.ItemCollected": JOURNAL,
    "depot.BotWentOnline": INSIDE,
    "depot.BotWentOffline": INSIDE,
    "depot.BotBrokeDown": INSIDE,
}


@pytest.fixture(params=CONTEXTS)
def context(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_command_knows_every_context() -> None:
    folders = {path.parent.name for path in (ROOT / "contexts").glob("*/__main__.py")}

    assert folders == set(CONTEXTS)


def test_a_context_has_its_parts(context: str) -> None:
    folder = ROOT / "contexts" / context

    names = {path.stem for path in folder.iterdir() if not path.name.startswith((".", "__"))}

    assert names == set(PARTS)


def test_a_context_has_a_charter(context: str) -> None:
    charter = ast.get_docstring(ast.parse((ROOT / "contexts" / context / "__init__.py").read_text())) or ""

    assert charter.startswith(f"{context.capitalize()} owns ")
    assert "ublishes" in charter
    assert "onsumes" in charter or "akes" in charter


def test_a_contract_names_its_context_and_all_it_holds(context: str) -> None:
    module = importlib.import_module(f"contexts.{context}.contract")

    declared = contract(context)

    assert declared.context == context
    assert declared.events
    assert {kind.__name__ for kind in declared.events + declared.commands} <= set(module.__all__)


def test_messages_are_frozen_slotted_and_named(context: str) -> None:
    loose = [kind.__name__ for kind in messages(context) if not is_plain(kind)]

    assert list(messages(context))
    assert not loose


def test_a_loose_dataclass_is_no_message() -> None:
    for options in ({"frozen": False}, {"slots": False}, {"kw_only": False}):
        chosen: dict[str, Any] = {"frozen": True, "slots": True, "kw_only": True} | options
        kind = dataclasses.make_dataclass("Loose", [("text", str)], **chosen)

        assert not is_plain(kind)


def test_a_domain_imports_pure_modules_only(context: str) -> None:
    impure = [f"{file.name}: {name}" for file in domain_files(context) for name in imported(file) if not is_pure(name)]
    foreign = [name for file in domain_files(context) for name in imported(file) if is_of_another(name, context)]

    assert not impure
    assert not foreign


@pytest.mark.parametrize("module", sorted(PURE))
def test_a_pure_module_of_the_platform_is_pure(module: str) -> None:
    file = ROOT / "platform" / "mallbots_platform" / f"{module}.py"

    impure = [name for name in imported(file) if not is_pure(name)]

    assert not impure


def test_every_event_has_a_listener_or_a_reason() -> None:
    said = {contract(context).wire_name(event) for context in CONTEXTS for event in contract(context).events}
    heard = {event for context in CONTEXTS for event in subscribed_to(context)}

    assert heard <= said
    assert said - heard - set(HEARD_BY_NOBODY) == set(), ADVICE
    assert set(HEARD_BY_NOBODY) & heard == set()
    assert set(HEARD_BY_NOBODY) <= said


def contract(context: str) -> Contract:
    found = importlib.import_module(f"contexts.{context}.contract").CONTRACT
    assert isinstance(found, Contract)
    return found


def messages(context: str) -> Iterator[type]:
    """Events, commands and the values they are made of, of the contract and of the domain."""
    yield from contract(context).events + contract(context).commands
    for part in (f"contexts.{context}.contract.events", f"contexts.{context}.domain.events"):
        if importlib.util.find_spec(part.rpartition(".")[0]) and (ROOT / (part.replace(".", "/") + ".py")).exists():
            module = importlib.import_module(part)
            yield from (kind for kind in vars(module).values() if getattr(kind, "__module__", "") == part)


def is_plain(kind: object) -> bool:
    options = getattr(kind, "__dataclass_params__", None)
    if not isinstance(kind, type) or options is None:
        return False
    named = all(field.kw_only for field in dataclasses.fields(kind))
    return bool(options.frozen and "__slots__" in vars(kind) and named and kind.__bases__ == (object,))


def domain_files(context: str) -> list[Path]:
    folder = ROOT / "contexts" / context
    files = sorted((folder / "domain").glob("*.py")) or [folder / "domain.py"]
    assert all(file.exists() for file in files)
    return files


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_pure(name: str) -> bool:
    package, _, rest = name.partition(".")
    if package == "mallbots_platform":
        return rest.partition(".")[0] in PURE
    return package == "contexts" or package in sys.stdlib_module_names


def is_of_another(name: str, context: str) -> bool:
    return name.startswith("contexts.") and not name.startswith(f"contexts.{context}.domain")


def subscribed_to(context: str) -> Iterator[str]:
    """Out of the visible tables of its composition: `subscribe(source.CONTRACT, {source.Event: handler, …})`, or
    `project` with the tables besides."""
    tree = ast.parse((ROOT / "contexts" / context / "composition.py").read_text())
    sources = {
        alias.asname or alias.name: str(node.module).removeprefix("contexts.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for call in ast.walk(tree):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in ("subscribe", "project")
        ):
            table = call.args[1]
            assert isinstance(table, ast.Dict), f"{context}: the handlers of a subscription stand in a dict literal"
            for key in table.keys:
                assert isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name)
                yield f"{sources[key.value.id]}.{key.attr}"
