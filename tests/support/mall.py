"""The whole mall as a person starts it: the `mallbots` command, real processes, and people who shop in it."""

import asyncio
import contextlib
import io
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mallbots.__main__ import main
from mallbots.actors.customers import Customer
from mallbots.actors.mall import Mall
from mallbots.actors.robots import Robot
from mallbots.actors.shelves import Shelves
from mallbots.actors.staff import Staff
from mallbots.directories import endpoints_directory, redis_address
from mallbots.launching import source_roots
from mallbots.plan import Choice, Plan, ProductPlan, Scenario, StorePlan, Visit
from mallbots_platform.endpoints import read_endpoints
from mallbots_platform.streams import open_redis

COMMAND = (sys.executable, "-m", "mallbots")
READY_SECONDS = 90.0
STOP_SECONDS = 30.0
LEASE_SECONDS = 2.0
PLAN = Plan(
    stores=(
        StorePlan("Bookworm", "level 1", (ProductPlan("Atlas", "BOO-001", 1295), ProductPlan("Poems", "BOO-002", 995))),
    ),
    visits=(),
    bots=("Ada", "Bolt"),
)


def environment(**changes: str) -> dict[str, str]:
    """Ours, less what would send a run elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MALLBOTS_", "OTEL_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(source_roots()), **changes}


@dataclass(frozen=True)
class Finished:
    """A command that has come to its end."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def answer(self) -> Any:
        """The JSON of its last line; it must have ended well."""
        assert self.code == 0, self.stderr
        return json.loads(self.lines[-1])

    @property
    def refusal(self) -> str:
        """The one line on standard error; it must have failed."""
        assert self.code != 0, self.stdout
        assert self.stderr.startswith("mallbots: ") and self.stderr.count("\n") == 1, self.stderr
        return self.stderr.strip().removeprefix("mallbots: ")


def mallbots(*arguments: str, environ: Mapping[str, str] | None = None, seconds: float = 100.0) -> Finished:
    """As a process of its own."""
    ran = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    return Finished(ran.returncode, ran.stdout, ran.stderr)


def mallbots_here(*arguments: str) -> Finished:
    """In this process, which saves its start; not from within an event loop."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["mallbots", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main()
    finally:
        sys.argv = before
    return Finished(code, out.getvalue(), err.getvalue())


class RunningMall:
    """`mallbots up`. `services` is what its ready line says; `said` is what it wrote on standard error."""

    def __init__(self, data: Path, *options: str, **environ: str) -> None:
        self.data = data
        self.services: dict[str, dict[str, str]] = {}
        self.seconds_to_ready = 0.0
        data.mkdir(parents=True, exist_ok=True)
        self._log = data / "up.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "up", "--data", str(data), "--json", *options],
                env=environment(MALLBOTS_DEPOT_BOT_LEASE_SECONDS=f"{LEASE_SECONDS:g}", **environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    @property
    def addresses(self) -> dict[str, str]:
        return {context: at["grpc"] for context, at in self.services.items()}

    @property
    def metrics(self) -> dict[str, str]:
        """Where each context's are, as host and port."""
        return {context: urlsplit(at["metrics"]).netloc for context, at in self.services.items()}

    @property
    def pids(self) -> dict[str, int]:
        """As the contexts have announced them."""
        return {context: at.pid for context, at in read_endpoints(endpoints_directory(self.data)).items()}

    def wait_until_ready(self) -> dict[str, Any]:
        """The ready line."""
        begun = time.monotonic()
        assert self.process.stdout
        readable, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS)
        line = self.process.stdout.readline() if readable else b""
        assert line, f"not ready after {time.monotonic() - begun:.0f} s: {self.said}"
        self.seconds_to_ready = time.monotonic() - begun
        ready: dict[str, Any] = json.loads(line)
        self.services = ready["services"]
        return ready

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            if self.process.stdout:
                self.process.stdout.close()

    def kill(self, context: str) -> int:
        """As a power cut would. The id of the process that it was."""
        pid = self.pids[context]
        os.kill(pid, signal.SIGKILL)
        return pid

    @staticmethod
    def end(pid: int) -> None:
        """A process of ours whose parent is gone already."""
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while not is_gone(pid) and time.monotonic() < deadline:
            time.sleep(0.01)

    async def redis_pid(self) -> int:
        client = open_redis(redis_address(self.data).read_text())
        try:
            return int((await client.info("server"))["process_id"])
        finally:
            await client.aclose()

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[Mall]:
        """One of each context."""
        mall = Mall(self.addresses)
        try:
            yield mall
        finally:
            await mall.close()


@contextlib.contextmanager
def running_mall(data: Path, *options: str, **environ: str) -> Iterator[RunningMall]:
    mall = RunningMall(data, *options, **environ)
    try:
        mall.wait_until_ready()
        yield mall
    finally:
        mall.stop()


class Day:
    """A shop, robots and staff at work; `visit` lets a customer come."""

    def __init__(self, clients: Mall) -> None:
        self.shelves = Shelves()
        self.staff = Staff(clients)
        self._clients = clients
        self._numbers = 0

    async def visit(self, scenario: Scenario = Scenario.PLAIN) -> str:
        """The id of the order. Raises Surprised when it does not end as planned."""
        self._numbers += 1
        choices = (Choice(0, 0, 2), Choice(0, 1, 1))
        visit = Visit(self._numbers, scenario, "Amina Berg", f"+49 30 {5550000 + self._numbers}", choices)
        customer = Customer(visit, self._clients, self.staff, self.shelves)
        ended = await customer.shop()
        assert ended == scenario.ends_as, f"{scenario.value}: {customer.order_id} ended as {ended}"
        return customer.order_id


@asynccontextmanager
async def open_day(clients: Mall, plan: Plan = PLAN) -> AsyncIterator[Day]:
    day = Day(clients)
    await day.staff.open_stores(plan)
    robots = [
        Robot(name, clients, day.shelves, random.Random(name), silence_seconds=1.5 * LEASE_SECONDS)
        for name in plan.bots
    ]
    workers = [asyncio.create_task(robot.work()) for robot in robots] + [asyncio.create_task(day.staff.serve())]
    try:
        yield day
        failed = [worker.exception() for worker in workers if worker.done()]
        assert not failed, failed
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for robot in robots:
            await robot.leave()


def is_gone(pid: int) -> bool:
    """Also one whose parent has not taken note of its end."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except FileNotFoundError:
        return Path("/proc/self").exists()
