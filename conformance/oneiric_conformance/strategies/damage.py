"""Bytes with something wrong: a bit flipped, an end cut off, a piece repeated."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy, composite

__all__ = ["Damage", "damaged", "nasty_damage"]


@dataclass(frozen=True, slots=True)
class Damage:
    """Damaged bytes, and what was done to them.

    :param told: what was done, as the end of "the signature with …".
    """

    told: str
    data: bytes


def damaged(data: bytes) -> SearchStrategy[Damage]:
    """``data`` with one bit flipped, cut short, lengthened, or with two halves exchanged; never ``data`` itself.

    :param data: at least two bytes, the halves of which differ.
    """
    return st.one_of(_flipped(data), _cut(data), _lengthened(data)).filter(lambda made: made.data != data)


def nasty_damage(data: bytes) -> list[Damage]:
    """The kinds of damage that have been overlooked before; tried first."""
    half = len(data) // 2
    return [
        Damage("nothing in it", b""),
        Damage("its last byte cut off", data[:-1]),
        Damage("its first half only", data[:half]),
        Damage("its halves exchanged", data[half:] + data[:half]),
        Damage("a zero byte after it", data + b"\0"),
        Damage("itself once more after it", data + data),
        Damage("zeros only", bytes(len(data))),
        _flip(data, 0),
        _flip(data, 8 * len(data) - 1),
    ]


def _flip(data: bytes, bit: int) -> Damage:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return Damage(f"bit {bit % 8} of byte {bit // 8} flipped", bytes(changed))


@composite
def _flipped(draw: DrawFn, data: bytes) -> Damage:
    return _flip(data, draw(st.integers(0, 8 * len(data) - 1)))


@composite
def _cut(draw: DrawFn, data: bytes) -> Damage:
    kept = draw(st.integers(0, len(data) - 1))
    if draw(st.booleans()):
        return Damage(f"only its first {kept} bytes", data[:kept])
    return Damage(f"only its last {kept} bytes", data[len(data) - kept :])


@composite
def _lengthened(draw: DrawFn, data: bytes) -> Damage:
    more = draw(st.binary(min_size=1, max_size=8))
    return Damage(f"{len(more)} bytes after it", data + more)
