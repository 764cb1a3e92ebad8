"""Depot's gRPC API, its reactions to stores, its rows in SQL, and the leases of its bots."""
