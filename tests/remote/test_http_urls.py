"""What a URL asks for: one host for every reader, or a refusal. Nothing is resolved here."""

import ipaddress
import socket
import string
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core import Request
from oneiric_core.errors import RefusedFetchError
from oneiric_core.remote.http_urls import read_url

labels = st.from_regex(r"[a-z][a-z0-9]{0,10}(?:-[a-z0-9]{1,5})?", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
v4 = st.ip_addresses(v=4).map(str)
v6 = st.ip_addresses(v=6).map(lambda address: f"[{address}]")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://acme.example/a/b.whl", "https://acme.example"),
        ("HTTPS://ACME.example", "https://acme.example"),
        ("https://acme.example:443/", "https://acme.example"),
        ("https://acme.example:8443/?a=b#c", "https://acme.example:8443"),
        ("http://acme.example:443/", "http://acme.example:443"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("https://127.0.0.1/", "https://127.0.0.1"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://a_service.example/", "https://a_service.example"),
        ("https://4chan.example/", "https://4chan.example"),
    ],
)
def test_scheme_host_and_port_are_read(url: str, origin: str) -> None:
    assert str(read_url(url).origin) == origin


@given(st.one_of(names, v4, v6), st.one_of(st.none(), st.integers(1, 65535)))
def test_the_origin_is_what_the_standard_library_reads(host: str, port: int | None) -> None:
    url = f"https://{host}{'' if port is None else f':{port}'}/path?query"
    origin = read_url(url).origin
    split = urlsplit(url)
    assert (origin.scheme, origin.port) == (split.scheme, split.port or 443)
    if host[0] == "[":
        assert ipaddress.ip_address(origin.host) == ipaddress.ip_address(split.hostname or "")
    else:
        assert origin.host == split.hostname


def spellings(address: int) -> list[str]:
    """An IPv4 address in the ways in which inet_aton reads it, other than the usual one."""
    a, b, c, d = address.to_bytes(4, "big")
    return [
        str(address),
        hex(address),
        f"0{address:o}",
        f"{a}.{b}.{c << 8 | d}",
        f"{a}.{b << 16 | c << 8 | d}",
        f"0x{a:x}.{b}.{c}.{d}",
        f"{a}.{b}.{c}.0x{d:X}",
        f"{a:04o}.{b}.{c}.{d}",
        f"{a}.{b}.{c}.{d:03o}0",
        f"{a}.{b}.{c}.{d}.",
        f"0x{a:02x}.0x{b:02x}.0x{c:02x}.0x{d:02x}",
    ]


@given(st.integers(0, (1 << 32) - 1), st.data())
def test_addresses_that_only_some_readers_take_for_one_are_refused(address: int, data: st.DataObject) -> None:
    host = data.draw(st.sampled_from(spellings(address)))
    with pytest.raises(RefusedFetchError):
        read_url(f"https://{host}/")


def test_the_spellings_above_are_ones_that_this_system_reads() -> None:
    """A control: otherwise nothing would be refused for a reason."""
    read = [host for host in spellings(0x7F000001) if host[-1] != "."]
    assert [socket.inet_aton(host) for host in read if "0010" not in host] == [b"\x7f\0\0\1"] * len(
        [host for host in read if "0010" not in host]
    )


@pytest.mark.parametrize(
    "host",
    [
        "", ".", "acme.example.", "127.0.0.1.", "localhost.", "127.1", "0", "1.2.3.4.5", "256.1.1.1", "1.2.3.0x", "0x",
        "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1", "::1", "[]", "[1.2.3.4]", "[v1.a]", "acme..example",
        "-acme.example",        "acme%2eexample", "acme%00", "\uff11\uff12\uff17.0.0.1", "ⓛocalhost", "acme。example.",
        "a" * 64 + ".example", "acme\u00ad.example",
        "user@acme.example", "user:secret@acme.example", "@acme.example", "acme.example:0", "acme.example:65536",
        "acme.example:x", "acme.example:-1",
    ],
)  # fmt: skip
def test_hosts_and_ports_that_are_none_are_refused(host: str) -> None:
    with pytest.raises(RefusedFetchError):
        read_url(f"https://{host}/path")


@pytest.mark.parametrize(
    "url",
    [
        "", "acme.example", "//acme.example/", "https:acme.example", "https:/acme.example", "https:///acme.example",
        "ftp://acme.example/", "file:///etc/passwd", "data:,x", "javascript:1", "https://acme.example/\\..\\x",
        "https://acme.example/a b", "https://acme.example/a\nHost: b", " https://acme.example/", "https://acme.example\0/",
        "https\\://acme.example/", "https://acme.example\\@evil.example/", "https://acme.example/" + "a" * 9000,
        "https://evil.example\r\n/",
    ],
)  # fmt: skip
def test_texts_that_are_no_url_of_ours_are_refused(url: str) -> None:
    with pytest.raises(RefusedFetchError):
        read_url(url)


@given(st.text(alphabet=string.printable + "äß。\uff05①", max_size=60))
def test_any_text_is_a_place_or_a_refusal(text: str) -> None:
    for url in (text, f"https://{text}", f"https://acme.example/{text}"):
        try:
            place = read_url(url)
        except RefusedFetchError:
            continue
        assert place.origin.scheme in {"https", "http"}
        assert place.origin.host


@given(st.text(max_size=30))
def test_a_query_reaches_the_server_byte_for_byte_or_not_at_all(value: str) -> None:
    """What is signed into a URL must not be rewritten on the way."""
    from urllib.parse import quote  # noqa: PLC0415 - the oracle

    target = f"/a%2Fb/c{quote(value, safe='')}?X-Signature={quote(value, safe='')}%3D&b=%2F"
    assert read_url(f"https://acme.example{target}").url.raw_path.decode() == target


def test_messages_show_no_credentials_and_no_query() -> None:
    with pytest.raises(RefusedFetchError) as caught:
        read_url("https://user:hunter2@acme.example/a?token=sesame#x")
    assert "acme.example/a" in str(caught.value)
    told = f"{caught.value} {dict(caught.value.evidence)}"
    assert "hunter2" not in told
    assert "sesame" not in told
    request = Request("https://user:hunter2@h/a?b#c", most=1, seconds=1)
    assert request.shown == "https://h/a"
