"""What a URL asks for, decided from its text alone: whom to connect to by which scheme, or a refusal.

One text has to mean one host to every reader. Hence no spelling of an address that only some readers take for one
(``0x7f.1``, ``2130706433``, ``127.1``), no zone, no trailing dot, no name in front of an ``@``.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NoReturn

import httpx

from oneiric_core.errors import RefusedFetchError
from oneiric_core.remote.url_text import shown

__all__ = ["Origin", "Place", "read_url"]

MAX_URL: Final = 8192
_PORTS: Final = {"https": 443, "http": 80}
_PLAIN: Final = re.compile(r"[\x21-\x5b\x5d-\x7e\x80-\U0010ffff]+")  # neither blanks nor controls nor backslashes
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY: Final = re.compile(r"[^/?#]*//([^/?#]*).*")
_NUMBER: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)")
# RFC 1123 2.1 with the underscores that names of services have; what IDNA made of other letters is among these.
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454): who may see what was configured for whom."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port == _PORTS[self.scheme] else f':{self.port}'}"


@dataclass(frozen=True, slots=True)
class Place:
    """A URL that may be asked for."""

    url: httpx.URL
    origin: Origin

    def follow(self, location: str) -> "Place":
        """The place that a redirect from here names, which may be relative (RFC 9110 10.2.2).

        :raises RefusedFetchError: it is not one to be asked for.
        """
        _check_text(location)
        if _ABSOLUTE.match(location):
            return read_url(location)
        if location.startswith("//"):
            return read_url(f"{self.origin.scheme}:{location}")
        try:
            return read_url(str(self.url.join(location)))
        except httpx.InvalidURL as error:
            _refuse(location, f"is no URL ({error})")


def read_url(text: str) -> Place:
    """The place that ``text`` names.

    :raises RefusedFetchError: it is no absolute URL by http or https, or readers differ on its host.
    """
    _check_text(text)
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError) as error:
        _refuse(text, f"is no URL ({error})")
    if url.scheme not in _PORTS:
        _refuse(text, f"has the scheme {url.scheme!r}, not https")
    if "@" in _AUTHORITY.sub(r"\1", text):
        _refuse(text, "holds credentials; send them as a header")
    _check_host(text, host)
    port = _PORTS[url.scheme] if url.port is None else url.port
    if not 0 < port < 1 << 16:
        _refuse(text, f"has the port {port}")
    return Place(url.copy_with(fragment=None), Origin(url.scheme, host, port))


def _check_text(text: str) -> None:
    if len(text) > MAX_URL:
        _refuse(text, f"is longer than {MAX_URL} characters")
    if not _PLAIN.fullmatch(text):
        _refuse(text, "is empty, or holds blanks, control characters or backslashes")


def _check_host(text: str, host: str) -> None:
    if not host:
        _refuse(text, "names no host")
    if ":" in host:
        try:
            address = IPv6Address(host)
        except ValueError:
            _refuse(text, f"has the host {host!r}, which is no IPv6 address")
        if address.scope_id is not None:
            _refuse(text, f"has the host {host!r}, whose zone means nothing elsewhere (RFC 6874)")
    elif _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):  # "ends in a number", of the URL standard
        try:
            IPv4Address(host)
        except ValueError:
            _refuse(text, f"has the host {host!r}, which only some readers take for an address")
    elif not _NAME.fullmatch(host):
        _refuse(text, f"has the host {host!r}, which is no name of one (a final dot counts)")


def _refuse(text: str, why: str) -> NoReturn:
    raise RefusedFetchError(
        f"the URL {shown(text)!r} {why}",
        fix="Write https://host/path, with the host as its certificate has it",
        url=shown(text),
    )
