"""A day of troubles: of each kind one or more, their targets and their order drawn from a seed."""

import random

from mallbots.actors.mall import Mall
from mallbots.reporting import Failed
from mallbots.supervisor import Supervisor
from mallbots.troubles.deployments import deployments
from mallbots.troubles.hung import hung_databases
from mallbots.troubles.kills import kills
from mallbots.troubles.overload import overloads
from mallbots.troubles.redis import troubles_of_redis
from mallbots.troubles.replays import replays
from mallbots.troubles.restores import restores
from mallbots.troubles.switches import switches
from mallbots.troubles.trouble import Trouble

LEASE_SECONDS = 2.0


def every_trouble(running: Supervisor, mall: Mall, seed: int) -> list[Trouble]:
    """Raises Failed when Redis is not ours to be troubled."""
    if running.redis.proxy is None:
        raise Failed("chaos needs a Redis of its own: leave MALLBOTS_REDIS_URL unset")
    dice = random.Random(f"chaos {seed}")
    found = [
        *kills(running, dice, LEASE_SECONDS),
        *troubles_of_redis(running, running.redis.proxy),
        *switches(running, dice),
        *replays(running, dice),
        *hung_databases(running),
        *deployments(running),
        *overloads(running, dice),
        *restores(running, mall, dice),
    ]
    dice.shuffle(found)
    return found
