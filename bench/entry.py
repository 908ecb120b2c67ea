"""The start of the command `cbench`: an interrupt while modules are imported, or at the very end, is one line
too."""

import signal

from cbench.utils.interrupt import leave


def main() -> None:
    """Run the command line with signals handled from the first moment to the last."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else its parent wants it deaf
        signal.signal(signal.SIGINT, leave)
    try:
        from cbench.cli import main as run

        run()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
