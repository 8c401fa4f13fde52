"""A release as a file: what a district hands to the state's home, which takes it like any other delivery.

The layout `sipetl_release` reads it there. The file says what it is: whose, of which cycle and edition, with which
definitions. The same release gives the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, RowMapping, select, text, union_all

from sipetl.errors import ConfigError
from sipetl.metrics import load_catalogue
from sipetl.publish.release import read_sql
from sipetl.warehouse import tables as t

FORMAT = 1
"""Version of the file's shape; the layout `sipetl_release` has the same."""
PLACES = Decimal("0.000001")
"""As the contract of published results keeps a value."""
_TABLE, _STATUSES, _MANIFEST = "values.csv", ".statuses.csv", ".manifest.json"
"""Members of the ZIP. Whoever takes it in reads every member as a table but those whose names begin with a dot."""
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time stamp of members: a ZIP must have one, and the same release must give the same bytes."""
_WORDS = {"N": "not_reported"}
"""A code of suppression in the contract's words; all others are `suppressed`."""
_EMBARGOED = "E"
VALUES: Mapping[str, str] = {
    "authority": "Who gave the organizations their codes",
    "district": "District whose release this is",
    "cycle": "Monitoring cycle that was released",
    "edition": "1 = as first released; more = restated",
    "release_sha256": "Hash of the release",
    "organization": "Code of the organization",
    "level": "district or school",
    "organization_name": "Its name",
    "period_kind": "year, month, window or cycle",
    "period": "Code of the period",
    "school_year": "Spring year",
    "metric": "Metric of sipetl's catalogue",
    "metric_version": "Version of its definition",
    "student_group": "Student group",
    "as_of": "Last day of data it looks at",
    "numerator": "value = 100 x numerator / denominator; blank where figures of districts do not add up",
    "denominator": "See numerator",
    "n": "Units counted",
    "expected_n": "Units that should be in it; blank = unknown",
    "value": "The value in the metric's display unit, to six decimals",
    "data_status": "final, provisional, incomplete or missing",
    "suppressed": "suppressed or not_reported: the public does not see it; blank = shown",
}
STATUSES: Mapping[str, str] = {
    "plan": "Plan",
    "organization": "School",
    "benchmark": "Code of the benchmark or MAG",
    "is_mag": "A measurable annual goal; else an interim benchmark",
    "metric": "Metric",
    "student_group": "Student group",
    "due_on": "Day it is due",
    "as_of": "Day it was judged at",
    "target": "Target",
    "status": "Status",
    "certainty": "clear or close",
    "value": "Value that was judged",
    "n": "Units counted",
    "suppressed": "suppressed or not_reported: the public does not see it; blank = shown",
}
_NUMBERS = ("numerator", "denominator", "n", "expected_n", "value", "data_status", "status", "certainty")
"""What a reader who must not see a cell does not get."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported."""

    cycle: str
    district: str | None = None
    """None = the only one in the release."""
    edition: int | None = None
    """None = the latest."""
    unsuppressed: bool = False
    """With the numbers of cells that the public does not see, as an agreement may allow; they stay marked."""


@dataclass(frozen=True, slots=True)
class Package:
    """A release, ready to be written."""

    manifest: dict[str, Any]
    values: Rows
    statuses: Rows


def export(connection: Connection, wanted: Wanted) -> Package:
    """Gather a release for a file. What is under an embargo is never in it.

    Raises:
        ConfigError: there is no such release or district.
    """
    about = _about(connection, wanted)
    district = _district(connection, wanted)
    given = {"cycle": wanted.cycle, "edition": about["edition"], "district": district["district"]}
    both = {name: f"({_every_edition(name)})" for name in ("release_value", "release_status")}
    values = connection.execute(text(read_sql("export_values").format(values=both["release_value"])), given)
    statuses = connection.execute(text(read_sql("export_statuses").format(statuses=both["release_status"])), given)
    fixed = {**given, "authority": district["authority"], "release_sha256": about["sha256"]}
    values_out = [_value(row, fixed, unsuppressed=wanted.unsuppressed) for row in _open(values.mappings())]
    statuses_out = [_hidden(dict(row), keep=wanted.unsuppressed) for row in _open(statuses.mappings())]
    manifest = _manifest(connection, {**about, **district}, unsuppressed=wanted.unsuppressed)
    return Package(manifest, values_out, statuses_out)


def write_package(package: Package, path: Path) -> None:
    """Write a package in the form that the path's suffix says.

    `.zip` holds manifest, values and statuses (CSV); `.csv` the values, with the manifest beside it; `.parquet` the
    values, with the manifest in the file's own metadata.

    Raises:
        ConfigError: another suffix.
    """
    writers: Mapping[str, Callable[[Package, Path], None]] = {
        ".zip": _write_zip,
        ".csv": _write_csv,
        ".parquet": _write_parquet,
    }
    if path.suffix.lower() not in writers:
        raise ConfigError(
            f"no release can be written as {path.suffix or 'a file without suffix'}", cure=".zip, .csv or .parquet"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    writers[path.suffix.lower()](package, path)


def _district(connection: Connection, wanted: Wanted) -> dict[str, Any]:
    query = """
        select district, code as district_code, name as district_name, authority
        from ref.organization
        where level = 'district' and case
            when cast(:district as text) is not null then district = :district
            else district in (
                select o.district from ops.release_value join ref.organization as o using (organization_id) where cycle = :cycle
            )
        end
        order by district
    """
    given = {"district": wanted.district, "cycle": wanted.cycle}
    found = connection.execute(text(query), given).mappings().all()
    if len(found) != 1:
        named = f"there is no district {wanted.district!r}"
        what = named if wanted.district else f"the release holds {len(found)} districts"
        raise ConfigError(what, cure="name one with --district")
    return dict(found[0])


def _about(connection: Connection, wanted: Wanted) -> dict[str, Any]:
    names = ("cycle", "edition", "released_at", "as_of", "policy", "readiness", "reason", "sha256")
    every = union_all(
        *(select(*(x.c[n] for n in names)) for x in (t.release.release, t.release.past_release))
    ).subquery()
    query = select(every, t.ref.cycle.c.school_year).join(t.ref.cycle, t.ref.cycle.c.cycle == every.c.cycle)
    query = query.where(every.c.cycle == wanted.cycle).order_by(every.c.edition.desc())
    if wanted.edition is not None:
        query = query.where(every.c.edition == wanted.edition)
    row = connection.execute(query.limit(1)).mappings().first()
    if row is None:
        which = f"edition {wanted.edition} of " if wanted.edition else ""
        raise ConfigError(f"there is no release of {which}cycle {wanted.cycle}", cure="see 'sipetl release list'")
    return dict(row)


def _every_edition(name: str) -> str:
    """The rows of all editions of a release's table."""
    columns = ", ".join(f"x.{column.name}" for column in t.metadata.tables[f"ops.{name}"].columns)
    return f"""select {columns}, r.edition from ops.{name} as x join ops.release as r using (cycle)
        union all select {columns}, x.edition from ops.past_{name} as x"""


def _open(rows: Iterable[RowMapping]) -> Iterable[RowMapping]:
    return (row for row in rows if row["suppression"] != _EMBARGOED)


def _value(row: RowMapping, fixed: Mapping[str, Any], *, unsuppressed: bool) -> dict[str, Any]:
    numerator, denominator = _counts(row)
    value = None if row["value"] is None else row["value"].quantize(PLACES, rounding=ROUND_HALF_UP)
    full = {**row, **fixed, "numerator": numerator, "denominator": denominator, "value": value}
    hidden = _hidden(full, keep=unsuppressed)
    return {name: hidden[name] for name in VALUES}


def _hidden(row: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    """A row as its reader may see it, with the word for a cell the public does not see."""
    code = row.pop("suppression")
    row["suppressed"] = None if code is None else _WORDS.get(code, "suppressed")
    return row if code is None or keep else {n: None if n in _NUMBERS else v for n, v in row.items()}


def _counts(row: RowMapping) -> tuple[int | None, int | None]:
    """Counts with which figures of districts can be added: none of counts themselves, and of what does not add up.

    The definition's scale is put into them, so that a reader needs no definition.
    """
    metric = load_catalogue().get(row["metric"])
    if metric is None or metric.denominator is None or not metric.is_additive or row["denominator"] == 0:
        return None, None
    scale = Fraction(metric.scale) / 100
    return int(row["numerator"]) * scale.numerator, int(row["denominator"]) * scale.denominator


def _manifest(connection: Connection, about: Mapping[str, Any], *, unsuppressed: bool) -> dict[str, Any]:
    table = t.release.release_definition
    columns = (table.c.kind, table.c.name, table.c.version, table.c.sha256)
    query = select(*columns).where(table.c.cycle == about["cycle"], table.c.edition == about["edition"])
    definitions = [dict(row) for row in connection.execute(query.order_by(*columns)).mappings()]
    told = {name: value if isinstance(value, int | None) else str(value) for name, value in about.items()}
    told["release_sha256"] = told.pop("sha256")
    return {"sipetl_release": FORMAT, **told, "unsuppressed": unsuppressed, "definitions": definitions}


def _write_zip(package: Package, path: Path) -> None:
    members = {_TABLE: _csv(package.values, VALUES), _STATUSES: _csv(package.statuses, STATUSES)}
    manifest = {
        **package.manifest,
        "columns": {_TABLE: dict(VALUES), _STATUSES: dict(STATUSES)},
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {_MANIFEST: _json(manifest), **members}.items():
            member = zipfile.ZipInfo(name, _LONG_AGO)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)


def _write_csv(package: Package, path: Path) -> None:
    path.write_bytes(_csv(package.values, VALUES))
    manifest = {**package.manifest, "columns": dict(VALUES)}
    path.with_suffix(".manifest.json").write_bytes(_json(manifest))


def _write_parquet(package: Package, path: Path) -> None:
    columns = {name: [row[name] for row in package.values] for name in VALUES}
    manifest = {**package.manifest, "columns": dict(VALUES)}
    table = pa.table(columns).replace_schema_metadata({"sipetl_release": _json(manifest)})
    pq.write_table(table, path)


def _csv(rows: Rows, columns: Mapping[str, str]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else value


def _json(content: Mapping[str, Any] | Sequence[Any]) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode()
