"""Every file that is made from code here: its path in this folder, and its content."""

from pathlib import Path

from dashboards.boards import BOARDS
from dashboards.render import as_json
from dashboards.rules import alert_rules, recording_rules

GENERATED = Path(__file__).parent / "generated"


def files() -> dict[str, str]:
    """By their name in `generated/`."""
    pages = {f"{board.uid}.json": as_json(board, BOARDS) for board in BOARDS}
    return pages | {"recordings.rules.yml": recording_rules(), "alerts.rules.yml": alert_rules()}


def write() -> None:
    """What is no longer made goes away."""
    wanted = files()
    GENERATED.mkdir(exist_ok=True)
    for path in GENERATED.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (GENERATED / name).write_text(content, encoding="utf-8")
