"""What could be chosen here: what is installed, and what a manifest offers that somebody wants to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from oneiric_core.cli.arguments import existing_manifest
from oneiric_core.cli.configuring import read_configured
from oneiric_core.components import CandidateSource
from oneiric_core.discovery import DiscoveryFailure, discover
from oneiric_core.errors import ArtifactError
from oneiric_core.manifest import media_type_of
from oneiric_core.manifest.applicability import why_not_here
from oneiric_core.remote.environment import current_environment
from oneiric_core.remote.limits import FetchLimits, too_large
from oneiric_core.resolver import Resolver
from oneiric_core.runtime.plan import limits_of
from oneiric_core.trust import UnsafeAcceptUnsigned, authenticate, open_manifest

__all__ = ["Gathered", "ManifestOption", "gather"]

ManifestOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="PATH",
        parser=existing_manifest,
        help="A manifest whose entries are looked at, too; nobody asks whether it may be believed.",
    ),
]


@dataclass(frozen=True, slots=True)
class Gathered:
    """All of it, with what is selected.

    :param failed: announcements nothing came of.
    :param manifest: what there is to say of the manifest, as plain JSON data; None where none was named.
    """

    resolver: Resolver
    failed: tuple[DiscoveryFailure, ...]
    manifest: Mapping[str, Any] | None = field(default=None)


def gather(manifest: Path | None, settings: Path | None) -> Gathered:
    """Look. No code of a manifest is imported, and nothing is remembered of it.

    :raises SettingsError: the settings cannot be used.
    :raises ManifestError: the manifest cannot be read.
    """
    configured = read_configured(settings)
    selections = {str(domain): chosen for domain, chosen in configured.selections.items()}
    resolver = Resolver(selections=selections)
    failed = discover(resolver).failed
    limits = limits_of(configured.remote)
    return Gathered(resolver, failed, None if manifest is None else _offer(manifest, resolver, limits))


def _offer(path: Path, resolver: Resolver, limits: FetchLimits) -> Mapping[str, Any]:
    data = _read(path, limits.manifest_bytes)
    authentic = authenticate(data, media_type_of(path.name), UnsafeAcceptUnsigned(), limits.document)
    manifest = open_manifest(authentic).manifest
    environment = current_environment()
    reasons = {entry.name: why_not_here(entry, environment) for entry in manifest.entries}
    usable = [entry.to_candidate(manifest.source) for entry in manifest.entries if not reasons[entry.name]]
    resolver.replace_source(CandidateSource.REMOTE_MANIFEST, manifest.source, usable)
    skipped = {name: reason for name, reason in reasons.items() if reason}
    return {"path": str(path), "source": manifest.source, "verified": False, "skipped": skipped}


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}", fix="Give a file that can be read") from error
    if len(data) > most:
        raise too_large(str(path), most)
    return data
