"""What a manifest is made of, and which one is meant, as it is said on the command line."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from oneiric_core.cli.arguments import as_usage, existing, existing_manifest, named
from oneiric_core.manifest.text import MAX_SAFE_INTEGER
from oneiric_core.publish.generate import check_version
from oneiric_core.publish.packages import plain_name

__all__ = [
    "ArtifactUrl",
    "CertificateUrl",
    "CertificatesOption",
    "ManifestPath",
    "OnlySource",
    "PackagesOption",
    "PreviousManifest",
    "SequenceNumber",
    "SourceName",
    "VersionOption",
    "WheelsOption",
]


def _version(text: str) -> str:
    with as_usage():
        return check_version(text)


def _package(text: str) -> str:
    with as_usage():
        plain_name(text)
    return text


ManifestPath: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--manifest", metavar="PATH", parser=existing_manifest, help="A manifest: .json, .yaml or .dsse.json."
    ),
]
PreviousManifest: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--previous",
        metavar="PATH",
        parser=existing_manifest,
        help="What was published last; the number follows it.",
    ),
]
SequenceNumber: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--sequence-number",
        metavar="N",
        min=1,
        max=MAX_SAFE_INTEGER,
        help="Its number; the next one if left out.",
    ),
]
VersionOption: TypeAlias = Annotated[
    str,
    typer.Option("--version", metavar="V", parser=_version, help="The version of components that do not declare one."),
]
PackagesOption: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--package", metavar="NAME", parser=_package, help="An installed package, ours if left out; may be said again."
    ),
]
SourceName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="S",
        parser=named,
        help="The name of this line of manifests; the package's if left out.",
    ),
]
OnlySource: TypeAlias = Annotated[
    str | None, typer.Option("--source", metavar="S", parser=named, help="The only source accepted.")
]
WheelsOption: TypeAlias = Annotated[
    list[Path],
    typer.Option("--artifact", metavar="WHEEL", parser=existing, help="The wheel of a package; may be said again."),
]
ArtifactUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--artifact-url", metavar="URL", help="Where wheels will be; ends in a slash, or in the wheel's name."
    ),
]
CertificatesOption: TypeAlias = Annotated[
    list[Path],
    typer.Option(
        "--certificate", metavar="PATH", parser=existing, help="The certificate of a wheel; may be said again."
    ),
]
CertificateUrl: TypeAlias = Annotated[
    str | None,
    typer.Option("--certificate-url", metavar="URL", help="Where certificates will be; ends as --artifact-url does."),
]
