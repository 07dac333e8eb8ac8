"""The search for garbage is put off while a manifest is built, and goes on afterwards, whatever happened."""

import gc

import pytest

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import JSON, parse_document
from oneiric_core.manifest.collector import uncollected


@uncollected()
def fail() -> None:
    assert not gc.isenabled()
    raise ValueError("inside")


def test_it_stops_within_and_goes_on_after_a_failure() -> None:
    with pytest.raises(ValueError, match="inside"):
        fail()
    assert gc.isenabled()
    with pytest.raises(ManifestError):
        parse_document(b"[", JSON)
    assert gc.isenabled()


def test_whoever_had_it_stopped_finds_it_stopped() -> None:
    gc.disable()
    try:
        with uncollected(), uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
