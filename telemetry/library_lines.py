"""Lines of libraries, such as asyncio's and grpc's, in the shape of our own."""

import logging
from typing import Any


class LibraryLines(logging.Handler):
    """Warnings and worse; `logger` says whose they are."""

    def __init__(self, log: Any) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        tell = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        try:
            tell(record.getMessage(), logger=record.name, exc_info=record.exc_info or None)
        except Exception:  # as logging wants it: a line that cannot be told ends nothing
            self.handleError(record)


def take_lines_of_libraries(log: Any) -> None:
    """All that nobody else takes. Once in the life of a process."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(LibraryLines(log))
