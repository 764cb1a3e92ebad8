"""What can be done with stores and products: one module per use case, and the ports they need."""
