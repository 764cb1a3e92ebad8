"""A bot: offline, idle, or active with a shopping list."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from contexts.depot.domain.errors import BotHasAShoppingList, BotHasNoShoppingList, BotIsOffline
from mallbots_platform.aggregates import Entity
from mallbots_platform.messages import event


class BotStatus(StrEnum):
    OFFLINE = "offline"
    IDLE = "idle"
    ACTIVE = "active"


@event
class WentOnline:
    pass


@event
class WentOffline:
    pass


@event
class BrokeDown:
    shopping_list_id: str


class Bot(Entity):
    name: str
    status: BotStatus = BotStatus.OFFLINE
    shopping_list_id: str = ""
    idle_since: datetime | None = None

    @classmethod
    def register(cls, bot_id: str, name: str) -> Self:
        return cls(id=bot_id, name=name)

    def go_online(self, now: datetime) -> None:
        """Saying it again changes nothing: a bot that was cut off need not know whether it was missed."""
        if self.is_online:
            return
        self.status, self.idle_since = BotStatus.IDLE, now
        self.record(WentOnline())

    def go_offline(self) -> None:
        self.must_be_online()
        if self.shopping_list_id:
            raise BotHasAShoppingList(self.id)
        self.status, self.idle_since = BotStatus.OFFLINE, None
        self.record(WentOffline())

    def take(self, shopping_list_id: str) -> None:
        self.must_be_online()
        if self.shopping_list_id:
            raise BotHasAShoppingList(self.id)
        self.status, self.shopping_list_id, self.idle_since = BotStatus.ACTIVE, shopping_list_id, None

    def be_free(self, now: datetime) -> None:
        """Its list is done, or taken from it."""
        if not self.shopping_list_id:
            raise BotHasNoShoppingList(self.id)
        self.status, self.shopping_list_id, self.idle_since = BotStatus.IDLE, "", now

    def break_down(self) -> str:
        """It went silent; the list it had, if it had one."""
        self.must_be_online()
        left = self.shopping_list_id
        self.status, self.shopping_list_id, self.idle_since = BotStatus.OFFLINE, "", None
        self.record(BrokeDown(shopping_list_id=left))
        return left

    @property
    def is_online(self) -> bool:
        return self.status is not BotStatus.OFFLINE

    def must_be_online(self) -> None:
        if not self.is_online:
            raise BotIsOffline(self.id)
