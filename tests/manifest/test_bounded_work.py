"""What is cheap to send is cheap to refuse: hostile bytes are read in a process that may take only so much."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import JSON, RemoteManifest, parse_document

MEMORY = 1 << 30
CPU_SECONDS = 20
CHILD = """
import resource, sys
from oneiric_core.errors import ManifestError, TrustError
from oneiric_core.trust import UnsafeAcceptUnsigned, verify_manifest
from datetime import UTC, datetime

data = sys.stdin.buffer.read()
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
try:
    verify_manifest(data, sys.argv[1], UnsafeAcceptUnsigned(), now=datetime(2026, 6, 1, tzinfo=UTC))
except (ManifestError, TrustError) as error:
    sys.stdout.write(str(error))
"""
ENTRY = '"domain":"adapter","key":"k","provider":"p","factory":"a:b"'


def repeated(item: str, times: int) -> str:
    return "[" + f"{item}," * (times - 1) + item + "]"


def in_an_entry(field: str, value: str) -> str:
    return f'{{"entries":[{{{ENTRY},"{field}":{value}}}]}}'


def refused(text: str, media_type: str = "application/json") -> str:
    """What the process says that was given ``text``."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, media_type, str(MEMORY), str(CPU_SECONDS)],
        input=text.encode("utf-8"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout
    return done.stdout.decode("utf-8")


WRONG_ITEMS = {
    "entries": '{"entries":%s}',
    "signatures": '{"signatures":%s}',
    **{
        field: in_an_entry(field, "%s")
        for field in ("capabilities", "requires", "conflicts_with", "os_platform", "event_topics", "event_filters")
    },
    "dag.nodes": in_an_entry("dag", '{"nodes":%s}'),
    "dag.nodes[0].depends_on": in_an_entry("dag", '{"nodes":[{"id":"a","task":"t","depends_on":%s}]}'),
    "capabilities[0].event_types": in_an_entry("capabilities", '[{"name":"c","event_types":%s}]'),
    "capabilities[0].security.scopes": in_an_entry("capabilities", '[{"name":"c","security":{"scopes":%s}}]'),
    "capabilities[0].security.audience": in_an_entry("capabilities", '[{"name":"c","security":{"audience":%s}}]'),
}


@pytest.mark.parametrize("field", WRONG_ITEMS)
def test_a_list_is_judged_up_to_its_first_wrong_item(field: str) -> None:
    told = []
    for times in (1, 1000):
        with pytest.raises(ManifestError) as caught:
            RemoteManifest.from_document(json.loads(WRONG_ITEMS[field] % repeated("{}", times)))
        assert f"{field}[0]" in str(caught.value.evidence["field"])
        told.append((str(caught.value), caught.value.evidence["errors"]))
    assert told[0] == told[1]


def test_six_hundred_thousand_broken_entries_are_refused_at_the_first() -> None:
    said = refused('{"entries":' + repeated("{}", 600_000) + "}")
    assert said.startswith("the manifest's entries[0].domain is {}: Field required (and 3 more).")


def calls(text: str) -> int:
    """How many functions of Python are entered to refuse ``text``."""
    entered = Counter[str]()
    sys.setprofile(lambda _frame, event, _argument: entered.update([event]))
    try:
        with pytest.raises(ManifestError):
            parse_document(text.encode("utf-8"), JSON)
    finally:
        sys.setprofile(None)
    return entered["call"]


@pytest.mark.parametrize("key", ["\\u006b%d", "k%d"])
def test_finding_a_key_that_stands_twice_calls_nothing_for_each_key(key: str) -> None:
    """Reading each key anew took three times as long as reading the document."""
    few, many = (",".join([*(f'"{key % place}":""' for place in range(size)), '"k1":""']) for size in (9, 999))
    assert calls(f"{{{many}}}") - calls(f"{{{few}}}") < 100  # and not 990 times something: the collector calls, too
