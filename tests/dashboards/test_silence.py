import re
from pathlib import Path

from contexts.payments.adapters.bank import DECLINING_BANK
from dashboards.silence import MADE_BY, SILENT_WHEN_WELL
from dashboards.vocabulary import series
from mallbots_platform import process_faults
from mallbots_platform.faults import HANDLER_FAULTS
from telemetry.registry import METRICS

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
FAULTS = {fault.name for fault in HANDLER_FAULTS} | {
    process_faults.LOCKED_DATABASE,
    process_faults.CUT_REDIS,
    process_faults.POISON_EVENT,
    process_faults.CLOCK_JUMP,
    DECLINING_BANK,
}


def test_what_is_silent_when_all_is_well_is_declared() -> None:
    assert SILENT_WHEN_WELL.keys() <= METRICS.keys()


def test_what_others_make_is_known() -> None:
    assert [prefix for prefix in MADE_BY if not any(name.startswith(prefix) for name in series())] == []


def test_faults_that_are_named_exist() -> None:
    texts = [*SILENT_WHEN_WELL.values(), *(page.read_text() for page in RUNBOOKS.glob("*.md"))]
    named = {name for text in texts for name in re.findall(r"mallbots fault o[nf]+ ([\w-]+)", text)}

    assert named
    assert named <= FAULTS
