"""What can be done with baskets: one module per use case, and the ports they need."""
