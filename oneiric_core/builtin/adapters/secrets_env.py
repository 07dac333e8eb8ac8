"""Adapter ``secrets/env``: secrets from the environment of this process, by names that begin with a prefix."""

import os
import re
from typing import Final

from pydantic import Field

from oneiric_core.builtin.base import OWNER, Component, Settings
from oneiric_core.components import AdapterMetadata

__all__ = ["EnvironmentSecrets", "EnvironmentSecretsSettings"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class EnvironmentSecretsSettings(Settings):
    """Which variables are secrets to be handed out."""

    prefix: str = Field(
        default="ONEIRIC_SECRET_", min_length=1, description="begins their names; nothing else is handed out"
    )


class EnvironmentSecrets(Component[EnvironmentSecretsSettings]):
    """``database.password`` is looked for in ``ONEIRIC_SECRET_DATABASE_PASSWORD``, anew each time."""

    default_settings = EnvironmentSecretsSettings
    metadata = AdapterMetadata(
        category="secrets",
        provider="env",
        factory="oneiric_core.builtin.adapters.secrets_env:EnvironmentSecrets",
        description="Secrets from environment variables with a prefix",
        capabilities=["secrets"],
        owner=OWNER,
        settings_model=EnvironmentSecretsSettings,
    )

    async def get_secret(self, name: str) -> str | None:
        """The secret, or None if there is none.

        :param name: letters, digits, ``.``, ``-`` and ``_``; in the variable's name, capitals and ``_``.
        :raises ValueError: it is another text, or none.
        """
        self._refuse_if_closed()
        return os.environ.get(self._settings.prefix + _variable(name))


def _variable(name: object) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name):
        return re.sub("[.-]", "_", name).upper()
    raise ValueError(f"the name {name!r} cannot be used. Use letters, digits, '.', '-' and '_'.")
