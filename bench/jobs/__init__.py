"""Runs as jobs, in local processes or on SLURM."""
