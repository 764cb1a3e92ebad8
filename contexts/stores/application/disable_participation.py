from contexts.stores.application.ports import Mall, Stores
from mallbots_platform.messages import command


@command
class DisableParticipation:
    store_id: str


def disable_participation(command: DisableParticipation, stores: Stores, mall: Mall) -> None:
    store = stores.get(command.store_id)
    store.disable_participation()
    stores.save(store)
    mall.show(store)
