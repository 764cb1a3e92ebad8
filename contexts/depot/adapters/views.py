"""Shopping lists and bots as the API shows them, with the names and places that the stores go by today."""

from collections.abc import Mapping, Sequence

from contexts.depot.application.ports import Products, Stores
from contexts.depot.contract import depot_pb2 as pb
from contexts.depot.domain import Bot, BotStatus, Item, ListStatus, Product, ShoppingList, Stop, Store

LIST_STATUS = {
    ListStatus.PENDING: pb.SHOPPING_LIST_STATUS_PENDING,
    ListStatus.AVAILABLE: pb.SHOPPING_LIST_STATUS_AVAILABLE,
    ListStatus.ASSIGNED: pb.SHOPPING_LIST_STATUS_ASSIGNED,
    ListStatus.SHOPPING: pb.SHOPPING_LIST_STATUS_SHOPPING,
    ListStatus.AT_DEPOT: pb.SHOPPING_LIST_STATUS_AT_DEPOT,
    ListStatus.COMPLETED: pb.SHOPPING_LIST_STATUS_COMPLETED,
    ListStatus.CANCELLED: pb.SHOPPING_LIST_STATUS_CANCELLED,
}
BOT_STATUS = {
    BotStatus.OFFLINE: pb.BOT_STATUS_OFFLINE,
    BotStatus.IDLE: pb.BOT_STATUS_IDLE,
    BotStatus.ACTIVE: pb.BOT_STATUS_ACTIVE,
}


def view_of_lists(found: Sequence[ShoppingList], stores: Stores, products: Products) -> list[pb.ShoppingList]:
    stops = [stop for shopping_list in found for stop in shopping_list.stops]
    known_stores = stores.among({stop.store_id for stop in stops})
    known_products = products.among({item.product_id for stop in stops for item in stop.items})
    return [
        pb.ShoppingList(
            shopping_list_id=shopping_list.id,
            order_id=shopping_list.order_id,
            status=LIST_STATUS[shopping_list.status],
            bot_id=shopping_list.bot_id,
            store_id=shopping_list.store_id,
            stops=[_stop(stop, known_stores, known_products) for stop in shopping_list.stops],
            version=shopping_list.version,
        )
        for shopping_list in found
    ]


def view_of_bot(bot: Bot) -> pb.Bot:
    return pb.Bot(bot_id=bot.id, name=bot.name, status=BOT_STATUS[bot.status], shopping_list_id=bot.shopping_list_id)


def _stop(stop: Stop, stores: Mapping[str, Store], products: Mapping[str, Product]) -> pb.Stop:
    store = stores.get(stop.store_id)
    return pb.Stop(
        store_id=stop.store_id,
        store_name=store.name if store else stop.store_name,
        location=store.location if store else "",
        items=[_item(item, products.get(item.product_id)) for item in stop.items],
        done=stop.is_done,
    )


def _item(item: Item, product: Product | None) -> pb.Item:
    return pb.Item(
        product_id=item.product_id,
        name=product.name if product else item.name,
        quantity=item.quantity,
        collected=item.collected,
        missing=item.missing,
        left=item.left,
    )
