"""A line a fact: JSON with the ids of its trace, an exception once, no secret; for people where people read."""

import io
import json
import logging
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from opentelemetry import trace

from telemetry.library_lines import LibraryLines
from telemetry.logs import open_log
from telemetry.testing import CapturedSpans
from telemetry.tracing import Provider, Tracer
from tests.support.terminal import Terminal


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(out: io.StringIO) -> Any:
    return open_log("ordering", out)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_fact_is_one_line_of_json(log: Any, out: io.StringIO) -> None:
    log.info("order approved", order_id="7", event_id="e", correlation_id="c", amount=5, text="two\nlines")

    [line] = lines(out)
    assert datetime.fromisoformat(line.pop("time")).utcoffset() == timedelta(0)
    assert line == {
        "event": "order approved",
        "level": "info",
        "service": "ordering",
        "order_id": "7",
        "event_id": "e",
        "correlation_id": "c",
        "amount": 5,
        "text": "two\nlines",
    }


def test_carries_the_ids_of_the_current_span(log: Any, out: io.StringIO) -> None:
    with Tracer(CapturedSpans()).span("process x") as span:
        log.info("order approved")

    [line] = lines(out)
    assert (line["trace_id"], line["span_id"]) == (span.trace_id_hex, span.span_id_hex)
    assert (len(line["trace_id"]), len(line["span_id"])) == (32, 16)


def test_carries_those_of_a_librarys_span_too(log: Any, out: io.StringIO) -> None:
    with Provider(Tracer(CapturedSpans())).get_tracer("library").start_as_current_span("x"):
        context = trace.get_current_span().get_span_context()
        log.info("order approved")

    [line] = lines(out)
    assert (line["trace_id"], line["span_id"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_outside_of_a_span_there_are_none(log: Any, out: io.StringIO) -> None:
    log.info("process started")

    [line] = lines(out)
    assert "trace_id" not in line and "span_id" not in line


def failure() -> ValueError:
    try:
        raise ValueError("cannot reach redis://mall:hunter2@redis")
    except ValueError as error:
        return error


def test_an_exception_is_told_once(log: Any, out: io.StringIO) -> None:
    log.warning("message failed", exc_info=failure())

    [line] = lines(out)
    assert line["exception"].count("ValueError: cannot reach") == 1
    assert line["exception"].startswith("Traceback")
    assert "exc_info" not in line
    assert line["level"] == "warning"


def test_no_secret_is_in_a_line(log: Any, out: io.StringIO) -> None:
    log.error(
        "call of +43 664 5551234 failed",
        exc_info=failure(),
        sms_number="0664 555",
        password="hunter2",
        authorization="Bearer hunter2",
        reason="no answer for bob@example.org",
        error=ValueError("token=hunter2"),
        request={"email": "x", "items": [{"note": "to bob@example.org"}]},
        raw=b"bob@example.org",
    )

    text = out.getvalue()
    assert len(lines(out)) == 1
    assert "message" not in lines(out)[0]
    assert not any(secret in text for secret in ("hunter2", "bob@", "0664 555", "5551234", '"x"'))


def test_what_json_cannot_say_is_told_as_text(log: Any, out: io.StringIO) -> None:
    log.info("order approved", at=datetime(2026, 1, 2), names={"b"}, half="\ud800", raw=b"\xff", kind=ValueError)

    [line] = lines(out)
    assert line["at"] == "datetime.datetime(2026, 1, 2, 0, 0)"
    assert line["names"] == ["b"]
    assert line["half"] == "\ud800"
    assert line["raw"] == "b'\\xff'"
    assert line["kind"] == "<class 'ValueError'>"


def test_lines_of_many_threads_stay_whole(log: Any, out: io.StringIO) -> None:
    def say() -> None:
        for number in range(100):
            log.info("order approved", order_id=str(number), text="x" * 500)

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(lines(out)) == 400


def test_people_get_it_short_and_in_colour() -> None:
    out = Terminal()
    log = open_log("ordering", out)

    log.warning("message failed", exc_info=failure(), password="hunter2", order_id="7")

    first, *trace = out.getvalue().splitlines()
    assert "\x1b[" in first
    assert "message failed" in first and "order_id" in first
    assert first.index("20") < first.index("message failed")
    assert trace[-1] == "ValueError: cannot reach redis://***@redis"
    assert "hunter2" not in out.getvalue()


def test_writes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    open_log("ordering").info("process started")

    printed = capsys.readouterr()
    assert json.loads(printed.out)["event"] == "process started"
    assert printed.err == ""


def test_lines_of_libraries_have_the_shape_of_ours(log: Any, out: io.StringIO) -> None:
    library = logging.Logger("asyncio")
    library.addHandler(LibraryLines(log))

    library.info("nobody needs to know")
    library.warning("%s took long", "it")
    library.error("it failed", exc_info=ValueError("bad"))
    library.error("%d of what", "no number")

    said = [(line["level"], line["event"], line["logger"]) for line in lines(out)]
    assert said == [("warning", "it took long", "asyncio"), ("error", "it failed", "asyncio")]
    assert "ValueError: bad" in lines(out)[1]["exception"]
