"""A small application of the kind that people test: it downloads, it caches, it runs components."""

import hashlib
from pathlib import Path
from typing import Any

import httpx


class Cache(dict[str, Any]):
    """An adapter."""

    def __init__(self) -> None:
        super().__init__()
        self.open = False

    async def init(self) -> None:
        self.open = True

    async def health(self) -> bool:
        return self.open

    async def cleanup(self) -> None:
        self.open = False


def download(url: str, sha256: str) -> bytes:
    """The bytes at a URL, once more after a 503."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        response = client.get(url)
        if response.status_code == 503:
            response = client.get(url)
        response.raise_for_status()
    if hashlib.sha256(response.content).hexdigest() != sha256:
        raise ValueError(f"other bytes than expected at {url}")
    return response.content


def store(cache: Path, name: str, content: bytes) -> Path:
    """Keep bytes in the cache."""
    path = cache / name
    path.write_bytes(content)
    return path
