"""Each feed once, with tiny tables and sums worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sipetl.errors import LakeError
from sipetl.metrics import Catalogue, compute_feed, find_values, load_catalogue, roll_up, to_values
from sipetl.metrics.compute import UPPER, ensure_inputs
from sipetl.registry.models import FeedName

A, B, C = "90010005", "90010010", "90020005"
AS_OF = date(2026, 3, 31)
YEAR, FALL, WINTER, CYCLE, OCTOBER, NOVEMBER, ANNUAL = 1, 2, 3, 4, 5, 6, 7
DISTRICT, STATE = 100, 1
IDS = {A: 11, B: 12, C: 21}
Row = dict[str, Any]


def key(name: str) -> bytes:
    return name.encode().ljust(32, b".")


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    ensure_inputs(con)
    con.execute(
        "insert into ref_organization values "
        f"(11, '{A}', 'school', '9001', 100, 50, 100, 1, 'cal'), (12, '{B}', 'school', '9001', 100, 50, 100, 1, 'cal'), "
        f"(21, '{C}', 'school', '9002', 200, 60, 200, 1, 'cal'), (100, '90010000', 'district', '9001', 50, 50, 100, 1, 'cal'), "
        "(200, '90020000', 'district', '9002', 60, 60, 200, 1, 'cal'), "
        "(1, '00000000', 'state', null, null, null, null, 1, null)"
    )
    con.execute(
        "insert into ref_period values "
        "(1, 2026, 'year', '2026', '2025-07-01', '2026-06-30'), (2, 2026, 'window', '2026-fall', '2025-09-01', '2025-10-31'), "
        "(3, 2026, 'window', '2026-winter', '2026-01-05', '2026-02-15'), (4, 2026, 'cycle', 'C1', '2025-07-01', '2025-11-30'), "
        "(5, 2026, 'month', '2025-10', '2025-10-01', '2025-10-31'), (6, 2026, 'month', '2025-11', '2025-11-01', '2025-11-30'), "
        "(7, 2026, 'window', '2026-annual', '2025-07-01', '2026-06-30')"
    )
    return con


def insert(con: duckdb.DuckDBPyConnection, table: str, *rows: Row) -> None:
    if rows:
        names = {name: None for values in rows for name in values}
        base = {"school_year": 2026, "district": "9001", "part_id": "p"}
        filled = [{**names, **base, "row_number": n, **values} for n, values in enumerate(rows, start=1)]
        con.register("given", pa.Table.from_pylist(filled))
        con.execute(f"insert into {table} by name select * from given")


def student(name: str, school: str = A, **more: Any) -> Row:
    return {"id_hash": key(name), "school": school, "valid_from": date(2025, 9, 1), "grade": "05", **more}


def integers(
    con: duckdb.DuckDBPyConnection, feed: FeedName, metric: str, *, period: int, group: str = "all", **more: Any
) -> dict[int, tuple[int, ...]]:
    """(numerator, denominator, n, expected_n) of one metric by organization."""
    table = compute_feed(con, feed, as_of=more.pop("as_of", AS_OF), catalogue=load_catalogue(), **more)
    found = con.execute(
        f"select organization_id, numerator, denominator, n, expected_n from {table} "
        "where metric = ? and period_id = ? and student_group = ?",
        [metric, period, group],
    ).fetchall()
    return {row[0]: row[1:] for row in found}


def below(con: duckdb.DuckDBPyConnection, values: pa.Table) -> str:
    """Values as a table for `roll_up`."""
    con.register("below", values)
    return "below"


def two_weeks(con: duckdb.DuckDBPyConnection) -> None:
    """School days 2025-10-27..31 and 2025-11-03..07."""
    con.execute(
        "insert into ref_school_day select 'cal', d::date, 'instructional' "
        "from range(date '2025-10-27', date '2025-11-08', interval 1 day) as r (d) where dayofweek(d) between 1 and 5"
    )


def absence(name: str, on: date, school: str = A) -> Row:
    return {
        "population": "student", "id_hash": key(name), "school": school, "attendance_date": on, "grain": "event",
        "present": False,
    }  # fmt: skip


def test_attendance_by_month_is_to_date_and_within(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    insert(con, "lake_roster", student("s"), student("t"))
    insert(con, "lake_attendance", absence("s", date(2025, 10, 31)), absence("s", date(2025, 11, 7)))

    to_date = integers(con, FeedName.ATTENDANCE, "attendance_rate", period=NOVEMBER)
    within = integers(con, FeedName.ATTENDANCE, "attendance_rate_in_month", period=NOVEMBER)

    assert to_date == {11: (1800, 2000, 2, 2), DISTRICT: (1800, 2000, 2, 2)}
    assert within == {11: (900, 1000, 2, 2), DISTRICT: (900, 1000, 2, 2)}


def test_attendance_of_a_cycle_stops_at_its_last_day(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    con.execute("update ref_period set ends_on = date '2025-11-04' where period_id = 4")
    insert(con, "lake_roster", student("s"))
    insert(con, "lake_attendance", absence("s", date(2025, 10, 31)), absence("s", date(2025, 11, 7)))

    found = integers(con, FeedName.ATTENDANCE, "average_days_absent", period=CYCLE)

    assert found[11] == (100, 1, 1, 1)
    assert integers(con, FeedName.ATTENDANCE, "attendance_rate", period=CYCLE)[11] == (600, 700, 1, 1)


def test_attendance_sums_carry_squares_and_products(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    insert(con, "lake_roster", student("s"), student("t"))
    insert(con, "lake_attendance", absence("s", date(2025, 10, 31)), absence("s", date(2025, 11, 7)))

    table = compute_feed(con, FeedName.ATTENDANCE, as_of=AS_OF, catalogue=load_catalogue())
    found = con.execute(
        f"select sum_xx, sum_xy, sum_yy from {table} "
        "where metric = 'attendance_rate' and period_id = 1 and organization_id = 11 and student_group = 'all'"
    ).fetchone()

    assert found == (800**2 + 1000**2, 800 * 1000 + 1000**2, 2 * 1000**2)


def test_unknown_group_membership_is_not_no(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    flags = {"english_learner": False, "former_el": False, "disability": False, "low_income": False}
    insert(
        con, "lake_roster",
        student("el", **{**flags, "english_learner": True}, gender="F"), student("none", **flags, gender="M"),
        student("unknown", **{**flags, "low_income": None}), student("former", **{**flags, "former_el": True}),
    )  # fmt: skip
    insert(con, "lake_attendance", absence("el", date(2025, 11, 7)))

    table = compute_feed(con, FeedName.ATTENDANCE, as_of=AS_OF, catalogue=load_catalogue())
    groups = con.execute(
        f"select student_group, n from {table} where metric = 'average_days_absent' and period_id = 1 and organization_id = 11"
    ).fetchall()

    assert dict(groups) == {
        "all": 4, "female": 1, "male": 1, "english_learner": 1, "el_or_former_el": 2, "high_needs": 2, "grade_05": 4,
    }  # fmt: skip


def test_a_union_of_groups_is_not_made_of_the_parts_that_a_roster_happens_to_know(
    con: duckdb.DuckDBPyConnection,
) -> None:
    two_weeks(con)
    known = {"english_learner": False, "former_el": False, "disability": True}
    insert(con, "lake_roster", student("one", **known, low_income=None), student("two", **known, low_income=None))
    insert(con, "lake_attendance", absence("one", date(2025, 11, 7)))

    table = compute_feed(con, FeedName.ATTENDANCE, as_of=AS_OF, catalogue=load_catalogue())
    found = con.execute(f"select distinct student_group from {table}").fetchall()

    assert ("disability",) in found
    assert ("high_needs",) not in found, "nobody's low income is known"


def test_groups_have_the_names_of_the_reference_table(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    kinds = {"full": ("KF", "N"), "part": ("KP", None), "transitional": ("KT", None), "beyond": ("SP", None)}
    insert(con, "lake_roster", *(student(name, grade=g, gender=x) for name, (g, x) in kinds.items()))
    insert(con, "lake_attendance", absence("full", date(2025, 11, 7)))

    table = compute_feed(con, FeedName.ATTENDANCE, as_of=AS_OF, catalogue=load_catalogue())
    found = con.execute(
        f"select student_group, n from {table} where metric = 'average_days_absent' and period_id = 1 and organization_id = 11"
    ).fetchall()

    assert sorted(found) == [("all", 4), ("grade_K", 3), ("nonbinary", 1)], "one row for the three kindergartens"


def test_group_is_that_of_the_periods_end(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    first = student("s", valid_to=date(2025, 11, 1), english_learner=True)
    insert(con, "lake_roster", first, student("s", valid_from=date(2025, 11, 1), english_learner=False))
    insert(con, "lake_attendance", absence("s", date(2025, 11, 7)))

    october = integers(con, FeedName.ATTENDANCE, "average_days_absent", period=OCTOBER, group="english_learner")
    november = integers(con, FeedName.ATTENDANCE, "average_days_absent", period=NOVEMBER, group="english_learner")

    assert october[11] == (0, 1, 1, 1)
    assert november == {}


def test_attendance_without_a_roster_knows_all_students_only(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    insert(con, "lake_attendance", {**absence("s", date(2025, 11, 7)), "grain": "day"})

    assert integers(con, FeedName.ATTENDANCE, "average_days_absent", period=YEAR)[11] == (100, 1, 1, None)


def test_declared_date_of_the_extract_outranks_its_last_event(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    insert(con, "lake_roster", student("s"))
    insert(con, "lake_attendance", absence("s", date(2025, 10, 28)))
    before = integers(con, FeedName.ATTENDANCE, "attendance_rate", period=YEAR)[11]
    con.execute("insert into declared_scope values ('p', date '2025-10-31')")

    assert before == (100, 200, 1, 1)
    assert integers(con, FeedName.ATTENDANCE, "attendance_rate", period=YEAR)[11] == (400, 500, 1, 1)


def test_without_a_calendar_marked_days_count_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    saturday = date(2025, 11, 8)
    insert(con, "lake_attendance", {**absence("s", saturday), "grain": "day"}, absence("t", saturday))

    assert integers(con, FeedName.ATTENDANCE, "attendance_rate", period=YEAR)[11] == (0, 100, 1, None)


def test_duckdbs_own_words_stay_inside(con: duckdb.DuckDBPyConnection) -> None:
    huge = {
        **absence("s", date(2025, 11, 7)),
        "grain": "cumulative",
        "days_member_x100": 7 * 10**18,
        "days_absent_x100": 0,
    }
    insert(con, "lake_attendance", huge)

    with pytest.raises(LakeError) as caught:
        compute_feed(con, FeedName.ATTENDANCE, as_of=AS_OF, catalogue=load_catalogue())

    assert "7000000000000000000" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_who_cannot_have_twenty_days_yet_is_not_expected_to(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into ref_school_day select 'cal', d::date, 'instructional' "
        "from range(date '2025-10-06', date '2025-11-08', interval 1 day) as r (d) where dayofweek(d) between 1 and 5"
    )  # 25 days; 18 to 10-29, 20 to 10-31
    insert(
        con, "lake_roster",
        student("s"), student("late", valid_from=date(2025, 10, 20)), student("t", B),
        student("left", valid_to=date(2025, 10, 20)),
    )  # fmt: skip
    insert(con, "lake_attendance", absence("s", date(2025, 11, 7)))
    metric = "chronic_absence_rate_pk12"

    def found(day: date) -> dict[int, tuple[int, ...]]:
        return integers(con, FeedName.ATTENDANCE, metric, period=YEAR, as_of=day)

    con.execute("insert into declared_scope values ('p', date '2025-11-07')")
    before, after = found(date(2025, 10, 29)), found(date(2025, 11, 7))

    assert before == {}
    assert after == {11: (0, 1, 1, 1), DISTRICT: (0, 1, 1, 2)}, "t is at a school that has not submitted"
    once = integers(con, FeedName.ATTENDANCE, f"{metric}_student", period=YEAR)
    assert once == {11: (0, 1, 1, 1), DISTRICT: (0, 1, 1, 2)}


def test_without_a_calendar_nobody_knows_who_could_have_twenty_days(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, "lake_roster", student("s"))
    total = {"grain": "cumulative", "days_member_x100": 2000, "days_absent_x100": 200}
    insert(con, "lake_attendance", {**absence("s", date(2025, 11, 7)), **total})

    assert integers(con, FeedName.ATTENDANCE, "chronic_absence_rate_pk12", period=YEAR)[11] == (1, 1, 1, None)
    assert integers(con, FeedName.ATTENDANCE, "average_days_absent", period=YEAR)[11] == (200, 1, 1, 1)


def test_who_left_before_a_month_is_not_expected_in_it(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    insert(con, "lake_roster", student("s"), student("left", valid_to=date(2025, 10, 30)))
    insert(con, "lake_attendance", absence("s", date(2025, 11, 7)))

    assert integers(con, FeedName.ATTENDANCE, "attendance_rate_in_month", period=OCTOBER)[11][2:] == (2, 2)
    assert integers(con, FeedName.ATTENDANCE, "attendance_rate_in_month", period=NOVEMBER)[11][2:] == (1, 1)


def test_staff_attendance_is_of_the_staff_list(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    staff = {"school": A, "valid_from": date(2025, 9, 1), "role": "teacher"}
    insert(con, "lake_staff", {**staff, "id_hash": key("a")}, {**staff, "id_hash": key("b")})
    insert(con, "lake_attendance", {**absence("a", date(2025, 11, 7)), "population": "staff"})

    assert integers(con, FeedName.ATTENDANCE, "staff_attendance_rate", period=YEAR)[11] == (1900, 2000, 2, 2)
    assert integers(con, FeedName.ATTENDANCE, "attendance_rate", period=YEAR) == {}


def mcas(name: str, level: str, score: int | None, **more: Any) -> Row:
    return {
        "id_hash": key(name), "school": A, "assessment": "MCAS", "subject": "ELA", "window": "annual", "grade": "05",
        "level": level, "scale_score_x100": score, "tested": score is not None, "expected": True, **more,
    }  # fmt: skip


def levels(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into ref_level values ('MCAS', 2017, null, 'E', '', 4, true, true, true), "
        "('MCAS', 2017, null, 'M', '', 3, true, true, true), ('MCAS', 2017, null, 'NM', '', 1, false, false, true), "
        "('MCAS', null, null, 'ABS', '', null, null, null, false), ('IREADY', null, null, 'EARLY_ON', '', 4, null, true, true), "
        "('IREADY', null, null, 'ONE_BELOW', '', 3, null, false, true)"
    )


def test_mcas_levels_scores_growth_and_participation(con: duckdb.DuckDBPyConnection) -> None:
    levels(con)
    insert(
        con, "lake_assessment",
        mcas("s", "E", 54000, sgp=70, gender="F"), mcas("t", "M", 51000, sgp=None, gender="F"),
        mcas("u", "NM", 45000, sgp=20, gender="M"), mcas("v", "ABS", None, sgp=None),
    )  # fmt: skip
    feed = FeedName.ASSESSMENT

    assert integers(con, feed, "mcas_meeting_exceeding_ela", period=ANNUAL)[11] == (2, 3, 3, None)
    assert integers(con, feed, "mcas_meeting_exceeding_ela", period=ANNUAL, group="female")[11] == (2, 2, 2, None)
    assert integers(con, feed, "mcas_not_meeting_ela", period=YEAR)[11] == (1, 3, 3, None)
    assert integers(con, feed, "mcas_mean_scaled_score_ela", period=YEAR)[DISTRICT] == (150000, 3, 3, None)
    assert integers(con, feed, "mcas_mean_sgp_ela", period=YEAR)[11] == (90, 2, 2, None)
    assert integers(con, feed, "mcas_participation_ela", period=YEAR)[11] == (3, 4, 4, None)
    assert integers(con, feed, "mcas_meeting_exceeding_math", period=YEAR) == {}


def test_own_record_outranks_the_rosters_group(con: duckdb.DuckDBPyConnection) -> None:
    levels(con)
    insert(con, "lake_roster", student("s", low_income=False, disability=True))
    insert(con, "lake_assessment", mcas("s", "E", 54000, low_income=True))
    feed = FeedName.ASSESSMENT

    assert integers(con, feed, "mcas_meeting_exceeding_ela", period=YEAR, group="low_income")[11] == (1, 1, 1, 1)
    assert integers(con, feed, "mcas_meeting_exceeding_ela", period=YEAR, group="disability")[11] == (1, 1, 1, 1)


def rit(name: str, score: int, on: date, *, window: str = "fall", **more: Any) -> Row:
    return {
        "id_hash": key(name), "school": A, "assessment": "MAP", "subject": "MATH", "window": window, "tested_on": on,
        "scale_score_x100": score * 100, "tested": True, **more,
    }  # fmt: skip


def test_one_result_per_student_subject_and_window(con: duckdb.DuckDBPyConnection) -> None:
    insert(
        con, "lake_assessment",
        rit("flag", 200, date(2025, 9, 10), is_result=True), rit("flag", 230, date(2025, 9, 20), is_result=False),
        rit("latest", 210, date(2025, 9, 10)), rit("latest", 205, date(2025, 9, 20)),
        rit("highest", 190, date(2025, 9, 10)), rit("highest", 195, date(2025, 9, 10)),
        rit("none", 250, date(2025, 9, 10), is_result=False),
    )  # fmt: skip

    assert integers(con, FeedName.ASSESSMENT, "map_mean_rit_math", period=FALL)[11] == (60000, 3, 3, None)


def test_year_and_cycle_take_the_latest_window_of_their_day(con: duckdb.DuckDBPyConnection) -> None:
    insert(
        con, "lake_assessment",
        rit("s", 200, date(2025, 9, 10)), rit("s", 210, date(2026, 1, 20), window="winter"), rit("t", 190, date(2025, 9, 10)),
    )  # fmt: skip
    feed, metric = FeedName.ASSESSMENT, "map_mean_rit_math"

    assert integers(con, feed, metric, period=CYCLE)[11][:2] == (39000, 2)
    assert integers(con, feed, metric, period=YEAR)[11][:2] == (21000, 1)
    assert integers(con, feed, metric, period=YEAR, as_of=date(2025, 12, 1))[11][:2] == (39000, 2)


def test_participation_is_of_enrolled_students_in_tested_grades(con: duckdb.DuckDBPyConnection) -> None:
    insert(
        con, "lake_roster",
        student("s"), student("t"), student("other", grade="12"), student("left", valid_to=date(2025, 9, 20)),
    )  # fmt: skip
    insert(
        con, "lake_assessment",
        rit("s", 200, date(2025, 9, 10), met_growth=True), rit("left", 190, date(2025, 9, 10), met_growth=False),
        rit("s", 200, date(2025, 9, 10), subject="ELA"),
    )  # fmt: skip

    feed = FeedName.ASSESSMENT
    assert integers(con, feed, "map_participation_math", period=FALL)[11] == (1, 2, 2, 2)
    assert integers(con, feed, "map_met_growth_math", period=FALL)[11] == (1, 2, 2, 2)


def test_school_without_any_result_is_late_and_not_untested(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, "lake_roster", student("s"), student("t", B), student("u", B))
    insert(con, "lake_assessment", rit("s", 200, date(2025, 9, 10)))

    for metric in ("map_participation_math", "map_mean_rit_math"):
        found = integers(con, FeedName.ASSESSMENT, metric, period=FALL)
        assert set(found) == {11, DISTRICT}, "the late school has no value"
        assert found[11][1:] == (1, 1, 1)
        assert found[DISTRICT][1:] == (1, 1, 3), "of three students, one is counted"


def test_what_a_late_school_owes_is_missing_in_the_region_and_the_state_too(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, "lake_roster", student("s"), student("t", B), student("u", C, district="9002"))
    insert(con, "lake_assessment", rit("s", 200, date(2025, 9, 10)),
           rit("u", 200, date(2025, 9, 10), school=C, district="9002"))  # fmt: skip
    table = compute_feed(con, FeedName.ASSESSMENT, as_of=AS_OF, catalogue=load_catalogue())
    values = to_values(con, table, catalogue=load_catalogue())

    rolled = to_values(
        con, roll_up(con, below(con, values), catalogue=load_catalogue(), as_of=AS_OF), catalogue=load_catalogue()
    )

    found = {
        v["organization_id"]: (v["n"], v["expected_n"], round(v["coverage"], 3))
        for v in rolled.to_pylist()
        if (v["metric"], v["period_id"], v["student_group"]) == ("map_participation_math", FALL, "all")
    }
    assert found == {STATE: (2, 3, Decimal("0.667")), 50: (1, 2, Decimal("0.5")), 60: (1, 1, 1)}


def test_late_school_owes_the_grades_that_it_alone_tested_before(con: duckdb.DuckDBPyConnection) -> None:
    on, later = date(2025, 9, 10), date(2026, 1, 20)
    insert(
        con, "lake_roster",
        student("s"), student("t", B, grade="07"), student("u", B, grade="07"), student("v", B, grade="12"),
    )  # fmt: skip
    insert(
        con, "lake_assessment", rit("s", 200, on), rit("t", 200, on, school=B), rit("s", 205, later, window="winter")
    )

    found = integers(con, FeedName.ASSESSMENT, "map_participation_math", period=WINTER)

    assert found == {11: (1, 1, 1, 1), DISTRICT: (1, 1, 1, 3)}


def test_group_that_nobody_is_expected_in_leaves_the_districts_number_known(con: duckdb.DuckDBPyConnection) -> None:
    left = date(2025, 9, 20)
    insert(con, "lake_roster", student("s", gender="F", valid_to=left), student("t", B, gender="F"))
    insert(con, "lake_assessment", rit("s", 200, date(2025, 9, 10)), rit("t", 200, date(2025, 9, 10), school=B))

    found = integers(con, FeedName.ASSESSMENT, "map_mean_rit_math", period=FALL, group="female")

    assert found[11] == (20000, 1, 1, None)
    assert found[DISTRICT] == (40000, 2, 2, 1)


def test_silent_school_is_expected_in_its_districts_attendance(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    insert(con, "lake_roster", student("s"), student("t", B))
    insert(con, "lake_attendance", absence("s", date(2025, 11, 7)))

    found = integers(con, FeedName.ATTENDANCE, "average_days_absent", period=YEAR)

    assert found == {11: (100, 1, 1, 1), DISTRICT: (100, 1, 1, 2)}


def test_on_grade_level_is_by_the_level_table(con: duckdb.DuckDBPyConnection) -> None:
    levels(con)
    on = date(2025, 9, 10)
    rows = [rit("s", 500, on, level="EARLY_ON"), rit("t", 480, on, level="ONE_BELOW"), rit("u", 470, on, level=None)]
    insert(con, "lake_assessment", *({**row, "assessment": "IREADY"} for row in rows))

    assert integers(con, FeedName.ASSESSMENT, "iready_on_grade_level_math", period=FALL)[11] == (1, 2, 2, None)
    assert integers(con, FeedName.ASSESSMENT, "map_mean_rit_math", period=FALL) == {}


def test_a_test_row_without_school_counts_where_the_student_was(con: duckdb.DuckDBPyConnection) -> None:
    insert(
        con, "lake_roster", student("s", B, valid_to=date(2025, 10, 1)), student("s", A, valid_from=date(2025, 10, 1))
    )
    insert(con, "lake_assessment", rit("s", 200, date(2025, 9, 10), school=None))

    found = integers(con, FeedName.ASSESSMENT, "map_mean_rit_math", period=FALL)

    assert found[12][:2] == (20000, 1)
    assert 11 not in found


def reply(name: str, item: str, value: int, *, school: str = A, **more: Any) -> Row:
    return {
        "response_hash": key(name), "school": school, "survey": "climate", "window": "fall", "population": "student",
        "item": item, "value": value, "responded_on": date(2025, 10, 10), **more,
    }  # fmt: skip


def item_bank(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into ref_survey_item values ('climate', 'q1', 'Sense of Belonging', false, 5, 4), "
        "('climate', 'q2', 'Sense of Belonging', true, 5, 4), ('climate', 'q3', 'Safety', false, 5, 4)"
    )


def test_survey_pools_items_over_respondents(con: duckdb.DuckDBPyConnection) -> None:
    item_bank(con)
    insert(con, "lake_roster", student("s"), student("t"), student("u"))
    insert(
        con, "lake_survey",
        reply("r1", "q1", 5), reply("r1", "q2", 2), reply("r1", "q3", 1),  # 2 turned is 4: favourable
        reply("r2", "q1", 3), reply("r2", "q2", 888),  # 888 is off the scale
    )  # fmt: skip

    metric = "survey_favorable_sense_of_belonging"
    table = compute_feed(con, FeedName.SURVEY, as_of=AS_OF, catalogue=load_catalogue())
    found = con.execute(
        f"select numerator, denominator, n, expected_n, sum_xx, sum_xy, sum_yy from {table} "
        "where metric = ? and period_id = ? and organization_id = 11 and student_group = 'all'",
        [metric, FALL],
    ).fetchone()

    assert found == (2, 3, 2, 3, 4, 4, 5)
    assert integers(con, FeedName.SURVEY, "survey_favorable_safety", period=YEAR)[11] == (0, 1, 1, 3)


def test_response_rate_needs_the_number_of_eligible(con: duckdb.DuckDBPyConnection) -> None:
    item_bank(con)
    insert(con, "lake_roster", student("s"), student("t", grade="06"), student("u", grade="07"))
    insert(con, "lake_survey", reply("r1", "q1", 5, grade="05"), reply("r2", "q1", 5, grade="06"),
           reply("r3", "q1", 5, grade="06"), reply("r4", "q1", 5, school=B, grade="05"))  # fmt: skip

    found = integers(con, FeedName.SURVEY, "survey_response_rate_student", period=FALL)

    assert found == {11: (3, 2, 2, None), DISTRICT: (3, 2, 2, None)}


def test_response_rate_has_groups_where_responses_name_students(con: duckdb.DuckDBPyConnection) -> None:
    item_bank(con)
    insert(con, "lake_roster", student("s", gender="F"), student("t", gender="F"), student("u", B, gender="F"))
    insert(
        con,
        "lake_survey",
        reply("r1", "q1", 5, id_hash=key("s"), gender="M"),
        reply("r2", "q1", 5, school=B, gender="F"),
    )

    found = integers(con, FeedName.SURVEY, "survey_response_rate_student", period=FALL, group="female")

    assert found == {11: (1, 2, 2, None), DISTRICT: (1, 2, 2, None)}


def test_response_rate_is_capped_when_shown(con: duckdb.DuckDBPyConnection) -> None:
    item_bank(con)
    insert(con, "lake_roster", student("s"))
    insert(con, "lake_survey", reply("r1", "q1", 5), reply("r2", "q1", 5))

    table = compute_feed(con, FeedName.SURVEY, as_of=AS_OF, catalogue=load_catalogue())
    values = to_values(con, table, catalogue=load_catalogue()).to_pylist()

    rate = next(v for v in values if v["metric"] == "survey_response_rate_student")
    assert (rate["numerator"], rate["denominator"], rate["value"]) == (2, 1, 100)


def answers(name: str, *values: int, **more: Any) -> list[Row]:
    return [reply(name, f"i{n:02d}", value, **more) for n, value in enumerate(values)]


def long_item_bank(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into ref_survey_item select 'climate', 'i' || lpad(n::varchar, 2, '0'), 'Safety', n % 2 = 1, 5, 4 "
        "from range(20) as r (n)"
    )


def test_careless_responses_count_nowhere_and_are_counted_by_reason(con: duckdb.DuckDBPyConnection) -> None:
    long_item_bank(con)
    insert(con, "lake_roster", student("s"), student("t"), student("u"))
    insert(
        con, "lake_survey",
        *answers("honest", *[5, 1] * 10), *answers("alike", *[5] * 20), *answers("few", 5, 1, 5, 1),
        *answers("enough", 5, 5, 5, 5, 1), *answers("few and alike", 5, 5),
    )  # fmt: skip

    def found(metric: str) -> tuple[int, ...]:
        return integers(con, FeedName.SURVEY, metric, period=FALL)[11]

    assert found("survey_favorable_safety") == (20 + 2, 20 + 5, 2, 3)
    assert found("survey_response_rate_student") == (2, 3, 3, None)
    assert found("survey_set_aside_straight_lining_student") == (1, 5, 5, None)
    assert found("survey_set_aside_too_few_answers_student") == (2, 5, 5, None)


def test_few_answers_are_judged_by_what_the_grade_was_asked(con: duckdb.DuckDBPyConnection) -> None:
    long_item_bank(con)
    insert(con, "lake_survey", *answers("old", *[5, 1] * 10, grade="11"), *answers("young", 5, 1, 4, grade="03"),
           *answers("old and few", 5, 1, 4, grade="11"))  # fmt: skip

    aside = integers(con, FeedName.SURVEY, "survey_set_aside_too_few_answers_student", period=FALL)[11]

    assert aside[:2] == (1, 3), "a form of three items is answered by three answers"


def test_few_answers_all_alike_are_no_straight_line(con: duckdb.DuckDBPyConnection) -> None:
    long_item_bank(con)
    insert(con, "lake_survey", *answers("four", 4, 4, 4, 4), *answers("five", 4, 4, 4, 4, 4, school=B))

    aside = integers(con, FeedName.SURVEY, "survey_set_aside_straight_lining_student", period=FALL)

    assert {school: found[0] for school, found in aside.items()} == {11: 0, 12: 1, DISTRICT: 1}


def test_silent_school_is_expected_in_its_districts_survey(con: duckdb.DuckDBPyConnection) -> None:
    item_bank(con)
    insert(con, "lake_roster", student("s"), student("t", B), student("u", B))
    insert(con, "lake_survey", reply("r1", "q3", 5))

    favorable = integers(con, FeedName.SURVEY, "survey_favorable_safety", period=FALL)
    rate = integers(con, FeedName.SURVEY, "survey_response_rate_student", period=FALL)

    assert favorable == {11: (1, 1, 1, 1), DISTRICT: (1, 1, 1, 3)}
    assert rate == {11: (1, 1, 1, None), 12: (0, 2, 2, None), DISTRICT: (1, 3, 3, None)}


def test_teachers_are_eligible_for_their_own_survey(con: duckdb.DuckDBPyConnection) -> None:
    item_bank(con)
    staff = {"school": A, "valid_from": date(2025, 9, 1)}
    insert(
        con,
        "lake_staff",
        *({**staff, "id_hash": key(n), "role": r} for n, r in (("a", "teacher"), ("b", "teacher"), ("c", "other"))),
    )
    insert(con, "lake_survey", reply("r1", "q1", 5, population="teacher"))

    assert integers(con, FeedName.SURVEY, "survey_response_rate_teacher", period=FALL)[11] == (1, 2, 2, None)
    assert integers(con, FeedName.SURVEY, "survey_favorable_sense_of_belonging_teacher", period=FALL)[11] == (
        1,
        1,
        1,
        2,
    )


def walk(name: str, indicator: str, rating: int, on: date, room: str) -> Row:
    return {
        "observation_hash": key(name), "school": A, "observed_on": on, "classroom_hash": key(room), "rubric": "walk",
        "indicator": indicator, "rating": rating,
    }  # fmt: skip


def test_observations_by_indicator_and_number(con: duckdb.DuckDBPyConnection) -> None:
    october, november = date(2025, 10, 6), date(2025, 11, 6)
    insert(
        con, "lake_observation",
        walk("o1", "Rigor", 3, october, "r1"), walk("o1", "Routines", 2, october, "r1"),
        walk("o2", "Rigor", 1, november, "r1"), walk("o3", "Rigor", 4, november, "r2"),
    )  # fmt: skip
    feed = FeedName.OBSERVATION

    assert integers(con, feed, "observation_at_or_above_3", period=YEAR)[11] == (2, 4, 3, None)
    assert integers(con, feed, "observation_at_or_above_3_rigor", period=NOVEMBER)[11] == (1, 2, 2, None)
    assert integers(con, feed, "observation_count", period=NOVEMBER)[11] == (2, 1, 2, None)
    assert integers(con, feed, "classrooms_observed", period=OCTOBER)[11] == (1, 1, 1, None)
    assert integers(con, feed, "classrooms_observed", period=YEAR)[DISTRICT] == (2, 1, 2, None)


def test_evidence_is_counted_and_shared_over_staff(con: duckdb.DuckDBPyConnection) -> None:
    staff = {"school": A, "valid_from": date(2025, 9, 1), "role": "teacher"}
    insert(con, "lake_staff", *({**staff, "id_hash": key(name)} for name in ("a", "b", "c")))
    entry = {"school": A, "evidence": "coaching_feedback", "staff_hash": key("a"), "satisfied": True}
    insert(
        con, "lake_evidence",
        {**entry, "evidence_hash": key("1"), "evidence_on": date(2025, 10, 6)},
        {**entry, "evidence_hash": key("2"), "evidence_on": date(2025, 11, 6)},
        {**entry, "evidence_hash": key("3"), "evidence_on": date(2025, 11, 6), "staff_hash": key("b"), "satisfied": False},
        {**entry, "evidence_hash": key("4"), "evidence_on": date(2025, 11, 6), "evidence": "agenda_review", "satisfied": False},
    )  # fmt: skip
    feed = FeedName.EVIDENCE

    assert integers(con, feed, "staff_with_evidence_coaching_feedback", period=YEAR)[11] == (1, 3, 3, None)
    assert integers(con, feed, "staff_with_evidence_coaching_feedback", period=OCTOBER)[11] == (1, 3, 3, None)
    assert integers(con, feed, "staff_with_evidence_agenda_review", period=YEAR)[11] == (0, 3, 3, None)
    assert integers(con, feed, "evidence_count_coaching_feedback", period=OCTOBER)[11] == (1, 1, 1, None)
    assert integers(con, feed, "evidence_count_coaching_feedback", period=YEAR)[11] == (2, 1, 3, None)


def test_published_figures_are_taken_over(con: duckdb.DuckDBPyConnection) -> None:
    figure = {
        "organization": A,
        "level": "school",
        "period": "annual",
        "metric": "Chronic",
        "subject": "",
        "grade": "all",
    }
    state = {**figure, "organization": "00000000", "level": "state", "is_total": True}
    insert(
        con, "lake_published_results",
        {**figure, "student_group": "all", "value": Decimal("31.4"), "denominator": 200},
        {**figure, "student_group": "low_income", "numerator": 1, "denominator": 3},
        {**figure, "student_group": "asian", "suppressed": "suppressed"},
        {**figure, "student_group": "all", "grade": "05", "value": Decimal("12.5")},
        {**state, "student_group": "all", "value": Decimal("18.1")},
    )  # fmt: skip
    known = find_values(con, load_catalogue(), FeedName.PUBLISHED_RESULTS)

    table = compute_feed(con, FeedName.PUBLISHED_RESULTS, as_of=AS_OF, catalogue=known)
    values = to_values(con, table, catalogue=known).to_pylist()

    found = {(v["organization_id"], v["student_group"]): (round(v["value"], 6), v["n"]) for v in values}
    assert {v["metric"] for v in values} == {"published_chronic"}
    assert found == {
        (11, "all"): (Decimal("31.4"), 200), (11, "low_income"): (Decimal("33.333333"), 3),
        (11, "grade_05"): (Decimal("12.5"), 1), (STATE, "all"): (Decimal("18.1"), 1),
    }  # fmt: skip


def both_districts(con: duckdb.DuckDBPyConnection) -> None:
    """Student m is in districts 9001 and 9002, one week each; 20 school days from 2025-10-27 on."""
    con.execute(
        "insert into ref_school_day select 'cal', d::date, 'instructional' "
        "from range(date '2025-10-27', date '2025-11-22', interval 1 day) as r (d) where dayofweek(d) between 1 and 5"
    )
    weeks = con.execute("select day from ref_school_day order by day").fetchall()
    for number, (on,) in enumerate(weeks):
        school, district = (A, "9001") if number < 10 else (C, "9002")
        row = absence("m", on, school) | {"grain": "day", "present": number > 1, "district": district}
        insert(con, "lake_attendance", row)


def test_state_adds_the_schools_integers(con: duckdb.DuckDBPyConnection) -> None:
    both_districts(con)
    table = compute_feed(con, FeedName.ATTENDANCE, as_of=AS_OF, catalogue=load_catalogue())
    values = to_values(con, table, catalogue=load_catalogue())

    rolled = roll_up(con, below(con, values), catalogue=load_catalogue(), as_of=AS_OF)

    found = con.execute(
        f"select organization_id, numerator, denominator, sum_yy, n, expected_n from {rolled} "
        "where metric = 'attendance_rate' and period_id = 1 and student_group = 'all' order by all"
    ).fetchall()
    assert found == [
        (STATE, 1800, 2000, 2000000, 2, None), (50, 800, 1000, 1000000, 1, None), (60, 1000, 1000, 1000000, 1, None),
    ]  # fmt: skip
    left = con.execute(f"select count(*) from {rolled} where metric = 'chronic_absence_rate_pk12_student'").fetchone()
    assert left == (0,)


def test_metric_that_does_not_add_up_is_computed_from_the_rows_above(con: duckdb.DuckDBPyConnection) -> None:
    both_districts(con)

    found = integers(con, FeedName.ATTENDANCE, "chronic_absence_rate_pk12_student", period=YEAR, levels=UPPER)

    assert found == {STATE: (1, 1, 1, None)}


def test_count_stays_over_one_when_rolled_up(con: duckdb.DuckDBPyConnection) -> None:
    on = date(2025, 10, 6)
    insert(
        con, "lake_observation", walk("o1", "Rigor", 3, on, "r1"), {**walk("o2", "Rigor", 3, on, "r1"), "school": B}
    )
    known = find_values(con, load_catalogue(), FeedName.OBSERVATION)
    values = to_values(con, compute_feed(con, FeedName.OBSERVATION, as_of=AS_OF, catalogue=known), catalogue=known)

    rolled = to_values(
        con, roll_up(con, below(con, values), catalogue=known, as_of=AS_OF), catalogue=known
    ).to_pylist()

    state = [v for v in rolled if v["metric"] == "observation_count" and v["organization_id"] == STATE]
    assert {(v["numerator"], v["denominator"], v["value"]) for v in state} == {(2, 1, 2)}


def test_values_carry_interval_coverage_and_status(con: duckdb.DuckDBPyConnection) -> None:
    two_weeks(con)
    insert(con, "lake_roster", student("s"), student("t"))
    insert(con, "lake_attendance", {**absence("s", date(2025, 11, 7)), "grain": "day"})

    table = compute_feed(con, FeedName.ATTENDANCE, as_of=AS_OF, catalogue=load_catalogue())
    values: pa.Table = to_values(con, table, catalogue=load_catalogue())

    rows = {v["period_id"]: v for v in values.to_pylist() if v["metric"] == "absent_10_or_more_days" and v["organization_id"] == 11
            and v["student_group"] == "all"}  # fmt: skip
    assert {period: row["data_status"] for period, row in rows.items()} == {
        YEAR: "provisional", CYCLE: "final", NOVEMBER: "final",
    }  # fmt: skip
    # Wilson's interval of 0 of 1: upper bound z^2 / (1 + z^2) = 3.841459 / 4.841459
    assert (rows[YEAR]["value"], rows[YEAR]["low"], rows[YEAR]["high"]) == (0, 0, Decimal("79.345069"))
    assert rows[YEAR]["coverage"] == Decimal("0.5")
    assert rows[YEAR]["as_of"] == AS_OF
    assert rows[CYCLE]["as_of"] == date(2025, 11, 30)


def test_catalogue_without_found_values_makes_no_templated_metric() -> None:
    assert isinstance(load_catalogue(), Catalogue)
    assert load_catalogue().metrics(FeedName.EVIDENCE) == ()
