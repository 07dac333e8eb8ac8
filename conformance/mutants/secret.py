"""Adapters that do not keep secrets as they are."""

import os
from typing import Any

from mutants import mutant, reference


@mutant("SEC-001", expects="get_secret('CONFORMANCE_SPACES') answered")
class TrimsSecrets(reference.Vault):
    """Takes the blanks around a secret off."""

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        return None if found is None else found.strip()


@mutant("SEC-001", expects="get_secret('CONFORMANCE_UNICODE') answered b'")
class GivesBytes(reference.Vault):
    """Gives a secret as bytes if it is more than ASCII."""

    async def get_secret(self, secret_id: str) -> Any:
        found = await super().get_secret(secret_id)
        return found if found is None or found.isascii() else found.encode()


@mutant("SEC-001", expects="get_secret('CONFORMANCE_NOTHING') answered None")
class TakesEmptyForMissing(reference.Vault):
    """Takes an empty secret for none at all."""

    async def get_secret(self, secret_id: str) -> str | None:
        return await super().get_secret(secret_id) or None


@mutant("SEC-001", expects="get_secret('CONFORMANCE_PEM') answered '-----BEGIN KEY-----'")
class GivesTheFirstLine(reference.Vault):
    """Gives the first line of a secret."""

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        return None if found is None else found.partition("\n")[0]


@mutant("SEC-001", expects="-----END KEY-----'")
class TakesTheNewlineOff(reference.Vault):
    """Takes the newline at the end of a secret off."""

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        return None if found is None else found.removesuffix("\n")


@mutant("SEC-001", expects="get_secret('CONFORMANCE_NUMBER') answered '42'")
class ReadsNumbers(reference.Vault):
    """Reads a secret of digits as the number it looks like."""

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        return str(int(found)) if found and found.isdecimal() else found


@mutant("SEC-002", expects="get_secret('CONFORMANCE_NOBODY') answered ''", also={"SEC-003": "one is taken away there"})
class GivesNothing(reference.Vault):
    """Gives an empty text where there is no secret."""

    async def get_secret(self, secret_id: str) -> str | None:
        return await super().get_secret(secret_id) or ""


@mutant("SEC-002", expects="raised RuntimeError", also={"SEC-003": "one is taken away there"})
class FailsWithoutIt(reference.Vault):
    """Fails where there is no secret, in a way that nobody expects."""

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        if found is None:
            raise RuntimeError(f"there is no {secret_id}")
        return found


@mutant("SEC-002", expects="get_secret('CONFORMANCE') answered '0123")
class MatchesTheBeginning(reference.Vault):
    """Gives the first secret whose name begins as asked."""

    async def get_secret(self, secret_id: str) -> str | None:
        names = sorted(name for name in os.environ if name.startswith(f"{self._prefix}{secret_id}"))
        return os.environ[names[0]] if names and secret_id in {"CONFORMANCE", *_ends(names, self._prefix)} else None


def _ends(names: list[str], prefix: str) -> set[str]:
    return {name.removeprefix(prefix) for name in names}


@mutant("SEC-003", expects="after it was changed, get_secret('CONFORMANCE_PLAIN') answered 's3cret'")
class ReadsOnce(reference.Vault):
    """Remembers a secret that it has read."""

    async def init(self) -> None:
        await super().init()
        self._read: dict[str, str] = {}

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        return None if found is None else self._read.setdefault(secret_id, found)


@mutant("SEC-003", expects="after it was taken away")
class KeepsTheLast(reference.Vault):
    """Keeps the last value of a secret that is gone."""

    async def init(self) -> None:
        await super().init()
        self._last: dict[str, str] = {}

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        if found is not None:
            self._last[secret_id] = found
        return self._last.get(secret_id)

    async def invalidate_cache(self) -> None:
        """Does nothing."""
