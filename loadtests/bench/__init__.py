"""Benchmarks: what a hop, a call, a commit and an order cost, each against something else in the same run."""
