"""Baskets owns what customers put together before they order.

Publishes how each begins and ends; consumes stores' events.
"""
