"""The first run of a component: whatever it does there ends as a report."""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Limits, Package
from oneiric_conformance.isolation.smoke import SmokeReport, smoke
from oneiric_conformance.isolation.smoke_child import main
from oneiric_core import DOMAINS, Domain

pytestmark = pytest.mark.slow

GOOD = """
    class Good:
        def __init__(self): self.ready = False
        async def init(self): self.ready = True
        async def health(self): return self.ready
        async def run(self, payload): return {"got": payload, "names": len(payload)}
        async def cleanup(self): self.ready = False
"""
QUICK = Limits(init=0.4, health=0.4, cleanup=0.4, drain=0.4)


def run(package: Package, limits: Limits = QUICK) -> SmokeReport:
    return smoke(package.subjects[0], limits)


def test_a_component_that_works_is_fit_to_be_judged(author: Any) -> None:
    report = run(author.package(GOOD, "Good"), Limits())
    assert report.ok
    assert report.failure == ""
    assert list(report.durations) == ["import", "settings", "factory", "init", "health", "verb", "cleanup"]
    assert (report.side_effects, report.trespasses, report.changes, dict(report.errors)) == ((), (), (), {})


def test_nothing_of_it_is_imported_here(author: Any) -> None:
    run(author.package(GOOD, "Good"))
    assert author.written[0] not in sys.modules


@pytest.mark.parametrize(
    ("source", "stage", "reason"),
    [
        ("raise ValueError('one\\ntwo')", "import", "ValueError: one"),
        ("import missing_library", "import", "ModuleNotFoundError: No module named 'missing_library'"),
        ("def Bad(: pass", "import", "SyntaxError: "),
        ("raise SystemExit(3)", "import", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "import", "tried to end the process: KeyboardInterrupt"),
        ("import os; os._exit(3)", "import", "ended the process with exit code 3"),
        ("import os; os.abort()", "import", "ended by SIGABRT"),
        ("import ctypes; ctypes.string_at(0)", "import", "crashed the interpreter and was ended by SIGSEGV"),
        ("Bad = 3", "import", "cannot be called"),
        ("other = 3", "import", "has no attribute 'Bad'"),
        ("def Bad(): raise ValueError('no')", "factory", "ValueError: no"),
        ("def Bad(): return None", "factory", "returned None"),
        ("def Bad(): return dict", "factory", "returned the class"),
        ("import sys\ndef Bad(): sys.exit(3)", "factory", "tried to end the process: SystemExit: 3"),
        ("import os\ndef Bad(): os._exit(0)", "factory", "ended the process with exit code 0"),
        ("import os\ndef Bad(): os.execv('/bin/true', ['true'])", "factory", "ended the process with exit code 0"),
        ("import os\ndef Bad(): os.kill(os.getpid(), 9)", "factory", "was ended by SIGKILL"),
        ("import os\ndef Bad(): os.closerange(3, 50); os._exit(0)", "factory", "exit code 0"),
        (
            "import os\ndef Bad(): os.write(max(map(int, os.listdir('/proc/self/fd')[:-1])), b'rubbish\\n')",
            "factory",
            "",
        ),
        ("def Bad():\n    while True: pass", "factory", "did not end within 1.4 s"),
        ("import time\ndef Bad(): time.sleep(60)", "factory", "did not end within 1.4 s"),
        ("import asyncio\nasync def Bad(): await asyncio.sleep(60)", "factory", "did not end within 0.4 s"),
        (
            "import asyncio\nasync def Bad():\n  while 1:\n   try: await asyncio.sleep(9)\n   except BaseException: 0",
            "factory",
            "did not end within 1.4 s",
        ),
        ("class Bad:\n    def init(self): raise OSError('no')", "init", "OSError: no"),
        ("class Bad:\n    def health(self): return 1", "health", "it answered 1; only True is healthy"),
        ("class Bad:\n    def health(self): return False", "health", "it answered False; only True is healthy"),
        ("class Bad:\n    async def health(self): raise OSError('no')", "health", "OSError: no"),
        ("class Bad:\n    def run(self, payload): raise SystemExit", "verb", "tried to end the process: SystemExit"),
        ("import os\nclass Bad:\n    def cleanup(self): os._exit(1)", "cleanup", "exit code 1"),
        ("import time\nclass Bad:\n    def cleanup(self): time.sleep(60)", "cleanup", "did not end within 1.4 s"),
        ("import time\ntime.monotonic = lambda: 0.0\nclass Bad: pass", "changes", "it replaced time.monotonic"),
        ("import os\nos.fsync = None\nclass Bad: pass", "changes", "it replaced "),
        ("import builtins\ndel builtins.ascii\nclass Bad: pass", "changes", "it replaced builtins.ascii"),
        ("import asyncio\nclass Bad:\n    def init(self): asyncio.Lock.acquire = None", "changes", "Lock.acquire"),
        ("import sys\nclass Bad:\n    def init(self): sys.stdout.close()", "changes", "it closed sys.stdout"),
        ("import os\nclass Bad:\n    def init(self): os.close(1)", "changes", "it closed descriptor 1"),
        (
            "from oneiric_conformance.handling import bench\nbench.Bench.expect = lambda *a: None\nclass Bad: pass",
            "changes",
            "oneiric_conformance.handling.bench.Bench.expect",
        ),
        (
            "from oneiric_conformance.results import Result\nResult.to_json.__defaults__ = (1,)\nclass Bad: pass",
            "changes",
            "oneiric_conformance.results.Result.to_json",
        ),
    ],
)
def test_every_way_of_failing_is_told(author: Any, source: str, stage: str, reason: str) -> None:
    report = run(author.package(source, "Bad"))
    assert not report.ok
    assert report.stage == stage
    assert reason in report.reason
    assert report.failure == f"{stage}: {report.reason}"


def test_where_it_hangs_is_told(author: Any) -> None:
    package = author.package("import time\ndef wait():\n    time.sleep(60)\ndef Bad(): wait()", "Bad")
    assert run(package).reason.endswith(f"; it was at {author.folder / author.written[0]}.py:3 in wait")


def test_where_it_crashes_is_told(author: Any) -> None:
    package = author.package("import ctypes\ndef Bad():\n    ctypes.string_at(0)", "Bad")
    assert run(package).reason.endswith(f" at {author.folder / author.written[0]}.py:3 in Bad")


def test_too_much_memory_is_the_components_failure(author: Any) -> None:
    assert "MemoryError" in run(author.package("def Bad(): return bytearray(1 << 40)", "Bad")).reason


@pytest.mark.parametrize("stage", ["verb", "cleanup"])
def test_an_ordinary_exception_of_verb_and_clean_up_is_no_failure(author: Any, stage: str) -> None:
    """The verb may refuse the payload, and clean-up has checks of its own."""
    name = {"verb": "run(self, payload)", "cleanup": "cleanup(self)"}[stage]
    report = run(author.package(f"class Odd:\n    def {name}: raise ValueError('not this one')", "Odd"))
    assert report.ok
    assert report.errors == {stage: "ValueError: not this one"}


def test_after_a_failure_clean_up_is_tried_all_the_same(author: Any) -> None:
    source = "class Bad:\n    def init(self): raise ValueError\n    def cleanup(self): raise OSError('late')"
    report = run(author.package(source, "Bad"))
    assert report.stage == "init"
    assert report.errors == {"cleanup": "OSError: late"}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9), 0.1)", "connect"),
        ("import subprocess; subprocess.run(['true'], check=True)", "process"),
        ("import threading; threading.Thread(target=print).start()", "thread"),
        ("import pathlib; pathlib.Path('cache').mkdir()", "mkdir"),
        ("import pathlib; pathlib.Path.home().joinpath('.acme').write_text('x')", "write"),
    ],
)
def test_what_importing_does_besides_is_told(author: Any, line: str, kind: str) -> None:
    report = run(author.package(f"try:\n    {line}\nexcept OSError: pass\nclass Odd: pass", "Odd"))
    assert report.ok
    assert any(
        effect.startswith(f"{kind} ") and f"{author.written[0]}.py:2" in effect for effect in report.side_effects
    )


def test_reading_and_printing_while_importing_are_harmless(author: Any) -> None:
    source = "import os\nopen(__file__).close()\nopen(os.devnull, 'w').close()\nprint('hello')\nclass Chatty: pass"
    report = run(author.package(source, "Chatty"))
    assert (report.ok, report.side_effects) == (True, ())


def test_looking_for_a_library_of_the_system_while_importing_is_harmless(author: Any) -> None:
    """It is done by a process of its own on Linux; trio, which httpx imports where it is installed, does it."""
    report = run(author.package("import ctypes.util\nctypes.util.find_library('c')\nclass Linked: pass", "Linked"))
    assert (report.ok, report.side_effects) == (True, ())


def test_trespasses_of_the_whole_run_are_told(author: Any) -> None:
    source = "import pathlib\nclass Odd:\n    def cleanup(self): pathlib.Path('late').write_text('x')"
    [trespass] = run(author.package(source, "Odd")).trespasses
    assert "/work/late: outside the sandbox (by " in trespass


def test_what_it_started_ends_with_it(author: Any, tmp_path: Path) -> None:
    source = f"""
        import pathlib, subprocess, sys
        class Odd:
            def init(self):
                made = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
                pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(made.pid))
    """
    run(author.package(source, "Odd"))
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "it still runs"


def test_settings_reach_it_with_the_sandbox_filled_in(author: Any) -> None:
    source = """
        from pathlib import Path
        from pydantic import BaseModel
        class Where(BaseModel):
            base: Path
            size: int = 1
        class Odd:
            def __init__(self, settings):
                assert settings.base.is_dir() and settings.size == 3
                (settings.base / "mine").touch()
    """
    package = author.package(source, "Odd", settings={"base": "{sandbox}", "size": 3})
    subject = replace(package.subjects[0], settings_model=f"{author.written[0]}:Where")
    report = smoke(subject, QUICK)
    assert (report.failure, report.trespasses) == ("", ())
    assert smoke(replace(subject, settings={"size": []}), QUICK).stage == "settings"


@pytest.mark.parametrize("domain", list(Domain))
def test_every_domain_is_used_in_its_own_way(author: Any, domain: Domain) -> None:
    source = """
        class Any:
            def __init__(self): self.calls = []
            async def start(self): self.calls.append("start")
            async def stop(self): self.calls.append("stop")
            async def status(self): return self.calls
            async def run(self, payload): self.calls.append(payload)
            async def execute(self, payload): self.calls.append(payload)
            async def handle(self, envelope): self.calls.append((envelope.topic, envelope.payload))
            async def cleanup(self): raise ValueError(self.calls)
    """
    subject = replace(author.package(source, "Any").subjects[0], domain=domain, metadata={"topics": ["a.b"]})
    payload = {"text": "x"}
    given: dict[Domain, list[object]] = {
        Domain.ADAPTER: [],
        Domain.SERVICE: ["start", "stop"],
        Domain.EVENT: [("a.b", payload)],
    }
    report = smoke(subject, QUICK, payload=payload)
    assert report.ok
    assert report.errors["cleanup"] == f"ValueError: {given.get(domain, [payload])}"
    assert ("verb" in report.durations) == bool(DOMAINS[domain].verb)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (GOOD, []),
        (
            "import asyncio\nclass Good:\n    async def init(self): await asyncio.sleep(60)",
            ["TimeoutError: did not end"],
        ),
        ("class Good:\n    async def run(self, payload): raise TimeoutError('theirs')", ["TimeoutError: theirs"]),
        (
            "class Good:\n    def stop(self): pass\n    def cleanup(self): raise ValueError('late')",
            ["ValueError: late"],
        ),
        ("raise ValueError('at once')", ["ValueError: at once"]),
    ],
)
def test_the_childs_program_tells_every_stage_and_then_that_it_is_done(
    author: Any, tmp_path: Path, source: str, told: list[str]
) -> None:
    """The same program in this process, where its every line can be looked at."""
    hooks = {"init": ["init"], "start": [], "health": ["health"], "verb": ["run"], "stop": [], "cleanup": ["cleanup"]}
    author.package(source, "Good")
    request = {
        "root": str(tmp_path),
        "entry_point": None,
        "factory": f"{author.written[0]}:Good",
        "settings_model": None,
        "settings": {},
        "planted": False,
        "live": True,
        "limits": dict.fromkeys(("init", "health", "verb", "cleanup"), 0.05),
        "hooks": hooks,
        "given": "payload",
        "payload": {},
        "topic": "",
    }
    reading, writing = os.pipe()
    main(request, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        notes = [json.loads(line) for line in pipe]
    assert notes[-1] == {"done": True}
    assert [note["stage"] for note in notes if "stage" in note] == [note["ended"] for note in notes if "ended" in note]
    errors = [note["error"] for note in notes if note.get("error")]
    assert [error[: len(start)] for error, start in zip(errors, told, strict=True)] == told
