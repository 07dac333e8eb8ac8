"""Scripts that are drawn: each can be played, and none keeps a patient client for ever."""

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from oneiric_conformance.strategies import nasty_scripts, wire_scripts
from oneiric_core import MisuseError
from oneiric_core.testing import ArtifactServer, Broken, Redirect, Reply, Script, WireFault

BODY = b"0123456789"
ENDLESS = {"SILENT", "STALLED_HEAD", "STALLED_BODY", "ENDLESS"}


@pytest.fixture(scope="module")
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as server:
        yield server


@given(script=wire_scripts(BODY))
@settings(max_examples=60, deadline=None)
def test_a_client_that_asks_for_the_end_comes_back(server: ArtifactServer, script: Script) -> None:
    server.on("/it", script)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"GET /it HTTP/1.1\r\nConnection: close\r\n\r\n")
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            assert isinstance(script, Broken)


@given(script=wire_scripts(BODY, ending=False))
def test_a_script_prints_itself(script: Script) -> None:
    assert eval(repr(script)) == script  # noqa: S307 - that it can be is the claim


@pytest.mark.parametrize("kind", WireFault, ids=lambda kind: kind.name)
def test_every_fault_can_be_drawn(kind: WireFault) -> None:
    assert (Broken(kind, BODY) in nasty_scripts(BODY)) == (kind.name not in ENDLESS)
    assert Broken(kind, BODY) in nasty_scripts(BODY, ending=False)


def test_good_answers_redirects_and_faults_are_drawn() -> None:
    drawn = set()

    @given(script=wire_scripts(BODY))
    @settings(max_examples=60, database=None, deadline=None, derandomize=True)
    def draw(script: Script) -> None:
        drawn.add(type(script))

    draw()
    assert drawn == {Reply, Redirect, Broken}


def test_an_example_is_printed_as_it_would_be_written() -> None:
    @given(script=wire_scripts(BODY))
    @settings(database=None, deadline=None, derandomize=True)
    def no_faults(script: Script) -> None:
        assert not isinstance(script, Broken)

    with pytest.raises(AssertionError) as caught:
        no_faults()
    assert re.search(r"script=Broken\(WireFault\.[A-Z_]+, body=b'0123456789'", "\n".join(caught.value.__notes__))


@pytest.mark.parametrize("body", [b"", b"0", "text", None])
def test_a_body_of_which_no_half_can_be_sent_is_refused(body: Any) -> None:
    with pytest.raises(MisuseError, match=r"Pass at least two bytes, so that half of it can be sent\."):
        wire_scripts(body)
