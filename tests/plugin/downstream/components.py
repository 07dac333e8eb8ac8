"""What this project offers itself."""

from types import SimpleNamespace
from typing import Any


class Slug:
    def __init__(self) -> None:
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False

    async def execute(self, payload: Any) -> dict[str, Any]:
        if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
            raise TypeError("payload needs a text")
        return {"slug": "-".join(payload["text"].lower().split()), "length": len(payload["text"])}


declared = SimpleNamespace(
    domain="action",
    key="slug",
    provider="downstream",
    factory="components:Slug",
    capabilities=[
        {
            "name": "slug",
            "payload_schema": {
                "type": "object",
                "required": ["text"],
                "properties": {"text": {"type": "string"}},
            },
        }
    ],
    side_effect_free=True,
    version="1.0",
)
