"""Several places, each with keys of its own, and one memory: nobody speaks in another's name."""

import json
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.errors import RefusedFetchError, TrustError
from oneiric_core.manifest import JSON
from oneiric_core.remote.roots import refresh_root
from oneiric_core.remote.state_store import StateStore
from oneiric_core.testing import key_pair, manifest_entry, signed_manifest, signed_root
from oneiric_core.trust import PublicKey, TrustPolicy, append_signature

BANK, PLUGIN, NEXT = (key_pair(f"newcomers {name}") for name in ("bank", "plugin", "next"))
EVIL = 2**53 - 1


def trusts(*pairs: Any, source: str | None = None) -> TrustPolicy:
    return TrustPolicy([PublicKey(pair.public) for pair in pairs], source=source)


def says(number: int, *pairs: Any, factory: str = "bank.pay:Bank") -> bytes:
    entries = [manifest_entry("adapter", "payments", "bank", factory)]
    return signed_manifest(entries, signed_by=pairs, source="bank", sequence_number=number)


async def at(world: Any, place: str, data: bytes, trust: TrustPolicy) -> Any:
    return await world.sync((data, JSON), location=place, trust=trust)


def made_by(world: Any) -> str:
    return str(world.resolver.resolve("adapter", "payments").factory)


async def test_a_publisher_trusted_at_another_place_takes_neither_components_nor_numbers(world: Any) -> None:
    await at(world, "bank", says(7, BANK), trusts(BANK))
    for _ in range(2):
        with pytest.raises(TrustError, match="others signed what was seen of that source"):
            await at(world, "plugin", says(EVIL, PLUGIN, factory="plugin:Evil"), trusts(PLUGIN))
    assert made_by(world) == "bank.pay:Bank"
    await at(world, "bank", says(8, BANK), trusts(BANK))


async def test_what_he_signs_beside_the_owner_gains_him_nothing(world: Any) -> None:
    """The same document, to which he has put his own name."""
    await at(world, "bank", says(7, BANK), trusts(BANK))
    copied = append_signature(json.loads(says(7, BANK)), PLUGIN.private)
    with pytest.raises(TrustError, match="others signed"):
        await at(world, "plugin", json.dumps(copied).encode(), trusts(PLUGIN))


async def test_a_mirror_with_the_same_keys_speaks_for_the_source(world: Any) -> None:
    await at(world, "bank", says(7, BANK), trusts(BANK))
    assert (await at(world, "mirror", says(7, BANK), trusts(BANK))).unchanged
    await at(world, "mirror", says(8, BANK), trusts(BANK))
    await at(world, "bank", says(8, BANK), trusts(BANK))


async def test_keys_are_replaced_where_the_place_is_known_and_new_places_follow(world: Any) -> None:
    await at(world, "bank", says(7, BANK), trusts(BANK))
    await at(world, "bank", says(8, BANK, NEXT), trusts(BANK, NEXT))
    await at(world, "mirror", says(8, BANK, NEXT), trusts(NEXT))
    await at(world, "bank", says(9, NEXT), trusts(NEXT))
    await at(world, "mirror", says(9, NEXT), trusts(NEXT))
    await at(world, "another mirror", says(9, NEXT), trusts(NEXT))


async def test_where_a_place_is_known_its_keys_may_be_replaced_at_once(world: Any) -> None:
    await at(world, "bank", says(7, BANK), trusts(BANK))
    await at(world, "bank", says(8, NEXT), trusts(NEXT))


async def test_a_source_named_in_the_policy_is_the_operators_word(world: Any) -> None:
    await at(world, "bank", says(7, BANK), trusts(BANK, source="bank"))
    with pytest.raises(TrustError, match="others signed"):
        await at(world, "plugin", says(EVIL, PLUGIN), trusts(PLUGIN))
    await at(world, "moved", says(8, NEXT), trusts(NEXT, source="bank"))


async def test_keys_are_replaced_by_a_root_at_any_place(world: Any, tmp_path: Path) -> None:
    def root(version: int, manifest: Any) -> bytes:
        return signed_root(version, [BANK], [manifest], [BANK], source="bank")

    async def published(version: int) -> bytes | None:
        return {2: root(2, NEXT)}.get(version)

    async def nothing(version: int) -> bytes | None:
        del version

    state = tmp_path / "state"
    first = await refresh_root(root(1, BANK), nothing, state, clock=world.clock)
    await at(world, "bank", says(7, BANK), first.manifest)
    second = await refresh_root(root(1, BANK), published, state, clock=world.clock)
    with pytest.raises(TrustError, match="others signed"):
        await at(world, "plugin", says(EVIL, PLUGIN), trusts(PLUGIN))
    await at(world, "moved", says(1, NEXT), second.manifest)
    await at(world, "mirror", says(1, NEXT), trusts(NEXT))
    assert StateStore(state).load("bank").signers == (PublicKey(NEXT.public).fingerprint,)


async def test_what_stood_is_not_revived_in_the_name_of_another(world: Any, tmp_path: Path) -> None:
    """What was kept of a place serves after a restart, though what the place was pinned to was lost."""
    place = tmp_path / "plugin.json"
    place.write_bytes(says(1, PLUGIN))
    await world.sync(place, trust=trusts(PLUGIN))
    for file in (world.path / "state").iterdir():
        if file.name.startswith(("location-", "source-")):
            file.unlink()
    await world.restart()
    await at(world, "bank", says(1, BANK), trusts(BANK))
    place.unlink()
    with pytest.raises(RefusedFetchError, match="No such file") as refused:
        await world.sync(place, trust=trusts(PLUGIN))
    assert "others signed" in refused.value.__notes__[0]
