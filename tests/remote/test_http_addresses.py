"""Which addresses may be connected to. The oracle is :mod:`ipaddress`, and where it is too lenient, the registries."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core import AddressPolicy

PUBLIC = AddressPolicy()

CLOSED = [
    "0.0.0.0",  # noqa: S104 - not bound to
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::7f00:1", "::8.8.8.8", "64:ff9b:1::808:808", "100::1", "2001::1", "2001:0:1:2:3:4:5:6", "2001:2::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
CARRYING = [
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:101::1",
    "2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:192.168.0.1",
]  # fmt: skip
OPEN = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0", "223.255.255.255", "168.63.129.15", "2000::1", "2001:200::1", "2001:4860:4860::8888",
    "2606:4700::1111", "2a00:1450:4001::1", "3ffe:ffff::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
    "2a00:1450::5efe:8.8.8.8",
]  # fmt: skip

v4 = st.ip_addresses(v=4)
v6 = st.ip_addresses(v=6)
DISGUISES = {
    "mapped": lambda value: (0xFFFF << 32) | value,
    "NAT64": lambda value: (0x64_FF9B << 96) | value,
    "6to4": lambda value: (0x2002 << 112) | (value << 80),
    "ISATAP": lambda value: (0x2A00_1450 << 96) | (0x5EFE << 32) | value,
}


@pytest.mark.parametrize("address", [*CLOSED, *CARRYING])
def test_what_is_not_public_is_refused_with_the_reason(address: str) -> None:
    assert PUBLIC.why_not(ip_address(address), "https")


@pytest.mark.parametrize("address", OPEN)
def test_what_is_public_is_allowed_up_to_the_edges(address: str) -> None:
    assert PUBLIC.why_not(ip_address(address), "https") == ""


SIX_TO_FOUR = IPv6Network("2002::/16")


@given(st.one_of(v4, v6))
def test_nothing_is_allowed_that_the_standard_library_knows_not_to_be_global(
    address: IPv4Address | IPv6Address,
) -> None:
    relayed = address in SIX_TO_FOUR  # global or not, depending on the version of Python; judged by what it carries
    if not PUBLIC.why_not(address, "https") and not relayed:
        assert address.is_global
        assert not any((address.is_multicast, address.is_private, address.is_loopback, address.is_link_local))


@given(v4, st.sampled_from(sorted(DISGUISES)))
def test_a_disguise_changes_nothing(address: IPv4Address, disguise: str) -> None:
    hidden = IPv6Address(DISGUISES[disguise](int(address)))
    assert bool(PUBLIC.why_not(hidden, "https")) == bool(PUBLIC.why_not(address, "https"))


@given(st.sampled_from(CLOSED), st.sampled_from(CLOSED))
def test_listing_a_network_opens_that_network_and_no_other(listed: str, other: str) -> None:
    text = listed.partition("%")[0]
    policy = AddressPolicy([text])
    assert policy.why_not(ip_address(listed), "https") == ""
    if ip_address(text) != ip_address(other.partition("%")[0]):
        assert policy.why_not(ip_address(other), "https")


def test_a_listed_network_is_meant_in_its_mapped_form_too_and_in_no_other() -> None:
    """``::ffff:10.0.0.1`` is a socket's way to write 10.0.0.1. A gateway is somebody else's, and has to be listed."""
    policy = AddressPolicy(["10.0.0.0/8"])
    assert policy.why_not(ip_address("::ffff:10.1.2.3"), "https") == ""
    assert policy.why_not(ip_address("64:ff9b::10.1.2.3"), "https")
    assert AddressPolicy(["64:ff9b::/96"]).why_not(ip_address("64:ff9b::10.1.2.3"), "https") == ""


@given(st.one_of(v4, v6))
def test_http_goes_to_loopback_where_it_is_allowed_and_nowhere_else(address: IPv4Address | IPv6Address) -> None:
    everything = ["0.0.0.0/0", "::/0"]
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
    reason = AddressPolicy(everything, http_to_loopback=True).why_not(address, "http")
    assert (reason == "") == inner.is_loopback
    assert AddressPolicy(everything).why_not(address, "http")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_http_to_loopback_opens_nothing_for_https(address: str) -> None:
    policy = AddressPolicy(http_to_loopback=True)
    assert policy.why_not(ip_address(address), "http") == ""
    assert policy.why_not(ip_address(address), "https")


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "localhost", "", "10.0.0"])
def test_a_network_that_is_none_is_an_error_when_the_policy_is_made(network: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are those of ipaddress
        AddressPolicy([network])


def test_one_text_is_not_taken_for_a_list_of_characters() -> None:
    with pytest.raises(TypeError, match="list of networks"):
        AddressPolicy("10.0.0.0/8")


def test_networks_of_the_standard_library_are_taken_as_they_are() -> None:
    assert AddressPolicy([ip_network("10.0.0.0/8")]) == AddressPolicy(["10.0.0.0/8"])
