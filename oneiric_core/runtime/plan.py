"""From arguments and settings to what a sync needs. Arguments go before settings."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from oneiric_core.artifacts.local import default_cache_dir
from oneiric_core.runtime.settings_file import read_policy
from oneiric_core.settings import Settings
from oneiric_core.trust.policy import Policy

__all__ = ["Arguments", "Plan", "default_state_dir"]


def default_state_dir() -> Path:
    """Where the user we run as keeps what programs remember."""
    from platformdirs import user_state_path  # noqa: PLC0415 - only where no directory is given

    return user_state_path("oneiric") / "sources"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What whoever made the runtime has fixed; None leaves it to the settings."""

    manifest_path: Path | None = None
    manifest_url: str | None = None
    trust: Policy | None = None
    refresh_interval: float | None = None
    cache_dir: Path | None = None
    state_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to sync.

    :param path: of the manifest, or ``url``; where both are None there is none.
    :param trust: whom to believe.
    :param local_roots: directories from which artifacts may be taken as files.
    """

    path: Path | None
    url: str | None
    trust: Policy
    refresh_interval: float | None
    cache_dir: Path
    state_dir: Path
    local_roots: tuple[Path, ...] = field(default=())

    @classmethod
    def of(cls, arguments: Arguments, settings: Settings, folder: Path) -> Self:
        """The plan; relative paths in the settings begin at ``folder``. Reads key files.

        :raises SettingsError: a key file cannot be read, or a root is named without a way to follow it.
        :raises TrustError: a key or the threshold cannot be used.
        """
        remote = settings.remote
        given = arguments.manifest_path is not None or arguments.manifest_url is not None
        path = arguments.manifest_path
        if not given and remote.path is not None:
            path = folder / remote.path
        cache, state = settings.cache_dir, settings.state_dir
        return cls(
            path=path,
            url=arguments.manifest_url if given else remote.url,
            trust=read_policy(settings, folder) if arguments.trust is None else arguments.trust,
            refresh_interval=arguments.refresh_interval or remote.refresh_interval,
            cache_dir=arguments.cache_dir or (default_cache_dir() if cache is None else folder / cache),
            state_dir=arguments.state_dir or (default_state_dir() if state is None else folder / state),
            local_roots=tuple(folder / root for root in remote.local_roots),
        )

    @property
    def place(self) -> str:
        """Where the manifest is, for people; empty if there is none."""
        return self.url or ("" if self.path is None else str(self.path))

    def settled_otherwise(self, other: Self) -> tuple[str, ...]:
        """Which settings of ``other`` cannot take the place of this one's while it runs."""
        return tuple(name for name in ("cache_dir", "state_dir") if getattr(self, name) != getattr(other, name))

    def moved_to(self, other: Self) -> Self:
        """``other`` with the directories of this one."""
        return replace(other, cache_dir=self.cache_dir, state_dir=self.state_dir)
