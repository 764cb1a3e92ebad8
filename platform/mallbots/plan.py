"""What is going to happen in a demo: which shops there are, who buys what, and what goes wrong. Made from a seed."""

import random
from dataclasses import dataclass
from enum import StrEnum

CHEAPEST = 105  # so that a basket of one product can be more than any bank pays
STORES, PRODUCTS_PER_STORE = 4, 6
BASKETS_PER_FORGOTTEN_ONE = 20
ENOUGH_FOR_ALL = 20


class Scenario(StrEnum):
    PLAIN = "plain"
    PAID_EARLY = "paid before the goods are ready"
    PAID_LATE = "paid after the goods are ready"
    PRICE_CHANGED = "price changed while shopping"
    DECLINED = "payment declined"
    DISABLED = "customer disabled"
    SOME_MISSING = "some goods missing"
    ALL_MISSING = "all goods missing"
    CANCELLED_PENDING = "cancelled while pending"
    CANCELLED_APPROVED = "cancelled while approved"
    CANCELLED_READY = "cancelled while ready"
    CANCELLED_PAID = "cancelled while paid"
    ROBOT_SILENT = "robot fell silent"
    FORGOTTEN = "basket forgotten"

    @property
    def ends_as(self) -> str:
        return _ENDS.get(self, "collected")


_ENDS = {
    Scenario.DECLINED: "rejected",
    Scenario.DISABLED: "rejected",
    Scenario.ALL_MISSING: "cancelled",
    Scenario.CANCELLED_PENDING: "cancelled",
    Scenario.CANCELLED_APPROVED: "cancelled",
    Scenario.CANCELLED_READY: "cancelled",
    Scenario.CANCELLED_PAID: "cancelled",
    Scenario.FORGOTTEN: "abandoned",
}
CANCELLATIONS = {
    Scenario.CANCELLED_PENDING: "pending",
    Scenario.CANCELLED_APPROVED: "approved",
    Scenario.CANCELLED_READY: "ready",
    Scenario.CANCELLED_PAID: "paid",
}
WEIGHTS = {scenario: 1 for scenario in Scenario if scenario is not Scenario.FORGOTTEN} | {
    Scenario.PLAIN: 12,
    Scenario.PAID_EARLY: 4,
    Scenario.PAID_LATE: 4,
    Scenario.PRICE_CHANGED: 2,
    Scenario.SOME_MISSING: 3,
}


@dataclass(frozen=True, slots=True)
class ProductPlan:
    name: str
    sku: str
    price: int


@dataclass(frozen=True, slots=True)
class StorePlan:
    name: str
    location: str
    products: tuple[ProductPlan, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which store's which product, and how many pieces."""

    store: int
    product: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One customer's way through the mall."""

    number: int
    scenario: Scenario
    customer: str
    sms_number: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """As many visits as orders are to be placed, and those that forget their basket."""

    stores: tuple[StorePlan, ...]
    visits: tuple[Visit, ...]
    bots: tuple[str, ...]


def make_plan(orders: int, seed: int) -> Plan:
    """The same for the same numbers; from 20 orders on, everything that can happen does happen."""
    dice = random.Random(f"mall {seed}")
    stores = tuple(_store(dice, number) for number in range(STORES))
    forgotten = -(-orders // BASKETS_PER_FORGOTTEN_ONE)
    scenarios = [Scenario.FORGOTTEN] * forgotten + _scenarios(dice, orders)
    visits = tuple(_visit(dice, number, scenario) for number, scenario in enumerate(scenarios))
    return Plan(stores, visits, _BOTS)


def _scenarios(dice: random.Random, orders: int) -> list[Scenario]:
    certain = list(WEIGHTS) if orders >= ENOUGH_FOR_ALL else []
    drawn = dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=orders - len(certain))
    mixed: list[Scenario] = [*certain, *drawn]
    dice.shuffle(mixed)
    return mixed


def _store(dice: random.Random, number: int) -> StorePlan:
    name, kind = _STORES[number]
    names = dice.sample(_GOODS[kind], PRODUCTS_PER_STORE)
    products = tuple(
        ProductPlan(name=product, sku=f"{kind[:3].upper()}-{place:03}", price=dice.randrange(CHEAPEST, 4995, 5))
        for place, product in enumerate(names, 1)
    )
    return StorePlan(name, f"level {number // 2 + 1}, unit {number % 2 + 1}", products)


def _visit(dice: random.Random, number: int, scenario: Scenario) -> Visit:
    least = 2 if scenario is Scenario.SOME_MISSING else 1
    shelves = [(store, product) for store in range(STORES) for product in range(PRODUCTS_PER_STORE)]
    chosen = dice.sample(shelves, dice.randint(least, 4))
    return Visit(
        number=number,
        scenario=scenario,
        customer=f"{dice.choice(_FIRST_NAMES)} {dice.choice(_LAST_NAMES)}",
        sms_number=f"+49 30 {5550000 + number % 10000}",
        choices=tuple(Choice(store, product, dice.randint(1, 3)) for store, product in chosen),
    )


_BOTS = ("Ada", "Bolt", "Cog", "Dot", "Echo")
_STORES = (("Bookworm", "books"), ("Good Greens", "food"), ("Wired", "gadgets"), ("Paper Crane", "stationery"))
_GOODS = {
    "books": ("Atlas", "Cookbook", "Crime novel", "Dictionary", "Poems", "Picture book", "Travel guide", "Biography"),
    "food": ("Apples", "Bread", "Cheese", "Coffee", "Honey", "Olives", "Rice", "Tea", "Walnuts"),
    "gadgets": ("Battery pack", "Cable", "Charger", "Desk lamp", "Headphones", "Keyboard", "Mouse", "Webcam"),
    "stationery": ("Brush pen", "Envelopes", "Eraser", "Ink", "Notebook", "Pencils", "Ruler", "Stapler"),
}
_FIRST_NAMES = ("Amina", "Ben", "Chiara", "David", "Emre", "Freya", "Goran", "Hana", "Ines", "Jonas", "Kemi", "Lin")
_LAST_NAMES = ("Adler", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanov", "Jansen")
