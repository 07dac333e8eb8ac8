"""From arguments and settings to what a sync needs. Arguments go before settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self

from oneiric_core.artifacts.local import default_cache_dir
from oneiric_core.clock import Clock
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.fetcher import Fetcher
from oneiric_core.remote.http_addresses import AddressPolicy
from oneiric_core.remote.limits import FetchLimits
from oneiric_core.runtime.settings_file import read_bounded, read_certificate_policy, read_policy
from oneiric_core.settings import RemoteSettings, Settings, TrustSettings
from oneiric_core.trust.certificate import CertificatePolicy
from oneiric_core.trust.policy import Policy

__all__ = ["Arguments", "Plan", "default_state_dir", "limits_of"]


def default_state_dir() -> Path:
    """Where the user we run as keeps what programs remember."""
    from platformdirs import user_state_path  # noqa: PLC0415 - only where no directory is given

    return user_state_path("oneiric") / "sources"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What whoever made the runtime has fixed; None leaves it to the settings.

    :param headers: sent beside those of the settings, in the place of namesakes.
    """

    manifest_path: Path | None = None
    manifest_url: str | None = None
    trust: Policy | None = None
    trust_root: Path | None = None
    refresh_interval: float | None = None
    cache_dir: Path | None = None
    state_dir: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: CertificatePolicy | None = None
    fetcher: Fetcher | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to sync.

    :param path: of the manifest, or ``url``; where both are None there is none.
    :param trust: whom to believe where there is no ``anchor``, which is the first root of the source.
    :param asked: what else the settings ask of a manifest.
    :param certificate: what is asked of the certificate of every artifact; None where none is needed.
    :param local_roots: directories from which artifacts may be taken as files.
    """

    path: Path | None
    url: str | None
    trust: Policy
    anchor: bytes | None
    asked: TrustSettings
    certificate: CertificatePolicy | None
    refresh_interval: float | None
    cache_dir: Path
    state_dir: Path
    headers: Mapping[str, str] = field(repr=False)
    limits: FetchLimits
    addresses: AddressPolicy
    local_roots: tuple[Path, ...]

    @classmethod
    def of(cls, arguments: Arguments, settings: Settings, folder: Path) -> Self:
        """The plan; relative paths in the settings begin at ``folder``. Reads key files.

        :raises SettingsError: a key file cannot be read.
        :raises TrustError: a key or the threshold cannot be used.
        """
        remote = settings.remote
        given = arguments.manifest_path is not None or arguments.manifest_url is not None
        path = arguments.manifest_path
        if not given and remote.path is not None:
            path = folder / remote.path
        root = arguments.trust_root
        if root is None and arguments.trust is None and settings.trust.root is not None:
            root = folder / settings.trust.root
        own = None if arguments.trust is None else arguments.trust.certificate
        cache, state = settings.cache_dir, settings.state_dir
        return cls(
            path=path,
            url=arguments.manifest_url if given else remote.url,
            trust=read_policy(settings, folder) if arguments.trust is None else arguments.trust,
            anchor=None if root is None else read_bounded(root),
            asked=settings.trust,
            certificate=arguments.certificate or own or read_certificate_policy(settings, folder),
            refresh_interval=arguments.refresh_interval or remote.refresh_interval,
            cache_dir=arguments.cache_dir or (default_cache_dir() if cache is None else folder / cache),
            state_dir=arguments.state_dir or (default_state_dir() if state is None else folder / state),
            headers=MappingProxyType({**remote.headers, **arguments.headers}),
            limits=limits_of(remote),
            addresses=AddressPolicy(remote.networks, http_to_loopback=remote.http_to_loopback),
            local_roots=tuple(folder / root for root in remote.local_roots),
        )

    @property
    def place(self) -> Path | str | None:
        """Where the manifest is; None if there is none."""
        return self.path if self.url is None else self.url

    def fetcher(self, clock: Clock) -> Fetcher:
        """What asks servers."""
        from oneiric_core.remote.http import HttpFetcher  # noqa: PLC0415 - costs more than all the rest

        return HttpFetcher(addresses=self.addresses, limits=self.limits, clock=clock)

    def artifacts(self, fetcher: Fetcher, clock: Clock) -> ArtifactManager:
        """What brings artifacts."""
        return ArtifactManager(self.cache_dir, local_roots=self.local_roots, fetcher=fetcher, clock=clock)

    def fetches_as(self, other: Self) -> bool:
        """Can what asks servers, and what brings artifacts, stay as they are?"""
        return (self.limits, self.addresses, self.local_roots) == (other.limits, other.addresses, other.local_roots)

    def settled_otherwise(self, other: Self) -> tuple[str, ...]:
        """Which settings of ``other`` cannot take the place of this one's while it runs."""
        return tuple(name for name in ("cache_dir", "state_dir") if getattr(self, name) != getattr(other, name))

    def moved_to(self, other: Self) -> Self:
        """``other`` with the directories of this one."""
        return replace(other, cache_dir=self.cache_dir, state_dir=self.state_dir)


def limits_of(remote: RemoteSettings) -> FetchLimits:
    """What is configured, and what is usual where nothing is."""
    given = {
        "seconds": remote.timeout,
        "attempts": remote.attempts,
        "manifest_bytes": remote.max_manifest_bytes,
        "artifact_bytes": remote.max_artifact_bytes,
    }
    return FetchLimits(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # each has the type of its namesake
