from collections.abc import Callable
from datetime import timedelta

import pytest

from contexts.payments.contract import PaymentAuthorized, PaymentDeclined, PaymentReleased
from contexts.payments.domain import (
    PaymentIsAnothers,
    PaymentIsDeclined,
    PaymentIsExpired,
    PaymentIsReleased,
    PaymentIsTooSmall,
    PaymentIsUsed,
    PaymentStatus,
)
from mallbots_platform.errors import AlreadyExists, NotFound
from tests.contexts.payments.desk import HOLD, LIMIT, NOON, Desk


def test_an_authorized_hold_is_kept_and_told() -> None:
    desk = Desk()

    desk.holds(500)

    kept = desk.payments.get("p")
    assert (kept.status, kept.amount, kept.customer_id, kept.expires_at) == (
        *(PaymentStatus.AUTHORIZED, 500, "c"),
        NOON + HOLD,
    )
    assert desk.told == [PaymentAuthorized(payment_id="p", customer_id="c", amount=500, currency="EUR")]


def test_the_bank_declines_what_is_above_its_limit() -> None:
    desk = Desk()

    assert desk.holds(LIMIT, payment_id="fits").status is PaymentStatus.AUTHORIZED
    assert desk.holds(LIMIT + 1, payment_id="p").status is PaymentStatus.DECLINED

    reason = "above the limit of 10000 EUR"
    assert desk.payments.get("p").reason == reason
    assert desk.told[1:] == [
        PaymentDeclined(payment_id="p", customer_id="c", amount=LIMIT + 1, currency="EUR", reason=reason)
    ]


def test_a_hold_is_authorized_only_once() -> None:
    desk = Desk()
    desk.holds(500)

    with pytest.raises(AlreadyExists):
        desk.holds(700)

    assert desk.payments.get("p").amount == 500


def test_a_confirmed_hold_serves_its_order() -> None:
    desk = Desk()
    desk.holds(500)

    desk.confirms(500, order_id="o")

    kept = desk.payments.get("p")
    assert (kept.status, kept.order_id) == (PaymentStatus.CONFIRMED, "o")


def test_confirming_again_answers_the_same() -> None:
    desk = Desk()
    desk.holds(500)
    desk.confirms(500, order_id="o")
    desk.now += 2 * HOLD

    desk.confirms(500, order_id="o")

    kept = desk.payments.get("p")
    assert (kept.status, kept.order_id) == (PaymentStatus.CONFIRMED, "o")
    assert len(desk.told) == 1


def test_one_hold_serves_one_order() -> None:
    desk = Desk()
    desk.holds(500)
    desk.confirms(100, order_id="o")

    with pytest.raises(PaymentIsUsed):
        desk.confirms(100, order_id="another")

    assert desk.payments.get("p").order_id == "o"


def test_a_declined_hold_covers_nothing() -> None:
    desk = Desk()
    desk.holds(LIMIT + 1)

    with pytest.raises(PaymentIsDeclined, match="payment p was declined: above the limit of 10000 EUR"):
        desk.confirms(1)


def test_an_expired_hold_covers_nothing() -> None:
    desk = Desk()
    desk.holds(500)
    desk.now += HOLD

    with pytest.raises(PaymentIsExpired, match="the hold of payment p has expired"):
        desk.confirms(500)


def test_a_hold_covers_up_to_its_last_moment() -> None:
    desk = Desk()
    desk.holds(500)
    desk.now += HOLD - timedelta(microseconds=1)

    desk.confirms(500)

    assert desk.payments.get("p").status is PaymentStatus.CONFIRMED


def test_amount_and_owner_are_checked() -> None:
    desk = Desk()
    desk.holds(500, customer_id="c")

    with pytest.raises(PaymentIsTooSmall):
        desk.confirms(501, customer_id="c")
    with pytest.raises(PaymentIsAnothers):
        desk.confirms(500, customer_id="thief")

    kept = desk.payments.get("p")
    assert (kept.status, kept.order_id, kept.version) == (PaymentStatus.AUTHORIZED, "", 1)


def test_a_released_hold_is_told_and_covers_nothing_more() -> None:
    desk = Desk()
    desk.holds(500)
    desk.confirms(500, order_id="o")

    desk.releases(order_id="o")

    assert desk.told[1:] == [PaymentReleased(payment_id="p", order_id="o")]
    with pytest.raises(PaymentIsReleased):
        desk.confirms(500, order_id="o")


def test_releasing_again_answers_the_same_and_tells_nothing() -> None:
    desk = Desk()
    desk.holds(500)
    desk.releases(order_id="o")

    desk.releases(order_id="o")

    assert desk.payments.get("p").status is PaymentStatus.RELEASED
    assert desk.told[1:] == [PaymentReleased(payment_id="p", order_id="")]


def test_a_hold_that_serves_another_order_stays() -> None:
    desk = Desk()
    desk.holds(500)
    desk.confirms(500, order_id="o")

    with pytest.raises(NotFound, match="no payment of order has the id 'another'"):
        desk.releases(order_id="another")

    assert desk.payments.get("p").status is PaymentStatus.CONFIRMED


def test_nothing_is_held_that_was_declined_or_is_anothers() -> None:
    desk = Desk()
    desk.holds(LIMIT + 1)
    with pytest.raises(NotFound):
        desk.releases(order_id="o")

    desk = Desk()
    desk.holds(500, customer_id="thief")
    with pytest.raises(NotFound):
        desk.releases(order_id="o")


@pytest.mark.parametrize("use_case", [Desk.confirms, Desk.releases])
def test_an_unknown_hold_is_not_found(use_case: Callable[[Desk], None]) -> None:
    desk = Desk()

    with pytest.raises(NotFound, match="no payment has the id 'p'"):
        use_case(desk)

    assert desk.payments.all() == []
