"""The plugin's page in a real api-server of Airflow 3.3, asked by HTTP and opened in Debian's chromium, headless."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sipetl.warehouse import embedded
from tests.browser.test_report import AA_GRAPHICS, AA_TEXT, ARGUMENTS, BLANK, CHROMIUM, CONTRASTS, DESK, PHONE
from tests.flows.parts import USER, Parts, ask
from tests.home import Site, attendance, present, roster, students, weekdays

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.airflow]

SECRET = "Quillfeather"
"""In the students' names, in a file's name and in a heading."""
TITLE = "Feeds and readiness"
IN_NAVIGATION = "Readiness"
"""Airflow has room for some ten letters."""
ANSWER_SECONDS = 60


@dataclass
class Shown:
    """An api-server with the plugin, on a home in which something waits."""

    parts: Parts
    site: Site
    server: embedded.Lease

    @property
    def address(self) -> str:
        return f"{self.parts.address}/sipetl/"

    def get(self, path: str = "", **headers: str) -> tuple[int, str, dict[str, str]]:
        status, text, given = ask(self.address + path, headers=headers)
        return status, text, {name.lower(): value for name, value in given.items()}

    def get_as_user(self, path: str = "") -> tuple[int, str, dict[str, str]]:
        return self.get(path, Authorization=f"Bearer {self.parts.token()}")

    @contextmanager
    def without_warehouse(self) -> Iterator[None]:
        """Nobody can connect to the home's database meanwhile."""
        self._allow_connections(False)
        try:
            yield
        finally:
            self._allow_connections(True)

    def _allow_connections(self, allow: bool) -> None:
        url = self.server.url("superuser", "postgres").replace("+psycopg", "")
        change = sql.SQL("alter database {} with allow_connections {}")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(change.format(sql.Identifier(self.site.root.name), sql.Literal(allow)))


@pytest.fixture(scope="module")
def shown(
    make_site: Callable[[], Site], server: embedded.Lease, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shown]:
    site = make_site()
    people = students(40) + students(20, "SHS")
    site.take("students_export_2025-10-01.csv", roster(people))
    site.take("students_export_2025-11-03.csv", roster(people[:30]))
    site.take("attendance_a.csv", attendance(people, weekdays(date(2025, 9, 8), 10), present))
    site.take(f"IEP {SECRET}.csv", f"{SECRET},b\n1,2\n")
    given = {name: value for name, value in site.environment.items() if name != "SIPETL_WAREHOUSE_URL"}
    given["AIRFLOW_CONN_SIPETL_WAREHOUSE"] = site.url.replace("+psycopg", "")
    parts = Parts(tmp_path_factory.mktemp("page"), server, given)
    parts.prepare()
    with parts.running("api-server"):
        yield Shown(parts, site, server)


# by HTTP


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer nonsense"}, {"Cookie": "_token=nonsense"}],
    ids=["anonymous", "bad token", "bad cookie"],
)
def test_without_a_login_there_is_nothing(shown: Shown, headers: dict[str, str]) -> None:
    status, text, _ = shown.get(**headers)

    assert status in (401, 403)
    assert status == 401 or headers
    assert set(json.loads(text)) == {"detail"}
    assert TITLE not in text


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json"])
def test_it_describes_itself_to_nobody(shown: Shown, path: str) -> None:
    assert shown.get(path)[0] == 404
    assert shown.get_as_user(path)[0] == 404


def test_a_viewer_sees_it_and_no_copy_is_kept(shown: Shown) -> None:
    status, text, headers = shown.get_as_user()

    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert f"<h1>{TITLE}</h1>" in text


def test_it_says_what_is_late_what_came_and_what_waits_but_of_no_student(shown: Shown) -> None:
    _, text, _ = shown.get_as_user()

    held = shown.site.sql("select part_id from ops.hold")[0][0]
    lost = shown.site.sql("select delivery_id from ops.delivery where status = 'unrecognized'")[0][0]
    for said in ("Cycle C1", "Alder", "Missing", f"sipetl hold show {held}", f"sipetl delivery show {lost}"):
        assert said in text
    for never in (SECRET, "IEP", ".csv", " rows ", "350177"):
        assert never not in text
        assert never not in shown.parts.log("api-server")


def test_airflow_knows_the_plugin(shown: Shown) -> None:
    token = {"Authorization": f"Bearer {shown.parts.token()}"}

    status, text, _ = ask(f"{shown.parts.address}/api/v2/plugins", headers=token)
    errors = ask(f"{shown.parts.address}/api/v2/plugins/importErrors", headers=token)[1]

    assert status == 200, text
    (plugin,) = (one for one in json.loads(text)["plugins"] if one["name"] == "sipetl")
    assert plugin["timetables"] == ["sipetl_airflow_plugin.SchoolDayTimetable"]
    assert [view["name"] for view in plugin["external_views"]] == [IN_NAVIGATION]
    assert json.loads(errors)["import_errors"] == []


def test_without_the_warehouse_it_says_so_plainly_and_comes_back(shown: Shown) -> None:
    with shown.without_warehouse():
        status, text, headers = shown.get_as_user()
        anonymous, _, _ = shown.get()

    assert (status, anonymous) == (503, 401)
    assert "cannot be read now" in text
    assert headers["cache-control"] == "no-store"
    for never in ("Traceback", "psycopg", "127.0.0.1", shown.site.root.name):
        assert never not in text
    assert "overview not shown: the warehouse" in shown.parts.log("api-server")
    assert shown.get_as_user()[0] == 200


# in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    assert CHROMIUM.exists(), "chromium is absent: scripts/system-deps"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def logged_in(browser: Any, shown: Shown) -> Any:
    """What the browser keeps after a login by the form."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(shown.parts.address)
    page.wait_for_url(re.compile("/auth/login"), timeout=ANSWER_SECONDS * 1000)
    page.fill("input[name=username]", USER)
    page.fill("input[name=password]", shown.parts.password())
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{shown.parts.address}/", timeout=ANSWER_SECONDS * 1000)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def opened(browser: Any, logged_in: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address, logged in, at a width and in a colour scheme; remembers what was fetched and complained of."""
    contexts = []

    def open_page(address: str, width: int = DESK, scheme: str = "light") -> Any:
        viewport = {"width": width, "height": 844}
        context = browser.new_context(storage_state=logged_in, viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_it_is_in_airflow_s_navigation_and_opens_in_a_frame(shown: Shown, opened: Callable[..., Any]) -> None:
    page = opened(f"{shown.parts.address}/")

    page.get_by_text(IN_NAVIGATION, exact=True).first.click(timeout=ANSWER_SECONDS * 1000)

    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", level=1, name=TITLE).wait_for(timeout=ANSWER_SECONDS * 1000)
    assert frame.get_by_role("heading", level=2).all_inner_texts() == [
        "Next cycle", "Late, missing, incomplete", "Last loads", "What waits for a person",
    ]  # fmt: skip
    (inner,) = (frame for frame in page.frames if frame != page.main_frame)
    assert inner.url.rstrip("/") == shown.address.rstrip("/")
    frame.get_by_role("link", name="What waits").click()
    assert frame.get_by_role("table", name="Each with the command").get_by_role("row").count() > 1


def test_on_a_phone_nothing_scrolls_sideways_in_the_frame(shown: Shown, opened: Callable[..., Any]) -> None:
    page = opened(f"{shown.parts.address}/plugin/readiness", PHONE)
    page.frame_locator("iframe").get_by_role("heading", level=1).wait_for(timeout=ANSWER_SECONDS * 1000)

    (inner,) = (frame for frame in page.frames if frame != page.main_frame)

    assert inner.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("width", [240, 320, PHONE, 768, DESK])
def test_nothing_scrolls_sideways(shown: Shown, opened: Callable[..., Any], width: int) -> None:
    page = opened(shown.address, width)

    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert page.evaluate(BLANK) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_stand_out(shown: Shown, opened: Callable[..., Any], scheme: str) -> None:
    least = {"text": AA_TEXT, "mark": AA_GRAPHICS}

    found = opened(shown.address, PHONE, scheme).evaluate(CONTRASTS)

    assert len(found) > 60
    assert [each for each in found if each[2] < least[each[0]]] == []


def test_a_screen_reader_finds_its_way(shown: Shown, opened: Callable[..., Any]) -> None:
    page = opened(shown.address, PHONE)

    assert page.locator("html").get_attribute("lang") == "en"
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    assert page.get_by_role("navigation", name="Sections").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    tables = page.locator("table").all()
    assert len(tables) == 5
    for each in tables:
        assert each.locator("caption").count() == 1
        assert each.locator("th:not([scope])").count() == 0
        rows = {row.locator("th, td").count() for row in each.locator("tr").all()}
        assert len(rows) == 1, "every row has all cells"


def test_the_keyboard_reaches_the_overview_first(shown: Shown, opened: Callable[..., Any]) -> None:
    page = opened(shown.address, PHONE)

    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the overview"
    assert page.locator(":focus").bounding_box()["x"] >= 0


def test_nothing_else_is_fetched_and_nothing_complains(shown: Shown, opened: Callable[..., Any]) -> None:
    page = opened("about:blank")
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))

    page.goto(shown.address, wait_until="load")

    assert [url for url in asked if not url.endswith("/favicon.ico")] == [shown.address]
    assert [text for text in said if "favicon" not in text] == []
