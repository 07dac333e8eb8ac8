"""SIG, of artifacts: a signed manifest vouches for bytes, and other bytes are nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oneiric_conformance.abilities import Ability
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, as_json, document_of, offered, sign
from oneiric_conformance.observing.disk import tree
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Runtime
from oneiric_core.testing import make_wheel

__all__: list[str] = []

_MODULE: Final = "conformance_artifact"
_REFUSED: Final = frozenset({"DigestMismatchError", "ArtifactTooLargeError"})
_WIDE: Final = "# as long as it takes\n" * 50


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a runtime works, and what its code leaves there when it is imported."""

    work: Path

    @property
    def offered(self) -> Path:
        return self.work / "offered" / "component-1.0-py3-none-any.whl"

    @property
    def flag(self) -> Path:
        return self.work / "imported"

    def wheel(self, more: str = "") -> bytes:
        """A wheel with one component, that says when it is imported."""
        code = f"from pathlib import Path\nPath({str(self.flag)!r}).touch()\nclass Component:\n    pass\n{more}"
        return make_wheel({f"{_MODULE}.py": code}, name="conformance-artifact")


@check("SIG-014", judges="runtime", level="must", since="2026.1", floor=6, needs=[Ability.ARTIFACT_CODE])
def other_bytes_than_promised_are_refused(bench: Bench) -> None:
    """An artifact with other bytes than the manifest promises is refused, not kept in the cache, and not imported.

    Troubleshooting: a digest that is compared after the file was put in its place, of something else than the bytes
    that were written, or only where the server sends one.
    """
    names = offered(bench.package.subjects)[0]
    with bench.control("the bytes that were promised are fetched, kept and imported"):
        bench.run(_arrives(bench, names))
    for told, change in bench.each(_CHANGES.items()):
        bench.run(_is_refused(bench, names, told, change))
        bench.exercised()


def _flipped(right: bytes, other: bytes) -> bytes:
    del other
    return right[:100] + bytes([right[100] ^ 1]) + right[101:]


_CHANGES: Final = {
    "another wheel in its place": lambda _, other: other,
    "one bit flipped": _flipped,
    "the last byte cut off": lambda right, _: right[:-1],
    "one byte more": lambda right, _: right + b"\0",
    "nothing in it": lambda _, __: b"",
    "an error page in its place": lambda _, __: b"<html>not found</html>",
    "zeros in its place": lambda right, _: bytes(len(right)),
}


async def _arrives(bench: Bench, names: Mapping[str, Any]) -> None:
    async with bench.runtime() as runtime:
        place = _place(bench, runtime)
        right = place.wheel()
        place.offered.write_bytes(right)
        ok, kind = await _sync(runtime, place, names, right)
        bench.expect(ok, seen=f"it was refused with {kind}", expected="applied")
        kept = hashlib.sha256(right).hexdigest() in tree(place.work / "cache").values()
        bench.expect(kept, seen="nothing with its bytes is in the cache", expected="kept")
        verdict = await runtime.activate(names["domain"], names["key"])
        bench.expect(verdict.ok, seen=f"the activation was refused: {verdict.reason}", expected="an activation")
        bench.expect(place.flag.exists(), seen="its code was not imported", expected="the code in the artifact")


async def _is_refused(bench: Bench, names: Mapping[str, Any], told: str, change: Any) -> None:
    async with bench.runtime() as runtime:
        place = _place(bench, runtime)
        right = place.wheel()
        wrong = change(right, place.wheel(_WIDE))
        place.offered.write_bytes(wrong)
        ok, kind = await _sync(runtime, place, names, right)
        bench.expect(not ok, seen=f"an artifact with {told} was accepted", expected="a refusal", example=told)
        bench.expect(kind in _REFUSED, seen=f"an artifact with {told} was refused with {kind}", example=told)
        verdict = await runtime.fetch(f"file://{place.offered}", hashlib.sha256(right).hexdigest(), len(right))
        bench.expect(not verdict.ok, seen=f"an artifact with {told} was fetched", expected="a refusal", example=told)
        digests = {hashlib.sha256(each).hexdigest() for each in (right, wrong)}
        for path, content in tree(place.work / "cache").items():
            seen = f"after its refusal, an artifact with {told} is in the cache as {path}"
            known = content in digests or path.rpartition("/")[2] in digests
            bench.expect(not known, seen=seen, expected="nothing of it", example=told)
        await runtime.activate(names["domain"], names["key"])
        bench.expect(not place.flag.exists(), seen=f"an artifact with {told} was imported", example=told)


def _place(bench: Bench, runtime: Runtime) -> _Place:
    place = _Place(bench.workdir(runtime))
    place.offered.parent.mkdir()
    return place


async def _sync(runtime: Runtime, place: _Place, names: Mapping[str, Any], right: bytes) -> tuple[bool, str]:
    """Apply a manifest that promises the ``right`` bytes."""
    entry = {name: names[name] for name in ("domain", "key", "provider")}
    promised = {"sha256": hashlib.sha256(right).hexdigest(), "length": len(right)}
    entry |= {"factory": f"{_MODULE}:Component", "uri": f"file://{place.offered}", **promised}
    outcome = await runtime.sync(as_json(sign(document_of([entry]))), JSON)
    return outcome.ok, outcome.kind
