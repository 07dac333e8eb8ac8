"""Keys whose private half anyone can have, because it stands in our tests and samples. No policy trusts them.

Test keys can be made from any name; here are those that have one in what we publish. The others cannot be told from
keys that are worth something.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["PUBLISHED_KEYS"]

PUBLISHED_KEYS: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        bytes.fromhex("e2997c1fca12b72c6b5d4bff8ed3bcd67f6bef2214d6a02d71109db5c3235639"): "the test key 'publisher'",
        bytes.fromhex(
            "d52965994712ca99a3442add8b8ccd902265968f53a1561ac96456da1350a53e"
        ): "the test key 'second publisher'",
        bytes.fromhex("508e76e819f5b4c7106fe768ee7d6162601c48d2853081d01c702a8a6a60b935"): "the test key 'stranger'",
        bytes.fromhex("6a4b8527f37bf1b80f933e04c4824928edff6f3f51a92c59c5e6ac6967f4bbb7"): "the test key 'second'",
        bytes.fromhex("b32c89ee1c437ae117c811942db6c6e7cf58b2e3fce05652330d0a2d168294da"): "the test key 'third'",
        bytes.fromhex("d5aea77593d0aa1e4c157219a4163273813375a092b96891a7da321e67aad0b6"): "the test key 'rotated'",
        bytes.fromhex("485d24f9e14228ef0644717c6ccd931d314e20984f338b67ce151ae965e5c9d4"): "the test key 'sample'",
    }
)
"""Raw public key → what it is. Test keys are derived from their names in :mod:`oneiric_core.testing.keys`."""
