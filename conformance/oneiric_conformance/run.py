"""A whole run without pytest: find, judge everything, report."""

from collections.abc import Callable, Sequence
from pathlib import Path

from oneiric_conformance.certifying.imported import imported_files
from oneiric_conformance.config import Configuration, read_configuration
from oneiric_conformance.finding.packages import find_distribution, find_package
from oneiric_conformance.finding.wheels import with_wheel
from oneiric_conformance.finishing import Finish
from oneiric_conformance.judging.session import Session
from oneiric_conformance.report import ConformanceReport
from oneiric_conformance.results import Result
from oneiric_conformance.runtime import RuntimeFactory
from oneiric_conformance.saving import open_database
from oneiric_conformance.subject import Package
from oneiric_conformance.waivers import read_waivers
from oneiric_core import SYSTEM_CLOCK, ConformanceError, OneiricError
from oneiric_core.testing import CoreRuntime, import_object

__all__ = ["judged", "report_of", "run_conformance", "runtime_of"]


def run_conformance(
    target: str | Package | None = None,
    *,
    rootdir: Path | None = None,
    profile: str | None = None,
    seed: int | None = None,
    replay: str | None = None,
    database: str | Sequence[str] = (),
    runtime: str | RuntimeFactory | None = None,
    wheel: Path | str | None = None,
    report: Path | str | None = None,
    html: Path | str | None = None,
    badge: Path | str | None = None,
    certificate: Path | str | None = None,
    signing_key: Path | str | None = None,
    password_env: str | None = None,
    run_url: str | None = None,
    progress: Callable[[Result], None] | None = None,
) -> ConformanceReport:
    """Judge every component of a package.

    :param target: an installed distribution's name; a component, as ``domain/key/provider`` or ``module:attribute``; a
        :class:`Package`; or None for the project in ``rootdir``.
    :param rootdir: the author's repository, whose ``[tool.oneiric.conformance]`` holds; by default the working
        directory when ``target`` is None, and none otherwise.
    :param profile: ``quick``, ``gate``, ``deep`` or ``explore``; by default what is configured, else ``gate``.
    :param seed: where ``explore`` starts; by default somewhere else each time.
    :param replay: the word of a failure card that stands for one example; nothing else is judged.
    :param database: where ``explore`` saves what failed, and what it tries first: a directory, or ``redis://…``.
    :param runtime: what makes the runtime, or its import path; by default our own.
    :param wheel: the file that is released, or a pattern that one file matches; rules about wheels apply only then.
    :param report: where to write the report as well; ``html`` and ``badge`` (``.json`` or ``.svg``) likewise.
    :param certificate: where to write the certificate; with ``signing_key``, the file with the private key. There is
        none where the run does not earn one.
    :param password_env: the environment variable that holds the password of the private key.
    :param run_url: where people can look at this run; stands on the certificate.
    :param progress: called with each result as it is there.
    :raises ConformanceError: if there is nothing to judge, or the run cannot be set up. What the components do is
        never raised; it is in the report.
    """
    home = Path.cwd() if target is None and rootdir is None else rootdir
    places = {"wheel": wheel, "report": report, "html": html, "badge": badge}
    places |= {"certificate": certificate, "signing_key": signing_key}
    saved = (database,) if isinstance(database, str) else tuple(database)
    configuration = read_configuration(
        home,
        replay=replay,
        profile=profile,
        seed=seed,
        database=tuple(place if "://" in place else str(Path(place).absolute()) for place in saved),
        runtime=runtime if isinstance(runtime, str) else None,
        password_env=password_env,
        run_url=run_url,
        **{name: Path(path).absolute() for name, path in places.items() if path},
    )
    end = Finish(configuration)
    named = (target,) if isinstance(target, str) and _is_component(target) else ()
    package = configuration.applied_to(_package(target, home, named or configuration.component), chosen=bool(named))
    package = with_wheel(package, configuration.wheel)
    factory = runtime if callable(runtime) else runtime_of(configuration)
    waivers = read_waivers(configuration.waivers, only=package if named or configuration.component else None)
    with Session(
        package,
        profile=configuration.profile,
        runtime_factory=factory,
        waivers=waivers,
        only=configuration.replay,
        database=open_database(configuration.database, home),
    ) as session:
        made = judged(session, progress)
    end.finish(made, imported_files(package))
    return made


def runtime_of(configuration: Configuration) -> RuntimeFactory:
    """What makes the runtime.

    :raises ConformanceError: its import path leads nowhere, or to nothing that can be called.
    """
    path = configuration.runtime
    if not path:
        return CoreRuntime
    try:
        factory = import_object(path, None)
    except OneiricError as error:
        raise ConformanceError(
            f"there is no runtime {path!r}: {error.what}", fix="Name it as module:attribute", runtime=path
        ) from error
    if not callable(factory):
        raise ConformanceError(f"the runtime {path!r} cannot be called", fix="Name a class or function", runtime=path)
    return factory


def report_of(session: Session, results: list[Result], seconds: float = 0.0) -> ConformanceReport:
    """The report of a session's results, complete or not."""
    return ConformanceReport.from_results(
        session.package,
        session.plan(),
        results,
        profile=session.profile,
        requirements=session.requirements,
        runtime=session.runtime,
        limits=session.limits,
        seconds=seconds,
    )


def judged(session: Session, progress: Callable[[Result], None] | None = None) -> ConformanceReport:
    """All that is due in a session, judged one after the other."""
    began = SYSTEM_CLOCK.monotonic()
    results = []
    due = session.due()
    narrowed = len(due) < len(session.plan())
    for planned in due:
        results.append(session.judge(planned, narrowed=narrowed))
        if progress is not None:
            progress(results[-1])
    return report_of(session, results, SYSTEM_CLOCK.monotonic() - began)


def _package(target: str | Package | None, rootdir: Path | None, named: tuple[str, ...]) -> Package:
    if isinstance(target, Package):
        return target
    if target is None or _is_component(target):
        return find_package(rootdir or Path.cwd(), only=named)
    return find_distribution(target)


def _is_component(target: str) -> bool:
    return ":" in target or "/" in target
