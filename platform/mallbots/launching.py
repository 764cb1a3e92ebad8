"""How a context's process is started: as a fork of one that has imported everything, or from nothing."""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Protocol, Self

ANSWER_SECONDS = 30.0
LEAVE_SECONDS = 2.0
TITLE_ONLY = {"SPT_NOENV": "1"}  # setproctitle writes over the arguments, not over the environment that /proc shows
Answer = dict[str, Any]


class Launched(Protocol):
    """What `asyncio.subprocess.Process` offers, as far as it is needed."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    async def wait(self) -> int: ...
    def send_signal(self, signal: int) -> None: ...
    def kill(self) -> None: ...


class Launcher:
    """Starts processes of `contexts`: as forks, unless that is not possible here. `log` is the fork server's own."""

    def __init__(self, contexts: Iterable[str], log: Path) -> None:
        self._contexts = tuple(contexts)
        self._log = log
        self._server: ForkServer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def launch(self, context: str, environ: Mapping[str, str], log: Path) -> Launched:
        """With exactly that environment; what it says is added to `log`. Raises OSError."""
        async with self._one_at_a_time:
            if (server := await self._running_server()).can_fork:
                return await server.fork(context, environ, log)
        with log.open("ab") as output:
            return await start_process(*(sys.executable, "-m", f"contexts.{context}"), environ=environ, output=output)

    def kill(self) -> None:
        """The fork server, if there is one; what it has forked ends with it."""
        if self._server:
            self._server.send_signal(signal.SIGKILL)

    def go_on(self) -> None:
        """Should the fork server be stopped, nobody would hear how its processes end."""
        if self._server:
            self._server.send_signal(signal.SIGCONT)

    async def close(self) -> None:
        """Forks that have not ended by then are killed."""
        async with self._one_at_a_time:
            if self._server:
                await self._server.close()

    async def _running_server(self) -> "ForkServer":
        """A new one when the last has ended, unless that has said that it cannot fork here."""
        if self._server and self._server.has_ended and self._server.can_fork is not False:
            await self._server.close()
            self._server = None
        if not self._server:
            self._server = await ForkServer.start(self._contexts, self._log)
            await self._server.until_ready()
        return self._server


class Forked:
    """A process whose end its fork server tells."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, signal: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and its server is about to say so
                os.kill(self.pid, signal)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end(self, code: int) -> None:
        self.returncode = code
        self._ended.set()


class ForkServer:
    """The parent's side of `mallbots.fork_server`. `can_fork` is None until it has said so."""

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.can_fork: bool | None = None
        self._process = process
        self._reader = reader
        self._writer = writer
        self._forked: dict[int, Forked] = {}
        self._answers: asyncio.Queue[Answer] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, contexts: tuple[str, ...], log: Path) -> Self:
        ours, theirs = socket.socketpair()
        handle = theirs.fileno()
        command = (sys.executable, "-m", "mallbots.fork_server", str(handle), *contexts)
        environ = {**os.environ, "PYTHONPATH": import_path(), **TITLE_ONLY}
        with theirs, log.open("ab") as output:
            process = await start_process(*command, environ=environ, output=output, pass_fds=(handle,))
        return cls(process, *await asyncio.open_connection(sock=ours))

    @property
    def has_ended(self) -> bool:
        return self._listening.done()

    async def until_ready(self) -> None:
        """It has imported everything, and said whether it can fork; one that cannot leaves by itself."""
        self.can_fork = (await self._answer()).get("can_fork")

    async def fork(self, context: str, environ: Mapping[str, str], log: Path) -> Forked:
        """Raises OSError."""
        request = {"context": context, "environ": dict(environ), "log": str(log)}
        self._writer.write(json.dumps(request).encode() + b"\n")
        await self._writer.drain()
        answer = await self._answer()
        if "forked" not in answer:
            raise OSError(answer["error"])
        forked: Forked = answer["forked"]
        return forked

    def send_signal(self, signal: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal)

    async def close(self) -> None:
        self._writer.close()
        try:
            await asyncio.wait_for(self._process.wait(), LEAVE_SECONDS)
        except TimeoutError:
            self.send_signal(signal.SIGKILL)
            await self._process.wait()
        await self._listening

    async def _answer(self) -> Answer:
        """One that does not come in time is none: the server is ended."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._answers.get()
        except TimeoutError:
            self.send_signal(signal.SIGKILL)
            return {"error": f"the fork server has not answered for {ANSWER_SECONDS:g} s"}

    async def _listen(self) -> None:
        """Until it ends. Nobody would hear of what becomes of its processes then, so they end, too."""
        try:
            with contextlib.suppress(OSError):
                while line := await self._reader.readline():
                    self._hear(json.loads(line))
        finally:
            self._writer.close()
            for forked in self._forked.values():
                forked.kill()
                forked.end(-signal.SIGKILL)
            self._answers.put_nowait({"error": "the fork server has ended"})

    def _hear(self, told: Answer) -> None:
        if "code" in told:
            self._forked.pop(told["pid"]).end(told["code"])
            return
        if "pid" in told:
            told["forked"] = self._forked[told["pid"]] = Forked(told["pid"])
        self._answers.put_nowait(told)


async def start_process(
    *command: str | Path, environ: Mapping[str, str], output: IO[bytes], **more: Any
) -> asyncio.subprocess.Process:
    """Without input, in a session of its own: Ctrl-C is ours to pass on. `more` goes to `subprocess.Popen`."""
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environ,
        start_new_session=True,
        **more,
    )


def source_roots() -> list[str]:
    """Where this package and the contexts are imported from, so that a process imports the same ones."""
    found = (importlib.util.find_spec(package) for package in ("mallbots", "contexts"))
    return [str(Path(spec.origin).parent.parent) for spec in found if spec and spec.origin]


def import_path() -> str:
    """Those, and what this process has been told besides; the value of `PYTHONPATH`."""
    return os.pathsep.join([*source_roots(), *filter(None, [os.environ.get("PYTHONPATH")])])
