"""From one context to another, over a real Redis: nothing lost, nothing doubled, nothing reordered within a key."""

from tests.support.world import World


async def test_what_is_said_is_heard_in_order(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()

    await teller.say("one", "two", "three")

    assert await listener.hears("one", "two", "three")
