from contexts.stores.application.ports import Mall, Stores
from mallbots_platform.messages import command


@command
class CloseStore:
    store_id: str


def close_store(command: CloseStore, stores: Stores, mall: Mall) -> None:
    store = stores.get(command.store_id)
    store.close()
    stores.save(store)
    mall.show(store)
