"""The Locust process: opens the shops, lets people come, tells what happens, and ends when it is told to or is over."""

import logging
import os
import signal
import sys
import time
from threading import Event
from typing import Any, BinaryIO

import gevent  # type: ignore[import-untyped]  # it carries no types
from grpc.experimental.gevent import init_gevent  # type: ignore[import-not-found]  # its stubs lack it
from locust.env import Environment
from locust.runners import STATE_CLEANUP, STATE_STOPPED, Runner
from locust.stats import stats_history

from loadtests.instructions import Instructions, from_argument
from loadtests.record import Begun, Closed
from loadtests.swarm.arrivals import bring
from loadtests.swarm.goods import open_shops
from loadtests.swarm.here import Here
from loadtests.swarm.mall import Mall
from loadtests.swarm.pace import Pace
from loadtests.swarm.people import Customer, Person, Shopper, Staff
from loadtests.swarm.recorder import Recorder
from loadtests.swarm.tracing import be_synthetic, trace_calls

HURRIED_SECONDS = 15.0


def main(locust_version: str) -> None:
    logging.basicConfig(level=logging.WARNING, format=f"locust {locust_version}: %(message)s", stream=sys.stderr)
    init_gevent()
    telemetry = trace_calls()
    be_synthetic()
    try:
        run(from_argument(sys.argv[1]), _own_output())
    finally:
        telemetry.close()


def run(instructions: Instructions, out: BinaryIO) -> None:
    told = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, told.set)
    people = [Customer, Staff, Shopper]
    Staff.fixed_count, Shopper.fixed_count = instructions.clerks, instructions.robots
    environment = Environment(
        user_classes=list(people), shape_class=Pace(instructions), stop_timeout=instructions.patience_seconds
    )
    runner, recorder = environment.create_local_runner(), Recorder(environment, out)
    mall = Mall(instructions.addresses, recorder.called)
    recorder.metrics.count("staff", instructions.clerks)
    recorder.metrics.count("robot", instructions.robots)
    if address := instructions.metrics or os.environ.get("MALLBOTS_METRICS_ADDRESS", ""):
        recorder.metrics.serve(address)
    Person.here = Here(instructions, mall, open_shops(mall, instructions.seed), recorder)
    _play(environment, runner, Person.here, told)
    recorder.sum_up()


def _play(environment: Environment, runner: Runner, here: Here, told: Event) -> None:
    events: Any = environment.events
    events.test_stopping.add_listener(lambda **_: _close(here))
    web_ui = _open_page(environment, here.instructions.page)
    here.recorder.say(Begun(time.time(), f"http://{here.instructions.page}" if web_ui else ""))
    runner.start_shape()
    began = time.perf_counter()
    gevent.signal_handler(signal.SIGUSR1, runner.stop)
    greenlets = [gevent.spawn(_tick, here), gevent.spawn(stats_history, runner)]
    if here.instructions.is_open:
        greenlets.append(gevent.spawn(bring, here, began, lambda: runner.spawn_users({Customer.__name__: 1})))
    _until_over(environment, runner, told)
    gevent.killall(greenlets)
    here.recorder.tick(here.crowd)
    if web_ui:
        web_ui.stop()


def _until_over(environment: Environment, runner: Runner, told: Event) -> None:
    """By itself, by its page, or because somebody said so: then whoever is in the mall has to hurry."""
    while runner.state != STATE_STOPPED and not told.wait(0.1):
        pass
    if runner.state == STATE_CLEANUP:
        gevent.spawn_later(HURRIED_SECONDS, runner.user_greenlets.kill)
        while runner.state != STATE_STOPPED:
            time.sleep(0.1)
    environment.stop_timeout = HURRIED_SECONDS
    runner.quit()


def _close(here: Here) -> None:
    if not here.is_closing:
        here.is_closing = True
        here.recorder.say(Closed(time.time()))


def _open_page(environment: Environment, address: str) -> Any:
    """Locust's own; None where none is wanted."""
    host, _, port = address.rpartition(":")
    return environment.create_web_ui(host, int(port)) if address else None


def _tick(here: Here) -> None:
    while True:
        here.recorder.tick(here.crowd)
        time.sleep(1)


def _own_output() -> BinaryIO:
    """The lines' own way out: whatever else is printed in this process goes where errors go."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out
