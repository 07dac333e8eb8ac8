"""Action ``write-report``: writes a Markdown file. The one component here that is meant to have an effect.

The file's name is made from its content, never taken from the payload: no title can name a place outside the
directory, and the same report is written to the same file.
"""

import asyncio
import hashlib
import os
import re
import uuid
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from oneiric_core import ActionMetadata


class WriteReportSettings(BaseModel):
    """Where reports go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: Path = Field(description="the directory reports are written to; made if it does not exist")


class ReportPayload(BaseModel):
    """What the action is given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str = Field(min_length=1, max_length=200)
    items: list[str] = Field(default_factory=list, max_length=10_000)


class WriteReport:
    """A title and a list, as a file that is there as a whole or not at all."""

    metadata = ActionMetadata(
        key="write-report",
        provider="acme",
        factory="acme_oneiric.write_report:WriteReport",
        version="1.4.0",
        description="A Markdown file with a title and a list",
        capabilities=[{"name": "write-report", "payload_schema": ReportPayload.model_json_schema()}],
        owner="Acme",
        settings_model=WriteReportSettings,
        domains=["task", "workflow"],
        side_effect_free=False,
        timeout_seconds=30.0,
    )

    def __init__(self, settings: WriteReportSettings) -> None:
        self._directory = settings.directory
        self._open = False

    async def init(self) -> None:
        await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True)
        self._open = True

    async def health(self) -> bool:
        return self._open and await asyncio.to_thread(self._directory.is_dir)

    async def cleanup(self) -> None:
        self._open = False

    async def execute(self, payload: dict[str, Any]) -> dict[str, Any]:
        """``{title, items}`` in; ``{file, bytes, sha256}`` out, ``file`` being a name within the directory.

        :raises ValueError: the payload is not of that form.
        """
        if not self._open:
            raise RuntimeError("write report is closed. Await init() first.")
        report = ReportPayload.model_validate(payload)
        content = _markdown(report).encode()
        digest = hashlib.sha256(content).hexdigest()
        path = self._directory / f"{_slug(report.title)}-{digest[:12]}.md"
        await asyncio.to_thread(_write, path, content)
        return {"file": path.name, "bytes": len(content), "sha256": digest}


def _markdown(report: ReportPayload) -> str:
    """The report with each item on one line of its own."""
    lines = [f"# {_on_one_line(report.title)}", "", *(f"- {_on_one_line(item)}" for item in report.items)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "report"


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
