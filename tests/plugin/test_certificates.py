"""A certificate out of an ordinary run of pytest: issued, refused with the reason, and gone where a run earns none."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oneiric_core import CertificatePolicy, PublicKey
from oneiric_core.testing import key_pair, make_wheel
from oneiric_core.trust import private_pem

ASK = "--oneiric-conformance"
ISSUER = key_pair("the issuer of tests")
POINTS = "[oneiric.actions]\nslug = third:slug\n"
WHEEL = "third_party-1.0-py3-none-any.whl"
ASKED = ("--oneiric-wheel", WHEEL, "--oneiric-certificate", "c.json", "--oneiric-signing-key", "key.pem")


@pytest.fixture
def released(author: Any) -> Any:
    """The author's repository with a wheel built of it, and a key to sign with."""
    files = {"third.py": (author.root / "src/third.py").read_bytes()}
    (author.root / WHEEL).write_bytes(make_wheel(files, "third-party", "1.0", entry_points=POINTS))
    author.write("key.pem", ISSUER.private_pem).chmod(0o600)
    return author


def encoded(values: range) -> str:
    return base64.b64encode(bytes(values)).decode()


def verified(root: Path) -> tuple[str, ...]:
    """The levels that the certificate of the wheel vouches for."""
    digest = hashlib.sha256((root / WHEEL).read_bytes()).hexdigest()
    policy = CertificatePolicy([PublicKey(ISSUER.public)])
    return policy.check((root / "c.json").read_bytes(), digest, datetime.now(UTC)).levels


@pytest.mark.long
def test_a_run_over_the_wheel_leaves_its_certificate(released) -> None:
    done = released.pytest(ASK, *ASKED)
    assert done.code == 0, done.out
    assert f"certificate: {released.root}/c.json" in done.out
    assert verified(released.root) == ("core",)


@pytest.mark.long
def test_workers_tell_what_they_have_imported(released) -> None:
    source = (released.root / "src/third.py").read_text()
    lazy = source.replace(
        "async def execute(self, payload):", "async def execute(self, payload):\n        import third_late"
    )
    released.write("src/third.py", lazy)
    released.write("src/third_late.py", "")
    info = released.root / "src/third_party-1.0.dist-info/RECORD"
    info.write_text("third.py,,\nthird_late.py,,\n")
    files = {"third.py": lazy, "third_late.py": ""}
    (released.root / WHEEL).write_bytes(make_wheel(files, "third-party", "1.0", entry_points=POINTS))
    done = released.pytest(ASK, *ASKED, "-n", "2", plugins=("xdist.plugin",))
    assert done.code == 0, done.out
    assert verified(released.root) == ("core",)
    files["third_late.py"] = "x = 1\n"
    (released.root / WHEEL).write_bytes(make_wheel(files, "third-party", "1.0", entry_points=POINTS))
    done = released.pytest(ASK, *ASKED, "-n", "2", plugins=("xdist.plugin",))
    assert done.code == 1
    assert "third_late.py has SHA-256" in " ".join(done.out.split())


def test_a_narrowed_run_gives_no_certificate_and_fails_where_one_was_asked_for(released) -> None:
    released.write("c.json", "of yesterday")
    done = released.pytest(ASK, *ASKED, "-k", "META-002")
    assert done.code == 1
    assert "no certificate: no level was reached (without a result: " in done.out
    assert not (released.root / "c.json").exists()


@pytest.mark.long
def test_a_check_can_be_repeated_where_the_configuration_asks_for_a_certificate(released) -> None:
    released.publish(
        f'[tool.oneiric.conformance]\nwheel = "{WHEEL}"\ncertificate = "c.json"\nsigning-key = "key.pem"\n'
    )
    done = released.pytest(ASK, "pyproject.toml::action/slug/third::META-002")
    assert done.code == 0, done.out
    assert "no certificate" in done.out


@pytest.mark.long
def test_a_key_that_others_can_read_is_said_in_the_header(released) -> None:
    (released.root / "key.pem").chmod(0o644)
    out = released.pytest(ASK, *ASKED, "-k", "META-002").out
    assert "warning: the signing key" in out
    assert "chmod 600" in out


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (ASKED[2:], "Give the wheel, too"),
        ((*ASKED[:2], "--oneiric-certificate=/sys/c.json", *ASKED[4:]), "/sys/c.json"),
    ],
)
def test_what_can_be_known_to_be_wrong_is_said_before_the_run(released, options: tuple[str, ...], told: str) -> None:
    done = released.pytest(ASK, *options)
    assert done.code == 4
    assert told in done.err
    assert "passed" not in done.out


@pytest.mark.parametrize("inside", [False, True], ids=["on the command line", "in pyproject.toml"])
@pytest.mark.parametrize(
    "key",
    [ISSUER.private_pem, *map(encoded, (range(200, 232), range(255, 223, -1)))],
    ids=["PEM", "base64", "base64 like an absolute path"],
)
def test_a_key_in_the_place_of_its_path_is_not_repeated(released, key: str, inside: bool) -> None:
    if inside:
        written = {"wheel": WHEEL, "certificate": "c.json", "signing-key": key}
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in written.items()]
        released.publish(f"[tool.oneiric.conformance]\n{''.join(lines)}")
        done = released.pytest(ASK)
    else:
        done = released.pytest(ASK, *ASKED[:-1], key)
    assert done.code == 4
    assert "it may be the key itself" in " ".join(done.err.split())
    assert max(key.split(), key=len)[:12] not in done.out + done.err


@pytest.mark.slow
def test_a_key_that_is_encrypted_signs_with_the_password_in_a_variable(released, monkeypatch) -> None:
    released.write("key.pem", private_pem(ISSUER.private, password=b"correct horse"))
    done = released.pytest(ASK, *ASKED, "-k", "META-002")
    assert done.code == 4
    assert "holds its password, by password-env" in " ".join(done.err.split())
    monkeypatch.setenv("ACME_PASSWORD", "wrong")
    done = released.pytest(ASK, *ASKED, "--oneiric-password-env", "ACME_PASSWORD", "-k", "META-002")
    assert done.code == 4
    assert "Check the file and its password" in " ".join(done.err.split())
    monkeypatch.setenv("ACME_PASSWORD", "correct horse")
    done = released.pytest(ASK, *ASKED, "--oneiric-password-env", "ACME_PASSWORD", "-k", "META-002")
    assert "no certificate: no level was reached" in done.out
    assert done.err == ""


@pytest.mark.parametrize("inside", [False, True], ids=["on the command line", "in pyproject.toml"])
def test_a_password_in_the_place_of_its_variable_is_not_repeated(released, inside: bool) -> None:
    if inside:
        released.publish('[tool.oneiric.conformance]\npassword-env = "hunter2"\n')
    done = released.pytest(ASK, *(() if inside else (*ASKED, "--oneiric-password-env", "hunter2")))
    assert done.code == 4
    assert "not what is in it" in " ".join(done.err.split())
    assert "hunter2" not in done.out + done.err


@pytest.mark.slow
def test_a_file_that_is_called_like_a_key_is_one_that_can_be_given(released) -> None:
    """That is not shown which is not there."""
    name = encoded(range(32)).replace("/", "_")
    (released.root / "key.pem").rename(released.root / name)
    done = released.pytest(ASK, *ASKED[:-1], name, "-k", "META-002")
    assert "no certificate: no level was reached" in done.out
    assert done.err == ""
