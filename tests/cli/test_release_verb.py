"""``release check`` and ``release notes`` as typed."""

import json
from pathlib import Path

import pytest

from oneiric_core.cli.main import main
from oneiric_core.testing import make_wheel

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def wheel(here: Path) -> Path:
    path = here / "acme-1.4.0-py3-none-any.whl"
    path.write_bytes(make_wheel({"acme.py": "class Cache: pass\n"}, "acme", "1.4.0"))
    return path


def refused(capsys: Capture, line: str, said: str, code: int = 1) -> None:
    capsys.readouterr()
    assert main(line.split()) == code
    captured = capsys.readouterr()
    assert said in captured.err.splitlines()[0]
    assert len(captured.err.splitlines()) == 2
    assert captured.out == ""


CHECK = "release check --artifact acme-1.4.0-py3-none-any.whl --tag"


@pytest.mark.usefixtures("wheel")
def test_tag_and_wheel_agree_or_not(capsys: Capture) -> None:
    assert main(f"{CHECK} v1.4.0".split()) == 0
    assert capsys.readouterr().out == "1.4.0: tag and wheel agree\n"
    refused(capsys, f"{CHECK} v1.4.1", "the tag says 1.4.1, and acme-1.4.0-py3-none-any.whl is 1.4.0")
    refused(capsys, f"{CHECK} 1.4.0", "the tag '1.4.0' names no version; tag releases like v1.4.0", 2)
    refused(capsys, CHECK.removesuffix(" --tag"), "Missing option '--tag'", 2)


def test_a_wheel_that_is_only_installed_may_have_the_names_of_the_runtime(capsys: Capture, here: Path) -> None:
    """As that of the core has, whose release this verb looks at, too."""
    (here / "acme-1.4.0-py3-none-any.whl").write_bytes(make_wheel({"oneiric_core/x.py": ""}, "acme", "1.4.0"))
    assert _told(capsys, f"{CHECK} v1.4.0") == "1.4.0: tag and wheel agree\n"


def test_a_manifest_is_verified_before_it_is_compared(capsys: Capture, wheel: Path, here: Path) -> None:
    uri = f"https://acme.example/{wheel.name}"
    entry = {"domain": "adapter", "key": "c", "provider": "acme", "factory": "acme:Cache", "uri": uri}
    digest = json.loads(_told(capsys, f"{CHECK} v1.4.0 --json"))["artifacts"][wheel.name]
    other = {"domain": "task", "key": "t", "provider": "eta", "factory": "eta:make"}
    document = {"source": "acme", "entries": [{**entry, "sha256": digest, "version": "1.4"}, other]}
    (here / "m.json").write_text(json.dumps(document))
    for name in ("oneiric", "other"):
        assert main(f"keys generate --output-dir keys --name {name}".split()) == 0
    assert main(["manifest", "sign", "--manifest", "m.json", "--private-key", "keys/oneiric.private.pem"]) == 0
    with_manifest = f"{CHECK} v1.4.0 --manifest m.json --public-key keys/oneiric.public.pem"
    assert _told(capsys, with_manifest).splitlines() == [
        "1.4.0: tag, wheel and manifest agree",
        "task/t/eta is not of this release: no artifact carries it",
    ]
    assert json.loads(_told(capsys, f"{with_manifest} --json"))["elsewhere"] == {"task/t/eta": None}
    refused(capsys, with_manifest.replace("oneiric.", "other."), "0 of the trusted keys signed")
    refused(capsys, f"{CHECK} v1.4.0 --manifest m.json", "--manifest and --public-key go together", 2)


def _told(capsys: Capture, line: str) -> str:
    capsys.readouterr()
    assert main(line.split()) == 0
    return capsys.readouterr().out


def test_notes_go_where_programs_read(capfd: pytest.CaptureFixture[str], here: Path) -> None:
    (here / "towncrier.toml").write_text('[tool.towncrier]\nname = "Acme"\ndirectory = "news"\n')
    (here / "news").mkdir()
    (here / "news" / "+new.feature.md").write_text("A cache that remembers.")
    assert main(["release", "notes", "--tag", "v1.4.0"]) == 0
    assert "A cache that remembers." in capfd.readouterr().out
    assert main(["release", "notes", "--tag", "v1.4.0", "--project", "news"]) == 1
    assert "there is no pyproject.toml or towncrier.toml in news" in capfd.readouterr().err
