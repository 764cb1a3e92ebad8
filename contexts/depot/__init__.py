"""Depot owns shopping lists and bots. Publishes each step of the shopping; consumes stores' events, to know where to go,
and takes the order process' commands to create, schedule and cancel a list."""
