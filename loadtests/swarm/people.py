"""Locust's users: customers who come and go; clerks and robots who stay as long as a customer is there."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from gevent import GreenletExit  # type: ignore[import-untyped]  # it carries no types
from locust import User, between, task
from locust.exception import StopUser

from loadtests.record import Meant, Surprise
from loadtests.swarm.clerk import Clerk
from loadtests.swarm.here import Here
from loadtests.swarm.journeys import WEIGHTS, name_of
from loadtests.swarm.mall import CallFailed
from loadtests.swarm.robot import Robot
from loadtests.swarm.tracing import be_synthetic
from loadtests.swarm.visit import Surprised, Visit


class Person(User):
    """Locust makes its users itself, so what they share is theirs as a class."""

    abstract = True
    here: ClassVar[Here]

    def on_start(self) -> None:
        be_synthetic()


class Customer(Person):
    """Comes at the appointed time and leaves for good; where no time is appointed, comes again after a while."""

    wait_time = between(0.2, 0.8)

    @task
    def visit(self) -> None:
        here = self.here
        due = here.due.popleft() if here.due else time.perf_counter()
        here.visits += 1
        here.visitors += 1
        try:
            self._shop(due, random.Random(f"visit {here.visits} {here.instructions.seed}"))
        finally:
            here.visitors -= 1
        if here.instructions.is_open:
            raise StopUser

    def _shop(self, due: float, dice: random.Random) -> None:
        (journey,) = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
        visit = Visit(self.here, name_of(journey), due, dice)
        with self._told(visit, due):
            ends_as = journey(visit)
            if ends_as:
                self.here.recorder.say(Meant(visit.order_id, ends_as))
                visit.until(ends_as)

    @contextmanager
    def _told(self, visit: Visit, due: float) -> Iterator[None]:
        """However it ends, it is put on record."""
        error: BaseException | None = None
        try:
            yield
        except (Surprised, CallFailed) as surprise:
            error = surprise
        except GreenletExit:
            self._surprise(visit, "was not over when the run was", cut=True)
            raise
        if error:
            visit.gives_up()
            self._surprise(visit, str(error), cut=False)
        self.here.recorder.visited(visit.journey, time.perf_counter() - due, error)

    def _surprise(self, visit: Visit, what: str, *, cut: bool) -> None:
        self.here.recorder.say(Surprise(time.time(), visit.journey, visit.order_id, what, cut))


class Staff(Person):
    hired: ClassVar[int] = 0

    def on_start(self) -> None:
        super().on_start()
        place, Staff.hired = Staff.hired, Staff.hired + 1
        self._clerk = Clerk(self.here, place)

    @task
    def work(self) -> None:
        """In one go: Locust ends a user at once that it finds between two tasks."""
        while not self.here.is_over:
            self._clerk.works()


class Shopper(Person):
    """A robot."""

    built: ClassVar[int] = 0

    def on_start(self) -> None:
        super().on_start()
        number, Shopper.built = Shopper.built, Shopper.built + 1
        self._robot = Robot(self.here, number)

    @task
    def work(self) -> None:
        while not self.here.is_over:
            self._robot.works()

    def on_stop(self) -> None:
        self._robot.leaves()
