"""The chart of one benchmark: what was measured, with intervals, against the target and its path, to the due date.

Pure. The side of the target on which it is met is tinted; the judged value has the tone of its status, whose word and
shape stand in the card's heading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from markupsafe import Markup

from sipetl.reports.model import Display, Goal, Point
from sipetl.reports.svg import WIDTH, Scale, Spoken, chart, days, element, line, month_ticks, polyline, ticks, words
from sipetl.reports.words import day, label, number

HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 184.0, 22.0, 22.0, 32.0, 54.0
HALF_CAP = 3.0
FIRST_MONTH = 9
"""A chart of one school year begins with September."""
MARGIN = timedelta(days=8)
"""Room beside the first and the last day."""
BESIDE = timedelta(days=3)
"""Nearer than this, dots lie on each other: a month's end and a cycle's day."""
LABEL_ROOM, TICK_ROOM = 40.0, 14.0


@dataclass(frozen=True, slots=True)
class _Frame:
    goal: Goal
    x: Scale
    y: Scale
    marks: list[float]

    def at(self, on: date, value: Decimal) -> tuple[float, float]:
        return self.x(on.toordinal()), self.y(float(value))


def course_chart(goal: Goal, spoken: Spoken) -> Markup:
    """Draw a benchmark or MAG; one without values shows its baseline, target and due date."""
    frame = _frame(goal)
    return chart(
        HEIGHT, spoken, *_ground(frame), *_axes(frame), *_due(frame), *_target(frame), *_path(frame), *_values(frame)
    )


def _frame(goal: Goal) -> _Frame:
    levels = [float(level) for level in _levels(goal)]
    low, high = min(levels), max(levels)
    pad = max((high - low) * 0.08, 0.5 * 10.0**-goal.display.decimals)
    low, high = low - pad, high + pad
    if goal.display.unit == "percent":
        low, high = max(low, 0.0), min(high, 100.0)
    marks = ticks(low, high)
    first, last = _span(goal)
    x, y = days(first, last, LEFT, WIDTH - RIGHT), Scale(marks[0], marks[-1], HEIGHT - BOTTOM, TOP)
    return _Frame(goal, x, y, marks)


def _levels(goal: Goal) -> Iterator[Decimal]:
    yield goal.target
    if goal.baseline is not None:
        yield goal.baseline
    for point in _all_points(goal):
        yield from (level for level in (point.value, point.low, point.high) if level is not None)
    yield from (standing.expected for standing in goal.standings if standing.expected is not None)
    yield from (level for _, level in goal.steps)
    if (ahead := _ahead_point(goal)) is not None:
        yield ahead.value  # its interval may be wide, and is cut where the chart ends


def _all_points(goal: Goal) -> list[Point]:
    judged = [goal.standing.point] if goal.standing and goal.standing.point else []
    return [*goal.points, *judged]


def _shown(goal: Goal) -> list[Point]:
    """All points but those that the judged one would cover."""
    judged = goal.standing.point if goal.standing else None
    if judged is None:
        return list(goal.points)
    return [*(point for point in goal.points if abs(point.on - judged.on) > BESIDE), judged]


def _span(goal: Goal) -> tuple[date, date]:
    given = [point.on for point in _all_points(goal)] + [on for on, _ in goal.steps]
    given += [standing.measured_on for standing in goal.standings if standing.expected is not None]
    first = min([date(goal.school_year - 1, FIRST_MONTH, 1), *given])
    return first - MARGIN, max([goal.due_on, *given]) + MARGIN


def _ground(frame: _Frame) -> Iterator[Markup]:
    """The side of the target on which it is met."""
    target = frame.y(float(frame.goal.target))
    up = frame.goal.direction == "up"
    top, bottom = (TOP, target) if up else (target, HEIGHT - BOTTOM)
    yield element("rect", x=LEFT, y=top, width=WIDTH - RIGHT - LEFT, height=max(bottom - top, 0.0), class_="better")


def _axes(frame: _Frame) -> Iterator[Markup]:
    for mark in frame.marks:
        y = frame.y(mark)
        yield line(LEFT, y, WIDTH - RIGHT, y, "grid")
        shown = number(Decimal(str(mark)), Display("", 0 if mark == int(mark) else 1))
        yield words(LEFT - 5, y + 3.5, shown, "tick", "end")
    first, last = (date.fromordinal(int(end)) for end in (frame.x.low, frame.x.high))
    for on, name in month_ticks(first, last):
        x = frame.x(on.toordinal())
        yield line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4, "axis")
        yield words(x, HEIGHT - BOTTOM + 15, name, "tick", "start" if x < LEFT + TICK_ROOM else "middle")
    yield line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis")


def _due(frame: _Frame) -> Iterator[Markup]:
    x = frame.x(frame.goal.due_on.toordinal())
    yield line(x, TOP - 4, x, HEIGHT - BOTTOM, "due")
    anchor = "end" if x > WIDTH - RIGHT - LABEL_ROOM else "middle"
    yield words(x, TOP - 9, f"due {day(frame.goal.due_on)}", "tick", anchor)


def _target(frame: _Frame) -> Iterator[Markup]:
    y = frame.y(float(frame.goal.target))
    yield line(LEFT, y, WIDTH - RIGHT, y, "target")
    yield words(WIDTH - RIGHT + 5, y - 2, "target", "aim")
    yield words(WIDTH - RIGHT + 5, y + 10, number(frame.goal.target, frame.goal.display), "aim strong")


def _path(frame: _Frame) -> Iterator[Markup]:
    """The path where it is not the target itself: its line, and what was expected at each review."""
    if frame.goal.steps:
        yield polyline((frame.at(on, level) for on, level in frame.goal.steps), "path")
    for standing in frame.goal.standings:
        if standing.expected is not None and standing.expected != frame.goal.target:
            x, y = frame.at(standing.measured_on, standing.expected)
            yield line(x - 6, y, x + 6, y, "expected")


def _values(frame: _Frame) -> Iterator[Markup]:
    goal = frame.goal
    judged = goal.standing.point if goal.standing else None
    yield from _connected(frame)
    for point in _shown(goal):
        if point is not judged:
            yield from _whisker(frame, point)
            x, y = frame.at(point.on, point.value)
            is_earlier = point.school_year < goal.school_year
            yield element("circle", cx=x, cy=y, r=3.4, class_="before" if is_earlier else "now")
    if judged is not None:
        yield from _ahead(frame, judged)
        yield from _whisker(frame, judged)
        x, y = frame.at(judged.on, judged.value)
        yield element("circle", cx=x, cy=y, r=6.0, class_=f"judged {label(goal.status).tone}")
    elif not goal.points:
        yield from _nothing_yet(frame)


def _ahead_point(goal: Goal) -> Point | None:
    """Where it is heading: the projection, on the due date."""
    outlook = goal.standing.outlook if goal.standing else None
    if outlook is None or outlook.projection is None:
        return None
    return Point(goal.due_on, "projection", outlook.projection, outlook.low, outlook.high)


def _ahead(frame: _Frame, judged: Point) -> Iterator[Markup]:
    ahead = _ahead_point(frame.goal)
    if ahead is None or ahead.on <= judged.on:
        return
    yield from _whisker(frame, ahead)
    yield polyline((frame.at(point.on, point.value) for point in (judged, ahead)), "ahead")
    x, y = frame.at(ahead.on, ahead.value)
    yield element("circle", cx=x, cy=y, r=3.4, class_="ahead")


def _connected(frame: _Frame) -> Iterator[Markup]:
    """Values of one school year are joined; a summer is not bridged."""
    by_year: dict[int, list[Point]] = {}
    for point in sorted(_shown(frame.goal), key=lambda p: p.on):
        by_year.setdefault(point.school_year, []).append(point)
    for points in by_year.values():
        if len(points) > 1:
            yield polyline((frame.at(point.on, point.value) for point in points), "joined")


def _whisker(frame: _Frame, point: Point) -> Iterator[Markup]:
    if point.low is None or point.high is None:
        return
    x, top = frame.at(point.on, min(point.high, Decimal(str(frame.y.high))))
    bottom = frame.y(float(max(point.low, Decimal(str(frame.y.low)))))
    yield line(x, top, x, bottom, "whisker")
    yield line(x - HALF_CAP, top, x + HALF_CAP, top, "whisker")
    yield line(x - HALF_CAP, bottom, x + HALF_CAP, bottom, "whisker")


def _nothing_yet(frame: _Frame) -> Iterator[Markup]:
    middle = (LEFT + WIDTH - RIGHT) / 2
    if frame.goal.baseline is not None:
        y = frame.y(float(frame.goal.baseline))
        yield element("circle", cx=LEFT + 6, cy=y, r=4.2, class_="before")
        yield words(LEFT + 14, y + 3.5, f"baseline {number(frame.goal.baseline, frame.goal.display)}", "tick")
    yield words(middle, (TOP + HEIGHT - BOTTOM) / 2, "no value yet", "quiet", "middle")
