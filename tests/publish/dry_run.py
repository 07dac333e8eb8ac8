"""Two releases, from source to a component that is replaced while it runs; on this machine, without any account.

Run by ``make release-dry-run``. For S3 and for GCS, each emulated by a server that is really there: a first release of
``conformance/acme``, by the very script that ``.github/workflows/release.yml`` runs; a runtime that has never been here
fetches it over HTTP and activates its cache; a second release; the same runtime looks again, and swaps the cache. It
asks for a certificate of every artifact.
"""

import os
import shutil
import subprocess
import sys
import venv
from contextlib import ExitStack
from pathlib import Path

import emulators

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "release-dry-run"
SOURCE = "https://acme.example/oneiric"
VERSIONS = ("1.4.0", "1.5.0")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def make_python(home: Path) -> Path:
    """An environment of its own that has what this one has: releases are installed into it, to be judged."""
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    shared = [ROOT, ROOT / "conformance", *(path for path in map(Path, sys.path) if path.name == "site-packages")]
    (packages / "shared.pth").write_text("".join(f"{path}\n" for path in shared), encoding="utf-8")
    return home / "bin" / "python"


def write_pair(folder: Path, name: str) -> None:
    code = "import sys; from oneiric_core.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "keys", "generate", "--output-dir", str(folder), "--name", name]
    subprocess.run(command, check=True)


def make_project(folder: Path, version: str) -> Path:
    """The source of ``conformance/acme`` as it was tagged ``version``, with a note of what is new in it."""
    shutil.copytree(ROOT / "conformance" / "acme", folder, ignore=shutil.ignore_patterns("__pycache__", ".*", "dist"))
    for path in (folder / "pyproject.toml", *folder.glob("src/*/*.py")):
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace('version="1.4.0"', f'version="{version}"').replace(
                'version = "1.4.0"', f'version = "{version}"'
            ),
            encoding="utf-8",
        )
    (folder / "towncrier.toml").write_text(
        '[tool.towncrier]\nname = "Acme"\ndirectory = "news"\nfilename = "NEWS.md"\n'
    )
    (folder / "news").mkdir()
    (folder / "news" / "+cache.feature.md").write_text(f"The cache of {version}.")
    return folder


def release(
    project: Path, version: str, python: Path, keys: Path, place: dict[str, str], *, judged: Path | None
) -> Path:
    """Both halves of the script, each with its own secret and no other.

    :param judged: the certificate of the same wheel, if it was judged before.
    :return: the certificate.
    """
    out = project.parent / f"out-{version}"
    certificate = out / "certificate.json"
    environment = {
        **os.environ,
        **place,
        **({} if judged is None else {"CERTIFY": f"cp {judged} {certificate}"}),
        "TAG": f"v{version}",
        "PACKAGE": "acme-oneiric",
        "PROJECT": str(project),
        "SOURCE": SOURCE,
        "OUT": str(out),
        "PYTHON": str(python),
        "PYTEST_ADDOPTS": "-p no:asyncio -p no:cacheprovider",
        "PIP_NO_INDEX": "1",
    }
    script = str(ROOT / ".github" / "scripts" / "release")
    secret = {"CERTIFYING_KEY": (keys / "issuer.private.pem").read_text()}
    subprocess.run([script, "build"], env=environment | secret, cwd=ROOT, check=True)
    secret = {"SIGNING_KEY": (keys / "oneiric.private.pem").read_text()}
    public = {"PUBLIC_KEY": str(keys / "oneiric.public.pem"), "CERTIFICATE_KEY": str(keys / "issuer.public.pem")}
    subprocess.run([script, "publish"], env=environment | secret | public, cwd=ROOT, check=True)
    return certificate


class Runtime:
    """A process that keeps a cache running; it looks at the manifest when it is told to."""

    def __init__(self, python: Path, url: str, keys: Path) -> None:
        trusted = [str(keys / f"{name}.public.pem") for name in ("oneiric", "issuer")]
        command = [str(python), str(Path(__file__).with_name("dry_run_runtime.py")), url, *trusted, SOURCE]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def look(self) -> str:
        """What it says after it has looked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("look\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def rehearse(backend: str, place: dict[str, str], endpoint: str, keys: Path, judged: dict[str, Path]) -> None:
    """Two releases to one kind of bucket, and a runtime that follows.

    :param judged: the certificates there are, by version; completed.
    """
    work = OUT / backend
    work.mkdir(parents=True)
    python = make_python(work / "venv")
    base = f"{endpoint}/{place['BUCKET']}"
    place |= {
        "BACKEND": backend,
        "ENDPOINT_URL": endpoint,
        "ARTIFACT_URL": f"{base}/wheels/",
        "CERTIFICATE_URL": f"{base}/certificates/",
        "MANIFEST_URL": f"{base}/manifest.dsse.json",
    }
    runtime = None
    for version in VERSIONS:
        say(f"\n#### {backend}: release {version}")
        project = make_project(work / f"acme-{version}", version)
        judged[version] = release(project, version, python, keys, place, judged=judged.get(version))
        runtime = runtime or Runtime(python, place["MANIFEST_URL"], keys)
        told = runtime.look()
        say(f"== the runtime\n{told}")
        if version not in told:
            sys.exit(f"{backend}: the runtime does not run {version}")
    runtime.stop()


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    keys = OUT / "keys"
    for name in ("oneiric", "issuer"):
        write_pair(keys, name)
    os.environ |= {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
    with ExitStack() as stack:
        s3 = stack.enter_context(emulators.s3_server())
        emulators.make_s3_bucket(s3, "acme-s3")
        gcs, _ = stack.enter_context(emulators.gcs_server("acme-gcs"))
        judged: dict[str, Path] = {}  # the wheels are the same for both
        rehearse("s3", {"BUCKET": "acme-s3", "REGION": emulators.REGION}, s3, keys, judged)
        rehearse("gcs", {"BUCKET": "acme-gcs"}, gcs, keys, judged)
    say(f"\nBoth rehearsals are done; what they made is in {OUT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
