"""Weights and data on this machine: where they are, what is missing, how to download it."""
