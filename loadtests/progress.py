"""What is seen while a run goes on: one line that changes on a terminal, one every ten seconds elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape

from loadtests.measurements import Measurements

SECONDS_PER_LINE = 10.0


class Progress:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._said = 0.0

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def say(self, text: str) -> None:
        self._console.print(escape(text), style="dim", soft_wrap=True)
        self._status.update(escape(text))

    def follow(self, measured: Measurements) -> None:
        line = _line(measured)
        self._status.update(line)
        if not self._console.is_terminal and measured.seconds - self._said >= SECONDS_PER_LINE:
            self._said = measured.seconds
            self._console.print(line, soft_wrap=True)


def _line(measured: Measurements) -> str:
    seconds, last = measured.seconds, measured.ticks[-1]
    return (
        f"{seconds:.0f} s: {last.customers} customers in the mall, {len(measured.placed)} orders placed, "
        f"{measured.calls / max(1.0, seconds):.0f} calls a second, {measured.failed_calls} failed"
    )
