"""Which encodings of Ed25519 points and scalars are refused before any arithmetic is asked of ``cryptography``.

RFC 8032 leaves room in which implementations disagree; we decide as libsodium does ("Taming the many EdDSAs", Chalkias,
Garillot, Nikolaenko, 2020): canonical encodings only, no points of small order, S below the group's order.
"""

from functools import lru_cache
from typing import Final

__all__ = ["ORDER", "is_canonical_scalar", "is_point", "is_small_order"]

FIELD: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, FIELD) % FIELD
_SIGN: Final = 1 << 255
_EIGHTH: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
"""The y of four of the points of order eight; the other four have its negative."""

_SMALL_ORDER_Y: Final = (0, 1, FIELD - 1, FIELD, FIELD + 1, _EIGHTH, FIELD - _EIGHTH)
_SMALL_ORDER: Final = frozenset((y | sign).to_bytes(32, "little") for y in _SMALL_ORDER_Y for sign in (0, _SIGN))


def is_small_order(encoded: bytes) -> bool:
    """Is it one of the 14 encodings of the eight points whose order divides eight?"""
    return encoded in _SMALL_ORDER


@lru_cache(maxsize=64)  # the same keys are asked about again and again, a tenth of a millisecond each
def is_point(encoded: bytes) -> bool:
    """Are these 32 bytes the canonical encoding of a point of the curve (RFC 8032, 5.1.3)?

    The two points with x = 0 are not asked about: they are of small order.
    """
    number = int.from_bytes(encoded, "little")
    y = number & ~_SIGN
    if y >= FIELD:
        return False
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, FIELD) % FIELD
    return pow(x_squared, (FIELD - 1) // 2, FIELD) == 1


def is_canonical_scalar(encoded: bytes) -> bool:
    """Is the number below the order of the group? Above it the same signature could be written a second way."""
    return int.from_bytes(encoded, "little") < ORDER
