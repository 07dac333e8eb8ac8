"""One example of one check, tried again by the word on its card, and nothing else."""

import base64
import json
import shlex
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from oneiric_conformance import Bench, Package, Replay, RequirementSet, Result, Session, Status
from oneiric_conformance.judging.route import Place
from oneiric_conformance.replaying import LONGEST, _sum
from oneiric_core import ConformanceError

TEST_SET = RequirementSet("test", frozenset({"TST-001"}), "0" * 64)
Register = Callable[..., Any]
PLACES = [Place(1, 0), Place(3, 17), Place(2, None, base64.b64encode(b"\0").decode())]


@pytest.fixture
def rule(registered: Callable[..., Any]) -> Register:
    """Registers a check of the package: no component has to come up for it."""
    return lambda check, **changes: registered("TST-001", check, judges="package", **changes)


def example(place: Place, **changes: Any) -> Replay:
    return replace(Replay("TST-001", "acme", "gate", 0, place), **changes)


def judged(package: Package, **options: Any) -> Result:
    with Session(package, requirements=TEST_SET, **options) as session:
        return next(session.judge(item) for item in session.due() if item.check == "TST-001")


def word_of(result: Result) -> str:
    assert result.card is not None
    words = shlex.split(result.card.replay)
    return next((word.partition("=")[2] for word in words if word.startswith("--oneiric-replay=")), "")


def replayed(package: Package, result: Result) -> Result:
    only = Replay.decoded(word_of(result))
    with Session(package, requirements=TEST_SET, only=only) as session:
        assert [(item.check, item.subject) for item in session.due()] == [("TST-001", package.id)]
    return judged(package, only=only)


class Tried:
    """A check with a list and two properties; it fails on what it is told to, and remembers what it was given."""

    def __init__(self, *bad: object) -> None:
        self.bad = bad
        self.seen: list[object] = []

    def __call__(self, bench: Bench) -> None:
        self.seen.clear()
        with bench.control("it is there"):
            pass
        for item in bench.each(["a", "b", "c"]):
            self._try(bench, item)
        bench.for_all(st.integers(0, 10**6), lambda n: self._try(bench, n), nasty=[-1, -2, -3])
        bench.for_all(st.lists(st.text("xyz")), lambda lines: self._try(bench, lines), nasty=[["?"]])

    def _try(self, bench: Bench, item: object) -> None:
        self.seen.append(item)
        wrong = item in self.bad or any(callable(bad) and bad(item) for bad in self.bad)
        bench.expect(not wrong, seen=f"it does not like {item!r}", example=repr(item))
        bench.exercised()


def large(item: object) -> bool:
    return isinstance(item, int) and item > 500


def long(item: object) -> bool:
    return isinstance(item, list) and len("".join(item)) > 1


@pytest.mark.parametrize(
    ("bad", "met"), [("b", "b"), (-2, -2), (["?"], ["?"]), (large, 501)], ids=["listed", "nasty", "second", "generated"]
)
def test_a_replay_meets_the_same_failure_and_no_other_example(
    echo: Package, rule: Register, bad: object, met: object
) -> None:
    check = Tried(bad)
    rule(check)
    first = judged(echo)
    again = replayed(echo, first)
    assert check.seen == [met]
    assert replace(again, seconds=0.0, exercised=0) == replace(first, seconds=0.0, exercised=0)


def test_a_shrunk_example_of_the_second_property_is_met_again(echo: Package, rule: Register) -> None:
    check = Tried(long)
    rule(check)
    first = judged(echo)
    again = replayed(echo, first)
    assert len(check.seen) == 1
    assert (again.status, again.card) == (Status.FAIL, first.card)


@pytest.mark.parametrize("bad", ["b", large], ids=["listed", "generated"])
def test_an_example_that_holds_by_now_passes(echo: Package, rule: Register, bad: object) -> None:
    """Though it is the only one, and the floor asks for more."""
    check = Tried(bad)
    rule(check, floor=3)
    failed = judged(echo)
    check.bad = ()
    result = replayed(echo, failed)
    assert (result.status, result.reason) == (Status.PASS, "")
    assert len(check.seen) == 1


def test_a_control_comes_first_in_a_replay_too(echo: Package, rule: Register) -> None:
    check = Tried("b")
    rule(check)
    failed = judged(echo)

    def uncontrolled(bench: Bench) -> None:
        with bench.control("it is there"):
            bench.expect(False, seen="it is not")

    rule(uncontrolled)
    assert replayed(echo, failed).reason == "control: it is there: it is not"


@pytest.mark.parametrize("place", [Place(9, 0), Place(1, 99), Place(2, None, "AA==")], ids=repr)
def test_an_example_that_is_not_there_any_more_is_no_pass(echo: Package, rule: Register, place: Place) -> None:
    rule(Tried())
    result = judged(echo, only=example(place))
    assert (result.status, result.reason.partition(":")[0]) == (Status.ERROR, "replay")


def test_a_failure_outside_of_any_example_is_replayed_by_the_whole_check(echo: Package, rule: Register) -> None:
    rule(lambda bench: bench.expect(False, seen="no"))
    assert word_of(judged(echo)) == ""


def test_a_failure_that_comes_and_goes_is_replayed_by_the_whole_check(echo: Package, rule: Register) -> None:
    """Which tries the same examples; one alone would most often pass."""
    turns = iter([False, True] + [False] * 100)
    rule(Tried(lambda item: large(item) and next(turns)))
    assert word_of(judged(echo)) == ""


def test_what_happens_inside_an_example_belongs_to_it(echo: Package, rule: Register) -> None:
    def nested(bench: Bench) -> None:
        with bench.control("it is there"):
            pass
        for outer in bench.each(["a", "b"]):
            for inner in bench.each([1, 2]):
                bench.expect((outer, inner) != ("b", 2), seen="no")

    rule(nested)
    assert Replay.decoded(word_of(judged(echo))).place == Place(1, 1)


@pytest.mark.parametrize("place", PLACES, ids=repr)
def test_what_is_written_is_read_back(place: Place) -> None:
    made = example(place, profile="explore", seed=2**32 - 1)
    assert Replay.decoded(made.encoded()) == made


def test_an_example_too_large_for_a_command_line_has_no_word() -> None:
    assert example(Place(1, None, "A" * LONGEST)).encoded() == ""


def forged(*parts: object) -> str:
    content = json.dumps(parts).encode()
    return "1." + base64.urlsafe_b64encode(_sum(content) + content).decode().rstrip("=")


def parts_of(word: str) -> list[Any]:
    raw = base64.urlsafe_b64decode(word[2:] + "==")
    found: list[Any] = json.loads(raw[6:])
    return found


def changed(index: int, value: object, place: Place = PLACES[0]) -> str:
    parts = parts_of(example(place).encoded())
    parts[index] = value
    return forged(*parts)


GOOD = example(PLACES[0]).encoded()
BOMB = base64.b64encode(b"\1" + zlib.compress(bytes(10**7), 9)).decode()
GARBAGE = {
    "empty": "",
    "a word": "yesterday",
    "another form": "2." + GOOD[2:],
    "cut": GOOD[:-5],
    "one letter too many": GOOD + "A",
    "one letter changed": GOOD[:30] + ("A" if GOOD[30] != "A" else "B") + GOOD[31:],
    "letters of another alphabet": "1.ключ",
    "with a line end": GOOD + "\n",
    "too long": "1." + "A" * LONGEST,
    "much too long": "1." + "A" * 10**7,
    "no list": forged(),
    "nested": forged(*["[" * 9]),
    "a number as name": changed(2, 7),
    "a truth as number": changed(5, True),
    "a check that is none": changed(2, "$(reboot)"),
    "a subject that ends a quotation": changed(3, "a'; reboot; '"),
    "a subject without end": changed(3, "a" * 301),
    "a profile that is none": changed(4, "lazy"),
    "before the first series": changed(6, 0),
    "before the first item": changed(7, -2),
    "choices for an item": changed(8, "AA=="),
    "no choices": changed(8, "", PLACES[2]),
    "choices that are none": changed(8, "AP//", PLACES[2]),
    "choices that are no base64": changed(8, "%%%", PLACES[2]),
    "choices of another form": changed(8, base64.b64encode(b"\7").decode(), PLACES[2]),
    "choices that are not packed": changed(8, base64.b64encode(b"\1no").decode(), PLACES[2]),
    "choices that unpack to ten million bytes": changed(8, BOMB, PLACES[2]),
}


@pytest.mark.parametrize("word", list(GARBAGE.values()), ids=list(GARBAGE))
def test_garbage_is_refused_and_says_what_to_copy(word: str) -> None:
    with pytest.raises(ConformanceError, match="Copy the whole replay line"):
        Replay.decoded(word)


@pytest.mark.parametrize(("index", "name"), [(0, "oneiric-core"), (1, "hypothesis")])
def test_an_example_of_another_version_says_what_to_install(index: int, name: str) -> None:
    with pytest.raises(ConformanceError, match=rf"Install {name}==1\.2\.3, or .* -k 'TST-001 and acme'"):
        Replay.decoded(changed(index, "1.2.3"))


@pytest.mark.parametrize(
    "changes", [{"check": "TST-999"}, {"subject": "task/other/acme"}, {"check": "KV-001"}], ids=str
)
def test_an_example_of_something_else_is_refused(echo: Package, rule: Register, changes: Any) -> None:
    rule(Tried())
    with pytest.raises(ConformanceError, match="which is not judged here"):
        Session(echo, requirements=TEST_SET, only=example(PLACES[0], **changes))
