"""The end of a run: the report and all that is made of it, written where the author wants them."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from oneiric_conformance.certifying.issue import SigningKey, issue
from oneiric_conformance.config import Configuration
from oneiric_conformance.outputs import OutputFile
from oneiric_conformance.report import ConformanceReport
from oneiric_core import SYSTEM_CLOCK, Clock, ConformanceError

__all__ = ["Finish", "Finished"]

BADGES: Final = (".json", ".svg")


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run left behind.

    :param written: path by what it is.
    :param refusal: why there is no certificate though one was asked for; empty otherwise.
    """

    written: Mapping[str, Path]
    refusal: str = ""


class Finish:
    """What is to be left behind, and all that can be known to be wrong with it before the run.

    :raises ConformanceError: something could not be written where it is wanted, or the signing key is none.
    """

    def __init__(self, configuration: Configuration, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        places = {
            "report": configuration.report,
            "page": configuration.html,
            "badge": configuration.badge,
            "certificate": configuration.certificate,
        }
        self._files = {what: OutputFile(path, what) for what, path in places.items() if path is not None}
        _refuse_one_for_two(self._files)
        _refuse_unfit(configuration)
        self._key: SigningKey | None = None
        if self.wants_certificate:
            if configuration.signing_key is None:
                raise ConformanceError(
                    "a certificate was asked for, and no signing key given", fix="Give a signing key"
                )
            self._key = SigningKey.from_file(configuration.signing_key, password_env=configuration.password_env)
        self._level = configuration.level
        self._run_url = configuration.run_url
        self._badge_form = "" if configuration.badge is None else configuration.badge.suffix.removeprefix(".").lower()

    @property
    def wants_certificate(self) -> bool:
        """Whether it has to be known which files were imported."""
        return "certificate" in self._files

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the author should know before the run."""
        return (self._key.warning,) if self._key is not None and self._key.warning else ()

    def finish(self, report: ConformanceReport, imported: Mapping[str, str]) -> Finished:
        """Write everything.

        A certificate that an earlier run left is taken away where this one earns none.

        :param imported: SHA-256 by name of the package's files that were imported, whichever process did.
        """
        texts, refusal = self._shown(report), ""
        if self._key is not None:
            try:
                texts["certificate"] = self._certificate(report, imported, self._key)
            except ConformanceError as error:
                refusal = str(error)
                self._files["certificate"].remove()
        written = {what: file.write(texts[what]) for what, file in self._files.items() if what in texts}
        return Finished(written, refusal)

    def _shown(self, report: ConformanceReport) -> dict[str, str]:
        texts = {"report": report.to_text()}
        if self._files.keys() & {"page", "badge"}:
            from oneiric_conformance.reporting.badge import badge  # noqa: PLC0415 - few ask for them
            from oneiric_conformance.reporting.document import ReportDocument  # noqa: PLC0415 - likewise
            from oneiric_conformance.reporting.page import page  # noqa: PLC0415 - likewise

            document = ReportDocument.of(report)
            texts["page"] = page([document])
            texts["badge"] = badge(document, self._badge_form)
        return texts

    def _certificate(self, report: ConformanceReport, imported: Mapping[str, str], key: SigningKey) -> str:
        if self._level and self._level not in report.levels:
            raise ConformanceError(
                f"no certificate: the level {self._level} was asked for and not reached", fix="See what is said of it"
            )
        return issue(report, imported, key, now=self._clock.now(), url=self._run_url)


def _refuse_unfit(configuration: Configuration) -> None:
    if (configuration.html or configuration.badge) and find_spec("jinja2") is None:
        raise ConformanceError(
            "page and badge need jinja2, which is not installed",
            fix="Install it with: pip install 'oneiric-core[conformance]'",
        )
    if configuration.badge is not None and configuration.badge.suffix.lower() not in BADGES:
        raise ConformanceError(
            f"the badge {configuration.badge.name!r} is neither JSON for shields.io nor a picture",
            fix=f"End its name in {' or '.join(BADGES)}",
            path=str(configuration.badge),
        )


def _refuse_one_for_two(files: Mapping[str, OutputFile]) -> None:
    taken: dict[Path, str] = {}
    for what, file in files.items():
        other = taken.setdefault(file.path.resolve(), what)
        if other != what:
            raise ConformanceError(
                f"{file.path} is to be the {other} and the {what}", fix="Name a file for each", path=str(file.path)
            )
