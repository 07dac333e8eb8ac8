"""What is generated and signed here in the flat form is accepted by the published ``oneiric``."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oneiric_core.manifest import JSON, YAML
from oneiric_core.publish import add_signer, find_package, generate_manifest, read_wheel, render_document, sign_anew
from oneiric_core.trust import generate_private_key, public_key_of

security = pytest.importorskip(
    "oneiric.remote.security", reason="the published package needs Python 3.13 and is not installed in this environment"
)
loader = pytest.importorskip("oneiric.remote.loader")
config = pytest.importorskip("oneiric.core.config")

STRICT = config.RemoteSourceConfig(signature_required=True)
ALICE, BOB = generate_private_key(), generate_private_key()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [base64.b64encode(public_key_of(key).raw).decode("ascii") for key in (ALICE, BOB)]
    monkeypatch.setenv(security.ENV_TRUSTED_PUBLIC_KEYS, ",".join(keys))


@pytest.mark.usefixtures("zeta", "trusted")
@pytest.mark.parametrize("media_type", [JSON, YAML])
def test_it_is_verified_parsed_and_every_entry_is_valid_there(media_type: str, make_wheel: Callable[..., Path]) -> None:
    wheels = {"https://zeta.example/zeta-2.1.0-py3-none-any.whl": read_wheel(make_wheel())}
    document = generate_manifest([find_package("zeta")], version="2.1.0", source="zeta", wheels=wheels)
    now = datetime.now(UTC)
    data = render_document(document, media_type)
    signed = sign_anew(data, media_type, ALICE, into=media_type, now=now, expires_in=timedelta(days=30))
    both = add_signer(signed.data, media_type, BOB, now=now)
    for made in (signed, both):
        manifest = loader._parse_manifest(made.data.decode(), signature_policy=STRICT)
        for entry in manifest.entries:  # whose code may run is the operator's business, and by default it is theirs
            allowed = entry.model_copy(update={"factory": "oneiric.remote.samples:demo_remote_adapter"})
            assert loader._validate_entry(allowed) is None
        assert [entry.key for entry in manifest.entries] == ["cache", "heard", "flow", "act"]
    with pytest.raises(ValueError, match="verification failed"):
        loader._parse_manifest(signed.data.decode().replace("Keeps", "Loses"), signature_policy=STRICT)
