"""What an author is told of a first run: where it hung, what it lacked, and that its import was watched."""

from functools import partial
from typing import Any

import pytest

from oneiric_conformance import Limits, Subject
from oneiric_conformance.isolation import smoke as smoke_module
from oneiric_conformance.isolation.smoke import smoke
from oneiric_conformance.subject import EntryPointName

pytestmark = pytest.mark.slow

QUICK = Limits(init=0.4, health=0.4, cleanup=0.4, drain=0.4)


def test_what_a_partial_announces_is_known_to_import(author: Any) -> None:
    """Its module in a fresh process, the rest in a copy of this one."""
    author.package("class declared:\n    key = provider = 'p'\n    factory = list\nmetadata = declared()")
    point = EntryPointName("oneiric.tasks", "local", f"{author.written[0]}:metadata")
    report = smoke(Subject("task", "p", "p", partial(list), entry_point=point), QUICK)
    assert report.ok
    assert {"import", "factory"} <= report.durations.keys()


def test_where_it_hangs_is_told_in_any_alphabet(author: Any) -> None:
    (author.folder / "größe.py").write_text("import time\ndef wait():\n    time.sleep(60)\n", encoding="utf-8")
    assert (
        "größe.py:3 in wait" in smoke(author.package("from größe import wait as Bad", "Bad").subjects[0], QUICK).reason
    )


def test_settings_that_are_missing_are_named_with_the_place_to_put_them(author: Any) -> None:
    package = author.package("from pydantic import BaseModel\nclass S(BaseModel):\n    url: str\n    token: str", "S")
    model = f"{author.written[0]}:S"
    reason = smoke(Subject("task", "need", "acme", partial(dict), settings_model=model), QUICK).reason
    assert "ValidationError: url: Field required; token: Field required. " in reason
    assert 'under [tool.oneiric.conformance.components."task/need/acme"]' in reason
    assert package.subjects


def test_settings_that_nobody_takes_are_not_dropped(author: Any) -> None:
    """With a model or without, it is the factory that asks for them."""
    author.package("class Plain:\n    pass\ndef given(settings):\n    return [*settings]", "Plain")
    home = author.written[0]
    dropped = smoke(Subject("task", "p", "acme", f"{home}:Plain", settings={"url": "x"}), QUICK)
    assert dropped.stage == "settings"
    assert "its factory has no parameter named settings, so url would reach nobody. Correct `settings" in dropped.reason
    assert smoke(Subject("task", "p", "acme", f"{home}:Plain"), QUICK).ok
    assert smoke(Subject("task", "p", "acme", f"{home}:given", settings={"url": "x"}), QUICK).ok


@pytest.mark.parametrize(("work", "fault"), [(0.05, ""), (0.0, "did not end within 0.5 s")])
def test_who_works_is_given_time_that_who_waits_is_not(
    author: Any, monkeypatch: pytest.MonkeyPatch, work: float, fault: str
) -> None:
    """A large package on a busy machine is imported slowly; a lock that nobody opens is waited for in vain."""
    monkeypatch.setattr(smoke_module, "_IMPORT_SECONDS", 0.5)
    package = author.package(
        f"""
        import time
        for _ in range(6):
            began = time.process_time()
            while time.process_time() - began < {work}:
                pass
            time.sleep(0.1)
        class Good: pass
        """,
        "Good",
    )
    report = smoke(package.subjects[0])
    assert (report.stage, fault in report.reason) == ("import" if fault else "", True)
