"""KV: what an adapter promises that claims ``kv``."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.plain import same
from oneiric_conformance.handling.texts import text_of
from oneiric_conformance.handling.work import ask, opened
from oneiric_conformance.registry import check

__all__: list[str] = []

Step: TypeAlias = tuple[str, str, Any]
"""What is done, under which key, with which value; the value matters to ``set`` only."""

_AT_ONCE: Final = 12
_ROUNDS: Final = 3
_LETTERS: Final = "abcXYZ019 _-.:/*?[]\\\n'\"äßж字🙂"
_KEYS: Final = (
    "a",
    "A",
    "b",
    "a b",
    "a/b",
    "a_b",
    "../a",
    "a:b",
    "*",
    "?",
    "a\nb",
    "ключ",
    "k" * 200,
    "k" * 199 + "l",
    "ж" * 200,
    "ж" * 199 + "з",
    " a",
    "a ",
    "é",
    "e\u0301",
    "",
    ".",
    "..",
    ".a",
)
_TEXTS: Final = ("12", "1.5", "true", "null", "[1]", '{"a": 1}', '"a"', "one\r\ntwo\rthree\n\t ")
"""What some reader takes for something else than the text it is."""

_BESIDE: Final = ("a", "A", "b", "ab", "a b", "a/b", "a:b")
_TAKING: Final = ("*", "?", "%", "a%", "[ab]", "")
"""Keys that are near each other, and keys that a query may take for many."""

_PLAIN: Final[tuple[Step, ...]] = (("set", "a", "text"), ("get", "a", None))
_NASTY: Final[tuple[tuple[Step, ...], ...]] = (
    (("set", "a", 1), ("set", "a", 2), ("get", "a", None)),
    (("set", "a", 1), ("delete", "a", None), ("get", "a", None), ("delete", "a", None)),
    (("set", "a", 1), ("set", "b", [True, 1, 1.5, "1", {"x": None}]), ("clear", "", None), ("set", "b", 0)),
    (("get", "a", None), ("set", "a", False), ("set", "b", ""), ("set", "*", []), ("delete", "*", None)),
    tuple(("set", key, {"key": key}) for key in _KEYS),
    tuple(("set", f"key {number}", number) for number in range(200)),
    (("set", "a", "long " * 20_000),),
    tuple(("set", f"text {number}", text) for number, text in enumerate(_TEXTS)),
    (*((verb, "a", value) for value in (1, 2) for verb in ("set", "get")), ("delete", "a", None), ("get", "a", None)),
    (("set", "a", 1), ("get", "a", None), ("clear", "", None), ("get", "a", None)),
    (*(("set", key, 1) for key in _KEYS), ("clear", "", None)),
    (*(("set", key, key) for key in _BESIDE), ("delete", "a", None)),
    (*(("set", key, key) for key in (*_BESIDE, "a_b")), ("delete", "a_b", None)),
    *((*(("set", key, key) for key in ("a", "ab", taking)), ("delete", taking, None)) for taking in _TAKING),
)


def _sequences() -> st.SearchStrategy[list[Step]]:
    keys = st.sampled_from(_KEYS) | text_of(_LETTERS, most=12)
    whole = st.integers(min_value=-(2**53), max_value=2**53)
    leaves = st.booleans() | whole | st.floats(allow_nan=False, allow_infinity=False) | text_of(_LETTERS, most=12)
    nested = st.recursive(leaves | st.none(), lambda inner: st.lists(inner, max_size=3) | _objects(inner), max_leaves=6)
    values = leaves | st.lists(nested, max_size=3) | _objects(nested)
    steps = st.one_of(
        st.tuples(st.just("set"), keys, values),
        st.tuples(st.sampled_from(("get", "delete")), keys, st.none()),
        st.just(("clear", "", None)),
    )
    return st.lists(steps, min_size=1, max_size=12)


def _objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(text_of(_LETTERS, most=6), values, max_size=3)


def _told(steps: Sequence[Step]) -> str:
    return "; ".join(_call(step) for step in steps)


def _call(step: Step) -> str:
    verb, key, value = step
    arguments = {"set": f"{key!r}, {value!r}", "clear": ""}.get(verb, repr(key))
    return f"{verb}({arguments})"


async def _play(bench: Bench, steps: Sequence[Step]) -> int:
    """Do the steps on a fresh instance and on a dictionary; how many values were got back."""
    model: dict[str, Any] = {}
    async with opened(bench) as store:
        with bench.asking("clear()"):
            await ask(store.clear)
        for step in steps:
            await _act(bench, store, model, step)
        for key in dict.fromkeys(key for verb, key, _ in steps if verb != "clear"):
            await _look(bench, store, model, key)
    return len(model)


async def _from_another_task(bench: Bench) -> None:
    """Who sets a value and who asks for it are seldom the same task."""
    async with opened(bench) as store:
        async with asyncio.TaskGroup() as others:
            others.create_task(_act(bench, store, {}, ("set", "a", "by another task")))
        await _look(bench, store, {"a": "by another task"}, "a")


async def _act(bench: Bench, store: Any, model: dict[str, Any], step: Step) -> None:
    verb, key, value = step
    if verb == "get":
        await _look(bench, store, model, key)
        return
    with bench.asking(_call(step)):
        if verb == "set":
            model[key] = value
            await ask(store.set, key, value)
        elif verb == "delete":
            model.pop(key, None)
            await ask(store.delete, key)
        else:
            model.clear()
            await ask(store.clear)


async def _look(bench: Bench, store: Any, model: dict[str, Any], key: str) -> None:
    with bench.asking(f"get({key!r})"):
        found = await ask(store.get, key)
    bench.expect(same(found, model.get(key)), seen=f"get({key!r}) answered {found!r}", expected=repr(model.get(key)))


@check("KV-001", judges="component", level="must", since="2026.1", floor=10, claims="kv", exercises=True)
def a_store_answers_as_a_dictionary_would(bench: Bench) -> None:
    """After any sequence of set, delete and clear, get answers as a dictionary would, and None for what is not there.

    Keys are any text, the empty one too, values any JSON data but null, kept with their type and to the letter;
    deleting what is not there is no error. There is room for two hundred keys, for keys of two hundred characters, and
    for a value of a hundred thousand.

    Troubleshooting: keys that are folded, cut or replaced in part (use a digest where there is no room for the key),
    values that come back as another type (True as 1, a list as text, the text "12" as a number), ends of line that are
    translated, a clear or delete that forgets a key or what a read cache keeps of it, a delete that takes a key for a
    pattern or for the beginning of others, or a get that raises for a key that is not there.
    """
    with bench.control("what was set is got back"):
        bench.run(_play(bench, _PLAIN))
    bench.run(_from_another_task(bench))
    kept = 0

    def play(steps: Sequence[Step]) -> None:
        nonlocal kept
        kept += bench.run(_play(bench, steps))

    bench.for_all(_sequences(), play, nasty=_NASTY, show=_told)
    if kept:
        bench.behaved()


@check("KV-002", judges="component", level="must", since="2026.1", floor=_AT_ONCE, claims="kv", exercises=True)
def many_use_a_store_at_once(bench: Bench) -> None:
    """Whoever sets and gets at the same time as others finds what was set under its own key, and under a key that many
    set, one of their values.

    Troubleshooting: what is read, changed and written back with an ``await`` in between, or the key and value of a call
    kept in an attribute until the call is over.
    """
    with bench.control("what was set is got back by one who is alone"):
        bench.run(_play(bench, _PLAIN))
    bench.run(_together(bench))
    bench.behaved()


async def _together(bench: Bench) -> None:
    async with opened(bench) as store:
        await _of_all(_own_key(bench, store, number) for number in range(_AT_ONCE))
        for number in range(_AT_ONCE):
            await _look(bench, store, {f"own {number}": [number, _ROUNDS - 1]}, f"own {number}")
            bench.exercised()
        values = [f"by {number}" for number in range(_AT_ONCE)]
        await _of_all(_act(bench, store, {}, ("set", "shared", value)) for value in values)
        with bench.asking("get('shared')"):
            found = await ask(store.get, "shared")
        seen = f"after {_AT_ONCE} had set it at once, get('shared') answered {found!r}"
        bench.expect(found in values, seen=seen, expected="one of the values that were set")


async def _of_all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all at once; the first finding of them is raised by itself."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _own_key(bench: Bench, store: Any, number: int) -> None:
    key = f"own {number}"
    for turn in range(_ROUNDS):
        model: dict[str, Any] = {}
        await _act(bench, store, model, ("set", key, [number, turn]))
        await asyncio.sleep(0)
        await _look(bench, store, model, key)
