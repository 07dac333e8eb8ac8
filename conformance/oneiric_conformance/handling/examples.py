"""Properties over generated examples, the same ones on every machine, with the smallest failing one on the card."""

import ast
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeVar, cast

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, configuration
from hypothesis.database import ExampleDatabase
from hypothesis.errors import DidNotReproduce, FlakyFailure, HypothesisException
from hypothesis.internal.conjecture import providers
from hypothesis.reporting import with_reporter
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from hypothesis.strategies import SearchStrategy

from oneiric_conformance.judging.findings import Finding, cut
from oneiric_conformance.judging.route import NOTHING, Place, Route
from oneiric_conformance.profile import Profile
from oneiric_conformance.saving import under

__all__ = ["by_itself", "for_all", "run_machine"]

T = TypeVar("T")

_UNTIMED = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors)
"""Health checks that depend on the speed of the machine or on the host's fixtures; those that count stay on."""

_BLOB: Final = re.compile(r"@reproduce_failure\('[^']*', (b'[A-Za-z0-9+/=]*')\)")
_NO_STEP: Final = ("Failing test case", "Falsifying example", "You can reproduce", "state.teardown()")


def for_all(
    strategy: SearchStrategy[T],
    body: Callable[[T], None],
    *,
    profile: Profile,
    name: str,
    nasty: Iterable[T] = (),
    show: Callable[[T], str] = repr,
    route: Route | None = None,
    database: ExampleDatabase | None = None,
) -> None:
    """Call ``body`` with the nasty examples and then with generated ones; end at the first that fails.

    :param body: raises if the property does not hold of its argument.
    :param name: what this property is called; with the profile's seed it decides which examples are generated.
    :param show: an example in the domain's words.
    :param route: learns which example failed; in a replay it lets only one through.
    :param database: examples that failed before, which are tried first; each that fails is put there.
    :raises Finding: with the smallest failing example on it.
    """
    way = Route() if route is None else route
    series = way.begin()

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

    for example in way.listed(series, nasty):
        tried(example)

    @_settings(profile, under(database, f"{name} {series}"))  # after the seed, which sets the database aside
    @hypothesis.seed(_seed(profile, name))
    @hypothesis.given(strategy)
    def each(example: T) -> None:
        if series:
            way.arrive(Place(series), example)
        tried(example)

    if way.generates(series):
        with _found(), _placed(way, series):
            _replaying(way, series)(each)()


def run_machine(
    factory: Callable[[], RuleBasedStateMachine],
    *,
    profile: Profile,
    name: str,
    route: Route | None = None,
    database: ExampleDatabase | None = None,
) -> None:
    """Run a state machine; its smallest failing sequence of steps becomes the example on the card.

    :raises Finding: with the steps, one a line, in the order in which they were taken.
    """
    way = Route() if route is None else route
    series = way.begin()

    def fresh() -> RuleBasedStateMachine:
        if series:
            way.arrive(Place(series), NOTHING)
        return factory()

    if not way.generates(series):
        return
    hypothesis.seed(_seed(profile, name))(fresh)
    settings = hypothesis.settings(_settings(profile, under(database, f"{name} {series}")), verbosity=Verbosity.normal)
    machine = cast("Any", _replaying(way, series)(fresh))  # any factory will do, say its documents
    try:
        with with_reporter(_nobody), _found(), _placed(way, series):
            run_state_machine_as_test(machine, settings=settings)
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


def _replaying(route: Route, series: int) -> Callable[[Any], Any]:
    """What makes a property try nothing but the example that is replayed, if it is one of this series."""
    if route.only is None or not route.replays(series):
        return lambda test: test
    return hypothesis.reproduce_failure(hypothesis.__version__, route.only.choices.encode("ascii"))


@contextmanager
def _placed(route: Route, series: int) -> Iterator[None]:
    """Let the route know what was chosen for the example that failed, as Hypothesis tells it on the exception."""
    try:
        yield
    except DidNotReproduce:
        if not route.replays(series):
            raise  # else it held, or there is none any more; the route knows which
    except FlakyFailure:
        route.leave()
        raise
    except (Exception, SystemExit) as error:
        if series:
            told = _BLOB.search("\n".join(map(str, getattr(error, "__notes__", ()))))
            chosen = ast.literal_eval(told[1]).decode("ascii") if told else ""
            route.at = route.only if route.replays(series) else Place(series, None, chosen)
        raise
    if series:
        route.leave()


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


def _settings(profile: Profile, database: ExampleDatabase | None) -> hypothesis.settings:
    """Every setting that matters, whatever profile the host has loaded."""
    kept = () if database is None else (Phase.reuse,)
    return hypothesis.settings(
        max_examples=profile.examples,
        stateful_step_count=profile.steps,
        derandomize=database is None,  # each property has a seed of its own in either case
        database=database,
        deadline=None,
        print_blob=True,  # read by _placed, and shown to nobody
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        phases=(*kept, Phase.generate, Phase.shrink),
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
