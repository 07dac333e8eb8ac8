"""How much of a document is read, and how deep."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a stranger may make us read; raise them for bigger manifests.

    :param max_bytes: size of the whole document, in bytes.
    :param max_depth: how deep lists and mappings may nest; a scalar at the top has depth 0.
    :param max_nodes: how many values and keys, which bounds time and memory where the bytes alone do not.
    """

    max_bytes: int = 16 * 1024 * 1024
    max_depth: int = 64
    max_nodes: int = 2_000_000
