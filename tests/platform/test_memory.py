import asyncio
import ctypes
import os

import pytest

from mallbots.soak import resident_mib
from mallbots_platform import memory
from mallbots_platform.memory import give_back_memory

MIB = 1 << 20
PIECES, PIECE = 4_000, 20_000


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="malloc_trim is glibc's")
async def test_what_a_peak_has_left_free_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "GIVE_BACK_SECONDS", 0.01)
    pieces = [b"x" * PIECE for _ in range(PIECES)]
    last = pieces[-1]  # it lies above all the others, and keeps malloc from giving back anything by itself
    del pieces
    held = resident_mib(os.getpid())

    giving = asyncio.create_task(give_back_memory())
    await asyncio.sleep(0.1)
    giving.cancel()

    assert held - resident_mib(os.getpid()) > PIECES * PIECE / MIB / 2
    assert last


async def test_it_never_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no glibc, too: a process ends with the first of its parts."""
    monkeypatch.setattr(memory, "GIVE_BACK_SECONDS", 0.0)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())

    giving = asyncio.create_task(give_back_memory())
    done, _ = await asyncio.wait([giving], timeout=0.05)
    giving.cancel()

    assert not done
