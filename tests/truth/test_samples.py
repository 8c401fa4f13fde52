"""`sipetl ingest` takes every sample: each file put into an inbox as its sender would, and looked for in the lake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sipetl.warehouse import embedded
from tests.home import Site
from tests.truth import sample_files as files
from tests.truth import sample_forms as forms
from tests.truth.sample_home import Number, Sample, Taken, colorado, make_home, massachusetts, send, values_of
from tests.truth.truth_page import same, tell

pytestmark = pytest.mark.samples
WIDE = ("mcas_student", "qualtrics_survey_student", "dese_nextgen_mcas")
"""Layouts that make several rows of one."""
SAMPLE_RULE = "numerator and denominator as `sipetl metrics values` shows them, counted from the files' cells"


class Sent:
    """Files that were sent, and what became of them."""

    def __init__(self) -> None:
        self.samples: dict[str, tuple[Sample, Taken]] = {}
        self.values: dict[tuple[str, str, str], Number] = {}

    def all(self, site: Site, *samples: Sample) -> None:
        """Send all, then compute once, as the night's job does."""
        for sample in samples:
            self.samples[sample.name] = (sample, send(site, sample))
        done = site.run("compute", "--json")
        assert done.status == 0, done.err
        assert json.loads(done.out)["values_written"] > 0
        self.values = values_of(site)


@pytest.fixture(scope="module")
def sent(server: embedded.Lease, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    sent, scratch = Sent(), tmp_path_factory.mktemp("made")
    site = make_home(server, tmp_path_factory.mktemp("samples-home"), massachusetts(samples))
    sent.all(
        site,
        *files.aspen(samples),
        *forms.daily(),
        *files.nwea(samples),
        *files.iready(samples),
        *files.mcas(samples, scratch),
        forms.survey(samples, scratch),
        forms.walks(scratch),
        *forms.adults(scratch),
        files.state(samples),
    )
    return sent


NAMES = (
    "students_export_2026-01-15.csv",
    "attendance_export_2026-01-15.csv",
    "students_export_2026-01-05.csv",
    "attendance_2026-01-05_2026-01-09.csv",
    "StudentsBySchool.csv",
    "AssessmentResults.csv",
    "AssessmentResults_Spring2022.csv",
    "diagnostic_results_ela_CONFIDENTIAL.csv",
    "diagnostic_results_math_CONFIDENTIAL.csv",
    "MCAS2021_spring_official_35010000.csv",
    "MCAS2023_spring_official_35010000.csv",
    "MCAS2024_spring_official_35010000.csv",
    "climate_survey_student_winter_2026.csv",
    "learning_walks_2026-01-01_2026-01-31.csv",
    "staff_list_2026-01-15.csv",
    "evidence_log_2026-01-01_2026-01-31.csv",
    "NextGenMCAS.xlsx",
)


@pytest.mark.parametrize("name", NAMES)
def test_sample_is_accepted_and_every_row_accounted_for(sent: Sent, name: str) -> None:
    assert_taken(*sent.samples[name])


@pytest.mark.parametrize("name", NAMES)
def test_values_are_what_the_sample_says(sent: Sent, name: str) -> None:
    sample, _ = sent.samples[name]

    assert shown(sent.values, sample) == sample.values
    tell(
        "Published: sample files of vendors and of the state (some rows made under their headers)",
        len(sample.values),
        same(sample.values, sent.values),
        SAMPLE_RULE,
    )


def test_every_sample_was_looked_at(sent: Sent) -> None:
    assert set(sent.samples) == set(NAMES)


def test_colorado_workbook_is_taken_in_a_home_of_its_authority(
    samples: Path, server: embedded.Lease, tmp_path: Path
) -> None:
    sample, sent = files.chronic(samples), Sent()
    codes = [code for code, *_ in sample.values if code != "CO"]

    sent.all(make_home(server, tmp_path, colorado(codes)), sample)

    assert_taken(*sent.samples[sample.name])
    assert len(codes) == 184
    assert shown(sent.values, sample) == sample.values
    tell(
        "Published: Colorado, chronic absenteeism 2018-19",
        len(sample.values),
        same(sample.values, sent.values),
        "count and enrollment by district, and of the state, as `sipetl metrics values` shows them",
    )


def assert_taken(sample: Sample, taken: Taken) -> None:
    """Exit status 0, accepted under the layout meant, and the lake has the rows but those that the letter names."""
    assert taken.status == 0
    assert [(told["file"], told["status"]) for told in taken.told] == [(sample.name, "accepted")]
    (part,) = taken.letter["parts"]
    assert (part["feed"], part["layout"]) == (sample.feed, sample.layout)
    assert (part["rows_read"], part["rows_quarantined"]) == (sample.rows, sample.quarantined)
    assert part["rows_good"] == taken.in_lake == sample.taken
    assert part["rows_rejected"] == 0
    if sample.layout not in WIDE:
        assert taken.in_lake == sample.rows - part["rows_quarantined"] - sample.left_out


def shown(values: Mapping[tuple[str, str, str], Number], sample: Sample) -> dict[tuple[str, str, str], Number | None]:
    """What is shown where the sample says something."""
    return {key: values.get(key) for key in sample.values}
