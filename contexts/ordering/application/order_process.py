"""How an order is vetted, across customers, depot and payments. Read it from top to bottom."""

from contexts.customers.contract import AuthorizeCustomer
from contexts.depot.contract import CancelShoppingList, CreateShoppingList, ScheduleShopping
from contexts.depot.contract import Item as ItemToShop
from contexts.ordering.application.approve_order import ApproveOrder
from contexts.ordering.application.reject_order import RejectOrder
from contexts.ordering.contract import OrderCancelled, OrderCreated
from contexts.payments.contract import ConfirmPayment, ReleasePayment
from mallbots_platform.sagas import Facts, Saga, Step


def authorize_customer(order: Facts[OrderCreated]) -> AuthorizeCustomer:
    return AuthorizeCustomer(customer_id=order.begun_by.customer_id, order_id=order.begun_by.order_id)


def create_shopping_list(order: Facts[OrderCreated]) -> CreateShoppingList:
    items = (
        ItemToShop(
            product_id=item.product_id,
            store_id=item.store_id,
            name=item.name,
            store_name=item.store_name,
            quantity=item.quantity,
        )
        for item in order.begun_by.items
    )
    return CreateShoppingList(order_id=order.begun_by.order_id, items=tuple(items))


def cancel_shopping_list(order: Facts[OrderCreated]) -> CancelShoppingList:
    return CancelShoppingList(order_id=order.begun_by.order_id)


def confirm_payment(order: Facts[OrderCreated]) -> ConfirmPayment:
    return ConfirmPayment(
        payment_id=order.begun_by.payment_id,
        order_id=order.begun_by.order_id,
        customer_id=order.begun_by.customer_id,
        amount=order.begun_by.total,
        currency=order.begun_by.currency,
    )


def release_payment(order: Facts[OrderCreated]) -> ReleasePayment:
    return ReleasePayment(
        payment_id=order.begun_by.payment_id,
        order_id=order.begun_by.order_id,
        customer_id=order.begun_by.customer_id,
    )


def schedule_shopping(order: Facts[OrderCreated]) -> ScheduleShopping:
    return ScheduleShopping(order_id=order.begun_by.order_id)


def approve(order: Facts[OrderCreated]) -> ApproveOrder:
    shopping_list_id = order.values["shopping_list_id"]
    return ApproveOrder(order_id=order.begun_by.order_id, shopping_list_id=shopping_list_id)


def reject(order: Facts[OrderCreated]) -> RejectOrder:
    return RejectOrder(order_id=order.begun_by.order_id, reason=order.reason)


def order_id(event: OrderCreated | OrderCancelled) -> str:
    return event.order_id


order_process = Saga(
    name="order",
    begins_on=OrderCreated,
    cancels_on=OrderCancelled,
    key=order_id,
    steps=(
        Step("authorize customer", to="customers", do=authorize_customer),
        Step("create shopping list", to="depot", do=create_shopping_list, undo=cancel_shopping_list),
        Step("confirm payment", to="payments", do=confirm_payment, undo=release_payment),
        Step("schedule shopping", to="depot", do=schedule_shopping),
    ),
    ends_with=approve,
    fails_with=reject,
    places=("authorize customer", "create shopping list", "confirm payment", "schedule shopping"),
)
