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
from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

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
    Listed,
    RetryPolicy,
    Sha256,
    Shape,
)
from oneiric_core.manifest.text import MAX_SAFE_INTEGER, cut, shown

__all__ = ["ALGORITHM", "ManifestHeader", "ManifestSignature", "RemoteManifest", "RemoteManifestEntry"]

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


def _written(pattern: str, **more: Any) -> WithJsonSchema:
    """What the schema can say of a text that a validator judges: never more than the validator says."""
    return WithJsonSchema({"type": "string", "pattern": pattern, **more})


_LONGEST: Final = 1000


_SCALARS: Final = frozenset({str, int, float, bool, type(None), dict})


def _plain(value: Any) -> Any:
    if type(value) in _SCALARS:  # asking a model's class what it is an instance of costs ten times as much
        return value
    if isinstance(value, Shape):
        return value.to_document()
    return [_plain(item) for item in value] if isinstance(value, list) else value


Name = Annotated[str, AfterValidator(_name), _written(r"^(?!.*\.\.)(?!\.$)[A-Za-z0-9_.\-]+$(?!\n)")]
Factory = Annotated[
    str,
    AfterValidator(_factory),
    _written(
        r"^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*(?:\s*:\s*|\.)[A-Za-z_][A-Za-z0-9_]*$(?!\n)",
        examples=["package.module:attribute"],
    ),
]
Moment = Annotated[
    str, AfterValidator(_moment), _written("^[0-9]{4}-?(?:[0-9]{2}|W)", examples=["2026-01-31T12:00:00Z"])
]
RequirementText = Annotated[
    str, Field(max_length=_LONGEST), AfterValidator(_requirement), _written(r"^\s*[A-Za-z0-9]", maxLength=_LONGEST)
]
SpecifierText = Annotated[
    str, Field(max_length=_LONGEST), AfterValidator(_specifiers), _written(r"^\s*(?:[~=!<>,]|$)", maxLength=_LONGEST)
]
LicenseText = Annotated[
    str, Field(max_length=_LONGEST), AfterValidator(_license), _written(r"^\s*[A-Za-z0-9(]", maxLength=_LONGEST)
]

_A_NAME: Final = "<name>"
_A_DESCRIPTOR: Final = "<descriptor>"
Capability = Annotated[
    Annotated[str, Field(min_length=1), Tag(_A_NAME)] | Annotated[CapabilityDescriptor, Tag(_A_DESCRIPTOR)],
    Discriminator(lambda value: _A_NAME if isinstance(value, str) else _A_DESCRIPTOR),
]
"""Told apart before they are looked at, so that an error is about the one that was meant."""


class RemoteManifestEntry(Shape):
    """One component that a publisher offers.

    :param factory: where to find what makes it, as ``"package.module:attribute"``.
    :param uri: the wheel that carries its code, with ``sha256`` and ``length`` in bytes.
    :param requires: PEP 508 requirements that must be installed, and ``conflicts_with`` those that must not.
    :param python_version: PEP 440 specifiers; ``license``: an SPDX expression.
    """

    domain: Annotated[Domain, Field(strict=False, description="What kind of thing the component is.")]
    key: Name = Field(description="What an application asks for.")
    provider: Name = Field(description="Who provides it: tells candidates for one key apart.")
    factory: Factory = Field(description="Where to find what makes it, as 'package.module:attribute'.")
    uri: str | None = Field(default=None, description="The wheel that carries its code.")
    sha256: Sha256 | None = Field(default=None, description="SHA-256 of that file, 64 hexadecimal digits.")
    stack_level: int | None = Field(default=None, description="The layer it belongs to; higher wins. None is 0.")
    priority: int | None = Field(default=None, description="Within one layer higher wins. None is 0.")
    version: str | None = Field(default=None, description="The version of the component.")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Anything else; fields override namesakes.")

    length: int | None = Field(default=None, ge=0, description="Size of the file at 'uri', in bytes.")
    capabilities: Listed[Capability] = Field(default_factory=list, description="What it can do: names, or descriptors.")
    owner: str | None = Field(default=None, description="Who answers for it.")
    requires_secrets: bool = Field(default=False, description="Does it need secrets to work?")
    settings_model: str | None = Field(
        default=None, description="The pydantic model of its settings, as 'package.module:Class'."
    )
    side_effect_free: bool = Field(default=False, description="May it be called again without harm?")
    timeout_seconds: float | None = Field(default=None, gt=0, description="How long one call may take.")
    retry_policy: RetryPolicy | None = Field(default=None, description="How often and when a call is tried again.")
    requires: Listed[RequirementText] = Field(
        default_factory=list, description="Requirements (PEP 508) that must be installed, or the entry is skipped."
    )
    conflicts_with: Listed[RequirementText] = Field(
        default_factory=list, description="Requirements (PEP 508) of which none may be installed."
    )
    python_version: SpecifierText | None = Field(default=None, description="Pythons it runs on (PEP 440 specifiers).")
    os_platform: Listed[str] | None = Field(
        default=None, description="Systems it runs on, as sys.platform says them; any if empty."
    )
    license: LicenseText | None = Field(default=None, description="An SPDX expression.")
    documentation_url: str | None = Field(default=None, description="Where people read about it.")
    event_topics: Listed[str] | None = Field(default=None, description="Topics an event handler is given.")
    event_max_concurrency: int | None = Field(default=None, ge=1, description="How many events it handles at once.")
    event_filters: Listed[EventFilter] | None = Field(default=None, description="Conditions that all have to hold.")
    event_priority: int | None = Field(default=None, description="Higher comes first.")
    event_fanout_policy: Literal["broadcast", "exclusive"] | None = Field(
        default=None, description="Is it alone in getting an event ('exclusive'), if it comes first?"
    )
    dag: Dag | None = Field(default=None, description="The steps of a workflow.")
    certificate: CertificateReference | None = Field(
        default=None, description="Where the conformance certificate of the artifact is."
    )

    @property
    def name(self) -> str:
        """``domain/key/provider``."""
        return f"{self.domain}/{self.key}/{self.provider}"

    def to_candidate(self, origin: str) -> Candidate:
        """The candidate it stands for; every field reaches its metadata under the published names.

        :param origin: the source of the manifest it came in.
        """
        return candidate_of(self._written(), origin, unknown=self.model_extra or ())

    def _written(self) -> dict[str, Any]:
        """As :meth:`to_document`, without a copy of what is plain already: there may be very many entries."""
        held, extra = self.__dict__, self.model_extra or {}
        given = sorted(self.model_fields_set - extra.keys(), key=_POSITION.__getitem__)  # few of many
        return {name: value if type(value := held[name]) in _SCALARS else _plain(value) for name in given} | extra


_POSITION: Final = {name: position for position, name in enumerate(RemoteManifestEntry.model_fields)}
ALGORITHM: Final = "ed25519"
"""The one that signatures are made by here."""


class ManifestSignature(Shape):
    """A flat signature by one signer, base64; ``key_id`` is a hint and decides nothing.

    One of another algorithm has whatever its algorithm needs: it does not count, and nothing fails for it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"algorithm": {"const": ALGORITHM}}},
            "then": {"properties": {"signature": {"type": "string"}}, "required": ["signature"]},
        }
    )

    algorithm: str = Field(default=ALGORITHM, description="One that is not known here does not count.")
    signature: Any = Field(
        default=None, validate_default=True, description="Base64 of 64 bytes; what it is in other algorithms is theirs."
    )
    key_id: str | None = Field(default=None, description="A hint for people.")

    @field_validator("signature")
    @classmethod
    def _text_where_known(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("algorithm") == ALGORITHM and not isinstance(value, str):
            raise ValueError("a signature is text")
        return value


class ManifestHeader(Shape):
    """What a manifest says about itself; read before anything else in it is.

    :param sequence_number: only ever grows within one ``source``.
    :param signed_at: a moment, as ``expires_at``; without a zone it means UTC.
    """

    source: str = Field(
        default="remote",
        min_length=1,
        max_length=_LONGEST,
        description="Who publishes: the name of this line of manifests.",
    )
    schema_version: int | None = Field(default=None, ge=1, description="Which version it was written for; informs.")
    sequence_number: int | None = Field(
        default=None, ge=0, le=MAX_SAFE_INTEGER, description="Grows with every manifest of one source."
    )
    signed_at: Moment | None = Field(default=None, description="When it was signed; UTC if no zone is given.")
    expires_at: Moment | None = Field(default=None, description="When it stops being valid; UTC if no zone is given.")

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
            steps = [step for step in first["loc"] if step not in {_A_NAME, _A_DESCRIPTOR}]
            field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
            problem = cut(first["msg"].removeprefix("Value error, "), 300)
            more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
            raise ManifestError(
                f"the manifest's {field or 'document'} is {shown(first['input'])}: {problem}{more}",
                fix="Correct it and sign the manifest again",
                field=field,
                errors=error.error_count(),
            ) from error


class RemoteManifest(ManifestHeader):
    """What a publisher offers, all of it, at one moment. No two entries have one domain, key and provider."""

    entries: Listed[RemoteManifestEntry] = Field(default_factory=list, description="The components on offer.")
    signature: str | None = Field(default=None, description="The signature of a single signer, base64 of 64 bytes.")
    signature_algorithm: str = Field(default=ALGORITHM, description="The algorithm of 'signature'.")
    signatures: Listed[ManifestSignature] = Field(default_factory=list, description="Signatures of several signers.")

    @model_validator(mode="after")
    def _no_twins(self) -> Self:
        seen: set[tuple[str, str, str]] = set()
        for place, entry in enumerate(self.entries):
            name = entry.domain, entry.key, entry.provider
            if name in seen:
                raise ValueError(f"{cut(entry.name, 200)} is listed twice, again at entries[{place}]")
            seen.add(name)
        return self
