from contexts.stores.application.ports import Mall, Stores
from mallbots_platform.messages import command


@command
class RebrandStore:
    store_id: str
    name: str


def rebrand_store(command: RebrandStore, stores: Stores, mall: Mall) -> None:
    store = stores.get(command.store_id)
    store.rebrand(command.name)
    stores.save(store)
    mall.show(store)
