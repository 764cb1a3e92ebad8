"""Where programs would be, without one of them."""

from collections.abc import Iterable
from pathlib import Path

from mallbots.observe.program import Program
from mallbots.observe.site import Site, choose_ports
from mallbots.observe.stack import PROGRAMS

REDIS = "redis://:secret@127.0.0.1:6390/0"


def site_of(data: Path, names: Iterable[str], program: str = "/usr/bin/true") -> Site:
    """As if the named programs were found; each has its folder."""
    wanted = [each for each in PROGRAMS if each.name in set(names)]
    ports = choose_ports({what: 0 for each in wanted for what in each.ports})
    site = Site(data, REDIS, {each.name: program for each in wanted}, ports)
    for each in wanted:
        site.folder(each.name).mkdir(parents=True)
    return site


def program(name: str) -> Program:
    return next(each for each in PROGRAMS if each.name == name)
