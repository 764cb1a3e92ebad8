"""Depot owns shopping lists and bots.

Publishes each step of the shopping. Consumes stores' events, to know where to go; takes the order process' commands to
create, schedule and cancel a list.
"""
