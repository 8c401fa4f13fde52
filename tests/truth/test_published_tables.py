"""Tables that authorities published, each taken by `sipetl ingest` under a layout that is data alone, row by row.

What must be in the lake is read from the files here by csv and openpyxl, figure by figure, and every percentage that
has its counts is computed again, half-up.
"""

from __future__ import annotations

import csv
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest

from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from sipetl.warehouse import embedded
from tests.home import Site
from tests.truth.sample_home import make_home
from tests.truth.truth_page import same, tally, tell

pytestmark = pytest.mark.samples

ATTENDANCE = "sqm_dashboards/dese/2C_1_attendance.csv"
BULK = "dese_2014_challenge"
SCIENCE = (f"{BULK}/2011_HSSCI_perf_by_subject.csv", f"{BULK}/2013HSSCI_school.csv")
INDICATORS = (
    f"{BULK}/indicator_report_state_district_school_2003_2012.csv",
    f"{BULK}/student_indicator_report_state_distirct_school_2013.csv",
)
POPULATIONS = f"{BULK}/enrollment_by_selected_populations_state_district_school_1995_2014.csv"
RACE = "dese_profiles_xlsx/sfarooqi_enrollmentbyracegender.xlsx"
GRADUATION = "dese_profiles_xlsx/schand_gradrates.xlsx"
DROPOUT = "dese_profiles_xlsx/techtogether_dropout.xlsx"
MOBILITY = "dese_profiles_xlsx/schand_mobilityrates.xlsx"
WIDE = "kaggle_ma_public_schools_2017/MA_Public_Schools_2017.csv"
COLORADO = "co_chronic/2021-2022_ChronicAbsenteeism.xlsx"
NEW_YORK = "nyc_school_survey_2011/math_test_results.csv"
CHICAGO = "cps_chicago/Chicago_Public_Schools_-_School_Progress_Reports_SY1617.csv"
STATE = "00000000"
TAKEN = "each figure is in the lake as published, with its counts, or with the reason why there is none"
WHOLE = "percent = 100 x count / tested, half-up to a whole percent"
TENTH = "percent = 100 x count / students, half-up to a tenth"
NEW_YORK_TENTH = (
    "percent = 100 x count / tested, half-up to a tenth (two shares of level 3 were published a tenth off)"
)
AUTHORITIES = {COLORADO: "CO", NEW_YORK: "NYC", CHICAGO: "CPS"}


class Key(NamedTuple):
    """What a figure is of."""

    organization: str
    year: int
    metric: str
    grade: str = "all"
    subject: str | None = None
    group: str = "all"


@dataclass(frozen=True)
class Figure:
    """A figure, as the lake has it."""

    value: Decimal | None
    numerator: int | None = None
    denominator: int | None = None
    why: str | None = None
    level: str = "school"
    is_total: bool = False


Table = Mapping[Key, Figure]
Take = Callable[[str], Table]
COLUMNS = """
    organization, school_year, metric, grade, subject, student_group,
    "value", numerator, denominator, suppressed, level, is_total
"""


@pytest.fixture(scope="module")
def take(server: embedded.Lease, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Take:
    """Takes a sample once, in the home of its authority."""
    homes: dict[str, Site] = {}
    taken: dict[str, Table] = {}

    def take(name: str) -> Table:
        if name not in taken:
            authority = AUTHORITIES.get(name, "MA")
            if authority not in homes:
                homes[authority] = make_home(server, tmp_path_factory.mktemp(authority.lower()), registry(authority))
            taken[name] = ingested(homes[authority], samples / name)
        return taken[name]

    return take


def registry(authority: str) -> dict[str, Any]:
    """A registry that knows one district; figures of all others come in too, and the letter counts them."""
    district = {"district": "3501", "code": "35010000", "name": "Alder", "calendar": "all"}
    days = {"first_day": date(2025, 9, 2), "last_day": date(2026, 6, 19)}
    return {
        "home.yaml": {"authority": authority, "state_name": "State of Tests"},
        "organizations.yaml": {"districts": [district], "schools": []},
        "calendars.yaml": {"calendars": [{"calendar": "all", "school_year": 2026, **days}]},
        "cycles.yaml": {"cycles": []},
        "feeds.yaml": {"feeds": []},
    }


def ingested(site: Site, path: Path) -> Table:
    """Take a file, all rows of it, and give what the lake then has of it."""
    (outcome,) = site.ingest(path)
    parts = site.sql(
        "select part_id, rows_quarantined from ops.delivery_part where delivery_id = cast(:d as uuid)",
        d=str(outcome.delivery_id),
    )
    assert outcome.status is Outcome.ACCEPTED
    assert sum(quarantined for _, quarantined in parts) == 0
    ids = ", ".join(f"'{part}'" for part, _ in parts)
    rows = site.lake(FeedName.PUBLISHED_RESULTS, f"select {COLUMNS} from rows where part_id in ({ids})")
    table = {Key(*row[:6]): Figure(*row[6:]) for row in rows}
    assert len(table) == len(rows), "no figure stands twice"
    return table


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{name: cell.strip() for name, cell in row.items()} for row in csv.DictReader(file)]


def sheet_of(path: Path) -> list[dict[str, str]]:
    """Rows below the header, which is below a title, as stripped text; a row must have a second cell."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cannot parse header or footer")  # the state's own
        book = openpyxl.load_workbook(path)
    rows = [["" if cell is None else str(cell).strip() for cell in row] for row in book.worksheets[0].values]
    book.close()
    at = next(number for number, row in enumerate(rows) if sum(map(bool, row)) > 4)
    return [dict(zip(rows[at], row, strict=True)) for row in rows[at + 1 :] if row[1]]


def number(cell: str) -> Decimal | None:
    """A published number; None for a blank and for words."""
    bare = cell.replace(",", "")
    return Decimal(bare) if bare.lstrip("-").replace(".", "", 1).isdigit() else None


def count(cell: str) -> int | None:
    found = number(cell)
    return None if found is None else int(found)


def place(code: str, *, is_mixed: bool = True) -> dict[str, Any]:
    """Level, and whether it is a total: in a table that mixes levels a district is the total of its schools."""
    if code == STATE:
        return {"level": "state", "is_total": True}
    return {"level": "district", "is_total": is_mixed} if code.endswith("0000") else {"level": "school"}


def recomputed(table: Table, places: int) -> Counter[bool]:
    """How many percentages are their own counts', half-up."""
    return Counter(
        (Decimal(100) * f.numerator / f.denominator).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) == f.value
        for f in table.values()
        if f.value is not None and f.numerator is not None and f.denominator
    )


def only(table: Table, *metrics: str) -> Table:
    return {key: figure for key, figure in table.items() if key.metric in metrics}


def reasoned(cell: str, why: str = "not_reported") -> dict[str, Any]:
    """A figure of a table whose blanks are kept with a reason."""
    return {"value": number(cell), "why": why if number(cell) is None else None}


def attendance_of(row: list[str]) -> Iterator[tuple[Key, Figure]]:
    """A school-year by position; before 2021-22 the 20 % column was not there, and what follows stands in its place."""
    year, school = int(row[3][:4]) + 1, row[5]
    cells = [cell.strip() for cell in row[6:]]
    if year < 2022:
        assert len(cells) == 5
        cells.insert(4, "")
    names = (
        "attendance_rate",
        "mean_days_absent",
        "absent_10_days_share",
        "chronic_absence_rate_pk12",
        "severe_chronic_absence_rate",
        "unexcused_over_9_days_share",
    )
    for name, cell in zip(names, cells, strict=True):
        yield Key(school, year, name), Figure(**reasoned(cell))


def test_school_attendance_has_every_published_value_under_its_own_name(samples: Path, take: Take) -> None:
    with (samples / ATTENDANCE).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    once = {tuple(row[3:]): row for row in rows}
    published = dict(pair for row in once.values() for pair in attendance_of(row))

    found = take(ATTENDANCE)

    assert (len(rows), len(once)) == (29330, 14665)
    assert len({key[:2] for key in found}) == 14665
    assert found == published
    tell("Published: DESE, school attendance 2018 to 2025", len(published), same(published, found), TAKEN)


def test_severe_absence_is_never_above_chronic_absence_and_is_not_known_before_2022(take: Take) -> None:
    found = take(ATTENDANCE)

    severe = {key: figure.value for key, figure in only(found, "severe_chronic_absence_rate").items()}
    known = {key: value for key, value in severe.items() if value is not None}
    assert {key.year for key in known} == {2022, 2023, 2024, 2025}
    assert sum(key.year < 2022 for key in severe) == 7365
    assert len(known) == 7300 - 5
    assert all(found[k._replace(metric="chronic_absence_rate_pk12")].value >= v for k, v in known.items())  # type: ignore[operator]


GROUPS = {
    "all": "All Students",
    "low_income": "Low Income",
    "non_low_income": "Non-Low Income",
    "male": "Male",
    "female": "Female",
    "high_needs": "High Needs",
    "american_indian": "Native American",
    "asian": "Asian",
    "black": "Black;African American",
    "hispanic": "Hispanic/Latino",
    "white": "White",
    "pacific_islander": "Hawaiian",
    "multi_race": "Multi-race;Multi-Race (non-Hispanic/Latino)",
    "english_learner": "LEP;English Language Learner (ELL)",
    "former_el": "Formerly LEP;Former ELL",
    "el_or_former_el": "LEP/Formerly LEP;ELL and Former ELL",
    "ever_el": "everELL",
    "disability": "Special Ed;Students with Disabilities",
    "title_1": "Title 1;Title I",
    "non_title_1": "Non-Title 1;Non-Title I",
}
"""Group -> its names in the science files of 2011 and 2013."""
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names.split(";")}
LEVELS = {
    "advanced_share": "adv",
    "proficient_share": "pro",
    "needs_improvement_share": "ni",
    "warning_failing_share": "wf",
}


def science_of(row: Mapping[str, str]) -> Iterator[tuple[Key, Figure]]:
    row = {name.lower(): cell for name, cell in row.items()}
    year = int(row.get("year") or row["adminyear"])
    tested, where = count(row["stotal"]), place(row["org_code"])
    key = Key(row["org_code"], year, "", subject=row["subject"], group=GROUP_OF[row["group"]])
    for metric, level in LEVELS.items():
        share = Figure(number(row[f"s{level}_per"]), count(row[f"s{level}_num"]), tested, **where)
        yield key._replace(metric=metric), share
    if year == 2011:
        yield key._replace(metric="participation_rate"), Figure(number(row["sayp_part_rate"]), **where)
        index = Figure(denominator=tested, **reasoned(row["scpi"]), **where)
        yield key._replace(metric="composite_performance_index"), index


@pytest.mark.parametrize(("sample", "rows"), [(SCIENCE[0], 7916), (SCIENCE[1], 4407)])
def test_science_has_every_figure_and_every_percentage_recomputes(
    samples: Path, take: Take, sample: str, rows: int
) -> None:
    published = dict(pair for row in rows_of(samples / sample) for pair in science_of(row))

    found = take(sample)

    assert found == published
    assert recomputed(only(found, *LEVELS), 0) == {True: rows * len(LEVELS)}
    tell("Published: DESE, high school science MCAS 2011 and 2013", len(published), same(published, found), TAKEN)
    tally("Published: DESE, high school science MCAS 2011 and 2013", recomputed(only(found, *LEVELS), 0), WHOLE)


RATES = {
    "dropout_rate": "DROPOUT",
    "in_school_suspension_rate": "INSUSP",
    "out_of_school_suspension_rate": "OUTSUSP",
    "retention_rate": "RETAIN",
    "truancy_rate": "TRUANT",
}


def indicators_of(row: Mapping[str, str]) -> Iterator[tuple[Key, Figure]]:
    code, year = row["ORG_CODE"], int(row["FY_CODE"])
    for metric, name in RATES.items():
        if row.get(f"{name}_PCT"):
            rate = Figure(number(row[f"{name}_PCT"]), count(row[f"{name}_CNT"]), **place(code))
            yield Key(code, year, metric), rate
    for metric, header in (("attendance_rate", "ATTEND_PCT"), ("mean_days_absent", "ATTEND_CNT")):
        if row[header]:
            yield Key(code, year, metric), Figure(number(row[header]), **place(code))


@pytest.mark.parametrize("sample", INDICATORS)
def test_indicators_have_every_figure_that_is_not_blank(samples: Path, take: Take, sample: str) -> None:
    published = dict(pair for row in rows_of(samples / sample) for pair in indicators_of(row))

    found = take(sample)

    assert found == published
    assert {key.organization for key, figure in found.items() if figure.level == "state"} == {STATE}
    tell("Published: DESE, indicator reports 2003 to 2013", len(published), same(published, found), TAKEN)


POPULATION_OF = {
    "LEP": ("enrollment_share", "english_learner"),
    "SPED": ("enrollment_share", "disability"),
    "HN": ("enrollment_share", "high_needs"),
    "FLNE": ("first_language_not_english_share", "all"),
    "FLUNCH": ("free_or_reduced_lunch_share", "all"),
    "FLUNCH_FR": ("free_lunch_share", "all"),
    "FLUNCH_RP": ("reduced_lunch_share", "all"),
}


def test_selected_populations_have_every_figure_that_is_not_blank(samples: Path, take: Take) -> None:
    published = {
        Key(row["ORG_CODE"], int(row["FY_CODE"]), metric, group=group): Figure(
            number(row[f"WPI_SPOP_{name}_PCT"]), count(row[f"WPI_SPOP_{name}_CNT"]), **place(row["ORG_CODE"])
        )
        for row in rows_of(samples / POPULATIONS)
        for name, (metric, group) in POPULATION_OF.items()
        if row[f"WPI_SPOP_{name}_PCT"]
    }

    found = take(POPULATIONS)

    assert found == published
    assert sum(figure.level == "state" for figure in found.values()) == 98
    tell(
        "Published: DESE, enrollment by selected populations 1995 to 2014",
        len(published),
        same(published, found),
        TAKEN,
    )


RACES = {
    "African American": "black",
    "Asian": "asian",
    "Hispanic": "hispanic",
    "White": "white",
    "Native American": "american_indian",
    "Native Hawaiian, Pacific Islander": "pacific_islander",
    "Multi-Race, Non-Hispanic": "multi_race",
    "Males": "male",
    "Females": "female",
    "Non-Binary": "nonbinary",
}


def test_race_and_gender_workbook_is_taken_cell_by_cell(samples: Path, take: Take) -> None:
    published = {
        Key(row["District Code"], 2024, "enrollment_share", group=group): Figure(
            number(row[header]), **place(row["District Code"], is_mixed=False)
        )
        for row in sheet_of(samples / RACE)
        for header, group in RACES.items()
    }

    assert take(RACE) == published
    assert len(published) == 400 * len(RACES)
    tell("Published: DESE, enrollment by race and gender 2024", len(published), same(published, take(RACE)), TAKEN)


def test_graduation_workbook_is_taken_cell_by_cell(samples: Path, take: Take) -> None:
    names = {
        "graduation_rate": "% Graduated",
        "still_in_school_share": "% Still in School",
        "non_graduate_completer_share": "% Non-Grad Completers",
        "hs_equivalency_share": "% H.S. Equiv.",
        "dropped_out_share": "% Dropped Out",
        "permanently_excluded_share": "% Permanently Excluded",
    }
    published = {
        Key(row["District Code"], 2021, f"{name}_4_year"): Figure(
            number(row[header]), None, count(row["# in Cohort"]), **place(row["District Code"], is_mixed=False)
        )
        for row in sheet_of(samples / GRADUATION)
        for name, header in names.items()
    }

    assert take(GRADUATION) == published
    assert len(published) == 305 * len(names)
    tell("Published: DESE, graduation rates 2021", len(published), same(published, take(GRADUATION)), TAKEN)


def test_dropout_workbook_keeps_its_blanks_and_its_rates_recompute(samples: Path, take: Take) -> None:
    published = {}
    for row in sheet_of(samples / DROPOUT):
        key = Key(row["School Code"], 2018, "dropout_rate")
        counts = count(row["# Dropout All Grades"]), count(row["# Enrolled Grades 09 through 12"])
        whole = reasoned(row["% Dropout All Grades"])
        published[key] = Figure(whole["value"], *counts, whole["why"])
        for grade in ("09", "10", "11", "12"):
            published[key._replace(grade=grade)] = Figure(**reasoned(row[f"% Dropout Grade {grade}"]))

    found = take(DROPOUT)

    assert found == published
    assert Counter(figure.why for figure in found.values()) == {None: 1940, "not_reported": 85}
    assert recomputed(found, 1) == {True: 402}
    tell("Published: DESE, dropout rates 2018", len(published), same(published, found), TAKEN)
    tally("Published: DESE, dropout rates 2018", recomputed(found, 1), TENTH)


def test_mobility_workbook_is_taken_cell_by_cell(samples: Path, take: Take) -> None:
    names = {
        "churn_rate": ("% Churn", "Churn/Intake Enroll"),
        "intake_rate": ("% Intake", "Churn/Intake Enroll"),
        "stability_rate": ("% Stability", "Stability Enroll"),
    }
    published = {
        Key(row["District Code"], 2021, name): Figure(
            number(row[header]), None, count(row[of]), **place(row["District Code"], is_mixed=False)
        )
        for row in sheet_of(samples / MOBILITY)
        for name, (header, of) in names.items()
    }

    assert take(MOBILITY) == published
    assert len(published) == 400 * len(names)
    tell("Published: DESE, mobility rates 2021", len(published), same(published, take(MOBILITY)), TAKEN)


GRADES = {f"{n}{'rd' if n == 3 else 'th'}": f"{n:02d}" for n in (3, 4, 5, 6, 7, 8, 10)}
LEGACY = {
    "proficient_advanced_share": "P+A",
    "advanced_share": "A",
    "proficient_share": "P",
    "needs_improvement_share": "NI",
    "warning_failing_share": "W/F",
}


def legacy_mcas_of(row: Mapping[str, str]) -> Iterator[tuple[Key, Figure]]:
    for ordinal, grade in GRADES.items():
        for name, subject in (("Math", "MATH"), ("English", "ELA")):
            test = f"MCAS_{ordinal}Grade_{name}"
            tested = count(row[f"{test}_Stud. Incl. #"])
            key = Key(row["School Code"], 2017, "", grade, subject)
            for metric, level in LEGACY.items():
                if share := row[f"% {test}_{level}"]:
                    figure = Figure(number(share), count(row[f"{test}_{level} #"]), tested)
                    yield key._replace(metric=metric), figure
            if index := row[f"{test}_CPI"]:
                yield key._replace(metric="composite_performance_index"), Figure(number(index), None, tested)
            if growth := row[f"{test}_SGP"]:
                grown = count(row[f"{test}_Incl. in SGP(#)"])
                yield key._replace(metric="median_sgp"), Figure(number(growth), None, grown)


def test_wide_table_has_every_legacy_result_and_their_percentages_recompute(samples: Path, take: Take) -> None:
    published = dict(pair for row in rows_of(samples / WIDE) for pair in legacy_mcas_of(row))

    found = take(WIDE)

    legacy = only(found, *LEGACY, "composite_performance_index", "median_sgp")
    assert legacy == published
    grade_3 = {key: f for key, f in only(found, "proficient_advanced_share").items() if key[3:5] == ("03", "MATH")}
    assert recomputed(grade_3, 0) == {True: 258}
    tests = sum(
        bool(row[f"MCAS_{o}Grade_{s}_CPI"])
        for row in rows_of(samples / WIDE)
        for o in GRADES
        for s in ("Math", "English")
    )
    assert recomputed(only(found, *LEGACY), 0) == {True: tests * len(LEGACY)}
    tell(
        "Published: DESE, public schools 2017 (one wide table), legacy MCAS",
        len(published),
        same(published, legacy),
        TAKEN,
    )
    tally(
        "Published: DESE, public schools 2017 (one wide table), legacy MCAS",
        recomputed(only(found, *LEGACY), 0),
        WHOLE,
    )


def test_wide_tables_total_is_marked_and_equals_its_grades(samples: Path, take: Take) -> None:
    totals: dict[str, Decimal | None] = {}
    parts: dict[str, Decimal] = defaultdict(Decimal)
    for key, figure in only(take(WIDE), "enrollment").items():
        if figure.is_total:
            totals[key.organization] = figure.value
        else:
            parts[key.organization] += figure.value or 0

    assert totals == {row["School Code"]: number(row["TOTAL_Enrollment"]) for row in rows_of(samples / WIDE)}
    assert parts == totals
    tell(
        "Published: DESE, public schools 2017 (one wide table)",
        len(totals),
        same(totals, parts),
        "total enrollment = sum of the grades",
    )


def test_wide_tables_groups_and_other_figures_are_kept(samples: Path, take: Take) -> None:
    found = take(WIDE)
    single = {
        ("enrollment_share", "high_needs"): "% High Needs",
        ("enrollment_share", "english_learner"): "% English Language Learner",
        ("enrollment_share", "black"): "% African American",
        ("graduation_rate", "all"): "% Graduated",
        ("average_class_size", "all"): "Average Class Size",
        ("accountability_percentile", "all"): "School Accountability Percentile (1-99)",
        ("cumulative_ppi", "high_needs"): "Progress and Performance Index (PPI) - High Needs Students",
    }

    for (metric, group), header in single.items():
        published = {row["School Code"]: number(row[header]) for row in rows_of(samples / WIDE) if row[header]}
        kept = {key.organization: f.value for key, f in found.items() if (key.metric, key.group) == (metric, group)}
        assert kept == published, header
        tell(
            "Published: DESE, public schools 2017 (one wide table), other figures",
            len(published),
            same(published, kept),
            TAKEN,
        )


def test_every_colorado_rate_of_2022_recomputes_and_the_total_is_no_sum(samples: Path, take: Take) -> None:
    published = {}
    for row in sheet_of(samples / COLORADO):
        counts = count(row["Number of Students with Chronic Absenteeism"]), count(row["2021-2022 Student Count"])
        code, rate = row["District Code"], 100 * Decimal(row["Chronically Absent Rate"])
        where = {"level": "district"} if code else {"level": "state", "is_total": True}
        published[Key(code or "CO", 2022, "chronic_absence_rate_k12")] = Figure(rate, *counts, **where)

    found = take(COLORADO)

    assert found == published
    assert recomputed(found, 1) == {True: 186}
    tell("Published: Colorado, chronic absenteeism 2021-22", len(published), same(published, found), TAKEN)
    tally("Published: Colorado, chronic absenteeism 2021-22", recomputed(found, 1), TENTH)
    total = found[Key("CO", 2022, "chronic_absence_rate_k12")]
    assert (total.numerator, total.denominator) == (317796, 896039)
    assert sum(figure.denominator or 0 for figure in found.values() if not figure.is_total) == 917705


def new_york_of(row: Mapping[str, str]) -> Iterator[tuple[Key, Figure]]:
    grade = "all" if row["Grade"] == "All Grades" else f"0{row['Grade']}"
    key, tested = Key(row["DBN"], int(row["Year"]), "", grade, "MATH"), count(row["Number Tested"])
    for name, level in (*((f"level_{n}", str(n)) for n in (1, 2, 3, 4)), ("level_3_and_4", "3+4")):
        share, counted = reasoned(row[f"Level {level} %"], "suppressed"), count(row[f"Level {level} #"])
        figure = Figure(share["value"], counted, tested, share["why"], is_total=grade == "all")
        yield key._replace(metric=f"{name}_share"), figure
    score = reasoned(row["Mean Scale Score"], "suppressed" if row["Mean Scale Score"] else "not_reported")
    mean = Figure(score["value"], None, tested, score["why"], is_total=grade == "all")
    yield key._replace(metric="mean_scale_score"), mean


def test_new_york_has_every_figure_and_says_what_is_suppressed(samples: Path, take: Take) -> None:
    rows = rows_of(samples / NEW_YORK)

    found = take(NEW_YORK)

    assert found == dict(pair for row in rows for pair in new_york_of(row))
    assert len(rows) == 28478
    tell("Published: New York City, mathematics results", len(found), len(found), TAKEN)
    hidden = [figure for figure in only(found, "level_1_share").values() if figure.why == "suppressed"]
    assert len(hidden) == 421


def test_every_new_york_percentage_recomputes(samples: Path, take: Take) -> None:
    found = take(NEW_YORK)

    bare = sum(row["Number Tested"].isdigit() and row["Level 3+4 #"].isdigit() for row in rows_of(samples / NEW_YORK))
    assert bare == 27726, "rows without a thousands comma, and so the percentages that others computed again"
    for metric in ("level_1_share", "level_2_share", "level_4_share", "level_3_and_4_share"):
        assert recomputed(only(found, metric), 1) == {True: 28057}
        tally("Published: New York City, mathematics results", recomputed(only(found, metric), 1), NEW_YORK_TENTH)
    # Two shares were published a tenth off.
    assert recomputed(only(found, "level_3_share"), 1) == {True: 28055, False: 2}
    tally(
        "Published: New York City, mathematics results", recomputed(only(found, "level_3_share"), 1), NEW_YORK_TENTH
    )


def test_new_yorks_all_grades_are_marked_and_equal_their_grades(take: Take) -> None:
    totals: dict[tuple[object, ...], int | None] = {}
    parts: dict[tuple[object, ...], int] = defaultdict(int)
    for key, figure in only(take(NEW_YORK), "level_1_share").items():
        if figure.is_total:
            totals[key[:2]] = figure.denominator
        else:
            parts[key[:2]] += figure.denominator or 0

    assert len(totals) == 6479
    assert parts == totals
    tell(
        "Published: New York City, mathematics results",
        len(totals),
        same(totals, parts),
        "tested in all grades = sum of the grades",
    )


WORDS = ("VERY WEAK", "WEAK", "NEUTRAL", "STRONG", "VERY STRONG")
SURVEYED = {
    "survey_involved_families": "School_Survey_Involved_Families",
    "survey_safety": "School_Survey_Safety",
    "survey_school_community": "School_Survey_School_Community",
}
OF_YEARS = {
    "attendance_rate": "Student_Attendance_Year_{}_Pct",
    "suspensions_per_100_students": "Suspensions_Per_100_Students_Year_{}_Pct",
    "graduation_rate_4_year": "Graduation_4_Year_School_Pct_Year_{}",
}


def test_chicagos_rating_words_are_places_on_their_scale_or_a_reason(samples: Path, take: Take) -> None:
    rows = rows_of(samples / CHICAGO)
    published = {
        Key(row["School_ID"], 2016, metric): Figure(Decimal(WORDS.index(row[header]) + 1))
        if row[header] in WORDS
        else Figure(None, why="suppressed")
        for row in rows
        for metric, header in SURVEYED.items()
        if row[header]
    }

    found = take(CHICAGO)

    assert only(found, *SURVEYED) == published
    tell(
        "Published: Chicago, school progress reports 2016-17",
        len(published),
        same(published, found),
        "a rating word is its place on its scale, or a reason",
    )
    growth = Counter(figure.why for figure in only(found, "student_growth_rating").values())
    assert growth == {None: 593, "not_reported": 68}


def test_chicagos_first_and_second_year_are_the_years_that_it_names(samples: Path, take: Take) -> None:
    published = {
        Key(row["School_ID"], 2014 + n, metric): Figure(number(row[header.format(n)]))
        for row in rows_of(samples / CHICAGO)
        for metric, header in OF_YEARS.items()
        for n in (1, 2)
        if row[header.format(n)]
    }

    assert only(take(CHICAGO), *OF_YEARS) == published
    tell(
        "Published: Chicago, school progress reports 2016-17",
        len(published),
        same(published, take(CHICAGO)),
        "years 1 and 2 are the years that they name",
    )
