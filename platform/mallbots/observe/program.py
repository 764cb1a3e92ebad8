"""A program that shows something of the mall: under which names it is found, how it is got, how it is started."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mallbots.observe.site import Site


@dataclass(frozen=True, slots=True)
class Launch:
    """`ready` is the URL that answers once it works."""

    arguments: tuple[str | Path, ...]
    ready: str
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """`ports` are those it is known for, by what listens there; the one under its own name is that of its page.

    `prepare` writes its configuration, and says how to start it.
    """

    name: str
    executables: tuple[str, ...]
    shows: str
    how_to_get: str
    ports: Mapping[str, int]
    prepare: Callable[[Site], Launch]
    page: str = "/"
