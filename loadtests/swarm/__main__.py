"""Locust first: it makes the standard library cooperate, and that has to happen before anything else looks at it."""

import locust

from loadtests.swarm.process import main

if __name__ == "__main__":
    main(locust.__version__)
