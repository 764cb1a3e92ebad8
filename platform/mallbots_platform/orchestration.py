"""Carries sagas forward: sends their commands, takes the replies, minds the time, undoes in reverse."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from mallbots_platform.causes import Cause
from mallbots_platform.clock import now, now_us, rfc3339
from mallbots_platform.codec import Codec
from mallbots_platform.crash_points import reached
from mallbots_platform.envelope import Envelope
from mallbots_platform.errors import AlreadyExists, InvalidInput, NewerVersion, NotFound, PlatformError, RuleViolated
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Accepted, Refused, command
from mallbots_platform.outbox import Draft, Outbox
from mallbots_platform.partitions import commands_for
from mallbots_platform.saga_steps import noted
from mallbots_platform.sagas import (
    Began,
    Cancelled,
    Ended,
    EndRefused,
    Facts,
    LateReply,
    Saga,
    SagaProcess,
    State,
    Step,
    StepDone,
    StepRefused,
    StepSent,
    StepTimedOut,
    UndoDone,
    UndoRefused,
    UndoSent,
)
from mallbots_platform.timers import Timers
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter

LocalHandler = Callable[[Any], object]
MOST_FOR_THE_ANSWER = 2.0  # seconds before the time of a step is over, so that the answer is here by then
NOTHING_TO_UNDO = NotFound.__name__  # as earlier participants say it
REFUSALS = (InvalidInput, RuleViolated, NotFound)


class CannotGoOn(PlatformError):
    """What a timer found is a refusal, which would be the end of the timer: as a failure it is tried again."""


@command
class AnswerIsOverdue:
    """The next wake-up of a process; `message_id` is what was not answered, or empty where nothing was asked."""

    saga: str
    key: str
    message_id: str


class Orchestration:
    """One saga at work. Methods run in the writer's thread."""

    def __init__(
        self,
        saga: Saga[Any],
        handlers: Mapping[type, LocalHandler],
        processes: EventSourced[SagaProcess],
        writer: Writer,
        outbox: Outbox,
        timers: Timers,
        codec: Codec,
        meter: Meter,
    ) -> None:
        self.saga = saga
        self._handlers = handlers
        self._processes = processes
        self._writer = writer
        self._outbox = outbox
        self._timers = timers
        self._codec = codec
        self._meter = meter
        self._begins_as = codec.wire(saga.begins_on).name
        self._known = saga.known
        self._names_of_before = saga.names_of(())

    def owns(self, message_id: str) -> bool:
        return message_id.startswith(f"{self.saga.name}:")

    # What moves a process

    def on_begin(self, message: object, draft: Draft) -> None:
        """The event it begins on was recorded; its first command goes out in the same transaction."""
        key = self.saga.key(message)
        process = SagaProcess(id=self._id(key), correlation_id=draft.correlation_id)
        process.record(Began(data=draft.data.decode(), version=draft.version, steps=self.saga.names))
        with self._writer.savepoint(Cause(draft.id, draft.correlation_id, draft.span.context)):
            self._go_on(process)
            self._processes.add(process)
            self._index(process)

    def on_cancel(self, message: object, draft: Draft) -> None:
        """Stop, and undo what was done; what is in flight is undone too, for it may be done any moment."""
        process = self._processes.find(self._id(self.saga.key(message)))
        if process is None or process.state in (State.FAILED, State.CANCELLED) or process.cancelled:
            return
        with self._writer.savepoint(Cause(draft.id, draft.correlation_id, draft.span.context)):
            process.record(Cancelled())
            self._save(process)

    def on_reply(self, reply: Accepted | Refused, envelope: Envelope) -> None:
        process = self._processes.get(self._id(envelope.subject))
        if envelope.causationid not in process.awaiting:
            answer = "accepted" if isinstance(reply, Accepted) else f"refused: {reply.reason}"
            process.record(LateReply(message_id=envelope.causationid, answer=answer))
        elif process.state is State.COMPENSATING:
            self._undo_answered(process, reply)
        elif isinstance(reply, Refused):
            process.record(StepRefused(step=process.step, code=reply.code, reason=reply.reason))
        else:
            process.record(StepDone(step=process.step, values=reply.values))
        self._save(process)
        reached("saga: answered")

    def on_overdue(self, timer: AnswerIsOverdue) -> None:
        """Raises whatever happens, and a refusal as CannotGoOn: then the timer is set again."""
        try:
            self._wake(timer)
        except (*REFUSALS, AlreadyExists) as refusal:
            raise CannotGoOn(f"{timer.saga} {timer.key}: {refusal}") from refusal

    def _undo_answered(self, process: SagaProcess, reply: Accepted | Refused) -> None:
        if isinstance(reply, Accepted):
            process.record(UndoDone(step=process.step, refusal=""))
        elif reply.not_found or reply.code == NOTHING_TO_UNDO:
            process.record(UndoDone(step=process.step, refusal=reply.reason))
        else:
            process.record(UndoRefused(step=process.step, code=reply.code, reason=reply.reason))

    def _wake(self, timer: AnswerIsOverdue) -> None:
        process = self._processes.get(self._id(timer.key))
        if process.ended:
            return
        if process.waits and timer.message_id not in process.awaiting:
            self._set_timer(process)
            return
        if process.waits:
            self._not_answered(process)
        self._save(process)

    def _not_answered(self, process: SagaProcess) -> None:
        step = self._step(process)
        if not process.refusal:
            self._meter.counter("mallbots_saga_timeouts_total", saga=self.saga.name, step=step.name).inc()
        if process.state is State.COMPENSATING or process.attempt < step.attempts:
            self._send(process, process.step, process.attempt + 1)
        else:
            process.record(StepTimedOut(step=process.step))

    # What it does next

    def _save(self, process: SagaProcess) -> None:
        self._go_on(process)
        self._processes.save(process)
        self._index(process)

    def _go_on(self, process: SagaProcess) -> None:
        """Send what comes next, unless an answer is awaited or it is over."""
        if process.waits or process.ended:
            return
        if process.state is State.COMPENSATING:
            self._undo_next(process)
        elif process.step < len(self._names(process)):
            self._send(process, process.step, 1)
        elif not self._end(process, State.COMPLETED, self.saga.ends_with):
            self._undo_next(process)

    def _undo_next(self, process: SagaProcess) -> None:
        undoable = [place for place in process.to_undo if self._step_at(process, place).undo]
        if undoable:
            self._send(process, undoable[0], 1)
        elif not self._end(process, process.ends_as, None if process.cancelled else self.saga.fails_with):
            self._set_timer(process)

    def _end(self, process: SagaProcess, state: State, command_of: Callable[[Facts[Any]], object] | None) -> bool:
        """Whether it is over: unless the command that it ends with is refused."""
        if command_of and (refusal := self._refusal_of(command_of(self._facts(process)))):
            process.record(EndRefused(code=type(refusal).__name__, reason=str(refusal)))
            return False
        process.record(Ended(state=state))
        self._timers.cancel(AnswerIsOverdue, process.id)
        ended = self._meter.counter("mallbots_saga_ended_total", saga=self.saga.name, outcome=state.value)
        self._writer.after_commit(ended.inc)
        return True

    def _refusal_of(self, last: object) -> PlatformError | None:
        """Carry it out here, wholly or not at all."""
        try:
            with self._writer.savepoint(self._writer.cause):
                self._handlers[type(last)](last)
        except AlreadyExists:
            return None
        except REFUSALS as refusal:
            return refusal
        return None

    def _send(self, process: SagaProcess, place: int, attempt: int) -> None:
        step, undoing = self._step_at(process, place), process.state is State.COMPENSATING
        make = step.undo if undoing and step.undo else step.do
        message_id = f"{process.id}:{'undo' if undoing else 'do'}:{step.label}:{attempt}"
        sent = (UndoSent if undoing else StepSent)(step=place, message_id=message_id, attempt=attempt)
        process.record(sent)
        key, pause = self._key(process), _pause(step, attempt)
        self._outbox.record(
            make(self._facts(process)),
            key=key,
            channel=commands_for(step.to),
            correlation_id=process.correlation_id,
            id=message_id,
            answer_by="" if undoing else _answer_by(pause),
        )
        reached("saga: sent")
        self._wake_after(process.id, key, message_id, pause)

    def _set_timer(self, process: SagaProcess) -> None:
        """Its next wake-up: the answer it waits for is overdue then, or its end is tried again."""
        awaiting = process.awaiting[-1] if process.awaiting else ""
        pause = _pause(self._step(process), process.attempt)
        self._wake_after(process.id, self._key(process), awaiting, pause)

    def _wake_after(self, id: str, key: str, awaiting: str, seconds: float) -> None:
        overdue = AnswerIsOverdue(saga=self.saga.name, key=key, message_id=awaiting)
        self._timers.set(overdue, id, now() + timedelta(seconds=seconds))

    def _index(self, process: SagaProcess) -> None:
        at, state, step = now_us(), process.state.value, self._step(process).name
        changed_at = at
        for step_before, state_before, since in self._writer.database.run(_BEFORE, (self.saga.name, process.id)):
            if (step_before, state_before) == (step, state):
                changed_at = since
            else:
                self._measure(step_before, at - since)
        awaiting = process.awaiting[-1] if process.awaiting else ""
        steps, refusal = noted(process.steps), process.refusal
        row = (self.saga.name, process.id, state, step, awaiting, at, changed_at, steps, refusal)
        self._writer.database.run(_INDEX, row)

    def _measure(self, step: str, duration_us: int) -> None:
        observed = self._meter.histogram("mallbots_saga_step_seconds", saga=self.saga.name, step=step)
        self._writer.after_commit(lambda: observed.observe(max(0, duration_us) / 1e6))

    def _facts(self, process: SagaProcess) -> Facts[Any]:
        begun_by = self._codec.decode(self._begins_as, process.data_version, process.data)
        return Facts(begun_by, process.values, process.reason)

    def _step(self, process: SagaProcess) -> Step[Any]:
        return self._step_at(process, min(process.step, len(self._names(process)) - 1))

    def _step_at(self, process: SagaProcess, place: int) -> Step[Any]:
        """Raises NewerVersion for one that this program does not know: a later one may."""
        names = self._names(process)
        if place >= len(names) or names[place] not in self._known:
            name = repr(names[place]) if place < len(names) else f"number {place}"
            raise NewerVersion(f"this program does not know the step {name} of {process.id}")
        return self._known[names[place]]

    def _names(self, process: SagaProcess) -> tuple[str, ...]:
        return process.steps or self._names_of_before

    def _id(self, key: str) -> str:
        return f"{self.saga.name}:{key}"

    def _key(self, process: SagaProcess) -> str:
        return process.id.removeprefix(f"{self.saga.name}:")


def _pause(step: Step[Any], attempt: int) -> float:
    """Seconds; longer before each attempt."""
    return step.timeout_seconds * min(2.0 ** (attempt - 1), 8.0)


def _answer_by(pause: float) -> str:
    return rfc3339(now_us() + round((pause - min(pause / 2, MOST_FOR_THE_ANSWER)) * 1e6))


_BEFORE = "SELECT step, state, changed_at FROM sagas WHERE saga = ? AND id = ?"
_INDEX = """
    INSERT INTO sagas (saga, id, state, step, awaiting, started_at, changed_at, steps, refusal)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (saga, id) DO UPDATE SET state = excluded.state, step = excluded.step, awaiting = excluded.awaiting,
        changed_at = excluded.changed_at, refusal = excluded.refusal
"""
