"""A runtime for the dry run of a release: each line on standard input makes it look at the manifest once.

Every artifact has to have a certificate.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from oneiric_core import CertificatePolicy, LifecycleManager, Resolver, TrustPolicy, sync_remote_manifest
from oneiric_core.remote.http import HttpFetcher
from oneiric_core.remote.http_addresses import AddressPolicy
from oneiric_core.trust import load_public_key


async def serve(url: str, policy: TrustPolicy, folder: Path) -> None:
    resolver = Resolver()
    fetcher = HttpFetcher(addresses=AddressPolicy(http_to_loopback=True))
    async with LifecycleManager(resolver) as lifecycle:
        running = ""
        while await asyncio.to_thread(sys.stdin.readline):
            report = await sync_remote_manifest(
                resolver,
                url,
                folder / "cache",
                trust=policy,
                lifecycle=lifecycle,
                state_dir=folder / "state",
                fetcher=fetcher,
            )
            if not running:
                await lifecycle.activate("adapter", "cache")
            async with lifecycle.lease("adapter", "cache") as cache:
                await cache.set("greeting", "hello")
                version = type(cache).metadata.version
            came = f"swapped {', '.join(report.swapped)} from {running}" if report.swapped else "activated"
            running = version
            sys.stdout.write(
                f"adapter/cache runs {version}, {came}; {report.registered} components of {report.source}\n"
            )
            sys.stdout.flush()


def main() -> None:
    url, key, issuer, source = sys.argv[1:]
    trusted, certifying = (load_public_key(Path(path).read_bytes(), name=path) for path in (key, issuer))
    certificate = CertificatePolicy([certifying])
    policy = TrustPolicy([trusted], source=source, require_expiry=True, certificate=certificate)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(url, policy, Path(folder)))


if __name__ == "__main__":
    main()
