"""What a component answers in another process."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Limits, Subject
from oneiric_conformance.isolation.elsewhere import Elsewhere, as_told, results_elsewhere

pytestmark = pytest.mark.slow

LIMITS = Limits(init=5.0, health=5.0, cleanup=5.0, drain=1.0)
ANSWERS = """
    import os
    import time

    class Answers:
        async def run(self, payload):
            ask = payload["ask"]
            if ask == "hash":
                return hash("a text")
            if ask == "process":
                return [os.getpid(), os.getcwd(), os.environ.get("HOME"), os.environ.get("PYTHONHASHSEED")]
            if ask == "object":
                return object()
            if ask == "again":
                while True:
                    time.sleep(0.01)
            return {ask: payload}

    class Fails(Answers):
        async def init(self):
            raise OSError("no such thing here")

    class DoesNothing:
        pass
"""


def told(subject: Subject, *payloads: Any, seconds: float = 5.0) -> list[Elsewhere | None]:
    return results_elsewhere(subject, LIMITS, payloads, seconds)


@pytest.fixture
def answers(author: Any) -> Subject:
    return author.package(ANSWERS, "Answers").subjects[0]


def test_it_is_another_process_with_the_surroundings_of_this_one(answers: Subject) -> None:
    (answer,) = told(answers, {"ask": "process"})
    assert answer is not None
    assert answer.result[0][0] != os.getpid()
    assert answer.result[0][1:] == [str(Path.cwd()), os.environ.get("HOME"), os.environ.get("PYTHONHASHSEED")]


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_texts_have_other_hashes_there(answers: Subject, seed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of this process depend on the seed with which it was started, which is in its environment if anywhere."""
    monkeypatch.setenv("PYTHONHASHSEED", seed)
    here = subprocess.check_output([sys.executable, "-c", "print(hash('a text'))"])
    with ThreadPoolExecutor(1) as pool:  # each thread has a server of its own
        first, second = (pool.submit(told, answers, {"ask": "hash"}).result() for _ in range(2))
    assert first == second
    assert first != [Elsewhere((int(here),))]


def test_each_payload_has_its_own_answer(answers: Subject) -> None:
    one, none, other = {"ask": "a", "n": [1.0, None]}, {"ask": "object"}, {"ask": "é\ud800"}
    assert told(answers, one, none, {}, other) == [
        Elsewhere(({"a": one},)),
        Elsewhere(),
        Elsewhere(fault="raised KeyError: 'ask'"),
        Elsewhere(({"é\ud800": other},)),
    ]


class Word(StrEnum):
    ASK = "ask"


@pytest.mark.parametrize("payload", [{"ask": (1, 2)}, {"ask": b""}, {"ask": Word.ASK}, {Word.ASK: "a"}])
def test_a_payload_that_would_be_another_one_there_is_not_asked_for(answers: Subject, payload: Any) -> None:
    assert told(answers, payload, {"ask": "a"}) == [None, Elsewhere(({"a": {"ask": "a"}},))]


def test_who_cannot_be_found_by_another_process_is_not_asked(answers: Subject) -> None:
    assert told(replace(answers, factory=lambda: None), {"ask": "a"}) == [None]


@pytest.mark.parametrize(("name", "why"), [("Fails", "init: OSError: no such thing here"), ("DoesNothing", "")])
def test_who_does_not_get_so_far_has_no_answers(author: Any, name: str, why: str) -> None:
    subject = author.package(ANSWERS, name).subjects[0]
    assert [answer and answer.fault for answer in told(subject, {"ask": "a"}, {"ask": "b"})] == [why or NO_VERB] * 2


NO_VERB = "it has no method that does its work"


def test_who_does_not_end_has_no_further_answers(answers: Subject) -> None:
    first, *rest = told(answers, {"ask": "a"}, {"ask": "again"}, {"ask": "b"}, seconds=0.3)
    assert first is not None
    assert first.result
    assert all(answer is not None and "did not end within" in answer.fault for answer in rest)
    assert len(rest) == 2


@pytest.mark.parametrize("result", [{"a": [1, 2.5, None, True]}, "text", -0.0])
def test_a_result_is_told_as_it_is(result: Any) -> None:
    assert repr(as_told(result)) == repr((result,))


def test_a_result_of_here_is_compared_as_it_would_be_told() -> None:
    assert as_told({"a": (Word.ASK,)}) == ({"a": ["ask"]},)
    assert as_told(object()) == as_told({"a": float("nan")}) == ()
