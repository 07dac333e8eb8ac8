"""What may be believed. Pure: bytes in, objects out; what is remembered is passed in and handed back."""

from oneiric_core.levels import CERTIFICATE_LEVELS
from oneiric_core.trust.certificate import (
    CERTIFICATE_PAYLOAD,
    Certificate,
    CertificatePolicy,
    conformance_statement,
    open_certificate,
)
from oneiric_core.trust.envelope import MANIFEST_PAYLOAD, Envelope, read_envelope
from oneiric_core.trust.keys import (
    PublicKey,
    generate_private_key,
    load_private_key,
    load_public_key,
    private_pem,
    public_key_of,
)
from oneiric_core.trust.policy import Policy, RefuseAll, TrustPolicy, UnsafeAcceptUnsigned
from oneiric_core.trust.published import PUBLISHED_KEYS
from oneiric_core.trust.root import TrustRoot
from oneiric_core.trust.root_document import ROOT_PAYLOAD, RootDocument
from oneiric_core.trust.signatures import Signature, verify_manifest_signature
from oneiric_core.trust.signing import (
    append_root_signature,
    append_signature,
    sign_certificate,
    sign_manifest,
    sign_root,
)
from oneiric_core.trust.verification import Authentic, VerifiedManifest, authenticate, open_manifest, verify_manifest

__all__ = [
    "CERTIFICATE_LEVELS",
    "CERTIFICATE_PAYLOAD",
    "MANIFEST_PAYLOAD",
    "PUBLISHED_KEYS",
    "ROOT_PAYLOAD",
    "Authentic",
    "Certificate",
    "CertificatePolicy",
    "Envelope",
    "Policy",
    "PublicKey",
    "RefuseAll",
    "RootDocument",
    "Signature",
    "TrustPolicy",
    "TrustRoot",
    "UnsafeAcceptUnsigned",
    "VerifiedManifest",
    "append_root_signature",
    "append_signature",
    "authenticate",
    "conformance_statement",
    "generate_private_key",
    "load_private_key",
    "load_public_key",
    "open_certificate",
    "open_manifest",
    "private_pem",
    "public_key_of",
    "read_envelope",
    "sign_certificate",
    "sign_manifest",
    "sign_root",
    "verify_manifest",
    "verify_manifest_signature",
]
