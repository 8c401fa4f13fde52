"""Names that are mistyped: refused, with what may have been meant."""

from __future__ import annotations

import pytest

from sipetl.cli.known import chosen
from sipetl.errors import ConfigError
from sipetl.registry.spelling import nearest
from tests.home import Site

METRICS = ["attendance_rate", "chronic_absence_rate_pk12", "map_mean_rit_math", "survey_favorable_belonging"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("chronc", "chronic_absence_rate_pk12"),
        ("attendence_rate", "attendance_rate"),
        ("BELONGING", "survey_favorable_belonging"),
        ("rit", "map_mean_rit_math"),
    ],
)
def test_near_names_are_found(typed: str, meant: str) -> None:
    assert meant in nearest(typed, METRICS)


def test_nothing_is_near_what_is_far() -> None:
    assert nearest("zzz", METRICS) == []


def test_case_is_forgiven_where_it_leaves_no_doubt() -> None:
    assert chosen("c3", "cycle", ["C1", "C3"], listed="") == "C3"
    assert chosen("C3", "cycle", ["c3", "C3"], listed="") == "C3"
    assert chosen(None, "cycle", ["C1"], listed="") is None
    with pytest.raises(ConfigError, match="no such cycle"):
        chosen("cC", "cycle", ["CC", "cc"], listed="")


def test_few_names_are_all_told() -> None:
    with pytest.raises(ConfigError) as refused:
        chosen("X9", "cycle", ["C2", "C1"], listed="cycles are in cycles.yaml")

    assert str(refused.value) == "X9: there is no such cycle; known here: C1, C2; cycles are in cycles.yaml."


@pytest.fixture(scope="module")
def place(make_site) -> Site:  # type: ignore[no-untyped-def]
    """A home that nothing came to."""
    site: Site = make_site()
    return site


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("metrics values --metric chronc", "chronic_absence_rate_pk12"),
        ("metrics values --organization 3501001", "35010010"),
        ("metrics values --level schools", "school"),
        ("metrics values --period 2026-autumn", "2026-fall"),
        ("metrics values --group english_lerner", "english_learner"),
        ("metrics show chronc", "chronic_absence_rate_pk12"),
        ("deliveries --status hold", "held"),
        ("deliveries --district 3502", "3501"),
        ("scan --district 3502", "3501"),
        ("scan --feed attendence", "attendance"),
        ("ingest --feed attendence", "attendance"),
        ("arrivals --district 3502", "3501"),
        ("quarantine list --district 3502", "3501"),
        ("quarantine replay --feed attendence", "attendance"),
        ("plan status --cycle C9", "C1"),
        ("readiness C9", "C1"),
        ("waive 3502 roster 2026 --reason none", "3501"),
        ("trace 35010010 attendence_rate 2026", "attendance_rate"),
        ("layout show sis_daily_atendance", "sis_daily_attendance"),
        ("db roles 77", "3501"),
    ],
)
def test_mistyped_name_is_refused_with_those_that_are_near(place: Site, arguments: str, says: str) -> None:
    done = place.run(*arguments.split())

    assert (done.status, done.out) == (2, "")
    assert "there is no such" in done.err
    assert says in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("metrics values --metric attendance_rate", "No such value is computed"),
        ("deliveries --status held", "No such delivery came so far."),
        ("hold list", "Nothing is held."),
        ("quarantine list", "No row waits in quarantine."),
        ("release list", "No cycle was released so far."),
        ("plan status --cycle c1", "No benchmark was judged at cycle C1 so far"),
    ],
)
def test_an_empty_listing_is_a_sentence(place: Site, arguments: str, says: str) -> None:
    done = place.run(*arguments.split())

    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(says)
    assert len(done.out.splitlines()) == 1
