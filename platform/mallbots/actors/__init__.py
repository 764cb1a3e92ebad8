"""Staff, customers and robots, as programs that know the mall by its gRPC APIs only."""
