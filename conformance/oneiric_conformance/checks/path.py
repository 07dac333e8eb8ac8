"""PATH: no text from outside becomes the name of a file outside the place meant for it."""

import asyncio
import copy
import types
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, as_json, document_of, offered, sign
from oneiric_conformance.handling.ordinary import listed
from oneiric_conformance.handling.own import OwnWork
from oneiric_conformance.handling.places import ARTIFACT, DIGEST, PLAIN, Ground, Place, expect_fetched, fetched
from oneiric_conformance.handling.planting import finds_secrets, furnish
from oneiric_conformance.handling.settings import SANDBOX
from oneiric_conformance.handling.work import ask, inputs, some_work
from oneiric_conformance.observing.disk import differences, tree
from oneiric_conformance.observing.inventory import take_inventory
from oneiric_conformance.observing.leaks import settled
from oneiric_conformance.observing.sandbox import BOX, Sandbox
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Runtime
from oneiric_conformance.strategies import MARKER, NESTING, hostile_names, nasty_names, nasty_traversals, traversals

__all__: list[str] = []

_SECRET: Final = b"nobody's business\n"
_NAME_BYTES: Final = 255


@check("PATH-001", judges="runtime", level="must", since="2026.1", floor=20)
def nothing_appears_outside_the_cache(bench: Bench) -> None:
    """Whatever uri, digest, key, provider or file name a manifest brings, nothing appears outside the cache, and in it
    nothing that is not named by its digest.

    Troubleshooting: file names made from the uri, the key or the version; keep every artifact under the digest of its
    bytes and under nothing else.
    """
    with bench.control("an artifact under a plain name is fetched and kept"):
        expect_fetched(bench)
    entry = offered(bench.package.subjects)[0]

    async def attempt(ground: Ground, name: str) -> None:
        with ground.place() as place, _offered(place, name):
            before = place.outside()
            async with bench.runtime(workdir=place.work) as runtime:
                with bench.asking("fetch() or sync()"):
                    await _try_everything(runtime, place, entry, name)
            appeared = differences(before, place.outside())
            bench.expect(not appeared, seen=f"outside the cache: {', '.join(appeared)}", expected="nothing there")
            odd = [
                path for path, content in tree(place.cache).items() if content != "directory" and content != _base(path)
            ]
            bench.expect(
                not odd,
                seen=f"in the cache, not named by its digest: {', '.join(odd)}",
                expected="64 hexadecimal digits",
            )

    with bench.sandbox() as box:
        ground, root = Ground(box), str(box.path.joinpath(*NESTING))
        nasty, strategy = [PLAIN, *nasty_names(root)], hostile_names(root)
        bench.for_all(strategy, lambda name: bench.run(attempt(ground, name)), nasty=nasty, show=_shown(root))


def _shown(root: str) -> Callable[[str], str]:
    """A name without the part of it that is another one in every run."""
    return lambda name: repr(name.replace(root, "{sandbox}"))


def _base(path: str) -> str:
    return path.rpartition("/")[2]


@contextmanager
def _offered(place: Place, name: str) -> Iterator[None]:
    """The artifact is on offer under the hostile name itself, too, where the file system lets one."""
    if not name.strip(".") or {"/", "\0"} & set(name) or len(name.encode("utf-8")) > _NAME_BYTES or name == PLAIN:
        yield
        return
    (place.offered / name).write_bytes(ARTIFACT)
    yield
    (place.offered / name).unlink()


async def _try_everything(runtime: Runtime, place: Place, entry: Mapping[str, Any], name: str) -> None:
    for uri in (f"file://{place.offered}/{name}", f"{place.offered}/{name}", name, f"file:{name}"):
        await fetched(runtime, uri)
    await fetched(runtime, f"file://{place.offered}/{PLAIN}", name)
    for field in ("key", "provider", "version", "uri", "sha256", "factory"):
        hostile = {"uri": f"file://{place.offered}/{PLAIN}", "sha256": DIGEST, **entry, field: name}
        await runtime.sync(as_json(sign(document_of([hostile], source=name or "source"))), JSON)


@check("PATH-002", judges="runtime", level="must", since="2026.1", floor=15)
def hostile_names_are_refused_by_name(bench: Bench) -> None:
    """A uri that climbs out of its directory is refused as path traversal, and a digest that is none as that or as a
    mismatch, and the cache is as before.

    Troubleshooting: a path that is resolved first and judged afterwards, or judged before it is percent-decoded and
    normalised; a digest that is looked up before it is looked at.
    """
    with bench.control("an artifact under a plain name is fetched and kept"):
        expect_fetched(bench)

    async def attempt(ground: Ground, name: str) -> None:
        with ground.place() as place:
            plain = f"file://{place.offered}/{PLAIN}"
            async with bench.runtime(workdir=place.work) as runtime:
                before = tree(place.root)
                for uri in (f"file://{{offered}}/{name}", f"{{offered}}/{name}", name):
                    ok, kind = await fetched(runtime, uri.replace("{offered}", str(place.offered)))
                    _expect(bench, ok, kind, f"the uri {uri!r}", "PathTraversalError")
                ok, kind = await fetched(runtime, plain, name)
                _expect(bench, ok, kind, f"the digest {name!r}", "DigestMismatchError", "PathTraversalError")
                changed = differences(before, tree(place.root))
            left = [line for line in changed if not line.endswith("directory")]
            bench.expect(not left, seen=f"after the refusal: {', '.join(left)}", expected="everything as before")

    with bench.sandbox() as box:
        ground = Ground(box)
        bench.for_all(traversals(), lambda name: bench.run(attempt(ground, name)), nasty=nasty_traversals())


def _expect(bench: Bench, ok: bool, kind: str, what: str, *expected: str) -> None:
    bench.expect(not ok, seen=f"{what} was fetched", expected=f"refused with {' or '.join(expected)}")
    seen = f"{what} was refused with {kind}"
    bench.expect(kind in expected, seen=seen, expected=f"refused with {' or '.join(expected)}")


@check("PATH-005", judges="component", level="must", since="2026.1")
def it_writes_only_in_its_sandbox(bench: Bench) -> None:
    """During import, activation, health, work and clean-up the component writes nowhere but in the
    directory it was given.

    Troubleshooting: a cache in the home directory, a log beside the program, a fixed name in /tmp; take every place
    from settings, and use tempfile for what is temporary.
    """
    with bench.control("a file that a component writes into the home directory is seen"):
        bench.expect(_sees_trespass(bench), seen="it was not")
    own = OwnWork(bench)
    bench.run(finds_secrets(bench))  # in a sandbox of its own, which is not the one that is watched
    with bench.watched_sandbox() as box:
        bench.run(_live(bench, box, own))
        trespasses = [line.replace(f"{box.root}/", "") for line in box.trespasses()]
    bench.expect(not trespasses, seen="; ".join(trespasses), expected="writes below the sandbox only")
    early = bench.smoke.trespasses
    bench.expect(not early, seen=f"in a fresh process: {'; '.join(early)}", expected="writes below the sandbox only")


async def _live(bench: Bench, box: Sandbox, own: OwnWork) -> None:
    """A whole life. How its work ends is for other rules to judge; where it writes is this one's matter."""
    before = take_inventory()
    await furnish(bench, box)
    async with bench.live(box) as instance:
        await bench.health(instance)
        box.record.beside = own.beside(instance)
        act = await some_work(bench, instance, clears=True)
        verb = bench.verb(instance)
        works: list[Callable[[], Awaitable[object]]] = [partial(act, instance), partial(own, instance)]
        works += [partial(_given, verb, given) for given in inputs(bench) if verb]
        for work in works:
            with suppress(Exception):
                async with asyncio.timeout(bench.limits.init):
                    await work()
            bench.exercised()
    await settled(before)


async def _given(verb: Callable[..., Any], given: object) -> object:
    return await ask(verb, copy.deepcopy(given))


def _sees_trespass(bench: Bench) -> bool:
    """Whether code that is not the kit's, as a component's is not, is caught writing where it may not."""
    planted = compile("(home / 'planted').write_bytes(b'')", "planted_component.py", "eval")
    with bench.watched_sandbox() as box:
        types.FunctionType(planted, {"home": box.home})()
        return any("planted" in line for line in box.trespasses())


@check("PATH-006", judges="component", level="must", since="2026.1", floor=20, claims="blob")
def no_key_leaves_the_root(bench: Bench) -> None:
    """No key makes a blob store read, write, list or delete anything outside the directory it was given; refusing such
    a key is as good as keeping it safely.

    Troubleshooting: a path joined from directory and key, or compared with the directory letter by letter (/data-old is
    not below /data); refuse keys that climb, are absolute or hold control characters, or encode the key (its
    hexadecimal form, its digest) so that it is one plain file name.
    """
    with bench.control("under a plain key, what was saved is read back"):
        bench.run(_keeps(bench, "plain"))

    async def attempt(key: str) -> None:
        with bench.sandbox() as box:
            here = key.replace(SANDBOX, str(box.path))
            inner = Sandbox(box.path.joinpath(*NESTING))
            inner.path.mkdir(parents=True)
            for above in inner.path.parents:
                if above.is_relative_to(box.path):
                    (above / MARKER).write_bytes(_SECRET)
            before = tree(box.path, without=(inner.path,))
            async with bench.live(inner) as store:
                await _abuse(bench, store, here)
            changed = differences(before, tree(box.path, without=(inner.path,)))
            bench.expect(not changed, seen=f"outside its directory: {', '.join(changed)}", expected="nothing changed")

    root = f"{SANDBOX}/{NESTING[0]}"
    bench.for_all(hostile_names(root), lambda key: bench.run(attempt(key)), nasty=nasty_names(root, BOX))


async def _keeps(bench: Bench, key: str) -> None:
    with bench.sandbox() as box:
        async with bench.live(box) as store:
            with bench.asking("save() and read()"):
                await ask(store.save, key, ARTIFACT)
                found = await ask(store.read, key)
            bench.expect(found == ARTIFACT, seen=f"read() answered {found!r}", expected=repr(ARTIFACT))


async def _abuse(bench: Bench, store: Any, key: str) -> None:
    """Read, list, delete and save; any ordinary exception is a refusal."""
    found = await _answer(store.read, key)
    bench.expect(found != _SECRET, seen="read() gave away a file outside", expected="a refusal or nothing")
    for arguments in ((), (key,)):
        names = await _answer(listed, store, *arguments)
        bench.expect(not names, seen=f"list() of an empty store answered {names!r}", expected="nothing")
    await _answer(store.delete, key)
    await _answer(store.save, key, ARTIFACT)


async def _answer(act: Callable[..., Any], *arguments: Any) -> Any:
    with suppress(Exception):
        return await ask(act, *arguments)
    return None
