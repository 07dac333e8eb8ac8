"""Building many objects at once, all of which stay: looking for garbage among them takes as long as making them."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Put off the search for cycles; also a decorator. What is in it is bounded, and awaits nothing.

    Safe in several threads: whoever found the search going on lets it go on in the end.
    """
    going_on = gc.isenabled()
    if going_on:
        gc.disable()
    try:
        yield
    finally:
        if going_on:
            gc.enable()
