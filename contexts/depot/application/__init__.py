"""What can be done with shopping lists and bots: one module per use case, and the ports they need."""
