"""The bounded contexts of the mall, one package and one process each."""
