"""Weights and data on this machine: paths, what is missing, downloads."""
