"""Which addresses may be connected to, judged after a name was resolved and before anything is sent.

Public is what the IANA registers as globally reachable: in IPv4 everything but the networks below; in IPv6 2000::/3
without the networks below. An address that carries an IPv4 address in it is judged by both: where ``::ffff:10.0.0.1``,
``64:ff9b::a00:1`` or ``2002:a00:1::`` leads is 10.0.0.1.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190); RFC 4291 2.5.5 (mapped and
compatible), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 5214 (ISATAP).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

__all__ = ["Address", "AddressPolicy", "Network"]

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_CLOSED_4: Final = {
    IPv4Network(network): reason
    for network, reason in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "the host of a virtual machine on Azure"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a relay of 6to4"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
    )
}
_OPEN_6: Final = IPv6Network("2000::/3")
_CLOSED_6: Final = {
    IPv6Network(network): reason
    for network, reason in (
        ("::1/128", "loopback"),
        ("::/96", "unspecified or IPv4-compatible"),
        ("64:ff9b:1::/48", "translated to IPv4 locally"),
        ("100::/64", "discarded"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "for documentation"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
}
_NAT64: Final = IPv6Network("64:ff9b::/96")
_6TO4: Final = IPv6Network("2002::/16")
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses may be connected to, and those of listed networks.

    :param networks: as text, such as ``10.1.0.0/16`` or ``fd00:1::/64``, or as of :mod:`ipaddress`.
    :param http_to_loopback: unencrypted HTTP is allowed, to loopback addresses and nowhere else.
    :raises ValueError: a text is no network, or has bits set beyond its prefix.
    """

    networks: Iterable[str | Network] = ()
    http_to_loopback: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.networks, str):
            raise TypeError(f"networks is a list of networks, not one text. Write networks=[{self.networks!r}]")
        object.__setattr__(self, "networks", tuple(ip_network(network) for network in self.networks))

    def why_not(self, address: Address, scheme: str) -> str:
        """Why a connection to ``address`` is refused; empty if it is not."""
        if scheme == "http":
            return "" if self.http_to_loopback and _plain(address).is_loopback else "not loopback"
        if self._is_listed(address) or self._is_listed(mapped := _plain(address)):
            return ""
        return _why_closed(mapped)

    def _is_listed(self, address: Address) -> bool:
        return any(address in network for network in self.networks if not isinstance(network, str))


def _plain(address: Address) -> Address:
    """The same host's address without the disguise of ``::ffff:0:0/96``, and without a zone."""
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def _why_closed(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _CLOSED_4.items() if address in network), "")
    for network, reason in _CLOSED_6.items():
        if address in network:
            return reason
    if (carried := _carried(address)) is not None and (reason := _why_closed(carried)):
        return f"it carries {carried}, {reason}"
    return "" if address in _OPEN_6 or address in _NAT64 else "not global unicast"


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a gateway, or the host itself, would read out of an IPv6 address."""
    value = int(address)
    if address in _NAT64 or (value >> 32) & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(value & 0xFFFF_FFFF)
    if address in _6TO4:
        return IPv4Address((value >> 80) & 0xFFFF_FFFF)
    return None
