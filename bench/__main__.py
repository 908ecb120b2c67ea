"""`python -m cbench`."""

from cbench.entry import main

main()
