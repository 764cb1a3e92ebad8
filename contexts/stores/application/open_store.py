from contexts.stores.application.ports import Mall, Stores
from contexts.stores.domain import Store
from mallbots_platform.messages import command


@command
class OpenStore:
    store_id: str
    name: str
    location: str


def open_store(command: OpenStore, stores: Stores, mall: Mall) -> None:
    store = Store.open(command.store_id, command.name, command.location)
    stores.add(store)
    mall.show(store)
