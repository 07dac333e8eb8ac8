"""Properties over generated examples, the same ones on every machine, with the smallest failing one on the card."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeVar, cast

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, configuration
from hypothesis.errors import FlakyFailure, HypothesisException
from hypothesis.internal.conjecture import providers
from hypothesis.reporting import with_reporter
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from hypothesis.strategies import SearchStrategy

from oneiric_conformance.judging.findings import Finding, cut
from oneiric_conformance.profile import Profile

__all__ = ["by_itself", "for_all", "run_machine"]

T = TypeVar("T")

_UNTIMED = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors)
"""Health checks that depend on the speed of the machine or on the host's fixtures; those that count stay on."""

_NO_STEP: Final = ("Failing test case", "Falsifying example", "You can reproduce", "state.teardown()")


def for_all(
    strategy: SearchStrategy[T],
    body: Callable[[T], None],
    *,
    profile: Profile,
    name: str,
    nasty: Iterable[T] = (),
    show: Callable[[T], str] = repr,
) -> None:
    """Call ``body`` with the nasty examples and then with generated ones; end at the first that fails.

    :param body: raises if the property does not hold of its argument.
    :param name: what this property is called; with the profile's seed it decides which examples are generated.
    :param show: an example in the domain's words.
    :raises Finding: with the smallest failing example on it.
    """

    def tried(example: T) -> None:
        try:
            body(example)
        except Finding as found:
            found.example = found.example or cut(show(example))
            raise
        except HypothesisException:
            raise
        except Exception as error:
            error.__dict__.setdefault("oneiric_example", cut(show(example)))
            raise

    for example in nasty:
        tried(example)

    @hypothesis.seed(_seed(profile, name))
    @_settings(profile)
    @hypothesis.given(strategy)
    def each(example: T) -> None:
        tried(example)

    with _found():
        each()


def run_machine(factory: Callable[[], RuleBasedStateMachine], *, profile: Profile, name: str) -> None:
    """Run a state machine; its smallest failing sequence of steps becomes the example on the card.

    :raises Finding: with the steps, one a line, in the order in which they were taken.
    """

    def fresh() -> RuleBasedStateMachine:
        return factory()

    hypothesis.seed(_seed(profile, name))(fresh)
    settings = hypothesis.settings(_settings(profile), verbosity=Verbosity.normal)
    try:
        with with_reporter(_nobody), _found():
            run_state_machine_as_test(cast("Any", fresh), settings=settings)  # any factory will do, say its documents
    except Finding as found:
        found.example = found.example or _steps(found)
        raise
    except HypothesisException:
        raise
    except Exception as error:
        error.__dict__.setdefault("oneiric_example", _steps(error))
        raise


@contextmanager
def by_itself() -> Iterator[None]:
    """Keep the host's Hypothesis and ours apart while a check runs, and put everything back afterwards.

    Since 6.131 Hypothesis mixes constants it reads from the project's loaded modules into what it generates, so that
    examples would depend on what else was imported; here that pool is empty. What it wants to write goes to a
    directory that is removed.
    """
    with ExitStack() as undo:
        home = undo.enter_context(tempfile.TemporaryDirectory(prefix="oneiric-", ignore_cleanup_errors=True))
        undo.callback(configuration.set_hypothesis_home_dir, vars(configuration).get("__hypothesis_home_directory"))
        configuration.set_hypothesis_home_dir(home)
        if hasattr(providers, "_get_local_constants"):
            undo.enter_context(_empty_pool())
        yield


@contextmanager
def _empty_pool() -> Iterator[None]:
    pool: Any = providers
    read, cache = pool._get_local_constants, pool.CONSTANTS_CACHE  # noqa: SLF001 - there is no public switch
    empty = pool.Constants()
    pool._get_local_constants = lambda: empty  # noqa: SLF001
    pool.CONSTANTS_CACHE = type(cache)(cache.max_size)
    try:
        yield
    finally:
        pool._get_local_constants, pool.CONSTANTS_CACHE = read, cache  # noqa: SLF001


@contextmanager
def _found() -> Iterator[None]:
    """A failure that does not happen again on the same example is still a failure, and is told as one."""
    try:
        yield
    except FlakyFailure as flaky:
        found = next((error for error in flaky.exceptions if isinstance(error, Finding)), None)
        if found is None:
            raise
        raise Finding(
            f"{found.seen} (only sometimes: the same example also passed)", found.expected, found.example
        ) from flaky


def _settings(profile: Profile) -> hypothesis.settings:
    """Every setting that matters, whatever profile the host has loaded."""
    return hypothesis.settings(
        max_examples=profile.examples,
        stateful_step_count=profile.steps,
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=_UNTIMED,
        backend="hypothesis",
    )


def _seed(profile: Profile, name: str) -> int:
    digest = hashlib.sha256(f"{profile.seed} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _nobody(line: object) -> None:
    """What Hypothesis reports is read from the exception's notes; the host's output is not ours to write to."""


def _steps(error: BaseException) -> str:
    lines = [line.strip() for note in getattr(error, "__notes__", ()) for line in str(note).splitlines()]
    return cut("; ".join(line for line in lines if not line.startswith(_NO_STEP)))
