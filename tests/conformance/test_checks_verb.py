"""``oneiric-core checks``: what people see of the rules."""

import json
import subprocess
import sys

import pytest

from oneiric_conformance import CHECKS
from oneiric_core.cli.main import main


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["checks", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_all_checks_are_listed_with_whom_they_judge(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys)
    assert code == 0
    listed = [line.split()[:3] for line in out.splitlines() if line.startswith(tuple(CHECKS))]
    assert listed == [[check.id, check.judges, check.level] for _, check in sorted(CHECKS.items())]
    assert f"{len(CHECKS)} checks." in out


def test_an_area_lists_its_checks_only(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "hot")
    assert code == 0
    ids = [line.split()[0] for line in out.splitlines() if "-0" in line.split(" ")[0]]
    assert ids == [name for name in sorted(CHECKS) if name.startswith("HOT-")]


def test_one_check_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "hot-004")
    text = " ".join(out.split())
    assert code == 0
    assert text.startswith("HOT-004 a failed candidate leaves the live one serving")
    assert CHECKS["HOT-004"].rule in text
    assert CHECKS["HOT-004"].troubleshooting.split(":")[0] in text
    assert "in requirement set 2026.1" in text
    assert "pytest --oneiric-conformance -k HOT-004" in text


def test_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "EVT", "--json")
    assert code == 0
    found = json.loads(out)
    assert [each["id"] for each in found] == [name for name in sorted(CHECKS) if name.startswith("EVT-")]
    assert found[0]["domains"] == ["event"]
    assert {"rule", "level", "judges", "since", "counts", "troubleshooting"} <= found[0].keys()


@pytest.mark.parametrize(("id", "fix"), [("HOT-04", "did you mean HOT-004?"), ("?", "choose one, or an area: ACT")])
def test_an_unknown_id_is_told_with_what_there_is(capsys: pytest.CaptureFixture[str], id: str, fix: str) -> None:
    code, out, err = said(capsys, id)
    assert (code, out) == (2, "")
    assert "there is no check" in err
    assert fix in err


def test_listing_the_verbs_does_not_load_the_kit() -> None:
    code = (
        "import sys; from oneiric_core.cli.main import main; code = main(['--help']); "
        "print(sorted({'hypothesis', 'oneiric_conformance.checks'} & {*sys.modules}), code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"
    assert "which rules the conformance kit checks" in done.stdout.lower().replace("\n", " ")


def test_without_the_kits_own_needs_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None; "
        "from oneiric_core.cli.main import main; sys.exit(main(['checks']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Install oneiric-core[conformance]" in done.stderr
