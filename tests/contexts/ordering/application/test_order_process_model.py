"""The order process, whatever is answered and whenever: what is promised of it holds at every moment."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import DataObject, booleans, builds, data, sampled_from

from contexts.ordering.application.order_process import order_process
from contexts.ordering.domain import Status
from mallbots_platform.sagas import PROCESS_EVENTS, EndRefused, State
from tests.contexts.ordering.participants import ACCEPTED, STEPS, UNDOES, Participants
from tests.contexts.ordering.process_at_work import OrderProcess, order_process_at_work

ANSWERS = ("StepDone", "StepRefused", "UndoDone", "UndoRefused", "LateReply")
STATUS_WHEN = {
    State.RUNNING: Status.PENDING,
    State.COMPLETED: Status.APPROVED,
    State.FAILED: Status.REJECTED,
    State.CANCELLED: Status.CANCELLED,
}
LONG_ENOUGH = 200
WITHOUT_SHRINKING = settings(
    max_examples=45,
    stateful_step_count=30,
    phases=[Phase.generate],  # over a real database, a shorter example would take minutes to be found
    suppress_health_check=[HealthCheck.too_slow],
)
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes wrong, if anything. The order may be cancelled once a step is accepted, or at any time, and even when
    all else has been said."""

    refused: str
    times: int
    can_undo: bool
    is_slow: bool
    cancelled_after: str
    regrets: bool


plans = builds(
    Plan,
    refused=sampled_from(["", "", "", *STEPS]),
    times=sampled_from([1, 9]),
    can_undo=booleans(),
    is_slow=booleans(),
    cancelled_after=sampled_from(["", *STEPS]),
    regrets=booleans(),
)


class OrderProcessModel(RuleBasedStateMachine):
    """One order a run. `look` is all that can be seen of it from outside."""

    def __init__(self, ordering: OrderProcess, seen: set[str]) -> None:
        super().__init__()
        self.ordering = ordering
        self.seen = seen
        self.order_id = f"model-{next(_numbers)}"
        self.accepted: set[str] = set()
        self.heard = 0

    @initialize(plan=plans)
    def the_order_is_placed(self, plan: Plan) -> None:
        self.plan = plan
        self.participants = Participants(plan.refused, plan.times, plan.can_undo)
        self.ordering.places(self.order_id)
        self.look_again()

    @precondition(lambda self: self.busy)
    @rule(choice=data())
    def a_command_is_carried_out(self, choice: DataObject) -> None:
        self.participants.carries_out(choice.draw(sampled_from(self.busy)), self.look.sent)

    @precondition(lambda self: self.participants.on_the_way())
    @rule(choice=data())
    def an_answer_arrives(self, choice: DataObject) -> None:
        self.hears_from(choice.draw(sampled_from(self.participants.on_the_way())))

    @precondition(lambda self: self.plan.is_slow and self.look.timer)
    @rule()
    def nobody_answers_in_time(self) -> None:
        self.ordering.waits_too_long(self.order_id)
        self.look_again()

    @rule(choice=data())
    def an_old_timer_fires(self, choice: DataObject) -> None:
        before = self.look
        if old := [command.id for command in before.sent if command.id not in before.saga.awaiting]:
            self.ordering.minds_an_old_timer(self.order_id, choice.draw(sampled_from(old)))
            self.look_again()
            assert (self.look.sent, self.look.history) == (before.sent, before.history)

    @precondition(lambda self: self.may_be_cancelled)
    @rule(goods_are_gone=booleans())
    def the_order_is_cancelled(self, goods_are_gone: bool) -> None:
        cancel = self.ordering.misses_all_goods if goods_are_gone else self.ordering.cancels
        cancel(self.order_id)
        self.look_again()

    @invariant()
    def it_waits_for_one_answer_or_is_over(self) -> None:
        saga, timer = self.look.saga, self.look.timer
        assert saga.ended != saga.waits
        assert self.look.asleep == []
        assert (timer.message_id if timer else "") == ("" if saga.ended else self.look.sent[-1].id)

    @invariant()
    def the_order_agrees(self) -> None:
        saga = self.look.saga
        undoing = Status.CANCELLED if saga.cancelled else Status.PENDING
        assert self.look.order.status is STATUS_WHEN.get(saga.state, undoing)

    @invariant()
    def it_is_decided_once(self) -> None:
        told = self.look.told
        assert told.count("OrderApproved") + told.count("OrderRejected") <= 1

    @invariant()
    def it_goes_forth_step_by_step_and_back_in_reverse(self) -> None:
        one_by_one = [name for name, _ in itertools.groupby(self.look.asked)]
        assert one_by_one == [*self.forth, *self.back]
        assert self.forth == STEPS[: len(self.forth)]
        assert self.back == [undo for undo in UNDOES if undo in self.back]

    @invariant()
    def a_step_begins_when_the_one_before_is_accepted(self) -> None:
        assert set(self.forth[:-1]) <= self.accepted

    @invariant()
    def a_step_is_asked_for_only_so_often(self) -> None:
        assert all(self.look.asked.count(step) <= order_process.steps[0].attempts for step in STEPS)

    @invariant()
    def no_answer_is_lost(self) -> None:
        assert sum(step in ANSWERS for step in self.look.history) == self.heard

    def teardown(self) -> None:
        self.all_answer_at_last()
        if self.plan.regrets and self.may_be_cancelled:
            self.the_order_is_cancelled(goods_are_gone=False)
            self.all_answer_at_last()

        assert self.look.saga.ended
        assert self.look.order.status is STATUS_WHEN[self.look.saga.state]
        if self.look.saga.state is State.COMPLETED:
            assert (self.participants.done, self.back) == (STEPS, [])
        else:
            self.exactly_what_was_done_is_undone()
        self.seen |= {*self.look.history, *self.look.told, self.look.saga.state}

    def exactly_what_was_done_is_undone(self) -> None:
        to_undo = [undo for undo, step in UNDOES.items() if step in self.forth and step != self.surely_not_done]
        assert self.back == to_undo
        undone = self.participants.undone
        assert undone == [step for step in UNDOES.values() if step in undone]
        assert not set(self.participants.done) & set(UNDOES.values())

    @property
    def surely_not_done(self) -> str:
        """The step that was refused, if it was asked for once: of several attempts, another may have been accepted."""
        last = self.forth[-1]
        return last if "StepRefused" in self.look.history and self.look.asked.count(last) == 1 else ""

    def all_answer_at_last(self) -> None:
        for _ in range(LONG_ENOUGH):
            if self.busy:
                self.participants.carries_out(self.busy[0], self.look.sent)
            elif on_the_way := self.participants.on_the_way():
                self.hears_from(on_the_way[0])
            elif self.look.timer:
                self.ordering.waits_too_long(self.order_id)
                self.look_again()

    def hears_from(self, name: str) -> None:
        command_id, reply = self.participants.next_answer(name)
        if reply is ACCEPTED:
            self.accepted |= {command.name for command in self.look.sent if command.id == command_id}
        self.heard += 1
        self.ordering.hears(self.order_id, reply, command_id)
        self.look_again()

    def look_again(self) -> None:
        self.look = self.ordering.look(self.order_id)

    @property
    def busy(self) -> list[str]:
        return self.participants.busy(self.look.sent)

    @property
    def forth(self) -> list[str]:
        return [name for name, _ in itertools.groupby(self.look.asked) if name in STEPS]

    @property
    def back(self) -> list[str]:
        return [name for name, _ in itertools.groupby(self.look.asked) if name in UNDOES]

    @property
    def may_be_cancelled(self) -> bool:
        in_time = self.look.order.status in (Status.PENDING, Status.APPROVED)
        return in_time and self.plan.cancelled_after in ("", *self.accepted)


@pytest.fixture(scope="module")
def ordering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrderProcess]:
    with order_process_at_work(tmp_path_factory.mktemp("ordering")) as ordering:
        yield ordering


def test_the_order_process_keeps_its_promises(ordering: OrderProcess) -> None:
    seen: set[str] = set()

    run_state_machine_as_test(
        lambda: OrderProcessModel(ordering, seen),  # type: ignore[arg-type] # it only calls this to get a machine
        settings=WITHOUT_SHRINKING,
    )

    assert {State.COMPLETED, State.FAILED, State.CANCELLED} <= seen
    assert {event.__name__ for event in PROCESS_EVENTS if event is not EndRefused} <= seen
