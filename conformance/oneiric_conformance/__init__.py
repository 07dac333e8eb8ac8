"""A kit that decides whether components keep the rules, and proves of each rule that it can tell.

>>> from oneiric_conformance import run_conformance
>>> report = run_conformance("acme-oneiric")  # doctest: +SKIP
>>> report.verdict  # doctest: +SKIP
<Verdict.CERTIFIED: 'certified'>

There is no pytest in here. Public names are looked up in their modules when they are first asked for (PEP 562).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oneiric_conformance.certify import Certify as Certify
    from oneiric_conformance.certifying.imported import imported_files as imported_files
    from oneiric_conformance.checks import CHECKS as CHECKS
    from oneiric_conformance.config import Configuration as Configuration
    from oneiric_conformance.config import read_configuration as read_configuration
    from oneiric_conformance.finding.packages import find_package as find_package
    from oneiric_conformance.finding.wheels import with_wheel as with_wheel
    from oneiric_conformance.finishing import Finish as Finish
    from oneiric_conformance.finishing import Finished as Finished
    from oneiric_conformance.handling.bench import Bench as Bench
    from oneiric_conformance.judging.findings import Finding as Finding
    from oneiric_conformance.judging.plan import Planned as Planned
    from oneiric_conformance.judging.session import Session as Session
    from oneiric_conformance.levels import LEVELS as LEVELS
    from oneiric_conformance.loading import load as load
    from oneiric_conformance.outputs import OutputFile as OutputFile
    from oneiric_conformance.profile import PROFILES as PROFILES
    from oneiric_conformance.profile import Profile as Profile
    from oneiric_conformance.profile import profile_named as profile_named
    from oneiric_conformance.registry import Check as Check
    from oneiric_conformance.registry import check as check
    from oneiric_conformance.replaying import Replay as Replay
    from oneiric_conformance.report import ComponentReport as ComponentReport
    from oneiric_conformance.report import ConformanceReport as ConformanceReport
    from oneiric_conformance.report import Verdict as Verdict
    from oneiric_conformance.reporting.badge import badge as badge
    from oneiric_conformance.reporting.document import ReportDocument as ReportDocument
    from oneiric_conformance.reporting.document import read_report as read_report
    from oneiric_conformance.reporting.document import report_schema as report_schema
    from oneiric_conformance.reporting.page import page as page
    from oneiric_conformance.reporting.summary import summary as summary
    from oneiric_conformance.requirements import RequirementSet as RequirementSet
    from oneiric_conformance.requirements import requirement_set as requirement_set
    from oneiric_conformance.results import Card as Card
    from oneiric_conformance.results import Result as Result
    from oneiric_conformance.results import Status as Status
    from oneiric_conformance.results import Waiver as Waiver
    from oneiric_conformance.run import run_conformance as run_conformance
    from oneiric_conformance.run import runtime_of as runtime_of
    from oneiric_conformance.runtime import Limits as Limits
    from oneiric_conformance.runtime import Runtime as Runtime
    from oneiric_conformance.saving import open_database as open_database
    from oneiric_conformance.subject import EntryPointName as EntryPointName
    from oneiric_conformance.subject import Package as Package
    from oneiric_conformance.subject import Subject as Subject
    from oneiric_conformance.subject import Wheel as Wheel
    from oneiric_conformance.waivers import read_waivers as read_waivers

_EXPORTS = {
    "certifying.imported": ("imported_files",),
    "finishing": ("Finish", "Finished"),
    "handling.bench": ("Bench",),
    "certify": ("Certify",),
    "checks": ("CHECKS",),
    "config": ("Configuration", "read_configuration"),
    "finding.packages": ("find_package",),
    "finding.wheels": ("with_wheel",),
    "judging.findings": ("Finding",),
    "judging.plan": ("Planned",),
    "levels": ("LEVELS",),
    "loading": ("load",),
    "outputs": ("OutputFile",),
    "profile": ("PROFILES", "Profile", "profile_named"),
    "registry": ("Check", "check"),
    "replaying": ("Replay",),
    "report": ("ComponentReport", "ConformanceReport", "Verdict"),
    "reporting.badge": ("badge",),
    "reporting.document": ("ReportDocument", "read_report", "report_schema"),
    "reporting.page": ("page",),
    "reporting.summary": ("summary",),
    "requirements": ("RequirementSet", "requirement_set"),
    "results": ("Card", "Result", "Status", "Waiver"),
    "run": ("run_conformance", "runtime_of"),
    "runtime": ("Limits", "Runtime"),
    "judging.session": ("Session",),
    "saving": ("open_database",),
    "subject": ("EntryPointName", "Package", "Subject", "Wheel"),
    "waivers": ("read_waivers",),
}
_HOMES = {name: home for home, names in _EXPORTS.items() for name in names}

__all__ = [*_HOMES]  # noqa: PLE0604 - the table is the list

if not TYPE_CHECKING:  # a type checker would let every misspelt name pass

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'oneiric_conformance' has no attribute {name!r}", name=name)
        from importlib import import_module  # noqa: PLC0415 - only when a name is asked for

        value = getattr(import_module(f"oneiric_conformance.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
