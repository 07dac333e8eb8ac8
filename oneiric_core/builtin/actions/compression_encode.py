"""Action ``compression.encode``: compresses a text or bytes, and takes them out again."""

import asyncio
import base64
import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Literal, Protocol, TypeAlias

from pydantic import Field, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.builtin.encoded import DataContent, TextContent, bytes_of
from oneiric_core.components import ActionMetadata

__all__ = ["CompressionEncode", "CompressionEncodeSettings"]


class _Decompressor(Protocol):
    eof: bool

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


_COMPRESS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "zlib": zlib.compress,
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "bz2": bz2.compress,
    "lzma": lzma.compress,
}
_DECOMPRESS: Final[Mapping[str, Callable[[], Any]]] = {
    "zlib": zlib.decompressobj,
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}


class CompressionEncodeSettings(Settings):
    """What is meant where a payload does not say, and how much is taken."""

    algorithm: Literal["zlib", "gzip", "bz2", "lzma"] = "zlib"
    max_bytes: int = Field(default=16 << 20, ge=1, description="the most bytes that go in or come out")


class _Wanted(Payload):
    algorithm: Literal["zlib", "gzip", "bz2", "lzma"] | None = None


class CompressText(_Wanted, TextContent):
    """A text to be compressed."""

    mode: Literal["compress"] = "compress"


class CompressData(_Wanted, DataContent):
    """Bytes to be compressed."""

    mode: Literal["compress"] = "compress"


class Decompress(_Wanted, DataContent):
    """Bytes that were compressed, and by what."""

    mode: Literal["decompress"]


Compress: TypeAlias = CompressText | CompressData


class CompressionEncode(Action[CompressionEncodeSettings, Compress | Decompress]):
    """The same bytes always give the same bytes: no time is written into them.

    No schema can say what was compressed before, so that ``decompress`` is claimed by its name alone.
    """

    default_settings = CompressionEncodeSettings
    payloads: ClassVar[TypeAdapter[Any]] = TypeAdapter(Compress | Decompress)
    metadata = ActionMetadata(
        key="compression.encode",
        provider="builtin",
        factory="oneiric_core.builtin.actions.compression_encode:CompressionEncode",
        description="Compressed bytes, and back again, with a limit",
        capabilities=[described("compress", TypeAdapter(Compress)), "decompress", "deterministic"],
        owner=OWNER,
        settings_model=CompressionEncodeSettings,
        side_effect_free=True,
    )

    async def act(self, payload: Compress | Decompress) -> dict[str, Any]:
        """``{mode, algorithm, data, bytes_in, bytes_out}``, ``data`` in base64.

        :raises ValueError: over the limit, or nothing that the algorithm has made.
        """
        content = bytes_of(payload)
        algorithm = payload.algorithm or self._settings.algorithm
        self._refuse_over(len(content))
        if payload.mode == "compress":
            result = await asyncio.to_thread(_COMPRESS[algorithm], content)
        else:
            result = await asyncio.to_thread(self._decompressed, algorithm, content)
        return {
            "mode": payload.mode,
            "algorithm": algorithm,
            "data": base64.b64encode(result).decode("ascii"),
            "bytes_in": len(content),
            "bytes_out": len(result),
        }

    def _decompressed(self, algorithm: str, content: bytes) -> bytes:
        decompressor: _Decompressor = _DECOMPRESS[algorithm]()
        try:
            result = decompressor.decompress(content, self._settings.max_bytes + 1)
        except (zlib.error, OSError, lzma.LZMAError) as error:
            raise ValueError(f"this is nothing that {algorithm} has made: {error}") from error
        self._refuse_over(len(result))
        if not decompressor.eof:
            raise ValueError(f"these are not all the bytes that {algorithm} has made. Pass them all.")
        return result

    def _refuse_over(self, size: int) -> None:
        if size > self._settings.max_bytes:
            raise ValueError(f"more than the {self._settings.max_bytes} bytes allowed. Raise max_bytes, or split them.")
