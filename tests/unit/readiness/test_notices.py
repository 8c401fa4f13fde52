"""What is news, to whom, and how it is grouped; and that the ledger remembers what was told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, insert, select, update

from sipetl.arrivals import Waived, refresh, waive
from sipetl.arrivals.context import read_context
from sipetl.readiness import notice_outbox as outbox
from sipetl.readiness.notice_digest import Surroundings, digests
from sipetl.readiness.notice_ledger import find
from sipetl.readiness.notice_model import Digest, Kind, Matter, Recipient
from sipetl.readiness.notice_render import render
from sipetl.readiness.notices import sift
from sipetl.registry.models import Due
from sipetl.warehouse import tables as t
from tests.town import ALDER, BIRCH, WINTER, add_benchmark, add_delivery, add_part, add_plan
from tests.unit.readiness.feeds import feed, town

OFFICE = Recipient("Data office", "data@example.org")
MOMENT = datetime(2026, 1, 29, 23, tzinfo=UTC)
WEEK = [date(2026, 1, day) for day in (20, 21, 22, 23, 26, 27)]
"""Tuesday to Tuesday, over a weekend."""
ZONE = ZoneInfo("America/New_York")
AROUND = Surroundings(ZONE, {}, {}, {})


def day(number: int, now: Kind | None, told: Kind | None = None, **given: Any) -> Matter:
    """Attendance of the nth day of the week."""
    usual = {
        "subject": f"arrival:{number}", "recipient": OFFICE, "district": "3501", "feed": "attendance",
        "window": WEEK[number].isoformat(), "now": now, "since": MOMENT, "told": told, "told_since": told and MOMENT,
        "told_to": OFFICE if told else None, "arrival_id": number, "due_at": MOMENT,
    }  # fmt: skip
    return Matter(**usual | given)


def sifted(*matters: Matter) -> tuple[list[int | None], list[int | None]]:
    """The days that are news, and those that go on quietly."""
    found = sift(matters, {"3501": WEEK}, ())
    return [one.arrival_id for one in found.news], [one.arrival_id for one in found.quiet]


def test_what_was_told_is_told_no_more() -> None:
    assert sifted(day(0, Kind.LATE, Kind.LATE)) == ([], [])


def test_another_day_of_an_outage_goes_on_quietly_also_over_a_weekend() -> None:
    assert sifted(day(3, Kind.LATE, Kind.LATE), day(4, Kind.LATE)) == ([], [4])


def test_an_outage_after_a_day_that_came_is_news() -> None:
    assert sifted(day(0, Kind.MISSING, Kind.MISSING), day(2, Kind.LATE)) == ([2], [])


def test_an_outage_is_told_again_when_it_turns_from_late_to_missing_and_then_goes_on() -> None:
    first = [day(0, Kind.MISSING, Kind.LATE), day(1, Kind.LATE, Kind.LATE)]
    second = [day(0, Kind.MISSING, Kind.MISSING), day(1, Kind.MISSING, Kind.LATE)]

    assert sifted(*first) == ([0], [])
    assert sifted(*second) == ([], [1])


def test_an_incomplete_day_after_a_late_one_is_news() -> None:
    assert sifted(day(0, Kind.LATE, Kind.LATE), day(1, Kind.INCOMPLETE)) == ([1], [])


def test_windows_of_one_feed_are_no_outage() -> None:
    windows = [day(n, Kind.LATE, told, window=f"w{n}") for n, told in ((0, Kind.LATE), (1, None))]

    assert sifted(*windows) == ([1], [])


def test_the_same_thing_since_another_moment_is_news() -> None:
    assert sifted(day(0, Kind.LATE, Kind.LATE, told_since=MOMENT.replace(day=1))) == ([0], [])


def test_a_new_owner_is_told_what_is_open_and_not_what_ended() -> None:
    was = Recipient("Data office", "old@example.org")

    assert sifted(day(0, Kind.LATE, Kind.LATE, told_to=was)) == ([0], [])
    assert sifted(day(0, None, Kind.LATE, told_to=was)) == ([0], [])
    assert sifted(day(0, None, None, told_to=was)) == ([], [])


def test_who_had_the_days_digest_waits_for_tomorrow() -> None:
    found = sift([day(0, Kind.LATE)], {"3501": WEEK}, {OFFICE})

    assert (found.news, found.quiet, found.still) == ((), (), ())


def made(matters: Sequence[Matter], around: Surroundings = AROUND) -> list[Digest]:
    return digests(sift(matters, {}, ()), date(2026, 1, 30), around)


def test_one_cause_in_many_districts_is_one_line() -> None:
    codes = [f"4{n:03d}" for n in range(37)]
    matters = [
        day(0, Kind.LATE, district=code, feed="assessment", window="winter", subject=f"arrival:{code}")
        for code in codes
    ]
    other = day(1, Kind.LATE, district="5000", feed="assessment", window="winter")
    around = Surroundings(ZONE, {}, {}, {(code, "assessment"): "iready" for code in codes})

    (digest,) = made([*matters, other], around)

    assert [item.headline for item in digest.news] == [
        "Assessment winter: 5000 late",
        "Assessment winter (layout iready): 37 districts late",
    ]
    assert [place.district for place in digest.news[1].places] == codes
    assert digest.subject == "sipetl 2026-01-30: 38 late"


def test_days_are_told_from_the_first_to_the_last() -> None:
    (digest,) = made([day(n, Kind.LATE, due_at=datetime(2026, 1, 27 + n, 23, tzinfo=UTC)) for n in range(3)])

    assert [(item.headline, item.places[0].detail) for item in digest.news] == [
        ("Attendance: 3501 late", "3 school days, 2026-01-20 to 2026-01-22, first due 2026-01-27 18:00")
    ]


def test_two_addresses_of_one_title_are_two_digests() -> None:
    birch = Recipient("Data office", "data@birch.example.org")

    found = made([day(0, Kind.LATE), day(1, Kind.LATE, recipient=birch, district="9002")])

    assert [digest.recipient for digest in found] == [birch, OFFICE]
    assert [[p.district for item in d.news for p in item.places] for d in found] == [["9002"], ["3501"]]


def test_a_mail_shows_what_people_typed_as_text() -> None:
    reason = "<b>closed</b> {{ conn.x.password }} | `x`"
    (digest,) = made([day(0, None, Kind.LATE, end=Kind.WAIVED, words=reason)])

    html, markdown = (render(digest.as_json(), suffix) for suffix in ("html", "md"))

    assert "&lt;b&gt;closed&lt;/b&gt; {{ conn.x.password }}" in html
    assert r"\<b\>closed\</b\>" in markdown


@pytest.mark.parametrize("notice", ["data", "a@b\nBcc: c@d", "Joe <joe@example.org>", "a@example.org;b@example.org"])
def test_what_is_no_address_is_refused(notice: str) -> None:
    with pytest.raises(ValidationError, match="is not an e-mail address"):
        feed("survey", notice=notice)


def test_several_addresses_are_taken() -> None:
    assert feed("survey", notice="a.b+c@example.org, d@x.example.org").notice


def tell(connection: Connection, on: date) -> list[tuple[str, str]]:
    """Tell what is news at the end of a day: owners and headlines."""
    now = datetime(on.year, on.month, on.day, 23, 59, 59, tzinfo=UTC)
    refresh(connection, now=now)
    context = read_context(connection)
    found = find(connection, context, now=now)
    news = sift(found.matters, context.days, outbox.served(connection, on))
    told = digests(news, on, Surroundings(context.zone, {}, {}, {}))
    outbox.record(connection, found, news, told, now=now)
    outbox.forget_reviewed(connection, on)
    return [(digest.recipient.owner, item.headline) for digest in told for item in digest.news]


def deliver(connection: Connection, name: str, received: datetime, *schools: str, **given: Any) -> None:
    key = add_delivery(connection, feed_hint=name, received_at=received)
    add_part(
        connection, key, feed=name, wholeness={"schools": dict.fromkeys(schools, 9)}, published_at=received, **given
    )


def test_a_window_is_told_late_then_missing_then_recovered_once_each(connection: Connection) -> None:
    town(connection, feed("survey", windows=(WINTER,)))
    told = {on: tell(connection, on) for on in (date(2026, 1, 27), date(2026, 1, 29), date(2026, 1, 30))}
    told[date(2026, 2, 11)] = tell(connection, date(2026, 2, 11))
    deliver(
        connection, "survey", datetime(2026, 2, 12, 15, tzinfo=UTC), ALDER, BIRCH, scope_by={"window": ["winter"]}
    )
    told |= {on: tell(connection, on) for on in (date(2026, 2, 12), date(2026, 2, 13))}

    owner = "keeper of survey"
    assert {on: lines for on, lines in told.items() if lines} == {
        date(2026, 1, 29): [(owner, "Survey winter: 3501 late")],
        date(2026, 2, 11): [(owner, "Survey winter: 3501 missing")],
        date(2026, 2, 12): [(owner, "Survey winter: 3501 recovered")],
    }


def test_what_came_between_two_digests_is_no_news(connection: Connection) -> None:
    town(connection, feed("survey", windows=(WINTER,)))
    assert tell(connection, date(2026, 1, 27)) == []
    deliver(
        connection, "survey", datetime(2026, 1, 29, 15, tzinfo=UTC), ALDER, BIRCH, scope_by={"window": ["winter"]}
    )

    assert tell(connection, date(2026, 1, 30)) == []


def test_an_incomplete_window_is_told_with_what_it_lacks_and_when_it_is_whole(connection: Connection) -> None:
    town(connection, feed("survey", windows=(WINTER,)))
    deliver(connection, "survey", datetime(2026, 1, 26, 15, tzinfo=UTC), ALDER, scope_by={"window": ["winter"]})
    assert tell(connection, date(2026, 1, 27)) == [("keeper of survey", "Survey winter: 3501 incomplete")]
    (content,) = connection.scalars(select(t.ops.notice.c.content))
    assert content["news"][0]["places"][0]["detail"] == "due 2026-01-28 18:00: nothing of Birch"

    deliver(
        connection, "survey", datetime(2026, 1, 28, 15, tzinfo=UTC), ALDER, BIRCH, scope_by={"window": ["winter"]}
    )

    assert tell(connection, date(2026, 1, 28)) == [("keeper of survey", "Survey winter: 3501 recovered")]


def test_a_waiver_ends_what_was_told_and_is_else_silent(connection: Connection) -> None:
    town(connection, feed("survey", windows=(WINTER,)), feed("staff", windows=(WINTER,)))
    waive(connection, Waived("3501", "staff", 2026), reason="no staff list this year", by="Joe")
    assert tell(connection, date(2026, 1, 29)) == [("keeper of survey", "Survey winter: 3501 late")]

    waive(connection, Waived("3501", "survey", 2026), reason="not run this year", by="Joe")

    assert tell(connection, date(2026, 1, 30)) == [("keeper of survey", "Survey winter: 3501 waived")]
    query = select(t.ops.notice.c.content).where(t.ops.notice.c.day == date(2026, 1, 30))
    assert connection.scalars(query).one()["news"][0]["places"][0]["detail"] == "not run this year (Joe)"


def test_an_old_home_begins_with_one_digest_of_what_is_open(connection: Connection) -> None:
    town(connection, feed("attendance", due=Due(rule="each_school_day"), windows=(), notice="data@example.org"))

    told = tell(connection, date(2026, 1, 29))

    assert told == [
        ("keeper of attendance", "Attendance: 3501 missing"),
        ("keeper of attendance", "Attendance: 3501 late"),
    ]
    assert len(list(connection.execute(select(t.ops.notice)))) == 1
    assert tell(connection, date(2026, 1, 30)) == []


def test_an_arrival_that_is_no_longer_expected_is_told_to_who_waited_for_it(connection: Connection) -> None:
    town(connection, feed("survey", windows=(WINTER,)))
    tell(connection, date(2026, 1, 29))
    connection.execute(t.ops.arrival.delete())

    assert tell(connection, date(2026, 1, 30)) == [("keeper of survey", "Survey winter: 3501 no longer waited for")]
    assert list(connection.execute(select(t.ops.told))) == []


def plan(connection: Connection, feed_name: str) -> None:
    """A plan of Alder with one benchmark."""
    add_plan(connection, 1, plan=f"MA/{ALDER}")
    benchmark = {
        "code": "B1", "text": "Staff stay", "metric": "any", "target_level": 1, "direction": "up",
        "path": "same_window", "feed": feed_name, "is_academic": True,
    }  # fmt: skip
    add_benchmark(connection, 1, 1, **benchmark)


def test_a_cycle_is_told_blocked_when_it_is_and_ready_when_the_file_came(connection: Connection) -> None:
    """C2's data is due on February 6; winter is late from January 28 on, and blocks when the data day has passed."""
    town(connection, feed("staff", windows=(WINTER,)))
    plan(connection, "staff")
    days = [date(2026, 1, 23), date(2026, 1, 29), date(2026, 2, 6), date(2026, 2, 7)]
    told = {on: [line for _, line in tell(connection, on) if line.startswith("Cycle")] for on in days}
    deliver(connection, "staff", datetime(2026, 2, 9, 15, tzinfo=UTC), ALDER, BIRCH, scope_by={"window": ["winter"]})
    told[date(2026, 2, 9)] = [line for _, line in tell(connection, date(2026, 2, 9))]

    assert told == {
        date(2026, 1, 23): [],  # 10 school days before: not due yet
        date(2026, 1, 29): [],  # between two steps, and the lateness itself is told
        date(2026, 2, 6): ["Cycle C2, staff: 3501 at risk"],
        date(2026, 2, 7): ["Cycle C2, staff: 3501 blocked"],
        date(2026, 2, 9): ["Staff winter: 3501 recovered", "Cycle C2, staff: 3501 ready again"],
    }
    contents = connection.scalars(select(t.ops.notice.c.content).where(t.ops.notice.c.day == date(2026, 2, 7)))
    assert contents.one()["news"][0]["blocks"] == [f"MA/{ALDER} B1"]


def test_steps_of_the_countdown_are_recorded(connection: Connection) -> None:
    town(connection, feed("staff", windows=(WINTER,)))
    recorded = select(t.ops.countdown.c.school_days).order_by(t.ops.countdown.c.school_days)

    tell(connection, date(2026, 1, 22))
    assert connection.scalars(recorded).all() == [10]  # January 26 is a snow day

    tell(connection, date(2026, 2, 5))
    assert connection.scalars(recorded).all() == [2, 5, 10]


def test_a_step_whose_owner_had_the_days_digest_is_told_tomorrow(connection: Connection) -> None:
    town(connection, feed("staff", windows=(WINTER,)))
    plan(connection, "staff")
    steps = {10, 5, 2}
    for number in steps:
        row = {"cycle": "C2", "district": "3501", "school_days": number, "told_at": MOMENT}
        connection.execute(insert(t.ops.countdown).values(row))
    on = date(2026, 2, 6)
    had = {"notice_id": "0" * 32, "day": on, "name": "x", "owner": "keeper of staff", "address": "", "content": {}}
    connection.execute(insert(t.ops.notice).values({**had, "made_at": MOMENT}))

    assert tell(connection, on) == []
    assert set(connection.scalars(select(t.ops.countdown.c.school_days))) == steps

    connection.execute(update(t.ops.notice).values(day=date(2026, 2, 5)))
    assert "Cycle C2, staff: 3501 at risk" in [line for _, line in tell(connection, on)]
    assert set(connection.scalars(select(t.ops.countdown.c.school_days))) == {*steps, 0}


def test_a_reviewed_cycle_is_forgotten(connection: Connection) -> None:
    town(connection, feed("staff", windows=(WINTER,)))
    plan(connection, "staff")
    tell(connection, date(2026, 2, 7))
    of_cycles = select(t.ops.told.c.subject).where(t.ops.told.c.arrival_id.is_(None))
    assert connection.scalars(of_cycles).all() == ["cycle:C2:3501:staff"]

    told = tell(connection, date(2026, 2, 25))

    assert [line for _, line in told if line.startswith("Cycle")] == []
    assert connection.scalars(of_cycles).all() == []
