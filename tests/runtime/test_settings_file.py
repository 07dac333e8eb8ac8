"""Reading a settings file, and the keys it names, within bounds."""

import os
from pathlib import Path

import pytest

from oneiric_core.errors import SettingsError, UntrustedKeyError
from oneiric_core.runtime import default_state_dir, read_settings
from oneiric_core.runtime.plan import Arguments, Plan
from oneiric_core.settings import Settings
from oneiric_core.testing import key_pair
from oneiric_core.trust import PublicKey, RefuseAll, TrustPolicy

KEY = key_pair("of the settings file")


def refused(path: Path) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    assert str(path) in caught.value.what
    assert str(caught.value.evidence["path"]) == str(path)
    return caught.value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "oneiric.toml"


def test_a_file_is_read(file: Path) -> None:
    file.write_text("[adapters.selections]\ncache = 'redis'  # «the fast one»\n", encoding="utf-8")
    assert read_settings(file).selections["adapter"] == {"cache": "redis"}  # type: ignore[index]  # a domain is its text


def test_what_is_wrong_is_told_with_its_place(file: Path) -> None:
    file.write_text("[trust]\nthreshold = = 2\n", encoding="utf-8")
    assert "line 2" in refused(file).what
    file.write_text("[trust]\ntreshold = 2\n", encoding="utf-8")
    error = refused(file)
    assert error.evidence["key"] == "trust.treshold"
    assert error.fix == "Did you mean trust.threshold?"


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"\xef\xbb\xbfa = 1", b"a = 1\na = 2", b"\x00", b"a = " + b"[" * 9999]
)
def test_bytes_that_are_not_toml_are_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert "is not TOML" in refused(file).what


def test_what_is_no_regular_file_of_bounded_size_keeps_nobody_waiting(file: Path, tmp_path: Path) -> None:
    assert "No such file" in refused(file).what
    assert "cannot be read" in refused(tmp_path).what
    os.mkfifo(file)
    assert "no regular file" in refused(file).what
    file.unlink()
    file.symlink_to("/dev/zero")
    assert "no regular file" in refused(file).what
    file.unlink()
    with file.open("wb") as large:
        large.truncate((1 << 20) + 1)
    assert "more than 1048576 bytes" in refused(file).what


def test_a_name_that_is_none_is_an_error_like_any_other() -> None:
    assert "null" in refused(Path("a\0b")).what  # byte, or character: versions of Python differ


def test_keys_and_directories_are_looked_for_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "publisher.pem").write_text(KEY.public_pem, encoding="utf-8")
    settings = Settings.from_document(
        {
            "trust": {"keys": ["keys/publisher.pem"]},
            "remote": {"path": "manifest.json", "refresh_interval": 60, "local_roots": ["wheels"]},
            "cache_dir": "cache",
            "state_dir": "/somewhere/else",
        }
    )
    plan = Plan.of(Arguments(), settings, tmp_path)
    assert plan.trust == TrustPolicy([PublicKey(KEY.public)])
    assert (plan.path, plan.url, plan.place) == (tmp_path / "manifest.json", None, tmp_path / "manifest.json")
    assert (plan.cache_dir, str(plan.state_dir)) == (tmp_path / "cache", "/somewhere/else")
    assert (plan.refresh_interval, plan.local_roots) == (60, (tmp_path / "wheels",))


def test_what_was_given_goes_before_what_is_configured(tmp_path: Path) -> None:
    settings = Settings.from_document(
        {"trust": {"keys": ["missing.pem"]}, "remote": {"path": "a.json", "refresh_interval": 60}, "cache_dir": "a"}
    )
    given = Arguments(
        manifest_url="https://acme.example/m.json",
        trust=RefuseAll(),
        refresh_interval=5,
        cache_dir=tmp_path,
        state_dir=tmp_path,
    )
    plan = Plan.of(given, settings, tmp_path)
    assert (plan.path, plan.url, plan.place) == (None, "https://acme.example/m.json", "https://acme.example/m.json")
    assert (plan.refresh_interval, plan.cache_dir, plan.state_dir) == (5, tmp_path, tmp_path)
    assert plan.trust is given.trust


def test_without_directories_those_of_the_user_are_used(tmp_path: Path) -> None:
    plan = Plan.of(Arguments(), Settings(), tmp_path)
    assert plan.state_dir == default_state_dir()
    assert plan.cache_dir != plan.state_dir
    assert plan.place is None


def test_a_key_file_that_is_missing_or_no_key_is_an_error_that_names_it(tmp_path: Path) -> None:
    settings = Settings.from_document({"trust": {"keys": ["publisher.pem"]}})
    with pytest.raises(SettingsError, match=r"publisher\.pem cannot be read"):
        Plan.of(Arguments(), settings, tmp_path)
    (tmp_path / "publisher.pem").write_bytes(b"nonsense")
    with pytest.raises(UntrustedKeyError, match=r"publisher\.pem"):
        Plan.of(Arguments(), settings, tmp_path)
