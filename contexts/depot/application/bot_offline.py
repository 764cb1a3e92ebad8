from contexts.depot.application.ports import BotLeases, Bots
from mallbots_platform.messages import command


@command
class BotOffline:
    bot_id: str


def bot_offline(command: BotOffline, bots: Bots, leases: BotLeases) -> None:
    bot = bots.get(command.bot_id)
    bot.go_offline()
    bots.save(bot)
    leases.end(bot.id)
