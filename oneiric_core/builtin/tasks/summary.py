"""Task ``statistics.summary``: a list of numbers in, what is usually asked of one out."""

import statistics
from typing import Annotated, Any

from pydantic import Field

from oneiric_core.builtin.base import OWNER, Component, Payload, Settings, described
from oneiric_core.components import TaskMetadata

__all__ = ["Summary"]

Number = Annotated[float, Field(ge=-1e100, le=1e100, allow_inf_nan=False)]
"""Small enough for the sum of squares to stay finite."""


class SummaryPayload(Payload):
    """What the task is given."""

    values: list[Number] = Field(min_length=1, max_length=100_000)


class Summary(Component[Settings]):
    """The order of the values does not matter."""

    metadata = TaskMetadata(
        key="statistics.summary",
        provider="builtin",
        factory="oneiric_core.builtin.tasks.summary:Summary",
        description="Count, extremes, mean, median and deviation of numbers",
        capabilities=[described("summary", SummaryPayload)],
        owner=OWNER,
        timeout_seconds=30.0,
    )

    async def run(self, payload: dict[str, Any]) -> dict[str, Any]:
        """``{values}`` in; ``{count, minimum, maximum, mean, median, deviation}`` out, the last of the population.

        :raises ValueError: the payload is not of that form.
        """
        self._refuse_if_closed()
        values = sorted(SummaryPayload.model_validate(payload).values)
        return {
            "count": len(values),
            "minimum": values[0],
            "maximum": values[-1],
            "mean": statistics.fmean(values),
            "median": float(statistics.median(values)),
            "deviation": statistics.pstdev(values),
        }
