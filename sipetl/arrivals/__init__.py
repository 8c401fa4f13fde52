"""The arrivals room: what was expected, what came, how whole it is, and the verdict on each (design/readiness.md)."""

from sipetl.arrivals.context import Context
from sipetl.arrivals.expect import expected_arrivals
from sipetl.arrivals.ledger import Expected, read_arrivals, write_expected
from sipetl.arrivals.model import CAME, ONE_WINDOW, OVERDUE, Answer, Arrival, Part, Verdict, Wholeness, Word
from sipetl.arrivals.refresh import Judged, current_years, judge_all, listing, refresh
from sipetl.arrivals.stored import Resting
from sipetl.arrivals.verdict import judge
from sipetl.arrivals.waive import Waived, waive
from sipetl.arrivals.whole import Expectations

__all__ = [
    "CAME",
    "ONE_WINDOW",
    "OVERDUE",
    "Answer",
    "Arrival",
    "Context",
    "Expectations",
    "Expected",
    "Judged",
    "Part",
    "Resting",
    "Verdict",
    "Waived",
    "Wholeness",
    "Word",
    "current_years",
    "expected_arrivals",
    "judge",
    "judge_all",
    "listing",
    "read_arrivals",
    "refresh",
    "waive",
    "write_expected",
]
