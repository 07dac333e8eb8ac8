"""TLS, good and bad, as clients see it that are told of the right authority."""

import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from oneiric_core.testing import ArtifactServer, Reply, Tls

# What OpenSSL says of each (X509_V_ERR_…), the same on all its versions of today.
REFUSED = {
    Tls.EXPIRED: "certificate has expired",
    Tls.NOT_YET_VALID: "certificate is not yet valid",
    Tls.WRONG_HOST: "IP address mismatch",
    Tls.UNKNOWN: "unable to get local issuer certificate",
    Tls.PLAIN: "wrong version number|record layer failure",
}


def get(server: ArtifactServer, url: str) -> bytes:
    with httpx.Client(trust_env=False, timeout=30, verify=server.certificates.client_context()) as client:
        return client.get(url).content


def curl(server: ArtifactServer, url: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    (folder / "ca.pem").write_bytes(server.certificates.pem)
    command = ["curl", "--disable", "--silent", "--noproxy", "*", "--cacert", str(folder / "ca.pem"), url]
    return subprocess.run(command, capture_output=True, check=False, timeout=120)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_good_certificate_is_good_for_those_who_know_its_authority(host: str) -> None:
    with ArtifactServer(tls=Tls.GOOD, strict=True) as server:
        server.serve("/it", b"safe")
        url = server.url_of("/it", host=host)
        assert url.startswith("https://")
        assert get(server, url) == b"safe"


def test_a_good_certificate_is_not_good_for_others() -> None:
    with (
        ArtifactServer(tls=Tls.GOOD) as server,
        httpx.Client(trust_env=False, timeout=30) as client,
        pytest.raises(httpx.ConnectError, match="unable to get local issuer certificate"),
    ):
        client.get(server.serve("/it", b""))
    assert server.requests == ()
    assert server.unexpected == ()


@pytest.mark.parametrize("tls", REFUSED)
def test_a_bad_one_is_refused_before_a_request_is_sent(tls: Tls) -> None:
    with ArtifactServer(tls=tls) as server:
        url = server.serve("/it", b"never")
        with pytest.raises(httpx.ConnectError, match=REFUSED[tls]):
            get(server, url)
        assert server.requests == ()


@pytest.mark.long
@pytest.mark.parametrize("tls", Tls)
def test_curl_thinks_the_same_of_each_certificate(tls: Tls, tmp_path: Path) -> None:
    """In the long suite: `make test` brings no curl along."""
    with ArtifactServer(tls=tls) as server:
        done = curl(server, server.serve("/it", b"safe"), tmp_path)
    assert (done.returncode == 0, done.stdout) == ((True, b"safe") if tls is Tls.GOOD else (False, b""))


def test_every_kind_was_tried() -> None:
    assert {Tls.GOOD, *REFUSED} == set(Tls)


def test_a_reset_and_a_held_answer_work_over_tls_as_well() -> None:
    with ArtifactServer(tls=Tls.GOOD) as server:
        server.on("/it", Reply(b"x" * 200_000))
        assert len(get(server, server.url_of("/it"))) == 200_000


def test_a_client_that_never_speaks_does_not_keep_the_server_from_stopping() -> None:
    server = ArtifactServer(tls=Tls.GOOD).start()
    with socket.create_connection(("127.0.0.1", server.port)):
        server.stop()


def test_the_context_for_clients_checks_as_always() -> None:
    with ArtifactServer(tls=Tls.GOOD) as server:
        context = server.certificates.client_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_without_the_extra_it_says_how_to_install_it() -> None:
    """In an interpreter that cannot find trustme; a server without TLS needs nothing."""
    code = """
import sys
sys.modules["trustme"] = None
from oneiric_core.testing import ArtifactServer
ArtifactServer().start().stop()
try:
    ArtifactServer(tls="good")
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "a server with TLS needs trustme. Install it with: pip install 'oneiric-core[testing]'.\n"
