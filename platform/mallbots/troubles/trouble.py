"""One trouble: made, and over when everything is whole again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

KILLED = "killed"
Make = Callable[[], Awaitable[None]]


async def _nothing() -> None: ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """`prepare` comes earlier in the run, while something else is going on."""

    kind: str
    target: str
    make: Make
    prepare: Make = _nothing

    @property
    def name(self) -> str:
        return name_of(self.kind, self.target)


def name_of(kind: str, target: str) -> str:
    return kind if kind.startswith(target) else f"{target} {kind}"
