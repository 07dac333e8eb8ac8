"""Telling web hooks: one POST of JSON to each, signed where there is a secret, a few at a time.

The signature is that of WebSub (W3C, section 8): ``X-Hub-Signature: sha256=`` and the HMAC of the body in hexadecimal.
The secret itself is never sent.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
from pydantic import Field, SecretStr

from oneiric_core.builtin.base import Settings

__all__ = ["Hook", "HookSettings", "tell"]

_REFUSED: Final = 400


class Hook(Settings):
    """Who is told."""

    name: str = Field(min_length=1)
    url: str = Field(pattern=r"^https?://.+")
    headers: dict[str, str] = Field(default_factory=dict)
    enabled: bool = True


class HookSettings(Settings):
    """Who is told, and how. Addresses are for the operator to give: a payload may only choose among them by name."""

    hooks: list[Hook] = Field(default_factory=list)
    secret: SecretStr | None = Field(default=None, description="signs what is sent to each hook")
    timeout: float = Field(default=5.0, gt=0, le=300, description="seconds for one hook")
    concurrency: int = Field(default=5, ge=1, le=100)


async def tell(message: Mapping[str, Any], settings: HookSettings, names: Sequence[str] | None) -> list[dict[str, Any]]:
    """Send ``message`` to the hooks of the settings; what became of each, in their order.

    A hook that is not there, cannot be reached or answers 400 or more has failed; that is a result, and keeps no other
    one back.

    :param names: which hooks; all if None.
    :return: ``{name, status, reason}`` each, the status being ``delivered``, ``failed`` or ``skipped``.
    """
    hooks = [hook for hook in settings.hooks if names is None or hook.name in names]
    known = {hook.name for hook in hooks}
    strangers = [_result(name, "failed", "the settings have no such hook") for name in names or () if name not in known]
    if not any(hook.enabled for hook in hooks):
        return [*(_result(hook.name, "skipped", "not enabled") for hook in hooks), *strangers]
    body = json.dumps(message, sort_keys=True).encode()
    turn = asyncio.Semaphore(settings.concurrency)
    async with httpx.AsyncClient(timeout=settings.timeout, trust_env=False) as client:
        told = await asyncio.gather(*(_told(client, turn, hook, body, settings) for hook in hooks))
    return [*told, *strangers]


async def _told(
    client: httpx.AsyncClient, turn: asyncio.Semaphore, hook: Hook, body: bytes, settings: HookSettings
) -> dict[str, Any]:
    if not hook.enabled:
        return _result(hook.name, "skipped", "not enabled")
    headers = {**hook.headers, "Content-Type": "application/json"}
    if settings.secret is not None:
        key = settings.secret.get_secret_value().encode()
        headers["X-Hub-Signature"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
    async with turn:
        try:
            async with (
                asyncio.timeout(settings.timeout),
                client.stream("POST", hook.url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnicodeError) as error:
            return _result(hook.name, "failed", f"{type(error).__name__}: {error}")
    if status >= _REFUSED:
        return _result(hook.name, "failed", f"it answered {status}")
    return _result(hook.name, "delivered", "")


def _result(name: str, status: str, reason: str) -> dict[str, Any]:
    return {"name": name, "status": status, "reason": reason}
