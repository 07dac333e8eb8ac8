"""A badge that says in a word what a report says: for shields.io (endpoint schema 1), or as a picture."""

import json
from typing import Final

from oneiric_conformance.report import Verdict
from oneiric_conformance.reporting.document import ReportDocument
from oneiric_conformance.reporting.templates import rendered
from oneiric_conformance.results import Status

__all__ = ["badge"]

LABEL: Final = "oneiric"
_COLOURS: Final = {
    "hardened": "#1a7f37",
    "core": "#2f7d32",
    "waived": "#5f6b00",
    "conforms": "#8a6100",
    "incomplete": "#5a5f66",
    "fails": "#b42318",
}
_NAMES: Final = {
    "hardened": "brightgreen",
    "core": "green",
    "waived": "yellowgreen",
    "conforms": "yellow",
    "incomplete": "lightgrey",
    "fails": "red",
}
_CHARACTER: Final = 6.6
"""Roughly how wide a character of Verdana is in 11 pixels; the text is stretched to fit."""

_PADDING: Final = 10


def badge(report: ReportDocument, form: str) -> str:
    """The badge.

    :param form: ``json`` for shields' endpoint, or ``svg``.
    """
    word = report.levels[-1] if report.levels else report.verdict.value
    if word == Verdict.CERTIFIED.value:  # in a profile that reaches no level
        word = Verdict.CONFORMS.value
    message, colour = f"{word} {report.requirements.id}", word
    if waived := _waived(report):
        message, colour = f"{message}, {waived} waived", "waived"
    if form == "json":
        return json.dumps({"schemaVersion": 1, "label": LABEL, "message": message, "color": _NAMES[colour]}) + "\n"
    left, right = (round(len(text) * _CHARACTER) + _PADDING for text in (LABEL, message))
    return rendered("badge.svg", label=LABEL, message=message, colour=_COLOURS[colour], left=left, right=right)


def _waived(report: ReportDocument) -> int:
    """How many rules that must hold are broken and accepted, where nothing worse is to be told.

    A rule that only should hold is no matter of a badge, waived or not.
    """
    if report.verdict in {Verdict.FAILS, Verdict.INCOMPLETE}:
        return 0
    results = [*report.whole, *(result for component in report.components for result in component.results)]
    return sum(result.status is Status.WAIVED and result.level == "must" for result in results)
