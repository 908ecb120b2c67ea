"""`python -m cbench`."""

from cbench.cli import main

main()
