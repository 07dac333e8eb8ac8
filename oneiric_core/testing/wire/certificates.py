"""Certificates for the scripted server, good and bad, from authorities that exist for one process."""

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from oneiric_core.errors import MisuseError

if TYPE_CHECKING:
    import trustme

__all__ = ["Certificates", "Tls", "certificates"]


class Tls(StrEnum):
    """What a client meets that asks for ``https``."""

    GOOD = "a certificate for this host, from the authority that the client is told of"
    EXPIRED = "the same, but expired since the year 2000"
    NOT_YET_VALID = "the same, but not valid before the year 2090"
    WRONG_HOST = "the same, but for another host"
    UNKNOWN = "a certificate for this host, from an authority that nobody knows"
    PLAIN = "no TLS at all: the server speaks plain HTTP where https was asked for"


@dataclass(frozen=True, slots=True)
class Certificates:
    """What one process needs: an authority that clients may trust, and another one.

    :param pem: the certificate of the first, for ``SSL_CERT_FILE`` or ``curl --cacert``.
    """

    pem: bytes
    _known: "trustme.CA"
    _other: "trustme.CA"
    _contexts: dict[Tls, ssl.SSLContext] = field(default_factory=dict)

    def client_context(self) -> ssl.SSLContext:
        """Trusts the first authority and no other; checks names and dates as always."""
        return ssl.create_default_context(cadata=self.pem.decode("ascii"))

    def server_context(self, tls: Tls) -> ssl.SSLContext | None:
        """What the server shows; None for :attr:`Tls.PLAIN`."""
        if tls is Tls.PLAIN:
            return None
        if tls not in self._contexts:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._issued(tls).configure_cert(context)
            self._contexts[tls] = context  # which several servers may have
        return self._contexts[tls]

    def _issued(self, tls: Tls) -> "trustme.LeafCert":
        authority = self._other if tls is Tls.UNKNOWN else self._known
        names = ("elsewhere.invalid",) if tls is Tls.WRONG_HOST else ("127.0.0.1", "localhost")
        first = datetime(2090, 1, 1, tzinfo=UTC) if tls is Tls.NOT_YET_VALID else datetime(1999, 1, 1, tzinfo=UTC)
        last = datetime(2000, 1, 1, tzinfo=UTC) if tls is Tls.EXPIRED else datetime(2099, 1, 1, tzinfo=UTC)
        return authority.issue_cert(*names, not_before=first, not_after=last)


@cache
def certificates() -> Certificates:
    """The certificates of this process.

    :raises MisuseError: if the extra ``testing`` is not installed.
    """
    try:
        import trustme  # noqa: PLC0415 - an extra, and only for servers with TLS
    except ModuleNotFoundError as error:
        raise MisuseError(
            f"a server with TLS needs {error.name}", fix="Install it with: pip install 'oneiric-core[testing]'"
        ) from error
    known = trustme.CA(organization_name="Oneiric tests")
    return Certificates(known.cert_pem.bytes(), known, trustme.CA(organization_name="nobody knows"))
