"""Customers owns who may shop. Publishes what happens to customers; takes ordering's command to authorize one."""
