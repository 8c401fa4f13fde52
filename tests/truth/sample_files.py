"""The files of `test_samples`, as vendors send them: the samples' own bytes, or rows made under a sample's own header.

What must come of each is counted here from its cells, by csv, openpyxl and arithmetic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from tests.generate import Fate, Recipe, Values, header_of, ids, numbers, write_rows
from tests.truth.sample_home import LOCAL, Number, Sample, good_cells, made_sample, rows_of, school_days, sheet_of

HEA, BRN = LOCAL["3501"]["HEA"], LOCAL["3501"]["BRN"]
STUDENTS_EXPORT = "studentinsights/spec/fixtures/fake_students_export.csv"
MAP_RESULTS, MAP_ROSTER = (
    f"nwea_map_training/Fall2013{name}.csv" for name in ("AssessmentResults", "StudentsBySchool")
)
MAP_SCREENING = "edanalytics_bundles/assessments/MAP_Growth/data/sample_anonymized_file.csv"
IREADY = "edanalytics_bundles/assessments/i-Ready/data/sample_anonymized_file_{}.csv"
NEXTGEN = "dese_profiles_xlsx/nsmader_NextGenMCAS.xlsx"
COLORADO = "co_chronic/2018-2019_ChronicAbsenteeism.xlsx"
VINTAGES = {
    2021: "MCAS_2021_270_headers_header.csv",
    2023: "MCAS_267_headers_2022_23_header.csv",
    2024: "MCAS_250COLS_header.csv",
}


def aspen(samples: Path) -> Iterator[Sample]:
    """Students as the sample has them, and a night's absences of the same students, up to the day of the name.

    No sample has the absences' header: it is the one that StudentInsights reads (massachusetts.md 8.1).
    """
    export = samples / STUDENTS_EXPORT
    yield Sample(
        "students_export_2026-01-15.csv", export.read_bytes(), "3501", "roster", "aspen_students", rows=5, taken=5
    )
    absences = """\
local_id,school_local_id,event_date,absence,tardy,dismissed,excused,reason,comment
103,BRN,2025-09-15,1,0,0,0,,"MTHR CALLED \\"FEW MINUTES LATE\\""
103,BRN,2025-09-16,true,false,false,true,,
104,BRN,12/1/2025,0,1,0,0,,late
105,BRN,2026-01-15,1,0,0,1,,
105,BRN,some day,1,0,0,1,,
100,NOPE,2025-10-01,1,0,0,0,,
"""
    enrolled = 3 * 100 * len(school_days(date(2026, 1, 15)))
    yield Sample(
        "attendance_export_2026-01-15.csv",
        absences.encode(),
        "3501",
        "attendance",
        "aspen_attendance",
        rows=6,
        taken=4,
        quarantined=2,
        values={(BRN, "2026", "attendance_rate"): (enrolled - 300, enrolled)},
    )


def nwea(samples: Path) -> Iterator[Sample]:
    """The training district's roster and results, and a later vintage's sample with a screening test in it."""
    yield Sample(
        "StudentsBySchool.csv",
        (samples / MAP_ROSTER).read_bytes(),
        "9100",
        "roster",
        "nwea_map_roster",
        rows=len(rows_of(samples / MAP_ROSTER)),
        taken=684,
    )
    results = rows_of(samples / MAP_RESULTS)
    counting = [row for row in results if row["GrowthMeasureYN"] == "TRUE"]
    values: dict[tuple[str, str, str], Number] = {}
    for scale, subject in (("Mathematics", "math"), ("Reading", "ela")):
        scores = [int(row["TestRITScore"]) for row in counting if row["MeasurementScale"] == scale]
        for period in ("2014", "2014-fall"):
            values["91000000", period, f"map_mean_rit_{subject}"] = (100 * sum(scores), len(scores))
    yield Sample(
        "AssessmentResults.csv",
        (samples / MAP_RESULTS).read_bytes(),
        "9100",
        "assessment",
        "nwea_map_results",
        rows=len(results),
        taken=2347,
        values=values,
    )
    later = samples / MAP_SCREENING
    yield Sample(
        "AssessmentResults_Spring2022.csv",
        later.read_bytes(),
        "9100",
        "assessment",
        "nwea_map_results",
        rows=len(rows_of(later)),
        taken=6,
        left_out=1,
    )


def iready(samples: Path) -> Iterator[Sample]:
    """Two students' diagnostics of the year to date."""
    for subject in ("ela", "math"):
        sample = samples / IREADY.format(subject)
        sums: dict[str, list[int]] = defaultdict(list)
        for row in rows_of(sample):
            sums[row["Norming Window"].split()[0].lower()].append(100 * int(row["Overall Scale Score"]))
        assert {window: len(scores) for window, scores in sums.items()} == {"fall": 1, "winter": 2, "spring": 2}
        yield Sample(
            f"diagnostic_results_{subject}_CONFIDENTIAL.csv",
            sample.read_bytes(),
            "3501",
            "assessment",
            f"iready_diagnostic_{subject}",
            rows=5,
            taken=5,
            values={
                (LOCAL["3501"]["School 1"], f"2026-{window}", f"iready_mean_scale_score_{subject}"): (
                    sum(all_),
                    len(all_),
                )
                for window, all_ in sums.items()
            },
        )


MCAS: Mapping[str, Values] = {
    "sprp_dis": ["35010000"],
    "sprp_sch": [HEA, BRN],
    "sasid": ids(1_000_000_000),
    "grade": ["03", "05", "08"],
    "eperf2": ["E", "M", "PM", "NM", "ABS"],
    "mperf2": ["E", "M", "PM", "NM"],
    "sperf2": [""],
    "escaleds": numbers(440, 560),
    "mscaleds": numbers(440, 560),
    "esgp": numbers(1, 99),
    "msgp": numbers(1, 99),
}


def mcas(samples: Path, scratch: Path) -> Iterator[Sample]:
    """The state's file of a district, in three years' headers; the samples have nothing but the header."""
    for year, header in VINTAGES.items():
        recipe = Recipe(
            {**MCAS, "adminyear": [str(year)]}, {Fate.QUARANTINED: [("sasid", "1.0E+09"), ("sprp_sch", "35019999")]}
        )
        made = write_rows(scratch / "mcas.csv", header_of(samples / "ma_layout_headers_only" / header), recipe)
        here = [row for row in good_cells(made, "sprp_sch", "eperf2") if row[0] == HEA]
        levels = [level for _, level in here if level != "ABS"]
        good = sum(level in ("E", "M") for level in levels)
        yield made_sample(
            made,
            f"MCAS{year}_spring_official_35010000.csv",
            "assessment mcas_student",
            2 * len(made.good),
            {
                (HEA, str(year), "mcas_meeting_exceeding_ela"): (good, len(levels)),
                (HEA, str(year), "mcas_participation_ela"): (len(levels), len(here)),
            },
        )


def state(samples: Path) -> Sample:
    """The state's workbook, which belongs to no district; in thousands with commas, the state in its last rows."""
    rows = sheet_of(samples / NEXTGEN)
    whole = {row["Subject"].lower(): row for row in rows if row["District Name"] == "State"}
    values = {
        ("00000000", "2023", f"published_meeting_exceeding_share_{subject}"): (
            _count(row["M+E #"]),
            _count(row["No. of Students Included"]),
        )
        for subject, row in whole.items()
    }
    name, content = "NextGenMCAS.xlsx", (samples / NEXTGEN).read_bytes()
    # Each of its rows has eight figures.
    return Sample(
        name, content, "operator", "published_results", "dese_nextgen_mcas", len(rows), 8 * 1056, values=values
    )


def chronic(samples: Path) -> Sample:
    """Colorado's workbook: 184 districts and their total, above footnotes."""
    rows = sheet_of(samples / COLORADO, "data")
    values = {
        (row["District Code"] or "CO", "2019", "published_chronic_absence_rate_k12"): (
            row["Number of Students with Chronic Absenteeism*"],
            row["Student Fall K-12 Enrollment"],
        )
        for row in rows
    }
    name, content = COLORADO.rpartition("/")[2], (samples / COLORADO).read_bytes()
    return Sample(name, content, "operator", "published_results", "co_chronic_2019", len(rows), 185, values=values)


def _count(cell: str) -> int:
    return int(cell.replace(",", ""))
