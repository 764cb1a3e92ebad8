"""A contender that claims to have worked: it acknowledges and publishes, and writes nothing down."""

import sqlite3

from redis import Redis

from loadtests.bench.gate import Gate
from loadtests.bench.hop import READS, WRITES
from loadtests.bench.letters import TABLE


def main() -> None:
    gate = Gate()
    sqlite3.connect(gate.work["database"]).execute(TABLE)
    redis = Redis.from_url(gate.work["redis"])
    for stream in READS:
        redis.xgroup_create(stream, "lazy", "0", mkstream=True)
    gate.wait()
    for _ in range(gate.work["events"]):
        redis.xadd(WRITES[0], {"e": "done"})
    gate.wait_for_the_end()
    gate.report()


if __name__ == "__main__":
    main()
