"""What an operator configures: a mapping in, as ``oneiric.toml`` holds it, and frozen settings out; nothing is read.

Every key that has no meaning is refused, with the one that was probably meant: a setting that is silently ignored is
worse than none. Messages name the key and never show a value that may be a secret.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import Annotated, Any, Final, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from oneiric_core.components import Candidate
from oneiric_core.domains import DOMAINS, Domain
from oneiric_core.durations import seconds_of
from oneiric_core.errors import SettingsError
from oneiric_core.levels import CERTIFICATE_LEVELS
from oneiric_core.lifecycle import Timeouts
from oneiric_core.trust.certificate import CertificatePolicy
from oneiric_core.trust.keys import PublicKey, load_public_key
from oneiric_core.trust.policy import Policy, RefuseAll, TrustPolicy

__all__ = ["FactorySettings", "RemoteSettings", "Settings", "TrustSettings"]

_KEY_ITSELF: Final = re.compile(r"\s*(?:-----BEGIN |[A-Za-z0-9+/]{43}=\s*$)")

_MOVED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "remote.manifest_url": "remote.url",
        "remote.cache_dir": "cache_dir",
        "remote.auth": "remote.headers",
        "remote.signature_required": "trust.keys; signatures are always required",
        "remote.signature_threshold": "trust.threshold",
        "remote.signature_max_age_seconds": "trust.max_age",
        "remote.signature_require_expiry": "trust.require_expiry",
        "remote.allow_file_uris": "remote.local_roots",
        "remote.allowed_file_uri_roots": "remote.local_roots",
        "remote.verify_tls": "nothing; certificates of servers are always verified",
        "remote.max_retries": "remote.attempts",
    }
)
"""What the published package calls the same, for those who bring its file along."""


def _network(text: object) -> IPv4Network | IPv6Network:
    if not isinstance(text, str):
        raise ValueError("write a network as '10.0.0.0/8'")  # noqa: TRY004 - pydantic reports this kind
    return ip_network(text)


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):  # RFC 9110, section 5.6.2
        raise ValueError("a header's name is made of letters, digits and '-'")
    return name


def _header_value(value: str) -> str:
    if not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value):  # RFC 9110, section 5.5: no line breaks, no controls
        raise ValueError("a header's value is one line of printable characters")
    return value


def _frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


Duration = Annotated[float, BeforeValidator(seconds_of)]
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(strict=False)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class CertificateSettings(_Section):
    """``[trust.certificate]``: what is asked of the certificate of every artifact.

    :param keys: of the issuers, as in ``[trust]``.
    :param level: the least demanding one that is accepted: ``core`` or ``hardened``.
    """

    keys: Texts = ()
    level: Text = CERTIFICATE_LEVELS[0]

    def policy(self, read: Callable[[str], bytes]) -> CertificatePolicy:
        """The policy.

        :param read: gives the bytes of a file by its name as written.
        :raises UntrustedKeyError: there is no key, or one that cannot be read or used.
        :raises CertificateError: there is no such level.
        """
        return CertificatePolicy([_key(written, read) for written in self.keys], self.level)


class TrustSettings(_Section):
    """``[trust]``: whom to believe. Without keys and without a root nobody is.

    :param keys: files with public keys, relative to the settings file, or the keys themselves as PEM or base64.
    :param root: a file with the first root of the source, in the place of ``keys``.
    :param threshold: how many distinct keys have to sign.
    :param source: the only source accepted; the first one seen at the manifest's place is pinned if there is none.
    :param max_age: how long ago a manifest may have been signed.
    :param certificate: what is asked of the certificate of every artifact; none is needed if left out.
    """

    keys: Texts = ()
    root: Text | None = None
    threshold: Annotated[int, Field(ge=1)] = 1
    source: Text | None = None
    require_expiry: bool = False
    max_age: Duration | None = None
    certificate: CertificateSettings | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.root is not None and (self.keys or self.threshold > 1 or self.source is not None):
            raise ValueError(
                "a root says itself which keys, threshold and source; name one or the others, but not both"
            )
        return self

    def added_to(self, policy: TrustPolicy) -> TrustPolicy:
        """The policy, asking of a manifest what is asked here beside signatures, too: whichever is the stricter.

        The policy's own source goes before the one that is named here.
        """
        own = None if self.max_age is None else timedelta(seconds=self.max_age)
        return replace(
            policy,
            source=policy.source or self.source,
            require_expiry=policy.require_expiry or self.require_expiry,
            max_age=min((age for age in (policy.max_age, own) if age is not None), default=None),
        )

    def policy(self, read: Callable[[str], bytes]) -> Policy:
        """The policy of the listed keys; :class:`~oneiric_core.RefuseAll` where none is.

        :param read: gives the bytes of a file by its name as written.
        :raises UntrustedKeyError: a key cannot be read or used.
        :raises TrustError: the threshold makes no sense with so many keys.
        """
        if not self.keys:
            return RefuseAll()
        return self.added_to(TrustPolicy([_key(written, read) for written in self.keys], threshold=self.threshold))


def _key(written: str, read: Callable[[str], bytes]) -> PublicKey:
    if _KEY_ITSELF.match(written):
        return load_public_key(written, name="in the settings")
    return load_public_key(read(written), name=written)


class RemoteSettings(_Section):
    """``[remote]``: where manifests and artifacts come from.

    :param url: of the manifest; or ``path``, a file relative to the settings file.
    :param refresh_interval: how often to look for a new manifest.
    :param headers: sent to the origin of the URL and to no other.
    :param timeout: for a manifest, and the least one for an artifact, retries included.
    :param attempts: how often a server is asked at most.
    :param networks: private networks that may be connected to.
    :param http_to_loopback: servers of this machine may be asked without encryption.
    :param local_roots: directories from which artifacts may be taken as files.
    """

    url: Text | None = None
    path: Text | None = None
    refresh_interval: Duration | None = None
    headers: Annotated[
        Mapping[Annotated[str, AfterValidator(_header_name)], Annotated[str, AfterValidator(_header_value)]],
        AfterValidator(_frozen),
    ] = Field(default_factory=lambda: MappingProxyType({}), repr=False)
    timeout: Duration | None = None
    attempts: Annotated[int, Field(ge=1, le=20)] | None = None
    max_manifest_bytes: Annotated[int, Field(ge=1)] | None = None
    max_artifact_bytes: Annotated[int, Field(ge=1)] | None = None
    networks: Annotated[tuple[Network, ...], Field(strict=False)] = ()
    http_to_loopback: bool = False
    local_roots: Texts = ()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.url is not None and self.path is not None:
            raise ValueError("name a url or a path, but not both")
        return self


class FactorySettings(_Section):
    """``[factories]``: whose code may be named by manifests.

    :param allow: packages or modules; None allows our own and those that announce components by entry points.
    """

    allow: Texts | None = None


_DEFAULT: Final = Timeouts()


class _Lifecycle(_Section):
    activation_timeout: Duration = _DEFAULT.activation
    health_timeout: Duration = _DEFAULT.health
    cleanup_timeout: Duration = _DEFAULT.cleanup
    drain_timeout: Duration = _DEFAULT.drain


class _Layer(_Section):
    selections: dict[Text, Text] = Field(default_factory=dict)
    provider_settings: dict[Text, dict[str, Any]] = Field(default_factory=dict, repr=False)


class _General(_Section):
    cache_dir: Text | None = None
    state_dir: Text | None = None
    trust: TrustSettings = Field(default_factory=TrustSettings)
    remote: RemoteSettings = Field(default_factory=RemoteSettings)
    factories: FactorySettings = Field(default_factory=FactorySettings)
    lifecycle: _Lifecycle = Field(default_factory=_Lifecycle)


_layers: Final[dict[str, Any]] = {spec.plural: (_Layer, Field(default_factory=_Layer)) for spec in DOMAINS.values()}
_Document: Final[type[_General]] = create_model("_Document", __base__=_General, **_layers)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured.

    :param selections: by domain and key, the provider that shall run.
    :param provider_settings: by domain and provider, what its components are given.
    :param timeouts: how long components may take.
    :param cache_dir: where artifacts are kept; ``state_dir``: what is remembered of sources. None is the user's own.
    """

    selections: Mapping[Domain, Mapping[str, str]] = field(default_factory=dict)
    provider_settings: Mapping[Domain, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    trust: TrustSettings = field(default_factory=TrustSettings)
    remote: RemoteSettings = field(default_factory=RemoteSettings)
    factories: FactorySettings = field(default_factory=FactorySettings)
    timeouts: Timeouts = _DEFAULT
    cache_dir: str | None = None
    state_dir: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """What ``document`` says; nothing of it is shared with the settings.

        :raises SettingsError: a key is unknown or a value has no meaning; ``key`` is its path.
        """
        try:
            given = _Document.model_validate(deepcopy(dict(document)))
        except ValidationError as error:
            raise _refusal(error) from error
        layers: dict[Domain, _Layer] = {domain: getattr(given, spec.plural) for domain, spec in DOMAINS.items()}
        wait = given.lifecycle
        return cls(
            selections=MappingProxyType({domain: _frozen(each.selections) for domain, each in layers.items()}),
            provider_settings=MappingProxyType(
                {domain: _frozen(each.provider_settings) for domain, each in layers.items()}
            ),
            trust=given.trust,
            remote=given.remote,
            factories=given.factories,
            timeouts=Timeouts(wait.activation_timeout, wait.health_timeout, wait.cleanup_timeout, wait.drain_timeout),
            cache_dir=given.cache_dir,
            state_dir=given.state_dir,
        )

    def for_candidate(self, candidate: Candidate) -> dict[str, Any]:
        """The raw settings of a candidate's provider, a copy for it alone; empty where there are none."""
        theirs = self.provider_settings.get(Domain(candidate.domain), {})
        return deepcopy(dict(theirs.get(candidate.provider, {})))


def _refusal(error: ValidationError) -> SettingsError:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = [str(step) for step in problem["loc"] if step != "[key]"]
    key = ".".join(steps)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return SettingsError(f"there is no setting {key!r}{more}", fix=_meant(steps), key=key)
    said = _WANTED.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    return SettingsError(f"the setting {key!r} cannot be used: {said}{more}", fix="Correct it", key=key)


_WANTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "model_type": "write a table",
        "dict_type": "write a table",
        "mapping_type": "write a table",
        "tuple_type": "write a list",
        "string_type": "write a text",
        "string_too_short": "write a text that is not empty",
        "int_type": "write a whole number",
        "bool_type": "write true or false",
    }
)
"""Pydantic's words for it, in those of the file's language."""


def _meant(steps: list[str]) -> str:
    key = ".".join(steps)
    if key in _MOVED:
        return f"Here it is {_MOVED[key]}"
    known = _names_below(steps[:-1])
    near = get_close_matches(steps[-1], known, n=1)
    above = "".join(f"{step}." for step in steps[:-1])
    if near:
        return f"Did you mean {above}{near[0]}?"
    return f"Use one of {', '.join(f'{above}{name}' for name in known)}, or remove it"


def _names_below(steps: Iterable[str]) -> list[str]:
    model: Any = _Document
    for step in steps:
        kind = model.model_fields[step].annotation
        model = next(each for each in (kind, *get_args(kind)) if hasattr(each, "model_fields"))  # or None
    return sorted(model.model_fields)
