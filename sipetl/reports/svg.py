"""The small parts of which charts are made: elements, scales, ticks. Pure.

Colours are CSS classes, so that a chart follows the page's light, dark and print looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup, escape

WIDTH = 360
"""Units of every chart's width: at this size its text is as large as the page's small print on a phone."""
TICK_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
MOST_MONTH_TICKS, MOST_DATED_TICKS = 6, 4
ICONS = {
    "check": '<circle cx="7" cy="7" r="6"/><path class="on" d="M4 7.2 6.2 9.4 10 4.8"/>',
    "up": '<path d="M7 1 13.2 12.5H.8Z"/>',
    "down": '<path d="M7 13 13.2 1.5H.8Z"/>',
    "cross": '<rect x="1" y="1" width="12" height="12" rx="2"/><path class="on" d="M4.5 4.5 9.5 9.5M9.5 4.5 4.5 9.5"/>',
    "diamond": '<path d="M7 .5 13.5 7 7 13.5.5 7Z"/>',
    "half": '<circle class="line" cx="7" cy="7" r="5.2"/><path d="M7 1.8a5.2 5.2 0 0 1 0 10.4Z"/>',
    "ring": '<circle class="line" cx="7" cy="7" r="5.2"/>',
    "dash": '<path class="line" d="M2 7H12"/>',
}
"""Our own drawings, in 14 x 14 units; class `on` is drawn in the paper's colour."""


def element(name: str, *children: str, text: str = "", **attributes: object) -> Markup:
    """An element; attributes and text are escaped, children must be markup. `_` in a name stands for `-`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = escape(text) + Markup("").join(children)
    return Markup(f"<{name}{given}>") + inside + Markup(f"</{name}>")  # noqa: S704 (all parts are escaped above)


def icon(shape: str, tone: str) -> Markup:
    """A status's shape; it says nothing to a screen reader, the word beside it does."""
    drawn = Markup(ICONS[shape])  # noqa: S704 (our own drawing)
    return element("svg", drawn, class_=f"icon {tone}", viewBox="0 0 14 14", aria_hidden="true", focusable="false")


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a chart says to who cannot see it."""

    key: str
    title: str
    description: str


def chart(height: float, spoken: Spoken, *children: str) -> Markup:
    """A chart as wide as its place."""
    title_id, description_id = f"{spoken.key}-t", f"{spoken.key}-d"
    return element(
        "svg",
        element("title", text=spoken.title, id=title_id),
        element("desc", text=spoken.description, id=description_id),
        *children,
        class_="chart",
        role="img",
        viewBox=f"0 0 {WIDTH} {_plain(height)}",
        aria_labelledby=f"{title_id} {description_id}",
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values to places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def days(first: date, last: date, start: float, end: float) -> Scale:
    """A scale of days, by their ordinals; never empty."""
    return Scale(first.toordinal(), max(last, first + timedelta(days=1)).toordinal(), start, end)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers that cover a range, `about` that many steps apart.

    >>> ticks(12.3, 31.9)
    [10.0, 15.0, 20.0, 25.0, 30.0, 35.0]
    """
    span = (high - low) or 1.0
    size = 10.0 ** math.floor(math.log10(span / about))
    step = next(size * factor for factor in TICK_STEPS if size * factor * about >= span)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(n * step, 9) for n in range(first, max(last, first + 1) + 1)]


def month_ticks(first: date, last: date) -> list[tuple[date, str]]:
    """Firsts of months, few enough to label; over more than a year they name it."""
    months = list(_firsts(first, last))
    style, most = ("%b", MOST_MONTH_TICKS) if len(months) <= 12 else ("%b %y", MOST_DATED_TICKS)
    every = next(n for n in (1, 2, 3, 4, 6, 12, len(months) + 12) if len(months) / n <= most)
    return [(on, on.strftime(style)) for on in months[::every]]


def _firsts(first: date, last: date) -> Iterator[date]:
    on = first if first.day == 1 else (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    while on <= last:
        yield on
        on = (on + timedelta(days=32)).replace(day=1)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def words(x: float, y: float, text: str, class_: str = "", anchor: str | None = None) -> Markup:
    """A line of text."""
    return element("text", text=text, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def polyline(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """A broken line."""
    return element("polyline", points=" ".join(f"{_plain(x)},{_plain(y)}" for x, y in points), class_=class_)


def _plain(value: object) -> str:
    """Numbers short: a tenth of a unit is finer than a screen."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
