"""Factories that a test is handed: keys, manifests and wheels, right and wrong, with kind words for a slip."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, is_normalized_name
from packaging.version import InvalidVersion, Version

from oneiric_core.domains import Domain
from oneiric_core.errors import MisuseError
from oneiric_core.manifest import RemoteManifest, RemoteManifestEntry
from oneiric_core.testing.bad_manifests import BadManifest, bad_manifest
from oneiric_core.testing.bad_wheels import BadWheel, bad_wheel
from oneiric_core.testing.choosing import chosen, did_you_mean, is_number, refuse_unless
from oneiric_core.testing.keys import PUBLISHER, SECOND_PUBLISHER, STRANGER, KeyPair, key_pair
from oneiric_core.testing.manifests import MEDIA_TYPES, SOURCE, Form, manifest_entry, signed_manifest
from oneiric_core.testing.wheels import SAMPLE, make_wheel, wheel_filename

__all__ = ["BadManifestFactory", "Keys", "MadeManifest", "MadeWheel", "ManifestFactory", "WheelFactory"]

_SIGNED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_PAIRS: Final = "Pass a key pair, such as oneiric_keys.publisher or oneiric_keys.named('mine'), or several in a list"
_WEAK_POINT: Final = (1).to_bytes(32, "little")


class MadeManifest(NamedTuple):
    """A manifest as :func:`oneiric_core.sync_remote_manifest` takes it: bytes, and how they are declared."""

    content: bytes
    media_type: str

    def write_to(self, path: Path) -> Path:
        """Write the bytes to a file; its path."""
        path.write_bytes(self.content)
        return path


class MadeWheel(NamedTuple):
    """A wheel's bytes, and what its file is called (PEP 427)."""

    content: bytes
    filename: str

    def write_to(self, folder: Path) -> Path:
        """Write it into a directory under its name; its path."""
        path = folder / self.filename
        path.write_bytes(self.content)
        return path


class Keys:
    """Ed25519 pairs that are the same on every machine. They are public knowledge: never trust one outside a test."""

    publisher: Final[KeyPair] = PUBLISHER
    second_publisher: Final[KeyPair] = SECOND_PUBLISHER
    stranger: Final[KeyPair] = STRANGER

    def named(self, name: str) -> KeyPair:
        """The pair that belongs to a name. As public as the others, though no policy can know it.

        :raises MisuseError: it is no text.
        """
        refuse_unless(isinstance(name, str), "the name of a key", name, fix="Pass any text, such as 'publisher'")
        return key_pair(name)

    def weak(self) -> bytes:
        """A public key, 32 bytes, that is a point of small order: under it many signatures verify (RFC 8032, 7)."""
        return _WEAK_POINT


class ManifestFactory:
    """Makes manifests that are right."""

    def entry(self, domain: str, key: str, provider: str, factory: str, **more: object) -> dict[str, Any]:
        """One entry; ``more`` are further fields by their names in a manifest.

        :raises MisuseError: a field that no manifest has, or a domain that does not exist.
        """
        for field, given in (("domain", domain), ("key", key), ("provider", provider), ("factory", factory)):
            refuse_unless(isinstance(given, str), field, given, fix=f"Pass the {field} as text")
        if domain not in [*Domain]:
            raise MisuseError(f"there is no domain {domain!r}", fix=did_you_mean(domain, Domain), domain=domain)
        _refuse_unknown(more, RemoteManifestEntry.model_fields, "a manifest entry has no field")
        return manifest_entry(domain, key, provider, factory, **more)

    def __call__(
        self,
        *entries: Mapping[str, Any],
        signed_by: KeyPair | Sequence[KeyPair] = PUBLISHER,
        form: Form = "dsse",
        sequence_number: int = 1,
        expires_in: timedelta | float | None = None,
        source: str = SOURCE,
        **more: object,
    ) -> MadeManifest:
        """A manifest that offers ``entries``, signed on 1 January 2026, which is where a frozen clock begins.

        :param signed_by: one key, several, or none of them (``()``).
        :param form: ``dsse`` for an envelope, ``flat`` for signatures in the document.
        :param expires_in: how long after it was signed; seconds, or a timedelta.
        :param more: further fields of the document; None leaves one out.
        :raises MisuseError: a field or form that does not exist, or a value of another kind.
        """
        _refuse_no_entries(entries, "oneiric_manifest(*entries)")
        _refuse_unknown(more, RemoteManifest.model_fields, "a manifest has no field")
        if expires_in is not None:
            fits = isinstance(expires_in, timedelta) or is_number(expires_in)
            refuse_unless(fits, "expires_in", expires_in, fix="Pass seconds, or a timedelta such as timedelta(days=1)")
            lasting = expires_in if isinstance(expires_in, timedelta) else timedelta(seconds=expires_in)
            more = {"expires_at": (_SIGNED_AT + lasting).isoformat(), **more}
        keys = _keys(signed_by)
        refuse_unless(isinstance(sequence_number, int), "sequence_number", sequence_number, fix="Pass a whole number")
        content = signed_manifest(entries, keys, source, sequence_number, form, **more)
        return MadeManifest(content, MEDIA_TYPES[form])


class BadManifestFactory:
    """Makes manifests that are wrong in exactly one way, in the flat form."""

    kinds: Final = tuple(BadManifest)

    def __call__(
        self,
        kind: BadManifest | str,
        *entries: Mapping[str, Any],
        signed_by: KeyPair = PUBLISHER,
        sequence_number: int = 1,
        source: str = SOURCE,
    ) -> MadeManifest:
        """A manifest that would be right but for the one thing ``kind`` says.

        :param kind: a :class:`BadManifest`, or its name. Some are wrong only where two must sign: ``kind.threshold``.
        :param entries: one of a task unless given.
        :raises MisuseError: a kind that does not exist, or a value of another kind.
        """
        _refuse_no_entries(entries, "oneiric_bad_manifest(kind, *entries)")
        refuse_unless(isinstance(signed_by, KeyPair), "signed_by", signed_by, fix=_PAIRS)
        offered = entries or (manifest_entry(Domain.TASK, "sample", "oneiric", "oneiric_core.testing.sample:Sample"),)
        content = bad_manifest(chosen(BadManifest, kind), offered, signed_by, source, sequence_number)
        return MadeManifest(content, MEDIA_TYPES["flat"])


class WheelFactory:
    """Makes small real wheels, and hostile ones."""

    bad_kinds: Final = tuple(BadWheel)

    def __call__(
        self,
        files: Mapping[str, str | bytes] = SAMPLE,
        *,
        name: str = "acme",
        version: str = "1.0",
        requires: Sequence[str] = (),
        entry_points: str = "",
    ) -> MadeWheel:
        """A wheel that keeps every rule; the same bytes for the same files on every machine.

        :param files: their names in the wheel, with text or bytes.
        :param requires: PEP 508 requirements; ``entry_points``: the text of entry_points.txt, if any.
        :raises MisuseError: what would make no wheel that keeps every rule.
        """
        _refuse_no_wheel(files, name, version)
        _refuse_no_requirements(requires)
        refuse_unless(isinstance(entry_points, str), "entry_points", entry_points, fix="Pass the text of the file")
        content = make_wheel(files, name, version, requires=requires, entry_points=entry_points)
        return MadeWheel(content, wheel_filename(name, version))

    def bad(
        self,
        kind: BadWheel | str,
        files: Mapping[str, str | bytes] = SAMPLE,
        *,
        name: str = "acme",
        version: str = "1.0",
    ) -> MadeWheel:
        """A wheel that is wrong in exactly the way ``kind`` says.

        :raises MisuseError: a kind that does not exist, or what would make it wrong in another way as well.
        """
        _refuse_no_wheel(files, name, version)
        return MadeWheel(bad_wheel(chosen(BadWheel, kind), files, name, version), wheel_filename(name, version))


def _keys(signed_by: KeyPair | Sequence[KeyPair]) -> tuple[KeyPair, ...]:
    several = isinstance(signed_by, list | tuple)
    keys = tuple(signed_by) if several else (signed_by,)  # type: ignore[arg-type]
    for key in keys:
        refuse_unless(isinstance(key, KeyPair), "signed_by", key, fix=_PAIRS)
    return keys  # type: ignore[return-value]


def _refuse_no_entries(entries: Sequence[object], call: str) -> None:
    for entry in entries:
        several = isinstance(entry, list | tuple)
        fix = f"Pass them one by one: {call}" if several else "Make one with oneiric_manifest.entry(…)"
        refuse_unless(isinstance(entry, Mapping), "an entry", entry, fix=fix)


def _refuse_no_wheel(files: object, name: object, version: object) -> None:
    fix = "Pass a mapping of names in the wheel to text or bytes"
    refuse_unless(isinstance(files, Mapping), "files", files, fix=fix)
    for path, content in files.items() if isinstance(files, Mapping) else ():
        refuse_unless(
            isinstance(path, str) and isinstance(content, str | bytes), f"what is in {path!r}", content, fix=fix
        )
    fix = "Pass letters and digits with single '-', '_' or '.' between them; for a hostile wheel call bad(kind)"
    refuse_unless(is_normalized_name(canonicalize_name(str(name))), "the name of a wheel", name, fix=fix)
    try:
        usual = str(Version(str(version)))
    except InvalidVersion:
        usual = "1.0"
    fix = f"Write {usual!r}, as PEP 440 has it; for a hostile wheel call bad(kind)"
    refuse_unless(version == usual, "the version of a wheel", version, fix=fix)


def _refuse_no_requirements(requires: object) -> None:
    fix = "Pass a list of requirements, such as ['httpx>=0.27']"
    refuse_unless(isinstance(requires, list | tuple), "requires", requires, fix=fix)
    for each in requires if isinstance(requires, list | tuple) else ():
        try:
            Requirement(each)
        except (InvalidRequirement, TypeError):
            refuse_unless(False, "a requirement", each, fix="Write it as PEP 508 has it, such as 'httpx>=0.27'")


def _refuse_unknown(given: Mapping[str, object], known: Mapping[str, object], told: str) -> None:
    for name in given:
        if name not in known:
            raise MisuseError(f"{told} {name!r}", fix=did_you_mean(name, known), field=name)
