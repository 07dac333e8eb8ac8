"""A manifest on its way to where runtimes look for it: last of all, and only if everything it says is true.

In this order, and nothing is changed unless all of it holds:

- those who are trusted signed it, it has not expired, and its entries can be read;
- each artifact and each certificate it names is there for everybody, with the digest and the length it names;
- what stands in its place is the same bytes (then it is done already), or was signed by those who are trusted, is of
  the same source, and has a lower number; and nobody else replaces it meanwhile. That last is certain in S3 and in a
  directory; in GCS it is found out afterwards, and only if theirs came last.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from oneiric_core.errors import ArtifactError, DigestMismatchError, ManifestError, TrustError
from oneiric_core.publish.object_store import ObjectStore
from oneiric_core.publish.places import Place, content_type_of
from oneiric_core.publish.reach import Promise, refuse_unkept
from oneiric_core.publish.stamp import Previous, refuse_regress
from oneiric_core.trust import TrustPolicy, VerifiedManifest, verify_manifest

__all__ = ["Announced", "announce_manifest"]


@dataclass(frozen=True, slots=True)
class Announced:
    """A manifest that stands in its place.

    :param replaced: the number of the one before, if there was one.
    :param unchanged: the same bytes stood there already.
    """

    url: str
    verified: VerifiedManifest
    replaced: int | None = None
    unchanged: bool = False


def announce_manifest(
    data: bytes, media_type: str, place: Place, policy: TrustPolicy, *, now: datetime, public: bool = False
) -> Announced:
    """Put a signed manifest in its place.

    :param policy: whom runtimes trust; it judges the manifest before, too.
    :param public: fetch it without credentials afterwards.
    :raises ManifestError: it cannot be read, or the key declares it as something else.
    :raises TrustError: it may not be believed, or what stands there may not be replaced by it.
    :raises ArtifactError: something it names is not there for everybody, or it could not be brought there.
    """
    if content_type_of(place.key) != media_type:
        raise ManifestError(
            f"the key {place.key!r} does not say that it is {media_type}", fix="End it as the file does", key=place.key
        )
    verified = verify_manifest(data, media_type, policy, now=now)
    refuse_unkept(_promised(verified))
    store = ObjectStore(place)
    with store.alone():
        tag = store.tag()
        before = _standing(store)
        result = Announced(place.url, verified, unchanged=before == data)
        if before != data:
            result = Announced(
                place.url, verified, _replace(store, data, before, tag=tag, verified=verified, policy=policy)
            )
    if public:
        refuse_unkept([Promise(place.url, hashlib.sha256(data).hexdigest(), len(data))])
    return result


def _promised(verified: VerifiedManifest) -> list[Promise]:
    promises = []
    for entry in verified.manifest.entries:
        if entry.uri is not None:
            if entry.sha256 is None:
                raise ManifestError(
                    f"{entry.name} names an artifact and not its digest", fix="Generate it with --artifact"
                )
            promises.append(Promise(entry.uri, entry.sha256, entry.length))
        if entry.certificate is not None:
            promises.append(Promise(entry.certificate.uri, entry.certificate.sha256))
    return promises


def _standing(store: ObjectStore) -> bytes | None:
    return None if store.size() is None else b"".join(store.read())


def _replace(
    store: ObjectStore,
    data: bytes,
    before: bytes | None,
    *,
    tag: str | None,
    verified: VerifiedManifest,
    policy: TrustPolicy,
) -> int | None:
    media_type = content_type_of(store.place.key)
    headers = {"content_type": media_type, "cache_control": "no-cache"}
    if before is None:
        if not store.create(iter([data]), len(data), **headers):
            raise ArtifactError(
                f"something stands at {store.place} that could not be seen a moment ago",
                fix="Try again: somebody else published just now; or allow whoever publishes to read it (s3:GetObject)",
            )
        number = None
    else:
        previous = _previous(before, media_type, policy, store.place)
        refuse_regress(verified.manifest, previous)
        if not store.replace(iter([data]), len(data), tag=tag, **headers):
            raise ArtifactError(
                f"somebody else replaced the manifest at {store.place} just now",
                fix="Sign yours anew with theirs as --previous, and publish it again",
            )
        number = previous.sequence_number
    if _standing(store) != data:
        raise DigestMismatchError(
            f"SHA256 mismatch: other bytes than the manifest stand at {store.place}",
            fix="See who else writes there, and publish again",
        )
    return number


def _previous(before: bytes, media_type: str, policy: TrustPolicy, place: Place) -> Previous:
    try:
        return Previous.read(before, media_type, policy.keys)
    except (ManifestError, TrustError) as error:
        raise TrustError(
            f"what stands at {place} is not a manifest that may be replaced: {error.what}",
            fix="Say who signed it by another --public-key, or choose another --key",
        ) from error
