"""What can be done with holds and invoices: one module per use case, and the ports they need."""
