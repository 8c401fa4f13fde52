"""Plan files, applied: `plan` is made equal to the files of the registry, and what was in force before stays.

A version is known by its plan and its first day, so the same file gives the same keys in every home.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from sipetl.errors import RegistryError
from sipetl.plans.load import load_plan, twins
from sipetl.plans.model import Location, Mag, Plan
from sipetl.registry.calendar import SAFE_BITS, stable_id
from sipetl.registry.yamlfile import read_document
from sipetl.warehouse import merge
from sipetl.warehouse import tables as t

LEVEL = pa.decimal128(38, 18)
"""Baselines and targets, as wide as metric values."""
VERSION_SCHEMA = pa.schema(
    [
        ("version_id", pa.int64()),
        ("plan", pa.string()),
        ("organization_code", pa.string()),
        ("effective_from", pa.date32()),
        ("title", pa.string()),
        ("sha256", pa.string()),
    ]
)
BENCHMARK_SCHEMA = pa.schema(
    [
        ("benchmark_id", pa.int64()),
        ("version_id", pa.int64()),
        ("code", pa.string()),
        ("is_mag", pa.bool_()),
        ("kind", pa.string()),
        ("practice", pa.string()),
        ("text", pa.string()),
        ("metric", pa.string()),
        ("student_group", pa.string()),
        ("baseline_value", LEVEL),
        ("target_level", LEVEL),
        ("direction", pa.string()),
        ("path", pa.string()),
        ("due_on", pa.date32()),
        ("cadence", pa.string()),
        ("feed", pa.string()),
        ("owner", pa.string()),
        ("category", pa.string()),
        ("is_academic", pa.bool_()),
        ("definition", pa.string()),
    ]
)
STEP_SCHEMA = pa.schema(
    [
        ("step_id", pa.int64()),
        ("version_id", pa.int64()),
        ("initiative", pa.string()),
        ("step", pa.string()),
        ("owner", pa.string()),
        ("due_on", pa.date32()),
        ("done_on", pa.date32()),
    ]
)
_UNUSED = """not exists (
    select from plan.benchmark b
    where b.version_id = t.version_id
      and (exists (select from metric.status s where s.benchmark_id = b.benchmark_id and s.value is not null)
        or exists (select from ops.release_status r where r.benchmark_id = b.benchmark_id)))"""
"""Versions of which no value was judged and nothing was released: the only ones that go with their file.

So the example plan of a new home leaves nothing behind, although it was judged to have no data.
"""
_RELEASED = text("""
select b.version_id, b.benchmark_id, b.code, min(r.cycle) as cycle
from plan.benchmark b
join ops.release_status r using (benchmark_id)
where b.version_id = any(:versions)
group by b.version_id, b.benchmark_id, b.code
order by b.version_id, b.code
""")


@dataclass(frozen=True, slots=True)
class _File:
    """One plan version and the file it came from."""

    path: Path
    plan: Plan
    sha256: str

    def key(self, *parts: object) -> int:
        """A key for a part of this version, or (without parts) for the version itself."""
        return stable_id(self.plan.plan, self.plan.effective_from, *parts, bits=SAFE_BITS)


def apply_plans(connection: Connection, files: Sequence[Path]) -> int:
    """Make `plan` equal to the plan files, and return how many versions they hold.

    A version whose file is gone stays while a value was judged by it, or a release holds it: history is not rewritten.

    Raises:
        RegistryError: a file is faulty, two are the same version of a plan, or a benchmark that a cycle was released
            with is no longer in its version.
    """
    found = [_File(path, load_plan(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    for fault in twins({file.path: file.plan for file in found}):
        raise fault
    benchmarks = [row for file in found for row in _benchmarks(file)]
    _refuse_lost(connection, found, {row["benchmark_id"] for row in benchmarks})
    steps = [row for file in found for row in _steps(file)]
    versions = pa.Table.from_pylist([_version(file) for file in found], VERSION_SCHEMA)
    merge(connection, t.plan.plan_version, versions, within=_UNUSED)
    ours = f"t.version_id in ({', '.join(str(file.key()) for file in found) or 'null'})"
    merge(connection, t.plan.benchmark, pa.Table.from_pylist(benchmarks, BENCHMARK_SCHEMA), within=ours)
    merge(connection, t.plan.timeline_step, pa.Table.from_pylist(steps, STEP_SCHEMA), within=ours)
    return len(found)


def _refuse_lost(connection: Connection, files: Iterable[_File], kept: set[int]) -> None:
    by_version = {file.key(): file for file in files}
    for row in connection.execute(_RELEASED, {"versions": list(by_version)}):
        if row.benchmark_id not in kept:
            raise RegistryError(
                f"{row.code} is gone from this version, but the cycle {row.cycle} was released with it",
                where=read_document(by_version[row.version_id].path).where(("effective_from",)),
                cure="put it back, and leave it out of a new version with its own effective_from",
            )


def _version(file: _File) -> Mapping[str, Any]:
    plan = file.plan
    return {
        "version_id": file.key(),
        "plan": plan.plan,
        "organization_code": plan.school.partition("/")[2],
        "effective_from": plan.effective_from,
        "title": plan.title,
        "sha256": file.sha256,
    }


def _benchmarks(file: _File) -> Iterator[Mapping[str, Any]]:
    for at, goal in file.plan.located():
        definition = goal.model_dump(mode="json")
        columns = {name: definition[name] for name in definition.keys() & set(BENCHMARK_SCHEMA.names)}
        yield {
            **columns,
            "benchmark_id": file.key(goal.code),
            "version_id": file.key(),
            "is_mag": isinstance(goal, Mag),
            "practice": _practice(file.plan, at),
            "baseline_value": goal.baseline.value if goal.baseline else None,
            "target_level": goal.target_level,
            "due_on": goal.due,
            "is_academic": goal.academic,
            "definition": json.dumps(definition),
        }


def _practice(plan: Plan, at: Location) -> str | None:
    top, index, *_ = at
    return plan.practices[int(index)].practice if top == "practices" else None


def _steps(file: _File) -> Iterator[Mapping[str, Any]]:
    seen: Counter[tuple[str, str]] = Counter()
    for _, initiative in file.plan.initiatives():
        for step in initiative.timeline:
            named = (initiative.code, step.step)
            yield {
                "step_id": file.key("step", *named, seen[named]),
                "version_id": file.key(),
                "initiative": initiative.code,
                "step": step.step,
                "owner": step.owner,
                "due_on": step.due,
                "done_on": step.done_on,
            }
            seen[named] += 1
