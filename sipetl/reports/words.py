"""Words, shapes and rounded numbers: what a person reads in place of a code. Pure.

A tone is never the only sign: every status has a word and a shape of its own beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sipetl.metrics import half_up
from sipetl.reports.model import Count, Display, Goal, Point

HUNDRED = Decimal(100)
MINUS, DASH, THIN = "−", "–", " "  # noqa: RUF001 (typographic characters are meant)


@dataclass(frozen=True, slots=True)
class Label:
    """A word with its tone (a CSS class) and shape (an icon)."""

    word: str
    tone: str
    shape: str


NOT_NEEDED = Label("Not needed", "mute", "dash")
LABELS: Mapping[str, Label] = {
    # arrivals
    "on_time": Label("On time", "good", "check"),
    "recovered": Label("Came late", "good", "up"),
    "due_soon": Label("Due soon", "wait", "half"),
    "not_due": Label("Not due yet", "wait", "ring"),
    "late": Label("Late", "warn", "diamond"),
    "missing": Label("Missing", "bad", "cross"),
    "waived": Label("Waived", "mute", "dash"),
    # deliveries
    "accepted": Label("Accepted", "good", "check"),
    "landed": Label("Being taken in", "wait", "ring"),
    "held": Label("Held", "warn", "diamond"),
    "rejected": Label("Rejected", "bad", "cross"),
    "unrecognized": Label("Not recognized", "bad", "down"),
    "superseded": Label("Superseded", "mute", "dash"),
    "duplicate": Label("Duplicate", "mute", "ring"),
    "quarantined": Label("Rows in quarantine", "warn", "half"),
    # benchmarks and MAGs
    "met": Label("Met", "good", "check"),
    "on_track": Label("On track", "good", "up"),
    "off_track": Label("Off track", "bad", "down"),
    "not_met": Label("Not met", "bad", "cross"),
    "incomplete": Label("Incomplete data", "warn", "half"),
    "insufficient_n": Label("Too few to judge", "mute", "dash"),
    "no_data": Label("No data", "warn", "diamond"),
    "awaiting_source": Label("Awaiting source", "wait", "half"),
    "not_started": Label("Not started", "wait", "ring"),
    "not_judged": Label("Not judged yet", "wait", "ring"),
    # timeline steps
    "done": Label("Done", "good", "check"),
    "due": Label("Due", "wait", "ring"),
    "overdue": Label("Overdue", "bad", "cross"),
    # readiness
    "ready": Label("Ready", "good", "check"),
    "at_risk": Label("At risk", "warn", "diamond"),
    "blocked": Label("Blocked", "bad", "cross"),
    "not_needed": NOT_NEEDED,
}
"""In the order in which counts are listed."""
_ORDER = {word: place for place, word in enumerate(LABELS)}

DATA_STATUS: Mapping[str, str] = {
    "final": "",
    "provisional": "provisional",
    "incomplete": "incomplete data",
    "missing": "data missing",
    "embargoed": "under embargo",
}
_UNITS: Mapping[str, str] = {"percent": f"{THIN}%", "days": " days", "points": " points"}
_TIMES: Mapping[str, str] = {"entry": "pieces of evidence", "cycle": "reviews"}
_GAP_UNITS: Mapping[str, str] = {"percent": " points", "days": " days", "count": ""}


def label(word: str) -> Label:
    """The label of a code; one that is not known is shown as it is."""
    return LABELS.get(word, Label(word.replace("_", " ").capitalize(), "mute", "dash"))


def in_order(counts: Mapping[str, int]) -> tuple[Count, ...]:
    """Counts in the order of the labels, without zeros."""
    known = sorted(counts, key=lambda word: (_ORDER.get(word, len(_ORDER)), word))
    return tuple(Count(word, counts[word]) for word in known if counts[word])


def feed_name(feed: str) -> str:
    """A feed as a heading."""
    return feed.replace("_", " ").capitalize()


def number(value: Decimal | None, display: Display, *, unit: bool = True) -> str:
    """A value in its metric's decimals, halves away from zero, with its unit."""
    if value is None:
        return DASH
    rounded = half_up(value, display.decimals)
    text = f"{abs(rounded):,}" if rounded else f"{abs(rounded)}"
    return (MINUS if rounded < 0 else "") + text + (_UNITS.get(display.unit, "") if unit else "")


def interval(point: Point, display: Display) -> str:
    """Both bounds, or nothing; a share's bounds end at 0 and 100, however few it rests on."""
    if point.low is None or point.high is None:
        return ""
    low, high = point.low, point.high
    if display.unit == "percent" and 0 <= point.value <= HUNDRED:
        low, high = max(low, Decimal()), min(high, HUNDRED)
    return f"{number(low, display, unit=False)} to {number(high, display)}"


def data_word(point: Point) -> str:
    """What is to be said of a value's data; empty where it is final."""
    return DATA_STATUS.get(point.data_status, point.data_status)


def target_text(goal: Goal) -> str:
    """The target with the side on which it is met."""
    side = "at least" if goal.direction == "up" else "at most"
    return f"{side} {number(goal.target, goal.display)}"


def gap_text(goal: Goal) -> str:
    """How far the judged value is from what was expected that day, and on which side."""
    standing = goal.standing
    if standing is None or standing.gap is None or standing.expected is None:
        return ""
    expected = number(standing.expected, goal.display)
    size = number(abs(standing.gap), goal.display, unit=False)
    if standing.gap == 0:
        return f"exactly the {expected} expected by then"
    unit = _GAP_UNITS.get(goal.display.unit, " points")
    ahead = (standing.gap > 0) == (goal.direction == "up")
    return f"{size}{unit} {'better' if ahead else 'worse'} than the {expected} expected by then"


def change_text(goal: Goal) -> str:
    """The change since the review before, and whether chance alone could make it."""
    standing = goal.standing
    change = standing.outlook.change if standing else None
    if standing is None or change is None:
        return ""
    size = f"{number(abs(change), goal.display, unit=False)}{_GAP_UNITS.get(goal.display.unit, ' points')}"
    if change == 0:
        return "the same as at the review before"
    side = "better" if (change > 0) == (goal.direction == "up") else "worse"
    noise = {True: " (more than chance)", False: " (chance alone could do that)", None: ""}
    return f"{size} {side} than at the review before{noise[standing.outlook.is_beyond_noise]}"


def pace_text(goal: Goal) -> str:
    """What is still needed, or still allowed, at each measurement to come."""
    standing = goal.standing
    if standing is None or standing.outlook.pace is None:
        return ""
    pace, left = standing.outlook.pace, standing.outlook.periods_left
    if not half_up(pace, goal.display.decimals):
        return ""
    period = {"cycle": "review"}.get(standing.outlook.pace_period, standing.outlook.pace_period)
    size = f"{number(abs(pace), goal.display, unit=False)}{_GAP_UNITS.get(goal.display.unit, ' points')}"
    at = f"by the one {period} left" if left == 1 else f"at each of the {left} {period}s left"
    if goal.direction == "down" and pace > 0:
        return f"up to {size} more {at}"
    return f"{size} {'up' if pace > 0 else 'down'} {at}"


def projection_text(goal: Goal) -> str:
    """Where it is heading."""
    standing = goal.standing
    if standing is None or standing.outlook.projection is None:
        return ""
    outlook = standing.outlook
    bounds = ""
    if outlook.low is not None and outlook.high is not None:
        bounds = f" ({number(outlook.low, goal.display, unit=False)} to {number(outlook.high, goal.display)})"
    return f"{number(outlook.projection, goal.display)}{bounds}"


def times_text(goal: Goal) -> str:
    """How often a recurring benchmark was met, against its rule; where it is not the plan's own count, why."""
    times = goal.standing.times if goal.standing else None
    if times is None:
        return ""
    what = _TIMES.get(times.occurrence, f"{times.occurrence}s")
    so_far = f"met in {times.met} of {times.judged} {what} so far, needed in {times.needed} of {times.total}"
    if goal.recurrence is None or goal.recurrence == (times.needed, times.total):
        return so_far
    return f"{so_far} (the plan's {goal.recurrence[0]} of {goal.recurrence[1]}, as a share of the {what})"


def certainty_text(certainty: str | None) -> str:
    """What certainty means, in a few words."""
    if certainty == "close":
        return "close: chance alone could turn it"
    return "clear: more than chance" if certainty == "clear" else ""


def day(value: date | datetime) -> str:
    """A day as `13 Mar 2026`."""
    return f"{value.day} {value:%b %Y}"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names in one line; beyond `most` they are counted."""
    given = list(names)
    more = len(given) - most
    return ", ".join(given) if more <= 0 else f"{', '.join(given[:most])} and {more} more"


def clipped(text: str, length: int) -> str:
    """A name that fits a chart; the whole name is in the table beside it."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
