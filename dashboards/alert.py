from dataclasses import dataclass

PAGE, TICKET, NOTE = "page", "ticket", "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Fires when `expr` has held for `lasting`. `summary` may use Prometheus' template; `board` shows the symptom."""

    name: str
    expr: str
    summary: str
    board: str
    severity: str = PAGE
    lasting: str = "15s"

    @property
    def runbook(self) -> str:
        return f"docs/runbooks/{self.name}.md"
