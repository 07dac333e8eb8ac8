"""A manifest says of a package what the package says of itself, and always in the same words."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.builtin import builtin_action_metadata, builtin_adapter_metadata
from oneiric_core.domains import Domain
from oneiric_core.errors import ManifestError, ResolutionError
from oneiric_core.manifest import JSON, RemoteManifestEntry
from oneiric_core.manifest.applicability import why_not_here
from oneiric_core.publish import Package, find_package, generate_manifest, read_wheel, render_document
from oneiric_core.remote.environment import current_environment

Install = Callable[..., None]
MakeWheel = Callable[..., Path]
WHERE = "https://zeta.example/wheels/zeta-2.1.0-py3-none-any.whl"


def entries(**options: Any) -> list[dict[str, Any]]:
    made = generate_manifest([find_package("zeta")], version="9.9", source="https://zeta.example", **options)
    found: list[dict[str, Any]] = made["entries"]
    return found


@pytest.mark.usefixtures("zeta")
def test_every_field_a_component_declares_stands_in_its_entry() -> None:
    cache = entries()[0]
    assert cache == {
        "domain": "adapter",
        "key": "cache",
        "provider": "zeta",
        "factory": "zeta:Cache",
        "stack_level": 5,
        "priority": -2,
        "version": "2.1",
        "metadata": {"description": "Keeps values", "color": "red", "priority": "high"},
        "capabilities": ["kv", {"name": "ttl", "description": "Forgets", "event_types": ["expired"]}],
        "owner": "Zeta",
        "requires_secrets": True,
        "settings_model": "zeta:Settings",
        "timeout_seconds": 2.5,
        "retry_policy": {"attempts": 3, "base_delay": 0.5},
        "conflicts_with": ["eta<2"],
        # What it leaves open, its package answers.
        "license": "MIT",
        "requires": ['nothing-much; python_version<"3"', "pydantic>=2"],
        "python_version": ">=3.11",
        "documentation_url": "https://zeta.example/docs",
    }


@pytest.mark.usefixtures("zeta")
def test_what_only_some_domains_know_has_its_field() -> None:
    _, heard, flow, act = entries()
    assert {name: value for name, value in heard.items() if name.startswith("event_")} == {
        "event_topics": ["a", "b"],
        "event_filters": [{"path": "payload.x", "any_of": [1, "yes"]}],
        "event_max_concurrency": 4,
        "event_priority": 7,
        "event_fanout_policy": "exclusive",
    }
    assert [node["id"] for node in flow["dag"]["nodes"]] == ["a", "b"]
    assert act["side_effect_free"] is True
    assert act["metadata"] == {"domains": ["task"]}
    assert {each["version"] for each in (heard, flow, act)} == {"9.9"}
    assert {each["license"] for each in (heard, flow, act)} == {"BSD-3-Clause"}


@pytest.mark.usefixtures("zeta")
def test_a_candidate_comes_back_from_its_entry_as_it_was() -> None:
    """But for what the package adds, and the plain description of a capability that had none."""
    declared = {each.name: each for each in find_package("zeta").candidates}
    for entry in entries():
        back = RemoteManifestEntry.model_validate(entry).to_candidate("zeta")
        candidate = declared[back.name]
        for name, value in candidate.metadata.items():
            if name != "capability_descriptors" and value != []:
                assert back.metadata[name] == value, name
        assert back.capabilities == candidate.capabilities
        assert (back.priority, back.stack_level) == (candidate.priority, candidate.stack_level)


@pytest.mark.usefixtures("zeta")
def test_the_same_package_gives_the_same_bytes_and_entries_in_the_order_of_their_names() -> None:
    package = find_package("zeta")
    backwards = Package(package.name, package.version, package.candidates[::-1], package.shared)
    made = [generate_manifest([each], version="1", source="zeta") for each in (package, backwards)]
    first, second = (render_document(each, JSON) for each in made)
    assert first == second
    assert [entry["domain"] for entry in made[0]["entries"]] == ["adapter", "event", "workflow", "action"]
    assert [*json.loads(first)] == ["schema_version", "source", "entries"]


@pytest.mark.usefixtures("zeta")
def test_domains_can_be_left_out_but_not_all_that_there_are() -> None:
    assert [entry["domain"] for entry in entries(domains=[Domain.ACTION])] == ["action"]
    with pytest.raises(ManifestError, match="zeta offers nothing in task"):
        entries(domains=[Domain.TASK])


@pytest.mark.usefixtures("zeta")
def test_a_wheel_says_where_the_code_is_and_what_bytes_it_has(make_wheel: MakeWheel) -> None:
    path = make_wheel()
    for entry in entries(wheels={WHERE: read_wheel(path)}):
        assert entry["uri"] == WHERE
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert entry["length"] == path.stat().st_size
        assert "os_platform" not in entry


@pytest.mark.usefixtures("zeta")
@pytest.mark.parametrize(
    ("tag", "systems"),
    [
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", ["linux"]),
        ("cp311-cp311-win_amd64", ["win32"]),
        ("py3-none-macosx_11_0_arm64.linux_x86_64", ["darwin", "linux"]),
    ],
)
def test_a_wheel_for_some_systems_is_offered_to_those_only(make_wheel: MakeWheel, tag: str, systems: list[str]) -> None:
    wheel = read_wheel(make_wheel(f"zeta-2.1.0-{tag}.whl", {"zeta.cpython-311-x86_64-linux-gnu.so": "code"}))
    assert entries(wheels={WHERE: wheel})[0]["os_platform"] == systems


@pytest.mark.usefixtures("zeta")
@pytest.mark.parametrize(
    ("filename", "files", "said"),
    [
        ("zeta-2.2.0-py3-none-any.whl", None, "is zeta 2.2.0, and installed is zeta 2.1.0"),
        ("eta-2.1.0-py3-none-any.whl", None, "is of eta, and the manifest is of zeta"),
        ("zeta-2.1.0-py3-none-any.whl", {"zeta_other.py": ""}, "does not carry the factory of action/act/zeta"),
    ],
)
def test_a_wheel_that_does_not_match_is_refused(
    make_wheel: MakeWheel, filename: str, files: dict[str, str] | None, said: str
) -> None:
    with pytest.raises(ManifestError, match=said):
        entries(wheels={WHERE: read_wheel(make_wheel(filename, files))})


@pytest.mark.usefixtures("zeta")
def test_two_wheels_of_one_package_are_one_too_many(make_wheel: MakeWheel) -> None:
    one, other = read_wheel(make_wheel()), read_wheel(make_wheel("zeta-2.1.0-1-py3-none-any.whl"))
    with pytest.raises(ManifestError, match="two wheels of zeta"):
        entries(wheels={WHERE: one, f"{WHERE}?": other})


def test_a_package_that_is_not_there_or_announces_nothing_says_so(install: Install) -> None:
    with pytest.raises(ManifestError, match="no package 'zetta' is installed"):
        find_package("zetta")
    with pytest.raises(ManifestError, match="'pytest' announces no component"):
        find_package("pytest")
    install("zeta", "x = 1", {}, "Metadata-Version: 2.1\nName: zeta\nVersion: 1\n")
    with pytest.raises(ManifestError, match="'zeta' announces no component"):
        find_package("zeta")


@pytest.mark.usefixtures("zeta")
def test_a_name_that_is_nearly_right_is_told() -> None:
    with pytest.raises(ManifestError, match="Did you mean zeta"):
        find_package("zetta")


@pytest.mark.usefixtures("zeta")
@pytest.mark.parametrize("version", ["", " ", "not a version", "v1.0-", "one"])
def test_what_is_no_version_reaches_no_entry(version: str) -> None:
    with pytest.raises(ManifestError, match="is no version"):
        generate_manifest([find_package("zeta")], version=version, source="zeta")


def declaring(install: Install, line: str, groups: dict[str, str] | None = None, metadata: str = "") -> Package:
    code = f"from oneiric_core import AdapterMetadata\nclass Cache:\n    class Inner: pass\ncache = {line}\n"
    metadata = metadata or "Metadata-Version: 2.1\nName: zeta\nVersion: 1\n"
    install("zeta", code, groups or {"adapters": "cache"}, metadata)
    return find_package("zeta")


def test_a_broken_announcement_breaks_the_manifest(install: Install) -> None:
    """Without it, a sync would retire the component from everybody who uses it."""
    with pytest.raises(ManifestError, match=r"is broken: .*Mend it first"):
        declaring(install, "1 / 0")


@pytest.mark.parametrize("factory", ["lambda: Cache()", "type('Cache', (), {'__module__': 'zeta'})"])
def test_a_factory_that_no_text_can_name_is_refused(install: Install, factory: str) -> None:
    package = declaring(install, f"AdapterMetadata(category='c', provider='p', factory={factory})")
    with pytest.raises(ManifestError, match="the factory of adapter/c/p is not what"):
        generate_manifest([package], version="1", source="zeta")


def test_what_the_schema_refuses_is_not_generated(install: Install) -> None:
    package = declaring(install, "AdapterMetadata(category='c', provider='p', factory=Cache, timeout_seconds=-1.0)")
    with pytest.raises(ManifestError, match="timeout_seconds"):
        generate_manifest([package], version="1", source="zeta")


@pytest.mark.parametrize(
    ("line", "expected"), [("License: MIT", "MIT"), ("License: Copyright me, all rights", None), ("Summary: s", None)]
)
def test_a_license_that_is_no_spdx_expression_is_left_out(install: Install, line: str, expected: str | None) -> None:
    metadata = f"Metadata-Version: 2.1\nName: zeta\nVersion: 1\n{line}\n"
    package = declaring(install, "AdapterMetadata(category='c', provider='p', factory=Cache)", metadata=metadata)
    assert package.shared.get("license") == expected


def test_what_we_ship_ourselves_is_offered_to_those_who_have_it() -> None:
    package = find_package("Oneiric_Core")
    found = generate_manifest([package], version="1", source="core", domains=[Domain.ADAPTER, Domain.ACTION])["entries"]
    declared = {each.to_candidate().name for each in [*builtin_adapter_metadata(), *builtin_action_metadata()]}
    assert {f"{each['domain']}/{each['key']}/{each['provider']}" for each in found} == declared
    assert {each["factory"].partition(".builtin.")[0] for each in found} == {"oneiric_core"}
    environment = current_environment()
    assert [why_not_here(RemoteManifestEntry.model_validate(each), environment) for each in found] == [""] * len(found)
    older = replace(environment, installed=lambda _: "0.0.1")
    assert all(why_not_here(RemoteManifestEntry.model_validate(each), older) for each in found)


@pytest.mark.usefixtures("zeta")
@pytest.mark.parametrize(
    ("domain", "slip"),
    [
        (Domain.ADAPTER, {"retry_policy": {"atempts": 3}}),
        (Domain.EVENT, {"filters": [{"path": "a", "exists": True, "equls": 1}]}),
    ],
)
def test_a_misspelt_field_of_a_policy_or_filter_gets_into_no_manifest(domain: Domain, slip: dict[str, Any]) -> None:
    package = find_package("zeta")
    slipped = [
        replace(each, metadata={**each.metadata, **slip}) for each in package.candidates if each.domain == domain
    ]
    with pytest.raises(ResolutionError, match=r"'atempts'|'equls'"):
        generate_manifest([replace(package, candidates=slipped)], version="1", source="zeta")
