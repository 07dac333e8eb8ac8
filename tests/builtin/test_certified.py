"""What we ship passes the kit that we hold others to."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from oneiric_conformance import ConformanceReport, run_conformance
from oneiric_core.builtin import builtin_metadata
from oneiric_core.testing import ArtifactServer, Reply

DECLARED = {each.to_candidate().name: str(each.factory) for each in builtin_metadata()}
BY_HAND = {
    "adapter/cache/redis",
    "adapter/http/client",
    "action/http.fetch/httpx",
    "action/serialization.decode/builtin",
}


def texts() -> st.SearchStrategy[dict[str, str]]:
    """Objects, written as text; no schema can say which texts these are."""
    names = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9) | st.sampled_from(["x", "y"]), max_size=3)
    return st.builds(lambda data: {"text": repr(data).replace("'", '"')}, names)


def requests() -> st.SearchStrategy[dict[str, str]]:
    """To a server whose address is known only while the test runs."""
    home = os.environ["ONEIRIC_TEST_SERVER"]
    return st.builds(
        lambda path, method: {"url": home + path, "method": method},
        st.sampled_from(["/a", "/b"]),
        st.sampled_from(["GET", "POST"]),
    )


def judged(name: str, folder: Path, table: str = "") -> ConformanceReport:
    """The report on one of ours, with what a configuration says of it."""
    (folder / "pyproject.toml").write_text(f"[tool.oneiric.conformance.components.'{name}']\n{table}", encoding="utf-8")
    return run_conformance(DECLARED[name], rootdir=folder)


def wrong(report: ConformanceReport) -> list[str]:
    found = [result for part in report.components for result in part.results] + [*report.whole]
    return [f"{each.check}: {each.reason}" for each in found if each.status.value in {"fail", "error"}]


@pytest.fixture
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as running:
        for path in ("/a", "/b"):
            running.on(path, Reply(path.encode(), headers=(("Content-Type", "text/plain"),)))
        yield running


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(DECLARED.keys() - BY_HAND))
def test_what_computes_or_keeps_by_itself_is_certified(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEIRIC_SECRET_A", "one of them")
    report = judged(name, tmp_path)
    assert wrong(report) == []
    assert report.verdict.value == "certified"


@pytest.mark.long
def test_decoding_is_certified_with_texts_that_can_be_decoded(tmp_path: Path) -> None:
    report = judged("action/serialization.decode/builtin", tmp_path, f"payloads = '{__name__}:texts'")
    assert wrong(report) == []
    assert report.verdict.value == "certified"


@pytest.mark.long
def test_fetching_is_certified_beside_a_server(
    tmp_path: Path, server: ArtifactServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = server.url
    monkeypatch.setenv("ONEIRIC_TEST_SERVER", home)
    table = f"payloads = '{__name__}:requests'\nexternal = ['{home}']"
    report = judged("action/http.fetch/httpx", tmp_path, table)
    assert wrong(report) == []
    assert report.verdict.value == "certified"


@pytest.mark.long
def test_the_cache_in_redis_is_certified_beside_a_server(tmp_path: Path, redis_url: str) -> None:
    table = f"settings = {{ url = '{redis_url}', prefix = '{{worker}}:' }}\nexternal = ['{redis_url}']"
    report = judged("adapter/cache/redis", tmp_path, table)
    assert wrong(report) == []
    assert report.verdict.value == "certified"


@pytest.mark.long
def test_the_client_conforms_and_claims_no_contract_that_could_be_certified(tmp_path: Path) -> None:
    report = judged("adapter/http/client", tmp_path)
    assert wrong(report) == []
    assert report.verdict.value == "conforms"
