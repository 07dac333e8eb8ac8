"""An argument of the wrong kind is answered at once, with what to write in its place."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Certify
from oneiric_core import MisuseError
from oneiric_core.testing import (
    ArtifactRoutes,
    ArtifactServer,
    BadManifestFactory,
    Broken,
    CacheSandbox,
    FaultPlans,
    FrozenClock,
    Keys,
    ManifestFactory,
    Raw,
    Redirect,
    Reply,
    WheelFactory,
    WireFault,
    signed_manifest,
)

MANIFEST, BAD_MANIFEST, WHEEL, KEYS = ManifestFactory(), BadManifestFactory(), WheelFactory(), Keys()
ENTRY = MANIFEST.entry("task", "text", "acme", "acme.text:Text")


def serving(serve: Callable[[ArtifactServer], object]) -> None:
    with ArtifactServer() as server:
        serve(server)


def guarding(act: Callable[[CacheSandbox], object]) -> None:
    with CacheSandbox() as sandbox:
        act(sandbox)


def advance(seconds: Any) -> None:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(FrozenClock().advance(seconds))


PAIRS = "Pass a key pair, such as oneiric_keys.publisher or oneiric_keys.named('mine'), or several in a list."
BAD = "for a hostile wheel call bad(kind)."
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "a name for a key": (lambda: MANIFEST(ENTRY, signed_by="publisher"), f"signed_by cannot be 'publisher'. {PAIRS}"),
    "names for keys": (lambda: MANIFEST(ENTRY, signed_by=["publisher"]), f"signed_by cannot be 'publisher'. {PAIRS}"),
    "nobody for a key": (lambda: MANIFEST(ENTRY, signed_by=None), f"signed_by cannot be None. {PAIRS}"),
    "a name for a bad one": (lambda: BAD_MANIFEST("unsigned", ENTRY, signed_by="publisher"), PAIRS),
    "words for a time": (
        lambda: MANIFEST(ENTRY, expires_in="1 day"),
        "expires_in cannot be '1 day'. Pass seconds, or a timedelta such as timedelta(days=1).",
    ),
    "entries in a list": (lambda: MANIFEST([ENTRY]), "Pass them one by one: oneiric_manifest(*entries)."),
    "bad ones in a list": (lambda: BAD_MANIFEST("unsigned", [ENTRY]), "oneiric_bad_manifest(kind, *entries)."),
    "text for an entry": (lambda: MANIFEST("task"), "cannot be 'task'. Make one with oneiric_manifest.entry(…)."),
    "text for a number": (lambda: MANIFEST(sequence_number="1"), "sequence_number cannot be '1'. Pass a whole number."),
    "no form": (lambda: MANIFEST(form=None), "there is no form None. There are flat, dsse."),
    "a form in capitals": (lambda: signed_manifest([], form="Dsse"), "there is no form 'Dsse'. Did you mean dsse?"),
    "a domain": (
        lambda: MANIFEST.entry("taks", "text", "acme", "acme.text:Text"),
        "there is no domain 'taks'. Did you mean task?",
    ),
    "no domain": (lambda: MANIFEST.entry(None, "a", "b", "c:d"), "domain cannot be None. Pass the domain as text."),
    "a class for a factory": (lambda: MANIFEST.entry("task", "a", "b", Keys), "Pass the factory as text."),
    "a number for a key's name": (lambda: KEYS.named(3), "the name of a key cannot be 3. Pass any text"),
    "no version": (
        lambda: WHEEL(version="not a version"),
        f"the version of a wheel cannot be 'not a version'. Write '1.0', as PEP 440 has it; {BAD}",
    ),
    "an unusual version": (lambda: WHEEL(version="1.0-beta"), f"Write '1.0b0', as PEP 440 has it; {BAD}"),
    "a number for a version": (lambda: WHEEL(version=1.0), "cannot be 1.0. Write '1.0', as PEP 440"),
    "no name": (lambda: WHEEL(name="../acme"), "the name of a wheel cannot be '../acme'. Pass letters and digits"),
    "no name of a bad one": (lambda: WHEEL.bad("bomb", name=""), "the name of a wheel cannot be ''."),
    "no version of a bad one": (lambda: WHEEL.bad("bomb", version="x"), "the version of a wheel cannot be 'x'."),
    "a list of files": (lambda: WHEEL(["a.py"]), "files cannot be ['a.py']. Pass a mapping of names"),
    "a file of a number": (lambda: WHEEL({"a.py": 3}), "what is in 'a.py' cannot be 3. Pass a mapping of names"),
    "one requirement": (lambda: WHEEL(requires="httpx"), "Pass a list of requirements, such as ['httpx>=0.27']."),
    "no requirement": (lambda: WHEEL(requires=["a b"]), "a requirement cannot be 'a b'. Write it as PEP 508 has it"),
    "lines of entry points": (lambda: WHEEL(entry_points=["a"]), "Pass the text of the file."),
    "a mapping of headers": (
        lambda: Reply(headers={"X-One": 1}),
        "headers cannot be {'X-One': 1}. Write pairs: (('X-One', '1'),).",
    ),
    "a header of three": (lambda: Reply(headers=(("a", "b", "c"),)), "Write pairs of texts: (('Name', 'value'),)."),
    "a header of a number": (lambda: Reply(headers=(("a", 1),)), "a header cannot be ('a', 1). Write pairs of texts"),
    "text for bytes": (
        lambda: Reply("text"),
        "an answer cannot be 'text'. Write b'text', or encode() it.",
    ),
    "odd text for bytes": (lambda: Reply("tëxt"), "the bytes of an answer cannot be 'tëxt'. Pass bytes."),
    "text to serve": (lambda: serving(lambda server: server.serve("/a", "text")), "Write b'text', or encode() it."),
    "text on a route": (lambda: ArtifactRoutes().serve("https://acme.test/", "text"), "Write b'text'"),
    "text broken": (lambda: Broken(WireFault.SHORT, "text"), "Write b'text', or encode() it."),
    "raw text": (lambda: Raw("text"), "Write b'text', or encode() it."),
    "raw without an end": (lambda: Raw(b"", end="close"), "an end cannot be 'close'. Pass End.CLOSE,"),
    "a status of text": (lambda: Reply(status="200"), "a status cannot be '200'. Pass a number of three digits"),
    "a status of four": (lambda: Redirect("/", 3020), "a status cannot be 3020. Pass a number of three digits"),
    "a place of bytes": (lambda: Redirect(b"/"), "the place of a redirect cannot be b'/'. Pass a URL or path as text"),
    "an etag of bytes": (lambda: Reply(etag=b'"v"'), "is no etag. Write it with its quotes"),
    "a pause of text": (lambda: Broken("drip", pause="1"), "pause cannot be '1'. Pass seconds, from 0."),
    "a place of text": (lambda: Broken("short", at="1"), "at cannot be '1'. Pass a number of bytes, or None."),
    "no path": (
        lambda: serving(lambda server: server.on(None, Reply())),
        "None is no path of a URL. Begin it with",
    ),
    "a path without a slash": (lambda: serving(lambda server: server.url_of("a")), "'a' is no path of a URL."),
    "no URL": (lambda: ArtifactRoutes().on(None, Reply()), "None is no URL. Begin it with https:// and a host."),
    "no mode": (lambda: FaultPlans()(dict, "init", None), "init cannot fail by None. There are error,"),
    "no stage": (lambda: FaultPlans()(dict, None), "there is no stage None. There are factory, init, health."),
    "no factory": (lambda: FaultPlans()(3, "init"), "the factory cannot be 3. Pass a class, a function, or an import"),
    "back": (lambda: advance(-1), "cannot advance by -1. Pass seconds, from 0: time only moves forward."),
    "by words": (lambda: advance("1 s"), "cannot advance by '1 s'. Pass seconds, from 0"),
    "by a timedelta": (lambda: advance(timedelta(1)), "Pass seconds, from 0"),
    "for ever": (lambda: advance(float("inf")), "cannot advance by inf. Pass seconds, from 0"),
    "a text for a start": (lambda: FrozenClock("2026-01-01"), "Pass an aware datetime, for example with tzinfo=UTC."),
    "one path to allow": (lambda: CacheSandbox(allow="place"), "allow cannot be 'place'. Pass a list: allow=[path]."),
    "a number to allow": (lambda: CacheSandbox(allow=[3]), "a path cannot be 3. Pass a Path, or a text."),
    "a number to watch": (lambda: guarding(lambda sandbox: sandbox.watch(3)), "a path cannot be 3."),
    "text to plant": (lambda: guarding(lambda sandbox: sandbox.plant_file("a", "b")), "Pass bytes; encode() a text."),
    "a number to plant": (lambda: guarding(lambda sandbox: sandbox.plant_file(3)), "a name in the cache cannot be 3."),
    "an instance to certify": (lambda: Certify()(Path()), "Pass domain/key/provider, module:attribute, or a class."),
}


@pytest.mark.parametrize(("act", "told"), WRONG.values(), ids=WRONG)
def test_it_says_what_to_write(act: Callable[[], Any], told: str) -> None:
    with pytest.raises(MisuseError) as caught:
        act()
    assert told in str(caught.value)


def test_what_is_long_is_told_in_short() -> None:
    with pytest.raises(MisuseError) as caught:
        Reply("x" * 1_000_000)
    assert len(str(caught.value)) < 1000


def test_what_looks_odd_and_is_right_is_taken() -> None:
    assert WHEEL(name="Acme.x_y", version="1.0.post1", requires=("httpx>=0.27; extra == 'a'",)).content
    assert Reply(b"", 599, headers=[("A", "1"), ("A", "2")])
    assert MANIFEST(ENTRY, signed_by=()).content == MANIFEST(ENTRY, signed_by=[]).content
    advance(0)
