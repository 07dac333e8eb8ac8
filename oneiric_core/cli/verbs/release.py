"""``oneiric-core release``: do tag, wheels and manifest agree, and what is new."""

from pathlib import Path
from typing import Annotated

import typer

from oneiric_core.cli import render
from oneiric_core.cli.arguments import (
    AsJson,
    PublicKeys,
    as_usage,
    examples,
    existing,
    existing_directory,
    existing_manifest,
)
from oneiric_core.cli.finding import plain_application
from oneiric_core.clock import SYSTEM_CLOCK
from oneiric_core.manifest import media_type_of
from oneiric_core.publish import read_wheel
from oneiric_core.publish.agreement import refuse_disagreement, version_of_tag
from oneiric_core.publish.notes import release_notes
from oneiric_core.publish.write import read_file
from oneiric_core.trust import TrustPolicy, load_public_key, verify_manifest

__all__ = ["verb"]

verb = plain_application()


def _tag(text: str) -> str:
    with as_usage():
        version_of_tag(text)
    return text


Tag = Annotated[str, typer.Option("--tag", metavar="T", parser=_tag, help="The tag of the release, like v1.4.0.")]


@verb.callback()
def release() -> None:
    """Do tag, wheels and manifest agree, and what is new."""


@verb.command(
    epilog=examples(
        "oneiric-core release check --tag v1.4.0 --artifact dist/acme_oneiric-1.4.0-py3-none-any.whl",
        "oneiric-core release check --tag v1.4.0 --artifact dist/acme_oneiric-1.4.0-py3-none-any.whl \\\n"
        "--manifest manifest.dsse.json --public-key keys/oneiric.public.pem",
    )
)
def check(
    *,
    tag: Tag,
    artifact: Annotated[
        list[Path], typer.Option("--artifact", metavar="WHEEL", parser=existing, help="A wheel; may be said again.")
    ],
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest", metavar="PATH", parser=existing_manifest, help="The manifest, signed; verified, too."
        ),
    ] = None,
    public_key: PublicKeys = [],  # noqa: B006 - typer's way of saying none
    as_json: AsJson = False,
) -> None:
    """Refuse a release whose tag, wheels and manifest are not about the same version and the same bytes.

    What the manifest offers of a released wheel has to name it, its digest and its version. What it offers besides,
    from another package or of what is installed, is told.
    """
    if (manifest is None) != (not public_key):
        raise typer.BadParameter("--manifest and --public-key go together: what is not verified is not looked at")
    offered = None
    if manifest is not None:
        policy = TrustPolicy([load_public_key(read_file(path), name=str(path)) for path in public_key])
        data, kind = read_file(manifest), media_type_of(manifest.name)
        offered = verify_manifest(data, kind, policy, now=SYSTEM_CLOCK.now()).manifest
    wheels = [read_wheel(path, offered=offered is not None) for path in artifact]
    found = refuse_disagreement(tag, wheels, offered)
    if as_json:
        told = {"version": str(found.version), "artifacts": {wheel.filename: wheel.sha256 for wheel in wheels}}
        render.data(told | {"elsewhere": {name: filename or None for name, filename in found.elsewhere.items()}})
        return
    parts = "tag and wheel" if offered is None else "tag, wheel and manifest"
    render.text(f"{found.version}: {parts} agree")
    for name, filename in found.elsewhere.items():
        render.text(f"{name} is not of this release: {filename or 'no artifact carries it'}")


@verb.command(epilog=examples("oneiric-core release notes --tag v1.4.0"))
def notes(
    *,
    tag: Tag,
    project: Annotated[
        Path, typer.Option("--project", metavar="DIR", parser=existing_directory, help="Where its pyproject.toml is.")
    ] = Path(),
) -> None:
    """Write the notes of a release, made by towncrier of the fragments in the project, to standard output."""
    render.verbatim(release_notes(project, version_of_tag(tag)).encode())
