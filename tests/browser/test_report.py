"""The report page in Debian's chromium, headless: fits a phone, nothing blank, readable in light and dark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sipetl.reports import render
from tests.unit.reports.page import FEEDS, full_page

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = 390, 1200
AA_TEXT, AA_GRAPHICS = 4.5, 3.0
"""WCAG 2.2, success criteria 1.4.3 and 1.4.11."""

CONTRASTS = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, ground(element.parentElement));
  };
  const ratio = (color, element) => {
    const under = ground(element), a = light(over(rgba(color), under)), b = light(under);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element), name = `${element.tagName}.${element.getAttribute('class') || ''}`;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (element.closest('svg')) {
      if (element.tagName === 'text') found.push(['text', name, ratio(style.fill, element)]);
      if (element.matches('.now, .here, .judged, .segment')) found.push(['mark', name, ratio(style.fill, element)]);
      if (element.matches('.whisker, .lacking, .target, .before, .expected'))
        found.push(['mark', name, ratio(style.stroke, element)]);
    } else if (own && element.checkVisibility()) found.push(['text', name, ratio(style.color, element)]);
    if (element.matches('svg.icon')) found.push(['mark', name, ratio(style.color, element)]);
  }
  return found;
}
"""
BLANK = """
() => [...document.querySelectorAll('svg')].filter((svg) => svg.checkVisibility()).flatMap((svg) => {
  const box = svg.getBoundingClientRect();
  const marks = [...svg.querySelectorAll('rect, circle, line, path, polyline')].filter((mark) => {
    const style = getComputedStyle(mark), size = mark.getBBox();
    return (size.width > 0 || size.height > 0) && (style.fill !== 'none' || style.stroke !== 'none');
  });
  return box.width > 5 && box.height > 5 && marks.length ? [] : [svg.outerHTML.slice(0, 120)];
})
"""
TEXT_OUTSIDE = """
() => [...document.querySelectorAll('svg.chart')].filter((svg) => svg.checkVisibility()).flatMap((svg) => {
  const chart = svg.getBoundingClientRect(), slack = 3;
  return [...svg.querySelectorAll('text')].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.left < chart.left - slack || box.right > chart.right + slack
      || box.top < chart.top - slack || box.bottom > chart.bottom + slack;
  }).map((text) => text.textContent);
})
"""
SMALL_TEXT = """
() => [...document.querySelectorAll('svg.chart text')].filter((text) => text.checkVisibility())
  .map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail("chromium is absent, and CI must have it: scripts/system-deps")
        pytest.skip("chromium is not installed: scripts/system-deps")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("report") / "report.html"
    written.write_text(render(full_page()), encoding="utf-8")
    return written


@pytest.fixture
def show(browser: Any, file: Path) -> Iterator[Any]:
    """Open the page at a width and in a colour scheme, with every table unfolded if asked for."""
    contexts = []

    def open_page(width: int = PHONE, scheme: str = "light", *, unfolded: bool = False) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto(file.as_uri())
        if unfolded:
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [320, PHONE, 768, 1024, DESK])
@pytest.mark.parametrize("unfolded", [False, True])
def test_nothing_scrolls_sideways(show: Any, width: int, unfolded: bool) -> None:
    page = show(width, unfolded=unfolded)

    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_no_chart_is_blank(show: Any, width: int) -> None:
    page = show(width)

    assert page.locator("svg.chart").count() == 3 + 2 + 14 + 4  # counts, weeks, goals of two schools, chronic absence
    assert page.evaluate(BLANK) == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_no_label_of_a_chart_is_cut_off_or_tiny(show: Any, width: int) -> None:
    page = show(width)

    assert page.evaluate(TEXT_OUTSIDE) == []
    assert min(page.evaluate(SMALL_TEXT)) >= 9.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_stand_out(show: Any, scheme: str) -> None:
    least = {"text": AA_TEXT, "mark": AA_GRAPHICS}

    found = show(PHONE, scheme, unfolded=True).evaluate(CONTRASTS)

    assert len(found) > 400
    assert [each for each in found if each[2] < least[each[0]]] == []


def test_the_dark_look_is_dark(show: Any) -> None:
    grounds = [
        show(PHONE, scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]

    assert grounds == ["rgb(246, 245, 241)", "rgb(17, 23, 26)"]


def test_a_screen_reader_finds_its_way(show: Any) -> None:
    page = show(DESK, unfolded=True)

    assert page.locator("html").get_attribute("lang") == "en"
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    assert page.get_by_role("navigation", name="Sections").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("region", name="Chronic absence").count() == 1
    assert page.get_by_role("img", name="Chronic absence by school, Harbor City").count() == 1


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_tables_stay_tables_when_they_are_stacked(show: Any, width: int) -> None:
    page = show(width, unfolded=True)

    table = page.get_by_role("table", name="Is the data of cycle C3 here?")
    assert table.get_by_role("rowheader").all_inner_texts() == ["Harbor City", "Mill & River Regional"]
    assert table.get_by_role("cell").count() == 2 * len(FEEDS)
    for each in page.locator("table").all():
        assert each.locator("caption").count() == 1
        assert each.locator("th:not([scope])").count() == 0


def test_the_keyboard_reaches_the_report_first_and_shows_where_it_is(show: Any) -> None:
    page = show(PHONE)

    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the report"
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.evaluate("(it) => it.closest('main') !== null")
    assert focused.evaluate("(it) => getComputedStyle(it).outlineStyle") == "solid"


def test_nothing_is_fetched_and_nothing_complains(show: Any, browser: Any, file: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))

    page.goto(file.as_uri(), wait_until="load")

    assert asked == [file.as_uri()]
    assert said == []
    context.close()


def test_it_can_be_printed(show: Any) -> None:
    page = show(DESK, "dark")

    page.emulate_media(media="print")

    assert page.get_by_role("navigation").count() == 0
    assert len(page.pdf()) > 50_000
