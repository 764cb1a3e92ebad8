"""A context that says everything at once, and then stays, for others may ask it what they missed."""

import sys
from functools import partial

import uvloop

from loadtests.bench.letters import letter_fields
from loadtests.bench.mail import SENDER, LetterSent
from loadtests.bench.probes.our_consumer import serve, settings_of, work
from mallbots_platform.process import Process, open_process

AT_ONCE = 100


async def main() -> None:
    async with open_process(SENDER, settings_of(SENDER.context)) as process:
        await serve(process, after_start=send_all)


async def send_all(process: Process) -> None:
    numbers = range(work()["letters"])
    for first in range(0, len(numbers), AT_ONCE):
        await process.change(partial(_send, process, numbers[first : first + AT_ONCE]))


def _send(process: Process, numbers: range) -> None:
    for number in numbers:
        letter = LetterSent(**letter_fields(number, work()["keys"]))
        process.outbox.record(letter, key=letter.receiver)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
