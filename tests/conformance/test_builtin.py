"""What we ship passes the kit that we hold others to."""

import pytest

from oneiric_conformance import run_conformance
from oneiric_core.builtin import builtin_metadata

NEEDS_A_SERVER = {"adapter/cache/redis", "adapter/http/client", "action/http.fetch/httpx"}
NEEDS_ITS_OWN_PAYLOADS = {"action/serialization.decode/builtin"}
DECLARED = {each.to_candidate().name: str(each.factory) for each in builtin_metadata()}


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(DECLARED.keys() - NEEDS_A_SERVER - NEEDS_ITS_OWN_PAYLOADS))
def test_it_is_certified(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEIRIC_SECRET_A", "one of them")
    report = run_conformance(DECLARED[name])
    told = [f"{each.check} {each.status}: {each.reason}" for part in report.components for each in part.results]
    assert report.verdict.value == "certified", "\n".join(line for line in told if " fail" in line or " error" in line)
