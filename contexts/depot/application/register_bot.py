from contexts.depot.application.ports import Bots
from contexts.depot.domain import Bot
from mallbots_platform.messages import command


@command
class RegisterBot:
    bot_id: str
    name: str


def register_bot(command: RegisterBot, bots: Bots) -> None:
    bots.add(Bot.register(command.bot_id, command.name))
