"""From artifacts that were brought to candidates that run the code in them, and no other."""

from collections.abc import Sequence
from dataclasses import replace

from oneiric_core.artifacts.modules import Code, load_code
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.components import Candidate, CodeReference
from oneiric_core.errors import ActivationError, ManifestError
from oneiric_core.remote.threads import in_thread

__all__ = ["with_code"]


async def with_code(candidates: Sequence[Candidate], store: BlobStore) -> list[Candidate]:
    """The candidates; of those that bring an artifact, factory and settings model lie in it.

    The artifacts are in the store. They are scanned and unpacked by a thread; nothing is imported.

    :raises UnsafeWheelError: an artifact must not be unpacked.
    :raises ManifestError: the factory of an entry is not in its artifact.
    :raises ArtifactError: an artifact is for other systems, or the cache cannot be used.
    """
    return await in_thread(_with_code, candidates, store)


def _with_code(candidates: Sequence[Candidate], store: BlobStore) -> list[Candidate]:
    codes: dict[str, Code] = {}
    bound = []
    for candidate in candidates:
        sha256 = candidate.metadata.get("sha256")
        if candidate.metadata.get("remote_uri") and sha256:
            if sha256 not in codes:
                codes[sha256] = load_code(store, sha256)
            bound.append(_bound(candidate, codes[sha256]))
        else:
            bound.append(candidate)
    return bound


def _bound(candidate: Candidate, code: Code) -> Candidate:
    factory = candidate.factory
    if not isinstance(factory, str):
        return candidate  # it is bound already, and the files are there again, should they have gone
    metadata = dict(candidate.metadata)
    model = metadata.get("settings_model")
    if isinstance(model, str) and model.partition(":")[0].partition(".")[0].strip() in code.wheel.top_levels:
        metadata["settings_model"] = _reference(candidate, model, code)
    return replace(candidate, factory=_reference(candidate, factory, code), metadata=metadata)


def _reference(candidate: Candidate, path: str, code: Code) -> CodeReference:
    try:
        return code.reference(path)
    except ActivationError as error:
        what = f"{candidate.name} cannot run the code of its artifact: {error.what}"
        raise ManifestError(what, fix=error.fix, **error.evidence) from error
