import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree.ElementTree import parse

from rich.console import Console

from loadtests.figures import as_json, drive
from loadtests.html_report import page
from loadtests.junit import write_junit
from loadtests.record import Surprise
from loadtests.text_report import show
from loadtests.verdict import Run
from tests.loadtests.loads import BEGAN_AT, a_fault, a_run


class Tags(HTMLParser):
    """Which there are, and whether they are balanced."""

    VOID = frozenset({"meta"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def text_of(run: Run) -> str:
    written = StringIO()
    show(run, Console(width=200, file=written))
    return written.getvalue()


def test_a_page_needs_nothing_but_itself() -> None:
    text = page(a_run())

    tags = Tags(text)

    assert not tags.open
    assert not {"script", "link", "img", "iframe", "object"} & set(tags.seen)
    assert not re.search(r"(https?:)?//|url\(|@import", text)


def test_a_page_tells_the_verdict_first() -> None:
    passed, failed = page(a_run()), page(a_run(trouble="Locust ended with exit code 1"))

    assert '<b class="pass">pass</b>' in passed
    assert '<b class="fail">fail</b>' in failed
    assert "<li>the run went to its end: Locust ended with exit code 1" in failed


def test_a_page_shows_when_the_fault_was_on() -> None:
    text = page(a_run(fault=a_fault(20, 40)))

    assert text.count('<rect class="fault"') == text.count("<svg")
    assert "fault: slow-handler" in text


def test_a_page_draws_every_latency_with_its_limits() -> None:
    text = page(a_run())

    assert text.count("<svg") == 8
    assert text.count("<circle") == 4 * 61
    assert text.count('class="limit"') == 8


def test_a_page_tells_words_and_no_markup() -> None:
    run = a_run()
    run.measured.take(Surprise(BEGAN_AT, "pays", "order-1", "<script>alert(1)</script> & more"))

    text = page(run)

    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text


def test_a_page_of_a_run_that_never_began() -> None:
    run = a_run(account=None, unaccounted="nobody answered")
    run.measured = type(run.measured)()

    text = page(run)

    assert not Tags(text).open
    assert "<svg" not in text


def test_a_build_server_reads_every_check(tmp_path: Path) -> None:
    run = a_run(trouble="Locust ended with exit code 1", fault=a_fault(20, 40))

    write_junit(run, tmp_path / "load.xml")

    (suite,) = parse(tmp_path / "load.xml").getroot()
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [check.name for check in run.checks]
    assert suite.get("tests") == str(len(run.checks))
    assert (suite.get("failures"), len(suite.findall(".//failure"))) == ("1", 1)
    assert suite.find(".//property[@name='fault']") is not None


def test_json_says_what_the_verdict_says() -> None:
    run = a_run(took=lambda at: None if at > 30 else 0.1)

    told = json.loads(json.dumps(as_json(run), allow_nan=False))

    assert told["passed"] is False
    assert told["reasons"] == run.reasons
    assert told["latencies"]["checkout"] == {"count": 61, "never": 30, "p50": 0.1, "p95": None, "p99": None}
    assert told["orders"] == {"placed": 1, "collected": 1}
    assert told["flow"] == "order-1"
    assert {check["name"] for check in told["checks"]} == {check.name for check in run.checks}


def test_locust_says_what_it_can_drive() -> None:
    told = drive(a_run())

    assert (told.calls, told.calls_per_second) == (600, 10.0)
    assert (told.locust_cores, told.most_calls_per_second) == (0.2, 50.0)
    assert round(told.mall_cores, 3) == 0.833


def test_a_terminal_shows_verdict_and_reasons() -> None:
    passed, failed = text_of(a_run()), text_of(a_run(interruption="interrupted by SIGINT", fault=a_fault(20, 40)))

    assert passed.rstrip().endswith("pass")
    assert "one Locust process can drive about 50 calls a second" in passed
    assert "fail so far" in failed
    assert "✗ the run went to its end: interrupted by SIGINT" in failed
    assert "slow-handler was on from 20 s to 40 s" in failed


def test_a_terminal_shows_a_ramps_steps() -> None:
    told = text_of(a_run("ramp", 80, lambda at: 0.1 if at < 40 else 60.0))

    assert "customers a second" in told
    assert "held 1 customers a second; broke at 1.25 customers a second" in told
