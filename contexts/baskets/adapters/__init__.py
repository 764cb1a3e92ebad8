"""Baskets' gRPC API, its copies of what stores sell, and the timer of baskets that are left alone."""
