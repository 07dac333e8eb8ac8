"""A badge that says in a word what a report says: for shields.io (endpoint schema 1), or as a picture."""

import json
from typing import Final

from oneiric_conformance.report import Verdict
from oneiric_conformance.reporting.document import ReportDocument
from oneiric_conformance.reporting.templates import rendered

__all__ = ["badge"]

LABEL: Final = "oneiric"
_COLOURS: Final = {
    "hardened": "#1a7f37",
    "core": "#2f7d32",
    "conforms": "#8a6100",
    "incomplete": "#5a5f66",
    "fails": "#b42318",
}
_NAMES: Final = {
    "hardened": "brightgreen",
    "core": "green",
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
    message = f"{word} {report.requirements.id}"
    if form == "json":
        return json.dumps({"schemaVersion": 1, "label": LABEL, "message": message, "color": _NAMES[word]}) + "\n"
    left, right = (round(len(text) * _CHARACTER) + _PADDING for text in (LABEL, message))
    return rendered("badge.svg", label=LABEL, message=message, colour=_COLOURS[word], left=left, right=right)
