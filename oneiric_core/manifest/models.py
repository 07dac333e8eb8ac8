"""What a manifest and its entries say, as frozen models.

Version 1 of the schema is the first ten fields of an entry; version 2 adds the others, all optional. A document of
version 1 stays valid forever, and unknown fields are kept in both.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from pydantic import AfterValidator, Field, ValidationError, model_validator

from oneiric_core.components import Candidate
from oneiric_core.domains import Domain
from oneiric_core.errors import ManifestError
from oneiric_core.manifest.candidates import candidate_of
from oneiric_core.manifest.moments import read_moment
from oneiric_core.manifest.shapes import (
    CapabilityDescriptor,
    CertificateReference,
    Dag,
    EventFilter,
    RetryPolicy,
    Sha256,
    Shape,
)
from oneiric_core.manifest.text import MAX_SAFE_INTEGER, shown

__all__ = ["ManifestHeader", "ManifestSignature", "RemoteManifest", "RemoteManifestEntry"]

_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]+")
_FACTORY: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\s*:\s*[A-Za-z_]\w*|\.[A-Za-z_]\w*)", re.ASCII)
_MAX_PARENTHESES: Final = 16  # the parsers of packaging recurse on them


def _name(text: str) -> str:
    if not _NAME.fullmatch(text) or ".." in text or text == ".":
        raise ValueError("a name is made of letters, digits, '_', '-' and single dots")
    return text


def _factory(text: str) -> str:
    if not _FACTORY.fullmatch(text):
        raise ValueError("a factory is written as 'package.module:attribute'")
    return text


def _moment(text: str) -> str:
    try:
        read_moment(text)
    except ManifestError as error:
        raise ValueError(f"{error.what}") from error
    return text


def _flat(text: str) -> str:
    if text.count("(") > _MAX_PARENTHESES:
        raise ValueError(f"more than {_MAX_PARENTHESES} parentheses")
    return text


def _requirement(text: str) -> str:
    Requirement(_flat(text))
    return text


def _specifiers(text: str) -> str:
    SpecifierSet(text)
    return text


def _license(text: str) -> str:
    canonicalize_license_expression(_flat(text))
    return text


Name = Annotated[str, AfterValidator(_name)]
Moment = Annotated[str, AfterValidator(_moment)]
RequirementText = Annotated[str, Field(max_length=1000), AfterValidator(_requirement)]


class RemoteManifestEntry(Shape):
    """One component that a publisher offers.

    :param factory: where to find what makes it, as ``"package.module:attribute"``.
    :param uri: the wheel that carries its code, with ``sha256`` and ``length`` in bytes.
    :param requires: PEP 508 requirements that must be installed, and ``conflicts_with`` those that must not.
    :param python_version: PEP 440 specifiers; ``license``: an SPDX expression.
    """

    domain: Annotated[Domain, Field(strict=False)]
    key: Name
    provider: Name
    factory: Annotated[str, AfterValidator(_factory)]
    uri: str | None = None
    sha256: Sha256 | None = None
    stack_level: int | None = None
    priority: int | None = None
    version: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    length: int | None = Field(default=None, ge=0)
    capabilities: list[Annotated[str, Field(min_length=1)] | CapabilityDescriptor] = Field(default_factory=list)
    owner: str | None = None
    requires_secrets: bool = False
    settings_model: str | None = None
    side_effect_free: bool = False
    timeout_seconds: float | None = Field(default=None, gt=0)
    retry_policy: RetryPolicy | None = None
    requires: list[RequirementText] = Field(default_factory=list)
    conflicts_with: list[RequirementText] = Field(default_factory=list)
    python_version: Annotated[str, Field(max_length=1000), AfterValidator(_specifiers)] | None = None
    os_platform: list[str] | None = None
    license: Annotated[str, Field(max_length=1000), AfterValidator(_license)] | None = None
    documentation_url: str | None = None
    event_topics: list[str] | None = None
    event_max_concurrency: int | None = Field(default=None, ge=1)
    event_filters: list[EventFilter] | None = None
    event_priority: int | None = None
    event_fanout_policy: Literal["broadcast", "exclusive"] | None = None
    dag: Dag | None = None
    certificate: CertificateReference | None = None

    @property
    def name(self) -> str:
        """``domain/key/provider``."""
        return f"{self.domain}/{self.key}/{self.provider}"

    def to_candidate(self, origin: str) -> Candidate:
        """The candidate it stands for; every field reaches its metadata under the published names.

        :param origin: the source of the manifest it came in.
        """
        return candidate_of(self.to_document(), origin, unknown=frozenset(self.model_extra or ()))


class ManifestSignature(Shape):
    """A flat signature by one signer, base64; ``key_id`` is a hint and decides nothing."""

    signature: str
    algorithm: str = "ed25519"
    key_id: str | None = None


class ManifestHeader(Shape):
    """What a manifest says about itself; read before anything else in it is.

    :param sequence_number: only ever grows within one ``source``.
    :param signed_at: a moment, as ``expires_at``; without a zone it means UTC.
    """

    source: str = Field(default="remote", min_length=1, max_length=1000)
    schema_version: int | None = Field(default=None, ge=1)
    sequence_number: int | None = Field(default=None, ge=0, le=MAX_SAFE_INTEGER)
    signed_at: Moment | None = None
    expires_at: Moment | None = None

    @property
    def signed(self) -> datetime | None:
        """``signed_at`` in UTC."""
        return None if self.signed_at is None else read_moment(self.signed_at)

    @property
    def expires(self) -> datetime | None:
        """``expires_at`` in UTC."""
        return None if self.expires_at is None else read_moment(self.expires_at)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """What ``document`` (as parsed) says, in terms of this model; fields of others are kept and not looked at.

        :raises ManifestError: a field of the wrong type or form, with ``field`` naming the first of them.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
            problem = first["msg"].removeprefix("Value error, ")
            more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
            raise ManifestError(
                f"the manifest's {field or 'document'} is {shown(first['input'])}: {problem}{more}",
                fix="Correct it and sign the manifest again",
                field=field,
                errors=error.error_count(),
            ) from error


class RemoteManifest(ManifestHeader):
    """What a publisher offers, all of it, at one moment. No two entries have one domain, key and provider."""

    entries: list[RemoteManifestEntry] = Field(default_factory=list)
    signature: str | None = None
    signature_algorithm: str = "ed25519"
    signatures: list[ManifestSignature] = Field(default_factory=list)

    @model_validator(mode="after")
    def _no_twins(self) -> Self:
        seen: set[str] = set()
        for place, entry in enumerate(self.entries):
            if entry.name in seen:
                raise ValueError(f"{entry.name} is listed twice, again at entries[{place}]")
            seen.add(entry.name)
        return self
