"""``oneiric-core certificate``: what is shown, what is verified, and what is said where it is not."""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import imported_files, with_wheel
from oneiric_conformance.certifying.issue import SigningKey, issue
from oneiric_conformance.finding.packages import find_distribution
from oneiric_conformance.run import run_conformance
from oneiric_core.cli.main import main
from oneiric_core.testing import certificate_statement, key_pair, make_wheel, signed_certificate

ISSUER = key_pair("the issuer of tests")
BYTES = b"a wheel, as far as anybody can tell"
DIGEST = hashlib.sha256(BYTES).hexdigest()
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsysbinary: pytest.CaptureFixture[bytes]) -> Say:
    """Exit code, output and errors of ``oneiric-core certificate`` with these words."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main(["certificate", *map(str, words)])
        told = capsysbinary.readouterr()
        return code, " ".join(told.out.decode().split()), " ".join(told.err.decode().split())

    return run


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Writes a certificate for the wheel."""

    def write(**changes: Any) -> Path:
        recent = datetime.now(UTC) - timedelta(days=1)
        path = tmp_path / "certificate.json"
        signer = changes.pop("signed_by", ISSUER)
        path.write_bytes(signed_certificate(DIGEST, signed_by=signer, **{"issued_at": recent, **changes}))
        return path

    return write


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "issuer.pem"
    path.write_text(ISSUER.public_pem, encoding="utf-8")
    return path


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "acme-1.0-py3-none-any.whl"
    path.write_bytes(BYTES)
    return path


def test_a_certificate_is_shown_whoever_signed_it(say: Say, put) -> None:
    waiver = {"check": "LIFE-008", "component": "adapter/cache/acme", "reason": "old driver", "until": "2027-01-31"}
    code, out, _ = say(
        "show", put(signed_by=key_pair("anybody"), waivers=[waiver], proves=["This."], doesNotProve=["That."])
    )
    assert code == 0
    assert "package acme 1.0" in out
    assert "waived LIFE-008 of adapter/cache/acme, because old driver, until 2027-01-31" in out
    assert "It does not prove: - That." in out
    assert "Nothing of this was verified" in out


def test_a_run_that_failed_is_no_certificate_whoever_signed_it(say: Say, tmp_path: Path, key: Path) -> None:
    statement = certificate_statement(DIGEST, issued_at=datetime.now(UTC) - timedelta(days=1))
    statement["predicate"] |= {"result": "FAILED", "failedTests": ["adapter/cache/acme::LIFE-001"]}
    path = tmp_path / "certificate.json"
    kind, payload = b"application/vnd.in-toto+json", json.dumps(statement).encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    encoded, signature = (base64.b64encode(each).decode() for each in (payload, ISSUER.sign(message)))
    envelope = {"payloadType": kind.decode(), "payload": encoded, "signatures": [{"sig": signature}]}
    path.write_text(json.dumps(envelope))
    code, out, err = say("verify", path, "--public-key", key)
    assert (code, out) == (1, "")
    assert "its result is 'FAILED'" in err


@pytest.mark.parametrize("meaning", [5, "This.", [5], {"a": "b"}])
@pytest.mark.parametrize("name", ["proves", "doesNotProve"])
def test_what_it_says_that_it_proves_is_a_list_or_nothing_is_shown(say: Say, put, name: str, meaning: object) -> None:
    code, out, err = say("show", put(**{name: meaning}))
    assert (code, out) == (1, "")
    assert f"its {name!r} is no list of sentences" in err


def test_where_the_run_can_be_looked_at_is_shown(say: Say, tmp_path: Path) -> None:
    statement = certificate_statement(DIGEST)
    statement["predicate"]["url"] = "https://ci.example/7"
    path = tmp_path / "certificate.json"
    path.write_bytes(signed_certificate(statement, signed_by=ISSUER))
    assert "run https://ci.example/7" in say("show", path)[1]


def test_programs_are_shown_the_statement(say: Say, put) -> None:
    path = put()
    code, out, _ = say("show", path, "--json")
    assert code == 0
    assert json.loads(out) == json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))


def test_one_that_may_be_believed_is_verified_against_its_wheel(say: Say, put, key: Path, wheel: Path) -> None:
    code, out, _ = say("verify", put(), "--public-key", key, "--wheel", wheel)
    assert code == 0
    assert "and that is the file given" in out
    assert "level core" in out
    assert "waived nothing" in out


def test_programs_are_told_each_fact_by_its_name(say: Say, put, key: Path, wheel: Path) -> None:
    waiver = {"check": "LIFE-008", "component": "adapter/cache/acme", "reason": "old driver"}
    issued = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    path = put(waivers=[waiver], issued_at=issued)
    code, out, _ = say("verify", path, "--public-key", key, "--wheel", wheel, "--json")
    assert code == 0
    told = json.loads(out)
    statement = json.loads(say("show", path, "--json")[1])
    extension = statement["predicate"]["urn:oneiric:conformance-certificate"]
    assert told == {
        "certificate": str(path),
        "package": "acme",
        "version": "1.0",
        "subjects": {"acme-1.0-py3-none-any.whl": DIGEST},
        "level": "core",
        "result": statement["predicate"]["result"],
        "waivers": [waiver | {"until": None}],
        "requirements": extension["requirements"]["id"],
        "profile": extension["profile"],
        "run_url": None,
        "issued_at": issued.isoformat(),
        "expires_at": told["expires_at"],
        "signers": [hashlib.sha256(ISSUER.public).hexdigest()],
        "wheel": str(wheel),
        "rerun": False,
    }
    assert datetime.fromisoformat(told["expires_at"]) > issued
    assert json.loads(say("verify", path, "--public-key", key, "--json")[1])["wheel"] is None


def test_without_the_wheel_it_is_said_that_nobody_looked_at_it(say: Say, put, key: Path) -> None:
    code, out, _ = say("verify", put(), "--public-key", key)
    assert code == 0
    assert f"it is about acme-1.0-py3-none-any.whl (SHA-256 {DIGEST}), which was not looked at" in out


def test_what_may_not_be_believed_ends_with_1_and_the_reason(say: Say, put, key: Path, wheel: Path) -> None:
    def refused(path: Path, *more: object) -> str:
        code, out, err = say("verify", path, "--public-key", key, *more)
        assert (code, out) == (1, "")
        return err

    assert "none of the issuers" in refused(put(signed_by=key_pair("stranger of all")))
    past = datetime(2020, 1, 1, tzinfo=UTC)
    assert "expired at 2020-12-31" in refused(put(issued_at=past))
    assert "has yet to come" in refused(put(issued_at=datetime.now(UTC) + timedelta(days=2)))
    assert "level is core, and hardened is asked for" in refused(put(), "--level", "hardened")
    wheel.write_bytes(b"other bytes")
    assert "about other bytes" in refused(put(), "--wheel", wheel)
    path = put()
    path.write_bytes(path.read_bytes()[:-20])
    assert "cannot be read" in refused(path)


@pytest.mark.parametrize(
    ("level", "told"), [("hardend", "did you mean hardened?"), ("bogus", "there are core, hardened")]
)
def test_a_level_that_does_not_exist_is_wrong_usage(say: Say, put, key: Path, level: str, told: str) -> None:
    code, out, err = say("verify", put(), "--public-key", key, "--level", level)
    assert (code, out) == (2, "")
    assert f"there is no level '{level}'; {told}" in err


def test_a_key_that_everyone_has_is_no_issuer(say: Say, put, tmp_path: Path) -> None:
    path = tmp_path / "published.pem"
    path.write_text(key_pair("publisher").public_pem, encoding="utf-8")
    code, _, err = say("verify", put(signed_by=key_pair("publisher")), "--public-key", path)
    assert code == 1
    assert "published" in err


@pytest.mark.parametrize(
    "words",
    [
        ("show", "none.json"),
        ("verify", "none.json"),
        ("merge", "none.json", "--html", "x.html"),
        ("merge", __file__),
        ("merge",),
    ],
)
def test_wrong_usage_ends_with_2(say: Say, words: tuple[str, ...]) -> None:
    assert say(*words)[0] == 2


def test_a_rerun_needs_the_wheel(say: Say, put, key: Path) -> None:
    code, _, err = say("verify", put(), "--public-key", key, "--rerun")
    assert code == 2
    assert "--rerun needs --wheel" in err


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package with one task, its wheel beside it."""
    source = "class Echo:\n    async def run(self, payload):\n        return {'got': payload, 'names': len(payload)}\n"
    declared = (
        "from types import SimpleNamespace\n"
        "declared = SimpleNamespace(domain='task', key='echo', provider='acme', factory='repeated:Echo', version='1')\n"
    )
    files = {"repeated.py": source + declared}
    points = "[oneiric.tasks]\necho = repeated:declared\n"
    place = tmp_path / "installed"
    info = place / "repeated-1.0.dist-info"
    info.mkdir(parents=True)
    (place / "repeated.py").write_text(files["repeated.py"], encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: repeated\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    (info / "RECORD").write_text("repeated.py,,\n", encoding="utf-8")
    path = tmp_path / "repeated-1.0-py3-none-any.whl"
    path.write_bytes(make_wheel(files, "repeated", "1.0", entry_points=points))
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("PYTHONPATH", os.fspath(place))
    yield path
    import sys  # noqa: PLC0415 - beside its only use

    sys.modules.pop("repeated", None)


@pytest.mark.long
def test_a_rerun_that_comes_to_the_same_says_so_and_another_names_the_difference(
    say: Say, judged: Path, key: Path, tmp_path: Path
) -> None:
    package = with_wheel(find_distribution("repeated"), judged)
    report = run_conformance(package)
    path = tmp_path / "certificate.json"
    signing = SigningKey(ISSUER.private)
    path.write_text(issue(report, imported_files(package), signing, now=datetime.now(UTC)), encoding="utf-8")
    code, out, err = say("verify", path, "--public-key", key, "--wheel", judged, "--rerun")
    assert (code, err) == (0, "")
    assert "another run came to the same" in out

    statement = json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))
    predicate = statement["predicate"]
    predicate["warnedTests"].append(predicate["passedTests"].pop())
    path.write_bytes(signed_certificate(statement, signed_by=ISSUER))
    code, _, err = say("verify", path, "--public-key", key, "--wheel", judged, "--rerun")
    assert code == 1
    assert f"{predicate['warnedTests'][-1]} did not pass then, and now is pass" in err


class TestMerging:
    @pytest.fixture
    def reports(self, tmp_path: Path, a_report: Callable[[str], str]) -> list[Path]:
        paths = [tmp_path / f"{name}.json" for name in ("one", "two")]
        for path in paths:
            path.write_text(a_report(path.stem), encoding="utf-8")
        return paths

    def test_reports_of_several_runs_become_one_page_and_one_summary(
        self, say: Say, reports: list[Path], tmp_path: Path
    ) -> None:
        code, out, _ = say("merge", *reports, "--html", tmp_path / "all.html", "--markdown", "-")
        assert code == 0
        assert f"page: {tmp_path}/all.html" in out
        text = (tmp_path / "all.html").read_text(encoding="utf-8")
        for name in ("one", "two"):
            assert f"task/{name}/acme" in text
            assert f"## {name} 1.0: certified" in out

    def test_programs_are_told_where_they_are(self, say: Say, reports: list[Path], tmp_path: Path) -> None:
        places = {"page": tmp_path / "all.html", "summary": tmp_path / "all.md"}
        code, out, _ = say("merge", *reports, "--html", places["page"], "--markdown", places["summary"], "--json")
        assert code == 0
        assert json.loads(out) == {
            "reports": [*map(str, reports)],
            **{what: str(path) for what, path in places.items()},
        }
        assert all(path.stat().st_size for path in places.values())
        code, out, err = say("merge", *reports, "--markdown", "-", "--json")
        assert (code, out) == (2, "")
        assert "cannot stand beside them" in err

    def test_one_that_is_no_report_is_named(self, say: Say, reports: list[Path], tmp_path: Path) -> None:
        reports[1].write_text("{}", encoding="utf-8")
        code, _, err = say("merge", *reports, "--html", tmp_path / "all.html")
        assert code == 1
        assert "two.json" in err
        assert not (tmp_path / "all.html").exists()

    def test_a_place_where_nobody_may_write_is_named(self, say: Say, reports: list[Path]) -> None:
        code, _, err = say("merge", *reports, "--html", "/sys/all.html")
        assert code == 1
        assert "/sys/all.html" in err
