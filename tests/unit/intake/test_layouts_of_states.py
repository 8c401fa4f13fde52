"""What published tables ask of the layout language, and the layouts of states held against their samples."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any

import duckdb
import pytest

from sipetl.intake import Layout, MapContext, Mapped, identify, load_layouts, map_rows, read
from sipetl.intake.layout import Column, Long, group_names
from tests.unit.intake.daily import KEY, Intake, layout

Make = Callable[..., Intake]
FIGURES: dict[str, Any] = {
    "layout": "figures",
    "feed": "published_results",
    "title": "Figures by school",
    "source": "made for these tests",
    "recognise": {"headers": ["Code", "Year"]},
    "school_year": {"from": "Year", "year": "end"},
    "scope": {"kind": "snapshot", "by": ["metric"]},
    "columns": {
        "organization": {"from": "Code", "pad": 8},
        "level": {"from": "Code", "codes": {"re:^0+$": "state", "re:0000$": "district"}, "otherwise": "school"},
        "period": {"value": "annual"},
    },
}


def figures(*variants: dict[str, Any], **changes: Any) -> Layout:
    """A layout of published figures with these variants."""
    return Layout.model_validate(FIGURES | {"long": list(variants)} | changes)


def variant(metric: str, header: str, **more: Any) -> dict[str, Any]:
    return {"name": metric, "columns": {"metric": {"value": metric}, "value": {"from": header}}} | more


def mapped(room: Intake, data: str, columns: str) -> list[tuple[Any, ...]]:
    """Map as a state's delivery and give some columns, sorted."""
    done = room.map(data, sender_district=None, sender="state")
    return sorted(room.rows(done, columns), key=str)


SPREAD = {
    "name": "share",
    "each": [[{"n": "3", "grade": "03"}, {"n": "4", "grade": "04"}], [{"group": "male"}, {"group": "female"}]],
    "when": {"from": "Grade {n} {group}", "blank": False},
    "columns": {
        "metric": {"value": "share_{of}"},
        "grade": {"value": "{grade}"},
        "student_group": {"value": "{group}"},
        "value": {"from": "Grade {n} {group}"},
    },
}


def test_variant_is_written_out_for_every_combination_of_its_words() -> None:
    found = figures(SPREAD).long

    assert [v.columns["value"].source for v in found] == [
        ("Grade 3 male",),
        ("Grade 3 female",),
        ("Grade 4 male",),
        ("Grade 4 female",),
    ]
    assert [v.when.source if v.when else () for v in found] == [v.columns["value"].source for v in found]
    assert {v.columns["metric"].value for v in found} == {"share_{of}"}, "a word that is not in `each` stays"


def test_variant_without_words_stands_for_itself() -> None:
    one = Long.model_validate(variant("rate", "Rate"))

    assert list(one.written_out()) == [one]


def test_written_out_variants_make_a_row_per_figure(intake: Make) -> None:
    room = intake(figures(SPREAD, file={"name_pattern": r"(?P<of>of_\w+)\.csv"}))
    text = "Code,Year,Grade 3 male,Grade 3 female,Grade 4 male,Grade 4 female\n1,2024,50.5,49.5,,7\n"

    done = room.map(text, "of_all.csv", sender_district=None)

    assert sorted(room.rows(done, 'metric, grade, student_group, "value"')) == [
        ("share_of_all", "03", "female", Decimal("49.5")),
        ("share_of_all", "03", "male", Decimal("50.5")),
        ("share_of_all", "04", "female", Decimal(7)),
    ]


@pytest.mark.parametrize(
    ("code", "level"),
    [("00000000", "state"), ("0", "state"), ("00350000", "district"), ("00350001", "school"), ("350001", "school")],
)
def test_codes_by_pattern_are_tried_in_their_order(intake: Make, code: str, level: str) -> None:
    room = intake(figures(variant("rate", "Rate")))

    assert mapped(room, f"Code,Year,Rate\n{code},2024,1\n", "level") == [(level,)]


def test_plain_code_outranks_a_pattern_and_case_does_not_matter(intake: Make) -> None:
    group = {"from": "Group", "codes": {"re:^ma": "other", "Male": "male", "re:le$": "female"}}
    room = intake(figures(variant("rate", "Rate"), columns=FIGURES["columns"] | {"student_group": group}))
    text = "Code,Year,Group,Rate\n1,2024,MALE,1\n1,2024,FEMALE,2\n1,2024,Mars,3\n1,2024,none,4\n"

    done = room.map(text, sender_district=None)

    assert room.rows(done, "student_group") == [("male",), ("female",), ("other",)]
    assert room.issues(done) == {(5, "MAP-CODE", "critical", "student_group")}


def test_code_that_is_no_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="not a regular expression"):
        Column.model_validate({"from": "Code", "codes": {"re:(": "state"}})


def test_blank_gives_the_reason_only_where_its_own_cell_is_blank(intake: Make) -> None:
    reason = {
        "suppressed": {"from": "Rate", "codes": {"s": "suppressed"}, "otherwise": None, "blank": "not_reported"}
    }
    rate = variant("rate", "Rate")
    rate["columns"] = rate["columns"] | reason | {"value": {"from": "Rate", "null": ["s"]}}
    room = intake(figures(rate, variant("count", "Count")))

    found = mapped(room, "Code,Year,Rate,Count\n1,2024,5,9\n2,2024,s,9\n3,2024,,9\n", 'metric, "value", suppressed')

    assert found == sorted(
        [
            *[("count", Decimal(9), None)] * 3,
            ("rate", Decimal(5), None),
            ("rate", None, "suppressed"),
            ("rate", None, "not_reported"),
        ],
        key=str,
    )


def test_blank_needs_no_codes(intake: Make) -> None:
    named = FIGURES["columns"] | {"organization_name": {"from": "Name", "blank": "unnamed"}}
    room = intake(figures(variant("rate", "Rate"), columns=named))

    found = mapped(room, "Code,Year,Name,Rate\n1,2024,,5\n2,2024,Oak,5\n", "organization_name")

    assert found == [("Oak",), ("unnamed",)]


def test_blank_cannot_stand_for_an_identifier() -> None:
    with pytest.raises(ValueError, match="looked up"):
        layout(columns={"school": {"from": "School", "crosswalk": "school", "blank": "01010012"}})


def test_variant_has_the_year_of_its_own_column(intake: Make) -> None:
    years = [
        variant("rate", f"Rate {n}", school_year={"from": f"Year {n}", "year": kind})
        for n, kind in ((1, "end"), (2, "span"))
    ]
    room = intake(figures(*years, variant("count", "Count")))
    text = "Code,Year,Year 1,Year 2,Rate 1,Rate 2,Count\n1,2016,2014,2014-15,71,72,9\n"

    found = mapped(room, text, 'metric, school_year, "value"')

    assert found == [("count", 2016, Decimal(9)), ("rate", 2014, Decimal(71)), ("rate", 2015, Decimal(72))]


def test_variant_whose_year_nothing_tells_quarantines_its_row(intake: Make) -> None:
    room = intake(figures(variant("rate", "Rate", school_year={"from": "Rate Year", "year": "end"})))

    done = room.map("Code,Year,Rate Year,Rate\n1,2016,,71\n", sender_district=None)

    assert room.issues(done) == {(2, "MAP-NO-YEAR", "critical", "school_year")}


@pytest.mark.parametrize("header", ["2021-2022 Student Count", "2022-2023 STUDENT COUNT", "Student Count"])
def test_header_with_a_year_in_it_is_found_by_its_pattern(intake: Make, header: str) -> None:
    named = {"Student Count": r"^\d{4}-\d{4} student count$"}
    recognise = {"headers": ["Code", "Year", "Student Count"]}
    room = intake(figures(variant("count", "Student Count"), header_patterns=named, recognise=recognise))

    done = room.map(f"Code,Year,{header}\n1,2024,5\n", sender_district=None)

    assert room.rows(done, '"value"') == [(Decimal(5),)]
    assert room.issues(done) == set(), "the header is known"


def test_condition_of_nothing_but_a_column_holds_where_the_file_has_it(intake: Make) -> None:
    room = intake(figures(variant("rate", "Rate"), variant("index", "Index", when={"from": "Index"})))

    assert mapped(room, "Code,Year,Rate\n1,2024,5\n", "metric") == [("rate",)]
    assert mapped(room, "Code,Year,Rate,Index\n1,2024,5,\n", "metric") == [("index",), ("rate",)]


STATES = {
    "sqm_dashboards/dese/2C_1_attendance.csv": ("dese_school_attendance", 29330, 87990, 0, 14665),
    "dese_2014_challenge/2011_HSSCI_perf_by_subject.csv": ("dese_hs_science", 7916, 47496, 0, 0),
    "dese_2014_challenge/2013HSSCI_school.csv": ("dese_hs_science", 4407, 17628, 0, 0),
    "dese_2014_challenge/indicator_report_state_district_school_2003_2012.csv": (
        "dese_indicators", 22581, 140246, 97, 0,
    ),
    "dese_2014_challenge/student_indicator_report_state_distirct_school_2013.csv": (
        "dese_indicators", 2281, 11265, 27, 0,
    ),
    "dese_2014_challenge/enrollment_by_selected_populations_state_district_school_1995_2014.csv": (
        "dese_selected_populations", 45010, 216330, 247, 0,
    ),
    "dese_profiles_xlsx/sfarooqi_enrollmentbyracegender.xlsx": ("dese_enrollment_race_gender", 400, 4000, 0, 0),
    "dese_profiles_xlsx/schand_gradrates.xlsx": ("dese_graduation", 305, 1830, 0, 0),
    "dese_profiles_xlsx/techtogether_dropout.xlsx": ("dese_dropout", 405, 2025, 0, 0),
    "dese_profiles_xlsx/schand_mobilityrates.xlsx": ("dese_mobility", 400, 1200, 0, 0),
    "kaggle_ma_public_schools_2017/MA_Public_Schools_2017.csv": ("ma_public_schools_2017", 1861, 85052, 0, 0),
    "co_chronic/2021-2022_ChronicAbsenteeism.xlsx": ("co_chronic_2022", 187, 186, 1, 0),
    "nyc_school_survey_2011/math_test_results.csv": ("nyc_test_results", 28478, 170868, 0, 0),
    "cps_chicago/Chicago_Public_Schools_-_School_Progress_Reports_SY1617.csv": (
        "cps_progress_report", 661, 30555, 0, 0,
    ),
}  # fmt: skip
"""Sample -> its layout, the rows of the file, the figures made of them, the rows left out, and the exact repeats."""


@pytest.mark.samples
@pytest.mark.parametrize("sample", STATES)
def test_published_table_is_recognised_and_every_row_and_header_accounted_for(
    samples: Path, con: duckdb.DuckDBPyConnection, tmp_path: Path, sample: str
) -> None:
    path = samples / sample
    (member,) = identify(path, path.name, load_layouts(), scratch=tmp_path)
    context = MapContext(authority="MA", key=KEY, sender_district=None)

    done: Mapped = map_rows(con, read(con, member), member, context)

    told = {rule for (rule,) in con.execute(f"select distinct rule_id from {done.issues}").fetchall()}
    kept = (done.rows_read, done.rows_mapped, done.skipped, done.repeated)
    assert (member.layout.layout, *kept) == STATES[sample]
    assert done.quarantined == 0
    assert "MAP-UNKNOWN-COLUMN" not in told


@pytest.mark.parametrize("one", [known for known in load_layouts() if known.long], ids=lambda one: one.layout)
def test_no_word_in_braces_is_left_over_when_variants_are_written_out(one: Layout) -> None:
    patterns = (one.file.name_pattern, one.file.title_pattern)
    groups = {name for pattern in patterns if pattern for name in group_names(pattern)}
    columns = [column for v in one.long for column in v.columns.values()]
    texts = [text for c in columns for text in (*c.source, c.value) if isinstance(text, str)]

    left = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}

    assert left <= groups
    assert not [text for text in texts if re.search(r"\{\w*$|^\w*\}", text)]
