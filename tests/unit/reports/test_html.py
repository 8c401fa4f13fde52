"""The page as text: complete, escaped, self-contained."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

from sqlalchemy import Connection

from sipetl.readiness import State
from sipetl.reports import home_report, render, report
from sipetl.reports.grid import grid_of, lacking
from sipetl.reports.html import weeks_in_words
from sipetl.reports.model import Kind, Page, Scope
from tests.unit.reports.conftest import ALDER, AS_OF, TOWN, deliver
from tests.unit.reports.page import AS_OF as DAY
from tests.unit.reports.page import FEEDS, coverage, full_page, readiness

VOID = {"meta", "rect", "circle", "line", "path"}


class Outline(HTMLParser):
    """Tags, headings, ids, links to ids; refuses an element that is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, name: str) -> list[str]:
        return [value for _, given in self.tags if (value := given.get(name))]


def test_the_page_is_well_formed_and_its_ids_are_unique() -> None:
    outline = Outline(render(full_page()))

    ids = outline.all("id")
    assert len(ids) == len(set(ids))
    targets = {href.removeprefix("#") for href in outline.all("href")}
    named = {each for value in outline.all("aria-labelledby") for each in value.split()}
    assert targets | named <= set(ids)


def test_headings_go_down_one_level_at_a_time_from_one_h1() -> None:
    levels = [int(tag[1]) for tag, _ in Outline(render(full_page())).tags if re.fullmatch(r"h[1-6]", tag)]

    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_nothing_comes_from_elsewhere_and_nothing_runs() -> None:
    page = render(full_page())

    assert not re.search(r"https?:|<script|<img|<link|@import|url\(|\son\w+=", page)
    assert "default-src 'none'" in page


def test_names_are_escaped() -> None:
    page = render(full_page())

    assert "Three towns &amp; a &lt;demo&gt;" in page
    assert "Cedar &lt;Hill&gt; High School" in page
    assert "attendance_&lt;final&gt;&amp;v2.csv" in page
    assert not re.search(r"<demo>|<Hill>|<final>", page)


def test_marks_of_the_data_stand_in_words() -> None:
    page = render(full_page())

    assert "The value is marked: incomplete data." in page
    assert "The value is marked: provisional." in page
    assert "22.4 % · n 511 · incomplete data" in page
    assert "To date, and provisional: the year is not over." in page


def test_every_status_is_told_with_its_certainty() -> None:
    page = render(full_page())

    for word in ("On track", "Off track", "Met", "Not met", "Incomplete data", "Too few to judge", "Awaiting source"):
        assert f"{word}</span>" in page
    assert "0.9 points better than the 19.0 % expected by then (close: chance alone could turn it)." in page
    assert "by 13 Mar 2026, 4 times of 6: the status counts the times. Cycle C3: this time 2.2 points better" in page
    assert "Missing: published results 2026." in page
    assert "20.0 points worse than the 75.0 % expected by then (clear: more than chance)." in page


def test_what_follows_from_a_status_stands_beside_it() -> None:
    page = render(full_page())

    assert "Occurrences: met in 3 of 5 months so far, needed in 4 of 6." in page
    assert "Change: 4.3 points better than at the review before (chance alone could do that)." in page
    assert "Still needed: 6.7 points up at each of the 3 reviews left." in page
    assert "Going on like this: 71.5 % (60.0 to 82.9 %) at the due date." in page.replace("\u2009", " ")


def test_the_timeline_tells_how_each_step_stands() -> None:
    page = render(full_page())

    assert page.count("Timeline: 3 steps, 1 overdue, 1 due, 1 done") == 2
    for step, status in (("agrees on routine &amp; look-fors", "Done"), ("all staff", "Overdue"), ("invited", "Due")):
        row = page[page.index(step) : page.index("</tr>", page.index(step))]
        assert f"{status}</span>" in row
    assert "26 Sep 2025" in page


def test_an_empty_home_is_a_page_that_says_so() -> None:
    page = render(Page("Empty", Scope(), DAY, {}))

    Outline(page)
    assert page.count("None yet.") == 3
    assert "No school here has a plan in force." in page
    assert "Nothing waits." in page


def test_a_readiness_page_has_no_benchmarks() -> None:
    page = render(Page("Readiness", Scope(Kind.READINESS), DAY, {}, cycles=(readiness("C3"),)))

    Outline(page)
    assert 'id="benchmarks"' not in page and 'id="chronic"' not in page
    assert "Cycle C3" in page


def test_weeks_that_are_not_whole_are_told_in_words() -> None:
    harbor, mill = coverage()

    assert weeks_in_words(harbor.schools["Alder Elementary School"]) == "Every week is whole."
    assert weeks_in_words(mill.schools["Dogwood Elementary School"]) == (
        "Not whole: week of 9 Mar 2026, 0 of 5 days, 5 overdue; week of 16 Mar 2026, 0 of 5 days, 5 overdue; "
        "week of 23 Mar 2026, 0 of 2 days, not due yet."
    )


def test_the_grid_shows_the_worst_state_of_a_district_and_of_how_many_schools() -> None:
    grid = grid_of(readiness("C3"), lambda code: code, by_school=False)

    assert grid.feeds == FEEDS
    cells = {name: [cell and (cell.state, cell.of) for cell in row] for name, row in grid.rows}
    assert cells["3501"][:2] == [(State.READY, ""), (State.AT_RISK, "1 of 3 schools")]
    assert cells["3502"][:2] == [(State.BLOCKED, ""), (State.AT_RISK, "1 of 2 schools")]
    assert cells["3502"][-1] == (State.NOT_NEEDED, "")


def test_what_is_missing_is_grouped_by_cause_the_worst_first() -> None:
    lacks = lacking(readiness("C3"))

    assert [(lack.state, lack.district, lack.feed, len(lack.schools)) for lack in lacks] == [
        (State.BLOCKED, "3502", "assessment", 2),
        (State.AT_RISK, "3501", "attendance", 1),
        (State.AT_RISK, "3502", "attendance", 1),
    ]
    assert lacks[0].is_everywhere and not lacks[1].is_everywhere
    assert lacks[0].n_blocked == 2


def test_a_home_is_reported_from_its_warehouse(town: Connection) -> None:
    deliver(town, "r.csv", "rejected", reason="no column says which school")

    page = home_report(town, as_of=AS_OF, title="Ours")

    Outline(page)
    assert "<h1>Ours</h1>" in page
    assert "Goal B1 &lt;b&gt;" in page
    assert "no column says which school" in page


def test_every_kind_of_report_is_a_page(town: Connection) -> None:
    for kind, code, heading in (
        ("district", TOWN, "Town &lt;&amp;&gt; Harbor"),
        ("school", ALDER, "Alder"),
        ("readiness", "C2", "Readiness for review"),
        ("readiness", None, "Readiness for review"),
    ):
        page = report(town, kind, code, as_of=AS_OF)

        Outline(page)
        assert f"<h1>{heading}</h1>" in page
