"""What a model of the depot keeps in mind."""

from dataclasses import dataclass, field


@dataclass
class Piece:
    wanted: int
    collected: int = 0
    missing: int = 0

    @property
    def left(self) -> int:
        return self.wanted - self.collected - self.missing


@dataclass
class Plan:
    """One list, as it should be."""

    pieces: dict[str, Piece]
    status: str = "pending"
    bot_id: str = ""
    store_id: str = ""


@dataclass
class Crew:
    """Idle bots in the order in which they became so; those at work have their plans."""

    idle: list[str] = field(default_factory=list)
    busy: dict[str, str] = field(default_factory=dict)

    def knows(self, bot_id: str) -> bool:
        return bot_id in self.idle or bot_id in self.busy
