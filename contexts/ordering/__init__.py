"""Ordering owns orders, and the process that vets each of them.

Publishes the life of every order. Consumes checked out baskets, the depot's goods that are missing or complete, and
payments' paid invoices; sends commands to customers, depot and payments.
"""
