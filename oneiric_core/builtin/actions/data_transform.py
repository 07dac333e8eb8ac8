"""Action ``data.transform``: picks, drops, renames and fills the fields of a record."""

from typing import Any

from pydantic import Field, JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.components import ActionMetadata

__all__ = ["DataTransform", "DataTransformOptions", "DataTransformSettings"]


class DataTransformSettings(Settings):
    """What is done where a payload does not say."""

    include_fields: list[str] | None = Field(default=None, description="if set, only these are kept")
    exclude_fields: list[str] = Field(default_factory=list)
    rename_fields: dict[str, str] = Field(default_factory=dict, description="from the old name to the new one")
    defaults: dict[str, JsonValue] = Field(default_factory=dict, description="values of fields that are not there")


class DataTransformOptions(Payload):
    """What is done in place of what the settings say."""

    include_fields: list[str] | None = None
    exclude_fields: list[str] | None = None
    rename_fields: dict[str, str] | None = None
    defaults: dict[str, JsonValue] | None = None


class DataTransformPayload(DataTransformOptions):
    """A record, and what is done with it."""

    data: dict[str, JsonValue] = Field(examples=[{"name": "a", "size": 1}, {"name": "b"}])


class DataTransform(Action[DataTransformSettings, DataTransformPayload]):
    """In this order: include, exclude, rename, fill."""

    default_settings = DataTransformSettings
    payloads = TypeAdapter(DataTransformPayload)
    metadata = ActionMetadata(
        key="data.transform",
        provider="builtin",
        factory="oneiric_core.builtin.actions.data_transform:DataTransform",
        description="A record with fields picked, dropped, renamed and filled",
        capabilities=[described("transform", DataTransformPayload), "deterministic"],
        owner=OWNER,
        settings_model=DataTransformSettings,
        side_effect_free=True,
    )

    async def act(self, payload: DataTransformPayload) -> dict[str, Any]:
        """``{data, renamed, filled}``: the new record, and the names of what was renamed (as it was) and filled.

        :raises ValueError: a field would be renamed to one that is there.
        """
        settings = self._settings
        include = settings.include_fields if payload.include_fields is None else payload.include_fields
        exclude = settings.exclude_fields if payload.exclude_fields is None else payload.exclude_fields
        rename = settings.rename_fields if payload.rename_fields is None else payload.rename_fields
        defaults = settings.defaults if payload.defaults is None else payload.defaults
        kept = {
            name: value
            for name, value in payload.data.items()
            if (include is None or name in include) and name not in exclude
        }
        data: dict[str, JsonValue] = {}
        for name, value in kept.items():
            new = rename.get(name, name)
            if new in data:
                raise ValueError(f"two fields would be called {new!r}. Rename or exclude one of them.")
            data[new] = value
        filled = {name: value for name, value in defaults.items() if name not in data}
        return {"data": data | filled, "renamed": [name for name in kept if name in rename], "filled": [*filled]}
