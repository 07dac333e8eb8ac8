"""``oneiric-core artifacts``: bring wheels to where runtimes fetch them."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, examples, existing
from oneiric_core.cli.buckets import (
    BackendOption,
    BucketOption,
    EndpointOption,
    KeyOption,
    PublicOption,
    PublicUrlOption,
    RegionOption,
)
from oneiric_core.cli.finding import plain_application
from oneiric_core.publish.places import Place
from oneiric_core.publish.reach import Promise, refuse_unkept
from oneiric_core.publish.upload import upload_artifact

__all__ = ["verb"]

verb = plain_application()

_MEDIA_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(?:\s*;.*)?", re.ASCII)


def _media_type(text: str) -> str:
    """It stays with the object for ever, and so what is none is refused."""
    if not _MEDIA_TYPE.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no media type; write it like application/zip")
    return text


@verb.callback()
def artifacts() -> None:
    """Bring wheels to where runtimes fetch them."""


@verb.command(
    epilog=examples(
        "oneiric-core artifacts upload --artifact dist/acme_oneiric-1.4.0-py3-none-any.whl \\\n"
        "--backend s3 --bucket acme-releases --region eu-central-1 --key wheels/acme_oneiric-1.4.0-py3-none-any.whl",
        "oneiric-core artifacts upload --artifact dist/acme_oneiric-1.4.0-py3-none-any.whl \\\n"
        "--backend file --bucket /srv/www --key wheels/acme_oneiric-1.4.0-py3-none-any.whl",
    )
)
def upload(
    *,
    artifact: Annotated[
        Path, typer.Option("--artifact", metavar="PATH", parser=existing, help="The file to bring there.")
    ],
    backend: BackendOption,
    bucket: BucketOption,
    key: KeyOption,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
    content_type: Annotated[
        str | None,
        typer.Option("--content-type", metavar="T", parser=_media_type, help="As the key says if left out."),
    ] = None,
    public_url: PublicUrlOption = None,
    public: PublicOption = False,
    as_json: AsJson = False,
) -> None:
    """Upload a file once and for all, read it back, and say the URL it is found under.

    What stands under a key stays: the same bytes are done already, other bytes are refused. Credentials are found as
    the vendors' own tools find them. No ACL is set: who may read is the business of the bucket's policy.
    """
    place = Place(backend, bucket, key, region, endpoint_url, public_url)
    with render.progress(f"Uploading {artifact.name}", 2 * artifact.stat().st_size) as done:
        made = upload_artifact(artifact, place, content_type=content_type, progress=done)
    if public:
        refuse_unkept([Promise(made.url, made.sha256, made.length)])
    if as_json:
        told = {"url": made.url, "sha256": made.sha256, "length": made.length, "created": made.created}
        render.data(told | {"backend": backend.value, "bucket": bucket, "key": key})
    else:
        render.text(
            f"{place}: {'uploaded' if made.created else 'there already'}, {made.length} bytes, sha256 {made.sha256}"
        )
        render.text(made.url)
