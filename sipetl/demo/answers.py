"""The answer key: every metric x group x period x level of the demo, from the latent state and not from the files.

As of the last day of the demo (2026-03-27). One row is the integers of one metric value; a row with `n` = 0 does not
exist. Definitions, which the metric catalogue is held against:

Days
    A student is enrolled from the first school day of the year, or from the roster snapshot that names them first,
    to the snapshot that names them no more (exclusive). Days enrolled are the district calendar's school days in
    there, up to the last day that attendance files cover (2026-03-20; the complete year: its last day).
Periods
    `year` (to date), `month` and `cycle`; assessments and surveys: `window` (`2026-fall`), and in `year` and `cycle` the
    latest window closed by then. Attendance is **to date** at the period's end, except `attendance_rate_in_month`.
    Enrolled "at the end" is on the last school day up to the period's end, or up to the last day of the demo.
Attendance (unit: student x school; sums of days in hundredths)
    attendance_rate(_in_month): days present / days enrolled; n = students with a day. average_days_absent: days
    absent / students with a day. absent_10_or_more_days, unexcused_over_9_days: of students with a day.
    chronic_absence_rate_pk12, _1_8, _9_12: 10 x absent >= enrolled, of students with 20 days at the school;
    severe: 5 x. chronic_absence_rate_pk12_student counts a student once per organization, over all days there.
Assessment (unit: student's result, at the school of the test)
    map_met_growth_*: met / results with known growth (not in the fall); iready_met_growth_*: 100 % of annual typical
    growth, of results after a baseline. *_mean_*: sum of scores x 100 (SGP: x 1) / results. map_participation_*,
    iready_participation_*: enrolled at the end with a result there / these, and everybody enrolled at the end in the
    tested grades (MAP 2-8, i-Ready KF-8) without a result. mcas_*: of students with a level; mcas_participation_*:
    tested / expected, absent ones included. A school whose results did not come is late, not untested: it has none.
Survey
    survey_favorable_<topic> (students), _<topic>_teacher: favourable answers / answers, n = respondents.
    survey_response_rate_student: respondents / enrolled at the end in grades that answered, by the roster's groups;
    _teacher: / teachers.
    Careless responses (planted) count nowhere but in survey_set_aside_<reason>_<population>: responses set aside for the
    reason / all that came and were not quarantined (too quick), all students alone.
Observation and evidence (of a month in the month, else from the year's start)
    observation_at_or_above_3: good ratings / ratings, n = walks; _<indicator>: walks with a good rating / walks; both
    by grade. observation_count, evidence_count_<kind> (entries that meet the expectation) and classrooms_observed
    (from the year's start also in a month): a count is its numerator, its denominator is 1 at every level.
    staff_with_evidence_<kind>: teachers with an entry that meets the expectation / teachers of the district, where its
    log has entries in the period; an agenda review is about no teacher. The log that never came is left out.
Groups
    As the roster says them; traits do not change within a year. MCAS rows say their own. low_income and
    high_needs are known for MCAS alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sipetl.demo.answers_adults import add_evidence, add_walks
from sipetl.demo.answers_attendance import add_attendance, add_students_once
from sipetl.demo.answers_results import add_mcas, add_sittings, add_surveys
from sipetl.demo.deliveries import Facts
from sipetl.demo.tally import Tally


def answer_key(everything: Sequence[Facts]) -> pa.Table:
    """All values."""
    tally = Tally()
    for facts in everything:
        add_attendance(tally, facts.district)
        add_sittings(tally, facts.district, facts.sittings)
        add_mcas(tally, facts.district, facts.mcas)
        add_surveys(tally, facts.district, facts.surveys, facts.staff)
        add_walks(tally, facts.district, facts.walks)
        add_evidence(tally, facts.district, facts.evidence, facts.staff)
    add_students_once(tally, [facts.district for facts in everything])
    return tally.table([facts.district.spec for facts in everything])


def write_answers(table: pa.Table, folder: Path) -> Path:
    """Write `values.parquet`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "values.parquet"
    pq.write_table(table, path)
    return path
