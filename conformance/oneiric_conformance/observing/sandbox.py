"""The sandbox of one example: where a component may write, and, where that is asked, the proof of where it did.

A fresh directory to work in, an observed TMPDIR and a fake home. Allowed: anything below a sandbox; files and
directories that :mod:`tempfile` (or ``O_EXCL``) created in TMPDIR, if they are gone at the end; ``/dev/null``; bytecode
redirected by ``PYTHONPYCACHEPREFIX``. Predictable temporary names, the home and the working directory are not.
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from oneiric_conformance.observing.watch import Record

__all__ = ["BOX", "HOMES", "PREFIX", "SHARED", "SHARED_BOX", "Sandbox"]

PREFIX: Final = "oneiric-sandbox-"
SHARED: Final = "oneiric-quarters-"
SHARED_BOX: Final = "box-"
"""How the directories of many sandboxes begin that have one home, and how those of the components in them do."""

_SHARED_BOX: Final = re.compile(SHARED_BOX + "[a-z0-9_]{8}", re.ASCII)
"""As :func:`tempfile.mkdtemp` names them: who appends something to the name of his own has no other."""

BOX: Final = "box"
HOMES: Final = {
    "HOME": "",
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_RUNTIME_DIR": ".run",
}
_TEMPS: Final = ("TMPDIR", "TEMP", "TMP")
_ON_DISK: Final = frozenset({"write", "rename", "remove", "mkdir", "link", "attributes"})


@dataclass(slots=True, eq=False)
class Sandbox:
    """Three directories below one root, and what was seen while it was watched.

    :param root: made by the kit, resolved, private to this process.
    :param name: of the directory below it that is the component's.
    """

    root: Path
    record: Record = field(default_factory=Record)
    name: str = BOX
    _final: list[str] | None = None

    @property
    def path(self) -> Path:
        """What ``{sandbox}`` stands for: the component may do here what it likes."""
        return self.root / self.name

    @property
    def tmp(self) -> Path:
        """TMPDIR."""
        return self.root / "tmp"

    @property
    def home(self) -> Path:
        """HOME, with the XDG directories below; nothing may be written here."""
        return self.root / "home"

    @property
    def work(self) -> Path:
        """The working directory of a child process; it exists only there, and nothing may be written in it."""
        return self.root / "work"

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process in this sandbox: ``base`` (this process's own) with home and TMPDIR replaced."""
        home = str(self.home)
        homes = {name: f"{home}/{below}" if below else home for name, below in HOMES.items()}
        temps = dict.fromkeys(_TEMPS, str(self.tmp))
        return {**(os.environ if base is None else base), **homes, **temps, "PYTHONDONTWRITEBYTECODE": "1"}

    def trespasses(self) -> list[str]:
        """What the subject wrote where it may not, and from where; one line each, in order, without repetition.

        Asked after clean-up: a temporary file that is still there is a trespass. Once the watch has ended the answer
        is the one at its end.
        """
        if self._final is not None:
            return list(self._final)
        exclusive = self._exclusive()
        told: dict[str, str] = {}
        for event in self.record.by_subject:
            for target in event.places if event.kind in _ON_DISK else ():
                if fault := self._fault(event.kind, target, exclusive):
                    told.setdefault(target, f"{event.kind} {target}: {fault} (by {event.origin})")
        for path in self._left():
            told.setdefault(path, f"left {path}: still there after clean-up")
        return list(told.values())

    def end_watch(self) -> None:
        """Keep the final answer: soon everything is removed."""
        self._final = self.trespasses()

    def _exclusive(self) -> frozenset[str]:
        """Names in TMPDIR that were created so that nobody could have put something there before."""
        drawn = {event.target for event in self.record.of("temporary")}
        made = {event.target for event in self.record.of("mkdir") if event.target in drawn}
        opened = {place for event in self.record.writes if event.exclusive for place in event.places}
        return frozenset(name for name in made | opened if _below(name, self.tmp))

    def _fault(self, kind: str, target: str, exclusive: frozenset[str]) -> str:
        if target == os.devnull or (sys.pycache_prefix and _below(target, sys.pycache_prefix)):
            return ""
        if _in_a_box(target) or (kind == "mkdir" and _is_a_box(target)):  # making sure that it is there
            return ""
        if _below(target, self.tmp):
            if target in exclusive or any(_below(target, name) for name in exclusive):
                return ""
            return "a predictable name in TMPDIR"
        return "in the home directory" if _below(target, self.home) else "outside the sandbox"

    def _left(self) -> list[str]:
        """What is in home, working directory and TMPDIR now and was not put there by the kit, outermost first."""
        acts = [event for event in self.record.events if not event.origin and event.kind in _ON_DISK]
        ours = {place for event in acts for place in event.places}
        present = [entry for place in (self.home, self.work, self.tmp) for entry in _entries(place)]
        return [path for path in present if path not in ours and not Path(path).name.startswith((PREFIX, SHARED))]


def _entries(place: Path) -> list[str]:
    try:
        with os.scandir(place) as found:
            return sorted(entry.path for entry in found)
    except FileNotFoundError:
        return []


def _below(path: str, root: str | Path) -> bool:
    return path.startswith(f"{root}{os.sep}")


def _in_a_box(path: str) -> bool:
    """Below the directory of any sandbox: instances of two examples may overlap."""
    return any(_is_a_box(str(parent)) for parent in Path(path).parents)


def _is_a_box(path: str) -> bool:
    """The directory of any sandbox itself."""
    name, above = Path(path).name, Path(path).parent.name
    if above.startswith(SHARED):
        return _SHARED_BOX.fullmatch(name) is not None
    return name == BOX and above.startswith(PREFIX)
