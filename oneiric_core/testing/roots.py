"""Signed roots for tests, put together by hand like the manifests beside them."""

import json
from collections.abc import Sequence

from oneiric_core.testing.keys import PUBLISHER, SECOND_PUBLISHER, KeyPair
from oneiric_core.testing.manifests import SOURCE, Document, encode

__all__ = ["root_document", "root_envelope", "signed_root"]

_PAYLOAD = "application/vnd.oneiric.root+json"


def signed_root(
    version: int = 1,
    root: Sequence[KeyPair] = (SECOND_PUBLISHER,),
    manifest: Sequence[KeyPair] = (PUBLISHER,),
    signed_by: Sequence[KeyPair] | None = None,
    *,
    root_threshold: int = 1,
    manifest_threshold: int = 1,
    **more: object,
) -> bytes:
    """The envelope of a root, as UTF-8 JSON.

    :param root: who may sign the next root; ``manifest``: who may sign manifests.
    :param signed_by: all of ``root`` unless given.
    :param more: fields of the document, in the place of what it has.
    """
    document = root_document(version, root, manifest, root_threshold, manifest_threshold) | more
    return root_envelope(json.dumps(document).encode("utf-8"), root if signed_by is None else signed_by)


def root_document(
    version: int,
    root: Sequence[KeyPair],
    manifest: Sequence[KeyPair],
    root_threshold: int = 1,
    manifest_threshold: int = 1,
) -> Document:
    """A root that nobody signed; it expires in the year 2099."""
    return {
        "source": SOURCE,
        "version": version,
        "expires_at": "2099-01-01T00:00:00Z",
        "roles": {"root": _role(root, root_threshold), "manifest": _role(manifest, manifest_threshold)},
    }


def root_envelope(payload: bytes, signed_by: Sequence[KeyPair]) -> bytes:
    """The envelope that says it holds a root, around any bytes, with good signatures."""
    # The pre-authentication encoding of DSSE v1.0.2.
    message = b"DSSEv1 %d %b %d %b" % (len(_PAYLOAD), _PAYLOAD.encode("ascii"), len(payload), payload)
    signatures = [{"keyid": key.name, "sig": encode(key.sign(message))} for key in signed_by]
    envelope = {"payloadType": _PAYLOAD, "payload": encode(payload), "signatures": signatures}
    return json.dumps(envelope).encode("utf-8")


def _role(keys: Sequence[KeyPair], threshold: int) -> Document:
    return {"keys": [encode(key.public) for key in keys], "threshold": threshold}
