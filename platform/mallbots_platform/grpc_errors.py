"""Errors as gRPC statuses: one table, looked up along the class hierarchy, and what else a caller can tell them by."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from mallbots_platform import errors
from mallbots_platform.errors import InvalidInput, Overloaded

LONGEST_WORDS = 1000
HINT_STEP = 10
STATUS_OF: dict[type[BaseException], grpc.StatusCode] = {
    errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.RuleViolated: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.NewerVersion: grpc.StatusCode.UNAVAILABLE,
    TimeoutError: grpc.StatusCode.DEADLINE_EXCEEDED,
}
SERVER_FAULTS = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}


def status_of(error: BaseException) -> grpc.StatusCode:
    found = (STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    return next(found, grpc.StatusCode.INTERNAL)


async def refuse(context: Any, error: Exception) -> bytes:
    """End the call with the error's status; what is not meant for the caller stays in the log."""
    code = status_of(error)
    is_a_bug = code is grpc.StatusCode.INTERNAL
    text = "something went wrong here, and was logged" if is_a_bug else _for_callers(error)
    name = "Internal" if is_a_bug else type(error).__name__
    context.set_trailing_metadata((("error-code", name), *_details(code, _shortened(text), error)))
    await context.abort(code, _shortened(text))
    return b""


def _for_callers(error: Exception) -> str:
    """What a database said, to whomever it was, is for operators."""
    return getattr(error, "public", "") or str(error) or "the call took too long"


def _details(code: grpc.StatusCode, text: str, error: Exception) -> Iterator[tuple[str, str | bytes]]:
    if isinstance(error, InvalidInput):
        problem = _shortened(error.problem)
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=problem)
        yield from _packed(code, text, error_details_pb2.BadRequest(field_violations=[violation]))
    elif isinstance(error, Overloaded):
        yield from _come_again(code, text, round(error.again_after * 1000 / HINT_STEP) * HINT_STEP + HINT_STEP)


@lru_cache(maxsize=1024)
def _come_again(code: grpc.StatusCode, text: str, milliseconds: int) -> tuple[tuple[str, str | bytes], ...]:
    """Refusing has to cost next to nothing: hints are in steps, and each is made once."""
    hint = error_details_pb2.RetryInfo()
    hint.retry_delay.FromMilliseconds(milliseconds)
    return _packed(code, text, hint)


def _packed(code: grpc.StatusCode, text: str, detail: Message) -> tuple[tuple[str, str | bytes], ...]:
    packed = AnyMessage()
    packed.Pack(detail)
    status = status_pb2.Status(code=code.value[0], message=text, details=[packed])
    return tuple(rpc_status.to_status(status).trailing_metadata)


def _shortened(text: str) -> str:
    """A status travels in headers, and a client takes no long ones."""
    return text.encode(errors="backslashreplace")[:LONGEST_WORDS].decode(errors="ignore")
