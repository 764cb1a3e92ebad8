"""The fork server: a process that has imported what contexts are made of, and becomes one of them by forking.

Importing is nearly all of what a start costs; a fork has it done. Its parent asks over a socket, in lines of JSON, one
at a time: `{"context", "environ", "log"}`. It is told `{"can_fork"}` first, then `{"pid"}` or `{"error"}` for each
request, and `{"pid", "code"}` whenever a process has ended. When the parent is gone it leaves; what it has started
lives on.
"""

import contextlib
import importlib
import json
import os
import runpy
import selectors
import socket
import sys
from collections.abc import Iterable
from typing import TextIO, TypedDict

from setproctitle import setproctitle

from mallbots_platform.memory import settle_memory


class Request(TypedDict):
    """A context, all of its environment, and the file that its output goes to."""

    context: str
    environ: dict[str, str]
    log: str


def main() -> None:
    """`python -m mallbots.fork_server SOCKET CONTEXT…`, the socket being an open file's number."""
    handle, *contexts = sys.argv[1:]
    import_all(contexts)
    with socket.socket(fileno=int(handle)) as parent, parent.makefile("rw") as lines:
        able = can_fork()
        say(lines, can_fork=able)
        request = serve(parent, lines) if able else None
    if request:
        become(request)


def import_all(contexts: Iterable[str]) -> None:
    """What cannot be imported is left to the process that needs it, which says so in its own log."""
    for context in contexts:
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(f"contexts.{context}.composition")
    settle_memory()  # so that a fork's collector writes to none of the pages that all of them share
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or each fork says again what an import has printed


def can_fork() -> bool:
    """Only the thread that forks is in the fork: locks that others hold would stay locked. And one that cannot be
    watched would end unseen."""
    try:
        os.close(os.pidfd_open(os.getpid()))
        return len(os.listdir("/proc/self/task")) == 1
    except (AttributeError, OSError):
        return False


def serve(parent: socket.socket, lines: TextIO) -> Request | None:
    """Returns in each fork, with what it was asked to become; in the server when its parent is gone, with None."""
    with selectors.DefaultSelector() as selector:
        selector.register(parent, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not parent:
                    selector.unregister(key.fileobj)
                    os.close(key.fd)
                    say(lines, pid=key.data, code=os.waitstatus_to_exitcode(os.waitpid(key.data, 0)[1]))
                elif not (line := lines.readline()):
                    return None
                elif _fork(selector, lines):
                    _forget_siblings(selector)
                    request: Request = json.loads(line)
                    return request


def _fork(selector: selectors.BaseSelector, lines: TextIO) -> bool:
    """Whether this is the fork. It goes on once its parent has been told of it, and not if the server dies before."""
    reading, writing = os.pipe()
    with open(reading, "rb", 0) as told, open(writing, "wb", 0) as teller:
        try:
            pid = os.fork()
        except OSError as error:
            say(lines, error=str(error))
            return False
        if pid:
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
            say(lines, pid=pid)
            teller.write(b"\n")
            return False
        teller.close()
        if not told.read(1):
            os._exit(1)
        return True


def say(lines: TextIO, **facts: object) -> None:
    with contextlib.suppress(OSError):  # a parent that is gone is noticed where it is listened to
        print(json.dumps(facts), file=lines, flush=True)


def become(request: Request) -> None:
    """What `python -m contexts.CONTEXT` is, in a session of its own: to itself, to its log and to `ps`."""
    os.setsid()
    module = f"contexts.{request['context']}"
    setproctitle(f"{sys.executable} -m {module}")  # before the environment changes, by whose place it finds the title's
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["environ"])
    del sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _forget_siblings(selector: selectors.BaseSelector) -> None:
    """Close their handles here, without a word to the selector, which is the server's still."""
    for key in selector.get_map().values():
        if key.data:
            os.close(key.fd)


if __name__ == "__main__":
    main()
