"""Runtimes in which one version of a wheel gets into another."""

from typing import Any

from mutants import mutant
from mutants.laundering import Laundering
from oneiric_core.artifacts import modules
from oneiric_core.testing import CoreRuntime

_BROUGHT = ("uri", "sha256", "length")


def _entries(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in content.get("entries") or [] if isinstance(entry, dict)]


@mutant(
    "HOT-007",
    expects="runs the code of no version of the wheel",
    also={"SIG-014": "what no wheel brings is not fetched, and code that is nowhere else is not found"},
)
class RunsWhatIsInstalled(Laundering):
    """Imports the factory by its name from whatever is installed, and leaves the wheel alone."""

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        for entry in _entries(content):
            for field in _BROUGHT:
                entry.pop(field, None)
        return content


@mutant("HOT-007", expects="an instance of the second version runs the code of the first version")
class StaysWithTheFirst(Laundering):
    """Finds the package imported already, and does not load it again."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._first: dict[str, dict[str, Any]] = {}

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        for entry in _entries(content):
            brought = {field: entry[field] for field in _BROUGHT if field in entry}
            if str(entry.get("uri", "")).endswith(".whl"):
                entry.update(self._first.setdefault(str(entry.get("factory")), brought))
        return content


@mutant("HOT-007", expects="an instance of the first version imports, only then, the code of the second version")
class LoadsLateFromTheNewest(CoreRuntime):
    """Loads what is imported later from the newest version there is."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        report = await super()._sync(document, media_type)
        here = [each for each in modules._namespaces.values() if each.tree.is_relative_to(self._workdir)]  # noqa: SLF001 - wrong on purpose, inside
        newest = max(here, key=lambda each: int(each.name.rpartition("_")[2]), default=None)
        for each in here:
            each.tree, each._digests = newest.tree, newest._digests  # noqa: SLF001 - likewise
        return report
