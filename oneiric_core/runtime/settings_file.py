"""The settings file and the files it names, read within bounds."""

import os
import stat
import tomllib
from pathlib import Path
from typing import Final

from oneiric_core.errors import SettingsError
from oneiric_core.settings import Settings
from oneiric_core.trust.certificate import CertificatePolicy
from oneiric_core.trust.policy import Policy

__all__ = ["read_bounded", "read_certificate_policy", "read_policy", "read_settings"]

_LARGEST: Final = 1 << 20


def read_settings(path: Path | str) -> Settings:
    """What a file in TOML configures.

    :raises SettingsError: it cannot be read, is no TOML, or says what has no meaning.
    """
    content = read_bounded(Path(path))
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not TOML: {error}", fix="Correct it there", path=str(path)) from error
    try:
        return Settings.from_document(document)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error.what}", fix=error.fix, **{**error.evidence, "path": str(path)}) from error


def read_policy(settings: Settings, folder: Path) -> Policy:
    """Whom the settings trust; key files are relative to ``folder``.

    :raises SettingsError: a key file cannot be read.
    :raises TrustError: a key or the threshold cannot be used.
    """
    return settings.trust.policy(lambda name: read_bounded(folder / name))


def read_certificate_policy(settings: Settings, folder: Path) -> CertificatePolicy | None:
    """What the settings ask of the certificate of every artifact; None if nothing.

    :raises SettingsError: a key file cannot be read.
    :raises TrustError: a key or the level cannot be used.
    """
    asked = settings.trust.certificate
    return None if asked is None else asked.policy(lambda name: read_bounded(folder / name))


def read_bounded(path: Path) -> bytes:
    """A regular file of at most 1 MiB; a FIFO or a device does not keep us waiting.

    :raises SettingsError: it is none, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SettingsError(f"{path} is no regular file", fix="Name a file", path=str(path))
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, SettingsError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"{path} cannot be read: {reason}", fix="Name a file that exists and may be read", path=str(path)
        ) from error
    if len(content) > _LARGEST:
        raise SettingsError(f"{path} has more than {_LARGEST} bytes", fix="Make it shorter", path=str(path))
    return content
