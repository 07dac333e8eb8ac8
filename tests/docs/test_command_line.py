"""The page on the command line is what the commands say of themselves, and their examples do what they say."""

import hashlib
import os
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from moto.server import ThreadedMotoServer

from oneiric_core.cli.finding import find_verbs
from oneiric_core.testing import make_wheel, signed_certificate

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # it is a program as well
import command_line  # noqa: E402

sys.path.pop(0)

OURS = ("keys", "manifest", "release", "artifacts")


def test_the_page_is_up_to_date() -> None:
    assert command_line.PAGE.read_text(encoding="utf-8") == command_line.page(), (
        "Write it anew: python tests/docs/command_line.py"
    )


def examples() -> list[str]:
    """Those of the verbs that publish, in an order in which they can be typed."""
    found = []
    for name in OURS:
        for command in typer.main.get_command(find_verbs()[name].load()).commands.values():  # type: ignore[attr-defined]
            text = "\n".join(command_line.example_lines(command))
            found += text.replace("\\\n", "").splitlines()
    return found


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A directory with the wheel of the example repository, which is installed beside it."""
    source = ROOT / "conformance" / "acme"
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = {f"acme_oneiric/{path.name}": path.read_text(encoding="utf-8") for path in source.glob("src/*/*.py")}
    groups = project["entry-points"].items()
    points = "\n".join(f"[{group}]\n" + "\n".join(f"{n} = {v}" for n, v in named.items()) for group, named in groups)
    dist = tmp_path / "dist"
    dist.mkdir()
    wheel = dist / "acme_oneiric-1.4.0-py3-none-any.whl"
    wheel.write_bytes(make_wheel(files, "acme-oneiric", project["version"], entry_points=points))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "certificate.json").write_bytes(signed_certificate(digest, issued_at=datetime.now(UTC)))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "pyproject.toml").write_text('[tool.towncrier]\nname = "Acme"\ndirectory = "news"\n')
    (tmp_path / "news").mkdir()
    (tmp_path / "www").mkdir()
    return tmp_path


@pytest.mark.long
def test_each_example_of_a_verb_that_publishes_runs(acme: Path) -> None:
    """As it stands there, but to a server on this machine instead of Amazon's, and to a directory below this one."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        environment = prepared(acme, url)
        typed = examples()
        assert len(typed) > 10
        for line in ["oneiric-core keys generate --output-dir . --name second", *typed]:
            environment["SIGNING_KEY"] = secret(acme)
            command = line.replace("/srv/www", "www") + (f" --endpoint-url {url}" if "--backend s3" in line else "")
            done = subprocess.run(
                ["bash", "-euc", command], cwd=acme, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        with urllib.request.urlopen(f"{url}/acme-releases/manifest.yaml") as answer:  # noqa: S310 - ours
            assert b"signature:" in answer.read()
    finally:
        server.stop()


def secret(acme: Path) -> str:
    path = acme / "keys" / "oneiric.private.pem"
    return path.read_text() if path.exists() else ""


def prepared(acme: Path, url: str) -> dict[str, str]:
    tools = acme / "bin"
    tools.mkdir()
    script = tools / "oneiric-core"
    script.write_text(f"#!{sys.executable}\nimport sys\nfrom oneiric_core.cli.main import main\nsys.exit(main())\n")
    script.chmod(0o755)
    given = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "KEY_PASSWORD": "correct horse"}
    client: Any = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",  # noqa: S106
    )
    client.create_bucket(Bucket="acme-releases", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    everybody = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", '
    everybody += '"Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-releases/*"}]}'
    client.put_bucket_policy(Bucket="acme-releases", Policy=everybody)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    modules = os.pathsep.join(map(str, (acme / "site", ROOT, ROOT / "conformance")))
    return {**os.environ, **given, "PATH": path, "PYTHONPATH": modules, "COLUMNS": "200"}
