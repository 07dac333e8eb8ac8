"""``oneiric-core sync``: apply a manifest once, so that what it brings is here and verified."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, examples
from oneiric_core.cli.configuring import SettingsOption
from oneiric_core.cli.finding import plain_application
from oneiric_core.cli.sourcing import (
    CacheDir,
    CertificateKeys,
    HeaderEnv,
    ManifestFile,
    ManifestUrl,
    PublicKeys,
    RequireCertificate,
    Sourcing,
    StateDir,
    Threshold,
    TrustRootFile,
    plan_of,
)
from oneiric_core.clock import SYSTEM_CLOCK
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.fetcher import Fetcher
from oneiric_core.remote.report import SyncReport
from oneiric_core.remote.sync import sync_remote_manifest
from oneiric_core.resolver import Resolver
from oneiric_core.runtime.plan import Plan
from oneiric_core.runtime.roots import policy_of

__all__ = ["verb"]

verb = plain_application()


@verb.command(
    "sync",
    epilog=examples(
        "oneiric-core sync --manifest-url https://acme.example/manifest.json --public-key acme.pem",
        "oneiric-core sync --manifest manifest.dsse.json --trust-root 1.root.json --json",
    ),
)
def sync(
    *,
    manifest_url: ManifestUrl = None,
    manifest: ManifestFile = None,
    public_key: PublicKeys = [],  # noqa: B006 - typer's way of saying none
    trust_root: TrustRootFile = None,
    threshold: Threshold = 1,
    require_certificate: RequireCertificate = None,
    certificate_key: CertificateKeys = [],  # noqa: B006 - likewise
    header_env: HeaderEnv = [],  # noqa: B006 - likewise
    cache_dir: CacheDir = None,
    state_dir: StateDir = None,
    settings: SettingsOption = None,
    as_json: AsJson = False,
) -> int:
    """Bring what a manifest lists, verified, and remember what was seen. Exit code 1 if it may not be believed.

    Nothing of it is imported or run: that is for ``run``, or for an application.
    """
    sourcing = Sourcing(
        manifest_url=manifest_url,
        manifest=manifest,
        public_key=public_key,
        trust_root=trust_root,
        threshold=threshold,
        header_env=header_env,
        require_certificate=require_certificate,
        certificate_key=certificate_key,
        cache_dir=cache_dir,
        state_dir=state_dir,
    )
    plan = plan_of(sourcing.arguments(), settings)
    report = asyncio.run(_apply(plan))
    if as_json:
        render.data(asdict(report))
    else:
        _print(report, plan.place)
    if report.stale:
        render.error(f"the last known good manifest serves: {report.stale}")
    return 1 if report.stale else 0


async def _apply(plan: Plan) -> SyncReport:
    clock = SYSTEM_CLOCK
    fetcher = plan.fetcher(clock)
    with render.progress("Fetching artifacts", None) as done:
        return await sync_remote_manifest(
            Resolver(),
            plan.place or "",
            plan.cache_dir,
            trust=await policy_of(plan, fetcher, clock),
            state_dir=plan.state_dir,
            artifacts=_Telling(plan, fetcher, done),
            fetcher=fetcher,
            headers=plan.headers,
            clock=clock,
        )


class _Telling(ArtifactManager):
    """Tells of every byte that comes."""

    def __init__(self, plan: Plan, fetcher: Fetcher, done: Callable[[int], object]) -> None:
        super().__init__(plan.cache_dir, local_roots=plan.local_roots, fetcher=fetcher)
        self._done = done

    async def fetch(self, *what: Any, **how: Any) -> Path:
        before = 0

        def told(received: int, _announced: int | None) -> None:
            nonlocal before
            self._done(max(0, received - before))
            before = received

        return await super().fetch(*what, **how | {"progress": told})


def _print(report: SyncReport, place: Path | str | None) -> None:
    counted = ", ".join(f"{count} {domain}" for domain, count in sorted(report.per_domain.items()))
    signers = f"signed by {len(report.signers)} trusted key{'' if len(report.signers) == 1 else 's'}"
    render.text(f"{place}: {report.source}, {signers}")
    render.fields(
        [
            ("components", f"{report.registered}" + (f" ({counted})" if counted else "")),
            ("received", f"{report.bytes_received:,} bytes, {report.attempts} requests, {report.duration_ms:,.0f} ms"),
            *((name, f"skipped: {reason}") for name, reason in sorted(report.skipped.items())),
        ]
    )
