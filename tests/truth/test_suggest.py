"""How much of each sample's layout `suggest` finds by itself, when no layout that knows the sample helps it.

The figure of a sample: of the contract columns that its shipped layout fills from a header of the file, the share
that the draft fills from the same header (one of them, where several variants each take their own).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from sipetl.errors import UnrecognizedError
from sipetl.intake import Layout, Suggestion, identify, load_layouts, suggest_layout
from sipetl.intake.headers import TEMPLATE, normal, positions
from sipetl.registry.models import FeedName
from tests.taken import LAYOUTS
from tests.unit.intake.test_recognised import ASPEN, IREADY, KNOWN, STAR, STATE
from tests.unit.intake.test_suggest_persons import bare

pytestmark = pytest.mark.samples
AIM = 0.9
"""Every sample has it. What is not found, and why a person would have to know it from somewhere else:

MAP_Growth: `is_result`, from GrowthMeasureYN. The flag shows what it means where a student has several results, one of
    them flagged (that is how it is found in Fall2013); this sample has no such student.
MCAS (three files, headers only): the school. The file has the one where results are reported and the one where the
    child sat; which of them counts only the state's manual says. That the levels' codes also say who was tested is a
    guess of the draft, and it says so: a row per student is there all the same, so something must.
"""


def filled_from(layout: Layout, headers: Sequence[str]) -> dict[str, set[int]]:
    """Contract column -> positions of the headers that fill it."""
    at = positions(headers, layout)
    found: dict[str, set[int]] = {}
    for columns in (layout.columns, *(variant.columns for variant in layout.long)):
        for name, column in columns.items():
            there = [at[normal(h)] for h in column.source if not TEMPLATE.match(h) and normal(h) in at]
            if there:
                found.setdefault(name, set()).add(there[0])
    return found


def share(draft: Suggestion, layout: Layout, headers: Sequence[str]) -> tuple[float, list[str]]:
    """The figure, and the columns that were not found."""
    wanted, got = filled_from(layout, headers), filled_from(Layout.model_validate(draft.data), headers)
    lost = [name for name in wanted if draft.feed != layout.feed or not wanted[name] & got.get(name, set())]
    return 1 - len(lost) / len(wanted), lost


def strict(draft: Suggestion, layout: Layout, headers: Sequence[str]) -> float:
    """The share of all pairs of column and header; each figure of a wide file counts."""
    wanted, got = filled_from(layout, headers), filled_from(Layout.model_validate(draft.data), headers)
    pairs = {(name, at) for name, places in wanted.items() for at in places}
    return len(pairs & {(name, at) for name, places in got.items() for at in places}) / len(pairs)


def suggest(path: Path, layouts: Iterable[Layout], scratch: Path) -> Suggestion:
    return suggest_layout(path, path.name, list(layouts), scratch=scratch)


@pytest.mark.parametrize("sample", KNOWN)
def test_most_columns_are_found_without_the_samples_own_layout(samples: Path, tmp_path: Path, sample: str) -> None:
    (member,) = identify(samples / sample, Path(sample).name, LAYOUTS, scratch=tmp_path)
    others = [layout for layout in LAYOUTS if layout.layout != KNOWN[sample]]

    draft = suggest(samples / sample, others, tmp_path)

    figure, lost = share(draft, member.layout, member.headers)
    pairs = strict(draft, member.layout, member.headers)
    print(f"{figure:5.0%} ({pairs:4.0%} of pairs)  {sample}  {draft.feed}  {', '.join(lost)}")  # noqa: T201 - for pytest -s
    assert figure >= AIM
    assert not draft.fault or draft.missing
    assert loads(draft, tmp_path)


FILLED_IN = {"assessment": "MAP", "window": "annual", "school": "35010305"}


def loads(draft: Suggestion, folder: Path) -> bool:
    """Does a draft load when the lines that its first line names are filled in, and no other?"""
    lines = draft.text.splitlines()
    for number, name in re.findall(r"line (\d+) \((\w+)\)", lines[0]):
        assert lines[int(number) - 1] == f"  # {name}: {{value: }}"
        lines[int(number) - 1] = f'  {name}: {{value: "{FILLED_IN[name]}"}}'
    (folder / "filled").mkdir()
    (folder / "filled" / "draft.yaml").write_text("\n".join(lines), encoding="utf-8")
    return draft.data["layout"] in {layout.layout for layout in load_layouts(folder / "filled")}


def test_samples_of_a_vendor_that_no_layout_knows(samples: Path, tmp_path: Path) -> None:
    figures = {}
    for sample, own in KNOWN.items():
        (member,) = identify(samples / sample, Path(sample).name, LAYOUTS, scratch=tmp_path)
        others = [layout for layout in LAYOUTS if layout.layout.split("_")[0] != own.split("_")[0]]
        draft = suggest(samples / sample, others, tmp_path)
        figures[sample], _ = share(draft, member.layout, member.headers)

    for sample, figure in figures.items():
        print(f"{figure:5.0%}  {sample}  without any layout of the vendor")  # noqa: T201 - for pytest -s
    assert sum(figures.values()) / len(figures) >= AIM


WORD_ENDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\s_]+")


def words(header: str) -> list[str]:
    return [word for word in WORD_ENDS.split(header) if word]


def without_vowels(word: str) -> str:
    return word[:1] + re.sub("[aeiou]", "", word[1:-1]) + word[-1:] if len(word) > 5 else word


SPELLINGS: dict[str, tuple[Callable[[str], str], float]] = {
    "snake_case": (lambda header: "_".join(words(header)).lower(), 0.97),
    "writtentogether": (lambda header: "".join(words(header)).lower(), 0.9),
    "wtht_vwls": (lambda header: "_".join(without_vowels(word.lower()) for word in words(header)), 0.95),
}
"""Other ways to write the same headers, and the figure they must keep on average."""
SPELLED = (
    *(
        sample
        for sample in KNOWN
        if sample.startswith(("nwea", "edanalytics", "cps", "kaggle", "nyc", "sqm_dashboards/dese"))
    ),
    *(f"{ASPEN}/{name}.csv" for name in ("fake_students_export", "attendance_dump", "fake_x2_assessments")),
    f"{STATE}/MCAS_250COLS_header.csv",
    f"{STAR}/star_math_v1.csv",
    "oea/contoso_sis_framework/day1_studentattendance.csv",
    "oneroster_oat/data/samples/OneRosterv1p1BaseCSV/users.csv",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_headers_in_another_spelling_are_found_too(samples: Path, tmp_path: Path, spelling: str) -> None:
    spell, least = SPELLINGS[spelling]
    figures = {}
    for sample in SPELLED:
        (member,) = identify(samples / sample, Path(sample).name, LAYOUTS, scratch=tmp_path)
        headers = [spell(header) for header in member.headers]
        lines = member.path.read_text(encoding="utf-8-sig").split("\n")
        lines[member.header_row] = joined(headers, member.delimiter)
        path = tmp_path / Path(sample).name
        path.write_text("\n".join(lines), encoding="utf-8")
        others = [layout for layout in LAYOUTS if layout.layout != KNOWN[sample]]
        wanted = filled_from(member.layout, member.headers)
        draft = suggest(path, others, tmp_path)
        got = filled_from(Layout.model_validate(draft.data), headers)
        found = [name for name in wanted if draft.feed == member.layout.feed and wanted[name] & got.get(name, set())]
        figures[sample] = len(found) / len(wanted)

    for sample, figure in figures.items():
        print(f"{figure:5.0%}  {sample}  {spelling}")  # noqa: T201 - for pytest -s
    assert sum(figures.values()) / len(figures) >= least


def joined(cells: Sequence[str], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(cells)
    return out.getvalue()


PERSONAL = {
    f"{ASPEN}/fake_students_export.csv": (
        "full_name",
        "student_address",
        "primary_phone",
        "primary_email",
        "local_id",
    ),
    IREADY.format("ela"): ("Last Name", "First Name", "Student ID", "Class Teacher(s)"),
    "nwea_map_training/Fall2013StudentsBySchool.csv": ("StudentLastName", "StudentFirstName", "StudentID"),
    f"{ASPEN}/fake_x2_assessments.csv": ("local_id",),
}


@pytest.mark.parametrize("sample", PERSONAL)
def test_no_value_about_a_person_is_in_the_draft(samples: Path, tmp_path: Path, sample: str) -> None:
    with (samples / sample).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, escapechar="\\"))
    headers = [header.strip("'") for header in rows[0]]
    at = [headers.index(name) for name in PERSONAL[sample]]

    draft = suggest(samples / sample, LAYOUTS, tmp_path)

    values = {row[position].strip() for row in rows[1:] for position in at if len(row) > position}
    words = draft.text.replace('"', " ").replace(",", " ").split()
    assert not {value for value in values if len(value) > 2 and value != "NULL"} & {*words, *draft.text.splitlines()}


STUDENTS = [
    sample for sample, layout in KNOWN.items() if sample.endswith(".csv") and not sample.startswith(("nyc", "cps"))
]
NAMED = ("Pupil Ref.", "STU_NO", "learnerKey", "Child's Number", "Std #", "UPN", "Ref. Pupil", "Local Id", "Stud. Cd")
SHAPED = ("4{:03}", "84{:04}", "{:07}", "100000{:04}")


@pytest.mark.parametrize("sample", STUDENTS)
def test_id_of_a_sample_is_hashed_or_dropped_whatever_it_is_called(
    samples: Path, tmp_path: Path, sample: str
) -> None:
    (member,) = identify(samples / sample, Path(sample).name, LAYOUTS, scratch=tmp_path)
    at = min(filled_from(member.layout, member.headers).get("id_hash", {-1}))
    if at < 0:
        return  # of organizations, or of nobody who is known
    seed = STUDENTS.index(sample)
    header, shape = NAMED[seed % len(NAMED)], SHAPED[seed % len(SHAPED)]
    with member.path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=member.delimiter, escapechar="\\"))[member.header_row :]
    lines = [[*row[:at], header if n == 0 else shape.format(n % 97), *row[at + 1 :]] for n, row in enumerate(rows)]
    path = tmp_path / "renamed.csv"
    path.write_text("\n".join(joined(line, ",") for line in lines), encoding="utf-8")

    drafts = [suggest_or_refuse(path, feed, tmp_path) for feed in (None, FeedName.PUBLISHED_RESULTS)]

    assert all(draft is None or not bare(draft, header) for draft in drafts)
    assert drafts[0] is None or drafts[0].feed is not FeedName.PUBLISHED_RESULTS


def suggest_or_refuse(path: Path, feed: FeedName | None, scratch: Path) -> Suggestion | None:
    try:
        return suggest_layout(path, path.name, LAYOUTS, scratch=scratch, feed=feed)
    except UnrecognizedError:
        return None
