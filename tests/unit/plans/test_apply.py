"""Plan files in the warehouse: keys, history, and timeline steps on a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text

from sipetl.errors import RegistryError
from sipetl.plans import Benchmark, Mag, apply_plans, load_plan, steps
from sipetl.warehouse import tables as t

Writer = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def put(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return put


@pytest.fixture
def cycle(connection: Connection) -> str:
    row = {"cycle": "C1", "school_year": 2026}
    days = {"data_as_of": date(2025, 11, 14), "data_due": date(2025, 11, 21), "review_date": date(2025, 12, 2)}
    connection.execute(insert(t.ref.cycle).values({**row, **days}))
    return "C1"


def _codes(connection: Connection) -> list[str]:
    return sorted(connection.scalars(select(t.plan.benchmark.c.code)))


def _judge(connection: Connection, cycle: str, code: str, value: int | None = 1) -> None:
    key = connection.scalar(select(t.plan.benchmark.c.benchmark_id).where(t.plan.benchmark.c.code == code))
    status = "no_data" if value is None else "met"
    row = {"benchmark_id": key, "cycle": cycle, "as_of": date(2025, 11, 14), "status": status, "value": value}
    row |= {"target": 1}
    connection.execute(insert(t.metric.status).values(row))


def _release(connection: Connection, cycle: str) -> None:
    released = {"cycle": cycle, "released_at": datetime(2025, 12, 1, tzinfo=UTC), "as_of": date(2025, 12, 1)}
    connection.execute(insert(t.release.release).values({**released, "policy": "dese", "sha256": "0"}))
    columns = "benchmark_id, cycle, as_of, status, target"
    connection.execute(
        text(f"insert into ops.release_status ({columns}) select {columns} from metric.status where cycle = :cycle"),
        {"cycle": cycle},
    )


def test_a_plan_is_written_with_all_its_parts(connection: Connection, write: Writer, good_plan: str) -> None:
    count = apply_plans(connection, [write("plan.yaml", good_plan)])

    version = connection.execute(select(t.plan.plan_version)).one()
    rows = {row.code: row for row in connection.execute(select(t.plan.benchmark))}
    assert count == 1
    assert (version.plan, version.organization_code) == ("MA/00350012", "00350012")
    assert version.effective_from == date(2025, 9, 2)
    assert sorted(rows) == ["B1", "B2", "B3", "M1", "M2"]
    assert (rows["B1"].practice, rows["B1"].is_mag, rows["B1"].category) == ("TP4", False, None)
    assert (rows["M1"].practice, rows["M1"].is_mag, rows["M1"].category) == (None, True, "ATT_DISM_EXCL")
    assert (rows["B2"].baseline_value, rows["B2"].target_level) == (40, 45)  # 5 points above the baseline
    assert (rows["B2"].due_on, rows["B2"].is_academic) == (date(2026, 2, 13), True)


def test_the_definition_gives_back_the_whole_benchmark(connection: Connection, write: Writer, good_plan: str) -> None:
    path = write("plan.yaml", good_plan)
    apply_plans(connection, [path])

    stored = {
        row.code: (Mag if row.is_mag else Benchmark).model_validate(row.definition)
        for row in connection.execute(select(t.plan.benchmark))
    }

    assert stored == {goal.code: goal for _, goal in load_plan(path).located()}


def test_keys_are_the_same_in_every_home_and_safe_for_javascript(
    connection: Connection, write: Writer, good_plan: str
) -> None:
    apply_plans(connection, [write("plan.yaml", good_plan)])
    keys = set(connection.scalars(select(t.plan.benchmark.c.benchmark_id)))
    connection.execute(text("delete from plan.version"))

    apply_plans(connection, [write("renamed.yaml", f"# a comment\n{good_plan}")])

    assert set(connection.scalars(select(t.plan.benchmark.c.benchmark_id))) == keys
    assert all(0 <= key < 2**53 for key in keys)


def test_applying_twice_changes_nothing(connection: Connection, write: Writer, good_plan: str) -> None:
    path = write("plan.yaml", good_plan)
    apply_plans(connection, [path])
    before = connection.execute(text("select ctid::text, code from plan.benchmark order by code")).all()

    apply_plans(connection, [path])

    assert connection.execute(text("select ctid::text, code from plan.benchmark order by code")).all() == before


def test_a_changed_target_is_written_under_the_same_key(
    connection: Connection, write: Writer, good_plan: str
) -> None:
    apply_plans(connection, [write("plan.yaml", good_plan)])
    query = select(t.plan.benchmark.c.benchmark_id, t.plan.benchmark.c.target_level).where(
        t.plan.benchmark.c.code == "B1"
    )
    key, _ = connection.execute(query).one()

    apply_plans(connection, [write("plan.yaml", good_plan.replace("value: 24.0", "value: 23.5"))])

    assert connection.execute(query).one() == (key, Decimal("23.5"))


def test_a_version_goes_with_its_file_while_nothing_refers_to_it(
    connection: Connection, write: Writer, good_plan: str
) -> None:
    apply_plans(connection, [write("plan.yaml", good_plan)])

    apply_plans(connection, [])

    assert connection.execute(select(t.plan.plan_version)).all() == []
    assert _codes(connection) == []


def test_a_version_that_was_judged_stays_without_its_file(
    connection: Connection, write: Writer, good_plan: str, cycle: str
) -> None:
    apply_plans(connection, [write("plan.yaml", good_plan)])
    _judge(connection, cycle, "B1")
    later = write("later.yaml", good_plan.replace("2025-09-02", "2026-02-01"))

    apply_plans(connection, [later])

    days = connection.scalars(select(t.plan.plan_version.c.effective_from)).all()
    assert sorted(days) == [date(2025, 9, 2), date(2026, 2, 1)]


def test_a_version_that_never_had_a_value_goes_with_its_file_and_its_statuses(
    connection: Connection, write: Writer, good_plan: str, cycle: str
) -> None:
    apply_plans(connection, [write("plan.yaml", good_plan)])
    _judge(connection, cycle, "B1", value=None)

    apply_plans(connection, [])

    assert _codes(connection) == []
    assert connection.execute(select(t.metric.status)).all() == []


def test_a_version_without_a_value_stays_when_it_was_released(
    connection: Connection, write: Writer, good_plan: str, cycle: str
) -> None:
    apply_plans(connection, [write("plan.yaml", good_plan)])
    _judge(connection, cycle, "B1", value=None)
    _release(connection, cycle)

    apply_plans(connection, [])

    assert "B1" in _codes(connection)


def test_a_benchmark_that_a_release_holds_cannot_leave_its_version(
    connection: Connection, write: Writer, good_plan: str, cycle: str
) -> None:
    apply_plans(connection, [write("plan.yaml", good_plan)])
    _judge(connection, cycle, "M1")
    _release(connection, cycle)
    without = good_plan[: good_plan.index("- {code: M1")] + good_plan[good_plan.index("- {code: M2") :]

    with pytest.raises(RegistryError, match="M1 is gone") as caught:
        apply_plans(connection, [write("plan.yaml", without)])

    assert caught.value.where.endswith("plan.yaml:2")
    assert "M1" in _codes(connection)


def test_two_files_of_one_version_are_refused(connection: Connection, write: Writer, good_plan: str) -> None:
    files = [write("a.yaml", good_plan), write("b.yaml", good_plan)]

    with pytest.raises(RegistryError, match="has a version from 2025-09-02 already") as caught:
        apply_plans(connection, files)

    assert caught.value.where.endswith("b.yaml:2")


def test_a_fault_in_a_file_is_told_with_its_line(connection: Connection, write: Writer, good_plan: str) -> None:
    path = write("plan.yaml", good_plan.replace("practice: TP4", "practise: TP4"))

    with pytest.raises(RegistryError, match="is missing") as caught:
        apply_plans(connection, [path])

    assert caught.value.where == f"{path}:5"


def test_steps_are_done_due_or_overdue(connection: Connection, write: Writer, good_plan: str) -> None:
    form = "- {step: Form the team, owner: Principal, due: 2025-10-31}"
    more = f"{form}\n      - {{step: Meet, owner: Coach, due: 2025-10-01, done_on: 2025-10-20}}"
    apply_plans(connection, [write("plan.yaml", good_plan.replace(form, more))])

    def on(day: date) -> list[tuple[str, str]]:
        return [(row.step, row.status.value) for row in steps(connection, day)]

    assert on(date(2025, 10, 19)) == [("Meet", "overdue"), ("Form the team", "due")]
    assert on(date(2025, 10, 31)) == [("Meet", "done"), ("Form the team", "due")]
    assert on(date(2025, 11, 1)) == [("Meet", "done"), ("Form the team", "overdue")]


def test_steps_are_those_of_the_version_in_force(connection: Connection, write: Writer, good_plan: str) -> None:
    later = good_plan.replace("2025-09-02", "2026-02-01").replace("Form the team", "Keep the team")
    apply_plans(connection, [write("a.yaml", good_plan), write("b.yaml", later)])

    assert [row.step for row in steps(connection, date(2026, 1, 31))] == ["Form the team"]
    assert [row.step for row in steps(connection, date(2026, 2, 1))] == ["Keep the team"]
    assert steps(connection, date(2025, 9, 1)) == []
