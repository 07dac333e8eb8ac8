"""Workflow ``keyword-context``: which words keep company with a text's most frequent one.

Three nodes, each one a run of the task ``text-statistics``. The first finds the keyword in the whole ``text``; then
the lines ``with`` it and the lines ``without`` it are looked at, at the same time.
"""

import asyncio
from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from acme_oneiric.text_statistics import TextStatistics, TextStatisticsSettings
from oneiric_core import WorkflowMetadata

_DEPENDS_ON: Final = {"text": [], "with": ["text"], "without": ["text"]}


class KeywordContextSettings(BaseModel):
    """How much text is too much."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_characters: int = Field(default=1_000_000, ge=1, description="longer texts are refused")


class KeywordContextPayload(BaseModel):
    """What the workflow is given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: str


class KeywordContext:
    """Runs its nodes as soon as what they depend on is there."""

    metadata = WorkflowMetadata(
        key="keyword-context",
        provider="acme",
        factory="acme_oneiric.keyword_context:KeywordContext",
        version="1.4.0",
        description="Statistics of a text, of its lines with the most frequent word, and of those without",
        capabilities=[{"name": "keyword-context", "payload_schema": KeywordContextPayload.model_json_schema()}],
        owner="Acme",
        settings_model=KeywordContextSettings,
        dag={
            "nodes": [
                {"id": node, "task": "text-statistics", "depends_on": depends_on}
                for node, depends_on in _DEPENDS_ON.items()
            ]
        },
    )

    def __init__(self, settings: KeywordContextSettings | None = None) -> None:
        self._settings = settings or KeywordContextSettings()
        self._statistics = TextStatistics(TextStatisticsSettings(max_characters=self._settings.max_characters))

    async def init(self) -> None:
        await self._statistics.init()

    async def health(self) -> bool:
        return await self._statistics.health()

    async def cleanup(self) -> None:
        await self._statistics.cleanup()

    async def execute(self, context: dict[str, Any]) -> dict[str, Any]:
        """``{text}`` in; the statistics by node out, in the order in which the nodes ended.

        :raises ValueError: the context is not of that form, or the text is too long.
        """
        text = KeywordContextPayload.model_validate(context).text
        if len(text) > self._settings.max_characters:
            raise ValueError(f"the text has {len(text)} characters, over {self._settings.max_characters}. Split it.")
        if not await self.health():
            raise RuntimeError("keyword context is closed. Await init() first.")
        results: dict[str, Any] = {}
        graph = TopologicalSorter(_DEPENDS_ON)
        graph.prepare()
        while graph.is_active():
            ready = graph.get_ready()
            async with asyncio.TaskGroup() as group:
                runs = {node: group.create_task(self._run(node, text, results)) for node in ready}
            results |= {node: run.result() for node, run in runs.items()}
            graph.done(*ready)
        return results

    async def _run(self, node: str, text: str, results: Mapping[str, Any]) -> dict[str, Any]:
        if node != "text":
            keyword = _keyword(results["text"])
            lines = [line for line in text.splitlines() if (keyword in line.casefold()) is (node == "with")]
            text = "\n".join(lines)
        return await self._statistics.run({"text": text})


def _keyword(statistics: Mapping[str, Any]) -> str:
    frequent = statistics["frequent"]
    return str(frequent[0][0]) if frequent else ""
