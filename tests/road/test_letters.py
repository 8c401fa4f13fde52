"""What a letter says of files that can be read and are not quite right: in the sender's headings, never a value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from sipetl.pipeline import DeliveryOutcome
from sipetl.pipeline.compute import compute
from sipetl.quality import Finding, Outcome
from sipetl.registry.models import FeedName
from tests.home import Site, attendance, present, roster, students, weekdays

DAYS = weekdays(date(2026, 1, 12), 5)
PLACEMENT = "Overall Relative Placement"
IREADY = [
    "Student ID",
    "Academic Year",
    "School",
    "Student Grade",
    "Sex",
    "Start Date",
    "Completion Date",
    "Norming Window",
    "Baseline Diagnostic (Y/N)",
    "Overall Scale Score",
    "Lexile Measure",
    "Percentile",
    "Percent Progress to Annual Typical Growth (%)",
]
OWN_LAYOUT = """\
layout: own_roster
version: 1
feed: roster
title: Students, with the day they entered
source: made for this test
file: {kind: csv, name_pattern: 'students_(?P<date>\\d{4}-\\d{2}-\\d{2})'}
recognise: {headers: [Pupil, Site, Year Level, Entered]}
scope: {kind: snapshot}
columns:
  id_hash: {from: Pupil, id: {kind: lasid}}
  school: {from: Site, crosswalk: school}
  snapshot_on: {from: "{date}", parse: ["%Y-%m-%d"]}
  grade: {from: Year Level}
  entry_date: {from: Entered, parse: ["%Y-%m-%d"]}
  gender: {from: Sex, codes: {F: F, M: M}}
"""


def found(outcome: DeliveryOutcome, rule_id: str) -> list[Finding]:
    """The findings of a rule, in all parts of a delivery (each part of a member tells the same)."""
    return list(dict.fromkeys(f for part in outcome.parts for f in part.findings if f.rule_id == rule_id))


def iready(count: int, placement: str | None = None) -> str:
    """A diagnostic of every student; with the placement column, if one is given."""
    headings = [*IREADY, *([PLACEMENT] if placement else [])]
    rows = (
        f"{s.number},2025-2026,HEA,3,F,09/15/2025,09/15/2025,Fall,Y,500,400L,50,0{f',{placement}' if placement else ''}\n"
        for s in students(count)
    )
    return ",".join(headings) + "\n" + "".join(rows)


def take_iready(site: Site, name: str, content: str) -> DeliveryOutcome:
    path = site.root / name
    path.write_text(content)
    (outcome,) = site.ingest(path, district="3501")
    return outcome


def test_a_lacking_column_is_named_by_the_vendors_heading_with_what_rests_on_it(site: Site) -> None:
    outcome = take_iready(site, "diagnostic_results_ela.csv", iready(40))

    (finding,) = [f for f in found(outcome, "MAP-MISSING-COLUMN") if f.headings == (PLACEMENT,)]
    letters = site.letters(outcome)
    assert outcome.status is Outcome.ACCEPTED
    assert "i-Ready ela: on grade level or above" in finding.text
    assert "scale score" not in finding.text, "the score is there"
    assert "math" not in finding.text, "the file is of reading"
    for suffix in ("md", "html", "json"):
        assert PLACEMENT in letters[suffix]
        assert "Nothing to do.\n" not in letters[suffix]
    (told,) = [f for f in json.loads(letters["json"])["parts"][0]["findings"] if f["headings"] == [PLACEMENT]]
    assert told["column"] == "level"


def test_a_column_on_which_nothing_rests_says_so(site: Site) -> None:
    outcome = take_iready(
        site, "diagnostic_results_ela.csv", iready(5).replace(",Sex", ",Other").replace(",F,", ",,")
    )

    (finding,) = [f for f in found(outcome, "MAP-MISSING-COLUMN") if "Sex" in f.headings]
    assert "No figure rests on it" in finding.text


def test_the_corrected_file_that_fills_the_column_is_not_held(site: Site) -> None:
    take_iready(site, "diagnostic_results_ela.csv", iready(40))

    corrected = take_iready(site, "diagnostic_results_ela_2.csv", iready(40, "Early On Grade Level"))

    assert corrected.status is Outcome.ACCEPTED
    assert site.lake(FeedName.ASSESSMENT, "select level, count(*) from rows group by all") == [("EARLY_ON", 40)]


def test_roster_without_a_group_column_says_which_groups_are_lost(site: Site) -> None:
    lines = [line.split(",") for line in roster(students(5)).splitlines()]
    at = lines[0].index("gender")
    content = "\n".join(",".join(cells[:at] + cells[at + 1 :]) for cells in lines) + "\n"

    outcome = site.take("students_export_2026-01-15.csv", content)

    (finding,) = [f for f in found(outcome, "MAP-MISSING-COLUMN") if f.headings == ("gender",)]
    assert "all figures by student group (gender)" in finding.text


def test_gender_codes_that_nobody_listed_are_counted_by_column(site: Site) -> None:
    content = roster(students(9)).replace(",F,White", ",Q,White", 3)

    outcome = site.take("students_export_2026-01-15.csv", content)

    (finding,) = found(outcome, "MAP-UNLISTED")
    assert (outcome.status, finding.headings, finding.count, finding.rows) == (
        Outcome.ACCEPTED,
        ("gender",),
        3,
        (2, 3, 4),
    )


def test_entry_dates_far_from_the_school_year_are_doubtful(site: Site) -> None:
    folder = site.root / "registry" / "layouts"
    folder.mkdir()
    (folder / "own_roster.yaml").write_text(OWN_LAYOUT)
    entered = ["2010-06-30", "2010-07-01", "2027-06-30", "2027-07-01", ""]
    rows = (f"{s.number},HEA,03,{day},F\n" for s, day in zip(students(5), entered, strict=True))

    outcome = site.take("students_2026-01-15.csv", "Pupil,Site,Year Level,Entered,Sex\n" + "".join(rows))

    (finding,) = found(outcome, "DOUBT-SPAN")
    assert outcome.status is Outcome.ACCEPTED
    assert (finding.headings, finding.count, finding.rows) == (("Entered",), 2, (2, 5))
    assert not any(day in letter for letter in site.letters(outcome).values() for day in entered if day)


def with_days(count: int, days: Sequence[date]) -> str:
    """A week's attendance, whose first rows say other days."""
    lines = attendance(students(count), DAYS, present).splitlines()
    for at, day in enumerate(days, start=1):
        lines[at] = lines[at].replace(DAYS[0].isoformat(), day.isoformat())
    return "\n".join(lines) + "\n"


def test_a_year_after_that_of_the_rest_is_a_slip_of_the_pen(site: Site) -> None:
    site.put("students_export_2025-09-02.csv", roster(students(20)))
    site.ingest()

    outcome = site.take("attendance_a.csv", with_days(20, [date(2031, 1, 12)]))
    with site.open() as home:
        compute(home)

    (finding,) = found(outcome, "DOUBT-YEAR")
    assert "after the school year of the rest of the file (2025-26)" in finding.text
    assert (finding.headings, finding.count, finding.rows) == (("att_date",), 1, (2,))
    assert found(outcome, "REG-YEAR") == [], "the year needs no calendar: it is no year of the file"
    assert found(outcome, "DOUBT-FUTURE") == [], "told once"
    scopes = site.sql("select scope_to from ops.delivery_part where feed = 'attendance' and school_year = 2026")
    assert scopes == [(DAYS[-1],)]
    assert site.sql("select max(as_of) from metric.value where metric = 'attendance_rate'") <= [(site.today,)]


def test_a_day_that_has_not_come_is_told_and_does_not_stand_for_the_days_before_it(site: Site) -> None:
    outcome = site.take("attendance_a.csv", with_days(20, [date(2026, 6, 10)]))

    (finding,) = found(outcome, "DOUBT-FUTURE")
    assert (finding.headings, finding.count, finding.rows) == (("att_date",), 1, (2,))
    ((scope_to, wholeness),) = site.sql("select scope_to, wholeness from ops.delivery_part")
    assert scope_to == DAYS[-1]
    assert wholeness["days"]["35010010"] == {"from": "2026-01-12", "to": "2026-01-16", "n": 5}


def test_days_without_school_are_counted_and_come_to_nothing(site: Site) -> None:
    site.put("students_export_2025-09-02.csv", roster(students(20)))
    saturday = date(2026, 1, 17)
    content = with_days(20, [saturday, saturday])

    outcome = site.ingest(), site.take("attendance_a.csv", content)
    with site.open() as home:
        compute(home)

    (finding,) = found(outcome[1], "DOUBT-DAY")
    assert (finding.headings, finding.count, finding.rows) == (("att_date",), 2, (2, 3))
    days = site.sql(
        "select denominator from metric.value v join ref.organization o using (organization_id) join ref.period p"
        " using (period_id) where metric = 'attendance_rate' and p.kind = 'year' and student_group = 'all'"
        " and o.level = 'school'"
    )
    assert days == [((20 * 5 - 2) * 100,)]


def test_a_clean_week_is_nothing_to_do(site: Site) -> None:
    outcome = site.take("attendance_a.csv", attendance(students(20), DAYS, present))

    assert [part.findings for part in outcome.parts] == [()]
    assert "Nothing to do." in site.letters(outcome)["md"]


def test_a_rule_about_two_columns_names_both_headings(site: Site) -> None:
    twice = roster(students(3))
    content = twice + twice.splitlines()[1].replace(",F,White", ",M,White") + "\n"

    outcome = site.take("students_export_2026-01-15.csv", content)

    (finding,) = found(outcome, "ROS-002")
    assert finding.headings == ("local_id", "school_local_id")


def test_what_only_the_receiving_office_can_do_is_named_as_its_own(site: Site) -> None:
    outcome = site.take("menu.csv", "Dish,Price\nSoup,2\n")

    assert outcome.status is Outcome.UNRECOGNIZED
    assert "For the receiving office: draft a layout: sipetl layout suggest" in site.letters(outcome)["html"]


def test_results_under_the_states_ids_are_of_students_on_the_roster(site: Site) -> None:
    site.put("students_export_2025-09-02.csv", roster(students(20)))
    site.ingest()
    header = "adminyear,sasid,sprp_dis,sprp_sch,grade,eperf2,mperf2,sperf2,escaleds,mscaleds,esgp,msgp\n"
    rows = (f"2026,{s.state_id},35010000,35010010,03,M,M,,505,505,,\n" for s in students(20))
    path = site.root / "MCAS2026_spring_official_35010000.csv"
    path.write_text(header + "".join(rows))

    (outcome,) = site.ingest(path, district="3501")

    assert outcome.status is Outcome.ACCEPTED
    assert found(outcome, "REG-STUDENT") == []


def test_roster_under_another_heading_for_hispanic_says_which_groups_are_wrong(site: Site) -> None:
    """Every Hispanic student would count under the race beside it."""
    outcome = site.take("students_export_2026-01-15.csv", roster(students(5)).replace("hispanic_latino", "ethnicity"))

    (lacking,) = found(outcome, "MAP-MISSING-COLUMN")
    (unknown,) = found(outcome, "MAP-UNKNOWN-COLUMN")
    assert (lacking.headings, lacking.column) == (("hispanic_latino",), "race_ethnicity")
    assert "wrong or missing: all figures by student group (race and ethnicity)" in lacking.text
    assert (unknown.column, "hispanic_latino" in unknown.cure) == ("ethnicity", True)


OWN_DISCIPLINE = """\
layout: own_discipline
version: 1
feed: discipline
title: Incidents
source: made for this test
recognise: {headers: [Pupil, Site, Incident, Day]}
scope: {kind: window, column: incident_on}
columns:
  id_hash: {from: Pupil, id: {kind: lasid}}
  school: {from: Site, crosswalk: school}
  incident_hash: {from: Incident, id: {kind: incident}}
  incident_on: {from: Day}
"""


def test_a_feed_that_no_metric_reads_says_that_its_rows_are_only_kept(site: Site) -> None:
    folder = site.root / "registry" / "layouts"
    folder.mkdir()
    (folder / "own_discipline.yaml").write_text(OWN_DISCIPLINE)
    path = site.root / "incidents.csv"
    path.write_text("Pupil,Site,Incident,Day\n" + "".join(f"{s.number},HEA,I{s.n},2026-01-12\n" for s in students(3)))

    (outcome,) = site.ingest(path, district="3501")

    (finding,) = found(outcome, "REG-NO-FIGURE")
    assert finding.text == "No figure is computed from discipline yet; its rows are kept in the lake."
    assert "Nothing to do." in site.letters(outcome)["md"], "information is no warning"


def test_one_student_on_no_roster_is_told_with_the_rows_that_count_all_the_same(site: Site) -> None:
    people = students(31)
    site.put("students_export_2025-09-02.csv", roster(people[:30]))
    site.ingest()

    outcome = site.take("attendance_a.csv", attendance(people, DAYS, present))
    elsewhere = site.take("attendance_b.csv", attendance(students(3, "BRN"), DAYS, present), sender="9002")

    (finding,) = found(outcome, "REG-STUDENT")
    assert finding.text.startswith("1 of 31 students are on no roster of the year (5 rows).")
    assert "count in the school's figures" in finding.text
    assert (finding.count, finding.rows) == (5, (32, 63, 94, 125, 156))
    assert found(elsewhere, "REG-STUDENT") == [], "that district has no roster here"
    assert not any(people[30].number in letter for letter in site.letters(outcome).values())
    with site.open() as home:
        compute(home)
    assert site.sql(
        "select v.n from metric.value v join ref.organization o using (organization_id)"
        " join ref.period p using (period_id) where metric = 'attendance_rate' and p.kind = 'year'"
        " and student_group = 'all' and o.code = '35010010'"
    ) == [(31,)]


def test_each_part_is_told_its_own_rows_the_largest_first(site: Site) -> None:
    """A row of last year, and a school that nobody knows in one of this year's."""
    lines = with_days(20, [date(2025, 1, 14)]).splitlines()
    lines[9] = lines[9].replace(",HEA,", ",NOWHERE,")
    content = "\n".join(lines) + "\n"

    outcome = site.take("attendance_a.csv", content)

    parts = json.loads(site.letters(outcome)["json"])["parts"]
    rules = [{f["rule_id"] for f in part["findings"]} for part in parts]
    counts = [(p["school_year"], p["rows_good"], p["rows_quarantined"], p["rows_elsewhere"]) for p in parts]
    assert counts == [(2026, 98, 1, 1), (2025, 1, 0, 99)]
    assert "MAP-SCHOOL" in rules[0] - rules[1]
    assert "DOUBT-YEAR" in rules[1] - rules[0]
    assert "| belong to another part | 99 |" in site.letters(outcome)["md"]
