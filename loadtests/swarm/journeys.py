"""What customers come for. Each journey answers what has to become of its order in the end, if it has one."""

from collections.abc import Callable

from loadtests.swarm.visit import Visit

Journey = Callable[[Visit], str]


def pays_when_approved(visit: Visit) -> str:
    _orders(visit)
    visit.until("approved", "ready")
    visit.pays()
    return "collected"


def pays_when_ready(visit: Visit) -> str:
    _orders(visit)
    visit.until("ready")
    visit.pays()
    return "collected"


def looks_around_and_buys(visit: Visit) -> str:
    visit.looks_around()
    return pays_when_approved(visit)


def only_looks_around(visit: Visit) -> str:
    visit.looks_around()
    return ""


def forgets_the_basket(visit: Visit) -> str:
    visit.registers()
    visit.fills_a_basket()
    return ""


def gets_less(visit: Visit) -> str:
    """One of the goods is sold out."""
    visit.registers()
    visit.fills_a_basket(least=2)
    visit.will_miss(everything=False)
    visit.checks_out()
    visit.until("approved", "ready")
    visit.pays()
    return "collected"


def gets_nothing(visit: Visit) -> str:
    """All is sold out."""
    visit.registers()
    visit.fills_a_basket()
    visit.will_miss(everything=True)
    visit.checks_out()
    return "cancelled"


def cannot_pay(visit: Visit) -> str:
    """The bank declines so large a sum."""
    visit.registers()
    visit.fills_a_basket()
    visit.wants_too_much()
    visit.checks_out()
    return "rejected"


def cancels_at_once(visit: Visit) -> str:
    _orders(visit)
    visit.cancels()
    return "cancelled"


def cancels_when_approved(visit: Visit) -> str:
    _orders(visit)
    visit.until("approved", "ready")
    visit.cancels()
    return "cancelled"


def cancels_when_ready(visit: Visit) -> str:
    _orders(visit)
    visit.until("ready")
    visit.cancels()
    return "cancelled"


def _orders(visit: Visit) -> None:
    visit.registers()
    visit.fills_a_basket()
    visit.checks_out()


WEIGHTS: dict[Journey, int] = {
    pays_when_approved: 12,
    pays_when_ready: 5,
    looks_around_and_buys: 5,
    only_looks_around: 3,
    forgets_the_basket: 1,
    gets_less: 3,
    gets_nothing: 1,
    cannot_pay: 1,
    cancels_at_once: 1,
    cancels_when_approved: 1,
    cancels_when_ready: 1,
}


def name_of(journey: Journey) -> str:
    return journey.__name__.replace("_", " ")
