import asyncio
import copy
import hashlib
from pathlib import Path
from typing import Any, TypeVar

import pytest

from acme_oneiric.redact import Redact, RedactSettings
from acme_oneiric.write_report import WriteReport, WriteReportSettings

Made = TypeVar("Made", Redact, WriteReport)


async def opened(made: Made) -> Made:
    await made.init()
    return made


@pytest.mark.parametrize(
    ("text", "expected", "emails", "numbers"),
    [
        ("write to ada@example.org.", "write to [email].", 1, 0),
        ("a.b+c@mail.example.org, x@y", "[email], x@y", 1, 0),
        ("card 4111 1111 1111 1111 and 2026-01-01", "card [number] and 2026-01-01", 0, 1),
        ("nothing personal in 1234", "nothing personal in 1234", 0, 0),
        ("", "", 0, 0),
    ],
)
def test_personal_data_is_masked_and_counted(text: str, expected: str, emails: int, numbers: int) -> None:
    async def scenario() -> None:
        redact = await opened(Redact())
        assert await redact.execute({"text": text}) == {
            "text": expected,
            "redacted": {"email": emails, "number": numbers},
        }

    asyncio.run(scenario())


def test_the_mask_can_be_chosen() -> None:
    async def scenario() -> None:
        redact = await opened(Redact(RedactSettings(mask=r"\1<{kind}>")))
        assert (await redact.execute({"text": "ada@example.org"}))["text"] == r"\1<email>"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a@" * 50_000, "1 " * 50_000, "a@" + "b." * 49_999], ids=lambda t: t[:4]
)
def test_texts_made_to_be_slow_are_not(text: str) -> None:
    async def scenario() -> None:
        redact = await opened(Redact())
        async with asyncio.timeout(5):
            assert await redact.execute({"text": text})

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "payload", [None, {}, {"text": 7}, {"text": "a", "b": 1}, {"text": "x" * 100_001}], ids=lambda p: str(p)[:20]
)
def test_redact_refuses_bad_payloads(payload: Any) -> None:
    async def scenario() -> None:
        redact = await opened(Redact())
        with pytest.raises(ValueError, match=r"text|dictionary|over 100000|Extra"):
            await redact.execute(payload)

    asyncio.run(scenario())


def test_a_report_is_written_below_its_directory_and_twice_to_the_same_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        action = await opened(WriteReport(WriteReportSettings(directory=tmp_path / "reports")))
        payload = {"title": "Sales, May", "items": ["north: 3", "south:\n4"]}
        before = copy.deepcopy(payload)
        result = await action.execute(payload)
        assert payload == before
        content = b"# Sales, May\n\n- north: 3\n- south: 4\n"
        digest = hashlib.sha256(content).hexdigest()
        assert result == {"file": f"sales-may-{digest[:12]}.md", "bytes": len(content), "sha256": digest}
        assert await action.execute(payload) == result
        assert [path.read_bytes() for path in (tmp_path / "reports").iterdir()] == [content]

    asyncio.run(scenario())


@pytest.mark.parametrize("title", ["../../etc/passwd", "/etc/passwd", "..", "a\0b", "~", "…"])
def test_no_title_names_a_place_outside_the_directory(tmp_path: Path, title: str) -> None:
    async def scenario() -> dict[str, Any]:
        action = await opened(WriteReport(WriteReportSettings(directory=tmp_path / "reports")))
        return await action.execute({"title": title})

    result = asyncio.run(scenario())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "reports" / result["file"]]


@pytest.mark.parametrize(
    "payload", [None, {}, {"title": ""}, {"title": "a", "items": "b"}, {"title": "a", "path": "/"}], ids=str
)
def test_write_report_refuses_bad_payloads_and_writes_nothing(tmp_path: Path, payload: Any) -> None:
    async def scenario() -> None:
        action = await opened(WriteReport(WriteReportSettings(directory=tmp_path / "reports")))
        with pytest.raises(ValueError, match=r"title|items|path|dictionary"):
            await action.execute(payload)
        assert list((tmp_path / "reports").iterdir()) == []

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["redact", "write-report"])
def test_they_are_usable_and_healthy_only_between_init_and_cleanup(tmp_path: Path, name: Any) -> None:
    async def scenario() -> None:
        made = Redact() if name == "redact" else WriteReport(WriteReportSettings(directory=tmp_path / "reports"))
        await made.cleanup()
        assert await made.health() is False
        with pytest.raises(RuntimeError, match="closed"):
            await made.execute({"text": "a"})
        await made.init()
        assert await made.health() is True
        await made.cleanup()
        await made.cleanup()
        assert await made.health() is False

    asyncio.run(scenario())
