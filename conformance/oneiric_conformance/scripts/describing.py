"""What a script is told of a component: what can be written down, and leads to the same thing elsewhere."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from oneiric_conformance.handling.believing import Question
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.contracts import CONTRACTS
from oneiric_conformance.handling.offer import entry_of
from oneiric_conformance.handling.settings import guessed
from oneiric_conformance.runtime import Limits
from oneiric_conformance.scripts.hosting import CORE_RUNTIME
from oneiric_conformance.scripts.literals import literal
from oneiric_conformance.subject import Subject
from oneiric_core import DOMAINS, Domain
from oneiric_core.testing import CoreRuntime, import_object

__all__ = ["described"]


def described(bench: Bench, kind: Any) -> str:
    """The arguments with which a script makes a component of this kind, one a line; what is as always is left out.

    :raises TypeError: something of it cannot be written down, or is not known.
    """
    usual = kind(None)
    known = _Known(bench)
    told = {each.name: getattr(known, each.name)() for each in fields(kind)}
    return "\n".join(f"    {name}={literal(value)}," for name, value in told.items() if value != getattr(usual, name))


class _Known:
    """A method for each field that a component in a script may have."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def _subject(self) -> Subject:
        return self._bench.subject

    @property
    def _row(self) -> Any:
        return next((row for row in DOMAINS.values() if row.domain == self._subject.domain), None)

    def factory(self) -> str:
        return _path(self._subject.factory)

    def settings_model(self) -> str | None:
        return _model(self._subject)

    def settings(self) -> dict[str, Any]:
        return _settings(self._subject)

    def claims(self) -> tuple[str, ...]:
        return tuple(sorted(self._subject.capabilities & {*CONTRACTS}))

    def external(self) -> bool:
        return bool(self._subject.external)

    def blocking(self) -> bool:
        return self._subject.domain == Domain.TASK and self._subject.metadata.get("blocking") is True

    def verb(self) -> str:
        return str(getattr(self._row, "verb", ""))

    def start(self) -> str:
        return str(getattr(self._row, "after_init", ""))

    def stop(self) -> str:
        return str(getattr(self._row, "before_cleanup", ""))

    def seconds(self) -> float:
        declared = self._subject.metadata.get("timeout_seconds")
        if isinstance(declared, int | float) and declared > 0:
            return float(declared)
        return self._bench.limits.init if self._subject.domain == Domain.EVENT else 60.0

    def takes_events(self) -> bool:
        return self._subject.domain == Domain.EVENT

    def exercise(self) -> str:
        return self._subject.exercise

    def domain(self) -> str:
        return str(self._subject.domain)

    def key(self) -> str:
        return self._subject.key

    def provider(self) -> str:
        return self._subject.provider

    def metadata(self) -> dict[str, Any]:
        return _plain(self._subject.metadata)

    def modules(self) -> tuple[str, ...]:
        return tuple(sorted(self._bench.package.modules))

    def beside(self) -> tuple[dict[str, Any], ...]:
        """The other tasks of its package, as they are registered."""
        tasks = [each for each in self._bench.package.subjects if each.domain == Domain.TASK]
        return tuple(_registered(each) for each in tasks if each is not self._subject)

    def entry(self) -> dict[str, Any]:
        return {**entry_of(self._subject), "domain": str(self._subject.domain)}

    def document(self) -> bytes:
        return self._question.document

    def kinds(self) -> tuple[str, ...]:
        return tuple(sorted(self._question.kinds))

    def before(self) -> tuple[bytes, ...]:
        return self._question.before

    def restarted(self) -> bool:
        return self._question.restarted

    def media_type(self) -> str:
        return self._question.media_type

    def keys(self) -> tuple[bytes, ...]:
        return self._question.trust.keys

    def threshold(self) -> int:
        return self._question.trust.threshold

    def source(self) -> str | None:
        return self._question.trust.source

    @property
    def _question(self) -> Question:
        asked = self._bench.tally.question
        if not isinstance(asked, Question):
            raise TypeError("it was not an answer of a runtime that failed")
        return asked

    def limits(self) -> dict[str, float]:
        usual = asdict(Limits())
        return {name: value for name, value in asdict(self._bench.limits).items() if value != usual[name]}

    def runtime(self) -> str:
        made = self._bench.runtime_factory
        return CORE_RUNTIME if made is CoreRuntime else _path(made)

    def path(self) -> str:
        """The wheel, from the author's repository where it is there, and else by its name alone."""
        wheel, root = self._bench.package.wheel, self._bench.package.rootdir
        if wheel is None:
            raise TypeError("there is no wheel")
        inside = root is not None and wheel.path.is_relative_to(root)
        return wheel.path.relative_to(root).as_posix() if inside and root else wheel.name


def _registered(subject: Subject) -> dict[str, Any]:
    metadata = _plain(subject.metadata)
    if subject.settings_model is not None:
        metadata.setdefault("settings_model", _model(subject))
    return {
        "domain": str(subject.domain),
        "key": subject.key,
        "provider": subject.provider,
        "factory": _path(subject.factory),
        "metadata": metadata,
        "settings": _settings(subject),
    }


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Without the class of its settings, which has a place of its own."""
    return {name: value for name, value in metadata.items() if name != "settings_model"}


def _model(subject: Subject) -> str | None:
    return None if subject.settings_model is None else _path(subject.settings_model)


def _path(made: object) -> str:
    """``module:attribute``, if that leads to the same object.

    :raises TypeError: it does not.
    """
    if isinstance(made, str):
        return made
    path = f"{getattr(made, '__module__', '')}:{getattr(made, '__qualname__', '')}"
    try:
        found = import_object(path, None)
    except Exception as error:  # whatever an import raises
        raise TypeError(f"{path} cannot be imported") from error
    if found is not made:
        raise TypeError(f"{path} is something else")
    return path


def _settings(subject: Subject) -> dict[str, Any]:
    """As they are written, so that what came from the environment is not shown; none where the model is not there.

    :raises TypeError: it is not known how they are written.
    """
    if not subject.settings:
        try:
            return dict(guessed(subject.settings_model))
        except Exception:  # noqa: BLE001 - whatever an import or a validator raises: the script meets it
            return {}
    if not subject.written:
        raise TypeError("settings that nobody wrote down")
    return dict(subject.written)
