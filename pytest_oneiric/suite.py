"""The conformance suite of one run: found, planned, judged item by item. Registered only where it is asked for."""

import os
import shlex
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import pytest

from pytest_oneiric.anchor import anchor_of
from pytest_oneiric.collect import AnchorFile, CheckItem, NotPassed, add_to_arguments, shortened
from pytest_oneiric.report import IMPORTED, RESULT, Reporter

if TYPE_CHECKING:
    from oneiric_conformance import Check, Configuration, Package, Planned, Replay, Result, Session

__all__ = ["Suite", "register"]

_result: "pytest.StashKey[Result]" = pytest.StashKey()


def register(config: pytest.Config, configuration: "Configuration") -> "Reporter | None":
    """Find what there is to judge, and add the suite to this run, with its reporter unless this is a worker of xdist.

    :raises ConformanceError: whatever makes judging impossible; ``pytest.UsageError`` where pytest is asked for more.
    """
    suite = Suite(config, configuration)
    config.pluginmanager.register(suite, "oneiric-suite")
    if hasattr(config, "workerinput"):
        return None
    reporter = Reporter(suite)
    config.pluginmanager.register(reporter, "oneiric-reporter")
    return reporter


class Suite:
    """What the kit found for this repository, and the session that judges it."""

    def __init__(self, config: pytest.Config, configuration: "Configuration") -> None:
        self.rootdir = config.rootpath
        self._process = os.getpid()
        self.narrowed = False
        self.configuration = configuration
        self.package = _found(config, configuration)
        self.anchor = anchor_of(config, self.package)
        self.session = _session(self.configuration, self.package, self.rootdir, self.replay_line)
        _refuse_others(config, self.anchor, self.configuration.replay)
        add_to_arguments(config, self.anchor)

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        found = yield
        if file_path.resolve() != self.anchor:
            return found
        inside = self.anchor.is_relative_to(self.rootdir)
        named: dict[str, Any] = (
            {} if inside else {"nodeid": self.anchor.as_posix()}
        )  # pytest has no id for what is elsewhere
        node: AnchorFile = AnchorFile.from_parent(parent, path=file_path, **named)
        node.plan, node.judge = self._plan(), self._judge
        return [*(found if inside else ()), node]  # a component's own module elsewhere holds no tests of this project

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """See whether anything that was planned is not going to run."""
        kept = sum(isinstance(item, CheckItem) for item in session.items)
        self.narrowed = kept < len(self.session.plan())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        result = item.stash.get(_result, None)
        if call.when == "call" and result is not None:
            setattr(report, RESULT, result.to_json())
        if isinstance(item, CheckItem):
            report.sections = [(name, shortened(text)) for name, text in report.sections]
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the process that gathers the results which files of the package this one has imported."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None and self.configuration.certificate is not None:
            output[IMPORTED] = self.imported()

    def imported(self) -> dict[str, str]:
        """SHA-256 by name of the package's files that this process has imported."""
        from oneiric_conformance import imported_files  # noqa: PLC0415 - loaded only where asked for

        return imported_files(self.package)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self.session.close()

    def replay_line(self, subject: str, check: str, word: str) -> str:
        """The shell line that judges one example, or one check of one subject, again in the same way.

        :param word: stands for the example; empty for the whole check.
        """
        file = self._from_root(self.anchor)
        words = ["pytest", "--oneiric-conformance"]
        if word:
            words.append(f"--oneiric-replay={word}")
        else:
            words += self._profile()
        for name, value in self._named():
            if self.configuration.sources[name].startswith("--"):
                words += [f"--oneiric-{name}", value]
        return shlex.join([*words, f"{file}::{subject}::{check}"])

    def _from_root(self, path: Path) -> str:
        """The path as it is typed in the root directory, on whichever machine that is, if it is in there."""
        return path.relative_to(self.rootdir).as_posix() if path.is_relative_to(self.rootdir) else str(path)

    def _profile(self) -> list[str]:
        profile, words = self.configuration.profile, []
        if self.configuration.sources["profile"].startswith("--"):
            words += ["--oneiric-profile", profile.name]
        return words + (["--oneiric-seed", str(profile.seed)] if profile.name == "explore" else [])

    def _named(self) -> Iterator[tuple[str, str]]:
        for spec in self.configuration.component:
            yield "component", spec
        if self.configuration.runtime:
            yield "runtime", self.configuration.runtime
        if self.package.wheel is not None:
            yield "wheel", self._from_root(self.package.wheel.path)

    def _plan(self) -> "Mapping[str, tuple[tuple[Planned, Check], ...]]":
        from oneiric_conformance import CHECKS  # noqa: PLC0415 - loaded only where asked for

        plan: dict[str, list[tuple[Planned, Check]]] = {}
        for planned in self.session.due():
            plan.setdefault(planned.subject, []).append((planned, CHECKS[planned.check]))
        return {subject: tuple(checks) for subject, checks in plan.items()}

    def _judge(self, planned: "Planned", item: pytest.Item) -> None:
        try:
            result = self.session.judge(planned, narrowed=self.narrowed)
        finally:
            if os.getpid() != self._process:
                os._exit(os.EX_OK)  # what a component forked must not run the rest of the tests once more
        item.stash[_result] = result
        _end(result)


def _end(result: "Result") -> None:
    """End the item as pytest is to show the result's status."""
    match result.status.value:
        case "pass" | "warn":
            return
        case "not-applicable" | "not-scored":
            pytest.skip(f"{result.status.value}: {result.reason}")
        case "waived":
            pytest.xfail(f"waived: {'' if result.waiver is None else result.waiver.reason}")
        case "error":
            raise NotPassed(f"KIT ERROR in {result.check} of {result.subject}: {result.reason}")
        case _ if result.card is None or result.untried:
            raise NotPassed(f"{result.check} {result.subject} was not tried: {result.reason}")
        case _:
            raise NotPassed(result.card.render(get_terminal_size().columns))


def _found(config: pytest.Config, configuration: "Configuration") -> "Package":
    from oneiric_conformance import find_package, with_wheel  # noqa: PLC0415 - loaded only where asked for

    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    package = configuration.applied_to(find_package(config.rootpath, only=configuration.component), worker=worker)
    return with_wheel(package, configuration.wheel)


def _refuse_others(config: pytest.Config, anchor: Path, example: "Replay | None") -> None:
    """Refuse an id of another check than that whose example is replayed: it would be found nowhere."""
    for argument in config.args if example is not None else ():
        file, _, named = str(argument).partition("::")
        here = (config.invocation_params.dir / file).resolve() == anchor
        if here and example and named not in {"", example.subject, f"{example.subject}::{example.check}"}:
            raise pytest.UsageError(
                f"the example is one of {example.check} of {example.subject}, and {named} was asked for."
                " Leave out the id, or the replay."
            )


def _session(
    configuration: "Configuration",
    package: "Package",
    rootdir: Path,
    replay_line: "Callable[[str, str, str], str]",
) -> "Session":
    from oneiric_conformance import Session, open_database, read_waivers, runtime_of  # noqa: PLC0415 - if asked for

    waivers = read_waivers(configuration.waivers, only=package if configuration.component else None)
    return Session(
        package,
        profile=configuration.profile,
        runtime_factory=runtime_of(configuration),
        replay_line=replay_line,
        waivers=waivers,
        only=configuration.replay,
        database=open_database(configuration.database, rootdir),
    )
