"""The adapters among the reference components: what keeps values and bytes."""

import math
import os
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from oneiric_core.components import AdapterMetadata


class CacheSettings(BaseModel):
    """How the cache is set up."""

    namespace: str = "reference"


class Cache:
    """Values under keys, in memory."""

    metadata = AdapterMetadata(
        category="cache",
        provider="reference",
        factory="mutants.stores:Cache",
        version="1.0.0",
        capabilities=["kv"],
        settings_model="mutants.stores:CacheSettings",
    )

    def __init__(self, settings: CacheSettings) -> None:
        self._settings = settings
        self._values: dict[str, Any] = {}
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False
        self._values.clear()

    async def get(self, key: str) -> Any:
        return self._values.get(key)

    async def set(self, key: str, value: Any) -> None:
        self._values[key] = value

    async def delete(self, key: str) -> bool:
        return self._values.pop(key, None) is not None

    async def clear(self) -> None:
        self._values.clear()


class TimedCache(Cache):
    """Values under keys, in memory, for a time."""

    metadata = AdapterMetadata(
        category="timed-cache",
        provider="reference",
        factory="mutants.stores:TimedCache",
        version="1.0.0",
        capabilities=["kv", "ttl"],
        settings_model="mutants.stores:CacheSettings",
    )

    async def get(self, key: str) -> Any:
        value, ends = self._values.get(key, (None, math.inf))
        return value if time.monotonic() < ends else None

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self._values[key] = value, math.inf if ttl is None else time.monotonic() + ttl


class FolderSettings(BaseModel):
    """Where the folder is."""

    base_path: Path


class Folder:
    """Bytes under keys, in a directory; a key becomes its hexadecimal form, so that no key can leave it."""

    metadata = AdapterMetadata(
        category="storage",
        provider="reference",
        factory="mutants.stores:Folder",
        version="1.0.0",
        capabilities=["blob"],
        settings_model="mutants.stores:FolderSettings",
    )

    def __init__(self, settings: FolderSettings) -> None:
        self._root = settings.base_path / "blobs"
        self._open = False

    async def init(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False

    def path(self, key: str) -> Path:
        name = key.encode("utf-8", "surrogatepass").hex()
        if not 0 < len(name) <= 200:
            raise ValueError(f"the key {key!r} is empty or too long. Use 1 to 100 bytes.")
        return self._root / name

    async def save(self, key: str, data: bytes) -> None:
        self.path(key).write_bytes(data)

    async def read(self, key: str) -> bytes | None:
        path = self.path(key)
        return path.read_bytes() if path.is_file() else None

    async def delete(self, key: str) -> bool:
        path = self.path(key)
        found = path.is_file()
        path.unlink(missing_ok=True)
        return found

    async def list(self, prefix: str = "") -> list[str]:
        names = sorted(path.name for path in self._root.iterdir())
        keys = [bytes.fromhex(name).decode("utf-8", "surrogatepass") for name in names]
        return [key for key in keys if key.startswith(prefix)]


class VaultSettings(BaseModel):
    """How the names of secrets begin in the environment."""

    prefix: str = "REFERENCE_"


class Vault:
    """Secrets from the environment."""

    metadata = AdapterMetadata(
        category="secrets",
        provider="reference",
        factory="mutants.stores:Vault",
        version="1.0.0",
        capabilities=["secrets"],
        settings_model="mutants.stores:VaultSettings",
    )

    def __init__(self, settings: VaultSettings) -> None:
        self._prefix = settings.prefix
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False

    async def get_secret(self, secret_id: str) -> str | None:
        return os.environ.get(f"{self._prefix}{secret_id}")
