"""The page in a real browser: filtered, opened, printed, in light and dark, from a file and without a network.

Needs Debian's packages ``chromium`` and ``chromium-driver``. Where they are missing these tests fail and say so: what
has not been looked at is not known to work. After a run, ``build/pages`` has the pictures.
"""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from oneiric_conformance import badge, page

pytestmark = pytest.mark.long
PICTURES = Path(__file__).resolve().parents[3] / "build" / "pages"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        pytest.fail("no browser to look with: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = programs[0]
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,1600",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = Chrome(options=options, service=Service(programs[1]))
    yield made
    made.quit()


@pytest.fixture
def show(browser: Chrome, tmp_path: Path) -> Callable[..., Chrome]:
    """Opens a page made of reports, from its file."""

    def opened(*documents: Any, scheme: str = "light") -> Chrome:
        path = tmp_path / "page.html"
        path.write_text(page(documents), encoding="utf-8")
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get_log("performance")
        browser.get_log("browser")
        browser.get(path.as_uri())
        return browser

    return opened


def shown(browser: Chrome, selector: str) -> list[str]:
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed()]


def shown_rows(browser: Chrome) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, ".matrix tbody tr")
    return [str(row.get_attribute("data-component")) for row in rows if row.is_displayed()]


def picture(browser: Chrome, name: str) -> bytes:
    """The whole page, also kept as a file for people."""
    told = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    content = base64.b64decode(told["data"])
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(content)
    return content


def test_it_asks_the_network_for_nothing_and_has_nothing_to_complain_about(show, reports) -> None:
    browser = show(reports.document())
    browser.find_element(By.CSS_SELECTOR, ".card summary").click()
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert asked
    assert all(url.startswith("file:///") and url.endswith("page.html") for url in asked)
    assert browser.get_log("browser") == []


def test_what_a_component_says_does_not_run(show, reports) -> None:
    """Its markup is text, and its scripts would not be let run if it were not."""
    browser = show(reports.document(name=f"evil{reports.hostile}"))
    assert reports.hostile in browser.find_element(By.TAG_NAME, "h1").text
    assert browser.find_elements(By.TAG_NAME, "img") == []
    browser.execute_script("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    assert browser.execute_script("return window.ran") is None


def test_components_are_filtered_by_name(show, reports) -> None:
    browser = show(reports.document())
    assert len(shown_rows(browser)) == 3
    browser.find_element(By.ID, "text").send_keys("storage")
    assert shown_rows(browser) == ["adapter/storage/acme"]
    assert shown(browser, "#found") == ["1 of 3 components, 2 of 4 cards"]
    browser.find_element(By.ID, "text").clear()
    browser.find_element(By.ID, "text").send_keys("x", Keys.BACKSPACE)
    assert len(shown_rows(browser)) == 3


def test_rules_are_filtered_by_id(show, reports) -> None:
    browser = show(reports.document())
    browser.find_element(By.ID, "text").send_keys("hot")
    assert shown(browser, ".matrix thead th") == ["HOT-004"]
    assert len(shown_rows(browser)) == 3
    assert shown(browser, ".whole th") == []


def test_statuses_are_chosen_with_the_keyboard_alone(show, reports) -> None:
    browser = show(reports.document())
    browser.find_element(By.ID, "text").send_keys(Keys.TAB)
    for _ in range(6):
        chosen = browser.switch_to.active_element
        assert chosen.get_attribute("name") == "status"
        if chosen.get_attribute("value") != "waived":
            chosen.send_keys(Keys.SPACE)
        chosen.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    assert shown_rows(browser) == ["task/report/acme"]
    (summary,) = shown(browser, ".card summary")
    assert "LIFE-001 task/report/acme" in summary


def test_a_cell_opens_its_card_and_takes_the_reader_there(show, reports) -> None:
    browser = show(reports.document())
    card = browser.find_element(By.CSS_SELECTOR, ".card[data-check='HOT-004']")
    assert card.get_attribute("open") is None
    cell = browser.find_element(By.CSS_SELECTOR, "tr[data-component='adapter/storage/acme'] td[data-check='HOT-004'] a")
    cell.send_keys(Keys.ENTER)
    browser.execute_async_script("setTimeout(arguments[0], 50)")
    assert card.get_attribute("open") is not None
    assert browser.switch_to.active_element.tag_name == "summary"
    assert "pytest adapter/storage/acme::HOT-004" in card.text
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert card.get_attribute("open") is None


def test_a_screen_reader_is_told_what_the_signs_say(show, reports) -> None:
    browser = show(reports.document())
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in nodes}
    assert ("rowheader", "adapter/storage/acme fails") in named
    assert ("columnheader", "HOT-004") in named
    assert ("searchbox", "Component or rule") in named
    assert ("link", "fail, see the card") in named
    assert ("region", "Components and rules, scrollable") in named
    assert any(role == "checkbox" and name.endswith("waived") for role, name in named)
    assert {role for role, _ in named} >= {"banner", "main", "form", "table"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(show, reports, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1, of every piece of text that is shown."""
    browser = show(reports.document(text="plain"), scheme=scheme)
    for summary in browser.find_elements(By.CSS_SELECTOR, ".card summary"):
        summary.click()
    assert browser.execute_script(CONTRAST) == []
    assert len(picture(browser, scheme)) > 20_000


def test_it_is_dark_only_where_that_is_preferred(show, reports) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert show(reports.document()).execute_script(paper) == "rgb(253, 253, 252)"
    assert show(reports.document(), scheme="dark").execute_script(paper) == "rgb(21, 23, 26)"


def test_printing_opens_every_card_and_closes_them_again(show, reports) -> None:
    browser = show(reports.document(text="plain"))
    browser.execute_script(
        """
        const opened = () => document.querySelectorAll(".card[open]").length;
        addEventListener("beforeprint", () => { window.were = opened(); });
        """
    )
    told = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    content = base64.b64decode(told["data"])
    assert content.startswith(b"%PDF")
    (PICTURES / "print.pdf").write_bytes(content)
    assert browser.execute_script("return window.were") == 4
    assert browser.find_elements(By.CSS_SELECTOR, ".card[open]") == []


def test_a_narrow_screen_scrolls_the_table_and_not_the_page(show, reports) -> None:
    browser = show(reports.document(text="plain"))
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
        picture(browser, "narrow")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_several_reports_are_one_page(show, reports) -> None:
    browser = show(reports.document(), reports.document(statuses=reports.plain, name="other-oneiric"))
    assert browser.find_element(By.TAG_NAME, "h1").text == "2 reports"
    browser.find_element(By.CSS_SELECTOR, "a[href='#report-2']").click()
    browser.find_element(By.ID, "text").send_keys("report")
    assert shown_rows(browser) == ["task/report/acme", "task/report/acme"]
    picture(browser, "merged")


def test_the_badge_is_drawn(browser: Chrome, reports, tmp_path: Path) -> None:
    path = tmp_path / "badge.svg"
    path.write_text(badge(reports.document(statuses=reports.plain), "svg"), encoding="utf-8")
    browser.get(path.as_uri())
    texts = browser.find_elements(By.TAG_NAME, "text")
    assert [text.text for text in texts] == ["oneiric", "core 2026.1"]
    boxes = browser.find_elements(By.CSS_SELECTOR, "g rect")
    for text, box in zip(texts, boxes, strict=True):
        assert box.rect["x"] < text.rect["x"]
        assert text.rect["x"] + text.rect["width"] < box.rect["x"] + box.rect["width"]
    assert len(picture(browser, "badge")) > 500


CONTRAST = """
const channels = (text) => text.match(/[0-9.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const found = channels(getComputedStyle(at).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
const poor = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
  if (node.closest(".unseen, .skip, script, style")) continue;
  const [a, b] = [light(channels(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) poor.push(`${walker.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
}
return poor;
"""
