"""Base64 that can be written in one way only."""

import base64
import binascii

__all__ = ["decode_strictly"]


def decode_strictly(text: str) -> bytes:
    """The bytes ``text`` stands for: standard alphabet, padded, no blanks, unused bits zero (RFC 4648, 3.5).

    :raises ValueError: any other text.
    """
    try:
        decoded = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # binascii.Error, and the plain one where the text is not ASCII
        raise ValueError(f"it is not base64: {error}") from error
    # The strict mode does not look at the unused bits; they are in the last four characters.
    tail = len(decoded) % 3 or 3
    if decoded and base64.b64encode(decoded[-tail:]) != text[-4:].encode("ascii"):
        raise ValueError("its base64 has unused bits set")
    return decoded
