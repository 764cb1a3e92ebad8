"""What a caller is told of an error, and what only the log is."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from opentelemetry.trace import StatusCode

from mallbots_platform import errors
from mallbots_platform.grpc_errors import LONGEST_WORDS
from tests.support.echo import METHODS, NAME, Echo, call, refuse_with, span_of, trailer

Code = grpc.StatusCode


class IsClosed(errors.RuleViolated):
    pass


class IsClosedForever(IsClosed):
    pass


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    return Echo(f"sqlite:///{tmp_path / 'echo.db'}")


REFUSALS = [
    (errors.InvalidInput("text", "is odd"), Code.INVALID_ARGUMENT, "text: is odd"),
    (errors.NotFound("note", "1"), Code.NOT_FOUND, "no note has the id '1'"),
    (errors.AlreadyExists("note", "1"), Code.ALREADY_EXISTS, "a note with the id '1' exists already"),
    (errors.RuleViolated("no, thank you"), Code.FAILED_PRECONDITION, "no, thank you"),
    (IsClosed("the shop is closed"), Code.FAILED_PRECONDITION, "the shop is closed"),
    (IsClosedForever("für immer geschlossen"), Code.FAILED_PRECONDITION, "für immer geschlossen"),
    (errors.Conflict("it has moved on"), Code.ABORTED, "it has moved on"),
    (errors.Unavailable("the bank is away"), Code.UNAVAILABLE, "the bank is away"),
    (TimeoutError(), Code.DEADLINE_EXCEEDED, "the call took too long"),
]


@pytest.mark.parametrize(("error", "code", "text"), REFUSALS)
async def test_an_error_has_the_status_of_its_class(echo: Echo, error: Exception, code: Code, text: str) -> None:
    echo.api.before = refuse_with(error)

    refused = await call(echo, "Look")

    assert refused.code() is code
    assert refused.details().endswith(text)
    assert trailer(refused, "error-code") == type(error).__name__
    assert echo.calls("Look", code.name) == 1
    span = span_of(echo, "Look")
    assert span.attributes["error.type"] == type(error).__name__
    is_our_fault = code in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED)
    assert (span.status is StatusCode.ERROR) == is_our_fault
    assert "call failed" not in echo.parts.logged.getvalue()


@pytest.mark.parametrize(
    "kind",
    [
        *(errors.DatabaseAway, errors.DatabaseBusy, errors.Collided),
        *(errors.TransactionGone, errors.OutcomeUnknown, errors.TookTooLong),
    ],
)
async def test_a_caller_learns_nothing_of_the_database(echo: Echo, kind: type[errors.Unavailable]) -> None:
    echo.api.before = refuse_with(kind("[SQL: INSERT INTO customers] [parameters: Ann, +49 151]"))

    refused = await call(echo, "Look")

    assert refused.code() is Code.UNAVAILABLE
    assert refused.details() == kind.public
    assert trailer(refused, "error-code") == kind.__name__


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), errors.PlatformError("secret"), KeyError("secret")])
@pytest.mark.parametrize("method", METHODS)
async def test_a_bug_is_told_to_the_log_only(echo: Echo, method: str, error: Exception) -> None:
    echo.api.before = refuse_with(error)

    refused = await call(echo, method)

    assert (refused.code(), refused.details()) == (Code.INTERNAL, "something went wrong here, and was logged")
    assert trailer(refused, "error-code") == "Internal"
    assert "secret" not in str(refused.trailing_metadata())
    [line] = [line for line in echo.parts.logged.getvalue().splitlines() if "call failed" in line]
    assert "secret" in line and "Traceback" in line and f"{NAME}/{method}" in line
    assert span_of(echo, method).status is StatusCode.ERROR


async def test_a_violation_names_its_field(echo: Echo) -> None:
    echo.api.before = refuse_with(errors.InvalidInput("items[0].price", "must not be negative"))

    refused = await call(echo, "Look")

    status: Any = rpc_status.from_call(refused)
    [detail] = status.details
    request = error_details_pb2.BadRequest()
    assert detail.Unpack(request)
    assert [(v.field, v.description) for v in request.field_violations] == [("items[0].price", "must not be negative")]


@pytest.mark.parametrize("words", ["a" * 50_000, "😀" * 5_000])
async def test_long_words_do_not_hide_the_status(echo: Echo, words: str) -> None:
    for error, code in ((IsClosed(words), Code.FAILED_PRECONDITION), (errors.InvalidInput("text", words), None)):
        echo.api.before = refuse_with(error)

        refused = await call(echo, "Look")

        assert refused.code() is (code or Code.INVALID_ARGUMENT)
        assert len(refused.details().encode()) <= LONGEST_WORDS
        assert words[:100] in refused.details()
