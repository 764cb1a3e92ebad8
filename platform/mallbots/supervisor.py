"""Redis and the processes of a run: started together, restarted when they die, stopped together."""

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from redis.exceptions import RedisError

from mallbots.directories import database_url, endpoints_directory, log_file
from mallbots.identity import KEY_PREFIX, VARIABLE, installation_of, installation_of_redis, key_prefix
from mallbots.kept_redis import KeptRedis
from mallbots.last_words import last_words
from mallbots.launching import Launched, Launcher, import_path
from mallbots.liveness import is_serving, left_running
from mallbots.own_postgres import OwnPostgres
from mallbots.reporting import Failed
from mallbots.undisturbed import undisturbed
from mallbots_platform.endpoints import Endpoint, read_endpoints
from mallbots_platform.installation import describe

START_SECONDS = 60.0
STOP_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
STEADY_SECONDS = 5.0
Report = Callable[[str], None]
Beside = Callable[[str], Awaitable[Mapping[str, str]]]


class Supervisor:
    """Runs `contexts` in the directory `data`; `environ` is what their processes are told besides.

    `beside` is called with Redis' URL before they start; they are told what it returns, too. Contexts `on_postgres` get
    a database of a server of their own, all others a file.
    """

    def __init__(
        self,
        data: Path,
        contexts: Iterable[str],
        environ: Mapping[str, str],
        report: Report,
        *,
        through_proxy: bool = False,
        beside: Beside | None = None,
        on_postgres: Iterable[str] = (),
    ) -> None:
        self.data = data
        self.contexts = tuple(contexts)
        self._environ = environ
        self._report = report
        self.redis = KeptRedis(data, self._say, through_proxy=through_proxy)
        self._beside = beside
        self._in_hand = {context: asyncio.Lock() for context in self.contexts}
        self.databases = tuple(on_postgres)
        self.postgres = OwnPostgres() if self.databases else None
        self._launcher = Launcher(self.contexts, log_file(data, "fork-server"))
        self._processes: dict[str, Launched] = {}
        self._deployed: dict[str, dict[str, str]] = {}
        self._log_starts: dict[str, int] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._lock: IO[str] | None = None
        self._installation = ""

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        known = read_endpoints(endpoints_directory(self.data))
        return {context: known[context] for context in self.contexts}

    @property
    def pids(self) -> dict[str, int]:
        return {context: process.pid for context, process in self._processes.items()}

    def tell(self, context: str, number: signal.Signals) -> None:
        """To a context's process, if it runs."""
        process = self._processes[context]
        if process.returncode is None:
            process.send_signal(number)

    def deploy(self, context: str, **environ: str) -> None:
        """Another program takes its place: it is told to leave, and what is started then is told this besides."""
        self._deployed[context] = {**self._deployed.get(context, {}), **environ}
        self.tell(context, signal.SIGTERM)

    def kill_all(self) -> None:
        """Every context in the same moment, and what they are started by."""
        self._launcher.kill()
        for context in self._processes:
            self.tell(context, signal.SIGKILL)

    @asynccontextmanager
    async def without(self, context: str) -> AsyncIterator[None]:
        """It is killed, and started again afterwards; meanwhile its database may be changed."""
        async with self._in_hand[context]:
            self.tell(context, signal.SIGKILL)
            await self._processes[context].wait()
            yield

    async def start(self) -> None:
        """Returns when every process serves. Raises Failed with what the first one that did not had to say."""
        self._take_directory()
        await self._refuse_leftovers()
        self._installation = installation_of(self.data)
        await self.redis.start()
        if self.postgres:
            await undisturbed(asyncio.to_thread(self.postgres.start, self.databases))
        if self._beside:
            self._environ = {**self._environ, **await self._beside(self.redis.own_url)}
        for context in self.contexts:
            await self._spawn(context)
        await asyncio.gather(*(self._until_ready(context) for context in self.contexts))
        self._keepers = [asyncio.create_task(self._keep(context)) for context in self.contexts]
        if self.redis.server:
            self._keepers.append(asyncio.create_task(self.redis.keep()))
        else:
            await self._look_whose_redis()

    async def stop(self) -> None:
        """All at once: asked first, killed when they take too long. Redis goes last, for they still use it."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._launcher.go_on()
        for context in self._processes:
            self.tell(context, signal.SIGCONT)
        await asyncio.gather(*(end_process(process) for process in self._processes.values()))
        await self._launcher.close()
        await self.redis.stop()
        if self.postgres:
            await asyncio.to_thread(self.postgres.stop)
        if self._lock:
            self._lock.close()

    def _take_directory(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        lock = (self.data / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise Failed(f"{self.data} is in use by another `mallbots up` or `demo`") from None
        self._lock = lock

    async def _refuse_leftovers(self) -> None:
        if left := await left_running(self.data):
            pids = " ".join(str(pid) for pid in left.values())
            raise Failed(f"an earlier run in {self.data} left {', '.join(left)} running: stop them with `kill {pids}`")

    async def _look_whose_redis(self) -> None:
        """Its processes say so, too, and leave it alone; but who has started them looks here."""
        prefix = self._environ.get(KEY_PREFIX) or key_prefix()
        with contextlib.suppress(RedisError, OSError):
            whose = await installation_of_redis(self.redis.url, prefix)
            if whose not in ("", self._installation):
                self._say(describe(whose, self._installation, f"{prefix}.installation"))

    async def _spawn(self, context: str) -> None:
        """Also when cancelled meanwhile, so that there is no process that nobody knows of."""
        await undisturbed(self._launch(context))

    async def _launch(self, context: str) -> None:
        log = log_file(self.data, context)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as said:
            self._log_starts[context] = said.tell()
        self._processes[context] = await self._launcher.launch(context, self._environment(context), log)

    def _environment(self, context: str) -> dict[str, str]:
        ours = {
            "MALLBOTS_DATABASE_URL": self._database_url(context),
            "MALLBOTS_REDIS_URL": self.redis.url,
            VARIABLE: self._installation,
            "MALLBOTS_ENDPOINTS": str(endpoints_directory(self.data)),
            "PYTHONPATH": import_path(),
        }
        return {**os.environ, **ours, **self._environ, **self._deployed.get(context, {})}

    def _database_url(self, context: str) -> str:
        if self.postgres and context in self.databases:
            return self.postgres.url(context)
        return os.environ.get("MALLBOTS_DATABASE_URL") or database_url(self.data, context)

    async def _until_ready(self, context: str) -> None:
        process, deadline = self._processes[context], time.monotonic() + START_SECONDS
        while not await self.is_serving(context):
            if process.returncode is not None:
                said = last_words(log_file(self.data, context), self._log_starts[context])
                raise Failed(f"{context} did not start: {said}")
            if time.monotonic() > deadline:
                raise Failed(
                    f"{context} is not serving after {START_SECONDS:.0f} s: see {log_file(self.data, context)}"
                )
            await asyncio.sleep(0.05)

    async def is_serving(self, context: str) -> bool:
        """The process that runs now, and no earlier one."""
        endpoint = read_endpoints(endpoints_directory(self.data)).get(context)
        return endpoint is not None and endpoint.pid == self._processes[context].pid and await is_serving(endpoint.grpc)

    async def _keep(self, context: str) -> None:
        """Start a process again whenever it ends, the later the oftener it does."""
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            code = await self._processes[context].wait()
            pause = FIRST_PAUSE if time.monotonic() - started > STEADY_SECONDS else pause
            self._say(f"{context} ended ({how_it_ended(code)}); starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
            async with self._in_hand[context]:
                with contextlib.suppress(OSError):  # out of processes or memory: the next round tries again
                    await self._spawn(context)
            await self._say_when_it_serves(context)

    async def _say_when_it_serves(self, context: str) -> None:
        """Or nothing, when it ends before."""
        process = self._processes[context]
        while process.returncode is None:
            if await self.is_serving(context):
                return self._say(f"{context} is back")
            await asyncio.sleep(0.1)

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more, but that stops no keeper
            self._report(text)


@asynccontextmanager
async def supervised(
    data: Path,
    contexts: Iterable[str],
    environ: Mapping[str, str] | None = None,
    report: Report = lambda text: None,
    *,
    through_proxy: bool = False,
    beside: Beside | None = None,
    on_postgres: Iterable[str] = (),
) -> AsyncIterator[Supervisor]:
    """Running as long as the context lasts, whatever ends it."""
    supervisor = Supervisor(
        *(data, contexts, environ or {}, report),
        through_proxy=through_proxy,
        beside=beside,
        on_postgres=on_postgres,
    )
    try:
        await supervisor.start()
        yield supervisor
    finally:
        await undisturbed(supervisor.stop())


async def end_process(process: Launched) -> None:
    """Asked first, killed when it takes too long."""
    with contextlib.suppress(ProcessLookupError):
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def how_it_ended(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"
