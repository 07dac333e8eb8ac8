"""Following the roots of a source over a wire, with a memory on disk: TUF 5.3 from end to end."""

import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.clock import FrozenClock
from oneiric_core.errors import ExpiredError, RollbackError, SignatureError
from oneiric_core.manifest import JSON
from oneiric_core.remote.roots import refresh_root
from oneiric_core.remote.state_store import StateStore
from oneiric_core.testing import key_pair, manifest_entry, signed_manifest
from oneiric_core.trust import TrustRoot, append_root_signature, sign_root

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FOREVER = "2099-01-01T00:00:00Z"
ENTRY = manifest_entry("adapter", "cache", "redis", "acme:Component")


def role(*names: str) -> dict[str, Any]:
    return {"keys": [base64.b64encode(key_pair(name).public).decode() for name in names], "threshold": 1}


def root(version: int, manifest: str = "m1", expires_at: str = FOREVER, root_key: str = "r1", *also_by: str) -> bytes:
    roles = {"root": role(root_key), "manifest": role(manifest)}
    document = {"source": "acme", "version": version, "expires_at": expires_at, "roles": roles}
    envelope = sign_root(document, key_pair(root_key).private)
    for name in also_by:
        envelope = append_root_signature(envelope, key_pair(name).private)
    return json.dumps(envelope).encode()


class Mirror:
    """Serves roots by version, and remembers what it was asked for."""

    def __init__(self, *roots: bytes) -> None:
        self.roots = {TrustRoot.open(data).version: data for data in roots}
        self.asked: list[int] = []

    async def __call__(self, version: int) -> bytes | None:
        self.asked.append(version)
        return self.roots.get(version)


def manifest(number: int, by: str) -> tuple[bytes, str]:
    return signed_manifest([ENTRY], signed_by=[key_pair(by)], source="acme", sequence_number=number), JSON


def refresh(mirror: Callable[[int], Awaitable[bytes | None]], path: Path, **options: Any) -> Awaitable[TrustRoot]:
    return refresh_root(root(1), mirror, path / "state", **({"clock": FrozenClock(NOW)} | options))


async def test_every_root_is_followed_to_the_newest(tmp_path: Path) -> None:
    mirror = Mirror(root(2, "m2"), root(3, "m3", FOREVER, "r2", "r1"), root(4, "m4", FOREVER, "r2"))
    newest = await refresh(mirror, tmp_path)
    assert (newest.version, mirror.asked) == (4, [2, 3, 4, 5])
    assert StateStore(tmp_path / "state").load("acme").root_version == 4


async def test_it_goes_on_from_what_it_remembers(tmp_path: Path) -> None:
    await refresh(Mirror(root(2), root(3)), tmp_path)
    mirror = Mirror()
    assert ((await refresh(mirror, tmp_path)).version, mirror.asked) == (3, [4])


async def test_each_root_is_remembered_before_the_next_is_asked_for(tmp_path: Path) -> None:
    """A crash, or a mirror that breaks off, loses no step."""

    class Unplugged(Mirror):
        async def __call__(self, version: int) -> bytes | None:
            if version == 4:
                raise ConnectionResetError
            return await super().__call__(version)

    with pytest.raises(ConnectionResetError):
        await refresh(Unplugged(root(2), root(3)), tmp_path)
    assert StateStore(tmp_path / "state").load("acme").root_version == 3


async def test_a_root_that_may_not_follow_is_raised_and_those_before_it_stay(tmp_path: Path) -> None:
    thief = root(3, "m9", FOREVER, "r9")
    with pytest.raises(SignatureError):
        await refresh(Mirror(root(2), thief), tmp_path)
    assert (await refresh(Mirror(), tmp_path)).version == 2


async def test_roots_on_the_way_may_have_expired_and_the_last_may_not(tmp_path: Path) -> None:
    expired = (NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(ExpiredError, match="root 2"):
        await refresh(Mirror(root(2, "m2", expired)), tmp_path)
    assert (await refresh(Mirror(root(3, "m2")), tmp_path)).version == 3


async def test_a_clock_set_back_does_not_revive_an_expired_root(tmp_path: Path, world: Any) -> None:
    soon = (NOW + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    mirror = Mirror(root(2, "m2", soon))
    newest = await refresh(mirror, tmp_path)
    later = FrozenClock(NOW + timedelta(days=2))
    data = signed_manifest([ENTRY], signed_by=[key_pair("m2")], source="acme", signed_at="2026-06-03T00:00:00Z")
    await world.sync((data, JSON), trust=newest.manifest, clock=later)
    with pytest.raises(ExpiredError, match="root 2"):
        await refresh(mirror, tmp_path)


async def test_no_more_than_256_are_followed_at_once(tmp_path: Path) -> None:
    asked = []

    async def endless(version: int) -> bytes:
        asked.append(version)
        return root(version)

    assert (await refresh(endless, tmp_path)).version == 257
    assert asked == list(range(2, 258))


async def test_a_stolen_key_that_burnt_the_numbers_locks_nobody_out(tmp_path: Path, world: Any) -> None:
    """The legitimate manifest, the attack, the refusal it causes, and the recovery (5.3.11)."""
    before = await refresh(Mirror(), tmp_path)
    await world.sync(manifest(1, "m1"), trust=before.manifest)
    await world.sync(manifest(2**53 - 1, "m1"), trust=before.manifest)
    with pytest.raises(RollbackError):
        await world.sync(manifest(2, "m1"), trust=before.manifest)

    after = await refresh(Mirror(root(2, "m2")), tmp_path)
    await world.sync(manifest(2, "m2"), trust=after.manifest)
    with pytest.raises(SignatureError):
        await world.sync(manifest(2**53 - 1, "m1"), trust=after.manifest)
    with pytest.raises(RollbackError):
        await world.sync(manifest(1, "m2"), trust=after.manifest)


async def test_a_stolen_key_that_hurried_the_time_locks_nobody_out(tmp_path: Path, world: Any) -> None:
    """It signs one manifest after the other, each a little further in the future, and then it is taken away."""

    def signed(number: int, by: str, ahead: timedelta, **more: object) -> tuple[bytes, str]:
        signed_at, pair = (NOW + ahead).isoformat(), key_pair(by)
        more |= {"source": "acme", "sequence_number": number, "signed_at": signed_at}
        return signed_manifest([ENTRY], signed_by=[pair], **more), JSON

    before = await refresh(Mirror(), tmp_path)
    for number in range(1, 300):
        with suppress(ExpiredError):
            await world.sync(signed(number, "m1", timedelta(minutes=5) * number), trust=before.manifest)

    tomorrow = (NOW + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    after = await refresh(Mirror(root(2, "m2", tomorrow)), tmp_path)
    await world.sync(signed(2, "m2", timedelta(), expires_at=tomorrow), trust=after.manifest)


async def test_keys_of_a_root_that_was_replaced_burn_no_numbers(tmp_path: Path, world: Any) -> None:
    before = await refresh(Mirror(), tmp_path)
    after = await refresh(Mirror(root(2, "m2")), tmp_path)
    with pytest.raises(RollbackError, match="root 2 is known"):
        await world.sync(manifest(2**53 - 1, "m1"), trust=before.manifest)
    state = StateStore(tmp_path / "state").load("acme")
    assert (state.seen, state.applied) == (None, None)
    await world.sync(manifest(1, "m2"), trust=after.manifest)


async def test_a_rotation_during_a_sync_leaves_no_mark_of_what_the_old_keys_signed(tmp_path: Path, world: Any) -> None:
    before = await refresh(Mirror(), tmp_path)

    async def rotate() -> dict[str, object]:
        """A factory that stands for another process: it follows a root while the sync is under way."""
        await refresh(Mirror(root(2, "m2")), tmp_path)
        return {}

    world.factories["acme:Component"] = dict
    await world.sync(manifest(1, "m1"), trust=before.manifest)
    await world.lifecycle.activate("adapter", "cache")
    world.factories["acme:Component"] = rotate
    changed = signed_manifest(
        [ENTRY | {"version": "2"}], signed_by=[key_pair("m1")], source="acme", sequence_number=2**53 - 1
    )
    await world.sync((changed, JSON), trust=before.manifest)
    assert StateStore(tmp_path / "state").load("acme").applied is None


async def test_two_who_refresh_at_once_agree(tmp_path: Path) -> None:
    class Slow(Mirror):
        """Another refresh goes all the way while this one has asked for its first root."""

        async def __call__(self, version: int) -> bytes | None:
            if version == 2:
                await refresh(Mirror(*self.roots.values()), tmp_path)
            return await super().__call__(version)

    slow = Slow(root(2), root(3), root(4))
    assert ((await refresh(slow, tmp_path)).version, slow.asked) == (4, [2, 5])
