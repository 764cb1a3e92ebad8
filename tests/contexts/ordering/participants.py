"""Those whom the order process asks, and what they have done so far, also when nobody has heard of it yet."""

from collections import deque
from collections.abc import Sequence

from mallbots_platform.messages import Accepted, Refused
from tests.contexts.ordering.process_at_work import Sent

STEPS = ["AuthorizeCustomer", "CreateShoppingList", "ConfirmPayment", "ScheduleShopping"]
UNDOES = {"ReleasePayment": "ConfirmPayment", "CancelShoppingList": "CreateShoppingList"}
ACCEPTED = Accepted(values={"shopping_list_id": "list"})
REFUSED = Refused(code="RuleViolated", reason="a rule forbids it")
NOTHING_TO_UNDO = Refused(code="NotFound", reason="there is no such thing")


class Participants:
    """Each takes commands in the order in which they were sent, and its answers arrive in the order it gave them.

    One step may be refused, so many times; undoing anything may be refused at first.
    """

    def __init__(self, refused: str, times: int, can_undo: bool) -> None:
        self.done: list[str] = []
        self.undone: list[str] = []
        self._refused = refused
        self._times = times
        self._unwilling = set() if can_undo else set(UNDOES.values())
        self._taken = {"customers": 0, "depot": 0, "payments": 0}
        self._replies: dict[str, deque[tuple[str, Accepted | Refused]]] = {name: deque() for name in self._taken}

    def busy(self, sent: Sequence[Sent]) -> list[str]:
        """Who has something to do yet."""
        return [name for name, taken in self._taken.items() if taken < sum(command.to == name for command in sent)]

    def on_the_way(self) -> list[str]:
        """Whose answers have not arrived yet."""
        return [name for name, replies in self._replies.items() if replies]

    def carries_out(self, name: str, sent: Sequence[Sent]) -> None:
        command = [command for command in sent if command.to == name][self._taken[name]]
        self._taken[name] += 1
        answer = self._undo(UNDOES[command.name]) if command.name in UNDOES else self._do(command.name)
        self._replies[name].append((command.id, answer))

    def next_answer(self, name: str) -> tuple[str, Accepted | Refused]:
        """The id of the command, and what is said to it."""
        return self._replies[name].popleft()

    def _do(self, step: str) -> Accepted | Refused:
        if step == self._refused and self._times > 0:
            self._times -= 1
            return REFUSED
        if step not in self.done:
            self.done.append(step)
        return ACCEPTED

    def _undo(self, step: str) -> Accepted | Refused:
        if step not in self.done:
            return NOTHING_TO_UNDO
        if step in self._unwilling:
            self._unwilling.remove(step)
            return REFUSED
        self.done.remove(step)
        self.undone.append(step)
        return ACCEPTED
