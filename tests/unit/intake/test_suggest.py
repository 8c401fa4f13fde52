"""Drafting a layout: what it reads, what it decides, and what it never writes down."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sipetl.errors import UnreadableError, UnrecognizedError
from sipetl.intake import Suggestion, load_layouts, suggest_layout
from sipetl.intake.suggest.excerpt import MOST_BYTES
from sipetl.intake.suggest.naming import naming
from sipetl.registry.models import FeedName

HEADER = "Student ID,Student Name,School Code,Test Date,Grade,Subject,Scale Score,Percentile,Race,EL Status,Remark\n"
ROWS = 200


def line(number: int) -> str:
    day = f"{1 + number % 9:02}/{13 + number % 15}/2025"
    race = ("White", "Black or African American", "Asian")[number % 3]
    cells = [f"{900100 + number}", f'"Secretname{number}, Ada"', ("HEA", "SHS")[number % 2], day, f"{3 + number % 3}"]
    cells += [("Math", "ELA")[number % 2], f"{400 + number}", f"{1 + number % 99}", race, "YN"[number % 2]]
    return ",".join([*cells, f"Saw {number} doctor"]) + "\n"


Suggest = Callable[..., Suggestion]


@pytest.fixture
def suggest(tmp_path: Path) -> Suggest:
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def draft(text: str, name: str = "star_growth_2025-10-03.csv", feed: FeedName | None = None) -> Suggestion:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return suggest_layout(path, name, load_layouts(), scratch=scratch, feed=feed)

    return draft


def results(header: str = HEADER) -> str:
    return header + "".join(line(number) for number in range(ROWS))


def test_draft_is_a_layout_that_loads(suggest: Suggest, tmp_path: Path) -> None:
    draft = suggest(results())

    folder = tmp_path / "layouts"
    folder.mkdir()
    (folder / "draft.yaml").write_text(draft.text, encoding="utf-8")
    (own,) = [one for one in load_layouts(folder) if one.layout == "star_growth_2025_10_03"]
    assert (draft.feed, draft.missing, draft.fault) == (FeedName.ASSESSMENT, (), "")
    assert own.columns["id_hash"].source == ("Student ID",)
    assert own.columns["assessment"].value == "STAR"
    assert own.columns["tested_on"].parse == ("%m/%d/%Y",)
    assert own.columns["grade"].codes == {"3": "03", "4": "04", "5": "05"}
    assert own.columns["race_ethnicity"].codes["Black or African American"] == "black"
    assert own.columns["english_learner"].codes == {"Y": True, "N": False}
    assert own.drop == ("Student Name", "Remark")
    assert own.file.name_pattern == r"^star_growth_(?P<date>\d{4}-?\d{2}-?\d{2})\.csv$"


def test_no_name_id_or_free_text_is_written(suggest: Suggest) -> None:
    draft = suggest(results())

    assert "Secretname" not in draft.text
    assert "doctor" not in draft.text
    assert not any(str(900100 + number) in draft.text for number in range(ROWS))


def test_codes_that_nobody_knows_are_named_only_where_they_are_a_closed_set(suggest: Suggest) -> None:
    codes = results().replace(",Math,", ",ZZ1,")
    people = "".join(row.replace(",Math,", f",Jo{n},") for n, row in enumerate(results().splitlines(keepends=True)))

    assert "not known: 'ZZ1'" in suggest(codes).text
    assert "100 distinct values are not known, look them up" in suggest(people).text
    assert "Jo1" not in suggest(people).text


def test_required_column_that_nothing_says_is_told_as_missing(suggest: Suggest) -> None:
    draft = suggest(results(), "results.csv")

    assert draft.missing == ("assessment",)
    assert "# MISSING, required:" in draft.text
    assert "nothing fills the required column 'assessment'" in draft.fault


def test_file_without_a_header_is_refused_without_a_value(suggest: Suggest) -> None:
    with pytest.raises(UnrecognizedError, match="no header row") as refused:
        suggest("".join(line(number) for number in range(ROWS)))

    assert "Secretname" not in str(refused.value)


def test_header_that_recurs_below_is_data(suggest: Suggest) -> None:
    rows = "".join(f"Male,Asian,Math,Ada{number % 7}\n" for number in range(ROWS))

    with pytest.raises(UnrecognizedError, match="no header row"):
        suggest(rows)


def test_file_of_no_feed_is_refused(suggest: Suggest) -> None:
    with pytest.raises(UnrecognizedError, match="fits no feed"):
        suggest("flour,eggs\nmuch,few\nmore,none\n")


def test_empty_file_is_refused(suggest: Suggest) -> None:
    with pytest.raises(UnreadableError, match="empty file"):
        suggest("")


def test_feed_that_is_given_is_taken(suggest: Suggest) -> None:
    assert suggest(results(), feed=FeedName.ROSTER).feed is FeedName.ROSTER


def test_absence_flag_is_turned_into_presence(suggest: Suggest) -> None:
    rows = "".join(f"{700 + n},HEA,2025-10-{1 + n % 28:02},{n % 2}\n" for n in range(ROWS))

    draft = suggest(f"student_id,school_id,attendance_date,absent\n{rows}", "absences.csv")

    assert draft.feed is FeedName.ATTENDANCE
    assert draft.data["columns"]["present"]["codes"] == {"1": False, "0": True}
    assert draft.data["scope"] == {"kind": "window", "column": "attendance_date", "by": ["population", "grain"]}


def test_published_figures_are_paired_with_their_counts(suggest: Suggest) -> None:
    rows = "".join(f"3501{n:04},School {n},{n % 90},{n % 100}.0,{100 + n}\n" for n in range(1, ROWS))

    draft = suggest(f"School Code,School Name,Grad #,Grad %,# in Cohort\n{rows}", "grads_2025.csv")

    (variant,) = draft.data["long"]
    assert draft.feed is FeedName.PUBLISHED_RESULTS
    assert variant["columns"]["value"] == {"from": "Grad %", "number": "percent"}
    assert variant["columns"]["numerator"]["from"] == "Grad #"
    assert variant["columns"]["denominator"]["from"] == "# in Cohort"
    assert draft.data["columns"]["level"]["codes"] == {"re:^0+$": "state", "re:0000$": "district"}


def test_file_that_is_known_is_told_so(suggest: Suggest) -> None:
    draft = suggest("student_number,school_code,att_date,att_code\n1,HEA,2025-10-01,P\n", "attendance.csv")

    assert draft.fits == ("sis_daily_attendance",)


def test_name_gives_up_its_dates() -> None:
    named = naming("climate_winter_2024-09-01_2024-10-01.csv")

    assert named.groups == {"window", "from", "to"}
    assert naming("roster.csv", ("date",)).example == "roster_2026-01-15.csv"


@pytest.mark.skipif(sys.platform != "linux", reason="counts the bytes that Linux says were read")
def test_no_more_than_a_bounded_part_of_a_large_file_is_read(tmp_path: Path) -> None:
    block = "".join(line(number) for number in range(10_000))
    large = tmp_path / "large.csv"
    with large.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        while file.tell() < 60 * 1024 * 1024:
            file.write(block)
    small = tmp_path / "small.csv"
    small.write_text(HEADER + line(1), encoding="utf-8")
    suggest_layout(small, "star.csv", load_layouts(), scratch=tmp_path)  # what is read once only is read now

    before = bytes_read()
    draft = suggest_layout(large, "star.csv", load_layouts(), scratch=tmp_path)
    read = bytes_read() - before

    assert draft.feed is FeedName.ASSESSMENT
    # The excerpt is written, and read again: to find its encoding, and its rows.
    assert read <= 4 * MOST_BYTES


def bytes_read() -> int:
    for told in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if told.startswith("rchar:"):
            return int(told.partition(":")[2])
    raise AssertionError("Linux does not say")
