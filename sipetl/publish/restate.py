"""Restatements: what differs now from a release, why, and a further edition of it.

To see what differs, the cycle is judged and frozen once more, as if it had not been released, and both editions are
compared. `restatements` takes that back; `restate` keeps it. So what is listed is exactly what would be restated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, text, update

from sipetl.plans import evaluate
from sipetl.publish.causes import Cause, Causes, Editions
from sipetl.publish.editions import put_aside
from sipetl.publish.release import Cut, Release, freeze, read_sql
from sipetl.warehouse import tables as t

_MOST_NAMED = 6
"""Causes that the reason for the public names; more are counted."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A released number, and what it is now."""

    cycle: str
    edition: int | None
    """In which it was restated; None = in none so far."""
    kind: str
    """value or status."""
    organization: str
    metric: str
    student_group: str
    period: str
    plan: str | None
    benchmark: str | None
    released: Decimal | None
    current: Decimal | None
    released_status: str | None
    """None: it was not in the release."""
    current_status: str | None
    """None: it is no longer there."""
    cause: str
    causes: tuple[Cause, ...]
    is_public: bool


@dataclass(frozen=True, slots=True)
class Restated:
    """What a further edition holds; None = nothing differed, and none was made."""

    release: Release | None
    rows: tuple[Restatement, ...]


def restatements(connection: Connection, cut: Cut) -> tuple[Restatement, ...]:
    """Tell what differs now from the latest edition of a cycle's release; nothing is kept.

    Args:
        connection: an open transaction.
        cut: how it would be released now; its edition is not looked at.

    Raises:
        ConfigError: the cycle is not released.
    """
    nested = connection.begin_nested()
    try:
        _, rows = _again(connection, cut)
    finally:
        nested.rollback()
    return rows


def restate(connection: Connection, cut: Cut, *, reason: str | None = None) -> Restated:
    """Release a cycle once more; the edition before stays readable. Without a difference nothing is done.

    Args:
        connection: an open transaction.
        cut: how to release it; its edition is not looked at.
        reason: why, as the public reads it; None = the causes that were found.

    Raises:
        ConfigError: the cycle is not released, or cannot be with this policy.
    """
    nested = connection.begin_nested()
    released, rows = _again(connection, cut)
    if not rows:
        nested.rollback()
        return Restated(None, ())
    of_cycle = t.release.release.c.cycle == cut.cycle
    connection.execute(update(t.release.release).where(of_cycle).values(reason=reason or _reason(rows)))
    connection.execute(insert(t.release.restatement), [_stored(row, released.edition) for row in rows])
    nested.commit()
    return Restated(released, rows)


def restated(connection: Connection, cycle: str | None = None) -> tuple[Restatement, ...]:
    """Read the restatements on record, of one cycle or of all."""
    table = t.release.restatement
    query = select(table).order_by(table.c.restatement_id)
    rows = connection.execute(query if cycle is None else query.where(table.c.cycle == cycle)).mappings()
    return tuple(_read(row) for row in rows)


def _again(connection: Connection, cut: Cut) -> tuple[Release, tuple[Restatement, ...]]:
    """Put the edition on record aside, judge and freeze again, and compare."""
    edition = put_aside(connection, cut.cycle) + 1
    minimum_n = {name: limits.minimum_n for name, limits in cut.policy.families.items()}
    evaluate(connection, now=cut.now, cycles=[cut.cycle], minimum_n=minimum_n)
    released = freeze(connection, Cut(cut.cycle, cut.now, cut.policy, cut.lake, edition))
    return released, _compare(connection, released)


def _compare(connection: Connection, released: Release) -> tuple[Restatement, ...]:
    given = {"cycle": released.cycle, "edition": released.edition}
    rows = [
        row
        for name in ("restated_values", "restated_statuses")
        for row in connection.execute(text(read_sql(name)), given)
    ]
    inputs = {key for row in rows for key in (row.released_input, row.current_input) if key is not None}
    causes = Causes(connection, _editions(connection, given), inputs)
    return tuple(_restatement(released.cycle, row._mapping, causes.of(row)) for row in rows)


def _editions(connection: Connection, given: Mapping[str, Any]) -> Editions:
    before, after = t.release.past_release, t.release.release
    query = (
        select(before.c.released_at, before.c.registry.is_distinct_from(after.c.registry).label("registry_changed"))
        .join(after, after.c.cycle == before.c.cycle)
        .where(before.c.cycle == given["cycle"], before.c.edition == given["edition"] - 1)
    )
    row = connection.execute(query).one()
    changed = connection.execute(text(_CHANGED), given)
    definitions = {(kind, name): (was, now) for kind, name, was, now in changed}
    return Editions(row.released_at, definitions, row.registry_changed)


_CHANGED = """
with listed as (
    select edition, kind, name, string_agg(concat_ws(' ', nullif(version, ''), left(sha256, 8)), ', ' order by version) as told
    from ops.release_definition
    where cycle = :cycle and kind <> 'policy'
    group by edition, kind, name
),
before as (
    select kind, name, told from listed where edition = :edition - 1
),
after as (
    select kind, name, told from listed where edition = :edition
)
select kind, name, b.told as was, a.told as now
from before as b
join after as a using (kind, name)
where b.told <> a.told
"""
"""A small-cell policy changes what is shown, and no number; a definition only one edition needed is none that changed."""


def _restatement(cycle: str, row: RowMapping, causes: tuple[Cause, ...]) -> Restatement:
    names = ["kind", "organization", "metric", "student_group", "period", "plan", "benchmark", "released", "current"]
    names += ["released_status", "current_status", "is_public"]
    kinds = ", ".join(dict.fromkeys(cause.kind for cause in causes))
    return Restatement(cycle=cycle, edition=None, cause=kinds, causes=causes, **{name: row[name] for name in names})


def _stored(row: Restatement, edition: int) -> dict[str, Any]:
    columns = {name: getattr(row, name) for name in Restatement.__dataclass_fields__}
    return {**columns, "edition": edition, "causes": [cause.as_json() for cause in row.causes]}


def _read(row: RowMapping) -> Restatement:
    known = {name: row[name] for name in Restatement.__dataclass_fields__}
    return Restatement(**{**known, "causes": tuple(Cause(**cause) for cause in row["causes"])})


def _reason(rows: Sequence[Restatement]) -> str:
    """What changed, without names of files."""
    found = list(dict.fromkeys(f"{cause.kind}: {cause.what}" for row in rows for cause in row.causes))
    more = len(found) - _MOST_NAMED
    return "; ".join(found[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
