"""A report as one HTML file: no script, nothing fetched, readable on a phone, in the dark, on paper and aloud.

The second half of the room: `data` fills a page, the templates draw it. The functions here that templates call are
pure, so a page is a function of its data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Connection

from sipetl.reports import words
from sipetl.reports.charts import coverage_map, share_bar, side_by_side
from sipetl.reports.course import course_chart
from sipetl.reports.data import gather, scope_of
from sipetl.reports.grid import grid_of, lacking
from sipetl.reports.model import Chronic, Count, Coverage, Display, Goal, Kind, Page, Pair, Scope, Week
from sipetl.reports.svg import Spoken, icon

PERCENT = Display("percent", 1)
PAIRS = {"schools": "by school", "groups": "by student group", "grades": "by grade"}
"""The charts of chronic absence: field and title."""


def home_report(connection: Connection, *, as_of: date, title: str) -> str:
    """Render the page of the whole home as it stood at the end of a day.

    Raises:
        ConfigError: no registry has been applied, or there is no cycle.
    """
    return render(gather(connection, Scope(), as_of=as_of, title=title))


def report(connection: Connection, kind: str, code: str | None, *, as_of: date) -> str:
    """Render one page as it stood at the end of a day.

    Args:
        connection: the warehouse; nothing is written.
        kind: `home`, `district`, `school` or `readiness`.
        code: of the district, the school or the cycle; `readiness` without one is of the cycle under way.
        as_of: the day.

    Raises:
        ConfigError: there is no such report, district, school or cycle.
    """
    return render(gather(connection, scope_of(connection, kind, code), as_of=as_of))


def render(page: Page) -> str:
    """Draw a page."""
    return environment().get_template("report.html.j2").render(page=page)


@cache
def environment() -> Environment:
    """Where the pages' templates are, with what they call."""
    made = Environment(
        loader=PackageLoader("sipetl.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "day": words.day,
        "feed": words.feed_name,
        "listed": words.listed,
        "interval": words.interval,
        "data_word": words.data_word,
        "number": words.number,
    }
    made.globals |= {
        "Kind": Kind,
        "PERCENT": PERCENT,
        "badge": badge,
        "certainty_text": words.certainty_text,
        "change_text": words.change_text,
        "coverage_chart": coverage_chart,
        "course": goal_chart,
        "gap_text": words.gap_text,
        "grid_of": grid_of,
        "icon": icon,
        "PAIRS": PAIRS,
        "label": words.label,
        "lacking": lacking,
        "pace_text": words.pace_text,
        "pairs_chart": pairs_chart,
        "projection_text": words.projection_text,
        "share": counts_chart,
        "target_text": words.target_text,
        "times_text": words.times_text,
        "weeks_in_words": weeks_in_words,
    }
    return made


def badge(word: str) -> Markup:
    """A status: its shape and its word."""
    found = words.label(word)
    template = '<span class="badge {tone}">{icon}{word}</span>'
    safe = Markup(template)  # noqa: S704 (`format` escapes what is filled in)
    return safe.format(tone=found.tone, icon=icon(found.shape, found.tone), word=found.word)


def counts_chart(counts: tuple[Count, ...], title: str, key: str) -> Markup:
    """The bar of one group of counts."""
    spoken = "; ".join(f"{words.label(count.word).word} {count.n}" for count in counts)
    return share_bar(counts, Spoken(key, title, spoken))


def goal_chart(goal: Goal) -> Markup:
    """The chart of a benchmark or MAG."""
    standing = goal.standing
    latest = standing.point if standing and standing.point else goal.points[-1] if goal.points else None
    value = "no value yet"
    if latest is not None:
        bounds = words.interval(latest, goal.display)
        value = f"latest value {words.number(latest.value, goal.display)}{f' ({bounds})' if bounds else ''}"
    description = (
        f"{goal.measure}: {value}{f', {words.day(latest.on)}' if latest else ''}; "
        f"target {words.target_text(goal)}, due {words.day(goal.due_on)}; {words.label(goal.status).word}. "
        "All values are in the table below the chart."
    )
    return course_chart(goal, Spoken(goal.key, f"{goal.code}: {goal.text}", description))


def pairs_chart(chronic: Chronic, what: str, name: str) -> Markup:
    """Chronic absence of a district's `schools`, `groups` or `grades`."""
    pairs: tuple[Pair, ...] = getattr(chronic, what)
    said = (f"{pair.name} {words.number(pair.now.value, PERCENT)}" for pair in pairs if pair.now is not None)
    description = f"{'; '.join(said)}. All values are in the table below the chart."
    title = f"Chronic absence {PAIRS[what]}, {name}"
    return side_by_side(pairs, PERCENT, Spoken(f"c{chronic.key}{what}", title, description))


def coverage_chart(coverage: Coverage, name: str) -> Markup:
    """The weeks of a district's schools."""
    short = sum(any(week.here < week.days for week in weeks) for weeks in coverage.schools.values())
    description = (
        f"{len(coverage.schools)} schools, {short} of them with a week that is not whole. "
        "The table below the chart names those weeks."
    )
    return coverage_map(coverage, Spoken(f"w{coverage.district}", f"Attendance by week, {name}", description))


def weeks_in_words(weeks: Sequence[Week]) -> str:
    """What the coverage map shows of one school, as a sentence."""
    short = [week for week in weeks if week.here < week.days]
    if not short:
        return "Every week is whole."
    return "Not whole: " + "; ".join(_week_in_words(week) for week in short) + "."


def _week_in_words(week: Week) -> str:
    why = f", {week.overdue} overdue" if week.overdue else ", not due yet"
    return f"week of {words.day(week.monday)}, {week.here} of {week.days} days{why}"
