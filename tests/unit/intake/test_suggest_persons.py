"""No draft keeps a person's id as it is: whatever the column is called, whatever the ids look like, whatever feed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from pydantic import ValidationError

from sipetl.errors import UnrecognizedError
from sipetl.intake import Layout, Suggestion, load_layouts, suggest_layout
from sipetl.intake.headers import normal
from sipetl.intake.suggest.naming import naming, title_year
from sipetl.intake.suggest.persons import Person
from sipetl.intake.suggest.profile import Profile
from sipetl.registry.models import FeedName

ROWS = 120
PEOPLE = ("Pupil", "Student", "Learner", "Child", "Stu", "Stud.", "Std", "STDNT", "Stu.", "Scholar", "Pup.")
IDS = (
    "Ref.",
    "No",
    "No.",
    "Nr",
    "Nr.",
    "#",
    "ID",
    "Id.",
    "Code",
    "Cd",
    "Number",
    "Num",
    "Nbr",
    "Key",
    "Identifier",
    "Ref No",
)
ALONE = (
    "LASID",
    "SASID",
    "UPN",
    "SSID",
    "Lasid",
    "Pupil",
    "Student",
    "Learner",
    "State ID",
    "Local Id",
    "sis_id",
    "Ref.",
)
GLUES: tuple[Callable[[str, str], str], ...] = (
    lambda one, two: f"{one} {two}",
    lambda one, two: f"{one}_{two}".lower(),
    lambda one, two: f"{one}{two}",
    lambda one, two: f"{one}.{two}".upper(),
    lambda one, two: f"{two} {one}",
    lambda one, two: f"{one}'s {two}",
    lambda one, two: f"{one} Local {two}",
)
SHAPES: Mapping[str, Callable[[int], str]] = {
    "four digits": lambda n: f"{4711 + n % 61}",
    "six digits": lambda n: f"{840000 + 37 * (n % 80)}",
    "ten digits": lambda n: f"{1000000007 + 91 * (n % 70)}",
    "counted up": lambda n: f"{95 + n % 70}",
    "zeros in front": lambda n: f"{n % 90:07}",
    "like years": lambda n: f"{1980 + n % 90}",
    "letters": lambda n: f"S{20000 + n % 60}",
    "uuid": lambda n: f"{n % 50:08x}-0000-4000-8000-{n % 50:012x}",
    "once each": lambda n: f"{55001 + n}",
}
TABLES: Mapping[str, Mapping[str, Callable[[int], str]]] = {
    "behavior export.csv": {
        "Inc. Nr": lambda n: f"{90010 + n}",
        "Sch": lambda n: ("HEA", "SHS")[n % 2],
        "Dt. Occ'd": lambda n: f"{1 + n % 28:02}.09.2026",
        "Beh. Cd": lambda n: ("FGT", "DIS", "VAP")[n % 3],
        "ISS d": lambda n: ("0", "1", "0.5")[n % 3],
        "OSS d": lambda n: ("0", "2")[n % 2],
    },
    "figures.csv": {
        "School Code": lambda n: f"3501{n % 20:04}",
        "School Name": lambda n: f"School {n % 20}",
        "Percent Absent": lambda n: f"{n % 60}.5",
        "Days": lambda n: f"{n % 180}",
    },
    "scores.csv": {
        "Sch": lambda n: ("HEA", "SHS")[n % 2],
        "Grade": lambda n: f"{3 + n % 3}",
        "Subject": lambda n: ("Math", "ELA")[n % 2],
        "Test Date": lambda n: f"2026-10-{1 + n % 4:02}",
        "Score": lambda n: f"{400 + n}",
        "Percentile": lambda n: f"{1 + n % 99}",
    },
    "unknown.csv": {
        "Bldg": lambda n: ("12", "14")[n % 2],
        "Val A": lambda n: f"{n % 7}",
        "Val B": lambda n: f"{n * 3 % 11}.25",
    },
}  # fmt: skip


def headings() -> Iterator[str]:
    glues = cycle(GLUES)
    yield from (next(glues)(person, word) for person in PEOPLE for word in IDS)
    yield from ALONE


def bare(draft: Suggestion, header: str) -> list[str]:
    """Contract columns that a draft fills from a header without a hash."""
    data = draft.data
    groups: list[dict[str, Any]] = [data["columns"], *(one["columns"] for one in data.get("long", ()))]
    groups.append({name: data[name] for name in ("school_year", "district") if name in data})
    found = [name for columns in groups for name, one in columns.items() if _reads(one, header) and "id" not in one]
    if "melt" in data and re.search(data["melt"]["headers"], normal(header), re.IGNORECASE):
        found.append("melt")
    return found


def _reads(column: Mapping[str, Any], header: str) -> bool:
    return normal(str(column.get("from", ""))) == normal(header)


Suggest = Callable[..., Suggestion]


@pytest.fixture(scope="module")
def suggest(tmp_path_factory: pytest.TempPathFactory) -> Suggest:
    folder, layouts = tmp_path_factory.mktemp("persons"), load_layouts()

    def draft(name: str, columns: Mapping[str, Callable[[int], str]], feed: FeedName | None = None) -> Suggestion:
        path = folder / name
        rows = [";".join(cell(row) for cell in columns.values()) for row in range(ROWS)]
        path.write_text("\n".join([";".join(columns), *rows]) + "\n", encoding="utf-8")
        return suggest_layout(path, name, layouts, scratch=folder, feed=feed)

    return draft


def profile(header: str, cell: Callable[[int], str]) -> Profile:
    cells = tuple(cell(row) for row in range(ROWS))
    return Profile(header, 0, Counter(cells), ROWS, cells)


def test_id_is_known_by_every_common_heading_and_shape() -> None:
    known = {(h, shape): profile(h, cell).person for h in headings() for shape, cell in SHAPES.items()}

    # `No. Pupil` with numbers counted up may be a badly named count: it is refused, not dropped.
    unsure = {key for key, person in known.items() if person is Person.MAYBE}
    assert Person.NOT not in known.values()
    assert {shape for _, shape in unsure} == {"counted up"}
    assert len(unsure) < len(known) / 50


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("Number of Students", lambda n: f"{20 + 13 * n}"),
        ("No. of Pupils Tested", lambda n: f"{1000 + n}"),
        ("# Students", lambda n: f"{3 + 7 * n}"),
        ("Student Count", lambda n: f"{1000 + n}"),
        ("English Learner #", lambda n: f"{n}"),
        ("Students with Disabilities %", lambda n: f"{n % 30}.5"),
        ("Average Salary", lambda n: f"{61000 + 17 * n}"),
        ("School Code", lambda n: f"3501{n:04}"),
        ("Teacher", lambda n: f"{1 + n % 4}"),
        ("Scale Score", lambda n: f"{1400 + n}"),
        ("Year", lambda n: f"{1995 + n % 20}"),
    ],
)
def test_counts_measures_and_places_are_no_ids(header: str, cell: Callable[[int], str]) -> None:
    assert profile(header, cell).person is Person.NOT


@pytest.mark.parametrize("feed", [None, FeedName.PUBLISHED_RESULTS])
def test_no_id_is_kept_as_it_is_whatever_it_is_called_and_looks_like(suggest: Suggest, feed: FeedName | None) -> None:
    tables, shapes = cycle(TABLES.items()), cycle(SHAPES.values())
    kept, drafts = [], 0
    for heading in list(headings())[:: 4 if feed is None else 9]:
        (name, table), cell = next(tables), next(shapes)
        try:
            draft = suggest(name, {heading: cell, **table}, feed)
        except UnrecognizedError:
            continue  # refused: nothing is kept
        drafts += 1
        kept += [(heading, name, column) for column in bare(draft, heading)]
        if draft.feed is FeedName.PUBLISHED_RESULTS:
            assert heading in " ".join(draft.columns.unsure) or heading in draft.data.get("undecided", ())
            assert feed or not draft.data.get("long") or bool(draft.fault) or heading in draft.data["drop"]

    assert kept == []
    assert drafts >= 10


def test_figures_that_may_be_ids_are_comments_in_a_draft_that_does_not_load(suggest: Suggest) -> None:
    table = {**TABLES["figures.csv"], "Casefile": lambda n: f"{70011 + n % 50}"}

    draft = suggest("figures_2026.csv", table, FeedName.PUBLISHED_RESULTS)

    assert draft.data["undecided"] == ["Casefile"]
    assert {variant["name"] for variant in draft.data["long"]} == {"percent_absent", "days"}
    assert "#       value: {from: Casefile, number: plain}" in draft.text
    assert "'undecided' names columns that may be the ids of persons" in draft.fault
    with pytest.raises(ValidationError, match="undecided"):
        Layout.model_validate(draft.data)


def test_export_of_incidents_is_understood_in_its_abbreviations(suggest: Suggest) -> None:
    export = TABLES["behavior export.csv"]
    table = {"Inc. Nr": export["Inc. Nr"], "Pupil Ref.": SHAPES["four digits"], **export}

    draft = suggest("export.csv", table)

    columns = draft.data["columns"]
    assert (draft.feed, draft.missing, draft.fault) == (FeedName.DISCIPLINE, (), "")
    assert columns["id_hash"] == {"from": "Pupil Ref.", "id": {"kind": "lasid"}}
    assert columns["incident_hash"]["from"] == "Inc. Nr"
    assert columns["incident_on"] == {"from": "Dt. Occ'd", "parse": ["%d.%m.%Y"]}
    assert columns["offense"]["from"] == "Beh. Cd"
    assert draft.data["school_year"] == {"from": "Dt. Occ'd", "parse": ["%d.%m.%Y"], "year": "date"}
    assert suggest("export.csv", table, FeedName.DISCIPLINE).data["columns"] == columns


def test_decimal_comma_is_not_read_as_one_of_thousands(suggest: Suggest) -> None:
    table = {
        "Pupil Ref.": SHAPES["four digits"],
        **TABLES["behavior export.csv"],
        "OSS d": lambda n: ("0", "2", "0,5")[n % 3],
    }
    del table["ISS d"]

    draft = suggest("export.csv", table)

    assert draft.data["columns"]["days_removed_x100"]["number"] == "plain"
    assert "decimal comma" in draft.text


def workbook(path: Path, *, title: str) -> Path:
    book = Workbook()
    book.active.append([title])
    book.active.append([])
    indicators = [f"{n}a Indicator" for n in range(1, 5)]
    book.active.append(["Visit date", "School", "Teacher", "Observer", *indicators])
    for n in range(40):
        day = date(2026, 10, 1 + n % 3)
        book.active.append([day, "HEA", f"Made Up{n % 9}", f"Some One{n % 3}", *(1 + (n + i) % 4 for i in range(4))])
    book.save(path)
    return path


def test_indicators_side_by_side_are_an_observation(tmp_path: Path) -> None:
    path = workbook(tmp_path / "Ratings Oct 2026.xlsx", title="Observation ratings Oct 2026")

    draft = suggest_layout(path, path.name, load_layouts(), scratch=tmp_path)

    assert draft.feed is FeedName.OBSERVATION
    assert draft.missing == ("observation_hash", "rubric")
    assert draft.data["long"][0]["columns"] == {
        "indicator": {"value": "1a Indicator"},
        "rating": {"from": "1a Indicator", "number": "plain"},
    }
    assert draft.data["columns"]["observer_hash"] == {"from": "Observer", "id": {"kind": "staff"}}
    assert draft.data["drop"] == ["Teacher"]
    assert draft.data["school_year"] == {"from": "Visit date", "parse": ["%Y-%m-%d"], "year": "date"}
    assert "Made Up" not in draft.text


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Observation ratings Oct 2026", ("Oct 2026", ["%b %Y", "%B %Y"])),
        ("Results, October 2026", ("October 2026", ["%b %Y", "%B %Y"])),
        ("Figures 2026", ("2026", None)),
        ("School year 2025-26", ("2025-26", None)),
    ],
)
def test_title_says_a_month_or_a_school_year(title: str, shown: tuple[str, list[str] | None]) -> None:
    pattern, column = title_year(["A district", title]) or ("", {})

    match = re.search(pattern, title, re.IGNORECASE)
    assert match is not None
    assert (match[1], column.get("parse")) == shown


@pytest.mark.parametrize("title", ["Fall 2026", "Sept 2026", "Oct 14, 2026", "Printed 02.10.2026", "Visits"])
def test_title_that_does_not_say_the_school_year_says_none(title: str) -> None:
    assert title_year([title]) is None


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("ratings Oct 2026.xlsx", {"month"}),
        ("ratings_october_2026.xlsx", {"month"}),
        ("ratings 2026-10.xlsx", {"month"}),
        ("ratings Sept 2026.xlsx", set()),
        ("results_Fall2026.csv", set()),
        ("figures_2003_2012.csv", set()),
        ("figures_2025-26.csv", {"school_year"}),
        ("figures_2026.csv", {"school_year"}),
    ],
)
def test_name_says_a_school_year_only_where_no_month_or_fall_says_another(name: str, groups: set[str]) -> None:
    named = naming(name)

    assert named.groups == groups
    assert re.search(named.pattern, name, re.IGNORECASE)
