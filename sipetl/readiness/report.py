"""The readiness of a cycle, from the ledger and the plans: nothing is written, so it may be asked at any moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from sipetl.arrivals import Context, Judged, judge_all
from sipetl.errors import ConfigError
from sipetl.readiness.judge import Question, stand
from sipetl.readiness.model import Readiness, Row
from sipetl.readiness.needs import Need, read_needs
from sipetl.registry.models import Cycle, Floors
from sipetl.warehouse import tables as t

NO_OWNER = "nobody: not registered"


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The cycle's part of the ledger, by district and feed, and the needs by school and feed."""

    context: Context
    judged: Mapping[tuple[str, str], Sequence[Judged]]
    from_state: Mapping[str, Sequence[Judged]]
    """What a sender that is no district (the state) sends for all of them, by feed."""
    needs: Mapping[tuple[str, str], Sequence[Need]]
    sent_by: Mapping[str, Collection[str]]
    """Feeds that are registered or expected, by district."""
    needed_by: Mapping[str, Collection[str]]
    """Feeds that are needed, by school."""
    is_past_due: bool

    def feeds_of(self, district: str, schools: Iterable[str]) -> list[str]:
        """Feeds that are registered, expected or needed."""
        needed = {feed for school in schools for feed in self.needed_by.get(school, ())}
        return sorted({*self.sent_by.get(district, ()), *needed})


def readiness(connection: Connection, cycle: str, *, now: datetime) -> Readiness:
    """Tell for every school and feed whether the cycle's data is there, whose it is, and what it blocks.

    Raises:
        ConfigError: there is no such cycle, or no registry has been applied.
    """
    reviewed = read_cycle(connection, cycle)
    context, judged = judge_all(connection, now=now, years=(reviewed.school_year,))
    return readiness_of(connection, reviewed, context, judged, now=now)


def readiness_of(
    connection: Connection, reviewed: Cycle, context: Context, judged: Iterable[Judged], *, now: datetime
) -> Readiness:
    """Tell it of arrivals that have been judged at this moment: all of the cycle's school year are wanted."""
    closes_at = data_closes(reviewed, context.zone)
    relevant = [one for one in judged if _matters(one, reviewed, context, closes_at)]
    ledger = _ledger(context, relevant, read_needs(connection, reviewed), is_past_due=now >= closes_at)
    rows = tuple(row for district in sorted(context.schools) for row in _of_district(ledger, district, reviewed))
    return Readiness(reviewed, now, rows)


def next_cycle(connection: Connection, day: date) -> str:
    """Name the cycle that is under way: the first whose review is not before the day, else the last.

    Raises:
        ConfigError: there is no cycle.
    """
    cycle = t.ref.cycle.c
    ahead = select(cycle.cycle).where(cycle.review_date >= day).order_by(cycle.review_date)
    last = select(cycle.cycle).order_by(cycle.review_date.desc())
    found: str | None = connection.scalar(ahead) or connection.scalar(last)
    if found is None:
        raise ConfigError("there is no monitoring cycle", where="cycles.yaml", cure="add the cycle's dates")
    return found


def read_cycle(connection: Connection, code: str) -> Cycle:
    """Read a cycle's dates."""
    row = connection.execute(select(t.ref.cycle).where(t.ref.cycle.c.cycle == code)).mappings().first()
    if row is None:
        raise ConfigError(f"there is no cycle '{code}'", where="cycles.yaml", cure="use one of its codes")
    return Cycle.model_validate(dict(row))


def data_closes(cycle: Cycle, zone: ZoneInfo) -> datetime:
    """Tell when a cycle's `data_due` has passed: at midnight of the home."""
    return datetime.combine(cycle.data_due + timedelta(days=1), time(), zone)


def _matters(one: Judged, cycle: Cycle, context: Context, closes_at: datetime) -> bool:
    """Whether the cycle looks at it: begun by `data_as_of`, due by `data_due`; of cycles' arrivals only its own."""
    arrival = one.arrival
    if arrival.window_code in context.cycles:
        return arrival.window_code == cycle.cycle
    return arrival.opens_on <= cycle.data_as_of and arrival.due_at < closes_at


def _ledger(context: Context, judged: Iterable[Judged], needs: Iterable[Need], *, is_past_due: bool) -> _Ledger:
    by_feed: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
    from_state: defaultdict[str, list[Judged]] = defaultdict(list)
    by_school: defaultdict[tuple[str, str], list[Need]] = defaultdict(list)
    for one in judged:
        by_feed[one.arrival.district, one.arrival.feed].append(one)
        if one.arrival.district not in context.schools:
            from_state[one.arrival.feed].append(one)
    for need in needs:
        by_school[need.school, need.feed].append(need)
    sent_by, needed_by = _by_first((*context.feeds, *by_feed)), _by_first(by_school)
    return _Ledger(context, by_feed, from_state, by_school, sent_by, needed_by, is_past_due)


def _by_first(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Collection[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for place, feed in pairs:
        found[place].add(feed)
    return found


def _of_district(ledger: _Ledger, district: str, cycle: Cycle) -> Iterator[Row]:
    schools = ledger.context.schools_of(district, cycle.data_as_of, cycle.data_as_of)
    for feed in ledger.feeds_of(district, schools):
        given = ledger.judged.get((district, feed)) or ledger.from_state.get(feed, ())
        for school, name in schools.items():
            yield _row(ledger, (district, feed), (school, name), given)


def _row(ledger: _Ledger, key: tuple[str, str], school: tuple[str, str], given: Sequence[Judged]) -> Row:
    registered = ledger.context.feeds.get(key)
    from_state = [one for one in given if one.arrival.district != key[0]]
    judged = from_state or [one for one in given if ledger.context.expects(one.arrival, school[0])]
    floors = registered.floors if registered else Floors()
    question = Question(
        school=school[0],
        feed=key[1],
        judged=judged,
        needs=ledger.needs.get((school[0], key[1]), ()),
        is_registered=registered is not None or bool(from_state),
        is_past_due=ledger.is_past_due,
        days_floor=floors.days,
        zone=ledger.context.zone,
    )
    found = stand(question)
    owner = registered.owner if registered else next((one.arrival.owner for one in from_state), NO_OWNER)
    return Row(*key, school[0], school[1], found.state, found.missing, owner, found.due_at, found.blocks)
