"""Forty districts by hand: a registry, and a small file of three feeds from each, whose figures can be told in the head.

District number `i` (from 0) has one school of six students. In one week of five days student 0 misses the first `i % 4`
days; of the two entries of its evidence log, one meets the expectation, and both do in every second district.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from sipetl.registry.models import FeedName
from tests.home import Student, attendance, roster, weekdays

DISTRICTS = tuple(f"{number:04}" for number in range(101, 141))
STUDENTS, DAYS = 6, weekdays(date(2025, 10, 6), 5)
ROWS = {FeedName.ROSTER: STUDENTS, FeedName.ATTENDANCE: STUDENTS * len(DAYS), FeedName.EVIDENCE: 2}
"""Of each district's file."""
FILE_NAMES = {
    FeedName.ROSTER: "students_export_2025-09-02.csv",
    FeedName.ATTENDANCE: "attendance_october.csv",
    FeedName.EVIDENCE: "evidence_log_2025-10-01_2025-10-31.csv",
}
SENT_AT = datetime(2026, 1, 20, 6, tzinfo=UTC).timestamp()
FEED = (
    '  - {{district: "{district}", feed: {feed}, inbox: "{inbox}", match: "{match}", owner: Data office,'
    " due: {{rule: before_cycle, school_days: 2}}}}\n"
)


@dataclass(frozen=True)
class Pupil(Student):
    """Somebody who does not exist, of one of the forty."""

    district: str = ""

    @property
    def number(self) -> str:
        return f"{self.district}77{self.n:03d}"


def school_of(district: str) -> str:
    return f"{district}0010"


def absences(district: str) -> int:
    return DISTRICTS.index(district) % 4


def satisfied(district: str) -> int:
    return 2 - DISTRICTS.index(district) % 2


def write_registry(folder: Path, drop: Path) -> None:
    """The registry, with inboxes on storage that every host reaches."""
    files = {
        "home.yaml": "state_name: State of Tests\n",
        "organizations.yaml": "regions:\n  - {code: R-1, name: First Region}\ndistricts:\n"
        + "".join(
            f'  - {{district: "{d}", code: "{d}0000", name: District {d}, region: R-1, calendar: all}}\n'
            for d in DISTRICTS
        )
        + "schools:\n"
        + "".join(f'  - {{code: "{school_of(d)}", name: School {d}, district: "{d}"}}\n' for d in DISTRICTS),
        "calendars.yaml": "calendars:\n"
        "  - {calendar: all, school_year: 2026, first_day: 2025-08-27, last_day: 2026-06-17}\n",
        "cycles.yaml": "cycles:\n  - {cycle: C1, school_year: 2026, data_as_of: 2025-11-14, data_due: 2025-11-21,"
        " review_date: 2025-12-02}\n",
        "crosswalk.csv": "district,local_code,organization,valid_from,valid_to\n"
        + "".join(f"{d},SCH,{school_of(d)},,\n" for d in DISTRICTS),
        "survey_items.csv": "survey,item,topic,reverse,scale_max,favorable_from\n",
        "identified.csv": "school,student_group,school_year\n",
        "feeds.yaml": "feeds:\n"
        + "".join(
            FEED.format(district=d, feed=feed, inbox=drop / d, match=f"{name.partition('_')[0]}*")
            for d in DISTRICTS
            for feed, name in FILE_NAMES.items()
        ),
    }
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def send(drop: Path) -> None:
    """Every district drops its three files."""
    for district in DISTRICTS:
        (drop / district).mkdir(parents=True)
        for feed, content in files_of(district).items():
            path = drop / district / FILE_NAMES[feed]
            path.write_text(content, encoding="utf-8")
            os.utime(path, (SENT_AT, SENT_AT))


def files_of(district: str) -> dict[FeedName, str]:
    people = [Pupil(n, "SCH", district=district) for n in range(STUDENTS)]
    missed = DAYS[: absences(district)]
    entries = "".join(
        f"{district}-{n},SCH,2025-10-0{6 + n},coaching_feedback,{district}9{n},document,{'NY'[n < satisfied(district)]},\n"
        for n in range(2)
    )
    return {
        FeedName.ROSTER: roster(people),
        FeedName.ATTENDANCE: attendance(people, DAYS, lambda s, day: "A" if s.n == 0 and day in missed else "P"),
        FeedName.EVIDENCE: "Entry ID,School Code,Date,Evidence,Staff ID,Artifact,Meets Expectation (Y/N),Notes\n"
        + entries,
    }
