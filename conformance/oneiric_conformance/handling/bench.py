"""What a check is given: one subject of one package, everything needed to try it, and the count of what was tried."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis.database import ExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.strategies import SearchStrategy

from oneiric_conformance.handling.examples import for_all, run_machine
from oneiric_conformance.handling.exercise import Handling
from oneiric_conformance.handling.planting import plant_known
from oneiric_conformance.judging.findings import Advice, Finding, Tally, asking
from oneiric_conformance.judging.loop import SharedLoop
from oneiric_conformance.observing.quarters import Quarters, watched_sandbox
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.profile import Profile
from oneiric_conformance.runtime import Limits, Runtime, RuntimeFactory, Trust
from oneiric_conformance.subject import Package, Subject
from oneiric_core.testing import PUBLISHER, make_settings

if TYPE_CHECKING:
    from oneiric_conformance.isolation.smoke import SmokeReport

__all__ = ["Bench", "Surroundings"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all judgements of one session have in common.

    :param smoke: the report of a subject's first run, in a process of its own; kept after the first call.
    :param quarters: where components live while they are tried.
    :param kept: what is the same every time and takes a while to make, by name.
    :param database: where an exploration saves what failed; None in every other profile.
    """

    package: Package
    profile: Profile
    limits: Limits
    loop: SharedLoop
    runtime_factory: RuntimeFactory
    smoke: "Callable[[Subject], SmokeReport]"
    quarters: Quarters = field(default_factory=Quarters)
    kept: dict[str, Any] = field(default_factory=dict)
    database: ExampleDatabase | None = None


class Bench(Handling):
    """One judgement of one check of one subject (or of the whole package)."""

    def __init__(self, around: Surroundings, subject: Subject | None, name: str, tally: Tally | None = None) -> None:
        super().__init__(subject, around.limits)
        self._around = around
        self._name = name
        self._workdirs: dict[int, Path] = {}
        self.tally = Tally() if tally is None else tally

    @property
    def package(self) -> Package:
        return self._around.package

    @property
    def profile(self) -> Profile:
        return self._around.profile

    @property
    def limits(self) -> Limits:
        return self._around.limits

    @property
    def smoke(self) -> "SmokeReport":
        """How the subject's first run went, in a fresh process."""
        return self._around.smoke(self.subject)

    @property
    def trust(self) -> Trust:
        """Whom a runtime of this bench believes unless told otherwise: the kit's publisher, and the first source."""
        return Trust(keys=(PUBLISHER.public,))

    @property
    def runtime_factory(self) -> RuntimeFactory:
        """What makes the runtimes of this bench."""
        return self._around.runtime_factory

    @property
    def kept(self) -> dict[str, Any]:
        """What one check has made and others need as well, by name; the same for all of a session."""
        return self._around.kept

    @property
    def lifetime(self) -> float:
        """Seconds that the subject's first run took to come, and to go again."""
        return self.smoke.lifetime

    def of(self, subject: Subject) -> "Bench":
        """A bench for one component of the package; what it counts is counted here."""
        return Bench(self._around, subject, self._name, self.tally)

    def settings(self, box: Sandbox) -> dict[str, Any]:
        """The same, with a secret in the places they name if the component does not come up without one."""
        raw = super().settings(box)
        if "secrets" in self.subject.capabilities and self.smoke.planted:
            plant_known(make_settings(self.subject.settings_model, raw), box.path)
        return raw

    def run(self, work: Awaitable[T], seconds: float | None = None) -> T:
        """The result of ``work`` on the session's event loop.

        :param seconds: the time it may take; by default all the time a check has.
        :raises Finding: if it does not end in time.
        """
        return self._around.loop.run(work, self.profile.seconds if seconds is None else seconds)

    def control(self, sentence: str) -> AbstractContextManager[None]:
        """Prove first that what has to succeed does; ``sentence`` says what. A check without one proves nothing."""
        return self.tally.control(sentence)

    def asking(self, what: str) -> AbstractContextManager[None]:
        """The subject is asked to do ``what``: an exception inside is a finding about the subject."""
        return asking(what)

    def expect(self, holds: bool, *, seen: str, expected: str = "", example: str = "") -> None:
        """End the check with a failure unless ``holds``.

        :param expected: empty means the rule's own sentence.
        """
        if not holds:
            raise Finding(seen, expected, example)

    def advise(self, holds: bool, *, seen: str, expected: str = "", example: str = "") -> None:
        """End the check with a warning unless ``holds``."""
        if not holds:
            raise Advice(seen, expected, example)

    def note(self, sentence: str) -> None:
        """Say something that decides nothing; it is the reason of the pass."""
        self.tally.notes.append(sentence)

    def exercised(self, n: int = 1) -> None:
        """Count ``n`` cases that were really tried; the check's floor says how many make a pass mean something."""
        self.tally.exercised += n
        if not self.tally.controls:
            self.tally.early += n

    def behaved(self, n: int = 1) -> None:
        """Count ``n`` observations of the component doing something of its own.

        Only effects count: results that are not None, not the payload, and differ between payloads; a state that
        changes; a model that holds over runs which are not trivial; files written. Without a single one, a component
        that does nothing would be certified.
        """
        self.tally.behaviours += n

    def each(self, examples: Iterable[T]) -> Iterator[T]:
        """The examples, one after the other, for a loop that ends the check at the first one that fails.

        Where one is replayed, only that one is given. Count what was tried by :meth:`exercised`.
        """
        route = self.tally.route
        return route.listed(route.begin(), examples)

    def for_all(
        self,
        strategy: SearchStrategy[T],
        body: Callable[[T], None],
        nasty: Iterable[T] = (),
        show: Callable[[T], str] = repr,
        *,
        share: int = 1,
    ) -> None:
        """Let ``body`` hold of the nasty examples and of generated ones; counts each that it held of.

        The smallest example that fails is on the card, put into words by ``show``. ``body`` is synchronous; inside,
        use :meth:`run`.

        :param share: for what is slow: only every so many of the profile's generated examples, but three at least.
        """

        def counted(example: T) -> None:
            body(example)
            self.exercised()

        profile = replace(self.profile, examples=max(self.profile.examples // share, min(3, self.profile.examples)))
        for_all(strategy, counted, profile=profile, name=self._named, nasty=nasty, show=show, **self._examples)

    def machine(self, factory: Callable[[], RuleBasedStateMachine]) -> None:
        """Run a state machine; its steps count themselves by :meth:`exercised`."""
        run_machine(factory, profile=self.profile, name=self._named, **self._examples)

    def sandbox(self) -> AbstractContextManager[Sandbox]:
        """A fresh directory for one example: there at once if the subject may be told of it, else when asked for."""
        return self._around.quarters.sandbox(at_once=self.may_be_told)

    def watched_sandbox(self) -> AbstractContextManager[Sandbox]:
        """A fresh directory for one example, and a watch over everything outside it."""
        return watched_sandbox()

    @asynccontextmanager
    async def runtime(
        self, limits: Limits | None = None, trust: Trust | None = None, workdir: Path | None = None
    ) -> AsyncIterator[Runtime]:
        """A started runtime with nothing in it, stopped at the end of the block.

        :param trust: by default one key, that of the kit's publisher, and the first source it sees.
        :param workdir: by default a fresh directory that is removed afterwards; see :meth:`workdir`.
        """
        with _fresh() if workdir is None else nullcontext(workdir) as place:
            runtime = self.runtime_factory()
            self._workdirs[id(runtime)] = place
            await runtime.start(place, trust or self.trust, limits or self.limits)
            try:
                yield runtime
            finally:
                try:
                    await runtime.stop()
                finally:
                    del self._workdirs[id(runtime)]

    def workdir(self, runtime: Runtime) -> Path:
        """Where a runtime of this bench keeps ``cache`` and ``state``."""
        return self._workdirs[id(runtime)]

    @property
    def _examples(self) -> Any:
        return {"route": self.tally.route, "database": self._around.database}

    @property
    def _named(self) -> str:
        return f"{self._name} {self._subject.id if self._subject else self.package.name}"


@contextmanager
def _fresh() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="oneiric-runtime-", ignore_cleanup_errors=True) as made:
        yield Path(made)
