from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from contexts.payments.domain import (
    Payment,
    PaymentIsAnothers,
    PaymentIsDeclined,
    PaymentIsExpired,
    PaymentIsReleased,
    PaymentIsTooSmall,
    PaymentIsUsed,
    PaymentStatus,
)
from contexts.payments.domain.payment import Authorized, Declined, Released
from mallbots_platform.errors import RuleViolated

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ONE = timedelta(microseconds=1)


def held(declined: str = "", expires_at: datetime = NOON + ONE) -> Payment:
    return known(Payment.authorize("p", "c", 500, "EUR", expires_at, declined))


def confirmed() -> Payment:
    payment = held()
    confirm(payment)
    return known(payment)


def released(payment: Payment) -> Payment:
    payment.release("o", "c")
    return known(payment)


def known(payment: Payment) -> Payment:
    payment.saved(version=1)
    return payment


def confirm(payment: Payment) -> None:
    payment.confirm("o", "c", 500, "EUR", NOON)


def confirm_for_another_order(payment: Payment) -> None:
    payment.confirm("other", "c", 500, "EUR", NOON)


def release(payment: Payment) -> None:
    payment.release("o", "c")


def release_for_another_order(payment: Payment) -> None:
    payment.release("other", "c")


def fields_of(payment: Payment) -> dict[str, object]:
    return {name: value for name, value in vars(payment).items() if name != "_recorded"}


def test_a_hold_is_authorized() -> None:
    payment = Payment.authorize("p", "c", 500, "EUR", NOON)

    assert payment.recorded == (Authorized(),)
    assert (payment.customer_id, payment.amount, payment.currency) == ("c", 500, "EUR")
    assert (payment.status, payment.order_id, payment.expires_at) == (PaymentStatus.AUTHORIZED, "", NOON)


def test_a_declined_hold_says_why() -> None:
    payment = Payment.authorize("p", "c", 500, "EUR", NOON, declined="above the limit")

    assert payment.recorded == (Declined(reason="above the limit"),)
    assert (payment.status, payment.reason) == (PaymentStatus.DECLINED, "above the limit")


@pytest.mark.parametrize("amount", [0, 1, 499, 500])
def test_a_hold_covers_what_costs_no_more(amount: int) -> None:
    payment = held()

    payment.confirm("o", "c", amount, "EUR", NOON)

    assert (payment.status, payment.order_id, payment.amount) == (PaymentStatus.CONFIRMED, "o", 500)
    assert payment.recorded == ()


def test_a_hold_does_not_cover_a_dearer_order() -> None:
    with pytest.raises(PaymentIsTooSmall, match="payment p holds 500 EUR, the order costs 501 EUR"):
        held().confirm("o", "c", 501, "EUR", NOON)


def test_a_hold_does_not_cover_another_currency() -> None:
    with pytest.raises(PaymentIsTooSmall, match="payment p holds 500 EUR, the order costs 5 CHF"):
        held().confirm("o", "c", 5, "CHF", NOON)


def test_a_hold_serves_its_owner_only() -> None:
    with pytest.raises(PaymentIsAnothers, match="payment p is another customer's"):
        held().confirm("o", "thief", 500, "EUR", NOON)


@pytest.mark.parametrize(
    ("customer_id", "amount", "refusal"), [("thief", 500, PaymentIsAnothers), ("c", 501, PaymentIsTooSmall)]
)
def test_a_repeat_is_checked_as_the_first(customer_id: str, amount: int, refusal: type[RuleViolated]) -> None:
    payment = confirmed()

    with pytest.raises(refusal):
        payment.confirm("o", customer_id, amount, "EUR", NOON)


def test_a_hold_lasts_until_it_expires() -> None:
    payment = held(expires_at=NOON)

    assert payment.status_at(NOON - ONE) is PaymentStatus.AUTHORIZED
    assert payment.status_at(NOON) is PaymentStatus.EXPIRED
    payment.confirm("o", "c", 500, "EUR", NOON - ONE)


def test_a_confirmed_hold_expires_no_more() -> None:
    payment = confirmed()

    payment.confirm("o", "c", 500, "EUR", NOON + timedelta(days=1))

    assert payment.status_at(NOON + timedelta(days=1)) is PaymentStatus.CONFIRMED


def test_a_release_says_which_order_it_served() -> None:
    payment = confirmed()

    payment.release("o", "c")

    assert payment.recorded == (Released(order_id="o"),)
    assert (payment.status, payment.order_id) == (PaymentStatus.RELEASED, "o")


def test_a_release_names_no_order_it_never_served() -> None:
    payment = held()

    payment.release("o", "c")

    assert payment.recorded == (Released(order_id=""),)
    assert (payment.status, payment.order_id) == (PaymentStatus.RELEASED, "")


Change = Callable[[Payment], None]
Outcome = PaymentStatus | type[RuleViolated]
STATES: dict[str, Callable[[], Payment]] = {
    "authorized": held,
    "declined": lambda: held(declined="above the limit"),
    "confirmed": confirmed,
    "released": lambda: released(confirmed()),
    "released unused": lambda: released(held()),
    "expired": lambda: held(expires_at=NOON),
}
CHANGES: tuple[Change, ...] = (confirm, confirm_for_another_order, release, release_for_another_order)
MATRIX: dict[str, tuple[Outcome, Outcome, Outcome, Outcome]] = {
    "authorized": (
        *(PaymentStatus.CONFIRMED, PaymentStatus.CONFIRMED),
        *(PaymentStatus.RELEASED, PaymentStatus.RELEASED),
    ),
    "declined": (PaymentIsDeclined, PaymentIsDeclined, PaymentIsDeclined, PaymentIsDeclined),
    "confirmed": (PaymentStatus.CONFIRMED, PaymentIsUsed, PaymentStatus.RELEASED, PaymentIsUsed),
    "released": (PaymentIsReleased, PaymentIsReleased, PaymentStatus.RELEASED, PaymentIsUsed),
    "released unused": (PaymentIsReleased, PaymentIsReleased, PaymentStatus.RELEASED, PaymentStatus.RELEASED),
    "expired": (PaymentIsExpired, PaymentIsExpired, PaymentStatus.RELEASED, PaymentStatus.RELEASED),
}
CELLS = [(state, change, MATRIX[state][column]) for state in STATES for column, change in enumerate(CHANGES)]


@pytest.mark.parametrize(("state", "change", "outcome"), [cell for cell in CELLS if isinstance(cell[2], PaymentStatus)])
def test_what_is_allowed_in_each_state(state: str, change: Change, outcome: PaymentStatus) -> None:
    payment = STATES[state]()

    change(payment)

    assert payment.status is outcome


@pytest.mark.parametrize(("state", "change", "refusal"), [cell for cell in CELLS if isinstance(cell[2], type)])
def test_what_is_refused_changes_nothing(state: str, change: Change, refusal: type[RuleViolated]) -> None:
    payment = STATES[state]()
    before = fields_of(payment)

    with pytest.raises(refusal):
        change(payment)

    assert (fields_of(payment), payment.recorded) == (before, ())


@pytest.mark.parametrize(
    ("state", "change"), [("confirmed", confirm), ("released", release), ("released unused", release)]
)
def test_a_repeat_changes_nothing(state: str, change: Change) -> None:
    payment = STATES[state]()
    before = fields_of(payment)

    change(payment)

    assert (fields_of(payment), payment.recorded) == (before, ())


def test_the_matrix_knows_every_status() -> None:
    assert {make().status_at(NOON) for make in STATES.values()} == set(PaymentStatus)


def test_nobody_releases_anothers_hold() -> None:
    payment = held()

    with pytest.raises(PaymentIsAnothers):
        payment.release("o", "somebody else")

    assert payment.status is PaymentStatus.AUTHORIZED
