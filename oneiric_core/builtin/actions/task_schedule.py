"""Action ``task.schedule``: when a task is to run, by an interval or a cron expression.

It says when, and starts nothing: whoever asked for the plan hands it to what runs tasks. Cron expressions need the
extra ``cron``.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, JsonValue, TypeAdapter, WithJsonSchema

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.components import ActionMetadata

__all__ = ["TaskSchedule", "TaskScheduleSettings"]

EARLIEST: Final = datetime(1000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def _moment(value: object) -> object:
    """A text in the form of RFC 3339, which strict pydantic takes for a datetime only when it reads JSON itself."""
    if not isinstance(value, str):
        return value
    return datetime.fromisoformat(value)


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
"""Without an offset it is meant in the time zone of the settings."""


class TaskScheduleSettings(Settings):
    """What is meant where a payload does not say."""

    queue: str = Field(default="default", min_length=1)
    timezone: str = Field(default="UTC", description="of the IANA database; cron expressions are read in it")
    max_runs: int = Field(default=5, ge=1, le=1_000, description="how many moments are given")


class _Wanted(Payload):
    task_type: str = Field(min_length=1, examples=["report", "clean"])
    start_time: Moment = Field(examples=["2026-01-01T00:00:00Z"])
    end_time: Moment | None = None
    runs: int | None = Field(default=None, ge=1, le=1_000)
    queue: str | None = Field(default=None, min_length=1)
    payload: dict[str, JsonValue] = Field(default_factory=dict)


class EveryInterval(_Wanted):
    """From ``start_time`` on, at equal distances."""

    interval_seconds: float = Field(ge=0.001, le=1e9, allow_inf_nan=False)


class ByCron(_Wanted):
    """After ``start_time``, as a cron expression in the time zone of the settings says."""

    cron_expression: str = Field(max_length=200, description="minute hour day month weekday")


class TaskSchedule(Action[TaskScheduleSettings, EveryInterval | ByCron]):
    """The first moment is ``start_time`` itself for an interval, and the first one after it for cron.

    No schema can say what a cron expression is, so that ``cron`` is claimed by its name alone.
    """

    default_settings = TaskScheduleSettings
    payloads: ClassVar[TypeAdapter[Any]] = TypeAdapter(EveryInterval | ByCron)
    metadata = ActionMetadata(
        key="task.schedule",
        provider="builtin",
        factory="oneiric_core.builtin.actions.task_schedule:TaskSchedule",
        description="The moments at which a task is to run",
        capabilities=[described("schedule", EveryInterval), "cron", "deterministic"],
        owner=OWNER,
        settings_model=TaskScheduleSettings,
        side_effect_free=True,
    )

    async def act(self, payload: EveryInterval | ByCron) -> dict[str, Any]:
        """``{task_type, queue, payload, timezone, runs}``, the runs as RFC 3339 with the zone's offset.

        :raises ValueError: the cron expression is none, or the settings name no time zone.
        :raises RuntimeError: there is a cron expression and the extra ``cron`` is not installed.
        """
        zone = _zone(self._settings.timezone)
        start = _placed(payload.start_time, zone)
        end = LATEST if payload.end_time is None else min(LATEST, _placed(payload.end_time, zone))
        most = payload.runs or self._settings.max_runs
        if isinstance(payload, EveryInterval):
            moments = _every(start, payload.interval_seconds, most, end)
        else:
            moments = _by_cron(payload.cron_expression, start.astimezone(zone), most)
        return {
            "task_type": payload.task_type,
            "queue": payload.queue or self._settings.queue,
            "payload": payload.payload,
            "timezone": self._settings.timezone,
            "runs": [moment.astimezone(zone).isoformat() for moment in moments if moment <= end],
        }


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}. Use a name such as Europe/Berlin.") from error


def _placed(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment in UTC, no earlier and no later than is of any use."""
    placed = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    if placed.year < EARLIEST.year:
        return EARLIEST
    return LATEST if placed.year > LATEST.year else placed.astimezone(UTC)


def _every(start: datetime, seconds: float, most: int, end: datetime) -> list[datetime]:
    """Equal distances in real time, also where clocks are put forward or back."""
    within = int((end - start).total_seconds() // seconds) + 1
    return [start + timedelta(seconds=seconds * number) for number in range(min(most, within))]


def _by_cron(expression: str, start: datetime, most: int) -> list[datetime]:
    try:
        from cronsim import CronSim, CronSimError  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise RuntimeError(
            "cron expressions need cronsim. Install it with: pip install 'oneiric-core[cron]'"
        ) from error
    try:
        moments = CronSim(expression, start)
    except CronSimError as error:
        raise ValueError(
            f"{expression!r} is no cron expression: {error}. Write minute hour day month weekday."
        ) from error
    return [moment for moment, _ in zip(moments, range(most), strict=False)]
