"""A cycle's readiness laid out for reading: a grid of states, and what is missing grouped by cause. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sipetl.readiness import Goal, Readiness, Row, State

RANK = {state: rank for rank, state in enumerate(State)}
"""The worst last, as the enum has them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A state, and of how many schools."""

    state: State
    of: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Districts (or schools) down, feeds across; None where nothing is expected."""

    head: str
    feeds: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is missing, of one district and feed, for the schools it is missing for."""

    state: State
    district: str
    feed: str
    missing: str
    owner: str
    due_at: datetime | None
    schools: tuple[str, ...]
    is_everywhere: bool
    blocks: tuple[tuple[str, tuple[Goal, ...]], ...]
    """Schools with the benchmarks and MAGs that rest on it."""

    @property
    def n_blocked(self) -> int:
        """How many benchmarks and MAGs rest on it."""
        return sum(len(goals) for _, goals in self.blocks)


def grid_of(readiness: Readiness, name: Callable[[str], str], *, by_school: bool) -> Grid:
    """Lay out the states, a line per district or per school.

    Args:
        readiness: the cycle.
        name: names a district.
        by_school: whether a line is a school.
    """
    feeds = tuple(sorted({row.feed for row in readiness.rows}))
    lines: dict[str, dict[str, list[Row]]] = {}
    for row in readiness.rows:
        line = row.school_name if by_school else name(row.district)
        lines.setdefault(line, {}).setdefault(row.feed, []).append(row)
    rows = tuple((line, tuple(_cell(cells.get(feed, ())) for feed in feeds)) for line, cells in sorted(lines.items()))
    return Grid("School" if by_school else "District", feeds, rows)


def _cell(rows: Sequence[Row]) -> Cell | None:
    if not rows:
        return None
    worst = max((row.state for row in rows), key=RANK.__getitem__)
    needed = [row for row in rows if row.state is not State.NOT_NEEDED]
    same = sum(row.state is worst for row in rows)
    alone = len(needed) == same or worst is State.NOT_NEEDED
    return Cell(worst, "" if alone else f"{same} of {len(needed)} schools")


def lacking(readiness: Readiness) -> tuple[Lack, ...]:
    """Group what is at risk or blocked by district, feed and cause; the worst first."""
    groups: defaultdict[tuple[str, str, str, State], list[Row]] = defaultdict(list)
    for row in readiness.rows:
        if row.state in (State.AT_RISK, State.BLOCKED):
            groups[row.district, row.feed, row.missing or "", row.state].append(row)
    found = [_lack(rows, readiness.rows) for rows in groups.values()]
    return tuple(sorted(found, key=lambda lack: (-RANK[lack.state], -lack.n_blocked, lack.district, lack.feed)))


def _lack(rows: Sequence[Row], every: Iterable[Row]) -> Lack:
    first = rows[0]
    due = [row.due_at for row in rows if row.due_at is not None]
    all_schools = {row.school for row in every if row.district == first.district}
    return Lack(
        state=first.state,
        district=first.district,
        feed=first.feed,
        missing=first.missing or "",
        owner=first.owner,
        due_at=min(due, default=None),
        schools=tuple(row.school_name for row in rows),
        is_everywhere={row.school for row in rows} == all_schools and len(all_schools) > 1,
        blocks=tuple((row.school_name, row.blocks) for row in rows if row.blocks),
    )
