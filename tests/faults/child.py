"""Runs one `cbench` command in a process of its own: `words`, and `log`, the file that takes what it
prints."""

import os
import signal
import sys

from cbench.cli import main

words: list[str]
log: str
handle = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)  # noqa: F821
os.dup2(handle, 1)
os.dup2(handle, 2)
sys.stdout.reconfigure(line_buffering=True)
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a test that itself runs in the background is born deaf to it
main(words)  # noqa: F821
