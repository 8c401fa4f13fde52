"""A report page made by hand, every number written down: two towns, plans of every path, something of every status."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sipetl.readiness import Goal as BlockedGoal
from sipetl.readiness import Readiness, Row, State
from sipetl.registry.models import Cycle
from sipetl.reports.coverage import weeks_of
from sipetl.reports.model import (
    Chronic,
    Count,
    Coverage,
    Display,
    Glance,
    Goal,
    Page,
    Pair,
    Point,
    SchoolPlan,
    Scope,
    Standing,
    Waiting,
    WaitKind,
)  # fmt: skip
from sipetl.reports.progress import Outlook, Step, Times

AS_OF = date(2026, 3, 24)
NOW = datetime(2026, 3, 24, 23, 59, 59, tzinfo=UTC)
C2, C3 = date(2026, 1, 30), date(2026, 3, 13)
CYCLES = {
    "C2": Cycle(
        cycle="C2", school_year=2026, data_as_of=C2, data_due=date(2026, 2, 6), review_date=date(2026, 2, 24)
    ),
    "C3": Cycle(
        cycle="C3", school_year=2026, data_as_of=C3, data_due=date(2026, 3, 20), review_date=date(2026, 3, 26)
    ),
}
SCHOOLS = {
    "3501": ("Alder Elementary School", "Birch & Beech Middle School", "Cedar <Hill> High School"),
    "3502": ("Dogwood Elementary School", "Elm Street Regional Vocational Technical High School"),
}
FEEDS = (
    "assessment", "attendance", "course", "discipline", "evidence", "observation", "published_results", "roster",
    "staff", "survey",
)  # fmt: skip
DISTRICTS = {"3501": "Harbor City", "3502": "Mill & River Regional"}


def d(text: str) -> Decimal:
    return Decimal(text)


def point(on: date, label: str, value: str, half: str | None = None, n: int = 212, data: str = "final") -> Point:
    """A value with an interval of `half` on both sides."""
    low, high = (None, None) if half is None else (d(value) - d(half), d(value) + d(half))
    return Point(on, label, d(value), low, high, n, data)


def months(*values: str, half: str = "3.9") -> tuple[Point, ...]:
    """Values at the ends of September, October, ..."""
    ends = [date(2025, 9, 30), date(2025, 10, 31), date(2025, 11, 30), date(2025, 12, 31), date(2026, 1, 31),
            date(2026, 2, 28)]  # fmt: skip
    return tuple(
        point(on, f"{on:%b %Y}", value, half, data="provisional" if on > C2 else "final")
        for on, value in zip(ends, values, strict=False)
    )


def goal(code: str, **given: object) -> Goal:
    made = Goal(
        key=f"g{given.pop('school', '1')}{code}", code=code, is_mag=code.startswith("M"), kind="student",
        text="Fewer students are chronically absent to date", metric="Chronically absent (10 % or more), PK-12",
        student_group="All students", display=Display("percent", 1), target=d("19.0"), direction="down", path="hold",
        due_on=C3,
    )  # fmt: skip
    return replace(made, **given)  # type: ignore[arg-type]


def judged(
    status: str, at: Point, expected: str | None, gap: str | None, certainty: str | None = "clear"
) -> Standing:
    on = at.on
    return Standing("C3", on, status, certainty, at, expected and d(expected), gap and d(gap))  # type: ignore[arg-type]


AHEAD = Outlook(d("4.25"), False, d("6.65"), "cycle", 3, d("71.45"), d("60"), d("82.9"))
TIMELINE = (
    Step("TP2-I1", "Team agrees on routine & look-fors", "Principal", date(2025, 10, 3), date(2025, 9, 26), "done"),
    Step("TP2-I1", "First review of the data with all staff", "Coach", date(2025, 12, 5), None, "overdue"),
    Step("TP2-I1", "Families are invited", "Principal", date(2026, 4, 3), None, "due"),
)


def goals(school: str) -> tuple[Goal, ...]:
    rising = months("41.2", "44.0", "47.3", "46.1", "52.9", half="9.0")
    windows = (
        point(date(2024, 10, 4), "fall 2024-25", "44.1", "6.6"), point(date(2025, 1, 24), "winter 2024-25", "47.5", "6.7"),
        point(date(2025, 6, 6), "spring 2024-25", "49.8", "6.7"), point(date(2025, 10, 3), "fall 2025-26", "46.0", "6.6"),
        point(date(2026, 1, 23), "winter 2025-26", "53.25", "6.7", data="incomplete"),
    )  # fmt: skip
    return (
        goal("B1", school=school, kind="educator", text="Ratings at 3 or above on learning walks rise each month",
             metric="Learning walks: rated 3 or above", target=d("52.0"), direction="up", path="rises",
             baseline=d("41.2"), points=rising, recurrence=(4, 6),
             standings=(replace(judged("on_track", point(date(2026, 2, 28), "C3", "55.05", "9.1", n=38), "52.9", "2.15", "close"),
                                times=Times("month", 3, 5, 4, 6)),)),
        goal("B2", school=school, kind="educator", student_group="", text="Teachers act on feedback that a coach wrote for them",
             metric="Staff with evidence: coaching feedback", target=d("75"), direction="up", baseline=d("40"),
             points=months("22.0", "31.0", "38.5", "44.0", "51.0", half="7.5"),
             due_on=date(2026, 6, 18),
             standings=(replace(judged("off_track", point(date(2026, 2, 28), "C3", "55.0", "7.5", n=61), "75", "-20"), outlook=AHEAD),)),
        goal("B3", school=school, text="Students meet their typical growth in mathematics", direction="up",
             metric="MAP Growth MATH: met projected growth", target=d("52.5"), path="same_window",
             due_on=date(2026, 1, 23), baseline=d("47.5"), points=windows,
             standings=(judged("incomplete", windows[-1], "52.5", "0.75", "close"),)),
        goal("B4", school=school, baseline=d("24.6"), points=months("14.9", "16.1", "17.0", "17.8", "18.3", "18.1"),
             standings=(judged("met", point(C3, "C3", "18.15", "4.9", data="provisional"), "19.0", "-0.85", "close"),)),
        goal("B5", school=school, text="Fewer office referrals, step by step", metric="Average number of days absent",
             display=Display("days", 1), path="checkpoints", target=d("8"), due_on=date(2026, 6, 18), baseline=d("13"),
             points=months("2.0", "3.4", "5.1", "6.0", "7.7", half="0.8"),
             steps=((date(2025, 10, 1), d("4")), (date(2026, 2, 1), d("4")), (date(2026, 2, 1), d("6")),
                    (date(2026, 6, 18), d("6")), (date(2026, 6, 18), d("8"))),
             standings=(judged("not_met", point(C3, "C3", "8.94", "0.8"), "6", "2.94"),)),
        goal("B6", school=school, text="Students of the smallest group are at school", metric="Attendance rate",
             student_group="Native Hawaiian or Pacific Islander", target=d("93.0"), direction="up",
             standings=(judged("insufficient_n", point(C3, "C3", "91.0", "6", n=4), None, None, None),)),
        goal("M3", school=school, text="More students meet or exceed expectations in ELA", path="year_end_only",
             metric="MCAS ELA: meeting or exceeding expectations", target=d("38.0"), direction="up", baseline=d("33.0"),
             due_on=date(2026, 9, 30), standings=(Standing("C3", C3, "awaiting_source", missing="published results 2026"),)),
    )  # fmt: skip


def coverage() -> tuple[Coverage, ...]:
    first = date(2025, 9, 2)
    vacation = {date(2025, 12, 24) + timedelta(days=n) for n in range(10)}
    days = [day for n in range((AS_OF - first).days + 1) if (day := first + timedelta(days=n)).weekday() < 5]
    days = [day for day in days if day not in vacation]
    whole, gap = [(first, AS_OF)], [(first, date(2026, 1, 7)), (date(2026, 2, 2), date(2026, 3, 20))]
    short = [(first, date(2026, 3, 6))]
    spans = {"3501": (whole, gap, whole), "3502": (short, short)}
    return tuple(
        Coverage(district, {name: weeks_of(days, span, date(2026, 3, 20)) for name, span in zip(SCHOOLS[district], spans[district], strict=True)})
        for district in SCHOOLS
    )  # fmt: skip


def readiness(cycle: str) -> Readiness:
    blocks = (BlockedGoal("P1", "B3", False, "Students meet their typical growth in mathematics"),)
    rows = []
    for district, names in SCHOOLS.items():
        for feed in FEEDS:
            for number, name in enumerate(names):
                row = Row(
                    district,
                    feed,
                    f"{district}{number:04d}",
                    name,
                    State.READY,
                    None,
                    "A. Clerk, data office",
                    None,
                    (),
                )
                if (district, feed) == ("3502", "survey"):
                    row = replace(row, state=State.NOT_NEEDED)
                if cycle == "C3" and (district, feed) == ("3502", "assessment"):
                    row = replace(
                        row,
                        state=State.BLOCKED,
                        missing="winter is missing, was due 2026-01-30",
                        due_at=NOW,
                        blocks=blocks,
                    )
                if cycle == "C3" and (feed, number) == ("attendance", 1):
                    row = replace(
                        row,
                        state=State.AT_RISK,
                        missing="12 of 121 school days are not here, 12 of them overdue, from 2026-01-08",
                        due_at=NOW,
                        blocks=blocks,
                    )
                rows.append(row)
    return Readiness(CYCLES[cycle], NOW, tuple(rows))  # fmt: skip


def chronic() -> tuple[Chronic, ...]:
    now = lambda value, half, n=212, data="provisional": point(AS_OF, "2025-26", value, half, n, data)  # noqa: E731
    before = lambda value: point(date(2025, 6, 20), "2024-25", value, None)  # noqa: E731
    names = SCHOOLS["3501"]
    return (
        Chronic("3501", "35010000", (
            Pair(names[2], now("31.45", "3.2", 804), before("34.0")),
            Pair(names[1], now("22.4", "3.6", 511, "incomplete"), before("20.1")),
            Pair(names[0], now("14.05", "4.4"), before("24.6")),
        ), (
            Pair("All students", now("24.9", "2.1", 1527), before("27.2")),
            Pair("American Indian or Alaska Native", now("28.6", "18.0", 14), None),
            Pair("Multi-race, not Hispanic or Latino", now("26.0", "6.0", 190), before("27.9")),
            Pair("English learners", now("33.1", "4.5", 402), before("38.4")),
            Pair("Students with disabilities", None, before("36.5")),
        ), (Pair("Grade 7", now("22.0", "6.1", 171), before("21.2")),)),
        Chronic("3502", "35020000", (Pair(SCHOOLS["3502"][1], now("12.5", "3.0", 480), None),), ()),
    )  # fmt: skip


def waiting() -> tuple[Waiting, ...]:
    at = datetime(2026, 3, 23, 15, tzinfo=UTC)
    part = "0199c5d2-6f9e-7cc1-9c0f-7b0f6c3f9d10"
    return (
        Waiting(WaitKind.HELD, "3501", "roster", "students_2026-03-23.csv", at, "it would remove 402 of 1,527 rows",
                f"sipetl hold show {part}"),
        Waiting(WaitKind.REJECTED, "3502", "attendance", "attendance_<final>&v2.csv", at,
                "no column says which school", f"sipetl delivery show {part}"),
        Waiting(WaitKind.UNRECOGNIZED, "3502", None, "budget.xlsx", at, "no layout fits", f"sipetl delivery show {part}"),
        Waiting(WaitKind.QUARANTINED, "3501", "assessment", "map_winter.zip", at, "17 of 1,204 rows wait with a reason",
                f"sipetl delivery show {part}"),
    )  # fmt: skip


def full_page() -> Page:
    plans = tuple(
        SchoolPlan(
            "3501", f"3501000{n}", name, f"{name}: plan for 2025-26", date(2025, 9, 2), goals(str(n)), TIMELINE
        )
        for n, name in enumerate(SCHOOLS["3501"][1:])
    )
    return Page(
        title="Three towns & a <demo>",
        scope=Scope(),
        as_of=AS_OF,
        districts=DISTRICTS,
        glance=Glance(
            arrivals=(Count("on_time", 411), Count("recovered", 9), Count("due_soon", 4), Count("late", 3),
                      Count("missing", 1), Count("waived", 2)),
            incomplete=2,
            deliveries=(Count("accepted", 187), Count("held", 1), Count("rejected", 2), Count("unrecognized", 1),
                        Count("superseded", 12), Count("duplicate", 3)),
            benchmarks=(Count("met", 2), Count("on_track", 2), Count("off_track", 2), Count("not_met", 2),
                        Count("incomplete", 2), Count("insufficient_n", 2), Count("awaiting_source", 2)),
        ),
        cycles=(readiness("C3"), readiness("C2")),
        coverage=coverage(),
        plans=plans,
        chronic=chronic(),
        waiting=waiting(),
    )  # fmt: skip
