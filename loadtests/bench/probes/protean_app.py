"""Protean's engine, with the profile that it recommends for production."""

# mypy: ignore-errors
# What it imports lives in an environment of its own.

import json
import logging
import sys

from protean.server.engine import Engine

from loadtests.bench.consumers.protean_consumer import Mail
from loadtests.bench.probes.ready import tell_ready


def main() -> None:
    logging.disable(logging.WARNING)
    work = json.loads(sys.argv[1])
    mail = Mail(work | {"database": f"{work['place']}/receiver.db"}, pause=work["pause"], poison=work["poison"])
    mail.domain.init(traverse=False)
    with mail.domain.domain_context():
        mail.domain.setup_database()
        tell_ready(work["place"])
        Engine(mail.domain).run()


if __name__ == "__main__":
    main()
