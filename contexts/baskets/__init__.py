"""Baskets owns what customers put together before they order. Publishes how each ends; consumes stores' events."""
