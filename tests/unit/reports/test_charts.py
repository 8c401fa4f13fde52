"""Charts as SVG: places follow the values, and nothing is drawn outside the frame."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from sipetl.reports.charts import coverage_map, share_bar, side_by_side
from sipetl.reports.course import course_chart
from sipetl.reports.model import Count, Coverage, Display, Goal, Pair, Week
from sipetl.reports.progress import Outlook
from sipetl.reports.svg import Scale, Spoken, element, month_ticks, ticks
from tests.unit.reports.page import d, goal, goals, judged, months, point

SPOKEN = Spoken("k", "A <title> & more", "said")
Element = ElementTree.Element


def parsed(markup: str) -> Element:
    return ElementTree.fromstring(markup)  # noqa: S314 (our own markup)


def of_class(root: Element, name: str) -> list[Element]:
    return [part for part in root.iter() if name in part.get("class", "").split()]


def place(part: Element, name: str) -> float:
    return float(part.get(name, "nan"))


def drawn(goal: Goal) -> Element:
    return parsed(course_chart(goal, SPOKEN))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (12.3, 31.9, [10.0, 15.0, 20.0, 25.0, 30.0, 35.0]),
        (0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (5.0, 5.0, [5.0, 5.25]),
        (-2.0, 2.0, [-2.0, -1.0, 0.0, 1.0, 2.0]),
    ],
)
def test_ticks_are_round_and_cover_the_range(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected


def test_months_of_more_than_a_year_name_it() -> None:
    assert month_ticks(date(2025, 9, 2), date(2026, 3, 20)) == [
        (date(2025, month, 1), name) for month, name in ((10, "Oct"), (11, "Nov"), (12, "Dec"))
    ] + [(date(2026, month, 1), name) for month, name in ((1, "Jan"), (2, "Feb"), (3, "Mar"))]
    assert [name for _, name in month_ticks(date(2024, 9, 1), date(2026, 1, 31))] == [
        "Sep 24", "Mar 25", "Sep 25",
    ]  # fmt: skip


def test_a_scale_is_straight() -> None:
    assert [Scale(0, 50, 10, 110)(value) for value in (0, 25, 50)] == [10, 60, 110]


def test_markup_is_escaped() -> None:
    made = element("text", text="<b> & 'c'", class_='a"b')

    assert made == '<text class="a&#34;b">&lt;b&gt; &amp; &#39;c&#39;</text>'


def test_an_unsafe_child_is_escaped() -> None:
    assert element("g", "<script>") == "<g>&lt;script&gt;</g>"


def test_a_bar_is_cut_by_counts_and_the_least_stays_visible() -> None:
    root = parsed(share_bar((Count("on_time", 300), Count("late", 100), Count("missing", 0)), SPOKEN))

    # 360 less two gaps of 2 is 356; each has at least 3; the rest of 347 goes by count: 3 + 260.25, 3 + 86.75, 3
    assert [place(part, "width") for part in of_class(root, "segment")] == pytest.approx([263.2, 89.8, 3], abs=0.06)


def test_schools_stand_on_one_scale_from_zero() -> None:
    now, before = point(date(2026, 3, 1), "", "20", "5"), point(date(2025, 6, 1), "", "40")

    root = parsed(side_by_side((Pair("A", now, before), Pair("B", None, before)), Display(), SPOKEN))

    # the scale runs from 0 at 6 to 40 at 354
    (dot,) = of_class(root, "now")
    assert place(dot, "cx") == 180
    assert [place(part, "cx") for part in of_class(root, "before")] == [354, 354]
    assert [place(part, "x1") for part in of_class(root, "whisker")] == pytest.approx([136.5, 136.5, 223.5])
    assert "no value yet" in {part.text for part in root.iter()}


def test_a_week_is_filled_by_its_share_of_days_and_crossed_where_days_are_overdue() -> None:
    weeks = (
        Week(date(2025, 9, 1), 4, 4),
        Week(date(2025, 9, 8), 5, 2, 3),
        Week(date(2025, 9, 15), 0, 0),
        Week(date(2025, 9, 22), 5, 0),
    )

    root = parsed(coverage_map(Coverage("1", {"A": weeks}), SPOKEN))

    assert [place(part, "height") for part in of_class(root, "here")] == pytest.approx([14, 5.6])
    assert len(of_class(root, "week")) == 3  # none for the week without school
    assert len(of_class(root, "lacking")) == 2  # one cross
    assert "6 of 14 days" in {part.text for part in root.iter()}


def test_the_judged_value_stands_at_its_level_with_the_tone_of_its_status() -> None:
    shown = goal("B1", target=d("20"), standings=(judged("not_met", point(date(2026, 3, 13), "", "30"), "20", "10"),))

    root = drawn(shown)

    (target,) = of_class(root, "target")
    (dot,) = of_class(root, "judged")
    assert "bad" in dot.get("class", "")
    assert place(dot, "cy") < place(target, "y1")  # 30 above 20


@pytest.mark.parametrize(("direction", "edge"), [("up", "top"), ("down", "bottom")])
def test_the_better_side_of_the_target_is_tinted(direction: str, edge: str) -> None:
    root = drawn(goal("B1", direction=direction, points=months("15", "25")))

    (tinted,) = of_class(root, "better")
    (target,) = of_class(root, "target")
    top, height = place(tinted, "y"), place(tinted, "height")
    assert (top + height if edge == "top" else top) == pytest.approx(place(target, "y1"), abs=0.11)


def test_a_projection_is_an_open_dot_on_the_due_date() -> None:
    last, due = point(date(2026, 1, 30), "C2", "30"), date(2026, 3, 13)
    standing = replace(
        judged("off_track", last, "20", "10"), outlook=Outlook(projection=d("25"), low=d("22"), high=d("28"))
    )

    root = drawn(goal("B1", target=d("20"), due_on=due, standings=(standing,)))

    line, dot = of_class(root, "ahead")
    (judged_dot,), (due_line,), (target,) = (of_class(root, name) for name in ("judged", "due", "target"))
    assert place(dot, "cx") == place(due_line, "x1")
    assert place(dot, "cy") == pytest.approx((place(judged_dot, "cy") + place(target, "y1")) / 2, abs=0.11)
    ends = [tuple(map(float, corner.split(","))) for corner in line.get("points", "").split()]
    assert ends == [(place(each, "cx"), place(each, "cy")) for each in (judged_dot, dot)]
    assert len(of_class(root, "whisker")) == 3


def test_a_wide_projection_does_not_flatten_the_values() -> None:
    last = point(date(2026, 1, 30), "C2", "30")
    narrow, wide = (
        replace(judged("off_track", last, "20", "10"), outlook=Outlook(projection=d("25"), low=d(low), high=d(high)))
        for low, high in (("24", "26"), ("0", "100"))
    )

    places = [
        place(of_class(drawn(goal("B1", target=d("20"), standings=(each,))), "judged")[0], "cy")
        for each in (narrow, wide)
    ]

    assert places[0] == places[1]


def test_years_are_not_joined_over_the_summer() -> None:
    window = next(each for each in goals("1") if each.code == "B3")

    root = drawn(window)

    assert [len(part.get("points", "").split()) for part in of_class(root, "joined")] == [3, 2]
    assert len(of_class(root, "before")) == 3


def test_a_result_of_last_year_is_hollow_though_it_came_this_year() -> None:
    came = replace(point(date(2025, 9, 23), "annual 2024-25", "34"), measures=2025)

    root = drawn(goal("M1", path="year_end_only", due_on=date(2026, 9, 22), points=(came,)))

    assert (len(of_class(root, "before")), len(of_class(root, "now"))) == (1, 0)


def test_a_month_that_ends_beside_the_judged_day_is_not_drawn_over_it() -> None:
    last = point(date(2026, 1, 30), "C2", "20", "2")
    shown = goal("B1", points=months("18", "19", "20", "20", "20"), standings=(judged("met", last, "20", "0"),))

    root = drawn(shown)

    assert (len(of_class(root, "now")), len(of_class(root, "judged"))) == (4, 1)  # January 31 lies under January 30
    assert len(of_class(root, "whisker")) == 5 * 3


def test_what_was_expected_stands_at_the_judged_value() -> None:
    shown = goal(
        "B1", standings=(replace(judged("met", point(date(2026, 1, 23), "", "25"), "22", "3"), on=date(2026, 3, 13)),)
    )

    root = drawn(shown)

    (mark,), (dot,) = of_class(root, "expected"), of_class(root, "judged")
    assert (place(mark, "x1") + place(mark, "x2")) / 2 == pytest.approx(place(dot, "cx"), abs=0.11)


def test_a_goal_without_values_shows_baseline_and_target() -> None:
    root = drawn(goal("M1", baseline=d("33"), standings=()))

    texts = {part.text for part in root.iter()}
    assert {"no value yet", "baseline 33.0 %", "target", "19.0 %", "due 13 Mar 2026"} <= texts


def test_the_path_of_checkpoints_is_drawn_in_steps() -> None:
    steps = next(each for each in goals("1") if each.code == "B5")

    (path,) = of_class(drawn(steps), "path")

    corners = [tuple(map(float, corner.split(","))) for corner in path.get("points", "").split()]
    assert len(corners) == 5
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(corners))


@pytest.mark.parametrize("each", goals("1"), ids=lambda each: each.code)
def test_everything_is_drawn_inside_the_frame(each: Goal) -> None:
    root = drawn(each)

    height = float(root.get("viewBox", "").split()[3])
    for part in root.iter():
        for name, most in (
            ("x1", 360),
            ("x2", 360),
            ("cx", 360),
            ("x", 360),
            ("y1", height),
            ("y2", height),
            ("cy", height),
        ):
            assert part.get(name) is None or 0 <= place(part, name) <= most
    assert not re.search(
        r"nan|inf", ElementTree.tostring(root, encoding="unicode").lower().replace("information", "")
    )


def test_a_chart_says_what_it_shows() -> None:
    root = drawn(goal("B1", points=months("18")))

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "k-t k-d"
    assert [part.text for part in root if part.get("id") == "k-t"] == ["A <title> & more"]


def test_a_result_that_comes_after_the_summer_is_of_the_year_before() -> None:
    mcas = goal("M1", path="year_end_only", due_on=date(2026, 9, 30))

    assert mcas.school_year == 2026
    assert goal("B1", due_on=date(2025, 10, 15)).school_year == 2026
