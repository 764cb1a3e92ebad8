"""Baskets owns what customers put together before they order. Publishes how each basket ends; consumes stores' events."""
