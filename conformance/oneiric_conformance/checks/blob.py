"""BLOB: what an adapter promises that claims ``blob``."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.ordinary import listed
from oneiric_conformance.handling.settings import SANDBOX, guessed
from oneiric_conformance.handling.work import ask, opened
from oneiric_conformance.registry import check
from oneiric_conformance.subject import Subject

__all__: list[str] = []

Step: TypeAlias = tuple[str, str, bytes]
"""What is done, under which key, with which bytes; the bytes matter to ``save`` only."""

_FOLDERS: Final = ("folder/one", "folder/two", "folder_one", "folder__one")
_KEYS: Final = ("a", "b.txt", "B.TXT", "two words", *_FOLDERS, "ключ", "a" * 64, "a.tmp", ".hidden")
_PLAIN: Final[tuple[Step, ...]] = (("save", "a", b"bytes"), ("read", "a", b""))
_BINARY: Final = bytes(range(256)) * 300
_NASTY: Final[tuple[tuple[Step, ...], ...]] = (
    (("save", "a", b"longer than the next"), ("save", "a", b"next")),
    (("save", "a", b"one\r\ntwo\nthree\r\x1a\x00\xff\xfe"), ("save", "b.txt", b"")),
    (("save", "a", _BINARY), ("save", "folder/one", _BINARY[1:])),
    (("save", "a", b"\xef\xbb\xbf text \n\n"), ("save", "b.txt", b"\x00text\x00\x00"), ("save", "two words", b" \n")),
    (("save", "a", _BINARY * 16),),
    (("read", "a", b""), ("delete", "a", b""), ("save", "a", b"1"), ("delete", "a", b""), ("read", "a", b"")),
    tuple(("save", key, key.encode("utf-8")) for key in _KEYS),
    tuple(("save", key, key.encode("utf-8")) for key in reversed(_KEYS)),
    tuple((verb, "a", data) for data in (b"1", b"2") for verb in ("save", "read")),
    (("save", "a", b"1"), ("read", "a", b""), ("delete", "a", b""), ("read", "a", b"")),
    (("save", "a", b"1"), ("list", "", b""), ("save", "b.txt", b"2"), ("list", "", b""), ("delete", "a", b"")),
)


def _sequences() -> st.SearchStrategy[list[Step]]:
    keys = st.sampled_from(_KEYS)
    saves = st.tuples(st.just("save"), keys, st.binary(max_size=64))
    return st.lists(saves | st.tuples(st.sampled_from(("read", "delete")), keys, st.just(b"")), min_size=1, max_size=8)


def _told(steps: Sequence[Step]) -> str:
    return "; ".join(_call(step) for step in steps)


def _call(step: Step) -> str:
    verb, key, data = step
    return {"save": f"save({key!r}, {_brief(data)})", "list": "list()"}.get(verb, f"{verb}({key!r})")


def _brief(data: object) -> str:
    text = repr(data)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"  # noqa: PLR2004 - one line


async def _play(bench: Bench, steps: Sequence[Step]) -> int:
    """Do the steps on a fresh instance and on a dictionary; how many files were read back."""
    model: dict[str, bytes] = {}
    async with opened(bench) as store:
        for key in await _listing(bench, store):  # what an earlier example left in a store outside the sandbox
            with bench.asking(f"delete({key!r})"):
                await ask(store.delete, key)
        for step in steps:
            await _act(bench, store, model, step)
        for key in dict.fromkeys(key for verb, key, _ in steps if verb != "list"):
            await _look(bench, store, model, key)
        await _act(bench, store, model, ("list", "", b""))
        for key in model:
            with bench.asking(f"delete({key!r})"):
                await ask(store.delete, key)
    return len(model)


async def _act(bench: Bench, store: Any, model: dict[str, bytes], step: Step) -> None:
    verb, key, data = step
    if verb == "read":
        await _look(bench, store, model, key)
    elif verb == "save":
        model[key] = data
        with bench.asking(_call(step)):
            await ask(store.save, key, data)
    elif verb == "list":
        names = await _listing(bench, store)
        bench.expect(names == sorted(model), seen=f"list() answered {names}", expected=str(sorted(model)))
    else:
        known = model.pop(key, None) is not None
        with bench.asking(_call(step)):
            try:
                await ask(store.delete, key)
            except (LookupError, OSError):
                if known:
                    raise


async def _look(bench: Bench, store: Any, model: dict[str, bytes], key: str) -> None:
    expected = model.get(key)
    with bench.asking(f"read({key!r})"):
        try:
            found = await ask(store.read, key)
        except (LookupError, OSError):
            if expected is not None:
                raise
            return
    holds = found is None if expected is None else isinstance(found, bytes) and found == expected
    bench.expect(holds, seen=f"read({key!r}) answered {_brief(found)}", expected=_brief(expected))


async def _listing(bench: Bench, store: Any) -> list[str]:
    with bench.asking("list()"):
        names = await listed(store)
    bench.expect(
        all(isinstance(name, str) for name in names), seen=f"list() answered {_brief(names)}", expected="keys, as text"
    )
    return sorted(names)


@check("BLOB-001", judges="component", level="must", since="2026.1", floor=10, claims="blob", exercises=True)
def bytes_come_back_exactly(bench: Bench) -> None:
    """After any sequence of save and delete, read gives back exactly the bytes last saved, and list names exactly the
    keys there are.

    For a key that is not there, read answers None or raises a LookupError or OSError; delete does nothing or raises so.

    Keys are text like ``b.txt``, ``.hidden``, ``two words`` or ``folder/one``; where there is one of these, there need
    be no key ``folder``.

    Troubleshooting: files opened as text, files overwritten without being cut to length, keys that differ only in case
    or folder and share one file, a slash that is replaced by what keys may hold as well (encode it), a list that shows
    temporary files or leaves out keys that look like them, or a cache of what was read or listed that a save or delete
    leaves as it was.
    """
    with bench.control("what was saved is read back"):
        bench.run(_play(bench, _PLAIN))
    kept = 0

    def play(steps: Sequence[Step]) -> None:
        nonlocal kept
        kept += bench.run(_play(bench, steps))

    bench.for_all(_sequences(), play, nasty=_NASTY, show=_told)
    if kept:
        bench.behaved()


def _in_a_directory(subject: Subject) -> str:
    raw = subject.settings or guessed(subject.settings_model)
    return "" if SANDBOX in repr(raw) else "its settings give it no directory of its own"


@check(
    "BLOB-002",
    judges="component",
    level="must",
    since="2026.1",
    floor=4,
    claims="blob",
    applies=_in_a_directory,
    exercises=True,
)
def stores_do_not_disturb_each_other(bench: Bench) -> None:
    """Stores in two directories know nothing of each other, and who reads while others save gets the bytes of one of
    them as a whole.

    Troubleshooting: a root, index or cache that belongs to the module or the class, or a file that is written in place
    (write another one beside it, and rename).
    """
    with bench.control("what was saved is read back"):
        bench.run(_play(bench, _PLAIN))
    bench.run(_apart(bench))
    bench.run(_as_a_whole(bench))
    bench.behaved()


async def _apart(bench: Bench) -> None:
    async with opened(bench) as first, opened(bench) as second:
        one, other = {"a": b"first", "only here": b"1"}, {"a": b"second"}
        for store, model in ((first, one), (second, other)):
            for key, data in model.items():
                await _act(bench, store, {}, ("save", key, data))
        for store, model in ((first, one), (second, other)):
            for key in one:
                await _look(bench, store, model, key)
            await _act(bench, store, dict(model), ("list", "", b""))
            bench.exercised()
        with bench.asking("delete('a') in the other store"):
            await ask(second.delete, "a")
        await _look(bench, first, one, "a")
        bench.exercised()


async def _as_a_whole(bench: Bench) -> None:
    wholes = [bytes([number]) * (1 << 16) for number in range(1, 5)]
    async with opened(bench) as store:
        await _act(bench, store, {}, ("save", "a", wholes[0]))
        works = [*(ask(store.save, "a", data) for data in wholes), *(ask(store.read, "a") for _ in wholes)]
        with bench.asking("saving and reading at once"):
            found = await asyncio.gather(*works)
        with bench.asking("read('a')"):
            found.append(await ask(store.read, "a"))
        for data in found[len(wholes) :]:
            seen = f"while others saved 'a', read('a') answered {_brief(data)}"
            bench.expect(data in wholes, seen=seen, expected="what one of them saved, as a whole")
            bench.exercised()
