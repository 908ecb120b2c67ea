"""cbench: benchmark harness and leaderboard for continual personalization of text-to-image diffusion
models."""

from importlib.metadata import version

__version__ = version("cbench")
