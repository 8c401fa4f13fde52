"""Extracts of districts' own systems go through `sipetl ingest` whole, each under a layout that is data alone."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from sipetl.registry.models import FeedName
from sipetl.warehouse import embedded
from tests.home import KEY, Site
from tests.truth import extract_files as files
from tests.truth.extract_files import CODES, FIRST, LAST, SHUT, Extract
from tests.truth.sample_home import make_home, rows_of, values_of

pytestmark = pytest.mark.samples


@dataclass(frozen=True)
class Outcome:
    """What a person sees after `sipetl ingest`, and what the lake holds of it."""

    status: str
    letter: dict[str, Any]
    rows: list[dict[str, Any]]


class Sent:
    """Extracts that were sent, and what became of them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.all: dict[str, tuple[Extract, Outcome]] = {}

    def send(self, one: Extract) -> None:
        """Put it where the district would, and take it; nothing else is new."""
        self.site.put(one.name, one.content)
        done = self.site.run("ingest", "--json")
        assert done.out, done.err
        (told,) = json.loads(done.out)
        delivery = told["delivery_id"]
        letter = json.loads((self.site.root / "reports" / "letters" / f"{delivery}.json").read_text("utf-8"))
        query = "select part_id from ops.delivery_part where delivery_id = cast(:d as uuid) and status = 'accepted'"
        parts = [part for (part,) in self.site.sql(query, d=delivery)]
        self.all[one.name] = one, Outcome(told["status"], letter, self._rows(FeedName(one.feed), parts))

    def _rows(self, feed: FeedName, parts: list[Any]) -> list[dict[str, Any]]:
        if not parts:
            return []
        names = [name for name, *_ in self.site.lake(feed, "describe rows")]
        listed = ", ".join(f"'{part}'" for part in parts)
        rows = self.site.lake(feed, f"select * from rows where part_id in ({listed}) order by row_number")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def rows(self, name: str) -> list[dict[str, Any]]:
        return self.all[name][1].rows

    def findings(self, name: str) -> set[str]:
        return {finding["rule_id"] for part in self.all[name][1].letter["parts"] for finding in part["findings"]}


@pytest.fixture(scope="module")
def sent(server: embedded.Lease, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    scratch = tmp_path_factory.mktemp("extracts-made")
    sent = Sent(make_home(server, tmp_path_factory.mktemp("extracts-home"), files.registry(samples)))
    for one in (
        *files.star(samples),
        files.dibels(samples),
        *files.aspen(samples),
        *files.sections(samples),
        files.form(samples),
    ):
        sent.send(one)
    for one in (*files.users(samples, scratch), *files.families(samples, scratch)):
        sent.send(one)
    return sent


NOT_TAKEN = "users_2026-01-14.csv"
TAKEN = (
    "SM.csv",
    "SR.csv",
    "SR_v2.csv",
    "StudentSummary - benchmark.csv",
    "attendance_dump_2005-06-17.csv",
    "assessment_export.csv",
    "day1_studentattendance.csv",
    "day2_studentattendance.csv",
    "student_voice_SHS_fall_2020.csv",
    "users_2026-01-15.csv",
    "climate_survey_family_fall_2026.csv",
    "climate_survey_family_winter_2026.csv",
)
WIDE = ("qualtrics_survey_family", "student_voice_form")
"""Layouts that make several rows of one."""


@pytest.mark.parametrize("name", TAKEN)
def test_extract_is_accepted_and_every_row_accounted_for(sent: Sent, name: str) -> None:
    one, outcome = sent.all[name]
    parts = outcome.letter["parts"]

    assert outcome.status == "accepted"
    assert {(part["feed"], part["layout"], part["rows_read"]) for part in parts} == {(one.feed, one.layout, one.rows)}
    assert sum(part["rows_good"] for part in parts) == len(outcome.rows) == one.taken
    assert sum(part["rows_quarantined"] for part in parts) == one.quarantined
    assert {(part["rows_left_out"], part["rows_repeated"]) for part in parts} == {(one.left_out, one.repeated)}
    if one.layout not in WIDE:
        assert one.taken + one.quarantined + one.left_out + one.repeated == one.rows


@pytest.mark.parametrize("name", TAKEN)
def test_every_column_of_the_extract_is_known(sent: Sent, name: str) -> None:
    assert "MAP-UNKNOWN-COLUMN" not in sent.findings(name)


@pytest.mark.parametrize("name", [*TAKEN, NOT_TAKEN])
def test_nothing_private_is_in_the_lake_or_in_the_letter(sent: Sent, name: str) -> None:
    one, outcome = sent.all[name]
    texts = {cell for row in outcome.rows for cell in row.values() if isinstance(cell, str)}
    binary = [cell for row in outcome.rows for column, cell in row.items() if column.endswith("_hash") and cell]

    assert not texts & one.private
    assert not [cell for cell in one.private if len(cell) > 3 and any(cell in text for text in texts)]
    assert {len(cell) for cell in binary} <= {32}
    assert not [cell for cell in one.private if len(cell) > 4 and cell in json.dumps(outcome.letter)]


def test_all_extracts_were_looked_at(sent: Sent) -> None:
    assert set(sent.all) == {*TAKEN, NOT_TAKEN}


def test_users_without_grades_are_no_roster_and_the_letter_says_why(sent: Sent) -> None:
    one, outcome = sent.all[NOT_TAKEN]
    (part,) = outcome.letter["parts"]

    assert (outcome.status, outcome.rows) == ("rejected", [])
    assert (part["rows_read"], part["rows_quarantined"]) == (one.rows, one.quarantined) == (2, 2)
    assert [(f["rule_id"], f["column"], f["count"]) for f in part["findings"]] == [("MAP-NULL", "grade", 2)]


def pseudonym(kind: str, text: str) -> bytes:
    """Choice 9, written out once more."""
    return hmac.new(KEY, b"\x1f".join([b"v1", b"MA:3501", kind.encode(), text.encode()]), hashlib.sha256).digest()


def test_star_scores_ranks_and_growth_are_the_files(sent: Sent, samples: Path) -> None:
    expected = [
        (
            pseudonym("lasid", row["StudentIdentifier"]),
            CODES[row["SchoolIdentifier"]],
            100 * int(row["ScaledScore"]),
            int(row["PercentileRank"]),
            int(row["CurrentSGP"]) if row["CurrentSGP"] else None,
            datetime.fromisoformat(row["CompletedDateLocal"].removesuffix("Z")).date(),
            row["Grade"].zfill(2),
            row["RenaissanceBenchmarkCategoryName"],
        )
        for row in rows_of(samples / files.STAR_V2)
    ]
    label = {"URGENT": "Urgent Intervention", "AT_OR_ABOVE": "At/Above Benchmark"}
    columns = ("id_hash", "school", "scale_score_x100", "percentile", "sgp", "tested_on", "grade")

    found = [(*(row[c] for c in columns), label[row["level"]]) for row in sent.rows("SR_v2.csv")]

    assert found == expected
    assert {(row["assessment"], row["subject"], row["window"]) for row in sent.rows("SR_v2.csv")} == {
        ("STAR", "ELA", "fall")
    }


def test_subject_of_the_older_star_file_is_its_names(sent: Sent) -> None:
    found = {
        name: [(row["subject"], row["window"], row["percentile"], row["tested_on"]) for row in sent.rows(name)]
        for name in ("SM.csv", "SR.csv")
    }

    assert found == {
        "SM.csv": [("MATH", "winter", 70, date(2015, 1, 21))],
        "SR.csv": [("ELA", "winter", 90, date(2015, 1, 21))],
    }


def test_dibels_composite_is_taken_at_the_students_own_grade(sent: Sent, samples: Path) -> None:
    grades = {"K": "KF", "2": "02", "04": "04", "PK": "PK"}
    levels = {"Well Below Benchmark": "WELL_BELOW", "At Benchmark": "AT"}
    expected = [
        (
            pseudonym("lasid", row["Student Primary ID"]),
            grades[row["Enrollment Grade"]],
            100 * int(row["Composite Score"]),
            int(row["Composite - National Norm Percentile"]),
            levels[row["Composite Level"]],
            date.fromisoformat(row["Client Date"]),
        )
        for row in rows_of(samples / files.DIBELS)
    ]
    columns = ("id_hash", "grade", "scale_score_x100", "percentile", "level", "tested_on")

    found = [tuple(row[c] for c in columns) for row in sent.rows("StudentSummary - benchmark.csv")]

    assert found == expected


def test_aspens_table_has_one_tardiness_and_no_absence(sent: Sent) -> None:
    (row,) = sent.rows("attendance_dump_2005-06-17.csv")

    assert row["id_hash"] == pseudonym("aspen_oid", "std")
    assert (row["school"], row["attendance_date"], row["grain"]) == (CODES["SKL"], date(2005, 5, 3), "event")
    assert (row["present"], row["tardy"], row["excused"], row["portion_absent_x100"]) == (True, True, True, None)


def test_aspens_results_are_four_tests_with_the_meanings_of_each(sent: Sent) -> None:
    columns = ("assessment", "subject", "window", "school_year", "scale_score_x100", "level", "sgp")

    found = [tuple(row[c] for c in columns) for row in sent.rows("assessment_export.csv")]

    # By hand from the sample's eight rows; its growth "baf" is no number, and its DIBELS row has no score.
    assert sorted(found, key=str) == sorted(
        [
            ("MCAS", "ELA", "annual", 2014, 22200, "NI", 70),
            ("MAP", "ELA", "spring", 2014, 22200, None, None),
            ("MCAS", "MATH", "annual", 2014, 21400, "W", None),
            ("DIBELS", "READ", "fall", 2009, None, "STRATEGIC", None),
            ("ACCESS", "ELP", "annual", 2014, 36800, "4", None),
            ("ACCESS", "ELP", "annual", 2015, 36700, "5", None),
            ("ACCESS", "ELP", "annual", 2013, 36700, "4", 92),
        ],
        key=str,
    )
    assert {row["school"] for row in sent.rows("assessment_export.csv")} == {None}


def test_sections_are_a_day_present_from_half_of_them_on(sent: Sent, samples: Path) -> None:
    marks: dict[tuple[str, date], dict[str, bool]] = defaultdict(dict)
    for number in (1, 2):
        for row in rows_of(samples / files.SECTIONS.format(number)):
            day, month, year = map(int, row["attendance_date"].split("/"))
            marks[row["student_id"], date(year, month, day)][row["section_id"]] = row["PresenceFlag"] == "1"
    school = {key: list(units.values()) for key, units in marks.items() if _is_school_day(key[1])}
    present = [2 * sum(units) >= len(units) for units in school.values()]
    assert sum(2 * sum(units) == len(units) for units in school.values()) > 10, "days on the bound itself"

    assert sent.site.run("compute", "--json").status == 0
    rate = values_of(sent.site)[CODES["sch0"], "2020", "attendance_rate"]

    assert rate == (100 * sum(present), 100 * len(present))


def _is_school_day(day: date) -> bool:
    return FIRST <= day <= LAST and day.weekday() < 5 and not SHUT[0] <= day <= SHUT[1]


def test_section_file_tells_that_its_year_contradicts_its_dates(sent: Sent, samples: Path) -> None:
    years = {row["school_year"] for row in rows_of(samples / files.SECTIONS.format(1))}

    assert years == {"2021"}
    assert {row["school_year"] for row in sent.rows("day1_studentattendance.csv")} == {2020}
    assert "MAP-YEAR" in sent.findings("day1_studentattendance.csv")


def test_form_gives_its_closed_questions_alone(sent: Sent) -> None:
    found = {row["item"]: row["value"] for row in sent.rows("student_voice_SHS_fall_2020.csv")}

    assert found == {
        "adult_to_reach_out_to": 1,
        "reliable_internet": 0,
        "comfortable_with_camera": 0,
        "comfortable_with_microphone": 0,
    }


@pytest.mark.parametrize(("window", "items"), [("fall", 34), ("winter", 35)])
def test_every_question_to_families_is_in_the_item_bank(sent: Sent, window: str, items: int) -> None:
    name = f"climate_survey_family_{window}_2026.csv"

    assert "REG-ITEM" not in sent.findings(name)
    assert len({row["item"] for row in sent.rows(name)}) == items
    assert {(row["population"], row["survey"], row["window"]) for row in sent.rows(name)} == {
        ("family", "climate_family", window)
    }


def test_students_of_the_standard_users_file_are_on_the_roster(sent: Sent) -> None:
    rows = sent.rows("users_2026-01-15.csv")

    assert {row["grade"] for row in rows} == {"KF", "01", "08", "12"}
    assert {row["school"] for row in rows} == {CODES["12345"], CODES["54321"]}
    assert {row["snapshot_on"] for row in rows} == {date(2026, 1, 15)}
    assert len({row["id_hash"] for row in rows}) == len(rows)
