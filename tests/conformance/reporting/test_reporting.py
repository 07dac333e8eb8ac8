"""The report as a file, and what is made of it: page, badge, summary."""

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from oneiric_conformance import (
    Finish,
    ReportDocument,
    Status,
    badge,
    page,
    read_configuration,
    read_report,
    report_schema,
    summary,
)
from oneiric_core import ConformanceError


def saved(folder: Path, text: str) -> Path:
    path = folder / "report.json"
    path.write_text(text, encoding="utf-8")
    return path


class TestTheFile:
    def test_a_report_fits_the_schema_and_is_read_again(self, reports, tmp_path: Path) -> None:
        made = reports.report()
        schema = report_schema()
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(made.to_json())
        assert read_report(saved(tmp_path, made.to_text())) == reports.document()

    def test_the_schema_knows_every_field_and_says_what_it_means(self, reports) -> None:
        """So that nothing enters the report and stays out of the schema."""
        schema = report_schema()
        known = {name: set(shape["properties"]) for name, shape in schema["$defs"].items() if "properties" in shape}
        written = reports.report().to_json()
        assert set(schema["properties"]) == set(written)
        assert known["ResultDocument"] == set(written["components"][0]["results"][0])
        cards = [one["card"] for component in written["components"] for one in component["results"] if one["card"]]
        assert known["CardDocument"] == set(cards[0])
        waivers = [
            one["waiver"] for component in written["components"] for one in component["results"] if one["waiver"]
        ]
        assert known["WaiverDocument"] == set(waivers[0])
        fields = [
            field for shape in (schema, *schema["$defs"].values()) for field in shape.get("properties", {}).values()
        ]
        assert all(field["description"] for field in fields)

    def test_fields_of_a_later_version_are_passed_over(self, reports, tmp_path: Path) -> None:
        assert (
            read_report(saved(tmp_path, json.dumps({**reports.report().to_json(), "later": 1}))) == reports.document()
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"schema": "oneiric-conformance-report/2"}, "is 'oneiric-conformance-report/2', and .* can be read here"),
            ({"verdict": "splendid"}, "no whole report: verdict"),
            ({"components": [{}]}, r"no whole report: components\.0\.id"),
        ],
    )
    def test_another_schema_or_a_broken_report_is_refused(
        self, reports, tmp_path: Path, change: dict[str, Any], message: str
    ) -> None:
        path = saved(tmp_path, json.dumps({**reports.report().to_json(), **change}))
        with pytest.raises(ConformanceError, match=message):
            read_report(path)

    @pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[]"])
    def test_what_is_no_report_at_all_is_refused(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(ConformanceError, match=r"is not JSON|is None"):
            read_report(saved(tmp_path, text))

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConformanceError, match="cannot be read: No such file"):
            read_report(tmp_path / "none.json")


class Reader(HTMLParser):
    """What a browser would make of a page, as far as it matters here."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


class TestThePage:
    def test_it_is_complete_in_itself(self, reports) -> None:
        read = Reader(page([reports.document()]))
        assert not [tag for tag, _ in read.tags if tag in {"link", "img", "iframe", "object", "base"}]
        addresses = [each.get("href") or each.get("src") or "#" for _, each in read.tags]
        assert all(address.startswith("#") for address in addresses)

    def test_what_a_component_says_is_shown_and_never_run(self, reports) -> None:
        text = page(
            [
                reports.document(
                    name=f"evil{reports.hostile}",
                    statuses={f"adapter/{reports.hostile}/x": reports.mixed["adapter/storage/acme"]},
                )
            ]
        )
        assert "<img" not in text
        assert text.count("<script>") == 1
        assert "&lt;img src=x onerror=" in text

    def test_its_policy_admits_only_its_own_script_and_style(self, reports) -> None:
        text = page([reports.document()])
        policy = next(each["content"] for each in Reader(text).all("meta") if each.get("http-equiv"))
        assert policy is not None
        assert policy.startswith("default-src 'none'")
        for tag in ("script", "style"):
            (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
            assert f"{tag}-src 'sha256-{digest}'" in policy

    def test_every_cell_says_in_words_how_its_check_ended(self, reports) -> None:
        text = page([reports.document()])
        cells = [each for each in Reader(text).all("td") if each.get("data-status") is not None]
        told = sorted(str(each["data-status"]) for each in cells)
        assert told == sorted(status.value for ended in reports.mixed.values() for status in ended)
        assert text.count("not-applicable</span>") >= 1

    def test_each_link_to_a_card_leads_to_one(self, reports) -> None:
        read = Reader(page([reports.document(), reports.document(name="other-oneiric")]))
        names = [each["id"] for _, each in read.tags if each.get("id")]
        assert len(names) == len(set(names))
        links = {str(each["href"])[1:] for each in read.all("a")}
        assert links <= set(names)
        cards = {str(each["id"]) for each in read.all("details")}
        assert len(cards) == 8
        assert cards <= links

    def test_several_reports_share_a_page(self, reports) -> None:
        text = page([reports.document(), reports.document(statuses=reports.plain, name="other-oneiric")])
        assert "2 reports" in text
        assert text.count('<section class="report"') == 2
        assert "Nothing: no rule is broken, warned of or waived." in text

    def test_components_that_were_not_judged_have_empty_cells(self, reports) -> None:
        whole = reports.report().to_json()
        whole["components"][1]["results"] = []
        text = page([ReportDocument.model_validate(whole)])
        assert text.count("no result</span>") == 4


class TestTheBadge:
    @pytest.mark.parametrize(
        ("statuses", "word", "colour"),
        [("mixed", "fails", "red"), ("plain", "core", "green")],
    )
    def test_for_shields(self, reports, statuses: str, word: str, colour: str) -> None:
        told = json.loads(badge(reports.document(statuses=getattr(reports, statuses)), "json"))
        assert told == {"schemaVersion": 1, "label": "oneiric", "message": f"{word} 2026.1", "color": colour}

    def test_as_a_picture(self, reports) -> None:
        root = ET.fromstring(badge(reports.document(statuses=reports.plain), "svg"))  # noqa: S314 - made just now
        assert root.get("aria-label") == "oneiric: core 2026.1"
        texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert texts == ["oneiric", "core 2026.1"]

    def test_a_broken_rule_is_on_it_though_it_is_waived(self, reports) -> None:
        told = reports.report({"task/report/acme": (Status.PASS, Status.WAIVED, Status.WAIVED, Status.PASS)}).to_json()
        shown = json.loads(badge(ReportDocument.model_validate(told), "json"))
        assert (shown["message"], shown["color"]) == ("core 2026.1, 2 waived", "yellowgreen")
        told["components"][0]["results"][2]["level"] = "should"  # a warning would not be there either
        picture = ET.fromstring(badge(ReportDocument.model_validate(told), "svg"))  # noqa: S314 - made just now
        assert picture.get("aria-label") == "oneiric: core 2026.1, 1 waived"
        told["components"][0]["results"][1]["level"] = "should"
        assert json.loads(badge(ReportDocument.model_validate(told), "json"))["color"] == "green"

    def test_certified_in_a_profile_that_reaches_no_level_is_less(self, reports) -> None:
        quick = ReportDocument.model_validate(
            {**reports.report(reports.plain).to_json(), "levels": [], "profile": "quick"}
        )
        assert json.loads(badge(quick, "json"))["message"] == "conforms 2026.1"


class TestTheSummary:
    def test_it_names_package_level_components_and_cards(self, reports) -> None:
        text = summary([reports.document(text="plain")])
        assert "## acme-oneiric 1.0: fails" in text
        assert "| adapter/storage/acme | fails | 1 | 1 | 0 | 0 |" in text
        assert text.index("adapter/storage/acme") < text.index("adapter/cache/acme"), "the worst first"
        assert "❌ HOT-004 adapter/storage/acme" in text
        assert "pytest adapter/storage/acme::HOT-004" in text
        assert "- waived: old driver plain" in text

    def test_nothing_that_a_component_says_becomes_markup(self, reports) -> None:
        text = summary(
            [
                reports.document(
                    name=reports.hostile,
                    statuses={f"adapter/{reports.hostile}/x": reports.mixed["adapter/storage/acme"]},
                )
            ]
        )
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert "<img" not in outside
        assert "</script" not in outside
        rows = [line for line in outside.splitlines() if line.startswith("| adapter")]
        assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [7]

    def test_long_ones_are_cut_and_say_so(self, reports) -> None:
        many = {f"adapter/c{number}/acme": reports.mixed["adapter/cache/acme"] for number in range(50)}
        text = summary([reports.document(statuses=many)])
        assert "and 30 more components" in text
        assert "and 30 more: see the page or the report" in text
        assert len(text.splitlines()) < 400


class TestTheEnd:
    def test_all_of_it_is_written_where_it_is_wanted(self, reports, tmp_path: Path) -> None:
        asked = {"report": tmp_path / "r.json", "html": tmp_path / "p.html", "badge": tmp_path / "b.svg"}
        done = Finish(read_configuration(None, **asked)).finish(reports.report(), {})
        assert done.written == {"report": asked["report"], "page": asked["html"], "badge": asked["badge"]}
        assert asked["html"].read_text(encoding="utf-8") == page([reports.document()])
        assert asked["badge"].read_text(encoding="utf-8") == badge(reports.document(), "svg")

    def test_a_badge_of_another_kind_is_refused_before_the_run(self, tmp_path: Path) -> None:
        with pytest.raises(ConformanceError, match=r"neither JSON .*\. End its name in \.json or \.svg"):
            Finish(read_configuration(None, badge=tmp_path / "badge.png"))

    @pytest.mark.parametrize("what", ["html", "badge"])
    def test_a_place_where_nobody_may_write_is_refused_before_the_run(self, what: str) -> None:
        with pytest.raises(ConformanceError, match="cannot be written to '/sys/"):
            Finish(read_configuration(None, **{what: Path(f"/sys/{what}.svg")}))


def test_a_script_stands_on_the_page_as_text_and_where_there_is_none_nothing_does(reports: Any) -> None:
    scripts = [tag for tag in Reader(page([reports.document()])).tags if tag[1].get("class") == "script"]
    assert len(scripts) == 3
    unharmed = page([reports.document(statuses=reports.plain)])
    assert 'class="script"' not in unharmed


def test_where_there_is_no_script_the_page_says_why(reports: Any) -> None:
    told = reports.report().to_json()
    cards = [result["card"] for component in told["components"] for result in component["results"] if result["card"]]
    for card in cards:
        card.update(script="", instead="There is none & that is why.")
    shown = page([ReportDocument.model_validate(told)])
    assert shown.count("There is none &amp; that is why.") == len(cards) == 3
    assert 'class="script"' not in shown
