"""The `mallbots` command: run, demo, flow; the simulated customers, staff and robots."""
