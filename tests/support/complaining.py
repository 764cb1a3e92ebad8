"""What the pages of a process complain of."""

import asyncio

from mallbots.pages import complaints
from mallbots_platform.endpoints import Endpoint


async def says(at: Endpoint, name: str, words: str) -> bool:
    """Complains of that, or of nothing."""
    found = await asyncio.to_thread(complaints, at.metrics, name)
    return any(words in complaint for complaint in found) if words else not found
