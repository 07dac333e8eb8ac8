"""Look at what was published as a runtime does that has never been here: no credentials, no cache, no memory.

Arguments: the URL of the manifest, the path of the public key, and the source; and, where every artifact has to have a
certificate, the path of the public key of whoever issues them.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from oneiric_core import CertificatePolicy, Resolver, SyncReport, TrustPolicy, sync_remote_manifest
from oneiric_core.errors import OneiricError
from oneiric_core.remote.http import HttpFetcher
from oneiric_core.remote.http_addresses import AddressPolicy
from oneiric_core.trust import load_public_key


async def look(url: str, policy: TrustPolicy, folder: Path) -> SyncReport:
    return await sync_remote_manifest(
        Resolver(),
        url,
        folder / "cache",
        trust=policy,
        state_dir=folder / "state",
        # http is for the dry run, which has its servers on this machine; anything else has to be https.
        fetcher=HttpFetcher(addresses=AddressPolicy(http_to_loopback=True)),
    )


def main() -> int:
    url, key, source, *issuers = sys.argv[1:]
    trusted, *certifying = (load_public_key(Path(path).read_bytes(), name=path) for path in (key, *issuers))
    with tempfile.TemporaryDirectory() as folder:
        try:
            certificate = CertificatePolicy(certifying) if certifying else None
            policy = TrustPolicy([trusted], source=source, require_expiry=True, certificate=certificate)
            report = asyncio.run(look(url, policy, Path(folder)))
        except OneiricError as error:
            sys.stderr.write(f"{url}: {error}\n")
            return 1
    skipped = "".join(f"\n  skipped {name}: {reason}" for name, reason in report.skipped.items())
    certified = ", each artifact certified" if issuers else ""
    sys.stdout.write(f"{url}: {report.registered} components of {report.source}{certified}{skipped}\n")
    return 0 if report.registered else 1


if __name__ == "__main__":
    sys.exit(main())
