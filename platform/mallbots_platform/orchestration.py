"""Carries sagas forward: sends their commands, takes the replies, minds the time, undoes in reverse."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from mallbots_platform.causes import Cause
from mallbots_platform.clock import now, now_us
from mallbots_platform.codec import Codec
from mallbots_platform.crash_points import reached
from mallbots_platform.envelope import Envelope
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Accepted, Refused, command
from mallbots_platform.outbox import Draft, Outbox
from mallbots_platform.partitions import commands_for
from mallbots_platform.sagas import (
    Began,
    Cancelled,
    Ended,
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
    UndoSent,
)
from mallbots_platform.timers import Timers
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter

LocalHandler = Callable[[Any], object]


@command
class AnswerIsOverdue:
    """The timer of a step; `message_id` is what was not answered."""

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

    def owns(self, message_id: str) -> bool:
        return message_id.startswith(f"{self.saga.name}:")

    # What moves a process

    def on_begin(self, message: object, draft: Draft) -> None:
        """The event it begins on was recorded; its first command goes out in the same transaction."""
        key = self.saga.key(message)
        process = SagaProcess(id=self._id(key), correlation_id=draft.correlation_id)
        process.record(Began(data=draft.data.decode(), version=draft.version))
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
            refusal = reply.reason if isinstance(reply, Refused) else ""
            process.record(UndoDone(step=process.step, refusal=refusal))
        elif isinstance(reply, Refused):
            process.record(StepRefused(step=process.step, code=reply.code, reason=reply.reason))
        else:
            process.record(StepDone(step=process.step, values=reply.values))
        self._save(process)
        reached("saga: answered")

    def on_overdue(self, timer: AnswerIsOverdue) -> None:
        process = self._processes.get(self._id(timer.key))
        if timer.message_id not in process.awaiting:
            return
        step = self._step(process)
        self._meter.counter("mallbots_saga_timeouts_total", saga=self.saga.name, step=step.name).inc()
        if process.state is State.COMPENSATING or process.attempt < step.attempts:
            self._send(process, process.step, process.attempt + 1)
        else:
            process.record(StepTimedOut(step=process.step))
        self._save(process)

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
        elif process.step < len(self.saga.steps):
            self._send(process, process.step, 1)
        else:
            self._end(process, State.COMPLETED, self.saga.ends_with)

    def _undo_next(self, process: SagaProcess) -> None:
        undoable = [step for step in process.to_undo if self.saga.steps[step].undo]
        if undoable:
            self._send(process, undoable[0], 1)
        else:
            self._end(process, process.ends_as, None if process.cancelled else self.saga.fails_with)

    def _end(self, process: SagaProcess, state: State, command_of: Callable[[Facts[Any]], object] | None) -> None:
        process.record(Ended(state=state))
        self._timers.cancel(AnswerIsOverdue, process.id)
        if command_of:
            last = command_of(self._facts(process))
            self._handlers[type(last)](last)
        ended = self._meter.counter("mallbots_saga_ended_total", saga=self.saga.name, outcome=state.value)
        self._writer.after_commit(ended.inc)

    def _send(self, process: SagaProcess, index: int, attempt: int) -> None:
        step, undoing = self.saga.steps[index], process.state is State.COMPENSATING
        make = step.undo if undoing and step.undo else step.do
        key = self._key(process)
        message_id = f"{process.id}:{'undo' if undoing else 'do'}:{step.name.replace(' ', '-')}:{attempt}"
        sent = (UndoSent if undoing else StepSent)(step=index, message_id=message_id, attempt=attempt)
        process.record(sent)
        self._outbox.record(
            make(self._facts(process)),
            key=key,
            channel=commands_for(step.to),
            correlation_id=process.correlation_id,
            id=message_id,
        )
        reached("saga: sent")
        pause = step.timeout_seconds * min(2 ** (attempt - 1), 8)
        overdue = AnswerIsOverdue(saga=self.saga.name, key=key, message_id=message_id)
        self._timers.set(overdue, process.id, now() + timedelta(seconds=pause))

    def _index(self, process: SagaProcess) -> None:
        at, state, step = now_us(), process.state.value, self._step(process).name
        changed_at = at
        for step_before, state_before, since in self._writer.database.run(_BEFORE, (self.saga.name, process.id)):
            if (step_before, state_before) == (step, state):
                changed_at = since
            else:
                self._measure(step_before, at - since)
        awaiting = process.awaiting[-1] if process.awaiting else ""
        row = (self.saga.name, process.id, state, step, awaiting, at, changed_at)
        self._writer.database.run(_INDEX, row)

    def _measure(self, step: str, duration_us: int) -> None:
        observed = self._meter.histogram("mallbots_saga_step_seconds", saga=self.saga.name, step=step)
        self._writer.after_commit(lambda: observed.observe(max(0, duration_us) / 1e6))

    def _facts(self, process: SagaProcess) -> Facts[Any]:
        begun_by = self._codec.decode(self._begins_as, process.data_version, process.data)
        return Facts(begun_by, process.values, process.reason)

    def _step(self, process: SagaProcess) -> Step[Any]:
        return self.saga.steps[min(process.step, len(self.saga.steps) - 1)]

    def _id(self, key: str) -> str:
        return f"{self.saga.name}:{key}"

    def _key(self, process: SagaProcess) -> str:
        return process.id.removeprefix(f"{self.saga.name}:")


_BEFORE = "SELECT step, state, changed_at FROM sagas WHERE saga = ? AND id = ?"
_INDEX = """
    INSERT INTO sagas (saga, id, state, step, awaiting, started_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (saga, id) DO UPDATE SET state = excluded.state, step = excluded.step, awaiting = excluded.awaiting,
        changed_at = excluded.changed_at
"""
