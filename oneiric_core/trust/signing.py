"""Signing: the publisher's half. The caller stamps ``sequence_number``, ``signed_at`` and ``expires_at`` beforehand."""

import base64
import dataclasses
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, Literal, TypeAlias, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from oneiric_core.errors import ManifestError
from oneiric_core.manifest.canonical import SIGNATURE_FIELDS, get_canonical_manifest_for_signing
from oneiric_core.manifest.documents import JSON, parse_document
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.text import shown
from oneiric_core.trust.certificate import CERTIFICATE_PAYLOAD, Certificate
from oneiric_core.trust.envelope import MANIFEST_PAYLOAD, Envelope, read_envelope
from oneiric_core.trust.keys import public_key_of
from oneiric_core.trust.policy import refuse_published
from oneiric_core.trust.root_document import ROOT_LIMITS, ROOT_PAYLOAD, RootDocument
from oneiric_core.trust.signatures import ALGORITHM, Signature, flat_signatures, signature_items

__all__ = ["Form", "append_root_signature", "append_signature", "sign_certificate", "sign_manifest", "sign_root"]


Form: TypeAlias = Literal["flat", "dsse"]
_FORMS: Final = get_args(Form)


def sign_manifest(
    document: Mapping[str, Any],
    private_key: Ed25519PrivateKey,
    *,
    form: Form = "flat",
    key_id: str | None = None,
) -> dict[str, Any]:
    """``document`` signed by one key; signatures it had are gone.

    :param document: plain JSON values.
    :param form: ``flat`` puts ``signature`` and ``signature_algorithm`` into the document; ``dsse`` gives an envelope
        around its JSON.
    :param key_id: a hint for people; in an envelope the key's fingerprint unless given, in the flat form left out.
    :raises ManifestError: a value in it is not JSON, or there is no such form.
    """
    _check_form(form)
    unsigned = {name: value for name, value in document.items() if name not in SIGNATURE_FIELDS}
    payload = _checked(unsigned)
    if form == "dsse":
        return _envelope(Envelope(MANIFEST_PAYLOAD, payload, ()), private_key, key_id)
    item = _item(unsigned, private_key, key_id)
    if key_id is not None:
        return unsigned | {"signatures": [item]}
    return unsigned | {"signature": item["signature"], "signature_algorithm": item["algorithm"]}


def append_signature(
    document: Mapping[str, Any],
    private_key: Ed25519PrivateKey,
    *,
    form: Form = "flat",
    key_id: str | None = None,
) -> dict[str, Any]:
    """``document`` with one more signature; those it has stay, whatever they are worth.

    :param document: a flat manifest, or the envelope of one.
    :raises ManifestError: it is not what ``form`` says, or there is no such form.
    :raises SignatureError: the signatures it has do not have the shape of signatures.
    """
    _check_form(form)
    if form == "dsse":
        return _envelope(read_envelope(_checked(document), MANIFEST_PAYLOAD, Limits()), private_key, key_id)
    unsigned = {name: value for name, value in document.items() if name not in SIGNATURE_FIELDS}
    _checked(unsigned)
    flat_signatures(document)
    return unsigned | {"signatures": [*signature_items(document), _item(unsigned, private_key, key_id)]}


def sign_root(
    document: Mapping[str, Any], private_key: Ed25519PrivateKey, *, key_id: str | None = None
) -> dict[str, Any]:
    """An envelope around a root, signed by one key; the others follow with :func:`append_root_signature`.

    :param document: plain JSON values; see :class:`~oneiric_core.trust.RootDocument`.
    :raises ManifestError: it is no root.
    """
    RootDocument.from_document(document)
    return _envelope(Envelope(ROOT_PAYLOAD, _checked(document), ()), private_key, key_id)


def append_root_signature(
    envelope: Mapping[str, Any], private_key: Ed25519PrivateKey, *, key_id: str | None = None
) -> dict[str, Any]:
    """The envelope of a root with one more signature; those it has stay, whatever they are worth.

    :raises ManifestError: it is none.
    :raises SignatureError: the signatures it has do not have the shape of signatures.
    """
    opened = read_envelope(_checked(envelope), ROOT_PAYLOAD, ROOT_LIMITS)
    RootDocument.parse(opened.payload)
    return _envelope(opened, private_key, key_id)


def sign_certificate(
    statement: Mapping[str, Any], private_key: Ed25519PrivateKey, *, unsafe_allow_published_keys: bool = False
) -> dict[str, Any]:
    """An envelope around the statement of a conformance certificate, signed by one key.

    :param statement: plain JSON values; see :mod:`oneiric_core.trust.certificate`.
    :param unsafe_allow_published_keys: sign with a key that everyone has; for tests only.
    :raises CertificateError: it is no such statement.
    :raises ManifestError: a value in it is not JSON.
    :raises UntrustedKeyError: everyone has the key.
    """
    if not unsafe_allow_published_keys:
        refuse_published([public_key_of(private_key)])
    Certificate.from_statement(statement)
    return _envelope(Envelope(CERTIFICATE_PAYLOAD, _checked(statement), ()), private_key, None)


def _check_form(form: str) -> None:
    if form not in _FORMS:
        near = get_close_matches(str(form).lower(), _FORMS, n=1)
        fix = f"Did you mean {near[0]}?" if near else f"Ask for {' or '.join(_FORMS)}"
        raise ManifestError(f"there is no form {shown(form)} of a signed manifest", fix=fix, form=form)


def _checked(document: Mapping[str, Any]) -> bytes:
    """Its JSON, which is known to read back as the same: what is signed must be verifiable."""
    try:
        data = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ManifestError(f"the document is not JSON: {error}", fix="Use plain JSON values only") from error
    if parse_document(data, JSON, Limits(max_bytes=len(data), max_nodes=len(data))) != document:
        raise ManifestError(
            "the document does not read back as the same JSON", fix="Use text for keys, and lists instead of tuples"
        )
    return data


def _item(unsigned: Mapping[str, Any], private_key: Ed25519PrivateKey, key_id: str | None) -> dict[str, str]:
    message = get_canonical_manifest_for_signing(unsigned).encode("utf-8")
    item = {"signature": _sign(message, private_key), "algorithm": ALGORITHM}
    return item | ({"key_id": key_id} if key_id else {})


def _envelope(envelope: Envelope, private_key: Ed25519PrivateKey, key_id: str | None) -> dict[str, Any]:
    name = key_id if key_id is not None else public_key_of(private_key).fingerprint
    signature = Signature(_sign(envelope.message, private_key), key_id=name)
    return dataclasses.replace(envelope, signatures=(*envelope.signatures, signature)).to_document()


def _sign(message: bytes, private_key: Ed25519PrivateKey) -> str:
    return base64.b64encode(private_key.sign(message)).decode("ascii")
