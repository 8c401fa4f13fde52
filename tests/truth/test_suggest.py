"""How much of each sample's layout `suggest` finds by itself, when no layout that knows the sample helps it.

The figure of a sample: of the contract columns that its shipped layout fills from a header of the file, the share
that the draft fills from the same header (one of them, where several variants each take their own).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from sipetl.intake import Layout, Suggestion, identify, suggest_layout
from sipetl.intake.headers import TEMPLATE, normal, positions
from tests.taken import LAYOUTS
from tests.unit.intake.test_recognised import ASPEN, IREADY, KNOWN, STATE

pytestmark = pytest.mark.samples
AIM = 0.9
FOUND = {
    # The subject stands in MeasurementScale and `Discipline` is a subject too; what GrowthMeasureYN flags, only NWEA
    # knows ("the one result that counts").
    "nwea_map_training/Fall2013AssessmentResults.csv": 0.75,
    # The same: Course beside Subject, and GrowthMeasureYN.
    "edanalytics_bundles/assessments/MAP_Growth/data/sample_anonymized_file.csv": 0.8,
    # The reason of a blank follows from the subject (science has no growth percentile), which no header says; the
    # draft takes it from the figure's own column.
    "dese_profiles_xlsx/nsmader_NextGenMCAS.xlsx": 0.88,
    # A code of the level also says who was tested and who should have been: general knowledge of this one test.
    # In 2021 low income was `ecodis` too.
    f"{STATE}/MCAS_2021_270_headers_header.csv": 0.8,
    f"{STATE}/MCAS_250COLS_header.csv": 0.86,
    f"{STATE}/MCAS_267_headers_2022_23_header.csv": 0.86,
    # Four columns of benchmark categories and two of completion dates are called alike: it names them all and takes
    # the wrong ones.
    "edanalytics_bundles/assessments/STAR/data/SR_sample_anonymized_file.csv": 0.81,
    # Whether a student is in special education is told by `program_assigned`, beside a column `disability`; and
    # "FLEP-Transitioning" is this district's word for a former learner.
    f"{ASPEN}/fake_students_export.csv": 0.81,
    # AttendanceCode says the same as PresenceFlag, and its header is the better known one.
    "oea/contoso_sis_framework/day1_studentattendance.csv": 0.83,
    "oea/contoso_sis_framework/day2_studentattendance.csv": 0.83,
}
"""What is found where the aim is out of reach, and why."""


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


def suggest(path: Path, layouts: Iterable[Layout], scratch: Path) -> Suggestion:
    return suggest_layout(path, path.name, list(layouts), scratch=scratch)


@pytest.mark.parametrize("sample", KNOWN)
def test_most_columns_are_found_without_the_samples_own_layout(samples: Path, tmp_path: Path, sample: str) -> None:
    (member,) = identify(samples / sample, Path(sample).name, LAYOUTS, scratch=tmp_path)
    others = [layout for layout in LAYOUTS if layout.layout != KNOWN[sample]]

    draft = suggest(samples / sample, others, tmp_path)

    figure, lost = share(draft, member.layout, member.headers)
    print(f"{figure:5.0%}  {sample}  {draft.feed}  {', '.join(lost)}")  # noqa: T201 - for pytest -s
    assert figure >= FOUND.get(sample, AIM)
    assert not draft.fault or draft.missing


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
