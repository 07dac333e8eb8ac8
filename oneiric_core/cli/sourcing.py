"""Where a manifest comes from and whom to believe: the options of the verbs that apply one.

What is said on the command line goes before the environment, and that before ``oneiric.toml``.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from oneiric_core.cli.arguments import (
    PublicKeys,
    Threshold,
    check_level,
    check_threshold,
    existing,
    http_url,
    manifest_path,
)
from oneiric_core.cli.configuring import find_settings
from oneiric_core.cli.secrets import from_environment
from oneiric_core.levels import CERTIFICATE_LEVELS
from oneiric_core.runtime.plan import Arguments, Plan
from oneiric_core.runtime.settings_file import read_bounded, read_settings
from oneiric_core.settings import Settings
from oneiric_core.trust import CertificatePolicy, RefuseAll, TrustPolicy, load_public_key

__all__ = [
    "CacheDir",
    "CertificateKeys",
    "HeaderEnv",
    "ManifestFile",
    "ManifestUrl",
    "PublicKeys",
    "RequireCertificate",
    "Sourcing",
    "StateDir",
    "Threshold",
    "TrustRootFile",
    "plan_of",
]

ManifestUrl: TypeAlias = Annotated[
    str | None,
    typer.Option("--manifest-url", metavar="URL", envvar="ONEIRIC_MANIFEST_URL", help="Where the manifest is."),
]
ManifestFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--manifest", metavar="PATH", parser=manifest_path, help="The manifest, where it is a file of this machine."
    ),
]
TrustRootFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--trust-root", metavar="PATH", parser=existing, help="The first root of the source, in the place of keys."
    ),
]
RequireCertificate: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--require-certificate",
        metavar="LEVEL",
        parser=check_level,
        help=f"Every artifact needs a certificate of at least this level: {' or '.join(CERTIFICATE_LEVELS)}.",
    ),
]
CertificateKeys: TypeAlias = Annotated[
    list[Path],
    typer.Option(
        "--certificate-key", metavar="PATH", parser=existing, help="Of an issuer of certificates; may be said again."
    ),
]
HeaderEnv: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--header-env",
        metavar="NAME",
        help="An environment variable that holds a header, as 'Authorization: Bearer …'; may be said again.",
    ),
]
CacheDir: TypeAlias = Annotated[
    Path | None,
    typer.Option("--cache-dir", metavar="DIR", envvar="ONEIRIC_CACHE_DIR", help="Where artifacts are kept."),
]
StateDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", metavar="DIR", envvar="ONEIRIC_STATE_DIR", help="Where it is remembered what was seen."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourcing:
    """What was said on the command line and in the environment."""

    manifest_url: str | None
    manifest: Path | None
    public_key: list[Path]
    trust_root: Path | None
    threshold: int
    header_env: list[str]
    cache_dir: Path | None
    state_dir: Path | None
    refresh_interval: float | None = None
    require_certificate: str | None = None
    certificate_key: list[Path] = field(default_factory=list)

    def arguments(self) -> Arguments:
        """The same, read.

        :raises typer.BadParameter: it makes no sense.
        :raises OneiricError: a key or a header cannot be used.
        """
        if self.manifest is not None and self.manifest_url is not None:
            raise typer.BadParameter("say where the manifest is once: --manifest-url or --manifest")
        if self.public_key and self.trust_root is not None:
            raise typer.BadParameter("a root has keys of its own: --public-key or --trust-root, not both")
        if self.threshold > 1 and not self.public_key:
            raise typer.BadParameter("a threshold needs keys to count", param_hint="--threshold")
        keys = [load_public_key(read_bounded(path), name=str(path)) for path in self.public_key]
        if keys:
            check_threshold(self.threshold, keys)
        if self.manifest_url is not None and "://" in self.manifest_url:
            http_url(self.manifest_url, "--manifest-url")
        return Arguments(
            manifest_path=self.manifest,
            manifest_url=self.manifest_url,
            trust=TrustPolicy(keys, threshold=self.threshold) if keys else None,
            trust_root=self.trust_root,
            refresh_interval=self.refresh_interval,
            cache_dir=self.cache_dir,
            state_dir=self.state_dir,
            headers=dict(_header(name) for name in self.header_env),
            certificate=self._certificate(),
        )

    def _certificate(self) -> CertificatePolicy | None:
        if self.require_certificate is None and not self.certificate_key:
            return None
        if self.require_certificate is None or not self.certificate_key:
            raise typer.BadParameter("--require-certificate and --certificate-key belong together")
        keys = [load_public_key(read_bounded(path), name=str(path)) for path in self.certificate_key]
        return CertificatePolicy(keys, self.require_certificate)


def plan_of(arguments: Arguments, settings_path: Path | None) -> Plan:
    """What is to be done with the settings there are.

    :raises typer.BadParameter: there is no manifest, or nobody to believe.
    :raises OneiricError: settings or keys cannot be used.
    """
    path = find_settings(settings_path)
    settings = Settings() if path is None else read_settings(path)
    plan = Plan.of(arguments, settings, Path() if path is None else path.absolute().parent)
    if plan.place is None:
        raise typer.BadParameter("there is no manifest; say --manifest-url, or remote.url in oneiric.toml")
    if plan.anchor is None and isinstance(plan.trust, RefuseAll):
        raise typer.BadParameter("nobody is trusted; say --public-key or --trust-root, or trust.keys in oneiric.toml")
    return plan


def _header(variable: str) -> tuple[str, str]:
    """The header in an environment variable; it may be a secret, and is not shown."""
    name, colon, value = from_environment(variable, "--header-env").partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter(
            f"the environment variable {variable!r} holds no header; write it as 'Name: value'",
            param_hint="--header-env",
        )
    checked = Settings.from_document({"remote": {"headers": {name.strip(): value.strip()}}})
    return next(iter(checked.remote.headers.items()))
