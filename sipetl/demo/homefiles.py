"""The registry of a demo home: who is expected to send what, when. Written as reviewed data is, with comments."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sipetl.demo.dates import (
    CYCLES,
    FIRST_DAYS,
    MCAS_WINDOW,
    MONTHS_2026,
    MONTHS_AHEAD,
    NEXT_MCAS,
    SNAPSHOTS,
    SURVEY_WINDOWS,
    TEST_WINDOWS,
    WindowDates,
    as_date,
    closures,
    school_days,
)
from sipetl.demo.spec import DistrictSpec
from sipetl.demo.surveys import (
    FAVORABLE_FROM,
    REVERSED,
    SCALE_MAX,
    STUDENT_ITEMS,
    STUDENT_SURVEY,
    TEACHER_ITEMS,
    TEACHER_SURVEY,
)
from sipetl.demo.tally import STATE
from sipetl.registry.models import (
    Calendar,
    Calendars,
    Closure,
    Cycle,
    Cycles,
    District,
    Due,
    Feed,
    FeedName,
    Feeds,
    Floors,
    Home,
    Model,
    Organizations,
    Region,
    School,
    Waiver,
    Waivers,
    Window,
)

REGIONS = {"R-NORTH": "Northern Region", "R-SOUTH": "Southern Region"}
WEEKLY_DAYS, FORTNIGHT_DAYS = 6, 11
"""School days after which a day's attendance is due, where files come weekly or every second week."""
TEST_DAYS = 5
SPRING = WindowDates("spring", 2026, date(2026, 5, 11), date(2026, 6, 5), date(2026, 6, 8))
HISTORY = "came once, when this home was made"
ADMINISTRATOR = "SSoS data lead"


def write_registry(specs: Sequence[DistrictSpec], folder: Path, identified: Iterable[tuple[str, str]]) -> None:
    """Write every file of the registry but the plans."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Home(state_code=STATE, state_name="Demonstration State", authority="MA")
    comment = "This home. The data is invented: no person or school in it exists."
    write_yaml(folder / "home.yaml", home.model_dump(), [comment])
    dump(
        folder / "organizations.yaml", _organizations(specs), "Regions, districts and schools, by the state's codes."
    )
    dump(folder / "calendars.yaml", _calendars(specs), "School days: every weekday from first to last day but these.")
    dump(folder / "cycles.yaml", _cycles(), "Monitoring cycles: the day the data describes, is due, and is reviewed.")
    dump(folder / "feeds.yaml", _feeds(specs), "What each district sends, and when it is due.")
    dump(folder / "waivers.yaml", _waivers(specs), "What need not come, why, and who says so.")
    _write_csv(
        folder / "crosswalk.csv", ("district", "local_code", "organization", "valid_from", "valid_to"), _names(specs)
    )
    columns = ("survey", "item", "topic", "reverse", "scale_max", "favorable_from")
    _write_csv(folder / "survey_items.csv", columns, _items())
    rows = ((school, group, 2026) for school, group in identified)
    _write_csv(folder / "identified.csv", ("school", "student_group", "school_year"), rows)


def dump(path: Path, model: Model, *comment: str) -> None:
    """Write a model as YAML, without what is default, under a comment."""
    write_yaml(path, model.model_dump(exclude_defaults=True), comment)


FLOORS = {"assessment": Floors(students=Decimal("0.6")), "survey": Floors(students=Decimal("0.4"))}
"""Shares of the roster that make a file whole: not every grade is tested, and few surveys reach everyone."""


def write_yaml(path: Path, data: Any, comment: Sequence[str]) -> None:
    """Write plain data as YAML under a comment."""
    yaml = YAML()
    yaml.default_flow_style = None if any(isinstance(part, (list, tuple)) for part in data.values()) else False
    yaml.representer.ignore_aliases = lambda *_: True
    yaml.width = 118
    yaml.indent(mapping=2, sequence=4, offset=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {line}\n" for line in comment)
        yaml.dump(_plain(data), file)


def _plain(value: Any) -> Any:
    """What YAML knows: times and decimals as text or numbers, tuples as lists."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, str):
        return str(value)
    return value


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _organizations(specs: Sequence[DistrictSpec]) -> Organizations:
    used = {spec.region for spec in specs}
    return Organizations(
        regions=tuple(Region(code=code, name=name) for code, name in REGIONS.items() if code in used),
        districts=tuple(
            District(district=s.district, code=s.code, name=s.name, region=s.region, calendar=s.calendar)
            for s in specs
        ),
        schools=tuple(
            School(code=school.code, name=school.name, district=spec.district, grades=school.grades)
            for spec in specs
            for school in spec.schools
        ),
    )


def _calendars(specs: Sequence[DistrictSpec]) -> Calendars:
    return Calendars(calendars=tuple(_calendar(spec, year) for spec in specs for year in FIRST_DAYS[spec.start]))


def _calendar(spec: DistrictSpec, year: int) -> Calendar:
    days = school_days(spec.start, year)
    first, last = as_date(days[0]), as_date(days[-1])
    shut = [s for s in closures(spec.start, year) if first <= s.starts <= last]
    return Calendar(
        calendar=spec.calendar,
        school_year=year,
        first_day=first,
        last_day=last,
        closures=tuple(
            Closure(on=s.starts, reason=s.reason)
            if s.starts == s.ends
            else Closure(starts=s.starts, ends=s.ends, reason=s.reason)
            for s in shut
        ),
    )


def _cycles() -> Cycles:
    return Cycles(
        cycles=tuple(
            Cycle(
                cycle=c.code,
                school_year=c.school_year,
                data_as_of=c.data_as_of,
                data_due=c.data_due,
                review_date=c.review_date,
            )
            for c in CYCLES
        )
    )


def _feeds(specs: Sequence[DistrictSpec]) -> Feeds:
    return Feeds(feeds=tuple(feed for spec in specs for feed in _feeds_of(spec)))


def _feeds_of(spec: DistrictSpec) -> list[Feed]:
    days = WEEKLY_DAYS if spec.weekly else FORTNIGHT_DAYS
    tests = (*TEST_WINDOWS, SPRING, MCAS_WINDOW, NEXT_MCAS)
    vendor = ("nwea_map_results",) if spec.test == "MAP" else ("iready_diagnostic_ela", "iready_diagnostic_math")
    attendance = ("sis_daily_attendance", "aspen_attendance") if spec.day_grain else ("aspen_attendance",)
    monthly = after(3, MONTHS_2026 + MONTHS_AHEAD)
    found = [
        _feed(spec, "roster", ("aspen_students",), after(3, _roster_windows()), tier=1),
        _feed(spec, "attendance", attendance, {"due": Due(rule="each_school_day", school_days=days)}, tier=1),
        _feed(spec, "assessment", (*vendor, "mcas_student"), after(TEST_DAYS, tests), tier=1),
        _feed(
            spec,
            "staff",
            ("staff_list",),
            {"due": Due(rule="date", on=date(2025, 10, 10)), **_staff_window()},
            tier=2,
        ),
        _feed(spec, "evidence", ("evidence_log",), monthly, tier=2),
    ]
    walks = monthly if spec.number == 0 else {"due": Due(rule="before_cycle", school_days=2)}
    found.append(_feed(spec, "observation", ("learning_walk",), walks, tier=2))
    if spec.surveys:
        surveys = ("qualtrics_survey_student", "qualtrics_survey_teacher")
        found.append(_feed(spec, "survey", surveys, after(TEST_DAYS, SURVEY_WINDOWS), tier=3))
    return found


def after(school_days_after: int, windows: Iterable[WindowDates]) -> dict[str, Any]:
    """Windows, and a due rule of some school days after each."""
    return {
        "due": Due(rule="after_window", school_days=school_days_after),
        "windows": tuple(
            Window(code=w.code, school_year=w.school_year, opens=w.opens, closes=w.closes) for w in windows
        ),
    }


def _feed(spec: DistrictSpec, feed: str, layouts: tuple[str, ...], rhythm: dict[str, Any], *, tier: int) -> Feed:
    return Feed(
        district=spec.district,
        feed=FeedName(feed),
        inbox=f"inbox/{spec.district}",
        layouts=layouts,
        owner=f"{spec.name} data office",
        notice=f"data@{spec.district}.example.org",
        tier=tier,
        floors=FLOORS.get(feed, Floors()),
        **rhythm,
    )


def _roster_windows() -> list[WindowDates]:
    """A snapshot each month, on its day."""
    return [WindowDates(f"{day:%Y-%m}", 2026, day, day, day) for day in SNAPSHOTS[2026]]


def _staff_window() -> dict[str, Any]:
    return {"windows": (Window(code="autumn", school_year=2026, opens=date(2025, 9, 2), closes=date(2025, 10, 3)),)}


def _waivers(specs: Sequence[DistrictSpec]) -> Waivers:
    """The complete year was loaded afterwards: nothing of it was ever due here, except MCAS."""
    found = []
    for spec in specs:
        whole = ["roster", "attendance", "staff", "evidence", "observation"] + (["survey"] if spec.surveys else [])
        found += [_waiver(spec, feed, None) for feed in whole]
        found += [_waiver(spec, "assessment", w.code) for w in TEST_WINDOWS if w.school_year == 2025]
    return Waivers(waivers=tuple(found))


def _waiver(spec: DistrictSpec, feed: str, window: str | None) -> Waiver:
    return Waiver(
        district=spec.district,
        feed=FeedName(feed),
        school_year=2025,
        window=window,
        reason=HISTORY,
        by=ADMINISTRATOR,
    )


def _names(specs: Sequence[DistrictSpec]) -> Iterable[Sequence[str]]:
    for spec in specs:
        yield (spec.district, spec.name, spec.code, "", "")
        for school in spec.schools:
            yield (spec.district, school.local, school.code, "", "")
            yield (spec.district, school.name, school.code, "", "")


def _items() -> Iterable[Sequence[Any]]:
    for survey, topics in ((STUDENT_SURVEY, STUDENT_ITEMS), (TEACHER_SURVEY, TEACHER_ITEMS)):
        for topic, items in topics.items():
            for item in items:
                yield (survey, item, topic, str(item in REVERSED).lower(), SCALE_MAX, FAVORABLE_FROM)
