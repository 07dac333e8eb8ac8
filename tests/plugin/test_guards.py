"""What a guard saw fails the test it happened in, with where it came from and what to do."""

import re
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ANY = r"\n(?:.+\n)*? +"
"""Any lines, and the blanks that the next one begins with."""
SAW = {
    "a write outside": (
        """
        def test_it(oneiric_cache_sandbox):
            (oneiric_cache_sandbox.root / "escaped").write_bytes(b"x")
        """,
        r"ViolationError: outside of the cache .*\n(.*\n)*?.*write .*/escaped\n(.*\n)*?.*test_saw_\w+\.py:\d+ in ",
    ),
    "an unexpected request": (
        """
        import urllib.request, urllib.error, pytest
        @pytest.mark.oneiric(strict=True)
        def test_it(oneiric_artifact_server):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(oneiric_artifact_server.url_of("/nothing"))
            caught.value.close()
        """,
        ANY.join(
            (
                r"ViolationError: the artifact server was asked for what it has no script for: GET /nothing: There .*",
                r"GET /nothing\n +came from 127\.0\.0\.1:\d+",
                r"User-Agent: Python-urllib/.*",
                r"there is no script at all\n +connected at",
                r".*test_saw_an_unexpected_request\.py:6 in test_it\nScript it with on\(path, …\), or mend what",
            )
        ),
    ),
    "an unexpected request of a coroutine": (
        """
        import httpx, pytest
        @pytest.mark.oneiric(strict=True)
        def test_it(oneiric_artifact_server, oneiric_runtime):
            async def ask():
                async with httpx.AsyncClient() as client:
                    await client.get(oneiric_artifact_server.serve("/acme.whl", b"") + "x")
            oneiric_runtime.run(ask())
        """,
        ANY.join(
            (
                r"GET /acme\.whlx: Did you mean /acme\.whl\?",
                r"there are scripts for /acme\.whl\n +connected at",
                r"while these waited",
                r".*test_saw_an_unexpected_request_of_a_coroutine\.py:7 in ask\n",
            )
        ),
    ),
    "an unexpected request without a wire": (
        """
        import httpx, pytest
        @pytest.mark.oneiric(strict=True)
        def test_it(oneiric_artifact_routes):
            httpx.get("https://acme.test/nothing")
        """,
        ANY.join(
            (
                r"ViolationError: the artifact routes have no script for .*: GET https://acme\.test/nothing.*",
                r"User-Agent: python-httpx/.*",
                r"asked at",
                r".*test_saw_an_unexpected_request_without_a_wire\.py:5 in test_it\nScript it with on\(url, …\)",
            )
        ),
    ),
    "a leak": (
        """
        import threading
        def test_it(oneiric_runtime):
            async def leak():
                threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()
            oneiric_runtime.run(leak())
        """,
        ANY.join(
            (
                r"ViolationError: left behind when the runtime had stopped: thread forgotten",
                r"thread forgotten\n +is at\n +.*threading\.py:\d+ in wait",
                r"was begun at",
                r".*test_saw_a_leak\.py:5 in leak",
                r".*test_saw_a_leak\.py:6 in test_it\n +Tell it to end and join\(\) it in cleanup\(\)",
            )
        ),
    ),
    "a leaked process": (
        """
        import subprocess
        def test_it(oneiric_runtime, request):
            async def leak():
                process = subprocess.Popen(["sleep", "600"])
                request.addfinalizer(process.wait)
                request.addfinalizer(process.kill)
            oneiric_runtime.run(leak())
        """,
        ANY.join(
            (
                r"ViolationError: left behind when the runtime had stopped: process \d+ \(sleep 600\)",
                r"process \d+ \(sleep 600\)\n +was begun at",
                r".*test_saw_a_leaked_process\.py:5 in leak",
                r".*test_saw_a_leaked_process\.py:8 in test_it\n +End it and wait\(\) for it in cleanup\(\)",
            )
        ),
    ),
    "an idle fault": (
        "def test_it(oneiric_fault_plan): oneiric_fault_plan(dict, 'init')",
        r"ViolationError: never reached: init raises an error",
    ),
}


def file_of(case: str) -> str:
    return f"test_saw_{case.replace(' ', '_')}.py"


@pytest.fixture(scope="module")
def ran(together: Callable[[dict[str, str]], Any]) -> Any:
    """One run over all of them."""
    return together({file_of(case): dedent(source) for case, (source, _) in SAW.items()})


@pytest.mark.parametrize("case", SAW)
def test_what_a_guard_saw_fails_the_test(ran: Any, case: str) -> None:
    """The test, and not only its teardown: nobody counts it as passed."""
    assert re.search(SAW[case][1], ran.out), ran.out
    assert re.search(rf"^FAILED {file_of(case)}::test_it", ran.out, re.MULTILINE)
