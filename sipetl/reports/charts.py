"""The charts: shares of a whole, schools and groups side by side, weeks that came. Pure: values in, SVG out.

Each is drawn at the width of a phone and grows with its place; each has a title and a description, and the page puts
its numbers in a table beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from markupsafe import Markup

from sipetl.reports.model import Count, Coverage, Display, Pair, Point, Week
from sipetl.reports.svg import WIDTH, Scale, Spoken, chart, element, line, ticks, words
from sipetl.reports.words import clipped, data_word, label, number

BAR_HEIGHT, BAR_GAP, LEAST_SEGMENT = 16.0, 2.0, 3.0
ROW, FIRST_ROW, EDGE = 38.0, 22.0, 6.0
NAME_LETTER, VALUE_LETTER = 7.2, 6.7
"""Widths of an average letter, bold and plain, in the widest of the page's fonts."""
WEEK_HEIGHT, WEEK_ROW = 14.0, 36.0


def share_bar(counts: Sequence[Count], spoken: Spoken) -> Markup:
    """One bar, cut by counts; the least count stays visible."""
    total = sum(count.n for count in counts)
    room = WIDTH - BAR_GAP * (len(counts) - 1)
    least = min(LEAST_SEGMENT, room / len(counts)) if counts else 0.0
    widths = [least + (room - least * len(counts)) * count.n / total for count in counts]
    segments, x = [], 0.0
    for count, width in zip(counts, widths, strict=True):
        tone = label(count.word).tone
        segments.append(element("rect", x=x, y=0, width=width, height=BAR_HEIGHT, rx=2, class_=f"segment {tone}"))
        x += width + BAR_GAP
    return chart(BAR_HEIGHT, spoken, *segments)


def side_by_side(pairs: Sequence[Pair], display: Display, spoken: Spoken) -> Markup:
    """A row each: this year's value as a dot with its interval, last year's as a hollow dot; as given in order."""
    height = FIRST_ROW + ROW * len(pairs)
    scale = _common_scale(pairs)
    grid = [_grid_line(scale, value, height, display) for value in ticks(scale.low, scale.high)]
    rows = [part for place, pair in enumerate(pairs) for part in _row(pair, FIRST_ROW + ROW * place, scale, display)]
    return chart(height, spoken, *grid, *rows)


def _common_scale(pairs: Iterable[Pair]) -> Scale:
    """From zero, so that twice the rate stands twice as far."""
    points = [point for pair in pairs for point in (pair.now, pair.before) if point is not None]
    highest = max((float(max(p.value, p.high or p.value)) for p in points), default=1.0)
    marks = ticks(0.0, highest)
    return Scale(marks[0], marks[-1], EDGE, WIDTH - EDGE)


def _grid_line(scale: Scale, value: float, height: float, display: Display) -> Markup:
    x = scale(value)
    anchor = "start" if value == scale.low else "end" if value == scale.high else "middle"
    shown = number(Decimal(str(value)), Display(display.unit, 0 if value == int(value) else 1))
    return line(x, FIRST_ROW - 8, x, height, "grid") + words(x, 10, shown, "tick", anchor)


def _row(pair: Pair, top: float, scale: Scale, display: Display) -> Iterator[Markup]:
    y = top + 26
    shown = _shown(pair.now, display)
    yield from _headed(top + 12, pair.name, shown)
    if pair.now is not None:
        yield _whisker(pair.now, y, scale)
    if pair.before is not None:
        yield element("circle", cx=scale(float(pair.before.value)), cy=y, r=4.2, class_="before")
    if pair.now is not None:
        yield element("circle", cx=scale(float(pair.now.value)), cy=y, r=4.6, class_="now")


def _headed(y: float, name: str, shown: str) -> Iterator[Markup]:
    """A name at the left, as much of it as there is room for, and its value at the right."""
    room = WIDTH - 2 * EDGE - VALUE_LETTER * len(shown)
    yield words(EDGE, y, clipped(name, int(room / NAME_LETTER)), "name")
    yield words(WIDTH - EDGE, y, shown, "value", "end")


def _shown(point: Point | None, display: Display) -> str:
    """Value, n and mark; that a running year is provisional is said once, beside the chart."""
    if point is None:
        return "no value yet"
    mark = "" if point.data_status == "provisional" else data_word(point)
    parts = (number(point.value, display), f"n {point.n:,}" if point.n is not None else "", mark)
    return " · ".join(part for part in parts if part)


def _whisker(point: Point, y: float, scale: Scale) -> Markup:
    if point.low is None or point.high is None:
        return Markup("")
    left, right = scale(float(point.low)), scale(float(point.high))
    ends = line(left, y - 3.5, left, y + 3.5, "whisker") + line(right, y - 3.5, right, y + 3.5, "whisker")
    return line(left, y, right, y, "whisker") + ends


def coverage_map(coverage: Coverage, spoken: Spoken) -> Markup:
    """A strip of weeks per school: a bar as high as the share of days that is here, a cross where days are overdue."""
    rows = list(coverage.schools.items())
    mondays = [week.monday for week in rows[0][1]] if rows else []
    step = (WIDTH - 2 * EDGE) / max(len(mondays), 1)
    height = FIRST_ROW + WEEK_ROW * len(rows)
    parts = [*_months(mondays, step)]
    for place, (name, weeks) in enumerate(rows):
        top = FIRST_ROW + WEEK_ROW * place
        parts += _headed(top + 10, name, _days_here(weeks))
        parts += [_week(week, EDGE + step * n, top + 15, step - 1) for n, week in enumerate(weeks) if week.days]
    return chart(height, spoken, *parts)


def _days_here(weeks: Iterable[Week]) -> str:
    weeks = list(weeks)
    return f"{sum(w.here for w in weeks)} of {sum(w.days for w in weeks)} days"


def _months(mondays: Sequence[date], step: float) -> Iterator[Markup]:
    """The name of a month over the first week that begins in it."""
    before = None
    for n, monday in enumerate(mondays):
        if monday.month != before and (n > 0 or monday.day <= 7):
            yield words(EDGE + step * n, 12, f"{monday:%b}", "tick")
        before = monday.month


def _week(week: Week, x: float, top: float, width: float) -> Markup:
    frame = element("rect", x=x, y=top, width=width, height=WEEK_HEIGHT, rx=1.5, class_="week")
    filled = WEEK_HEIGHT * week.here / week.days
    bar = element("rect", x=x, y=top + WEEK_HEIGHT - filled, width=width, height=filled, rx=1.5, class_="here")
    return frame + (bar if week.here else Markup("")) + (_cross(x, top, width) if week.overdue else Markup(""))


def _cross(x: float, top: float, width: float) -> Markup:
    size = min(width - 2, 5.0) / 2
    cx, cy = x + width / 2, top + WEEK_HEIGHT / 2
    corners = ((-size, -size, size, size), (-size, size, size, -size))
    return Markup("").join(line(cx + a, cy + b, cx + c, cy + d, "lacking") for a, b, c, d in corners)
