"""Ordinary use of what adapters claim: all of it, as an application would."""

import asyncio
from typing import Any

import pytest

from oneiric_conformance.handling.ordinary import ordinary_use


class Diary:
    """A store that notes what it is asked, and when others have had their turn since."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def _note(self, verb: str, key: str = "") -> None:
        self.noted.append(f"{verb} {key}".strip())
        asyncio.get_running_loop().call_later(0, self.noted.append, "")

    def get(self, key: str) -> None:
        self._note("get", key)

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self._note("set", key)

    def delete(self, key: str) -> None:
        self._note("delete", key)

    def clear(self) -> None:
        self._note("clear")

    def save(self, key: str, data: bytes) -> None:
        self._note("save", key)

    def read(self, key: str) -> None:
        self._note("read", key)

    def list(self) -> list[str]:
        self._note("list")
        return []

    def get_secret(self, name: str) -> None:
        self._note("get_secret", name)


@pytest.mark.parametrize("claim", [["kv"], ["kv", "ttl"], ["blob"], ["secrets"]])
async def test_others_have_their_turn_between_any_two_calls(claim: list[str]) -> None:
    diary = Diary()
    await ordinary_use(claim, diary, clears=True)
    assert all(diary.noted[::2])
    assert not any(diary.noted[1::2])
    assert len(diary.noted) >= 4


async def test_what_is_not_there_is_asked_for_and_deleted_as_well() -> None:
    for claim, verbs in (("kv", ("get", "delete")), ("blob", ("read", "delete"))):
        diary = Diary()
        await ordinary_use([claim], diary)
        (saved, *after) = [note for note in diary.noted if note.endswith("conformance-goes")]
        assert saved.startswith(("set", "save"))
        gone = after[after.index("delete conformance-goes") + 1 :]
        assert {note.partition(" ")[0] for note in gone} == {*verbs}


@pytest.mark.parametrize("error", [KeyError, FileNotFoundError])
async def test_a_store_of_bytes_may_refuse_what_is_not_there(error: type[Exception]) -> None:
    class Strict(Diary):
        def read(self, key: str) -> None:
            super().read(key)
            if key == "conformance-goes":
                raise error(key)

        def delete(self, key: str) -> None:
            super().delete(key)
            if self.noted.count(f"delete {key}") > 1:
                raise error(key)

    strict = Strict()
    await ordinary_use(["blob"], strict)
    assert "list" in strict.noted
    assert not any(strict.noted[1::2])
