"""Figures that authorities published, and files that nobody of the team wrote, through the whole pipeline."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from ruamel.yaml import YAML

from sipetl.metrics import half_up
from sipetl.pipeline import Flags, ingest
from sipetl.pipeline.compute import compute
from sipetl.privacy import create_key
from sipetl.quality import Outcome
from sipetl.warehouse import embedded
from tests.generate import Fate, Recipe, header_of, ids, numbers, write_rows
from tests.home import KEY, Site, make_database
from tests.truth.lived import values_of
from tests.truth.truth_page import same, tell

pytestmark = pytest.mark.samples

NEXTGEN = "dese_profiles_xlsx/nsmader_NextGenMCAS.xlsx"
SHARES = {
    "meeting_exceeding": ("M+E #", "M+E %"),
    "exceeding": ("E #", "E %"),
    "meeting": ("M #", "M %"),
    "partially_meeting": ("PM #", "PM %"),
    "not_meeting": ("NM #", "NM %"),
}
COLORADO = "co_chronic/2018-2019_ChronicAbsenteeism.xlsx"
MAP_RESULTS, MAP_ROSTER = (
    f"nwea_map_training/Fall2013{name}.csv" for name in ("AssessmentResults", "StudentsBySchool")
)
MAP_SUBJECTS = {"Mathematics": "math", "Reading": "ela"}
MCAS_VINTAGES = ("MCAS_2021_270_headers", "MCAS_250COLS", "MCAS_267_headers_2022_23")
Key = tuple[str, ...]
MakeHome = Callable[[Mapping[str, Any], date], Site]


@pytest.fixture
def make_home(server: embedded.Lease, tmp_path: Path) -> MakeHome:
    """Makes a home whose registry knows the organizations named, and nothing else."""

    def make(registry: Mapping[str, Any], today: date) -> Site:
        defaults = {"home": {"state_name": "State of Tests"}, "feeds": {"feeds": []}}
        (tmp_path / "registry").mkdir()
        for name, content in (defaults | dict(registry)).items():
            path = tmp_path / "registry" / (name if "." in name else f"{name}.yaml")
            if isinstance(content, str):
                path.write_text(content, encoding="utf-8")
            else:
                YAML(typ="safe").dump(content, path)
        create_key(tmp_path / "sipetl.key", KEY)
        make_database(server, tmp_path.name)
        return Site(tmp_path, server.url("owner", tmp_path.name), today=today)

    return make


def districts(codes: Mapping[str, str]) -> dict[str, Any]:
    """Organizations from codes (by short name), all on one calendar."""
    return {
        "organizations": {
            "schools": [],
            "districts": [
                {"district": d, "code": c, "name": f"District {d}", "calendar": "all"} for d, c in codes.items()
            ],
        }
    }


def calendar(year: int) -> dict[str, Any]:
    """A calendar of a school year, and a cycle at its end."""
    first, last = date(year - 1, 9, 3), date(year, 6, 20)
    days = {"first_day": first, "last_day": last}
    cycle = {
        "cycle": "EOY",
        "school_year": year,
        "data_as_of": last,
        "data_due": last,
        "review_date": date(year, 7, 1),
    }
    return {
        "calendars": {"calendars": [{"calendar": "all", "school_year": year, **days}]},
        "cycles": {"cycles": [cycle]},
    }


def take(site: Site, *files: Path, **flags: Any) -> dict[Key, tuple[int, int, int]]:
    """Ingest files, compute, and give the integers by level, organization, period, metric and group."""
    with site.open() as home:
        outcomes = ingest(home, files, Flags(**flags))
        assert {o.status for o in outcomes} == {Outcome.ACCEPTED}
        compute(home)
        values = values_of(home)
    columns = ("level", "organization", "period_code", "metric", "student_group")
    rows = values.itertuples(index=False)
    return {tuple(getattr(r, c) for c in columns): (r.numerator, r.denominator, r.n) for r in rows}


def sheet(path: Path, name: str | None = None) -> list[dict[str, Any]]:
    """Rows of a workbook's sheet below the header, which is the first row of more than ten cells."""
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    rows = book.get_sheet_by_name(name or book.sheet_names[0]).to_python()
    at = next(i for i, row in enumerate(rows) if sum(cell != "" for cell in row) > 10)
    return [dict(zip(rows[at], row, strict=True)) for row in rows[at + 1 :]]


def test_every_published_mcas_percent_comes_back_from_its_counts(samples: Path, make_home: MakeHome) -> None:
    published = sheet(samples / NEXTGEN)
    codes = sorted({row["District Code"] for row in published} - {"00000000"})
    site = make_home(districts({c[:4]: c for c in codes}) | calendar(2023), date(2023, 10, 2))

    found = take(site, samples / NEXTGEN)

    assert len(published) == 1056
    percents = {}
    for row in published:
        level = "state" if row["District Code"] == "00000000" else "district"
        for figure, (_, percent) in SHARES.items():
            metric = f"published_{figure}_share_{row['Subject'].lower()}"
            percents[level, row["District Code"], "2023", metric, "all"] = int(row[percent])
    shares = {key: half_up(Decimal(100 * a) / b, 0) for key, (a, b, _) in found.items() if "_share_" in key[3]}
    assert len(percents) == 1056 * len(SHARES)
    assert shares == percents
    tell(
        "Published: DESE, Next Generation MCAS 2023, districts",
        len(percents),
        same(percents, shares),
        "percent = 100 x count / tested, half-up to a whole percent",
    )


def test_published_state_row_is_kept_and_never_summed(samples: Path, make_home: MakeHome) -> None:
    published = sheet(samples / NEXTGEN)
    codes = sorted({row["District Code"] for row in published} - {"00000000"})[:3]
    site = make_home(districts({c[:4]: c for c in codes}) | calendar(2023), date(2023, 10, 2))

    found = take(site, samples / NEXTGEN)

    metric = "published_meeting_exceeding_share_ela"
    assert found["state", "00000000", "2023", metric, "all"] == (167837, 396861, 396861)
    assert {key[:2] for key in found if key[0] != "state"} == {("district", code) for code in codes}


def test_every_colorado_rate_comes_back_from_its_counts(samples: Path, make_home: MakeHome) -> None:
    rows = [row for row in sheet(samples / COLORADO, "data") if row["Student Fall K-12 Enrollment"] != ""]
    codes = [row["District Code"] for row in rows if row["District Code"]]
    registry = {"home": {"authority": "CO", "state_code": "CO", "state_name": "Colorado", "holidays": "CO"}}
    site = make_home(registry | districts({c: c for c in codes}) | calendar(2019), date(2019, 12, 2))

    found = take(site, samples / COLORADO)

    rates = {row["District Code"] or "CO": row["Chronically Absent Rate"] for row in rows}
    counted = {key[1]: a / b for key, (a, b, _) in found.items() if key[3] == "published_chronic_absence_rate_k12"}
    assert len(rates) == 185
    assert counted == rates, "to the last bit of a float"
    tell(
        "Published: Colorado, chronic absenteeism 2018-19",
        len(rates),
        same(rates, counted),
        "rate = count / enrollment, to the last bit of a float",
    )
    assert found["state", "CO", "2019", "published_chronic_absence_rate_k12", "all"] == (197392, 877308, 877308)


def test_nwea_results_and_roster_join(samples: Path, make_home: MakeHome) -> None:
    tests = [row for row in read(samples / MAP_RESULTS) if row["MeasurementScale"] in MAP_SUBJECTS]
    grade_of = {(r["StudentID"], r["SchoolName"]): r["Grade"] for r in read(samples / MAP_ROSTER)}
    schools = {name: f"9100{n:04d}" for n, name in enumerate(sorted({row["SchoolName"] for row in tests}), start=10)}
    expected: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0])
    counting = [row for row in tests if row["GrowthMeasureYN"].upper() == "TRUE"]
    for row in counting:
        grade = grade_of[row["StudentID"], row["SchoolName"]]
        metric = f"map_mean_rit_{MAP_SUBJECTS[row['MeasurementScale']]}"
        for group in ("all", "grade_K" if grade == "13" else f"grade_{grade.zfill(2)}"):
            for period in ("2014", "2014-fall"):
                sums = expected["school", schools[row["SchoolName"]], period, metric, group]
                sums[0] += int(Fraction(row["TestRITScore"]) * 100)
                sums[1] += 1
                sums[2] += 1
    site = make_home(nwea_registry(schools), date(2013, 12, 2))

    found = take(site, samples / MAP_ROSTER, samples / MAP_RESULTS, district="9100")

    once = Counter((row["StudentID"], row["MeasurementScale"]) for row in counting)
    assert max(once.values()) == 1
    assert len(counting) < len(tests), "the file has tests that do not count"
    mean = {k: v for k, v in found.items() if k[0] == "school" and "mean_rit" in k[3]}
    of_grades = {k: v for k, v in mean.items() if k[4] == "all" or k[4].startswith("grade_")}
    assert of_grades == {key: tuple(sums) for key, sums in expected.items()}
    tell(
        "Published: NWEA, MAP training files of fall 2013",
        len(expected),
        same({k: tuple(s) for k, s in expected.items()}, of_grades),
        "mean RIT: sum, denominator and n by school, grade and period, over tests that count as growth measures",
    )


def nwea_registry(schools: Mapping[str, str]) -> dict[str, Any]:
    """One district whose fall window is the sample's."""
    organizations = districts({"9100": "91000000"})["organizations"]
    listed = [{"code": code, "name": name, "district": "9100"} for name, code in schools.items()]
    links = "".join(f"9100,{name},{code},,\n" for name, code in schools.items())
    window = {"code": "fall", "school_year": 2014, "opens": date(2013, 9, 9), "closes": date(2013, 10, 18)}
    feed = {
        "district": "9100",
        "feed": "assessment",
        "inbox": "inbox/9100",
        "owner": "Data office",
        "due": {"rule": "after_window", "school_days": 5},
        "windows": [window],
    }
    return {
        "organizations": organizations | {"schools": listed},
        "crosswalk.csv": f"district,local_code,organization,valid_from,valid_to\n{links}",
        "feeds": {"feeds": [feed]},
        **calendar(2014),
    }


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


MCAS = Recipe(
    {
        "adminyear": ["2025"],
        "sprp_dis": ["35010000"],
        "sprp_sch": ["35010301", "35010501"],
        "sasid": ids(1_000_000_000),
        "grade": ["03", "05", "08"],
        "gender": ["F", "M", "N", ""],
        "race": ["W", "B", "H", "A"],
        "EL": ["Y", "N"],
        "IEP": ["Y", "N"],
        **{name: ["N"] for name in ("highneeds", "lowincome", "ecodis", "FormerEL")},
        "eperf2": ["E", "M", "PM", "NM", "ABS"],
        "mperf2": ["E", "M", "PM", "NM", "MED"],
        "sperf2": [""],
        "escaleds": numbers(440, 560),
        "mscaleds": numbers(440, 560),
        "esgp": numbers(1, 99),
        "msgp": numbers(1, 99),
    },
    {Fate.QUARANTINED: [("sasid", "1.0E+09"), ("sprp_sch", "35019999")]},
)


@pytest.mark.parametrize("vintage", MCAS_VINTAGES)
def test_mcas_students_are_counted_under_every_header(
    samples: Path, make_home: MakeHome, tmp_path: Path, vintage: str
) -> None:
    header = header_of(samples / f"ma_layout_headers_only/{vintage}_header.csv")
    file = write_rows(tmp_path / "MCAS2025_spring_official_35010000.csv", header, MCAS)
    organizations = districts({"3501": "35010000"})["organizations"]
    schools = [{"code": c, "name": f"School {c}", "district": "3501"} for c in ("35010301", "35010501")]
    links = "".join(f"3501,{code},{code},,\n" for code in ("35010000", "35010301", "35010501"))
    registry = {
        "organizations": organizations | {"schools": schools},
        "crosswalk.csv": f"district,local_code,organization,valid_from,valid_to\n{links}",
    }
    site = make_home(registry | calendar(2025), date(2025, 10, 6))

    found = take(site, file.path)

    named = ("sprp_sch", "gender", "EL", "eperf2", "escaleds", "mperf2")
    rows = [dict(zip(named, cells, strict=True)) for cells in zip(*(cells_of(file, n) for n in named), strict=True)]
    for school in ("35010301", "35010501"):
        for group, is_in in GROUPS.items():
            here = [row for row in rows if row["sprp_sch"] == school and is_in(row)]
            got = {key[3]: sums for key, sums in found.items() if key[1:3] == (school, "2025") and key[4] == group}
            assert {name: got[name] for name in counts(here)} == counts(here)
            tell(
                "Published: DESE, MCAS student file layouts 2021 to 2024 (headers; rows made)",
                len(counts(here)),
                same(counts(here), got),
                "shares, means and participation by school and group; absent is expected, medical is not",
            )


GROUPS: dict[str, Callable[[Mapping[str, str]], bool]] = {
    "all": bool,
    "female": lambda row: row["gender"] == "F",
    "nonbinary": lambda row: row["gender"] == "N",
    "english_learner": lambda row: row["EL"] == "Y",
}


def cells_of(file: Any, name: str) -> list[str]:
    """Good rows' cells under a header, whatever its capitals."""
    return file.column(next(own for own in file.header if own.casefold() == name.casefold()))


def counts(rows: list[dict[str, str]]) -> dict[str, tuple[int, int, int]]:
    """ELA and mathematics counted by hand: who has no level is in no share; absent is expected, medical is not."""
    ela = [row for row in rows if row["eperf2"] != "ABS"]
    math = [row for row in rows if row["mperf2"] != "MED"]
    good = {"E", "M"}
    return {
        "mcas_meeting_exceeding_ela": (sum(r["eperf2"] in good for r in ela), len(ela), len(ela)),
        "mcas_not_meeting_ela": (sum(r["eperf2"] == "NM" for r in ela), len(ela), len(ela)),
        "mcas_mean_scaled_score_ela": (sum(100 * int(r["escaleds"]) for r in ela), len(ela), len(ela)),
        "mcas_participation_ela": (len(ela), len(rows), len(rows)),
        "mcas_meeting_exceeding_math": (sum(r["mperf2"] in good for r in math), len(math), len(math)),
        "mcas_participation_math": (len(math), len(math), len(math)),
    }
