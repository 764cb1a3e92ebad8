"""The same failures for all: what is lost, doubled, stranded or swapped."""
