"""From an installed package to a manifest that is believed, as typed; and what is refused on the way."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.cli.main import main

Capture = pytest.CaptureFixture[str]
Install = Callable[..., None]

CODE = """
    from oneiric_core import ActionMetadata, AdapterMetadata
    cache = AdapterMetadata(category="cache", provider="zeta", factory="zeta:Cache")
    act = ActionMetadata(key="act", provider="zeta", factory="zeta:Act")
    class Cache: pass
    class Act: pass
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.fixture
def zeta(install: Install) -> None:
    install("zeta", CODE, oneiric__adapters="c = zeta:cache", oneiric__actions="a = zeta:act")


def does(line: str, code: int = 0) -> None:
    assert main(line.split()) == code


def answer(capsys: Capture, line: str) -> dict[str, Any]:
    capsys.readouterr()
    does(f"{line} --json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: Capture, line: str, said: str, code: int = 1) -> None:
    """Two lines, the first of which says what is wrong."""
    capsys.readouterr()
    does(line, code)
    captured = capsys.readouterr()
    lines = [each for each in captured.err.splitlines() if "warning" not in each]
    assert said in lines[0], captured.err
    assert len(lines) == 2
    assert captured.out == ""


GENERATE = "manifest generate --package zeta --version 1.0"
SIGN = "manifest sign --manifest manifest.yaml --private-key keys/oneiric.private.pem"
VERIFY = "manifest verify --manifest manifest.yaml --public-key keys/oneiric.public.pem"


@pytest.fixture
def ready(zeta: None, here: Path) -> Path:
    """``manifest.yaml``, unsigned, and ``keys/oneiric.*.pem``."""
    does("keys generate --output-dir keys")
    does(f"{GENERATE} --output manifest.yaml")
    return here


def test_generated_signed_and_verified(capsys: Capture, ready: Path) -> None:
    generated = (ready / "manifest.yaml").read_bytes()
    assert answer(capsys, f"{GENERATE} --output manifest.yaml") == {
        "manifest": "manifest.yaml",
        "source": "zeta",
        "entries": ["adapter/cache/zeta", "action/act/zeta"],
    }
    assert (ready / "manifest.yaml").read_bytes() == generated
    refused(capsys, VERIFY, "0 of the trusted keys signed")
    signed = answer(capsys, f"{SIGN} --expires-in 30d")
    assert (signed["sequence_number"], signed["signatures"], signed["entries"]) == (1, 1, 2)
    verified = answer(capsys, VERIFY)
    assert verified.items() <= signed.items()
    assert len(verified["signers"]) == 1
    refused(capsys, f"{VERIFY} --source eta", "only 'eta' is accepted here")
    refused(capsys, f"{VERIFY} --threshold 2", "a threshold of 2 makes no sense with 1 distinct keys", 2)
    refused(capsys, f"{VERIFY} --threshold 0", "Invalid value for '--threshold'", 2)


def test_what_people_read_is_one_line_each(capsys: Capture, ready: Path) -> None:
    assert ready
    capsys.readouterr()
    does(f"{GENERATE} --source acme --no-actions --output manifest.yaml")
    does(SIGN)
    does(VERIFY)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "manifest.yaml: 1 entry of zeta 1.0, not signed yet"
    assert second == "manifest.yaml: 1 signature, 1 entry of acme, number 1, without expiry"
    assert third == "manifest.yaml: signed by 1 trusted key, 1 entry of acme, number 1, without expiry"


@pytest.mark.parametrize(
    ("option", "left"),
    [
        ("--no-adapters", ["action/act/zeta"]),
        ("--no-actions", ["adapter/cache/zeta"]),
        ("--domain action", ["action/act/zeta"]),
        ("--domain action --domain adapter", ["adapter/cache/zeta", "action/act/zeta"]),
    ],
)
@pytest.mark.usefixtures("zeta")
def test_domains_are_left_out_as_asked(capsys: Capture, option: str, left: list[str]) -> None:
    assert answer(capsys, f"{GENERATE} --output manifest.json {option}")["entries"] == left


def test_without_a_package_ours_is_meant(capsys: Capture) -> None:
    told = answer(capsys, "manifest generate --version 1 --output m.json --no-actions --domain adapter --domain action")
    assert told["source"] == "oneiric-core"
    assert "adapter/cache/memory" in told["entries"]
    assert not [name for name in told["entries"] if name.startswith("action")]


@pytest.mark.usefixtures("zeta")
def test_a_dash_writes_the_document_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    does(f"{GENERATE} --output -")
    does(f"{GENERATE} --output manifest.json")
    assert capfdbinary.readouterr().out.startswith(Path("manifest.json").read_bytes())


@pytest.mark.usefixtures("zeta")
@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        ("--output m.txt", "does not say what the document is", 2),
        ("--output m.dsse.json", "an envelope is made by signing", 2),
        ("--output m.yaml --artifact zeta.whl", "there is no file 'zeta.whl'", 2),
        ("--output m.yaml --artifact-url https://zeta.example/", "--artifact and --artifact-url go together", 2),
        ("--output m.yaml --no-adapters --no-actions", "zeta offers nothing in", 1),
        ("--output m.yaml --domain adaptor", "did you mean adapter?", 2),
        ("--output m.yaml --package zetta", "no package 'zetta' is installed here", 1),
        ("", "Missing option '--output'", 2),
    ],
)
def test_what_cannot_be_generated(capsys: Capture, here: Path, options: str, said: str, code: int) -> None:
    refused(capsys, f"{GENERATE} {options}", said, code)
    assert not [*here.iterdir()]


def test_the_form_follows_the_name_and_the_name_the_form(capsys: Capture, ready: Path) -> None:
    assert answer(capsys, f"{SIGN} --form dsse")["manifest"] == "manifest.dsse.json"
    assert "signature" not in (ready / "manifest.yaml").read_text()
    answer(capsys, f"{SIGN} --output flat.json")
    assert "signature" in json.loads((ready / "flat.json").read_text())
    answer(
        capsys, "manifest sign --manifest manifest.dsse.json --output back.yaml --private-key keys/oneiric.private.pem"
    )
    assert answer(capsys, VERIFY.replace("manifest.yaml", "back.yaml"))["sequence_number"] == 2


@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        ("--form dsse --output m.json", "a manifest in the form dsse ends in .dsse.json", 2),
        ("--form flat --output m.dsse.json", "a manifest in the form flat does not end in .dsse.json", 2),
        ("--append --expires-in 3d", "--append changes nothing that is signed", 2),
        ("--append --output m.json", "--append keeps the form", 2),
        ("--output m.txt", "does not say what the document is", 2),
        ("--sequence-number -1", "'--sequence-number'", 2),
        ("--sequence-number 9007199254740992", "'--sequence-number'", 2),
        ("--previous keys/oneiric.public.pem", "does not say what the document is", 2),
        ("--append", "there is no signature yet", 1),
        ("--expires-in 3", "is no duration", 2),
        ("--expires-in 0.0d", "is no duration", 2),
        ("--expires-in 999999999w", "is no duration", 2),
        ("--previous-key keys/oneiric.public.pem", "--previous, which is missing", 2),
        ("--previous manifest.yaml", "0 of the trusted keys signed", 1),
        ("--private-key-env KEY", "either --private-key or --private-key-env", 2),
        ("--sequence-number x", "Invalid value for '--sequence-number'", 2),
    ],
)
def test_what_cannot_be_signed(capsys: Capture, ready: Path, options: str, said: str, code: int) -> None:
    before = {path: path.read_bytes() for path in ready.rglob("*.*")}
    refused(capsys, f"{SIGN} {options}", said, code)
    assert {path: path.read_bytes() for path in ready.rglob("*.*")} == before


def test_a_second_signer_joins_and_the_threshold_of_two_is_met(capsys: Capture, ready: Path) -> None:
    assert ready
    does("keys generate --output-dir keys --name second")
    does(f"{SIGN} --expires-in 1h")
    assert answer(capsys, f"{SIGN.replace('oneiric.', 'second.')} --append --key-id second")["signatures"] == 2
    both = f"{VERIFY} --public-key keys/second.public.pem --threshold 2"
    assert len(answer(capsys, both)["signers"]) == 2


def test_the_number_follows_what_was_published_last_even_by_another_key(capsys: Capture, ready: Path) -> None:
    assert ready
    does("keys generate --output-dir keys --name old")
    does(f"{SIGN.replace('oneiric.', 'old.')} --sequence-number 41 --output last.json")
    refused(capsys, f"{SIGN} --previous last.json", "0 of the trusted keys signed")
    told = answer(capsys, f"{SIGN} --previous last.json --previous-key keys/old.public.pem")
    assert told["sequence_number"] == 42


def test_a_manifest_that_cannot_be_read_or_written_says_so(capsys: Capture, ready: Path) -> None:
    refused(capsys, SIGN.replace("manifest.yaml", "missing.yaml"), "there is no file 'missing.yaml'", 2)
    (ready / "broken.yaml").write_text("a: [")
    refused(capsys, SIGN.replace("manifest.yaml", "broken.yaml"), "the document is not YAML")
    refused(capsys, f"{SIGN} --output manifest.yaml/below.json", "cannot be written")
    if os.geteuid() != 0:
        (ready / "manifest.yaml").chmod(0)
        refused(capsys, SIGN, "cannot be read")


def test_what_is_signed_is_published_and_what_is_not_is_not(capsys: Capture, ready: Path) -> None:
    (ready / "www").mkdir()
    publish = VERIFY.replace("verify", "publish") + " --backend file --bucket www --key manifest.yaml"
    refused(capsys, publish, "0 of the trusted keys signed")
    assert not [*(ready / "www").iterdir()]
    does(SIGN)
    told = answer(capsys, f"{publish} --public")
    assert (told["unchanged"], told["replaced"], told["sequence_number"]) == (False, None, 1)
    assert told["url"] == (ready / "www" / "manifest.yaml").as_uri()
    assert (ready / "www" / "manifest.yaml").read_bytes() == (ready / "manifest.yaml").read_bytes()
    does(SIGN)
    capsys.readouterr()
    does(publish)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "file://www/manifest.yaml: published, 2 entries of zeta, number 2, without expiry"
    assert second == told["url"]
    does(publish)
    assert "there already" in capsys.readouterr().out
