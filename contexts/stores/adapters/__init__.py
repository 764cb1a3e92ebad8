"""Stores' gRPC API, and its read models in SQL."""
