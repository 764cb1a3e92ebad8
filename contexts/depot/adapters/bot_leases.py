"""A bot's lease is a timer: it is set anew with every sign of life."""

from collections.abc import Callable
from datetime import datetime, timedelta

from mallbots_platform.messages import command
from mallbots_platform.timers import Timers


@command
class BotIsSilent:
    bot_id: str


class TimerLeases:
    def __init__(self, timers: Timers, lasts: timedelta, now: Callable[[], datetime]) -> None:
        self.timers = timers
        self.lasts = lasts
        self.now = now

    def renew(self, bot_id: str) -> None:
        self.timers.set(BotIsSilent(bot_id=bot_id), key=bot_id, due=self.now() + self.lasts)

    def end(self, bot_id: str) -> None:
        self.timers.cancel(BotIsSilent, bot_id)
