"""The state of one school and feed before a cycle. Pure: verdicts of the ledger in, one row out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sipetl.arrivals import CAME, ONE_WINDOW, OVERDUE, Judged, Word
from sipetl.readiness.model import SEVERITY, Goal, State
from sipetl.readiness.needs import Need

UNREGISTERED = "the feed is not in the registry: nothing is expected, and nothing will come"
NOTHING_DUE = "nothing is due before this cycle"


@dataclass(frozen=True, slots=True)
class Question:
    """One school and feed, with all that bears on its state."""

    school: str
    feed: str
    judged: Sequence[Judged]
    """Arrivals that matter for the cycle and should hold this school."""
    needs: Sequence[Need]
    """The school's needs of this feed."""
    is_registered: bool
    is_past_due: bool
    """Whether `data_due` has passed."""
    days_floor: Decimal
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    state: State
    words: str
    due_at: datetime | None
    window: str | None = None
    """Window or cycle it is about; None = school days, or the feed as a whole."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer: state, findings in words, earliest due time, and the goals that are blocked."""

    state: State
    missing: str | None
    due_at: datetime | None
    blocks: tuple[Goal, ...]


def stand(question: Question) -> Standing:
    """Tell how a school stands with a feed: a finding counts as far as some goal rests on it."""
    findings = list(_findings(question))
    missing = "; ".join(finding.words for finding in findings) or None
    open_due = [f.due_at for f in findings if f.due_at is not None and f.state is not State.READY]
    due_at = min(open_due, default=None)
    if not question.needs or (question.is_registered and not question.judged):
        words = missing or (NOTHING_DUE if question.is_registered and not question.judged else None)
        return Standing(State.NOT_NEEDED, words, due_at, ())
    newest = _newest(question)
    resting = [(f, [n for n in question.needs if _rests(n, f, newest)]) for f in findings]
    counted = [_weight(f.state, needs) for f, needs in resting if needs]
    state = max((State.READY, *counted), key=SEVERITY.__getitem__)
    blocked = {n.goal: None for f, needs in resting for n in needs if n.is_vital and f.state is not State.READY}
    return Standing(state, missing, due_at, tuple(blocked))


def _weight(state: State, needs: Iterable[Need]) -> State:
    """How much a finding counts: what only tells how many should be there blocks nothing."""
    is_vital = any(need.is_vital for need in needs)
    return State.AT_RISK if state is State.BLOCKED and not is_vital else state


def _newest(question: Question) -> str | None:
    """The window whose data is measured now, where windows do not add up."""
    if question.feed not in ONE_WINDOW:
        return None
    windows = [one.arrival for one in question.judged if not one.arrival.is_daily]
    return max(windows, key=lambda a: (a.due_at, a.window_code)).window_code if windows else None


def _rests(need: Need, finding: Finding, newest: str | None) -> bool:
    if finding.window is None:
        return True
    if need.window is not None:
        return need.window == finding.window
    return newest is None or finding.window == newest


def _findings(question: Question) -> Iterator[Finding]:
    if not question.is_registered:
        yield Finding(State.BLOCKED, UNREGISTERED, None)
        return
    daily = [one for one in question.judged if one.arrival.is_daily]
    if daily:
        yield from _of_days(daily, question)
    for one in question.judged:
        if not one.arrival.is_daily:
            yield from _of_window(one, question)


def _of_window(one: Judged, question: Question) -> Iterator[Finding]:
    window, due_at, word = one.arrival.window_code, one.arrival.due_at, one.verdict.word
    overdue = State.BLOCKED if question.is_past_due else State.AT_RISK
    if word is Word.WAIVED:
        yield Finding(State.READY, f"{window} is waived: {one.arrival.waived_reason}", due_at, window)
    elif word not in CAME:
        state = State.BLOCKED if word is Word.MISSING else overdue
        yield Finding(state, f"{window} {_outstanding(one, question.zone)}", due_at, window)
    elif question.school in one.verdict.absent:
        yield Finding(overdue, f"{window} came without this school", due_at, window)
    elif question.school in one.verdict.by_school:
        yield Finding(State.AT_RISK, f"{window}: only {one.verdict.by_school[question.school]}", due_at, window)


def _outstanding(one: Judged, zone: ZoneInfo) -> str:
    verdict = one.verdict
    due_on = one.arrival.due_at.astimezone(zone).date()
    words = f"is {verdict.word.value}, was due {due_on}" if verdict.word in OVERDUE else f"is due {due_on}"
    return f"{words} ({verdict.lacks})" if verdict.lacks else words


def _of_days(daily: Iterable[Judged], question: Question) -> Iterator[Finding]:
    """Days are judged together: so many of so many, against the feed's floor."""
    due = [one for one in daily if one.verdict.word is not Word.WAIVED]
    lacking = [one for one in due if one.verdict.word not in CAME or question.school in one.verdict.absent]
    if not lacking:
        return
    lost = [one for one in lacking if one.verdict.word is Word.MISSING]
    floor = question.days_floor * len(due)
    if len(due) - len(lacking) >= floor:
        state = State.READY
    elif question.is_past_due or len(due) - len(lost) < floor:
        state = State.BLOCKED
    else:
        state = State.AT_RISK
    first = min(lacking, key=lambda one: one.arrival.opens_on).arrival
    overdue = sum(one.verdict.word in OVERDUE or one.verdict.word in CAME for one in lacking)
    words = f"{len(lacking)} of {len(due)} school days are not here, {overdue} of them overdue, from {first.opens_on}"
    yield Finding(state, words, first.due_at)
