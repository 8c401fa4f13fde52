"""Arrivals in lines that a person can read: consecutive school days together, waivers with their reasons."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from sipetl.arrivals import Arrival, Judged, Verdict, Word
from sipetl.cli.arriving import runs
from tests.home import Site

MOMENT = datetime(2025, 10, 10, tzinfo=UTC)
DAYS = {"3501": [date(2025, 10, day) for day in (1, 2, 3, 6, 7)]}
"""Wednesday to Tuesday, over a weekend."""


def daily(day: int, word: Word = Word.MISSING, **other: str) -> Judged:
    """What became of one day's attendance."""
    on = date(2025, 10, day)
    given = {"district": "3501", "feed": "attendance", "owner": "Data office"} | other
    arrival = Arrival(
        arrival_id=day,
        school_year=2026,
        window_code=on.isoformat(),
        opens_on=on,
        closes_on=on,
        due_at=MOMENT,
        grace_until=MOMENT,
        hard_stop_at=MOMENT,
        tier=1,
        **given,
    )
    return Judged(arrival, Verdict(day, word, MOMENT))


def lengths(*judged: Judged) -> list[int]:
    return [len(run) for run in runs(judged, DAYS)]


def test_consecutive_school_days_are_one_run_over_a_weekend() -> None:
    assert lengths(daily(1), daily(2), daily(3), daily(6)) == [4]


def test_a_day_between_ends_the_run() -> None:
    assert lengths(daily(1), daily(3), daily(6)) == [1, 2]


@pytest.mark.parametrize(
    "other", [{"word": Word.LATE}, {"owner": "Registrar"}, {"feed": "roster"}, {"district": "1"}]
)
def test_what_differs_is_a_line_of_its_own(other: dict[str, str]) -> None:
    assert lengths(daily(1), daily(2, **other)) == [1, 1]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def empty(make_site: Callable[[], Site]) -> Site:
    """A home that nothing came to, by the end of January."""
    return make_site()


def test_table_folds_days_and_json_keeps_each(empty: Site) -> None:
    told = empty.run("arrivals", "--district", "3501").out
    each = json.loads(empty.run("arrivals", "--district", "3501", "--json").out)

    missing = [a["window"] for a in each if (a["feed"], a["verdict"]) == ("attendance", "missing")]
    this_year = [window for window in missing if window > "2025-07"]
    assert len(this_year) > 60
    assert "".join(f"{this_year[0]} to {this_year[-1]}, {len(this_year)} days".split()) in "".join(told.split())
    assert len(told.splitlines()) < 40


def test_waived_arrivals_show_their_reason(site: Site) -> None:
    waived = site.run("waive", "3501", "attendance", "2026", "--reason", "the system was changed")

    told = " ".join(site.run("arrivals", "--all", "--district", "3501").out.split())
    each = json.loads(site.run("arrivals", "--all", "--district", "3501", "--json").out)
    reasons = {a["waived_reason"] for a in each if (a["feed"], a["verdict"]) == ("attendance", "waived")}

    assert waived.out.endswith("arrivals waived.\n")
    assert "the system was changed" in told
    assert reasons == {"the system was changed"}


def test_nothing_open_is_a_sentence(site: Site) -> None:
    for feed in ("attendance", "roster"):
        for year in ("2025", "2026"):
            site.run("waive", "3501", feed, year, "--reason", "none")

    done = site.run("arrivals", "--district", "3501")

    assert done.out == "No late, missing or incomplete arrival, and none due soon.\n"
