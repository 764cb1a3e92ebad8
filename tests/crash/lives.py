"""How processes of a crash test are started: as forks of one that has imported what they need."""

import multiprocessing

DEADLINE_SECONDS = 60.0
children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["tests.support.crash_world"])
