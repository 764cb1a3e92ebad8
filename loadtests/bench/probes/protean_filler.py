"""Publishes the letters with Protean's own broker."""

# mypy: ignore-errors
# What it imports lives in an environment of its own.

import json
import logging
import sys

from loadtests.bench.consumers.protean_consumer import Mail


def main() -> None:
    logging.disable(logging.WARNING)
    work = json.loads(sys.argv[1])
    mail = Mail(work | {"database": f"{work['place']}/filler.db"})
    mail.domain.init(traverse=False)
    with mail.domain.domain_context():
        mail.fill(work["letters"], work["keys"])


if __name__ == "__main__":
    main()
