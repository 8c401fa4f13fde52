"""Run by `test_timetable` in a process of its own, with Airflow: asks the timetable and prints what it says, as JSON.

Airflow configures logging and the environment when it is imported, so the tests themselves never import it.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

folder = Path(sys.argv[1])
told: dict[str, Any] = {}


def write(path: Path, offsets: list[int]) -> str:
    """A daybook of days so many days from today."""
    days = [(today + timedelta(days=n)).isoformat() for n in offsets]
    path.write_text(json.dumps({"version": 1, "time_zone": "UTC", "days": days}), "utf-8")
    return str(path)


def days_from_today(infos: Any) -> list[int | None]:
    return [info and (info.run_after.date() - today).days for info in infos]


import airflow.sdk  # noqa: E402, F401 (what every DAG file has loaded)

before = set(sys.modules)
sys.path.append(str(Path(__file__).parents[2] / "plugins"))
from sipetl_airflow_plugin import SchoolDayTimetable  # noqa: E402 (as a DAG file imports it)

told["loaded"] = sorted(
    {name.partition(".")[0] for name in set(sys.modules) - before} - {"airflow", "sipetl", "sipetl_airflow_plugin"}
)

from airflow import plugins_manager  # noqa: E402
from airflow.sdk import DAG, task  # noqa: E402
from airflow.serialization.serialized_objects import DagSerialization  # noqa: E402
from airflow.timetables.base import DagRunInfo, DataInterval  # noqa: E402

plugins, errors = plugins_manager._get_plugins()
told["plugins"] = [plugin.name for plugin in plugins]
told["errors"] = errors
told["timetables"] = list(plugins_manager.get_timetables_plugins())
told["fastapi_by_then"] = "fastapi" in sys.modules


def dag(timetable: Any, **given: Any) -> Any:
    """A DAG as it is after Airflow stored it and read it again."""
    with DAG("asked", schedule=timetable, **given) as made:

        @task
        def nothing() -> None:
            """Do nothing."""

        nothing()
    stored = json.loads(json.dumps(DagSerialization.to_dict(made)))
    told["stored"] = stored["dag"]["timetable"]
    return DagSerialization.from_dict(stored)


def after(info: DagRunInfo | None) -> DagRunInfo | None:
    return read.next_dagrun_info(last_automated_run_info=info)


def walk(start: DagRunInfo | None, steps: int) -> list[DagRunInfo | None]:
    found = [after(start)]
    while len(found) < steps:
        found.append(after(found[-1]))
    return found


today = datetime.now(UTC).date()
midnight = datetime.combine(today, datetime.min.time(), UTC)
book = folder / "book.json"
file = write(book, [-5, -3, -1, 2, 5])

read = dag(SchoolDayTimetable("00:00", file=file), start_date=midnight - timedelta(days=300), catchup=False)
told["type"] = read.timetable.type_name
told["summary"] = read.timetable.summary
told["description"] = read.timetable.description
told["again"] = read.timetable.serialize()
told["runs"] = days_from_today(walk(None, 3))
four_days_ago = DagRunInfo.exact(midnight - timedelta(days=5))
told["after_an_outage"] = days_from_today(walk(four_days_ago, 2))
told["manual"] = list(map(str, read.timetable.infer_manual_data_interval(run_after=midnight))) == [str(midnight)] * 2
told["backfill"] = days_from_today(
    read.iter_dagrun_infos_between(midnight - timedelta(days=4), midnight + timedelta(days=3))
)

write(book, [-5, -3, -1, 3, 5])  # a snow day in two days
told["after_an_edit"] = days_from_today([after(DagRunInfo.exact(midnight - timedelta(days=1)))])
book.write_text("{", "utf-8")
told["broken"] = days_from_today([after(DagRunInfo.exact(midnight - timedelta(days=1)))])
book.unlink()
told["gone"] = days_from_today([after(DagRunInfo.exact(midnight - timedelta(days=1)))])

read = dag(SchoolDayTimetable("00:00", file=write(folder / "two.json", [-3, -1, 2])), start_date=midnight - timedelta(days=4), catchup=True)  # fmt: skip
told["with_catchup"] = days_from_today(walk(None, 3))
read = dag(SchoolDayTimetable("00:00", file=file), end_date=midnight - timedelta(days=2), start_date=midnight - timedelta(days=9))  # fmt: skip
told["after_the_end"] = days_from_today([after(None)])

read = dag(SchoolDayTimetable("06:30", file=str(folder / "never")), catchup=False)
weekdays: list[date] = [info.run_after.date() for info in walk(None, 8) if info]
told["without_a_file"] = [day.weekday() for day in weekdays], (weekdays[-1] - weekdays[0]).days

read = dag(SchoolDayTimetable("06:30"))
told["of_the_home"] = str(after(DagRunInfo.exact(datetime(2999, 1, 1, tzinfo=UTC))).run_after)  # type: ignore[union-attr]
told["interval"] = DataInterval.exact(midnight) == DagRunInfo.exact(midnight).data_interval  # type: ignore[arg-type]

for wrong in ("25:00", "soon", "06:00+02:00"):
    try:
        SchoolDayTimetable(wrong)
        told[wrong] = "taken"
    except ValueError:
        told[wrong] = "refused"

sys.__stdout__.write("\nTOLD " + json.dumps(told) + "\n")  # type: ignore[union-attr]
