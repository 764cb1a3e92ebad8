"""The physical mall of a demo: what is on the shelves, which robot stalls, and when it gets back to the depot."""

import asyncio


class Shelves:
    """Customers' plans say what will happen to their orders; robots run into it."""

    def __init__(self) -> None:
        self._missing: dict[tuple[str, str], int] = {}
        self._silencing: set[str] = set()
        self._held: dict[str, asyncio.Event] = {}

    def run_out(self, order_id: str, product_id: str, pieces: int) -> None:
        """That many pieces will not be found."""
        self._missing[order_id, product_id] = pieces

    def missing(self, order_id: str, product_id: str) -> int:
        return self._missing.get((order_id, product_id), 0)

    def silence(self, order_id: str) -> None:
        """The first robot that shops for this order stops in the middle of it."""
        self._silencing.add(order_id)

    def falls_silent(self, order_id: str) -> bool:
        """Once."""
        if order_id not in self._silencing:
            return False
        self._silencing.remove(order_id)
        return True

    def hold_up(self, order_id: str) -> None:
        """Its robot does not come back before it is let through."""
        self._held[order_id] = asyncio.Event()

    def let_through(self, order_id: str) -> None:
        if held := self._held.get(order_id):
            held.set()

    def is_held_up(self, order_id: str) -> bool:
        held = self._held.get(order_id)
        return held is not None and not held.is_set()
