"""How a release leaves: a manifest of what is installed, signatures, artifacts in a bucket, notes."""

from oneiric_core.publish.certified import CertificateFile, read_certificate
from oneiric_core.publish.generate import generate_manifest
from oneiric_core.publish.packages import Package, find_package
from oneiric_core.publish.render import render_document
from oneiric_core.publish.sign import Signed, add_signer, sign_anew
from oneiric_core.publish.stamp import Previous, next_sequence_number
from oneiric_core.publish.wheels import Wheel, address_of, read_wheel
from oneiric_core.publish.write import write_file, write_new_file

__all__ = [
    "CertificateFile",
    "Package",
    "Previous",
    "Signed",
    "Wheel",
    "add_signer",
    "address_of",
    "find_package",
    "generate_manifest",
    "next_sequence_number",
    "read_certificate",
    "read_wheel",
    "render_document",
    "sign_anew",
    "write_file",
    "write_new_file",
]
