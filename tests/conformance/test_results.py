"""Results and cards as data and as text."""

import json

from oneiric_conformance import Card, Result, Status

CARD = Card("HOT-004", "task/a/b", "It stays.", "it went", "it stays", "init fails", "catch it", "pytest x")


def test_a_result_survives_the_way_through_json() -> None:
    for card in (CARD, None):
        result = Result("HOT-004", "task/a/b", "component", "must", Status.FAIL, "it went", 3, 1, card, 0.5)
        assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_a_card_is_one_labelled_line_each() -> None:
    assert CARD.render().splitlines() == [
        "HOT-004 task/a/b",
        "  rule      It stays.",
        "  seen      it went",
        "  expected  it stays",
        "  example   init fails",
        "  mend      catch it",
        "  replay    pytest x",
    ]


def test_a_rule_without_example_shows_none() -> None:
    assert "example" not in Card("A-1", "s", "r", "s", "e", "", "m", "p").render()


def test_sentences_are_folded_to_the_width_of_the_terminal_and_what_is_copied_is_not() -> None:
    line = "word " * 30 + "end"
    card = Card("X-001", "a/b/c", rule=line, seen="no", expected=line, example=line, mend=line, replay=line)
    folded = card.render(60).splitlines()
    assert [text for text in folded if len(text) > 60] == [f"  example   {line}", f"  replay    {line}"]
    assert folded[2].startswith(" " * 12 + "word")
    assert "expected" not in card.render(), "the rule says it already"
    assert " ".join(card.render(60).split()) == " ".join(card.render().split())
