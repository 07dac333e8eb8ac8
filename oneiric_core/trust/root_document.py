"""A root as it is written: JSON in an envelope, for the manifests of one source."""

from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import Field, ValidationError

from oneiric_core.errors import ManifestError
from oneiric_core.manifest.documents import JSON, parse_document
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.shapes import Listed, Shape
from oneiric_core.manifest.text import MAX_SAFE_INTEGER, shown

__all__ = ["ROOT_LIMITS", "ROOT_PAYLOAD", "Role", "RootDocument"]

ROOT_PAYLOAD: Final = "application/vnd.oneiric.root+json"
"""What an envelope around a root says that it holds; no manifest passes for one."""

ROOT_LIMITS: Final = Limits(max_bytes=512 * 1024)


class Role(Shape):
    """Who may speak in a role, and how many of them must.

    :param keys: each as base64 of its 32 bytes, or as PEM.
    """

    keys: Listed[str] = Field(min_length=1, max_length=64)
    threshold: int = Field(ge=1)


class Roles(Shape):
    """``root`` signs the next root, ``manifest`` signs manifests."""

    root: Role
    manifest: Role


class RootDocument(Shape):
    """A root as written. Unknown fields are kept, and signed.

    :param version: from 1; each root has the one after that of its predecessor.
    :param expires_at: a moment in the form of RFC 3339.
    """

    source: str = Field(min_length=1, max_length=1000)
    version: int = Field(ge=1, le=MAX_SAFE_INTEGER)
    expires_at: str
    roles: Roles

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """The root in the bytes that were signed.

        :raises ManifestError: there is none.
        """
        return cls.from_document(parse_document(payload, JSON, ROOT_LIMITS))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The root that plain JSON values stand for.

        :raises ManifestError: they stand for none; ``field`` names the first that is wrong.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            raise ManifestError(
                f"the root's {field} is {shown(first['input'])}: {first['msg']}",
                fix="Correct it and sign the root again",
                field=field,
            ) from error
