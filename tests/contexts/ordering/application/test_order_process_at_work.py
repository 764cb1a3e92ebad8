"""What becomes of an order at each step that is refused, not answered or overtaken by a cancellation."""

import itertools
from collections.abc import Iterator

import pytest

from contexts.ordering.domain import Status
from mallbots_platform.messages import Accepted, Refused
from mallbots_platform.sagas import State
from tests.contexts.ordering.participants import STEPS
from tests.contexts.ordering.process_at_work import Look, OrderProcess, order_process_at_work

UNDO_OF_ALL = ["ReleasePayment", "CancelShoppingList"]
SAID = {"CreateShoppingList": {"shopping_list_id": "list"}}
ACCEPTED = Accepted()
REFUSED = Refused(code="PaymentIsDeclined", reason="the payment was declined")
NOTHING_TO_UNDO = Refused(code="NotFound", reason="there is no such list")
MOST_ATTEMPTS = 4
_numbers = itertools.count(1)


class Story:
    """One order; whoever is asked answers when the story says so."""

    def __init__(self, ordering: OrderProcess, order_id: str) -> None:
        self.ordering = ordering
        self.order_id = order_id
        ordering.places(order_id)

    @property
    def now(self) -> Look:
        return self.ordering.look(self.order_id)

    def all_accept(self, times: int = 1) -> "Story":
        for _ in range(times):
            last = self.now.sent[-1]
            self.ordering.hears(self.order_id, Accepted(values=SAID.get(last.name, {})), last.id)
        return self

    def refuses(self, reply: Refused = REFUSED) -> "Story":
        self.ordering.hears(self.order_id, reply, self.now.sent[-1].id)
        return self

    def nobody_answers(self, times: int = 1) -> "Story":
        for _ in range(times):
            self.ordering.waits_too_long(self.order_id)
        return self

    def late_answer_to(self, number: int, reply: Accepted | Refused = ACCEPTED) -> None:
        self.ordering.hears(self.order_id, reply, self.now.sent[number].id)

    def misses_all_goods(self) -> None:
        self.ordering.misses_all_goods(self.order_id)

    def cancels(self) -> "Story":
        self.ordering.cancels(self.order_id)
        return self


@pytest.fixture(scope="module")
def ordering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrderProcess]:
    with order_process_at_work(tmp_path_factory.mktemp("ordering")) as ordering:
        yield ordering


@pytest.fixture
def story(ordering: OrderProcess) -> Story:
    return Story(ordering, f"order-{next(_numbers)}")


def undo_of(steps: list[str]) -> list[str]:
    undo = {"ConfirmPayment": "ReleasePayment", "CreateShoppingList": "CancelShoppingList"}
    return [undo[step] for step in reversed(steps) if step in undo]


def test_an_order_that_all_accept_is_approved(story: Story) -> None:
    story.all_accept(4)

    assert story.now.asked == STEPS
    assert (story.now.saga.state, story.now.timer) == (State.COMPLETED, None)
    assert (story.now.order.status, story.now.order.shopping_list_id) == (Status.APPROVED, "list")
    assert story.now.told == ["OrderCreated", "OrderApproved"]


def test_each_step_waits_for_the_one_before(story: Story) -> None:
    for done in range(4):
        assert story.now.asked == STEPS[: done + 1]
        assert story.now.order.status is Status.PENDING
        story.all_accept()

    assert story.now.asked == STEPS


def test_each_command_goes_to_its_taker(story: Story) -> None:
    story.all_accept(4).cancels()
    story.all_accept(2)

    takers = [command.to for command in story.now.sent]
    assert takers == ["customers", "depot", "payments", "depot", "payments", "depot"]


@pytest.mark.parametrize("step", range(4), ids=STEPS)
def test_a_refusal_undoes_what_was_done_in_reverse(story: Story, step: int) -> None:
    undone = undo_of(STEPS[:step])
    story.all_accept(step).refuses()

    story.all_accept(len(undone))

    assert story.now.asked == STEPS[: step + 1] + undone
    assert (story.now.saga.state, story.now.timer) == (State.FAILED, None)
    assert (story.now.order.status, story.now.order.reason) == (Status.REJECTED, "the payment was declined")
    assert story.now.told == ["OrderCreated", "OrderRejected"]


@pytest.mark.parametrize("step", range(4), ids=STEPS)
def test_what_is_never_answered_is_undone_too(story: Story, step: int) -> None:
    undone = undo_of(STEPS[: step + 1])
    story.all_accept(step).nobody_answers(MOST_ATTEMPTS)

    story.all_accept(len(undone))

    assert story.now.asked == STEPS[:step] + [STEPS[step]] * MOST_ATTEMPTS + undone
    assert story.now.saga.state is State.FAILED
    assert (story.now.order.status, story.now.order.reason) == (
        Status.REJECTED,
        "a participant did not answer in time",
    )


@pytest.mark.parametrize("step", range(4), ids=STEPS)
def test_a_passing_silence_is_not_compensated(story: Story, step: int) -> None:
    story.all_accept(step).nobody_answers(MOST_ATTEMPTS - 1)

    story.all_accept(4 - step)

    assert story.now.asked == STEPS[:step] + [STEPS[step]] * MOST_ATTEMPTS + STEPS[step + 1 :]
    assert story.now.order.status is Status.APPROVED


@pytest.mark.parametrize("step", range(5), ids=[*STEPS, "completed"])
def test_a_cancellation_undoes_all_that_may_be_done(story: Story, step: int) -> None:
    undone = undo_of(STEPS[: step + 1])
    story.all_accept(step).cancels()

    story.all_accept(len(undone))

    assert story.now.asked == STEPS[: step + 1] + undone
    assert (story.now.saga.state, story.now.timer) == (State.CANCELLED, None)
    assert story.now.order.status is Status.CANCELLED
    assert story.now.told[-1] == "OrderCancelled"


def test_an_order_without_goods_stops_its_process(story: Story) -> None:
    story.all_accept(2)
    story.misses_all_goods()

    story.all_accept(2)

    assert story.now.asked == [*STEPS[:3], *UNDO_OF_ALL]
    assert story.now.told == ["OrderCreated", "OrderAdjusted", "OrderCancelled"]
    assert story.now.saga.state is State.CANCELLED


def test_an_undo_is_sent_until_it_is_answered(story: Story) -> None:
    story.all_accept(2).refuses()
    story.nobody_answers(MOST_ATTEMPTS + 3)

    assert story.now.asked[3:] == ["CancelShoppingList"] * (MOST_ATTEMPTS + 4)
    assert (story.now.saga.state, story.now.order.status) == (State.COMPENSATING, Status.PENDING)
    story.all_accept()

    assert story.now.order.status is Status.REJECTED


def test_a_refused_undo_does_not_stop_the_others(story: Story) -> None:
    story.all_accept(3).refuses()

    story.refuses(NOTHING_TO_UNDO).refuses(NOTHING_TO_UNDO)

    assert story.now.asked[4:] == UNDO_OF_ALL
    assert story.now.order.status is Status.REJECTED


def test_a_cancellation_while_undoing_means_no_rejection(story: Story) -> None:
    story.all_accept(3).refuses().cancels()

    story.all_accept(2)

    assert story.now.asked[4:] == UNDO_OF_ALL
    assert (story.now.saga.state, story.now.order.status) == (State.CANCELLED, Status.CANCELLED)
    assert "OrderRejected" not in story.now.told


def test_the_first_answer_to_several_attempts_counts(story: Story) -> None:
    story.nobody_answers(2)
    story.late_answer_to(0)

    assert story.now.asked == ["AuthorizeCustomer"] * 3 + ["CreateShoppingList"]
    story.late_answer_to(1)

    assert story.now.asked == ["AuthorizeCustomer"] * 3 + ["CreateShoppingList"]
    assert story.now.history[-1] == "LateReply"


def test_one_of_several_attempts_refused_is_undone_too(story: Story) -> None:
    story.all_accept(1).nobody_answers(1)

    story.late_answer_to(1, REFUSED)

    assert story.now.asked[1:] == ["CreateShoppingList", "CreateShoppingList", "CancelShoppingList"]


@pytest.mark.parametrize("accepted", [True, False])
def test_a_late_answer_is_recorded_and_changes_nothing(story: Story, accepted: bool) -> None:
    story.all_accept(1).nobody_answers(MOST_ATTEMPTS).all_accept()
    before = story.now
    reply = Accepted(values=SAID["CreateShoppingList"]) if accepted else REFUSED

    story.late_answer_to(1, reply)

    assert story.now.history == [*before.history, "LateReply"]
    assert (story.now.asked, story.now.told) == (before.asked, before.told)
    assert story.now.saga.state is State.FAILED


def test_a_repeated_last_answer_approves_only_once(story: Story) -> None:
    story.all_accept(3).nobody_answers(1).all_accept()

    story.late_answer_to(3)

    assert story.now.told == ["OrderCreated", "OrderApproved"]
    assert story.now.saga.state is State.COMPLETED
