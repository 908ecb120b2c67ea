"""The record of a run: its models, its files, its provenance and diagnostics."""
