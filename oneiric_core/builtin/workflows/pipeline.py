"""Workflow ``data.pipeline``: takes a record through steps, each an action on data that we ship."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, Literal, TypeAlias

from pydantic import Field, JsonValue

from oneiric_core.builtin.actions.data_sanitize import DataSanitize, DataSanitizeOptions
from oneiric_core.builtin.actions.data_transform import DataTransform, DataTransformOptions
from oneiric_core.builtin.actions.validation_schema import ValidationSchema, ValidationSchemaOptions
from oneiric_core.builtin.base import OWNER, Action, Component, Payload, Settings, described
from oneiric_core.components import WorkflowMetadata

__all__ = ["Pipeline"]

_STEPS: Final[Mapping[str, Callable[[], Action[Any, Any]]]] = {
    "data.transform": DataTransform,
    "data.sanitize": DataSanitize,
    "validation.schema": ValidationSchema,
}


class TransformStep(Payload):
    """Pick, drop, rename and fill fields."""

    use: Literal["data.transform"]
    options: DataTransformOptions = DataTransformOptions()


class SanitizeStep(Payload):
    """Leave out and mask."""

    use: Literal["data.sanitize"]
    options: DataSanitizeOptions = DataSanitizeOptions()


class ValidateStep(Payload):
    """Go on only with a record that keeps the rules."""

    use: Literal["validation.schema"]
    options: ValidationSchemaOptions = ValidationSchemaOptions()


Step: TypeAlias = TransformStep | SanitizeStep | ValidateStep


class PipelineContext(Payload):
    """A record, and what is done with it, in order."""

    data: dict[str, JsonValue] = Field(examples=[{"name": "a", "token": "b"}, {"size": 1}])
    steps: list[Step] = Field(max_length=100, examples=[[{"use": "data.sanitize"}]])


class Pipeline(Component[Settings]):
    """Each step is given what the one before it gave. The first record that is not valid ends it."""

    metadata = WorkflowMetadata(
        key="data.pipeline",
        provider="builtin",
        factory="oneiric_core.builtin.workflows.pipeline:Pipeline",
        description="A record taken through steps that transform, sanitize and validate it",
        capabilities=[described("pipeline", PipelineContext)],
        owner=OWNER,
        timeout_seconds=60.0,
    )

    async def execute(self, context: dict[str, Any]) -> dict[str, Any]:
        """``{data, completed, errors}``: the record, how many steps it came through, and why it came no further.

        :raises ValueError: the context is not of its form, or a step's options are not those of its action.
        """
        self._refuse_if_closed()
        given = PipelineContext.model_validate(context)
        data: JsonValue = dict(given.data)
        completed = 0
        for step in given.steps:
            result = await _acted(step, data)
            if not result.get("valid", True):
                return {"data": data, "completed": completed, "errors": result["errors"]}
            data = result.get("data", data)
            completed += 1
        return {"data": data, "completed": completed, "errors": []}


async def _acted(step: Step, data: JsonValue) -> dict[str, Any]:
    action = _STEPS[step.use]()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(action.cleanup)
        await action.init()
        return await action.execute({**step.options.model_dump(exclude_none=True), "data": data})
