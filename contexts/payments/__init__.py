"""Payments owns holds on customers' money, and invoices.

Publishes what becomes of both. Consumes ordering's events, to issue, adjust and cancel invoices; takes the order
process' commands to confirm and release a hold.
"""
