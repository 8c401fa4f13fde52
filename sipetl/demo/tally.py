"""Adding up the answer key: units' integers into schools x groups, and schools into the levels above.

Additive measures only: the levels above are sums of schools. What is not additive is added by its own level
(`Tally.put`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sipetl.demo.groups import GROUPS, Membership
from sipetl.demo.people import Ints
from sipetl.demo.spec import DistrictSpec

STATE = "00000000"
COUNTS = ("classrooms_observed", "evidence_count_", "observation_count")
"""Metrics (or how their names begin) that are counts: each has denominator 1, at every level."""
KEYS = ["level", "organization", "school_year", "period_kind", "period_code", "metric", "student_group"]
SUMS = ["numerator", "denominator", "n"]
Units = tuple[npt.NDArray[np.generic], npt.NDArray[np.generic], npt.NDArray[np.generic]]
"""Numerator, denominator and 1 if counted, per unit."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period of a school year."""

    school_year: int
    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Tally:
    """The rows of the key so far."""

    rows: dict[str, list[npt.NDArray[np.generic]]] = field(default_factory=lambda: {c: [] for c in KEYS + SUMS})

    def add(
        self, spec: DistrictSpec, period: Period, school: Ints, groups: Membership, metrics: Mapping[str, Units]
    ) -> None:
        """Add units at their schools."""
        values = np.stack([np.asarray(part, float) for units in metrics.values() for part in units], axis=1)
        order = np.argsort(school, kind="stable")
        bounds = np.searchsorted(school[order], np.arange(len(spec.schools) + 1))
        for at, each in enumerate(spec.schools):
            rows = order[bounds[at] : bounds[at + 1]]
            if rows.size:
                sums = groups.member[rows].T.astype(float) @ values[rows]
                self.put("school", each.code, period, list(metrics), sums)

    def put(
        self, level: str, organization: str, period: Period, metrics: Sequence[str], sums: npt.NDArray[np.float64]
    ) -> None:
        """Add sums of one organization: groups x (metrics x 3); nothing counted = no row."""
        cube = np.rint(sums).astype(np.int64).reshape(len(GROUPS), len(metrics), len(SUMS))
        group, metric = np.nonzero(cube[:, :, 2] > 0)
        fixed = (level, organization, period.school_year, period.kind, period.code)
        for name, value in zip(KEYS[:5], fixed, strict=True):
            self.rows[name].append(np.full(group.size, value))
        self.rows["metric"].append(np.array(metrics, object)[metric])
        self.rows["student_group"].append(np.array(GROUPS, object)[group])
        for at, name in enumerate(SUMS):
            self.rows[name].append(cube[group, metric, at])

    def table(self, specs: Sequence[DistrictSpec]) -> pa.Table:
        """All levels, sorted."""
        columns = {name: np.concatenate(parts) for name, parts in self.rows.items()}
        numbers = {"school_year", *SUMS}
        arrays = {n: pa.array(c.astype(np.int64 if n in numbers else object)) for n, c in columns.items()}
        given = _summed(pa.table(arrays))
        schools = given.filter(pa.compute.equal(given["level"], "school"))
        levels = [_level(schools, level, specs) for level in ("district", "region", "state")]
        every = _counted(pa.concat_tables([given, *levels], promote_options="permissive"))
        return every.sort_by([(key, "ascending") for key in KEYS])


NOT_ADDITIVE = ("chronic_absence_rate_pk12_student",)
"""Metrics whose higher levels are put, not summed: a student counts once there."""


def _level(schools: pa.Table, level: str, specs: Sequence[DistrictSpec]) -> pa.Table:
    above = {school.code: _above(spec, level) for spec in specs for school in spec.schools}
    additive = schools.filter(pa.compute.invert(pa.compute.is_in(schools["metric"], pa.array(NOT_ADDITIVE))))
    codes = additive["organization"].combine_chunks().dictionary_encode()
    parents = pa.array([above[code] for code in codes.dictionary.to_pylist()]).take(codes.indices)
    moved = additive.set_column(1, "organization", parents).drop_columns(["level"])
    return _summed(moved.append_column("level", pa.repeat(level, len(moved))))


def _counted(rows: pa.Table) -> pa.Table:
    names = rows["metric"].combine_chunks().dictionary_encode()
    is_count = pa.array([name.startswith(COUNTS) for name in names.dictionary.to_pylist()]).take(names.indices)
    at = rows.column_names.index("denominator")
    return rows.set_column(at, "denominator", pa.compute.if_else(is_count, 1, rows["denominator"]))


def _summed(rows: pa.Table) -> pa.Table:
    """One row per key: a metric may have been added in parts."""
    summed = rows.group_by(KEYS).aggregate([(name, "sum") for name in SUMS])
    return summed.rename_columns([name.removesuffix("_sum") for name in summed.column_names]).select(KEYS + SUMS)


def _above(spec: DistrictSpec, level: str) -> str:
    return {"district": spec.code, "region": spec.region, "state": STATE}[level]
