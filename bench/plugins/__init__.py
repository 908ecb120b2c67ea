"""Plugins: the registry, and the isolation of code that others wrote."""
