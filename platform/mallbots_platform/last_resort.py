"""A process that is told to leave is gone within ten seconds, whatever hangs in it."""

import contextlib
import faulthandler
import os
import threading
import time
from collections.abc import Callable

LONGEST_SECONDS = 9.5
WITHOUT_WORDS_SECONDS = 0.3
TOLD = b"leave"


class LastResort:
    """`tell` says what was left unfinished. Its thread is there from the start, and woken through a pipe: a signal may
    come anywhere, also where no lock can be had."""

    def __init__(self, tell: Callable[[], object], seconds: float = LONGEST_SECONDS) -> None:
        self._tell = tell
        self._seconds = seconds
        self._asleep, self._wake = os.pipe()
        threading.Thread(target=self._wait, name="last-resort", daemon=True).start()

    def arm(self) -> None:
        """From now on it counts; once is enough."""
        with contextlib.suppress(OSError):
            os.write(self._wake, TOLD)

    def _wait(self) -> None:
        os.read(self._asleep, len(TOLD))
        with contextlib.suppress(Exception):  # where nothing can be said, it still ends
            faulthandler.dump_traceback_later(self._seconds + 2 * WITHOUT_WORDS_SECONDS, exit=True)
        time.sleep(self._seconds)
        words = threading.Thread(target=self._tell, daemon=True)
        words.start()
        words.join(WITHOUT_WORDS_SECONDS)
        os._exit(1)
