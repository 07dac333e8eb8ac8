"""Task ``text-statistics``: what a text is made of."""

import asyncio
import re
from collections import Counter
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from oneiric_core import TaskMetadata

_WORD: Final = re.compile(r"\w+(?:['-]\w+)*")
_WORDS_IN_ONE_GO: Final = 2_000  # about a millisecond of work


class TextStatisticsSettings(BaseModel):
    """How much text is too much."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_characters: int = Field(default=1_000_000, ge=1, description="longer texts are refused")


class TextPayload(BaseModel):
    """What the task is given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: str
    top: int = Field(default=5, ge=0, le=100, description="how many of the most frequent words to name")


class TextStatistics:
    """Counts characters, lines and words. Gives the loop a turn every few words, so it can be cancelled at any time."""

    metadata = TaskMetadata(
        key="text-statistics",
        provider="acme",
        factory="acme_oneiric.text_statistics:TextStatistics",
        version="1.4.0",
        description="Characters, lines, words and the most frequent words of a text",
        capabilities=[{"name": "text-statistics", "payload_schema": TextPayload.model_json_schema()}],
        owner="Acme",
        settings_model=TextStatisticsSettings,
        timeout_seconds=30.0,
    )

    def __init__(self, settings: TextStatisticsSettings | None = None) -> None:
        self._settings = settings or TextStatisticsSettings()
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False

    async def run(self, payload: dict[str, Any]) -> dict[str, Any]:
        """``{text, top}`` in; counts, the longest word and ``frequent: [[word, count], …]`` out.

        :raises ValueError: the payload is not of that form, or the text is too long.
        """
        if not self._open:
            raise RuntimeError("text statistics are closed. Await init() first.")
        asked = TextPayload.model_validate(payload)
        text = asked.text
        if len(text) > self._settings.max_characters:
            raise ValueError(f"the text has {len(text)} characters, over {self._settings.max_characters}. Split it.")
        words = await _count_words(text)
        return {
            "characters": len(text),
            "lines": len(text.splitlines()),
            "words": words.total(),
            "distinct": len(words),
            "longest": min(words, key=lambda word: (-len(word), word), default=""),
            "frequent": [[word, count] for word, count in sorted(words.items(), key=_most_first)[: asked.top]],
        }


async def _count_words(text: str) -> Counter[str]:
    words: Counter[str] = Counter()
    for number, match in enumerate(_WORD.finditer(text), start=1):
        words[match.group().casefold()] += 1
        if number % _WORDS_IN_ONE_GO == 0:
            await asyncio.sleep(0)
    return words


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    word, count = item
    return -count, word
