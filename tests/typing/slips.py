"""Slips that a strict type checker finds: where it did not, it would say that there is nothing to ignore."""

from oneiric_conformance import Certify
from oneiric_core.testing import ArtifactServer, Broken, CacheSandbox, FaultPlans, ManifestFactory, Reply, WireFault


def test_slips(
    oneiric_artifact_server: ArtifactServer,
    oneiric_cache_sandbox: CacheSandbox,
    oneiric_certify: Certify,
    oneiric_fault_plan: FaultPlans,
    oneiric_manifest: ManifestFactory,
) -> None:
    oneiric_artifact_server.on("/a", b"bytes")  # type: ignore[arg-type]
    oneiric_artifact_server.serve("/a", "text")  # type: ignore[arg-type]
    assert oneiric_artifact_server.tlss  # type: ignore[attr-defined]
    Broken(WireFault.SHROT)  # type: ignore[attr-defined]
    Reply(headers={"X-One": "1"})  # type: ignore[arg-type]
    oneiric_cache_sandbox.allow(3)  # type: ignore[arg-type]
    oneiric_certify(3)  # type: ignore[arg-type]
    oneiric_fault_plan(dict, None)  # type: ignore[arg-type]
    oneiric_manifest(signed_by="publisher")  # type: ignore[arg-type]
    oneiric_manifest(expires_in="1 day")  # type: ignore[arg-type]
    oneiric_manifest(form="dse")  # type: ignore[arg-type]
