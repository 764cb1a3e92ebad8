from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, lists, sampled_from, tuples

from contexts.depot.contract import ItemCollected, ItemMissing
from mallbots_platform.errors import NotFound, RuleViolated
from tests.contexts.depot.application.plans import Crew, Piece, Plan
from tests.contexts.depot.yard import LEASE, Yard, wanted

BOTS, NUMBERS, PIECES = sampled_from(["a", "b", "c"]), integers(1, 6), integers(1, 3)
STORE_OF = {"p": "s", "q": "s", "r": "t"}
CHOICES = lists(tuples(sampled_from(["p", "q", "r"]), PIECES), min_size=1, max_size=3)
STEPS = lists(tuples(BOTS, PIECES, booleans()), min_size=10, max_size=30)


class DepotModel(RuleBasedStateMachine):
    """Lists as plain plans, bots as a waiting line: whatever is asked in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.yard = Yard()
        self.plans: dict[str, Plan] = {}
        self.crew = Crew()

    @initialize(orders=lists(CHOICES, min_size=1, max_size=3), bots=lists(BOTS, min_size=1, unique=True), steps=STEPS)
    def the_day_begins(
        self, orders: list[list[tuple[str, int]]], bots: list[str], steps: list[tuple[str, int, bool]]
    ) -> None:
        self.yard.registers("a", "b", "c")
        for bot_id in bots:
            self.bot_comes_online(bot_id)
        for choices in orders:
            self.order_comes(choices)
        self.bots_go_on(steps)

    @precondition(lambda self: len(self.plans) < 6)
    @rule(choices=CHOICES)
    def order_comes(self, choices: list[tuple[str, int]]) -> None:
        self.order_is_placed(choices)
        self.shopping_is_scheduled(len(self.plans))

    @precondition(lambda self: len(self.plans) < 6)
    @rule(choices=CHOICES)
    def order_is_placed(self, choices: list[tuple[str, int]]) -> None:
        number = len(self.plans) + 1
        items = [wanted(product_id, STORE_OF[product_id], quantity) for product_id, quantity in choices]
        assert self.yard.creates(f"o{number}", *items) == f"l{number}"
        pieces: dict[str, Piece] = {}
        for product_id, quantity in choices:
            pieces.setdefault(product_id, Piece(0)).wanted += quantity
        self.plans[f"l{number}"] = Plan(pieces)

    @rule(number=NUMBERS)
    def shopping_is_scheduled(self, number: int) -> None:
        plan = self.plans.get(f"l{number}")
        with self.refused_unless(plan is not None and plan.status != "cancelled"):
            self.yard.schedules(f"o{number}")
            assert plan
            plan.status = "available" if plan.status == "pending" else plan.status
        self.expect_assignments()

    @rule(number=NUMBERS)
    def order_is_cancelled(self, number: int) -> None:
        plan = self.plans.get(f"l{number}")
        with self.refused_unless(plan is not None and plan.status != "completed"):
            self.yard.cancels(f"o{number}")
            assert plan
            if plan.bot_id:
                self.crew.idle.append(plan.bot_id)
                del self.crew.busy[plan.bot_id]
            plan.status, plan.bot_id, plan.store_id = "cancelled", "", ""
        self.expect_assignments()

    @rule(bot_id=BOTS)
    def bot_comes_online(self, bot_id: str) -> None:
        self.yard.online(bot_id)
        if not self.crew.knows(bot_id):
            self.crew.idle.append(bot_id)
        self.expect_assignments()

    @rule(bot_id=BOTS)
    def bot_goes_offline(self, bot_id: str) -> None:
        with self.refused_unless(bot_id in self.crew.idle):
            self.yard.offline(bot_id)
            self.crew.idle.remove(bot_id)

    @rule(bot_id=BOTS)
    def bot_asks(self, bot_id: str) -> None:
        with self.refused_unless(self.crew.knows(bot_id)):
            found = self.yard.asks(bot_id)
            assert (found.id if found else "") == self.crew.busy.get(bot_id, "")

    @rule(steps=STEPS)
    def bots_go_on(self, steps: list[tuple[str, int, bool]]) -> None:
        for bot_id, pieces, finds in steps:
            self.bot_takes_a_step(bot_id, pieces, finds)

    def bot_takes_a_step(self, bot_id: str, pieces: int, finds: bool) -> None:
        """The next sensible one with its list, if it has one."""
        list_id = self.crew.busy.get(bot_id, "")
        if not list_id:
            return
        plan = self.plans[list_id]
        todo = next((product_id for product_id, piece in plan.pieces.items() if piece.left), "")
        if plan.status == "assigned":
            self.yard.starts(bot_id, list_id)
            plan.status = "shopping"
        elif not todo:
            self.bring_back(bot_id, list_id)
        elif plan.store_id != STORE_OF[todo]:
            plan.store_id = STORE_OF[todo]
            self.yard.arrives(plan.store_id, bot_id, list_id)
        else:
            self.settle(bot_id, list_id, todo, pieces, finds)

    @rule(bot_id=BOTS, number=NUMBERS)
    def bot_meddles_with_another_list(self, bot_id: str, number: int) -> None:
        list_id = f"l{number}"
        if self.crew.busy.get(bot_id) == list_id:
            return
        for meddle in (
            lambda: self.yard.starts(bot_id, list_id),
            lambda: self.yard.arrives("s", bot_id, list_id),
            lambda: self.yard.collects("p", 1, bot_id, list_id),
            lambda: self.yard.misses("p", 1, bot_id, list_id),
            lambda: self.yard.returns(bot_id, list_id),
        ):
            with self.refused_unless(False):
                meddle()

    @rule(number=NUMBERS)
    def staff_check(self, number: int) -> None:
        plan = self.plans.get(f"l{number}")
        with self.refused_unless(plan is not None and plan.status == "at depot"):
            self.yard.checks(f"l{number}")
            assert plan
            plan.status = "completed"

    @rule(bot_id=BOTS)
    def bot_falls_silent(self, bot_id: str) -> None:
        """For as long as its lease: the others speak in the meantime."""
        if not self.crew.knows(bot_id):
            return
        self.yard.now += LEASE
        for other in [*self.crew.idle, *self.crew.busy]:
            if other != bot_id:
                self.yard.asks(other)
        self.yard.passes(timedelta(0))
        if bot_id in self.crew.idle:
            self.crew.idle.remove(bot_id)
        else:
            plan = self.plans[self.crew.busy.pop(bot_id)]
            plan.status, plan.bot_id, plan.store_id = "available", "", ""
        self.expect_assignments()

    @invariant()
    def lists_are_as_planned(self) -> None:
        kept = {each.id: (each.status.value, each.bot_id, each.store_id) for each in self.yard.lists.all()}
        assert kept == {id: (plan.status, plan.bot_id, plan.store_id) for id, plan in self.plans.items()}

    @invariant()
    def two_bots_are_never_on_one_list(self) -> None:
        at_work = {bot.id: bot.shopping_list_id for bot in self.yard.bots.all() if bot.shopping_list_id}
        assert at_work == self.crew.busy
        assert len(set(at_work.values())) == len(at_work)
        assert set(self.yard.leases.ends) == {*self.crew.idle, *self.crew.busy}

    @invariant()
    def no_list_waits_for_a_bot_that_waits(self) -> None:
        assert not (self.yard.lists.oldest_available() and self.yard.bots.longest_idle())

    @invariant()
    def nothing_collected_is_lost(self) -> None:
        for each in self.yard.lists.all():
            kept = {item.product_id: item for stop in each.stops for item in stop.items}
            for product_id, piece in self.plans[each.id].pieces.items():
                item = kept[product_id]
                assert item.collected + item.missing + item.left == piece.wanted
                assert (item.collected, item.missing) == (piece.collected, piece.missing)
                assert self.told(ItemCollected, each.id, product_id) == piece.collected
                assert self.told(ItemMissing, each.id, product_id) == piece.missing

    def settle(self, bot_id: str, list_id: str, product_id: str, pieces: int, finds: bool) -> None:
        piece = self.plans[list_id].pieces[product_id]
        with self.refused_unless(pieces <= piece.left):
            if finds:
                self.yard.collects(product_id, pieces, bot_id, list_id)
                piece.collected += pieces
            else:
                self.yard.misses(product_id, pieces, bot_id, list_id)
                piece.missing += pieces

    def bring_back(self, bot_id: str, list_id: str) -> None:
        self.yard.returns(bot_id, list_id)
        plan = self.plans[list_id]
        plan.status, plan.bot_id, plan.store_id = "at depot", "", ""
        del self.crew.busy[bot_id]
        self.crew.idle.append(bot_id)
        self.expect_assignments()

    def expect_assignments(self) -> None:
        """Oldest available list to the longest idle bot."""
        available = sorted(id for id, plan in self.plans.items() if plan.status == "available")
        for list_id, bot_id in zip(available, list(self.crew.idle), strict=False):
            self.crew.idle.remove(bot_id)
            self.crew.busy[bot_id] = list_id
            self.plans[list_id].status, self.plans[list_id].bot_id = "assigned", bot_id

    def told(self, kind: type[ItemCollected] | type[ItemMissing], list_id: str, product_id: str) -> int:
        told = (each for each in self.yard.told if isinstance(each, kind))
        return sum(each.quantity for each in told if (each.shopping_list_id, each.product_id) == (list_id, product_id))

    def refused_unless(self, allowed: bool) -> AbstractContextManager[object]:
        return nullcontext() if allowed else pytest.raises((RuleViolated, NotFound))


TestDepotModel = DepotModel.TestCase
TestDepotModel.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
