"""Each test ends as it should where there are guards; mistakes are answered; what is missing is named."""

import re
from collections import Counter
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest

MISTAKES = {
    "an option": ("strikt=True", "@pytest.mark.oneiric has no option 'strikt'. Did you mean strict?"),
    "nothing like one": ("zzz=1", "There are strict, tls, allow, start, leaks, profile."),
    "a position": ("'strict'", "takes no positional arguments, such as 'strict'. Name one of strict,"),
    "a word for a flag": ("strict='yes'", "@pytest.mark.oneiric(strict='yes'): strict takes True or False."),
    "a number for a kind": ("tls=3", "tls takes a kind of Tls."),
    "no kind": ("tls='expird'", "@pytest.mark.oneiric(tls='expird'): Tls has no kind 'expird'. Did you mean EXPIRED?"),
    "a time without a zone": ("start=datetime(2026, 1, 1)", "start takes a datetime with a time zone."),
    "a number for a path": ("allow=[3]", "allow takes a path, or a list of paths."),
}


WRONG = {
    "a kind of manifest": (
        "def test_it(oneiric_bad_manifest): oneiric_bad_manifest('unsignd')",
        "Did you mean UNSIGNED?",
    ),
    "a profile": (
        "def test_it(oneiric_certify): oneiric_certify('a:b', profile='quik')",
        "there is no profile 'quik'. Did you mean quick?",
    ),
    "a class nobody can import": (
        "def test_it(oneiric_certify):\n    class Local: ...\n    oneiric_certify(Local)",
        "cannot be imported. Define it at the top of a module",
    ),
    "outside of its test": (
        (
            "kept = []\ndef test_first(oneiric_cache_sandbox): kept.append(oneiric_cache_sandbox)\n"
            "def test_it(): kept[0].path"
        ),
        "the cache sandbox is no more. Use it in the block, or the test, it belongs to.",
    ),
    "a server outside of its test": (
        (
            "kept = []\ndef test_first(oneiric_artifact_server): kept.append(oneiric_artifact_server)\n"
            "def test_it(): kept[0].serve('/it', b'')"
        ),
        "the artifact server was stopped. Use it in the block, or the test, it belongs to.",
    ),
    "routes outside of their test": (
        (
            "kept = []\ndef test_first(oneiric_artifact_routes): kept.append(oneiric_artifact_routes)\n"
            "def test_it(): kept[0].serve('https://acme.test/it', b'')"
        ),
        "the artifact routes are no more. Use them in the block, or the test, they belong to.",
    ),
    "a fault plan outside of its test": (
        (
            "kept = []\ndef test_first(oneiric_fault_plan): kept.append(oneiric_fault_plan)\n"
            "def test_it(): kept[0](dict, 'init')"
        ),
        "the fault plans are no more. Plan faults in the test they belong to.",
    ),
    "a runtime outside of its test": (
        (
            "kept = []\ndef test_first(oneiric_runtime): kept.append(oneiric_runtime); oneiric_runtime.run(nothing())\n"
            "async def nothing(): pass\ndef test_it(): kept[0].run(nothing())"
        ),
        "the runtime has ended. Use it in the block, or the test, that it belongs to.",
    ),
}


ENDS = {
    "what happens in a teardown is an error of it": (
        """
        import pytest
        @pytest.fixture
        def late(oneiric_cache_sandbox):
            yield
            (oneiric_cache_sandbox.root / "late").mkdir()
        def test_it(late): pass
        """,
        ["PASSED", "ERROR"],
        "mkdir",
    ),
    "a failure is told with what a guard saw besides": (
        """
        def test_it(oneiric_cache_sandbox):
            (oneiric_cache_sandbox.root / "escaped").mkdir()
            raise KeyError("the failure")
        """,
        ["FAILED"],
        "besides: outside of the cache",
    ),
    "a server of a wider scope fails at its own end": (
        """
        import httpx, pytest
        from oneiric_core.testing import ArtifactServer
        @pytest.fixture(scope="module")
        def server():
            with ArtifactServer(strict=True) as server:
                yield server
        def test_one(server): httpx.get(server.url_of("/nothing"))
        def test_two(server): httpx.get(server.serve("/it", b""))
        """,
        ["PASSED", "PASSED", "ERROR"],
        "for what it has no script for: GET /nothing",
    ),
    "the closest marker wins option by option": (
        """
        import pytest
        pytestmark = pytest.mark.oneiric(strict=True, leaks=False)
        @pytest.mark.oneiric(strict=False)
        class TestIt:
            def test_closest(self, oneiric_artifact_server, oneiric_runtime):
                assert not oneiric_artifact_server.strict
                assert not oneiric_runtime._leaks
        def test_module(oneiric_artifact_server): assert oneiric_artifact_server.strict
        """,
        ["PASSED", "PASSED"],
        "",
    ),
    "factories belong together": (
        """
        def test_it(oneiric_keys, oneiric_manifest, oneiric_bad_manifest, oneiric_wheel):
            right = oneiric_manifest(signed_by=oneiric_keys.publisher).content
            assert right != oneiric_bad_manifest("unsigned").content
            assert oneiric_wheel().filename.endswith(".whl")
        """,
        ["PASSED"],
        "",
    ),
    # its temporary directories, the cache of its plugins, and bytecode of what is imported in the test
    "what pytest itself writes is not judged": (
        """
        from pathlib import Path
        Path(__file__).with_name("late.py").write_text("answer = 42")
        def test_it(oneiric_cache_sandbox, tmp_path, tmp_path_factory, capfd, request, pytestconfig):
            tmp_path_factory.mktemp("more")
            pytestconfig.cache.set("a/b", 1)
            import late
            print("captured")
        """,
        ["PASSED"],
        "",
    ),
    "a defect of a guard is told as it is": (
        """
        from pytest_oneiric.guards import guarding
        import pytest
        @pytest.fixture
        def broken(request):
            with guarding(request.config, lambda: 1 / 0):
                yield
        def test_broken(broken): pass
        """,
        ["FAILED"],
        "ZeroDivisionError",
    ),
}

# Without an extra: the module, as if it were not there, the fixture that needs it, and what has it.
EXTRAS = {
    "respx": ("oneiric_artifact_routes", "testing"),
    "trustme": ("oneiric_artifact_server", "testing"),
    "hypothesis": ("oneiric_certify", "conformance"),
}
MISSING = """
import sys
import pytest
@pytest.mark.oneiric(tls="good")
def test_it(monkeypatch, request):
    for name in [name for name in sys.modules if name.partition(".")[0] in {{{missing!r}, "oneiric_conformance"}}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, {missing!r}, None)
    request.getfixturevalue({fixture!r})
"""

MARKED = """
from datetime import datetime
import pytest
@pytest.mark.oneiric({})
def test_it(): pass
def test_other(): pass
"""


def file_of(kind: str, case: str) -> str:
    return f"test_{kind}_{case.replace(' ', '_')}.py"


@pytest.fixture(scope="module")
def ran(together: Callable[[dict[str, str]], Any]) -> Any:
    """One run over all that is wrong."""
    files = {file_of("wrong", case): source for case, (source, _) in WRONG.items()}
    files |= {file_of("ends", case): dedent(source) for case, (source, _, _) in ENDS.items()}
    for missing, (fixture, _) in EXTRAS.items():
        files[file_of("missing", missing)] = MISSING.format(missing=missing, fixture=fixture)
    return together(
        files | {file_of("mistake", case): MARKED.format(written) for case, (written, _) in MISTAKES.items()}
    )


@pytest.mark.parametrize("case", ENDS)
def test_each_test_ends_as_it_should(ran: Any, case: str) -> None:
    _, ends, told = ENDS[case]
    name = re.escape(file_of("ends", case))
    assert Counter(re.findall(rf"^([A-Z]+) {name}::", ran.out, re.MULTILINE)) == Counter(ends)
    assert told in ran.out


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistaken_marker_fails_the_test_it_stands_at(ran: Any, case: str) -> None:
    """And no other in the file."""
    assert MISTAKES[case][1] in ran.out
    name = file_of("mistake", case)
    assert re.findall(rf"^(?:FAILED|ERROR) {name}::(\w+)", ran.out, re.MULTILINE) == ["test_it"]


@pytest.mark.parametrize("case", WRONG)
def test_a_misuse_says_what_to_do(ran: Any, case: str) -> None:
    assert WRONG[case][1] in ran.out
    assert re.search(rf"^(?:FAILED|ERROR) {file_of('wrong', case)}::test_it", ran.out, re.MULTILINE)


@pytest.mark.parametrize("missing", EXTRAS)
def test_a_missing_extra_is_named_in_one_line(ran: Any, missing: str) -> None:
    _, extra = EXTRAS[missing]
    said = rf"needs? {missing}\. Install it with: pip install 'oneiric-core\[{extra}\]'\.$"
    name = file_of("missing", missing)
    assert re.search(rf"^FAILED {name}::test_it - Failed: .*{said}", ran.out, re.MULTILINE), ran.out


@pytest.mark.long
def test_all_of_them_are_listed_with_what_they_are(bare) -> None:
    done = bare.pytest("--fixtures", "-q")
    assert len(re.findall(r"^oneiric_\w+ ", done.out, re.MULTILINE)) == 11
    assert "no docstring" not in "".join(re.findall(r"^oneiric_.*\n.*\n", done.out, re.MULTILINE))
    assert "oneiric(strict, tls, allow, start, leaks, profile)" in bare.pytest("--markers").out
