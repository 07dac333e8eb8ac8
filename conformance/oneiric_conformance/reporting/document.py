"""The report as a file: its shape, the schema of it that is published, and how one is read again."""

import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oneiric_conformance.report import SCHEMA, ConformanceReport, Verdict
from oneiric_conformance.results import Status
from oneiric_core import ConformanceError

__all__ = ["SCHEMA_ID", "ReportDocument", "ResultDocument", "read_report", "report_schema"]

SCHEMA_ID: Final = "urn:oneiric:conformance-report:1"
"""What the schema is called; it says nothing about where it is."""

Sha256 = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 in hexadecimal.")


class _Shape(BaseModel):
    """Frozen, and lenient about fields that a later version may add."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class WheelDocument(_Shape):
    name: str = Field(description="The name of the file.")
    sha256: str = Sha256


class PackageDocument(_Shape):
    name: str = Field(description="Of the distribution, normalised (PEP 503).")
    version: str = Field(description="Of the distribution; empty if it is not installed.")
    wheel: WheelDocument | None = Field(description="What it is released as; null if no wheel was given.")


class RequirementsDocument(_Shape):
    id: str = Field(description="The name of the set, a year and a number.")
    sha256: str = Sha256


class LimitsDocument(_Shape):
    init: float = Field(description="Seconds for becoming ready.")
    health: float = Field(description="Seconds for one answer about health.")
    cleanup: float = Field(description="Seconds for cleaning up.")
    drain: float = Field(description="Seconds that calls in flight are waited for.")


class CardDocument(_Shape):
    check: str = Field(description="The id of the rule.")
    subject: str = Field(description="What was judged.")
    rule: str = Field(description="The rule as one sentence.")
    seen: str = Field(description="What was observed.")
    expected: str = Field(description="What the rule asks for.")
    example: str = Field(description="The smallest example that shows it; empty if none is needed.")
    mend: str = Field(description="What usually causes this, and how to mend it.")
    replay: str = Field(description="A shell line that runs the one example that failed again, or else the check.")
    script: str = Field(description="A Python program that shows it without the kit; empty if there is none.")
    instead: str = Field("", description="Why there is no script, and what to run instead; empty if there is one.")


class WaiverDocument(_Shape):
    check: str = Field(description="The id of the rule.")
    component: str = Field(description="Whose breaking of it is accepted.")
    reason: str = Field(description="Why.")
    until: str | None = Field(description="The last day, as 2027-01-31; null if there is none.")


class ResultDocument(_Shape):
    check: str = Field(description="The id of the rule.")
    judges: Literal["component", "package", "runtime"] = Field(description="What the rule is about.")
    level: Literal["must", "should"] = Field(description="How much it is asked for.")
    status: Status = Field(description="How it ended.")
    reason: str = Field(description="One line; empty for a pass.")
    exercised: int = Field(ge=0, description="How many cases were really tried.")
    behaviours: int = Field(ge=0, description="How many of its own behaviours were seen to do something.")
    card: CardDocument | None = Field(description="What an author has to know about a failure or a warning.")
    waiver: WaiverDocument | None = Field(description="What the status 'waived' rests on.")


class ComponentDocument(_Shape):
    id: str = Field(description="As domain/key/provider.")
    verdict: Verdict = Field(description="What can be said of it.")
    limits: dict[str, float] = Field(description="Seconds by the names of 'limits', where it was given others.")
    results: tuple[ResultDocument, ...] = Field(description="In the order in which they were planned.")


class TimingDocument(_Shape):
    seconds: float = Field(ge=0, description="Wall time of the run.")
    results: dict[str, float] = Field(description="Wall time of each check, by subject::check.")


class EnvironmentDocument(_Shape):
    python: str = Field(description="The version of Python.")
    implementation: str = Field(description="Which Python.")
    platform: str = Field(description="The system it ran on.")
    hypothesis: str = Field(description="The version of Hypothesis, which chose the examples.")
    cpus: int | None = Field(description="How many processors there were.")


class ReportDocument(_Shape):
    """A conformance report. Two runs that saw the same differ only in 'timing' and 'environment'."""

    schema_: Literal["oneiric-conformance-report/1"] = Field(alias="schema", description="What this is.")
    package: PackageDocument = Field(description="What was judged.")
    kit: str = Field(description="The version of the kit.")
    core: str = Field(description="The version of the core.")
    runtime: str = Field(description="The import path of what made the runtime.")
    requirements: RequirementsDocument = Field(description="Which rules counted.")
    profile: str = Field(description="How thoroughly.")
    seed: int = Field(description="What generation started from.")
    limits: LimitsDocument = Field(description="How long a component was given for what.")
    verdict: Verdict = Field(description="Of the whole run.")
    levels: tuple[str, ...] = Field(description="Those that were reached, from the least demanding.")
    lacking: dict[str, tuple[str, ...]] = Field(description="By level, what stands in the way of each other one.")
    counts: dict[str, int] = Field(
        description="How many ended in which status, were executed (had something to try), applied, and in all."
    )
    missing: tuple[str, ...] = Field(description="What was planned and has no result, as subject::check.")
    components: tuple[ComponentDocument, ...] = Field(description="One by one.")
    whole: tuple[ResultDocument, ...] = Field(description="What was found of the package and of the runtime.")
    timing: TimingDocument = Field(description="How long it took.")
    environment: EnvironmentDocument = Field(description="Where it ran.")

    @classmethod
    def of(cls, report: ConformanceReport) -> "ReportDocument":
        """What the file of the report will say."""
        return cls.model_validate(report.to_json())


def report_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a report."""
    schema = ReportDocument.model_json_schema(by_alias=True)
    return (
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID}
        | schema
        | {"title": "Oneiric conformance report"}
    )


def read_report(path: Path) -> ReportDocument:
    """The report in a file.

    :raises ConformanceError: there is none, or one of another schema.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or str(error)
        raise ConformanceError(f"{path} cannot be read: {why}", fix="Name a report", path=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise ConformanceError(f"{path} is not JSON: {error}", fix="Name a report", path=str(path)) from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise ConformanceError(
            f"{path} is {schema!r}, and {SCHEMA!r} is what can be read here",
            fix="Name a report that this version wrote",
            path=str(path),
        )
    try:
        return ReportDocument.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConformanceError(
            f"{path} is no whole report: {where}: {first['msg']}", fix="Write it again", path=str(path)
        ) from error
