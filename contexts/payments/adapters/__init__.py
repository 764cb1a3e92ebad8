"""Payments' gRPC API, its reactions to orders, its rows in SQL, and the bank."""
