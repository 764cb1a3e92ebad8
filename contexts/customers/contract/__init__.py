"""What customers says to the other contexts, and the command it takes from the order process."""

from contexts.customers.contract.commands import AuthorizeCustomer
from contexts.customers.contract.events import (
    CustomerDisabled,
    CustomerEnabled,
    CustomerRegistered,
    CustomerSmsNumberChanged,
)
from mallbots_platform.messages import Contract

CONTRACT = Contract(
    context="customers",
    events=(CustomerRegistered, CustomerSmsNumberChanged, CustomerEnabled, CustomerDisabled),
    commands=(AuthorizeCustomer,),
)

__all__ = [
    "CONTRACT",
    "AuthorizeCustomer",
    "CustomerDisabled",
    "CustomerEnabled",
    "CustomerRegistered",
    "CustomerSmsNumberChanged",
]
