from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import create_engine, text

from sipetl.errors import ConfigError
from sipetl.publish import apply_views, roles_sql
from sipetl.warehouse import Warehouse, upgrade
from tests.unit.publish.conftest import Served
from tests.unit.publish.world import (
    CHRONIC,
    DISTRICT,
    LATE_REVIEW,
    NEXT_CYCLE,
    OTHER_DISTRICT,
    OTHER_SCHOOL,
    SCHOOL,
    STATE,
    World,
)

PUB = (
    "attendance_wide",
    "benchmark_status",
    "dim_cycle",
    "dim_metric",
    "dim_organization",
    "dim_period",
    "dim_school_year",
    "dim_student_group",
    "metric_value",
    "restatement",
)
OWN = ("attendance_wide", "benchmark_status", "metric_value")
RELATIONS = """
    select n.nspname, c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('ref', 'plan', 'ops', 'metric', 'own', 'pub') and c.relkind in ('r', 'v', 'm', 'S', 'p')
"""


def fill(world: World) -> None:
    """Shown: the district's 25.0 % of 40. Small: the school's 3 of 4, whose numbers are like no others."""
    world.value(DISTRICT, 10, 40)
    world.value(SCHOOL, 3, 4, sum_xx=777_001, sum_xy=777_002, sum_yy=777_003, expected_n=777_004)
    world.value(OTHER_SCHOOL, 6, 24)
    world.benchmark(1, SCHOOL)
    world.status(1, Decimal(75), 4, certainty="close", gap=Decimal(51))
    world.benchmark(2, DISTRICT)
    world.status(2, Decimal(25), 40)


def fill_and_release(world: World) -> None:
    fill(world)
    world.release()


def rows(connection: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    return connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()


def test_pub_and_own_hold_exactly_the_reading_views_and_the_owner_owns_them(served: Served) -> None:
    with served.connect("owner") as connection:
        found = connection.execute(
            "select schemaname, viewname, viewowner from pg_views where schemaname in ('pub', 'own') order by 1, 2"
        ).fetchall()
        (is_superuser,) = connection.execute(
            "select rolsuper from pg_roles where rolname = 'sipetl_owner'"
        ).fetchone()

    assert [(schema, name) for schema, name, _ in found] == [("own", v) for v in OWN] + [("pub", v) for v in PUB]
    assert {owner for _, _, owner in found} == {"sipetl_owner"}
    assert is_superuser is False


def test_the_reader_can_read_every_view_of_pub_and_nothing_else(served: Served) -> None:
    served.write(fill_and_release)
    with served.connect("owner") as owner:
        relations = owner.execute(RELATIONS).fetchall()

    readable = set()
    with served.connect() as reader:
        for schema, name, kind in relations:
            for query in (f"select * from {schema}.{name}", f"copy (select * from {schema}.{name}) to stdout"):
                try:
                    with reader.cursor() as cursor:
                        if query.startswith("copy"):
                            with cursor.copy(query) as copy:
                                list(copy)
                        else:
                            cursor.execute(query)
                except psycopg.errors.InsufficientPrivilege:
                    continue
                readable.add((schema, name, kind))

    assert len(relations) > 30
    assert readable == {("pub", name, "v") for name in PUB}


@pytest.mark.parametrize(
    "attempt",
    [
        "set role sipetl_owner",
        "set role sipetl_etl",
        "update pub.metric_value set value = 1",
        "delete from pub.dim_cycle",
        "create table pub.mine (a int)",
        "create table public.mine (a int)",
        "create function pub.mine() returns int language sql as 'select 1'",
        "create schema mine",
        "copy pub.dim_cycle to '/dev/null'",
        "select pg_read_file('pg_hba.conf')",
        "table ops.release_value",
        "table own.metric_value",
    ],
)
def test_the_reader_cannot_write_or_become_somebody_else(served: Served, attempt: str) -> None:
    with (
        served.connect() as reader,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)),
    ):
        reader.execute(attempt.encode())


def test_a_function_of_the_reader_in_a_filter_sees_no_hidden_number(served: Served) -> None:
    served.write(fill_and_release)
    with served.connect() as reader:
        reader.execute("create temp table heard (told text)")
        reader.execute(
            "create function pg_temp.listen(numeric) returns boolean language plpgsql cost 0.0001 as"
            " $$ begin insert into heard values ($1::text); return true; end $$"
        )
        reader.execute("select count(*) from pub.metric_value where pg_temp.listen(value) and pg_temp.listen(n)")
        heard = {Decimal(told) for (told,) in reader.execute("select told from heard where told is not null")}

    assert heard == {Decimal(25), Decimal(40), Decimal(24)}


def test_a_released_number_is_shown_with_its_counts(served: Served) -> None:
    served.write(fill_and_release)

    with served.connect() as reader:
        (row,) = rows(reader, f"select * from pub.metric_value where organization_code = '{DISTRICT}'")
        (status,) = rows(reader, f"select * from pub.benchmark_status where organization_code = '{DISTRICT}'")

    assert (row["display_value"], row["value"], row["numerator"], row["n"]) == ("25.0", Decimal(25), 10, 40)
    assert (row["cycle"], row["period_code"], row["suppression"]) == ("C1", "C1", None)
    assert (status["status"], status["display_value"], status["gap"]) == ("off_track", "25.0", Decimal(1))


def test_a_small_cell_keeps_its_row_and_loses_every_number(served: Served) -> None:
    served.write(fill_and_release)
    keys = {"cycle", "school_year", "organization_id", "organization_code", "period_id", "period_code", "metric"}
    keys |= {"metric_version", "student_group", "as_of", "display_value", "suppression"}
    plan_keys = keys | {"benchmark_id", "plan", "benchmark_code", "is_mag", "kind", "practice", "category"}
    plan_keys |= {"is_academic", "path", "due_on", "target"}

    with served.connect() as reader:
        (row,) = rows(reader, f"select * from pub.metric_value where organization_code = '{SCHOOL}'")
        (status,) = rows(reader, f"select * from pub.benchmark_status where organization_code = '{SCHOOL}'")
        (wide,) = rows(reader, f"select * from pub.attendance_wide where organization_code = '{SCHOOL}'")

    assert (row["display_value"], row["suppression"]) == ("suppressed", "P")
    assert {name for name, value in row.items() if value is not None} <= keys
    assert (status["display_value"], status["suppression"]) == ("suppressed", "P")
    assert {name for name, value in status.items() if value is not None} <= plan_keys
    assert wide[CHRONIC] is None


def test_no_number_of_a_small_cell_is_anywhere_in_pub(served: Served) -> None:
    served.write(fill_and_release)

    with served.connect() as reader:
        dumped = [rows(reader, f"select * from pub.{name}") for name in PUB]

    cells = [
        str(value) for table in dumped for row in table for value in row.values() if row.get("organization_code")
    ]
    assert not {"75", "51", "67.5", "82.5"} & {cell.partition(".")[0] for cell in cells}
    assert not [cell for cell in cells if cell.startswith(("75", "67.5", "82.5", "7770"))]


def test_embargoed_values_never_enter_pub(served: Served) -> None:
    def embargoed(world: World) -> None:
        world.value(SCHOOL, 20, 80, data_status="embargoed")
        world.benchmark(1, SCHOOL)
        world.status(1, Decimal(25), 80)
        world.release()

    served.write(embargoed)

    with served.connect() as reader:
        (row,) = rows(reader, "select * from pub.metric_value")
        (status,) = rows(reader, "select * from pub.benchmark_status")
    assert (row["display_value"], row["suppression"], row["value"], row["n"]) == ("embargoed", "E", None, None)
    assert (status["display_value"], status["suppression"], status["status"]) == ("embargoed", "E", None)


def test_pub_shows_releases_only(served: Served) -> None:
    served.write(fill)

    with served.connect() as reader:
        assert rows(reader, "select * from pub.metric_value") == []
        assert rows(reader, "select * from pub.benchmark_status") == []
        assert [r["is_released"] for r in rows(reader, "select * from pub.dim_cycle order by sort")] == [False, False]


@pytest.mark.parametrize(
    ("value", "shown"), [("0.25", "0.3"), ("12.35", "12.4"), ("-0.25", "-0.3"), ("7", "7.0"), ("99.95", "100.0")]
)
def test_display_values_are_rounded_half_up(served: Served, value: str, shown: str) -> None:
    def one(world: World) -> None:
        world.value(SCHOOL, 10, 40, value=Decimal(value))
        world.release()

    served.write(one)

    with served.connect() as reader:
        assert rows(reader, "select display_value from pub.metric_value") == [{"display_value": shown}]


def test_the_wide_view_has_one_row_with_a_column_per_metric(served: Served) -> None:
    def two_metrics(world: World) -> None:
        world.value(SCHOOL, 10, 40)
        world.value(SCHOOL, 9000, 40, metric="attendance_rate", denominator=10000, value=Decimal(90))
        world.release()

    served.write(two_metrics)

    with served.connect() as reader:
        (row,) = rows(reader, "select * from pub.attendance_wide")
    assert (row[CHRONIC], row["attendance_rate"], row["average_days_absent"]) == (Decimal(25), Decimal(90), None)


@pytest.mark.parametrize(("earlier", "is_shown"), [((20, 80), True), ((1, 4), False)])
@pytest.mark.parametrize("now", [24, 20])
def test_a_change_and_a_rising_path_do_not_give_an_earlier_small_cell_away(
    served: Served, earlier: tuple[int, int], is_shown: bool, now: int
) -> None:
    """C1 had 25 %, shown or not; C2 has 30 % or again 25 %: its change, or its expectation of 25, would tell."""
    value = Decimal(100 * now) / 80
    change = value - 25

    def two_cycles(world: World) -> None:
        numerator, n = earlier
        world.value(SCHOOL, numerator, n)
        world.value(SCHOOL, now, 80, period_id=NEXT_CYCLE)
        world.benchmark(1, path="rises")
        world.status(1, Decimal(25), n)
        world.status(1, value, 80, cycle="C2", expected=Decimal(25), gap=change, change=change, status="on_track")
        world.release()
        world.release("C2", now=LATE_REVIEW)

    served.write(two_cycles)

    with served.connect() as reader:
        (row,) = rows(reader, "select * from pub.benchmark_status where cycle = 'C2'")
    told = change if is_shown else None
    assert (row["value"], row["change"], row["gap"]) == (value, told, told)
    assert row["expected"] == (Decimal(25) if is_shown else None)


OUTLOOK = {
    "change": Decimal(2), "change_low": Decimal(-1), "change_high": Decimal(5), "is_change_beyond_noise": False,
    "pace": Decimal("-0.5"), "pace_period": "cycle", "periods_left": 2, "projection": Decimal("7770.5"),
    "projection_low": Decimal(7770), "projection_high": Decimal(7771), "occurrence": "month", "occurrences_met": 3,
    "occurrences_judged": 4, "occurrences_needed": 5, "occurrences_total": 6,
}  # fmt: skip
CHANGES = {name for name in OUTLOOK if "change" in name}
PROJECTIONS = {name for name in OUTLOOK if name.startswith("projection")}


@pytest.mark.parametrize(("n", "is_shown"), [(80, True), (4, False)])
def test_what_follows_from_a_status_is_hidden_with_it(served: Served, n: int, is_shown: bool) -> None:
    """The change would give the earlier value away, which no release showed; a projection any value below it."""

    def one(world: World) -> None:
        world.value(SCHOOL, n // 4, n)
        world.benchmark(1)
        world.status(1, Decimal(25), n, **OUTLOOK)
        world.release()

    served.write(one)

    with served.connect() as reader:
        (public,) = rows(reader, "select * from pub.benchmark_status")
    with served.connect_as("bi_d3501") as district:
        (own,) = rows(district, "select * from own.benchmark_status")
    told = {name: value for name, value in OUTLOOK.items() if name not in CHANGES | PROJECTIONS}
    assert {name: public[name] for name in OUTLOOK if name in public and public[name] is not None} == (
        told if is_shown else {}
    )
    assert not PROJECTIONS & public.keys()
    assert {name: own[name] for name in OUTLOOK} == OUTLOOK


@pytest.mark.parametrize(
    ("path", "expected", "is_shown"),
    [("hold", "24", True), ("same_window", "24", True), ("same_window", "21.5", False), ("cumulative", "9", False)],
)
def test_an_expectation_that_rests_on_last_years_values_is_not_told(
    served: Served, path: str, expected: str, is_shown: bool
) -> None:
    """Last year's winter moved by what the plan asks: whoever knows the plan would know last year's winter."""

    def one(world: World) -> None:
        world.value(SCHOOL, 20, 80)
        world.benchmark(1, path=path)
        world.status(1, Decimal(25), 80, expected=Decimal(expected), gap=25 - Decimal(expected))
        world.release()

    served.write(one)

    with served.connect() as reader:
        (row,) = rows(reader, "select * from pub.benchmark_status")
    told = (Decimal(expected), 25 - Decimal(expected)) if is_shown else (None, None)
    assert (row["expected"], row["gap"], row["value"]) == (*told, 25)


@pytest.mark.parametrize(
    ("login", "values", "statuses"),
    [
        ("bi_d3501", {DISTRICT, SCHOOL}, {DISTRICT, SCHOOL}),
        ("bi_d3502", {OTHER_SCHOOL}, set()),
    ],
)
def test_a_district_sees_its_own_rows_unsuppressed_and_no_others(
    served: Served, login: str, values: set[str], statuses: set[str]
) -> None:
    served.write(fill_and_release)

    with served.connect_as(login) as district:
        own = rows(district, "select * from own.metric_value")
        wide = rows(district, "select * from own.attendance_wide")
        judged = rows(district, "select * from own.benchmark_status")
        public = rows(district, "select * from pub.metric_value")

    assert {row["organization_code"] for row in own} == {row["organization_code"] for row in wide} == values
    assert {row["organization_code"] for row in judged} == statuses
    assert all(row["value"] is not None and row["n"] is not None for row in own)
    assert {row["organization_code"] for row in public} == {DISTRICT, SCHOOL, OTHER_SCHOOL}


def test_a_district_role_reads_no_table(served: Served) -> None:
    with served.connect("owner") as owner:
        relations = owner.execute(RELATIONS).fetchall()

    with served.connect_as("bi_d3501") as district:
        for schema, name, _ in (r for r in relations if r[2] != "v"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                district.execute(f"select * from {schema}.{name}".encode())


def test_a_function_of_a_district_in_a_filter_sees_its_own_rows_only(served: Served) -> None:
    served.write(fill)
    with served.connect_as("bi_d3502") as district:
        district.execute("create temp table heard (told text)")
        district.execute(
            "create function pg_temp.listen(numeric) returns boolean language plpgsql cost 0.0001 as"
            " $$ begin insert into heard values ($1::text); return true; end $$"
        )
        for view in ("own.metric_value", "own.benchmark_status"):
            district.execute(f"select count(*) from {view} where pg_temp.listen(value)".encode())
        heard = {Decimal(told) for (told,) in district.execute("select told from heard")}

    assert heard == {Decimal(25)}


def test_set_role_decides_and_not_the_login(served: Served) -> None:
    """A BI tool's service account takes a district's role for each person."""
    served.write(fill)
    served.administer(
        "do $$ begin if not exists (select from pg_roles where rolname = 'bi_service') then create role bi_service"
        " login; end if; end $$; grant bi_d3502 to bi_service with inherit false, set true"
    )
    with served.connect_as("bi_service") as service:
        service.execute("set role bi_d3502")
        seen = {row["organization_code"] for row in rows(service, "select * from own.metric_value")}

    assert seen == {OTHER_SCHOOL}


def test_a_grant_of_a_star_shows_all_districts_and_the_state(served: Served) -> None:
    def with_state(world: World) -> None:
        fill(world)
        world.value(STATE, 100, 400)
        world.value(OTHER_DISTRICT, 10, 40)

    served.write(with_state)
    served.administer(
        "do $$ begin if not exists (select from pg_roles where rolname = 'bi_state') then create role bi_state login;"
        " end if; end $$; insert into ops.reader_grant values ('bi_state', '*') on conflict do nothing"
    )
    apply_views(served.warehouse)

    with served.connect_as("bi_state") as state:
        seen = {row["organization_code"] for row in rows(state, "select * from own.metric_value")}
    assert seen == {STATE, DISTRICT, SCHOOL, OTHER_DISTRICT, OTHER_SCHOOL}


def test_own_shows_what_is_current_after_a_release(served: Served) -> None:
    served.write(fill_and_release)
    with served.warehouse.begin() as connection:
        connection.execute(text("update metric.value set numerator = 20, value = 50 where organization_id = 2"))

    with served.connect_as("bi_d3501") as district:
        condition = f"where organization_code = '{DISTRICT}'"
        assert rows(district, f"select value from own.metric_value {condition}") == [{"value": Decimal(50)}]
        assert rows(district, f"select value from pub.metric_value {condition}") == [{"value": Decimal(25)}]


def test_every_view_and_column_has_a_comment(served: Served) -> None:
    query = """
        select n.nspname || '.' || c.relname, a.attname
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where n.nspname in ('pub', 'own')
            and (coalesce(col_description(c.oid, a.attnum), '') = '' or coalesce(obj_description(c.oid), '') = '')
    """
    with served.connect("owner") as connection:
        assert connection.execute(query).fetchall() == []


def test_no_column_of_pub_is_a_float_an_array_or_json(served: Served) -> None:
    query = "select distinct data_type from information_schema.columns where table_schema in ('pub', 'own')"
    with served.connect("owner") as connection:
        kinds = {kind for (kind,) in connection.execute(query)}

    assert kinds <= {"text", "bigint", "integer", "numeric", "date", "boolean", "timestamp with time zone"}


def test_views_and_grants_survive_a_second_upgrade_and_readers_own_views_too(served: Served) -> None:
    served.write(fill_and_release)
    served.administer("create view public.by_a_reader as select cycle, value from pub.metric_value")

    for _ in range(2):
        upgrade(served.warehouse)
        apply_views(served.warehouse)

    with served.connect() as reader:
        assert len(rows(reader, "select * from pub.metric_value")) == 3
    with served.connect_as("bi_d3502") as district:
        assert len(rows(district, "select * from own.metric_value")) == 1
    served.administer("drop view public.by_a_reader")


def test_a_view_whose_columns_changed_is_made_anew(served: Served) -> None:
    with served.warehouse.owner.begin() as connection:
        connection.execute(text("drop view pub.dim_cycle"))
        connection.execute(text("create view pub.dim_cycle as select 1 as something_else"))

    apply_views(served.warehouse)

    with served.connect() as reader:
        assert rows(reader, "select * from pub.dim_cycle") == []


def test_views_are_made_where_our_roles_do_not_exist(served: Served) -> None:
    """Another server: one login that owns its database, and none of our roles (here: none that it knows of)."""
    served.administer("create role elsewhere login password 'x'")
    served.administer("create database elsewhere owner elsewhere")
    url = served.warehouse.urls["owner"].replace("/sipetl?", "/elsewhere?")
    host = url.partition("@")[2]
    outside = f"postgresql+psycopg://elsewhere:x@{host}"
    warehouse = Warehouse({"owner": outside, "etl": outside})

    upgrade(warehouse)
    apply_views(warehouse)

    engine = create_engine(outside)
    with engine.connect() as connection:
        count = connection.execute(text("select count(*) from pg_views where schemaname in ('pub', 'own')")).scalar()
    engine.dispose()
    warehouse.close()
    served.administer("drop database elsewhere")
    served.administer("drop role elsewhere")
    assert count == len(PUB) + len(OWN)


@pytest.mark.parametrize("district", ["35'01", "", 'x"', "35 01", "a" * 41])
def test_a_district_code_that_could_be_sql_is_refused(district: str) -> None:
    with pytest.raises(ConfigError):
        roles_sql(district)
