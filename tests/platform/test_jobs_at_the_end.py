"""What becomes of a job whose process is told to leave in the middle of it."""

import asyncio
import signal

from tests.platform.test_hung_processes import environment, running
from tests.support.posts import open_post
from tests.support.world import World, eventually


async def test_a_job_that_is_done_while_its_process_leaves_is_not_done_again(world: World) -> None:
    """The process is a real one; the job takes longer than most of what is waited for then."""
    idle, told = await open_post(world, workers=0), world.directory / "told"
    await idle.put("ann")
    await eventually(lambda: idle.process.relay.behind == 0)
    await idle.running.stop()
    environ = environment(world.directory, world.redis, "letters", idle.process.settings.database_url)

    with running(environ, "tests.support.letters", str(told), "3") as process:
        await eventually(lambda: told.exists(), seconds=60)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0

    post = await open_post(world, claim_seconds=0.3)
    await post.put("ben")
    assert await post.does("ann", "ben")
    assert post.delivered == ["ben"]
    assert told.read_text().split("\n") == ["begun ann", "done ann", ""]
