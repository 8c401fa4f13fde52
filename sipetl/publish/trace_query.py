"""The query for the rows of one feed that a number rests on: its organization's, of its time, of what it measures.

As the facts of the feed have it (metrics/facts/*.sql), as far as it is about single rows. Pure; used by `trace_rows`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sipetl.lake.tables import FOLDED, quoted
from sipetl.metrics import Metric
from sipetl.metrics.policies import policy_numbers
from sipetl.publish.trace import Trace
from sipetl.registry.models import FeedName

_DAYS = {
    FeedName.ATTENDANCE: "attendance_date",
    FeedName.ROSTER: "valid_from",
    FeedName.STAFF: "valid_from",
    FeedName.OBSERVATION: "observed_on",
    FeedName.EVIDENCE: "evidence_on",
    FeedName.DISCIPLINE: "incident_on",
}
"""The day of a row, by feed."""
_WINDOWS = {
    FeedName.ASSESSMENT: ("tested_on", "assessment, subject"),
    FeedName.SURVEY: ("responded_on", "survey, population"),
}
"""Feeds of windows: the day of a row where it has one, and what the newest window is found for."""
_KINDS = {
    FeedName.ATTENDANCE: "grain",
    FeedName.ROSTER: "'enrolment'",
    FeedName.STAFF: "'employment'",
    FeedName.OBSERVATION: "rubric",
    FeedName.EVIDENCE: "evidence",
    FeedName.ASSESSMENT: "concat_ws(' ', assessment, subject)",
    FeedName.SURVEY: "concat_ws(' ', survey, population)",
    FeedName.PUBLISHED_RESULTS: "concat_ws(' ', metric, nullif(subject, ''))",
}
"""What kind of row it is, by feed; nothing of a person."""
_HELD_TO = {
    "assessment": "assessment",
    "subject": "subject",
    "population": "population",
    "evidence": "slug(evidence)",
    "indicator": "slug(indicator)",
    "figure": "slug(concat_ws('_', metric, nullif(subject, '')))",
}
"""Columns of facts that a metric's condition may hold to one text, as the lake has them."""
BY_DAY = ("event", "day", "section")
"""Grains of attendance in which a row is about one day."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which number, and what of its organization, period and metric bears on rows."""

    found: Trace
    metric: Metric | None
    level: str
    starts_on: date | None
    """First day that is looked at; None = all of the school year."""


def rows_query(question: Question, feed: FeedName, view: str, parts: Sequence[str]) -> str:
    """Columns: part_id, row_number, slot (a day or window), kind, person, absent, is_open (a day of school).

    Needs the tables `open_day`, `window_end` and `ref_survey_item`, and the macros of metrics.
    """
    ids = ", ".join(map(quoted, parts))
    conditions = [f"part_id in ({ids})", *_conditions(question, feed)]
    slot, newest = _slot(feed), _newest(question, feed)
    person = "id_hash" if feed is FeedName.ATTENDANCE else "null"
    return f"""
        select part_id, row_number, slot, kind, person, absent, is_open
        from (
            select
                part_id, row_number, {slot} as slot, {_KINDS.get(feed, "''")} as kind, {person} as person,
                {_absent(feed)} as absent, {_open(feed)} as is_open, {_own(question, feed)} as is_own
            from {view} as r
            where {" and ".join(f"({one})" for one in conditions)}
            {newest}
        )
        where is_own"""


def _slot(feed: FeedName) -> str:
    if feed in _DAYS:
        return f"{_DAYS[feed]}::varchar"
    return {FeedName.PUBLISHED_RESULTS: "coalesce(nullif(period, ''), 'annual')", FeedName.COURSE: "term"}.get(
        feed, '"window"'
    )


def _conditions(question: Question, feed: FeedName) -> Iterator[str]:
    """Of which time, and of what, the rows are."""
    yield from _time(question, feed)
    if feed is FeedName.ATTENDANCE:
        staff = question.metric is not None and question.metric.unit == "staff"
        yield f"population = '{'staff' if staff else 'student'}'"
    if feed is FeedName.ASSESSMENT:
        yield "is_result is distinct from false"
    if question.metric is not None and question.metric.feed is feed:
        yield from _held_to(question.metric)


def _time(question: Question, feed: FeedName) -> Iterator[str]:
    found, as_of = question.found, f"date '{question.found.as_of}'"
    if feed in FOLDED:
        yield f"valid_from <= {as_of}"
        if question.starts_on:
            yield f"valid_to is null or valid_to > date '{question.starts_on}'"
    elif feed in _DAYS:
        yield f"{_DAYS[feed]} <= {as_of}"
        if question.starts_on:
            yield f"{_DAYS[feed]} >= date '{question.starts_on}'"
    elif feed in _WINDOWS:
        if found.period_kind == "window":
            yield f'"window" = {quoted(found.period.partition("-")[2])}'
        elif found.period_kind == "cycle":  # a year takes its results, whenever they came
            yield f"{_effective(feed)} <= {as_of}"


def _effective(feed: FeedName) -> str:
    """The day a row of a window counts from, as the facts have it."""
    end = '(select ends_on from window_end as w where w.window_code = r."window")'
    return f"coalesce({_WINDOWS[feed][0]}, {end}, make_date(school_year, 6, 30))"


def _held_to(metric: Metric) -> Iterator[str]:
    """The parts of a metric's condition that hold a column to one text."""
    from sqlglot import exp, parse_one

    for node in parse_one(metric.where or "true", dialect="duckdb").find_all(exp.EQ):
        left, right = node.this, node.expression
        value = metric.bound.get(right.name) if isinstance(right, exp.Placeholder) else right.name
        if left.name in _HELD_TO:
            yield f"{_HELD_TO[left.name]} = {quoted(str(value))}"
        elif left.name == "topic":
            item = "b.survey = r.survey and b.item = r.item and r.value between 1 and b.scale_max"
            yield f"exists (select 1 from ref_survey_item as b where {item} and slug(b.topic) = {quoted(str(value))})"


def _newest(question: Question, feed: FeedName) -> str:
    """Year and cycle take the newest window of the district."""
    if feed not in _WINDOWS or question.found.period_kind == "window":
        return ""
    rank = "list_position(['fall', 'winter', 'spring', 'annual'], \"window\")"
    return f"qualify {rank} = max({rank}) over (partition by district, {_WINDOWS[feed][1]})"


def _own(question: Question, feed: FeedName) -> str:
    """Whether a row is of the organization; above schools, the parts are of its districts already."""
    code = quoted(question.found.organization)
    if feed is FeedName.PUBLISHED_RESULTS:
        return f"organization = {code} or (level = 'district' and {quoted(question.level)} in ('region', 'state'))"
    return f"school = {code}" if question.level == "school" else "true"


def _absent(feed: FeedName) -> str:
    if feed is not FeedName.ATTENDANCE:
        return "null::boolean"
    above = policy_numbers()["absent_above_x100"]
    return f"coalesce(portion_absent_x100 > {above}, not present, case when tardy then false end)"


def _open(feed: FeedName) -> str:
    """Whether the row's day is a school day; true where nobody knows."""
    if feed is not FeedName.ATTENDANCE:
        return "true"
    return (
        f"grain not in {BY_DAY} or district not in (select district from open_day)"
        " or (district, attendance_date) in (select (district, day) from open_day)"
    )
