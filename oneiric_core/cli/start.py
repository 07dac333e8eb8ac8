"""Where the program begins, before what it needs is loaded."""

import signal

__all__ = ["start"]


def start() -> int:
    """Load the command line and run it.

    Whoever interrupts it meanwhile ends it at once: nothing was begun yet, and there is nothing to say.

    :return: the exit code.
    """
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from oneiric_core.cli.main import main  # noqa: PLC0415 - takes a third of a second

    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return main()
