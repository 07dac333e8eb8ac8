"""A module that starts a thread when it is imported."""

import threading

from mutants.reference import Slugify

__all__ = ["Slugify"]

threading.Thread(target=int, name="at-import").start()
