from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import text

from contexts.customers.domain import (
    Customer,
    CustomerIsDisabled,
    CustomerIsEnabled,
    Disabled,
    Enabled,
    Registered,
    SmsNumberChanged,
)
from mallbots_platform.errors import RuleViolated


def registered() -> Customer:
    customer = Customer.register("1", "Ada", "+49 30 5550199")
    customer.saved(version=1)
    return customer


def test_a_customer_may_shop_from_the_start() -> None:
    customer = Customer.register("1", "Ada", "+49 30 5550199")

    assert customer.recorded == (Registered(name="Ada", sms_number="+49 30 5550199"),)
    customer.must_be_enabled()


def test_a_customer_changes_the_number() -> None:
    customer = registered()

    customer.change_sms_number("112")

    assert customer.sms_number == "112"
    assert customer.recorded == (SmsNumberChanged(sms_number="112"),)


def test_a_disabled_customer_may_not_shop() -> None:
    customer = registered()

    customer.disable()

    assert customer.recorded == (Disabled(),)
    with pytest.raises(CustomerIsDisabled, match="customer 1 is disabled"):
        customer.must_be_enabled()


def test_a_customer_enabled_again_may_shop() -> None:
    customer = registered()

    customer.disable()
    customer.enable()

    assert customer.recorded == (Disabled(), Enabled())
    customer.must_be_enabled()


def test_a_customer_cannot_be_enabled_twice() -> None:
    with pytest.raises(CustomerIsEnabled, match="customer 1 is enabled"):
        registered().enable()


def test_a_customer_cannot_be_disabled_twice() -> None:
    customer = registered()
    customer.disable()

    with pytest.raises(CustomerIsDisabled):
        customer.disable()


class CustomerModel(RuleBasedStateMachine):
    """Whatever is asked in whatever order: refused or done as two plain variables say, one event each."""

    def __init__(self) -> None:
        super().__init__()
        self.customer = Customer.register("1", "Ada", "110")
        self.sms_number, self.enabled, self.changes = "110", True, 1

    @rule(sms_number=text(min_size=1))
    def change_sms_number(self, sms_number: str) -> None:
        self.customer.change_sms_number(sms_number)
        self.sms_number = sms_number
        self.changes += 1

    @rule()
    def enable(self) -> None:
        with self.refused_unless(not self.enabled):
            self.customer.enable()
            self.enabled = True
            self.changes += 1

    @rule()
    def disable(self) -> None:
        with self.refused_unless(self.enabled):
            self.customer.disable()
            self.enabled = False
            self.changes += 1

    @rule()
    def shop(self) -> None:
        with self.refused_unless(self.enabled):
            self.customer.must_be_enabled()

    @invariant()
    def state_is_as_expected(self) -> None:
        state = (self.customer.name, self.customer.sms_number, self.customer.enabled)
        assert state == ("Ada", self.sms_number, self.enabled)

    @invariant()
    def every_change_is_recorded_once(self) -> None:
        assert len(self.customer.recorded) == self.changes

    def refused_unless(self, allowed: bool) -> AbstractContextManager[object]:
        return nullcontext() if allowed else pytest.raises(RuleViolated)


TestCustomerModel = CustomerModel.TestCase
TestCustomerModel.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
