"""Runs as jobs: local processes or SLURM."""
