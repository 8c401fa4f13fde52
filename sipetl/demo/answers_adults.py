"""Observation and evidence in the answer key (definitions: `answers`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sipetl.demo.answers_attendance import Stretch, stretches
from sipetl.demo.defects import MISSING_LOG
from sipetl.demo.groups import everybody, grade_groups
from sipetl.demo.people import Ints, Mask
from sipetl.demo.staff import AGENDA, EVIDENCE, INDICATORS, Evidence, Staff, Walks, rooms
from sipetl.demo.tally import Tally, Units
from sipetl.demo.world import District

GOOD_RATING = 3
MISSING_MONTH = "2025-12"


def add_walks(tally: Tally, district: District, everything: Sequence[Walks]) -> None:
    """Of a month in the month, else from the year's start; classrooms always from the year's start."""
    for walks in everything:
        new_room = _first_of_room(walks)
        for stretch in stretches(district.years[walks.year]):
            within = np.flatnonzero((walks.day >= stretch.start) & (walks.day < stretch.end))
            groups = grade_groups(walks.grade[within])
            tally.add(district.spec, stretch.period, walks.school[within], groups, _ratings(walks, within))
            one = np.ones(within.size)
            tally.add(
                district.spec, stretch.period, walks.school[within], groups, {"observation_count": (one, one, one)}
            )
            to_date = np.flatnonzero(walks.day < stretch.end)
            seen, of_all = new_room[to_date], grade_groups(walks.grade[to_date])
            rooms_seen: dict[str, Units] = {"classrooms_observed": (seen, seen, seen)}
            tally.add(district.spec, stretch.period, walks.school[to_date], of_all, rooms_seen)


def _ratings(walks: Walks, rows: Ints) -> dict[str, Units]:
    good = walks.ratings[rows] >= GOOD_RATING
    many, one = np.full(rows.size, len(INDICATORS)), np.ones(rows.size)
    metrics: dict[str, Units] = {"observation_at_or_above_3": (good.sum(axis=1), many, one)}
    for at, indicator in enumerate(INDICATORS):
        metrics[f"observation_at_or_above_3_{indicator.lower()}"] = (good[:, at], one, one)
    return metrics


def _first_of_room(walks: Walks) -> Mask:
    """The first walk of the year to each classroom of each school; walks are in order of their days."""
    first = np.zeros(walks.day.size, bool)
    _, at = np.unique(np.stack([walks.school, rooms(np.arange(walks.day.size))]), axis=1, return_index=True)
    first[at] = True
    return first


def add_evidence(tally: Tally, district: District, everything: Sequence[Evidence], staffs: Sequence[Staff]) -> None:
    """Of a month in the month, else from the year's start: teachers shown in evidence of each kind; and entries."""
    for evidence, staff in zip(everything, staffs, strict=True):
        days = district.years[evidence.year].days
        arrived = np.ones(evidence.day.size, bool)
        if MISSING_LOG.file.startswith(f"{district.spec.district}/"):
            arrived = days[evidence.day].astype("M8[M]") != np.datetime64(MISSING_MONTH)
        for stretch in stretches(district.years[evidence.year]):
            here = np.flatnonzero(arrived & (evidence.day >= stretch.start) & (evidence.day < stretch.end))
            if here.size:
                _add_teachers(tally, district, stretch, (evidence, staff, here))
            counts: dict[str, Units] = {}
            for code, kind in enumerate(EVIDENCE):
                shown, of_kind = evidence.satisfied[here], evidence.kind[here] == code
                counts[f"evidence_count_{kind}"] = (shown & of_kind, of_kind, of_kind)
            tally.add(district.spec, stretch.period, evidence.school[here], everybody(here.size), counts)


def _add_teachers(tally: Tally, district: District, stretch: Stretch, of: tuple[Evidence, Staff, Ints]) -> None:
    """All teachers of a district whose log has entries in the period; agendas are about no teacher."""
    evidence, staff, here = of
    teachers = np.flatnonzero(staff.is_teacher)
    one = np.ones(teachers.size)
    metrics: dict[str, Units] = {}
    for code, kind in enumerate(EVIDENCE):
        if code != AGENDA:
            who = evidence.staff[here[evidence.satisfied[here] & (evidence.kind[here] == code)]]
            metrics[f"staff_with_evidence_{kind}"] = (np.isin(teachers, who), one, one)
    tally.add(district.spec, stretch.period, staff.school[teachers], everybody(teachers.size), metrics)
