"""What an entry with an artifact runs is the code in that artifact, in each domain, until its last instance is gone."""

import gc
import hashlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.components import EventEnvelope
from oneiric_core.domains import DOMAINS
from oneiric_core.errors import ActivationError, LifecycleError, ManifestError, UnsafeWheelError
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.manifest import JSON
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.testing import BadWheel, bad_wheel, make_wheel, manifest_entry, signed_manifest

VERBS = {
    "adapter": ("get", "key"),
    "service": ("status",),
    "task": ("run", {}),
    "event": ("handle", EventEnvelope("topic", {})),
    "workflow": ("execute", {}),
    "action": ("execute", {}),
}
COMPONENT = """
import acme
from pydantic import BaseModel

class Settings(BaseModel):
    version: int = acme.VERSION

class Component:
    def __init__(self, settings):
        self.settings = settings
    async def start(self): pass
    async def stop(self): pass
    async def {verb}(self, *given):
        import acme.late
        return [acme.VERSION, acme.late.VERSION, self.settings.version]
"""


def files(version: int) -> dict[str, str]:
    """One module per domain, in each a component that tells the version of all that it is made of."""
    components = {f"acme/{domain}.py": COMPONENT.format(verb=verb) for domain, (verb, *_) in VERBS.items()}
    return {"acme/__init__.py": f"VERSION = {version}\n", "acme/late.py": f"VERSION = {version}\n", **components}


class Publisher:
    """Offers wheels in a directory, and manifests that name them."""

    def __init__(self, path: Path) -> None:
        self.path = path / "offered"
        self.path.mkdir()
        self.artifacts = ArtifactManager(path / "cache", local_roots=[self.path])
        self.number = 0

    def offer(self, data: bytes) -> dict[str, Any]:
        """The fields of an entry whose artifact has these bytes."""
        sha256 = hashlib.sha256(data).hexdigest()
        (self.path / f"{sha256}.whl").write_bytes(data)
        return {"uri": f"{sha256}.whl", "sha256": sha256, "length": len(data)}

    def entries(self, version: int, domains: Iterable[str] = VERBS, **more: Any) -> list[dict[str, Any]]:
        """An entry in each of the domains, all from one wheel of that version."""
        brought = self.offer(make_wheel(files(version), version=f"{version}.0")) | more
        settings = {name: f"acme.{name}:Settings" for name in domains}
        return [
            manifest_entry(name, "key", "acme", f"acme.{name}:Component", settings_model=settings[name], **brought)
            for name in domains
        ]

    async def publish(self, world: Any, entries: Iterable[Mapping[str, Any]], **options: Any) -> Any:
        self.number += 1
        manifest = signed_manifest([*entries], sequence_number=self.number)
        return await world.sync((manifest, JSON), artifacts=self.artifacts, **options)


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path)


async def told(world: Any, domain: str) -> list[int]:
    async with world.lifecycle.lease(domain, "key") as instance:
        return await ask(instance, domain)


async def ask(instance: Any, domain: str) -> list[int]:
    verb, *given = VERBS[domain]
    answer: list[int] = await getattr(instance, verb)(*given)
    return answer


def loaded() -> set[str]:
    """The namespaces of wheels that are in ``sys.modules``."""
    gc.collect()
    return {name.partition(".")[0] for name in sys.modules if name.startswith("_oneiric_")}


def test_every_domain_is_tried() -> None:
    assert {*VERBS} == {str(domain) for domain in DOMAINS}


async def test_an_artifact_that_only_the_free_metadata_names_is_not_brought(world: Any, publisher: Publisher) -> None:
    """Whatever it is: what nobody has checked asks no server and ends in no ``TypeError``."""
    brought = publisher.offer(make_wheel(files(1)))
    free = {"remote_uri": brought["uri"], "sha256": brought["sha256"]}
    for odd in (free, {"remote_uri": 5}, free | {"sha256": ["a"]}, free | {"length": "x"}, {"capabilities": 5}):
        await publisher.publish(world, [manifest_entry("task", "key", "acme", "acme.task:Component", metadata=odd)])
        [candidate] = world.resolver.candidates()
        assert candidate.factory == "acme.task:Component"
        assert world.resolver.explain("task", "key", capabilities=["kv"]).winner is None
    assert not publisher.artifacts.store.root.exists()


@pytest.mark.parametrize("domain", VERBS)
async def test_a_leased_instance_runs_its_own_code_while_the_next_version_is_active(
    world: Any, publisher: Publisher, domain: str
) -> None:
    """Signed, fetched, scanned, unpacked, loaded, swapped: and what the old one imports only now is still its own."""
    await publisher.publish(world, publisher.entries(1, [domain]))
    await world.lifecycle.activate(domain, "key")
    async with world.lifecycle.lease(domain, "key") as leased:
        report = await publisher.publish(world, publisher.entries(2, [domain]))
        assert report.swapped == (f"{domain}/key/acme",)
        assert await told(world, domain) == [2, 2, 2]
        assert await ask(leased, domain) == [1, 1, 1]
        assert await told(world, domain) == [2, 2, 2]
    await publisher.publish(world, [])
    assert world.lifecycle.handle(domain, "key") is None


async def test_all_domains_change_at_once_and_the_old_code_leaves(world: Any, publisher: Publisher) -> None:
    assert loaded() == set()
    await publisher.publish(world, publisher.entries(1))
    assert loaded() == set(), "what is only on offer is not imported"
    for domain in VERBS:
        await world.lifecycle.activate(domain, "key")
    first = loaded()
    assert len(first) == 1
    assert [await told(world, domain) for domain in VERBS] == [[1, 1, 1]] * len(VERBS)
    report = await publisher.publish(world, publisher.entries(2))
    assert len(report.swapped) == len(VERBS)
    assert [await told(world, domain) for domain in VERBS] == [[2, 2, 2]] * len(VERBS)
    second = loaded()
    assert len(second) == 1
    assert not first & second
    await publisher.publish(world, [])
    assert loaded() == set()


async def test_the_same_bytes_are_not_loaded_again(world: Any, publisher: Publisher) -> None:
    await publisher.publish(world, publisher.entries(1))
    instance = await world.lifecycle.activate("adapter", "key")
    report = await publisher.publish(world, publisher.entries(1))
    assert (report.unchanged, report.swapped) == (True, ())
    assert world.lifecycle.get_instance("adapter", "key") is instance
    again = (signed_manifest(publisher.entries(1), sequence_number=publisher.number), JSON)
    assert (await world.sync(again, artifacts=publisher.artifacts)).unchanged
    assert world.lifecycle.get_instance("adapter", "key") is instance


async def test_a_cache_that_was_emptied_is_filled_again(world: Any, publisher: Publisher, tmp_path: Path) -> None:
    manifest = (signed_manifest(publisher.entries(1), sequence_number=1), JSON)
    await world.sync(manifest, artifacts=publisher.artifacts)
    await world.lifecycle.activate("adapter", "key")
    (tmp_path / "cache").rename(tmp_path / "gone")
    assert (await world.sync(manifest, artifacts=publisher.artifacts)).unchanged
    assert await told(world, "adapter") == [1, 1, 1]


async def test_swapping_to_another_provider_unloads_and_swapping_back_loads_again(
    world: Any, publisher: Publisher
) -> None:
    class Other:
        """One that is no part of a wheel."""

    world.factories["other:Other"] = Other
    other = manifest_entry("adapter", "key", "other", "other:Other", priority=1)
    await publisher.publish(world, [*publisher.entries(1, ["adapter"]), other])
    await world.lifecycle.activate("adapter", "key", "acme")
    assert len(loaded()) == 1
    await world.lifecycle.swap("adapter", "key", "other")
    assert loaded() == set()
    await world.lifecycle.swap("adapter", "key", "acme")
    assert await told(world, "adapter") == [1, 1, 1]


@pytest.mark.parametrize(
    ("factory", "model"),
    [("os:system", None), ("acme.gone:Component", None), ("acme_other:X", None), ("acme:X", "acme.gone:Settings")],
)
async def test_a_factory_outside_of_its_artifact_refuses_the_manifest(
    world: Any, publisher: Publisher, factory: str, model: str | None
) -> None:
    brought = publisher.offer(make_wheel(files(1)))
    with pytest.raises(ManifestError, match="adapter/key/acme cannot run the code of its artifact") as caught:
        await publisher.publish(
            world,
            [
                *publisher.entries(1, ["task"]),
                manifest_entry("adapter", "key", "acme", factory, settings_model=model, **brought),
            ],
        )
    assert caught.value.evidence["sha256"] == brought["sha256"]
    assert world.names() == set()


async def test_settings_may_be_modelled_by_what_is_installed(world: Any, publisher: Publisher) -> None:
    class Settings:
        version = 7

    world.factories["installed:Settings"] = Settings
    [entry] = publisher.entries(1, ["adapter"])
    await publisher.publish(world, [{**entry, "settings_model": "installed:Settings"}])
    await world.lifecycle.activate("adapter", "key")
    assert await told(world, "adapter") == [1, 1, 7]


async def test_without_an_artifact_the_allow_list_decides(world: Any, publisher: Publisher) -> None:
    """The default one: our own components, and packages that announce theirs by entry points."""
    async with LifecycleManager(world.resolver) as lifecycle:
        await publisher.publish(world, [manifest_entry("adapter", "key", "acme", "os:getcwd")], lifecycle=lifecycle)
        with pytest.raises(ActivationError, match="not allowed as a factory"):
            await lifecycle.activate("adapter", "key")
        await publisher.publish(world, publisher.entries(1, ["adapter"]), lifecycle=lifecycle)
        assert await lifecycle.activate("adapter", "key")
        await publisher.publish(world, [], lifecycle=lifecycle)


@pytest.mark.parametrize("kind", [BadWheel.CLIMBING, BadWheel.PTH, BadWheel.OTHER_BYTES, BadWheel.NO_ARCHIVE])
async def test_an_unsafe_wheel_refuses_the_manifest_and_what_runs_goes_on(
    world: Any, publisher: Publisher, kind: BadWheel
) -> None:
    await publisher.publish(world, publisher.entries(1))
    instance = await world.lifecycle.activate("adapter", "key")
    before = world.resolver.candidates()
    bad = manifest_entry(
        "adapter", "key", "acme", "acme.adapter:Component", **publisher.offer(bad_wheel(kind, files(2)))
    )
    with pytest.raises(UnsafeWheelError):
        await publisher.publish(world, [bad])
    assert world.resolver.candidates() == before
    assert world.lifecycle.get_instance("adapter", "key") is instance
    assert await told(world, "adapter") == [1, 1, 1]


async def test_a_version_that_cannot_be_imported_leaves_the_one_before_it(world: Any, publisher: Publisher) -> None:
    await publisher.publish(world, publisher.entries(1, ["adapter"]))
    instance = await world.lifecycle.activate("adapter", "key")
    names = loaded()
    brought = publisher.offer(make_wheel(files(2) | {"acme/adapter.py": "import no_such_dependency\n"}))
    with pytest.raises(LifecycleError, match=r"importing acme\.adapter raised ModuleNotFoundError"):
        await publisher.publish(world, [manifest_entry("adapter", "key", "acme", "acme.adapter:Component", **brought)])
    assert world.lifecycle.get_instance("adapter", "key") is instance
    assert await told(world, "adapter") == [1, 1, 1]
    assert loaded() == names


async def test_an_entry_whose_requirements_are_not_met_is_skipped_and_its_wheel_not_fetched(
    world: Any, publisher: Publisher
) -> None:
    report = await publisher.publish(world, publisher.entries(1, ["adapter"], requires=["no-such-distribution"]))
    assert list(report.skipped) == ["adapter/key/acme"]
    assert publisher.artifacts.store.find(publisher.entries(1)[0]["sha256"]) is None


async def test_what_is_explained_is_what_was_published(world: Any, publisher: Publisher) -> None:
    await publisher.publish(world, publisher.entries(1, ["adapter"]))
    [explained] = world.resolver.explain("adapter", "key").as_dict()["candidates"]
    assert explained["factory"] == "acme.adapter:Component"
    assert explained["metadata"]["settings_model"] == "acme.adapter:Settings"
    assert loaded() == set()
