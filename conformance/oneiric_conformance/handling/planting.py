"""Secrets where components look for them: in the environment, and in the files or directories that settings name."""

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from oneiric_conformance.handling.ordinary import KNOWN_NAME, secret_of
from oneiric_core.testing import make_settings

if TYPE_CHECKING:  # a process of its own that plants a secret does not need them
    from oneiric_conformance.handling.bench import Bench
    from oneiric_conformance.observing.sandbox import Sandbox

__all__ = ["KNOWN_VALUE", "Planter", "finds_secrets", "furnish", "plant_known"]

KNOWN_VALUE: Final = "s3cret"
_BARE: Final = re.compile(r"""[^\s'"`\\$#]*""")
"""What stands for itself behind ``NAME=``, whoever reads it."""


class Planter:
    """Keeps secrets for one example; the environment is put back when its sandbox is closed.

    - In the environment, under the settings' ``prefix`` (if they have one) and the secret's name.
    - In each directory that a setting names, as a file of the secret's name.
    - In each file that a setting names (it exists, or has a suffix): in ``.env``, ``….env`` and ``.env.…`` as lines of
      NAME=value, in others as a JSON object of all of them.

    :param settings: what the component is made with.
    :param place: the directory in which files and directories may be written; settings that lead elsewhere are left.
    """

    def __init__(self, settings: Any, place: Path) -> None:
        values = dict(settings) if hasattr(settings, "__iter__") else {}
        prefix = values.get("prefix")
        self._prefix = prefix if isinstance(prefix, str) else ""
        paths = [Path(value) for value in values.values() if isinstance(value, str | Path) and _inside(value, place)]
        self._files = [path for path in paths if path.is_file() or path.suffix or _has_lines(path)]
        self._directories = [path for path in paths if path not in self._files]
        self._known: dict[str, str] = {}

    def plant(self, name: str, value: str | None) -> None:
        """Keep ``value`` under ``name``; None takes it away."""
        self._known = {key: kept for key, kept in self._known.items() if key != name}
        if value is not None:
            self._known[name] = value
        os.environ.pop(f"{self._prefix}{name}", None)
        if value is not None:
            os.environ[f"{self._prefix}{name}"] = value
        for directory in self._directories:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).unlink(missing_ok=True)
            if value is not None:
                (directory / name).write_text(value, encoding="utf-8")
        for file in self._files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_lines(self._known) if _has_lines(file) else json.dumps(self._known), encoding="utf-8")

    def takes(self, value: str) -> bool:
        """Whether it can be kept in all of these places: how blanks, quotes and lines are written in a ``.env`` is told
        in many ways.
        """
        return not any(map(_has_lines, self._files)) or _BARE.fullmatch(value) is not None

    def has(self, name: str) -> bool:
        """Whether something is kept under this name already, by whomever."""
        places = [*self._files, *(directory / name for directory in self._directories)]
        return f"{self._prefix}{name}" in os.environ and all(place.is_file() for place in places)


def _inside(value: str | Path, place: Path) -> bool:
    return Path(value).is_absolute() and Path(value).is_relative_to(place)


def _has_lines(file: Path) -> bool:
    return file.name.endswith(".env") or file.name.startswith(".env.")


def _lines(known: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in known.items())


def plant_known(settings: Any, place: Path) -> None:
    """Plant one secret for what is made with these settings, unless it is there."""
    planter = Planter(settings, place)
    if not planter.has(KNOWN_NAME):
        planter.plant(KNOWN_NAME, KNOWN_VALUE)


async def furnish(bench: "Bench", box: "Sandbox") -> None:
    """Plant one secret for what is made in this sandbox, if the component is one that gives secrets and finds it."""
    if await finds_secrets(bench):
        _plant_in(bench, box)


async def finds_secrets(bench: "Bench") -> bool:
    """Whether the component claims ``secrets`` and gives one that was planted; tried once.

    What does not is better left alone: its settings may name a file of quite another kind.
    """
    if "secrets" not in bench.subject.capabilities:
        return False
    kept, name = bench.kept, f"secrets of {bench.subject.id}"
    if name not in kept:
        try:
            kept[name] = await _found(bench)
        except Exception:  # noqa: BLE001 - how it fails is for the checks of secrets to say
            kept[name] = False
    return bool(kept[name])


async def _found(bench: "Bench") -> bool:
    with bench.sandbox() as box:
        _plant_in(bench, box)
        async with bench.live(box) as instance:
            return bool(await secret_of(instance, KNOWN_NAME) == KNOWN_VALUE)


def _plant_in(bench: "Bench", box: "Sandbox") -> None:
    plant_known(make_settings(bench.subject.settings_model, bench.settings(box)), box.path)
