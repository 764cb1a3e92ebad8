"""Stores owns the mall's stores and their products. Publishes what happens to both; consumes nothing."""
