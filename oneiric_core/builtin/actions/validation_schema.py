"""Action ``validation.schema``: holds a record against a list of the fields it should have."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import Field, JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.components import ActionMetadata

__all__ = ["FieldRule", "ValidationSchema", "ValidationSchemaOptions", "ValidationSchemaSettings"]

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "dict": (dict,),
    "list": (list,),
    "any": (object,),
}


class FieldRule(Payload):
    """What one field has to be. A true or false is no number."""

    name: str = Field(min_length=1)
    type: Literal["str", "int", "float", "bool", "dict", "list", "any"] = "str"
    required: bool = True
    allow_null: bool = False


class ValidationSchemaSettings(Settings):
    """The rules where a payload brings none."""

    fields: list[FieldRule] = Field(default_factory=list)
    allow_extra: bool = Field(default=True, description="whether there may be fields that no rule is about")


class ValidationSchemaOptions(Payload):
    """The rules in place of those of the settings."""

    fields: list[FieldRule] | None = Field(default=None, examples=[[{"name": "name"}]])
    allow_extra: bool | None = None


class ValidationSchemaPayload(ValidationSchemaOptions):
    """A record, and the rules for it."""

    data: dict[str, JsonValue] = Field(examples=[{"name": "a"}, {"name": 1, "other": None}])


class ValidationSchema(Action[ValidationSchemaSettings, ValidationSchemaPayload]):
    """A record that breaks the rules is an answer, not an error."""

    default_settings = ValidationSchemaSettings
    payloads = TypeAdapter(ValidationSchemaPayload)
    metadata = ActionMetadata(
        key="validation.schema",
        provider="builtin",
        factory="oneiric_core.builtin.actions.validation_schema:ValidationSchema",
        description="Whether a record has the fields it should have, and what is wrong with it",
        capabilities=[described("validate", ValidationSchemaPayload), "deterministic"],
        owner=OWNER,
        settings_model=ValidationSchemaSettings,
        side_effect_free=True,
    )

    async def act(self, payload: ValidationSchemaPayload) -> dict[str, Any]:
        """``{valid, fields, errors}``: whether it keeps the rules, how many fields it has, and each thing wrong."""
        rules = self._settings.fields if payload.fields is None else payload.fields
        extra = self._settings.allow_extra if payload.allow_extra is None else payload.allow_extra
        errors = [*_broken(payload.data, rules), *(() if extra else _beyond(payload.data, rules))]
        return {"valid": not errors, "fields": len(payload.data), "errors": errors}


def _broken(data: Mapping[str, JsonValue], rules: Sequence[FieldRule]) -> Iterator[str]:
    for rule in rules:
        if rule.name not in data:
            if rule.required:
                yield f"{rule.name} is missing"
        elif data[rule.name] is None:
            if not rule.allow_null:
                yield f"{rule.name} is null"
        elif not _is_of(data[rule.name], rule.type):
            yield f"{rule.name} is {type(data[rule.name]).__name__}, not {rule.type}"


def _is_of(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return name in {"bool", "any"}
    return isinstance(value, _TYPES[name])


def _beyond(data: Mapping[str, JsonValue], rules: Sequence[FieldRule]) -> Iterator[str]:
    known = {rule.name for rule in rules}
    yield from (f"{name} is not expected" for name in data if name not in known)
