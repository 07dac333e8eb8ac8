"""Python's search for cyclic garbage, held back while very many objects come into being that all stay."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["no_garbage_search"]

_lock: Final = threading.Lock()
_holders = 0
_was_on = False


@contextmanager
def no_garbage_search(*, many: bool) -> Iterator[None]:
    """Within the block the collector does not start by itself, in the whole process; nothing if not ``many``.

    Blocks of several threads may overlap: the last to end lets it start again, and only if it did before the first.
    """
    global _holders, _was_on  # noqa: PLW0603 - the collector is one for the process, and so is this count
    if not many:
        yield
        return
    with _lock:
        if _holders == 0:
            _was_on = gc.isenabled()
            gc.disable()
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0 and _was_on:
                gc.enable()
