"""A metric for cbench, and the program that computes it."""
