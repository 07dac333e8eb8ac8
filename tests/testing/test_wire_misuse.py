"""Scripts print themselves, and whoever asks a server for what it cannot do is told what to do instead."""

import re

import pytest

from oneiric_core import MisuseError
from oneiric_core.testing import ArtifactServer, Broken, End, Raw, Redirect, Reply, Tls, WireFault

FAULTS_WITH_HALVES = [kind for kind in WireFault if "half" in kind.value]


@pytest.mark.parametrize(
    "script",
    [
        Reply(),
        Reply(b"abc", status=404, headers=(("X", "1"),), etag='"v"', ranges=False, framing="chunked", held=True),
        Reply.busy(3),
        Redirect("/there", 307),
        Redirect(None),
        Raw(b"\0", end=End.RESET),
        *(Broken(kind) for kind in WireFault),
        Broken(WireFault.DRIP, b"abc", amount=2, pause=1.5),
        Broken(WireFault.SHORT, b"abc", at=1),
    ],
    ids=str,
)
def test_a_script_prints_itself(script: object) -> None:
    assert eval(repr(script)) == script  # noqa: S307 - that it can be is the claim


def test_long_bytes_are_printed_by_their_digest() -> None:
    assert repr(Reply(bytes(1000))) == "Reply(<1,000 bytes, SHA-256 541b3e9daa09…>)"


def test_a_script_says_in_words_what_it_does() -> None:
    assert str(Reply(b"abc")) == "answers 200 with 3 bytes"
    assert str(Redirect("/x")) == "redirects (302) to /x"
    assert str(Redirect(None)) == "redirects (302) to nowhere"
    assert str(Raw(b"abc")) == "sends 3 bytes as they are; then closed in order, after what was sent (FIN)"
    assert str(Broken(WireFault.RESET)) == "RESET: resets without a word"


def test_scripts_are_values() -> None:
    assert Broken(WireFault.SHORT, b"abc") == Broken("short", b"abc")  # type: ignore[arg-type]  # kindly read
    assert len({Reply(b"a"), Reply(b"a"), Reply(b"b")}) == 2


def start_twice() -> None:
    with ArtifactServer() as server:
        server.start()


def script_afterwards() -> None:
    with ArtifactServer() as server:
        pass
    server.serve("/it", b"")


MISUSES = {
    "an unknown kind": (lambda: Broken("stal"), "WireFault has no kind 'stal'. Did you mean STALE?"),
    "a kind like nothing": (lambda: Broken("qqqqqq"), "There are SILENT, "),
    "a place in what has none": (lambda: Broken(WireFault.RESET, at=1), "RESET cannot have at. Use it with BROKEN_"),
    "a place outside": (lambda: Broken(WireFault.SHORT, b"abc", at=3), "Give a position in the body, 0 to 2."),
    "a place before": (lambda: Broken(WireFault.SHORT, b"abc", at=-1), "Give a position in the body, 0 to 2."),
    "half of nothing": (lambda: Broken(WireFault.SHORT, b""), "Give it a body."),
    "a part of nothing": (lambda: Broken(WireFault.OTHER_PART, b"ab", at=0), "1 to 1."),
    "an amount of none": (lambda: Broken(WireFault.RESET, amount=1), "RESET cannot have an amount. Use it with DRIP"),
    "no amount": (lambda: Broken(WireFault.DRIP, amount=0), "DRIP cannot have amount=0. Give at least 1."),
    "a framing": (lambda: Reply(framing="chunk"), "there is no framing 'chunk'. Did you mean chunked?"),
    "an etag without quotes": (lambda: Reply(etag="v1"), "'v1' is no etag. Write it with its quotes: '\"v1\"'."),
    "two headers in one": (lambda: Reply(headers=(("A", "1\r\nB: 2"),)), "Use Raw for what is no header."),
    "two in a redirect": (lambda: Redirect("/\r\nB: 2"), "Use Raw for what is no header."),
    "a path without a slash": (lambda: ArtifactServer().on("a", Reply()), "'a' is no path of a URL. Begin it with"),
    "a URL": (lambda: ArtifactServer().on("//h/a", Reply()), "Begin it with one slash."),
    "no script": (lambda: ArtifactServer().on("/a"), "no script for /a. Pass at least one"),
    "bytes for a script": (lambda: ArtifactServer().on("/a", b"abc"), "Reply(b'…') for some bytes."),  # type: ignore[arg-type]
    "not started": (lambda: ArtifactServer().url, "was not started. Use it in a with block, or call start()."),
    "started twice": (start_twice, "Make another one."),
    "a script afterwards": (script_afterwards, "was stopped. Use it in the block, or the test, it belongs to."),
    "another host": (lambda: ArtifactServer().url_of("/", host="localhots"), "Did you mean localhost?"),
    "unknown TLS": (lambda: ArtifactServer(tls="expird"), "Tls has no kind 'expird'. Did you mean EXPIRED?"),
    "certificates without TLS": (lambda: ArtifactServer().certificates, "Make it with tls=Tls.GOOD, for example."),
}


@pytest.mark.parametrize(("act", "told"), MISUSES.values(), ids=MISUSES)
def test_a_misuse_says_what_to_do(act, told: str) -> None:
    with pytest.raises(MisuseError, match=re.escape(told)):
        act()


@pytest.mark.parametrize("kind", FAULTS_WITH_HALVES)
def test_half_of_a_single_byte_can_be_sent(kind: WireFault) -> None:
    """Or none of it; where it must be one, there is no other half."""
    if kind in {WireFault.UNASKED_PART, WireFault.OTHER_PART}:
        with pytest.raises(MisuseError):
            Broken(kind, b"x")
    else:
        assert Broken(kind, b"x").body == b"x"


def test_the_kinds_of_tls_are_read_kindly() -> None:
    assert ArtifactServer(tls="wrong-host").tls is Tls.WRONG_HOST
