"""A customer: registered, reachable by SMS, allowed to shop or not."""

from typing import Self

from mallbots_platform.aggregates import Entity
from mallbots_platform.errors import RuleViolated
from mallbots_platform.messages import event


@event
class Registered:
    name: str
    sms_number: str


@event
class SmsNumberChanged:
    sms_number: str


@event
class Enabled:
    pass


@event
class Disabled:
    pass


class CustomerIsDisabled(RuleViolated):
    def __init__(self, customer_id: str) -> None:
        super().__init__(f"customer {customer_id} is disabled")


class CustomerIsEnabled(RuleViolated):
    def __init__(self, customer_id: str) -> None:
        super().__init__(f"customer {customer_id} is enabled")


class Customer(Entity):
    name: str
    sms_number: str
    enabled: bool = True

    @classmethod
    def register(cls, customer_id: str, name: str, sms_number: str) -> Self:
        customer = cls(id=customer_id, name=name, sms_number=sms_number)
        customer.record(Registered(name=name, sms_number=sms_number))
        return customer

    def change_sms_number(self, sms_number: str) -> None:
        self.sms_number = sms_number
        self.record(SmsNumberChanged(sms_number=sms_number))

    def enable(self) -> None:
        if self.enabled:
            raise CustomerIsEnabled(self.id)
        self.enabled = True
        self.record(Enabled())

    def disable(self) -> None:
        self.must_be_enabled()
        self.enabled = False
        self.record(Disabled())

    def must_be_enabled(self) -> None:
        if not self.enabled:
            raise CustomerIsDisabled(self.id)
