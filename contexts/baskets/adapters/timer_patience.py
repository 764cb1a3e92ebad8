"""A basket's patience is a timer: it is set anew with every change."""

from collections.abc import Callable
from datetime import datetime, timedelta

from mallbots_platform.messages import command
from mallbots_platform.timers import Timers


@command
class BasketIsLeftAlone:
    basket_id: str


class TimerPatience:
    def __init__(self, timers: Timers, lasts: timedelta, now: Callable[[], datetime]) -> None:
        self.timers = timers
        self.lasts = lasts
        self.now = now

    def renew(self, basket_id: str) -> None:
        self.timers.set(BasketIsLeftAlone(basket_id=basket_id), key=basket_id, due=self.now() + self.lasts)

    def end(self, basket_id: str) -> None:
        self.timers.cancel(BasketIsLeftAlone, basket_id)
