"""What came under an embargo is marked, and not released before its day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sipetl.pipeline.compute import compute
from sipetl.pipeline.review import release_cycle
from tests.home import Site, attendance, present, roster, students, weekdays

PEOPLE = students(40)
DAYS = weekdays(date(2025, 9, 8), 40)
STATUS = "select distinct data_status from metric.value v join ref.organization o using (organization_id) where o.code = :c"
SHOWN = """
    select count(*), count(v.value), count(*) filter (where v.display_value = 'embargoed')
    from pub.metric_value v where v.organization_code = :c
"""


def test_embargoed_values_are_marked_and_suppressed_in_the_release(site: Site) -> None:
    site.put("students_export_2025-09-02.csv", roster(PEOPLE))
    site.ingest()
    site.put("attendance_a.csv", attendance(PEOPLE, DAYS, present))
    done = site.run("ingest", "--embargo-until", "2026-03-01")
    other = replace(site, ticks=site.ticks)
    other.put("attendance_o.csv", attendance(students(40, "BRN"), DAYS, present), "9002")
    other.ingest()

    with site.open() as home:
        compute(home)
        release_cycle(home, "C1")

    assert done.status == 0
    assert site.sql(STATUS, c="35010010") == [("embargoed",)]
    assert ("embargoed",) not in site.sql(STATUS, c="90020010")
    rows, shown, marked = site.sql(SHOWN, c="35010010")[0]
    assert rows == marked > 0
    assert shown == 0
    rows, shown, marked = site.sql(SHOWN, c="90020010")[0]
    assert shown > 0
    assert marked == 0


def test_embargo_ends_on_its_day(site: Site) -> None:
    site.put("students_export_2025-09-02.csv", roster(PEOPLE))
    site.ingest()
    site.put("attendance_a.csv", attendance(PEOPLE, DAYS, present))
    site.run("ingest", "--embargo-until", "2026-03-01")
    statuses = []

    for today in (date(2026, 2, 28), date(2026, 3, 1)):
        with replace(site, today=today).open() as home:
            compute(home)
        statuses.append({status for (status,) in site.sql(STATUS, c="35010010")})

    assert statuses[0] == {"embargoed"}
    assert "embargoed" not in statuses[1]
