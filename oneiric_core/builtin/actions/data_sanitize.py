"""Action ``data.sanitize``: leaves out or masks what others must not see, at any depth."""

from typing import Any

from pydantic import Field, JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.components import ActionMetadata

__all__ = ["DataSanitize", "DataSanitizeOptions", "DataSanitizeSettings"]


class DataSanitizeSettings(Settings):
    """What is done where a payload does not say."""

    allow_fields: list[str] | None = Field(default=None, description="if set, only these are kept at the top")
    drop_fields: list[str] = Field(default_factory=list, description="are left out wherever they are")
    mask_fields: list[str] = Field(
        default=["password", "secret", "token", "authorization", "api_key"],
        description="show the mask, wherever they are",
    )
    mask_value: str = "***"
    case_sensitive: bool = False


class DataSanitizeOptions(Payload):
    """What is done in place of what the settings say."""

    allow_fields: list[str] | None = None
    drop_fields: list[str] | None = None
    mask_fields: list[str] | None = None


class DataSanitizePayload(DataSanitizeOptions):
    """A record, and what is done with it."""

    data: dict[str, JsonValue] = Field(examples=[{"name": "a", "password": "b"}, {"inner": [{"token": "c"}]}])


class DataSanitize(Action[DataSanitizeSettings, DataSanitizePayload]):
    """Names decide, whatever the values are, also in objects within lists within objects."""

    default_settings = DataSanitizeSettings
    payloads = TypeAdapter(DataSanitizePayload)
    metadata = ActionMetadata(
        key="data.sanitize",
        provider="builtin",
        factory="oneiric_core.builtin.actions.data_sanitize:DataSanitize",
        description="A record without what others must not see",
        capabilities=[described("sanitize", DataSanitizePayload), "deterministic"],
        owner=OWNER,
        settings_model=DataSanitizeSettings,
        side_effect_free=True,
    )

    async def act(self, payload: DataSanitizePayload) -> dict[str, Any]:
        """``{data, removed, masked}``: the record, and how many fields were left out and masked."""
        settings = self._settings
        allow = settings.allow_fields if payload.allow_fields is None else payload.allow_fields
        drop = settings.drop_fields if payload.drop_fields is None else payload.drop_fields
        mask = settings.mask_fields if payload.mask_fields is None else payload.mask_fields
        allowed = None if allow is None else {self._folded(name) for name in allow}
        kept = {name: value for name, value in payload.data.items() if allowed is None or self._folded(name) in allowed}
        sieve = _Sieve(self, {self._folded(name) for name in drop}, {self._folded(name) for name in mask})
        data = sieve.sifted(kept)
        return {"data": data, "removed": len(payload.data) - len(kept) + sieve.removed, "masked": sieve.masked}

    def _folded(self, name: str) -> str:
        return name if self._settings.case_sensitive else name.casefold()

    @property
    def _mask(self) -> str:
        return self._settings.mask_value


class _Sieve:
    """One pass over one record."""

    def __init__(self, action: DataSanitize, drop: set[str], mask: set[str]) -> None:
        self._action, self._drop, self._mask = action, drop, mask
        self.removed = self.masked = 0

    def sifted(self, value: JsonValue) -> JsonValue:
        if isinstance(value, list):
            return [self.sifted(item) for item in value]
        if not isinstance(value, dict):
            return value
        result: dict[str, JsonValue] = {}
        for name, inner in value.items():
            folded = self._action._folded(name)  # noqa: SLF001 - this file's own
            if folded in self._drop:
                self.removed += 1
            elif folded in self._mask:
                self.masked += 1
                result[name] = self._action._mask  # noqa: SLF001 - likewise
            else:
                result[name] = self.sifted(inner)
        return result
