"""Where things are published to, as it is said on the command line."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from oneiric_core.artifacts.confine import confine
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


def _named(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("it has no name")
    return text


BackendOption: TypeAlias = Annotated[Backend, typer.Option("--backend", help="What keeps it: S3, GCS, or a directory.")]
BucketOption: TypeAlias = Annotated[
    str, typer.Option("--bucket", metavar="B", parser=_named, help="The bucket; with file, the directory.")
]
KeyOption: TypeAlias = Annotated[
    str, typer.Option("--key", metavar="K", parser=_plain, help="The name in the bucket, such as wheels/acme-1.0.whl.")
]
RegionOption: TypeAlias = Annotated[
    str | None, typer.Option("--region", metavar="R", help="Of an S3 bucket; AWS_REGION if left out.")
]
EndpointOption: TypeAlias = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="U", help="Of a server that speaks S3 or GCS.")
]
PublicUrlOption: TypeAlias = Annotated[
    str | None, typer.Option("--public-url", metavar="U", help="Where the bucket is published, if under another name.")
]
PublicOption: TypeAlias = Annotated[
    bool, typer.Option("--public", help="Fetch it without credentials afterwards, and fail unless it is there.")
]
