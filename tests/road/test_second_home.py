"""Two districts' homes and a state's: releases travel as files, are taken by the ordinary road, and are added up."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from sipetl.pipeline.compute import compute
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.home import Site, Student, attendance, roster, students, weekdays

DAYS = weekdays(date(2025, 9, 8), 20)
"""To October 3: four weeks without a holiday."""
REVIEW = date(2025, 12, 2)
ALDER, BIRCH, CEDAR = "3501", "9002", "7007"
PEOPLE = {ALDER: [*students(30), *students(20, "SHS")], BIRCH: students(20, "BRN")}
OTHERS = {ALDER: BIRCH, BIRCH: ALDER}
RATE, IN_MONTH = "attendance_rate", "attendance_rate_in_month"
VALUE = """
    select o.code, v.numerator, v.denominator, v.value, v.n, v.expected_n
    from metric.value v join ref.organization o using (organization_id) join ref.period p using (period_id)
    where v.metric = :metric and v.student_group = 'all' and p.code = :period order by o.code
"""


def absent_some(student: Student, day: date) -> str:
    """The first two of each school miss every Monday; in Birch the first five do."""
    return "A" if day.weekday() == 0 and student.n < (5 if student.school == "BRN" else 2) else "P"


def narrow(site: Site, district: str) -> None:
    """Leave one district in a home's registry."""
    registry, other = site.root / "registry", OTHERS[district]
    for name, key in (
        ("organizations.yaml", "schools"),
        ("organizations.yaml", "districts"),
        ("feeds.yaml", "feeds"),
    ):
        content = yaml.safe_load((registry / name).read_text())
        content[key] = [entry for entry in content[key] if entry["district"] != other]
        (registry / name).write_text(yaml.safe_dump(content))
    crosswalk = registry / "crosswalk.csv"
    crosswalk.write_text("".join(x for x in crosswalk.read_text().splitlines(True) if not x.startswith(other)))
    if district == BIRCH:
        shutil.rmtree(registry / "plans")


def widen(site: Site) -> None:
    """Let the state's home expect releases, and know a district that sends none."""
    registry = site.root / "registry"
    organizations = yaml.safe_load((registry / "organizations.yaml").read_text())
    organizations["districts"].append(
        {"district": CEDAR, "code": "70070000", "name": "Cedar", "region": "R-1", "calendar": "alder"}
    )
    organizations["schools"].append({"code": "70070010", "name": "Cedar School", "district": CEDAR})
    (registry / "organizations.yaml").write_text(yaml.safe_dump(organizations))
    due = {"rule": "before_cycle", "school_days": 2}
    feeds = [
        {"district": d, "feed": "published_results", "inbox": f"inbox/{d}", "owner": "Data office", "due": due}
        for d in (ALDER, BIRCH, CEDAR)
    ]
    (registry / "feeds.yaml").write_text(yaml.safe_dump({"feeds": feeds}))
    shutil.rmtree(registry / "plans")


@pytest.fixture(scope="module")
def homes(make_site: Callable[[], Site]) -> dict[str, Site]:
    """Each district's home, released."""
    made = {}
    for district, people in PEOPLE.items():
        site = replace(make_site(), today=REVIEW)
        narrow(site, district)
        site.take("students_export_2025-09-02.csv", roster(people), district)
        site.take("attendance_a.csv", attendance(people, DAYS, absent_some), district)
        done = site.run("release", "C1", "--yes", "--anyway")
        assert done.status == 0, done.err
        made[district] = site
    return made


@pytest.fixture(scope="module")
def files(homes: dict[str, Site], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each district's release as a ZIP."""
    folder = tmp_path_factory.mktemp("releases")
    for district, site in homes.items():
        done = site.run("release", "export", "C1", "--out", str(folder / f"{district}.zip"))
        assert done.status == 0, done.err
    return {district: folder / f"{district}.zip" for district in homes}


@pytest.fixture
def state(make_site: Callable[[], Site]) -> Site:
    site = replace(make_site(), today=REVIEW)
    widen(site)
    return site


def bring(state: Site, files: dict[str, Path], *districts: str) -> None:
    for district in districts:
        outcome = state.take(f"release_{district}.zip", files[district].read_bytes(), district)
        assert (outcome.status, outcome.reason) == (Outcome.ACCEPTED, outcome.reason)
    with state.open() as home:
        compute(home)


def values(site: Site, metric: str, period: str) -> dict[str, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in site.sql(VALUE, metric=metric, period=period)}


def table(path: Path, name: str = "values.csv") -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def test_a_release_file_says_what_it_is(homes: dict[str, Site], files: dict[str, Path]) -> None:
    ((sha256,),) = homes[ALDER].sql("select sha256 from ops.release")

    with zipfile.ZipFile(files[ALDER]) as archive:
        manifest = json.loads(archive.read(".manifest.json"))

    assert manifest["release_sha256"] == sha256
    assert [manifest[n] for n in ("authority", "district", "cycle", "edition", "policy")] == [
        "MA",
        ALDER,
        "C1",
        1,
        "dese",
    ]
    assert manifest["unsuppressed"] is False
    assert {"metric", "policy", "calendar", "cycle", "plan"} == {d["kind"] for d in manifest["definitions"]}
    assert {row["organization"] for row in table(files[ALDER])} == {"35010000", "35010010", "35010020"}
    assert {row["release_sha256"] for row in table(files[ALDER])} == {sha256}
    # twenty of the autumn's school days are here: no verdict
    assert {(row["benchmark"], row["status"]) for row in table(files[ALDER], ".statuses.csv")} >= {
        ("B1", "incomplete")
    }


def test_the_states_home_has_the_districts_figures_as_they_were_released(
    homes: dict[str, Site], files: dict[str, Path], state: Site
) -> None:
    bring(state, files, ALDER, BIRCH)

    for metric, period in ((RATE, "C1"), (IN_MONTH, "2025-09"), ("average_days_absent", "C1")):
        there = values(state, f"published_{metric}", period)
        for site in homes.values():
            for code, (*_, value, _, _) in values(site, metric, period).items():
                if code in ("00000000", "R-1"):
                    continue
                assert abs(there[code][2] - value) < Decimal("0.000001"), (metric, period, code)


def test_region_and_state_are_the_sums_of_districts_and_say_how_many_schools_they_cover(
    files: dict[str, Path], state: Site
) -> None:
    """70 students on 20 days; 2 + 2 + 5 of them miss four Mondays each: 36 of 1,400 days."""
    bring(state, files, ALDER)
    one = values(state, f"published_{RATE}", "C1")
    bring(state, files, BIRCH)

    two = values(state, f"published_{RATE}", "C1")

    assert one["00000000"][3:] == one["R-1"][3:] == (2, 4)
    assert one["00000000"][2] == Decimal("98.4")
    assert two["00000000"][3:] == two["R-1"][3:] == (3, 4)
    assert two["00000000"][2] == two["R-1"][2] == round(Decimal(100 * (1400 - 36)) / 1400, 18)
    assert two["00000000"][:2] == tuple(two["35010000"][i] + two["90020000"][i] for i in (0, 1))
    assert set(two) == {"00000000", "R-1", "35010000", "35010010", "35010020", "90020000", "90020010"}


def test_what_does_not_add_up_has_no_sum(files: dict[str, Path], state: Site) -> None:
    """Chronic absence counts each student once in a district: students who moved between two would count twice."""
    bring(state, files, ALDER, BIRCH)

    found = values(state, "published_chronic_absence_rate_pk12_student", "C1")

    assert "35010000" in found
    assert not {"00000000", "R-1"} & found.keys()


def test_a_state_row_of_the_authority_is_not_added_to(files: dict[str, Path], state: Site) -> None:
    """The same file again, with a row of the state in it: taken as it is, its parts are not added to it."""
    rows = table(files[ALDER])
    total = next(r for r in rows if (r["organization"], r["metric"], r["period"]) == ("35010000", RATE, "C1"))
    rows.append(
        {**total, "organization": "00000000", "level": "state", "numerator": "1", "denominator": "2", "value": "50"}
    )
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    state.take("release.csv", out.getvalue(), ALDER)
    with state.open() as home:
        compute(home)

    found = values(state, f"published_{RATE}", "C1")

    assert found["00000000"][:3] == (1, 2, Decimal(50))
    assert found["R-1"][2] == found["35010000"][2]


def test_a_restated_release_replaces_the_first_in_the_states_home(
    homes: dict[str, Site], files: dict[str, Path], state: Site, copy_site: Callable[[Site], Site], tmp_path: Path
) -> None:
    bring(state, files, ALDER, BIRCH)
    before = values(state, f"published_{RATE}", "C1")
    birch = replace(copy_site(homes[BIRCH]), today=date(2026, 1, 15))
    mended = attendance(PEOPLE[BIRCH], DAYS, lambda s, d: "P" if s.n == 0 else absent_some(s, d))
    birch.take("attendance_b.csv", mended, BIRCH)
    assert birch.run("release", "C1", "--yes", "--restate").status == 0
    again = {}
    for edition in (1, 2):
        again[edition] = tmp_path / f"{edition}.zip"
        birch.run("release", "export", "C1", "--out", str(again[edition]), "--edition", str(edition))

    held = state.take("release_again.zip", again[2].read_bytes(), BIRCH)
    ((part_id,),) = state.sql("select part_id::text from ops.delivery_part where status = 'held'")
    accepted = state.run("hold", "accept", part_id, "--reason", "Birch restated C1")
    with state.open() as home:
        compute(home)

    after = values(state, f"published_{RATE}", "C1")
    assert held.status is Outcome.HELD, "a restatement of more than a tenth of the rows waits for a person"
    assert accepted.status == 0, accepted.err
    assert again[1].read_bytes() == files[BIRCH].read_bytes()
    assert after["90020000"][2] - before["90020000"][2] == 1, "4 of 400 days"
    assert after["00000000"][2] == round(Decimal(100 * (1400 - 32)) / 1400, 18)
    assert after["35010000"] == before["35010000"]


@pytest.fixture(scope="module")
def small(make_site: Callable[[], Site]) -> Site:
    """A district with a school of four."""
    site = replace(make_site(), today=REVIEW)
    narrow(site, ALDER)
    people = [*students(4), *students(20, "SHS")]
    site.take("students_export_2025-09-02.csv", roster(people))
    site.take("attendance_a.csv", attendance(people, DAYS, absent_some))
    site.run("release", "C1", "--yes", "--anyway")
    return site


@pytest.mark.parametrize("unsuppressed", [False, True])
def test_small_cells_leave_only_by_agreement_and_are_shown_nowhere(
    small: Site, state: Site, tmp_path: Path, unsuppressed: bool
) -> None:
    path = tmp_path / "alder.zip"
    small.run("release", "export", "C1", "--out", str(path), *(["--unsuppressed"] if unsuppressed else []))
    hidden = [r for r in table(path) if r["organization"] == "35010010" and r["metric"] == RATE]

    bring(state, {ALDER: path}, ALDER)

    assert hidden
    assert {row["suppressed"] for row in hidden} == {"suppressed"}
    assert all(bool(row["value"]) is bool(row["n"]) is unsuppressed for row in hidden)
    found = values(state, f"published_{RATE}", "C1")
    assert "35010010" not in found
    assert found["00000000"][3:] == (2, 4), "the school came, though its number is hidden"
    kept = state.lake(
        FeedName.PUBLISHED_RESULTS,
        f"select count(value) > 0, bool_and(suppressed = 'suppressed') from rows where organization = '35010010' and metric = '{RATE}'",
    )
    assert kept == [(unsuppressed, True)]


def test_a_release_is_written_as_csv_and_parquet_too(
    homes: dict[str, Site], files: dict[str, Path], tmp_path: Path
) -> None:
    paths = [tmp_path / f"alder.{suffix}" for suffix in ("csv", "parquet", "xls")]
    done = [homes[ALDER].run("release", "export", "C1", "--out", str(path)) for path in paths]

    assert [d.status for d in done] == [0, 0, 2]
    parquet = pq.read_table(paths[1])
    assert list(csv.DictReader(paths[0].read_text().splitlines())) == table(files[ALDER])
    assert parquet.num_rows == len(table(files[ALDER]))
    assert json.loads(parquet.schema.metadata[b"sipetl_release"])["district"] == ALDER
    assert json.loads((tmp_path / "alder.manifest.json").read_text())["cycle"] == "C1"


def test_a_release_of_several_districts_is_exported_one_by_one(make_site: Callable[[], Site], tmp_path: Path) -> None:
    site = replace(make_site(), today=REVIEW)
    for district, people in PEOPLE.items():
        site.take("students_export_2025-09-02.csv", roster(people), district)
        site.take("attendance_a.csv", attendance(people, DAYS, absent_some), district)
    out = ("--out", str(tmp_path / "x.zip"))

    early = site.run("release", "export", "C1", *out)
    site.run("release", "C1", "--yes", "--anyway")
    unnamed, named, unknown = (
        site.run("release", "export", "C1", *out, *more) for more in ([], ["--district", BIRCH], ["--district", "1"])
    )

    assert [d.status for d in (early, unnamed, named, unknown)] == [2, 2, 0, 2]
    assert "no release of cycle C1" in early.err
    assert "--district" in unnamed.err
    assert {row["organization"] for row in table(tmp_path / "x.zip")} == {"90020000", "90020010"}
