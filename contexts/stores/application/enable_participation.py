from contexts.stores.application.ports import Mall, Stores
from mallbots_platform.messages import command


@command
class EnableParticipation:
    store_id: str


def enable_participation(command: EnableParticipation, stores: Stores, mall: Mall) -> None:
    store = stores.get(command.store_id)
    store.enable_participation()
    stores.save(store)
    mall.show(store)
