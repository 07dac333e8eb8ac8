"""Hundreds of components, and components that take what there is: the run goes on, and what it says stays readable."""

import json
import resource
from typing import Any, Final

import pytest

from oneiric_conformance import CHECKS
from pytest_oneiric.collect import shortened

MANY: Final = """
    from types import SimpleNamespace

    class Part:
        async def execute(self, payload):
            if not isinstance(payload, dict):
                raise ValueError("payload needs to be an object")
            return {{"got": payload, "names": len(payload)}}

    def parts():
        return [
            SimpleNamespace(
                domain="action", key=f"part-{{n:03}}", provider="third", factory="third:Part", version="1.0"
            )
            for n in range({number})
        ]
"""
GREEDY: Final = """
    import asyncio, logging, sys, time
    from types import SimpleNamespace

    class Titled:
        async def execute(self, payload):
            if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
                raise ValueError("payload needs a text")
            await self.burden()
            return {"slug": "-".join(payload["text"].lower().split()), "length": len(payload["text"])}
        async def burden(self):
            pass

    class Slow(Titled):
        async def init(self):
            await asyncio.sleep(0.2)
    class Blocking(Titled):
        def init(self):
            time.sleep(0.2)
    class Chatty(Titled):
        async def burden(self):
            print("a line\\n" * 20_000)
            logging.getLogger("third").warning("x" * 100_000)
            sys.stderr.write("e" * 100_000)
    class Hungry(Titled):
        def __init__(self):
            self._held = bytearray(50_000_000)
    class Wordy(Titled):
        async def health(self):
            raise RuntimeError("why " * 1_000_000)
    class Failing(Chatty):
        async def execute(self, payload):
            await self.burden()
            raise TypeError("no " * 1_000_000)

    text = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    schema = [{"name": "slug", "payload_schema": text}]

    def parts():
        return [
            SimpleNamespace(domain="action", key=kind.__name__.lower(), provider="third",
                            factory=f"third:{kind.__name__}", capabilities=schema, version="1.0")
            for kind in (Slow, Blocking, Chatty, Hungry, Wordy, Failing)
        ]
"""


def author_of(bare: Any, source: str) -> Any:
    bare.write("src/third.py", source)
    bare.declare("oneiric.actions", "parts", "third:parts")
    return bare


def test_of_what_was_printed_the_beginning_and_the_end_are_shown() -> None:
    assert shortened("short") == "short"
    text = shortened("begin" + "x" * 100_000 + "end")
    assert len(text) < 4_100
    assert text.startswith("begin")
    assert text.endswith("end")
    assert "96008 characters left out" in text


@pytest.mark.long
def test_collecting_takes_time_in_proportion(bare: Any) -> None:
    """Three times as many components take about three times as long, and not nine times."""
    seconds = {}
    for number in (0, 100, 300):
        author_of(bare, MANY.format(number=number or 1))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = bare.pytest("--oneiric-conformance", "--collect-only", "-qq", "-p", "no:cacheprovider", fresh=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.code == 0, done.out + done.err
        seconds[number] = after.ru_utime - before.ru_utime
    assert seconds[300] - seconds[0] < 5 * (seconds[100] - seconds[0])
    assert seconds[300] < 30


@pytest.mark.long
def test_a_few_of_many_are_judged_without_the_others(bare: Any) -> None:
    author = author_of(bare, MANY.format(number=300))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wanted = [f"pyproject.toml::action/part-00{number}/third::ACT-004" for number in (1, 2)]
    done = author.pytest(
        *("--oneiric-conformance", "--oneiric-profile", "quick", "-p", "no:cacheprovider"),
        *("--oneiric-report", "report.json", "--oneiric-html", "page.html", *wanted),
        fresh=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.code == 0, done.out + done.err
    lines = done.out.splitlines()
    assert "298 components not judged" in lines
    assert len(lines) < 30
    assert after.ru_utime - before.ru_utime < 20
    report = json.loads((author.root / "report.json").read_text(encoding="utf-8"))
    assert (len(report["components"]), report["counts"]["pass"]) == (300, 2)
    assert report["counts"]["total"] > 300 * len([check for check in CHECKS.values() if check.judges == "component"])
    assert len((author.root / "page.html").read_bytes()) < 8_000_000


@pytest.mark.long
def test_components_that_take_much_are_judged_and_told_of_briefly(bare: Any) -> None:
    """Slow, blocking, chatty, hungry for memory, or wordy when they fail: all are judged, in a readable report."""
    author = author_of(bare, GREEDY)
    done = author.pytest(
        *("--oneiric-conformance", "--oneiric-profile", "quick", "-p", "no:cacheprovider"),
        *("--oneiric-report", "report.json", "--junitxml", "junit.xml"),
        seconds=600,
    )
    assert done.code == 1, done.out[-4000:] + done.err[-4000:]
    report = json.loads((author.root / "report.json").read_text(encoding="utf-8"))
    verdicts = {component["id"].split("/")[1]: component["verdict"] for component in report["components"]}
    assert verdicts == {
        **dict.fromkeys(("slow", "blocking", "chatty", "hungry"), "certified"),
        **dict.fromkeys(("wordy", "failing"), "fails"),
    }
    warned = {
        component["id"].split("/")[1]
        for component in report["components"]
        if any((result["check"], result["status"]) == ("LIFE-006", "warn") for result in component["results"])
    }
    assert "blocking" in warned
    assert not {"slow", "chatty"} & warned
    assert report["missing"] == []
    assert len(done.out) < 500_000
    for name in ("report.json", "junit.xml"):
        assert (author.root / name).stat().st_size < 1_000_000, name
