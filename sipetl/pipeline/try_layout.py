"""Try one layout on one file without any store: what ingest would read, map and quarantine.

Identifiers are hashed with a key that is thrown away. Schools are looked up in the registry's files where the home
has them; where it has none, every code of the file is taken as it is, and the report says so.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from sipetl.errors import ConfigError, UnrecognizedError
from sipetl.intake import (
    Layout,
    MapContext,
    Mapped,
    Member,
    Raw,
    identify,
    load_contract,
    load_layouts,
    map_rows,
    read,
)
from sipetl.intake.headers import TEMPLATE, normal, positions, sources, unknown
from sipetl.intake.layout import Column
from sipetl.intake.layouts import check_layout
from sipetl.pipeline.findings import map_findings
from sipetl.pipeline.load import make_places
from sipetl.privacy import KEY_BYTES, Key
from sipetl.quality import Finding
from sipetl.registry import Registry, load_registry
from sipetl.registry.models import FeedName
from sipetl.registry.yamlfile import load_model
from sipetl.settings import Settings

NO_DISTRICT = "0000"
"""Stands for the sender's district where neither a flag nor a registry names it."""
NO_AUTHORITY = "none"
"""Stands for the issuer of the state's ids where no registry names it; the hashes are thrown away."""
SAMPLE_ROWS = 5
HASH_DIGITS = 8
"""Of a hash, as many hexadecimal digits as tell five rows apart."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a layout made of a file. No value of it is in here but codes of the contract, in the sample."""

    layout: Layout
    rows_read: int
    rows_mapped: int
    quarantined: int
    skipped: int
    repeated: int
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    """Headers that the layout neither reads nor drops."""
    missing: tuple[str, ...]
    """Headers that the layout reads and the file does not have; of alternatives the first."""
    lacking: tuple[str, ...]
    """Required contract columns that are empty in every row that was mapped."""
    sample: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Did every row get through, with all that is required?"""
        return not self.quarantined and not self.lacking


@dataclass(frozen=True, slots=True)
class Place:
    """The operator's flags, as in ingest."""

    district: str | None = None
    school_year: int | None = None
    day: date | None = None
    window: str | None = None


def find_layout(name: str, settings: Settings) -> Layout:
    """A layout by its name (the newest version), or the YAML file at a path.

    Raises:
        RegistryError: the file is not a valid layout.
        ConfigError: no layout bears the name.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        layout = load_model(path, Layout)
        check_layout(layout, load_contract(layout.feed), where=str(path))
        return layout
    own = settings.registry_dir / "layouts"
    known = [one for one in load_layouts(own if own.is_dir() else None) if one.layout == name]
    if not known:
        raise ConfigError("there is no such layout", where=name, cure="see 'sipetl layout list', or give a YAML file")
    return max(known, key=lambda one: one.version)


def try_layout(layout: Layout, path: Path, place: Place, settings: Settings) -> Trial:
    """Read and map a file by one layout.

    Raises:
        UnreadableError: the bytes are no table.
        UnrecognizedError: the file lacks headers that the layout is recognised by, or cannot do without.
    """
    with tempfile.TemporaryDirectory(prefix="sipetl-try-") as scratch, duckdb.connect() as con:
        con.execute(f"set memory_limit = '{settings.memory}'")
        con.execute(f"set temp_directory = '{scratch}'")
        members = identify(path, path.name, [layout], scratch=Path(scratch)).members
        if len(members) > 1:
            raise UnrecognizedError("the archive holds several tables", where=path.name, cure="unpack it")
        member = members[0]
        raw = read(con, member)
        context, notes = _context(con, raw, member, place, settings)
        headers = member.headers
        mapped = map_rows(con, raw, member, context)
        return Trial(
            layout=layout,
            rows_read=mapped.rows_read,
            rows_mapped=mapped.rows_mapped,
            quarantined=mapped.quarantined,
            skipped=mapped.skipped,
            repeated=mapped.repeated,
            findings=map_findings(con, mapped, layout),
            unknown=tuple(unknown(headers, layout)),
            missing=_missing(headers, layout),
            lacking=_lacking(con, mapped, layout),
            sample=_sample(con, mapped, layout),
            notes=notes,
        )


def _context(
    con: duckdb.DuckDBPyConnection, raw: Raw, member: Member, place: Place, settings: Settings
) -> tuple[MapContext, tuple[str, ...]]:
    registry = load_registry(settings.registry_dir) if (settings.registry_dir / "home.yaml").is_file() else None
    districts = tuple(one.district for one in registry.organizations.districts) if registry else ()
    sender = place.district or (districts[0] if len(districts) == 1 else None)
    notes: list[str] = []
    if registry is not None:
        _load_registry(con, registry)
    else:
        make_places(con, (), ())
        sender = sender or NO_DISTRICT
        notes.append("no registry here: schools and districts are taken as the file writes them")
        _believe_codes(con, raw, member, sender)
    if sender is None and member.layout.district is None:
        sender = NO_DISTRICT if not districts else districts[0]
        notes.append(f"the rows are taken for district {sender}'s: give --district for another")
    context = MapContext(
        authority=registry.home.authority if registry else NO_AUTHORITY,
        key=Key(secrets.token_bytes(KEY_BYTES)),
        sender_district=None if member.layout.district is not None else sender,
        school_year=place.school_year,
        district=sender,
        day=place.day,
        window=place.window,
    )
    return context, tuple(notes)


def _load_registry(con: duckdb.DuckDBPyConnection, registry: Registry) -> None:
    given = registry.organizations
    rows = [
        (r.district, r.local_code.strip().lower(), r.organization, r.valid_from, r.valid_to)
        for r in registry.crosswalk
    ]
    taken = {(district, local) for district, local, *_ in rows}
    rows += [
        (school.district, local, school.code, None, None)
        for school in given.schools
        for local in {school.code.lower(), school.name.strip().lower()}
        if (school.district, local) not in taken
    ]
    make_places(con, [(d.code, d.district) for d in given.districts], rows)


def _believe_codes(con: duckdb.DuckDBPyConnection, raw: Raw, member: Member, sender: str) -> None:
    """Every text in a column of schools or districts is a code of its own."""
    columns = [c for variant in member.layout.long for c in variant.columns.values()]
    columns += [*member.layout.columns.values(), *filter(None, [member.layout.district])]
    looked_up = [c for c in columns if c.crosswalk or c is member.layout.district]
    headers = {normal(name) for c in looked_up for name in c.source if not TEMPLATE.match(name)}
    con.execute("insert into map_districts values (?, ?)", [sender, sender])
    for cell in {raw.columns[name] for name in headers if name in raw.columns}:
        texts = f"select distinct trim({cell}) as text from {raw.table} where trim({cell}) <> ''"
        con.execute(f"insert into map_crosswalk select ?, lower(text), text, null, null from ({texts})", [sender])
        if member.layout.district is not None:
            con.execute(f"insert into map_districts select text, text from ({texts})")
            con.execute(f"insert into map_crosswalk select text, lower(text), text, null, null from ({texts})")


def _missing(headers: Sequence[str], layout: Layout) -> tuple[str, ...]:
    found = positions(headers, layout)
    return tuple(dict.fromkeys(names[0] for names in sources(layout) if not any(name in found for name in names)))


def _lacking(con: duckdb.DuckDBPyConnection, mapped: Mapped, layout: Layout) -> tuple[str, ...]:
    required = [c.name for c in load_contract(layout.feed).columns if c.required]
    counted = ", ".join(f'count("{name}")' for name in required)
    counts = con.execute(f"select {counted} from {mapped.table}").fetchone() or ()
    return tuple(name for name, count in zip(required, counts, strict=True) if mapped.rows_mapped and not count)


def _sample(con: duckdb.DuckDBPyConnection, mapped: Mapped, layout: Layout) -> tuple[Mapping[str, Any], ...]:
    """The first mapped rows: hashes shortened, codes and days shown, what is about a person named by its kind."""
    found = con.execute(f"select * from {mapped.table} order by row_number limit {SAMPLE_ROWS}")
    names = [one[0] for one in found.description or ()]
    coded = {name for name, column in _all_columns(layout) if column.codes or not column.source or column.crosswalk}
    coded |= {c.name for c in load_contract(layout.feed).columns if c.enum}
    coded |= set(names) if layout.feed is FeedName.PUBLISHED_RESULTS else {"school_year", "district", "row_number"}
    return tuple(
        {
            name: value if name in coded else _masked(value)
            for name, value in zip(names, row, strict=True)
            if value is not None
        }
        for row in found.fetchall()
    )


def _all_columns(layout: Layout) -> Iterator[tuple[str, Column]]:
    yield from layout.columns.items()
    for variant in layout.long:
        yield from variant.columns.items()


def _masked(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()[:HASH_DIGITS] + "..."
    if isinstance(value, bool | date):
        return value
    return "(text)" if isinstance(value, str) else "(number)"
