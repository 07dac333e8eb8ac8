"""``oneiric-core manifest``: generate, sign, verify and publish what a package offers."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from oneiric_core.cli import render
from oneiric_core.cli.arguments import (
    AsJson,
    DomainsOption,
    PublicKeys,
    Threshold,
    as_usage,
    check_threshold,
    duration,
    examples,
    existing,
)
from oneiric_core.cli.buckets import (
    BackendOption,
    BucketOption,
    EndpointOption,
    KeyOption,
    PublicOption,
    PublicUrlOption,
    RegionOption,
)
from oneiric_core.cli.finding import plain_application
from oneiric_core.cli.manifests import (
    ArtifactUrl,
    CertificatesOption,
    CertificateUrl,
    ManifestPath,
    OnlySource,
    PackagesOption,
    PreviousManifest,
    SequenceNumber,
    SourceName,
    VersionOption,
    WheelsOption,
)
from oneiric_core.cli.secrets import PasswordEnv, PrivateKeyEnv, PrivateKeyFile, read_private_key
from oneiric_core.clock import SYSTEM_CLOCK
from oneiric_core.domains import Domain
from oneiric_core.manifest import ENVELOPE, JSON, media_type_of
from oneiric_core.publish import (
    Previous,
    add_signer,
    address_of,
    find_package,
    generate_manifest,
    read_certificate,
    read_wheel,
    render_document,
    sign_anew,
    write_file,
)
from oneiric_core.publish.announce import announce_manifest
from oneiric_core.publish.packages import BUILT_IN
from oneiric_core.publish.places import Place
from oneiric_core.publish.write import read_file
from oneiric_core.trust import PublicKey, TrustPolicy, VerifiedManifest, load_public_key, public_key_of, verify_manifest
from oneiric_core.trust.signing import Form

__all__ = ["verb"]

verb = plain_application()

_STANDARD_OUTPUT: Final = Path("-")
_ENVELOPE_NAME: Final = ".dsse.json"


@verb.callback()
def manifest() -> None:
    """Generate, sign, verify and publish what a package offers."""


@verb.command(
    epilog=examples(
        "oneiric-core manifest generate --package acme-oneiric --version 1.4.0 --output manifest.yaml",
        "oneiric-core manifest generate --package acme-oneiric --version 1.4.0 --output manifest.json \\\n"
        "--artifact dist/acme_oneiric-1.4.0-py3-none-any.whl --artifact-url https://acme.example/wheels/",
        "oneiric-core manifest generate --package acme-oneiric --version 1.4.0 --output manifest.json \\\n"
        "--artifact dist/acme_oneiric-1.4.0-py3-none-any.whl --artifact-url https://acme.example/wheels/ \\\n"
        "--certificate certificate.json --certificate-url https://acme.example/certificates/acme-1.4.0/",
    )
)
def generate(
    *,
    output: Annotated[
        Path, typer.Option("--output", metavar="PATH", help="Where to write it: .json or .yaml; - is standard output.")
    ],
    version: VersionOption,
    package: PackagesOption = [],  # noqa: B006 - typer's way of saying none
    source: SourceName = None,
    artifact: WheelsOption = [],  # noqa: B006 - likewise
    artifact_url: ArtifactUrl = None,
    certificate: CertificatesOption = [],  # noqa: B006 - likewise
    certificate_url: CertificateUrl = None,
    no_adapters: Annotated[bool, typer.Option("--no-adapters", help="Leave out adapters.")] = False,
    no_actions: Annotated[bool, typer.Option("--no-actions", help="Leave out actions.")] = False,
    domain: DomainsOption = [],  # noqa: B006 - likewise
    as_json: AsJson = False,
) -> None:
    """Write an unsigned manifest of the components that installed packages announce, or of those we ship ourselves.

    The same packages, wheels and certificates always give the same bytes.
    """
    if bool(artifact) != (artifact_url is not None):
        raise typer.BadParameter("--artifact and --artifact-url go together: one says what, the other where")
    if bool(certificate) != (certificate_url is not None):
        raise typer.BadParameter("--certificate and --certificate-url go together: one says what, the other where")
    if certificate and not artifact:
        raise typer.BadParameter("--certificate needs --artifact: it is about a wheel")
    with as_usage("--output"):
        media_type = JSON if output == _STANDARD_OUTPUT else media_type_of(output.name)
    if media_type == ENVELOPE:
        raise typer.BadParameter(
            "an envelope is made by signing; end the name in .json or .yaml", param_hint="--output"
        )
    left_out = {Domain.ADAPTER: no_adapters, Domain.ACTION: no_actions}
    packages = [find_package(name) for name in dict.fromkeys(package or [BUILT_IN])]
    wheels = [read_wheel(path) for path in artifact]
    certificates = [read_certificate(path, SYSTEM_CLOCK.now()) for path in certificate]
    with as_usage("--artifact-url"):
        wheels_at = {address_of(each.filename, str(artifact_url)): each for each in wheels}
    with as_usage("--certificate-url"):
        certificates_at = {address_of(each.filename, str(certificate_url)): each for each in certificates}
    document = generate_manifest(
        packages,
        version=version,
        source=packages[0].name if source is None else source,
        domains=[each for each in map(Domain, domain or Domain) if not left_out.get(each)],
        wheels=wheels_at,
        certificates=certificates_at,
    )
    data = render_document(document, media_type)
    if output == _STANDARD_OUTPUT:
        render.verbatim(data)
        return
    write_file(output, data)
    names = [f"{entry['domain']}/{entry['key']}/{entry['provider']}" for entry in document["entries"]]
    if as_json:
        render.data({"manifest": str(output), "source": document["source"], "entries": names})
    else:
        told = ", ".join(f"{each.name} {each.version}" for each in packages)
        render.text(f"{output}: {_count(len(names), 'entry', 'entries')} of {told}, not signed yet")


@verb.command(
    epilog=examples(
        "oneiric-core manifest sign --manifest manifest.yaml --private-key keys/oneiric.private.pem --expires-in 30d",
        "oneiric-core manifest sign --manifest manifest.json --form dsse --private-key-env SIGNING_KEY",
        "oneiric-core manifest sign --manifest manifest.dsse.json --append --private-key - < second.private.pem",
    )
)
def sign(
    *,
    manifest: ManifestPath,
    private_key: PrivateKeyFile = None,
    private_key_env: PrivateKeyEnv = None,
    password_env: PasswordEnv = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="PATH", help="Where to write it; the manifest itself if left out."),
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option(
            "--form", help="With the signature in it, or in an envelope around it; as the name says if left out."
        ),
    ] = None,
    sequence_number: SequenceNumber = None,
    previous: PreviousManifest = None,
    previous_key: Annotated[
        list[Path],
        typer.Option("--previous-key", metavar="PATH", parser=existing, help="Who signed that, if it was another key."),
    ] = [],  # noqa: B006 - typer's way of saying none
    expires_in: Annotated[
        timedelta | None, typer.Option("--expires-in", metavar="30d", parser=duration, help="How long it is valid.")
    ] = None,
    key_id: Annotated[
        str | None, typer.Option("--key-id", metavar="NAME", help="A hint for people; decides nothing.")
    ] = None,
    append: Annotated[bool, typer.Option("--append", help="Add a signature to those it has.")] = False,
    as_json: AsJson = False,
) -> None:
    """Number, date and sign a manifest, in place and in the form of its file.

    With --append nothing but one more signature is added.
    """
    restamps = (sequence_number, previous, expires_in, form)
    if append and any(value is not None for value in restamps):
        raise typer.BadParameter("--append changes nothing that is signed: no number, no expiry, no form")
    if previous_key and previous is None:
        raise typer.BadParameter("--previous-key says who signed --previous, which is missing")
    with as_usage("--output"):
        target = _target(manifest, output, form)
    media_type, into = media_type_of(manifest.name), media_type_of(target.name)
    if append and media_type != into:
        raise typer.BadParameter(f"--append keeps the form, and {target.name} is of another")
    key = read_private_key(private_key, private_key_env, password_env)
    data = read_file(manifest)
    if append:
        signed = add_signer(data, media_type, key, now=SYSTEM_CLOCK.now(), key_id=key_id)
    else:
        keys = [*_load(previous_key), public_key_of(key)]
        signed = sign_anew(
            data,
            media_type,
            key,
            into=into,
            now=SYSTEM_CLOCK.now(),
            sequence_number=sequence_number,
            previous=Previous.read(read_file(previous), media_type_of(previous.name), keys) if previous else None,
            expires_in=expires_in,
            key_id=key_id,
        )
    write_file(target, signed.data)
    if as_json:
        render.data({"manifest": str(target), "signatures": signed.signatures, **_facts(signed.verified)})
    else:
        told = _count(signed.signatures, "signature", "signatures")
        render.text(f"{target}: {told}, {_told(signed.verified)}")


@verb.command(
    epilog=examples("oneiric-core manifest verify --manifest manifest.yaml --public-key keys/oneiric.public.pem")
)
def verify(
    *,
    manifest: ManifestPath,
    public_key: PublicKeys,
    threshold: Threshold = 1,
    source: OnlySource = None,
    as_json: AsJson = False,
) -> None:
    """May a manifest be believed? Exit code 1 if not, with the reason."""
    keys = _load(public_key)
    policy = TrustPolicy(keys, threshold=check_threshold(threshold, keys), source=source)
    verified = verify_manifest(read_file(manifest), media_type_of(manifest.name), policy, now=SYSTEM_CLOCK.now())
    if as_json:
        render.data({"manifest": str(manifest), **_facts(verified)})
    else:
        told = _count(len(verified.signers), "trusted key", "trusted keys")
        render.text(f"{manifest}: signed by {told}, {_told(verified)}")


@verb.command(
    epilog=examples(
        "oneiric-core manifest publish --manifest manifest.yaml --public-key keys/oneiric.public.pem \\\n"
        "--backend s3 --bucket acme-releases --region eu-central-1 --key manifest.yaml --public"
    )
)
def publish(
    *,
    manifest: ManifestPath,
    public_key: PublicKeys,
    backend: BackendOption,
    bucket: BucketOption,
    key: KeyOption,
    threshold: Threshold = 1,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
    public_url: PublicUrlOption = None,
    public: PublicOption = False,
    as_json: AsJson = False,
) -> None:
    """Put a signed manifest where runtimes look for it, if everything it says is true.

    It has to be signed by keys that are trusted; each artifact and each certificate it names has to be there for
    everybody; its number has to be greater than that of the manifest which stands there. Else nothing is changed.
    """
    place = Place(backend, bucket, key, region, endpoint_url, public_url)
    keys = _load(public_key)
    policy = TrustPolicy(keys, threshold=check_threshold(threshold, keys))
    data, kind = read_file(manifest), media_type_of(manifest.name)
    made = announce_manifest(data, kind, place, policy, now=SYSTEM_CLOCK.now(), public=public)
    if as_json:
        render.data({"url": made.url, "unchanged": made.unchanged, "replaced": made.replaced, **_facts(made.verified)})
        return
    came = "there already" if made.unchanged else "published"
    render.text(f"{place}: {came}, {_told(made.verified)}")
    render.text(made.url)


def _target(manifest: Path, output: Path | None, form: Form | None) -> Path:
    """Where the signed manifest goes: the name says the form, so the two have to agree."""
    envelope = media_type_of((output or manifest).name) == ENVELOPE
    if form is None or (form == "dsse") == envelope:
        return output or manifest
    if output is None and form == "dsse":
        return manifest.with_suffix(_ENVELOPE_NAME)
    raise typer.BadParameter(
        f"the name of a manifest in the form {form} {'does not end' if envelope else 'ends'} in {_ENVELOPE_NAME}",
        param_hint="--output",
    )


def _load(paths: list[Path]) -> list[PublicKey]:
    return [load_public_key(read_file(path), name=str(path)) for path in paths]


def _facts(verified: VerifiedManifest) -> dict[str, Any]:
    manifest = verified.manifest
    return {
        "source": manifest.source,
        "sequence_number": manifest.sequence_number,
        "signed_at": manifest.signed_at,
        "expires_at": manifest.expires_at,
        "entries": len(manifest.entries),
        "signers": [*verified.signers],
        "sha256": verified.digest,
    }


def _told(verified: VerifiedManifest) -> str:
    manifest = verified.manifest
    number = "" if manifest.sequence_number is None else f", number {manifest.sequence_number}"
    expiry = "without expiry" if manifest.expires_at is None else f"valid until {manifest.expires_at}"
    return f"{_count(len(manifest.entries), 'entry', 'entries')} of {manifest.source}{number}, {expiry}"


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
