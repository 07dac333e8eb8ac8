"""A module that looks for a server when it is imported."""

import socket
from contextlib import suppress

from mutants.reference import Slugify

__all__ = ["Slugify"]

with suppress(OSError), socket.create_connection(("127.0.0.1", 9), timeout=0.1):
    pass
