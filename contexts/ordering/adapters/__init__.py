"""Ordering's gRPC API, its reactions to other contexts, and its read model in SQL."""
