import asyncio
import copy
from typing import Any, TypeVar

import pytest

from acme_oneiric.keyword_context import KeywordContext, KeywordContextSettings
from acme_oneiric.text_statistics import TextStatistics, TextStatisticsSettings

TEXT = "The cat sat.\nThe dog didn't.\n\nA cat is a cat."


Made = TypeVar("Made", TextStatistics, KeywordContext)


async def opened(made: Made) -> Made:
    await made.init()
    return made


def test_a_text_is_counted() -> None:
    async def scenario() -> None:
        statistics = await opened(TextStatistics())
        assert await statistics.run({"text": TEXT, "top": 2}) == {
            "characters": 45,
            "lines": 4,
            "words": 11,
            "distinct": 7,
            "longest": "didn't",
            "frequent": [["cat", 3], ["a", 2]],
        }

    asyncio.run(scenario())


def test_an_empty_text_has_nothing_in_it() -> None:
    async def scenario() -> None:
        statistics = await opened(TextStatistics())
        result = await statistics.run({"text": ""})
        assert result == {"characters": 0, "lines": 0, "words": 0, "distinct": 0, "longest": "", "frequent": []}

    asyncio.run(scenario())


def test_a_long_run_gives_others_a_turn_and_can_be_cancelled() -> None:
    async def scenario() -> None:
        statistics = await opened(TextStatistics())
        running = asyncio.create_task(statistics.run({"text": "word " * 100_000}))
        await asyncio.sleep(0)
        assert not running.done()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(scenario())


BAD = [None, {}, {"text": 7}, {"text": "a", "more": 1}, ["text"], {"text": "xxxxx" * 10}]


@pytest.mark.parametrize("payload", BAD, ids=str)
def test_bad_payloads_are_refused(payload: Any) -> None:
    async def scenario() -> None:
        statistics = await opened(TextStatistics(TextStatisticsSettings(max_characters=40)))
        context = await opened(KeywordContext(KeywordContextSettings(max_characters=40)))
        for attempt in (statistics.run(payload), context.execute(payload)):
            with pytest.raises(ValueError, match=r"text|dictionary|over 40|Extra"):
                await attempt

    asyncio.run(scenario())


def test_the_keyword_divides_the_lines() -> None:
    async def scenario() -> None:
        workflow = await opened(KeywordContext())
        results = await workflow.execute({"text": TEXT})
        assert list(results) == ["text", "with", "without"]
        assert results["text"]["frequent"][0] == ["cat", 3]
        assert (results["with"]["lines"], results["with"]["words"]) == (2, 8)
        assert results["without"]["words"] == 3

    asyncio.run(scenario())


def test_a_text_without_words_has_no_keyword() -> None:
    async def scenario() -> None:
        workflow = await opened(KeywordContext())
        results = await workflow.execute({"text": "...\n!"})
        assert results["text"]["words"] == results["with"]["words"] == results["without"]["words"] == 0

    asyncio.run(scenario())


def test_the_declared_graph_is_the_one_that_is_run() -> None:
    async def scenario() -> None:
        nodes = (KeywordContext.metadata.dag or {})["nodes"]
        results = await (await opened(KeywordContext())).execute({"text": TEXT})
        done: set[str] = set()
        for node in (next(node for node in nodes if node["id"] == name) for name in results):
            assert set(node["depends_on"]) <= done
            assert node["task"] == TextStatistics.metadata.key
            done.add(node["id"])
        assert done == {node["id"] for node in nodes}

    asyncio.run(scenario())


def test_parallel_runs_do_not_mix_and_payloads_stay_as_they_are() -> None:
    async def scenario() -> None:
        statistics, workflow = await opened(TextStatistics()), await opened(KeywordContext())
        payloads = [{"text": f"{word} " * 5_000} for word in ("one", "two", "three")]
        before = copy.deepcopy(payloads)
        counts = await asyncio.gather(*map(statistics.run, payloads))
        contexts = await asyncio.gather(*map(workflow.execute, payloads))
        assert [result["longest"] for result in counts] == ["one", "two", "three"]
        assert [result["with"]["longest"] for result in contexts] == ["one", "two", "three"]
        assert payloads == before

    asyncio.run(scenario())


@pytest.mark.parametrize("factory", [TextStatistics, KeywordContext])
def test_they_are_usable_and_healthy_only_between_init_and_cleanup(
    factory: Any,
) -> None:
    async def scenario() -> None:
        made = factory()
        verb = made.run if factory is TextStatistics else made.execute
        await made.cleanup()
        assert await made.health() is False
        with pytest.raises(RuntimeError, match="closed"):
            await verb({"text": "a"})
        await made.init()
        assert await made.health() is True
        await made.cleanup()
        await made.cleanup()
        assert await made.health() is False

    asyncio.run(scenario())
