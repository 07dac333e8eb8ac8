"""Where things are published to, as it is said on the command line."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from oneiric_core.artifacts.confine import confine
from oneiric_core.cli.arguments import http_url, named
from oneiric_core.errors import PathTraversalError
from oneiric_core.publish.places import Backend

__all__ = [
    "BackendOption",
    "BucketOption",
    "EndpointOption",
    "KeyOption",
    "PublicOption",
    "PublicUrlOption",
    "RegionOption",
]


def _plain(text: str) -> str:
    try:
        confine(Path("/"), text)
    except PathTraversalError as error:
        raise typer.BadParameter(error.what) from error
    return text


def _public_url(text: str) -> str:
    return text if text.startswith("file:///") else http_url(text)


BackendOption: TypeAlias = Annotated[Backend, typer.Option("--backend", help="What keeps it: S3, GCS, or a directory.")]
BucketOption: TypeAlias = Annotated[
    str, typer.Option("--bucket", metavar="B", parser=named, help="The bucket; with file, the directory.")
]
KeyOption: TypeAlias = Annotated[
    str, typer.Option("--key", metavar="K", parser=_plain, help="The name in the bucket, such as wheels/acme-1.0.whl.")
]
RegionOption: TypeAlias = Annotated[
    str | None, typer.Option("--region", metavar="R", help="Of an S3 bucket; AWS_REGION if left out.")
]
EndpointOption: TypeAlias = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="U", parser=http_url, help="Of a server that speaks S3 or GCS.")
]
PublicUrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--public-url",
        metavar="U",
        parser=_public_url,
        help="Where the bucket is published, if under another name.",
    ),
]
PublicOption: TypeAlias = Annotated[
    bool, typer.Option("--public", help="Fetch it without credentials afterwards, and fail unless it is there.")
]
