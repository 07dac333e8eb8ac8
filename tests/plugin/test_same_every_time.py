"""The same repository comes to the same verdicts, whatever else is different about the run."""

import json
from typing import Any

import pytest

ARRANGEMENTS: dict[str, dict[str, Any]] = {
    "as usual": {"env": {"PYTHONHASHSEED": "0"}},
    "again": {"env": {"PYTHONHASHSEED": "random"}},
    "other hashes": {"env": {"PYTHONHASHSEED": "1"}},
    "on two workers": {"arguments": ("-n", "2"), "plugins": ("xdist.plugin",)},
    "on two workers, other hashes": {
        "arguments": ("-n", "2"),
        "plugins": ("xdist.plugin",),
        "env": {"PYTHONHASHSEED": "2"},
    },
    "other modules imported": {"plugins": ("sqlite3", "http.server", "concurrent.futures", "xml.dom.minidom")},
    "every plugin there is": {"autoload": True},
}


@pytest.mark.long
def test_the_gate_comes_to_the_same_verdicts(failing: Any) -> None:
    """Of a component that conforms and of one that does not."""
    told: dict[str, list[tuple[str, ...]]] = {}
    for name, how in ARRANGEMENTS.items():
        options = {key: value for key, value in how.items() if key != "arguments"}
        asked = ("--oneiric-conformance", "--oneiric-report", "report.json", "-p", "no:cacheprovider")
        done = failing.pytest(*asked, *how.get("arguments", ()), fresh=True, seconds=300, **options)
        assert done.code == 1, done.out + done.err
        report = json.loads((failing.root / "report.json").read_bytes())
        judged = {component["id"]: component["results"] for component in report["components"]}
        told[name] = [("", "verdict", report["verdict"], "")] + [
            (subject, each["check"], each["status"], each["reason"])
            for subject, results in [("", report["whole"]), *sorted(judged.items())]
            for each in results
        ]
    assert told == dict.fromkeys(ARRANGEMENTS, told["as usual"])
    assert {"pass", "fail"} <= {status for _, _, status, _ in told["as usual"]}
