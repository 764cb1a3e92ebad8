"""What can be done with orders: one module per use case, the ports they need, and the order process."""
