"""Homes whose registries suit the samples, and what a sender makes of them: files in an inbox, one after the other.

Nothing here asks sipetl what a file holds: rows are counted with csv and openpyxl.
"""

from __future__ import annotations

import csv
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
from ruamel.yaml import YAML

from sipetl.privacy import create_key
from sipetl.warehouse import embedded
from tests.generate import ROWS, Fate, Generated
from tests.home import KEY, Site, make_database

TODAY = date(2026, 6, 25)
FIRST_DAY, SHUT = date(2025, 9, 2), (date(2025, 12, 24), date(2026, 1, 2))
ITEM_BANK = "sqm_dashboards/dese/sqm_framework.csv"
MAP_SCHOOLS = (
    "Mt. Bachelor Middle School",
    "Mt. Hood High School",
    "Three Sisters Elementary School",
    "St. Helens Elementary School",
    "Grand Bend Elementary School",
    "Grand Bend Middle School",
)
LOCAL = {
    "3501": {"HEA": "35010010", "SHS": "35010020", "BRN": "35010030", "School 1": "35010040"},
    "9002": {"BRN": "90020010"},
    "9100": {name: f"9100{number:04d}" for number, name in enumerate(MAP_SCHOOLS, start=10)},
}
"""District -> what it calls its schools -> the state's codes."""
FEEDS = ("roster", "attendance", "assessment", "survey", "observation", "staff", "evidence")
YEARS = (2014, 2021, 2022, 2023, 2024, 2026)
Number = tuple[int, int]
"""Numerator and denominator."""
Values = Mapping[tuple[str, str, str], Number]
"""By organization, period and metric."""


@dataclass(frozen=True)
class Sample:
    """A file as its sender calls it, and what somebody counted in it."""

    name: str
    content: bytes
    sender: str
    feed: str
    layout: str
    rows: int
    """Rows below the header."""
    taken: int
    """Rows that must be in the lake: of a wide file more than it has rows itself."""
    quarantined: int = 0
    left_out: int = 0
    """Rows that are no data: previews of a survey, screening tests."""
    values: Values = field(default_factory=dict)
    """What the file says some numbers are."""


@dataclass(frozen=True)
class Taken:
    """What a person sees after `sipetl ingest`, and what the stores hold."""

    status: int
    told: list[dict[str, Any]]
    letter: dict[str, Any]
    in_lake: int


def send(site: Site, sample: Sample) -> Taken:
    """Put a file where its sender would, and take it; nothing else is new."""
    if sample.sender == "operator":
        path = site.root / sample.name
        path.write_bytes(sample.content)
        done = site.run("ingest", str(path), "--json")
    else:
        site.put(sample.name, sample.content, sample.sender)
        done = site.run("ingest", "--json")
    told = json.loads(done.out)
    delivery = told[0]["delivery_id"]
    letter = json.loads((site.root / "reports" / "letters" / f"{delivery}.json").read_text("utf-8"))
    return Taken(done.status, told, letter, _in_lake(site, delivery))


def _in_lake(site: Site, delivery: str) -> int:
    parts = site.sql("select feed, part_id from ops.delivery_part where delivery_id = cast(:d as uuid)", d=delivery)
    found = [site.lake(feed, f"select count(*) from rows where part_id = '{part}'") for feed, part in parts]
    return sum(rows for ((rows,),) in found)


def values_of(site: Site) -> dict[tuple[str, str, str], Number]:
    """What `sipetl metrics values` shows of all students, by organization, period and metric."""
    shown = json.loads(site.run("metrics", "values", "--json").out)
    return {
        (row["organization"], row["period"], row["metric"]): (int(row["numerator"]), int(row["denominator"]))
        for row in shown
    }


def make_home(server: embedded.Lease, root: Path, registry: Mapping[str, Any]) -> Site:
    """A home with a registry, a key and stores of its own."""
    for name, content in registry.items():
        path = root / "registry" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            YAML(typ="safe").dump(content, path)
    create_key(root / "sipetl.key", KEY)
    make_database(server, root.name)
    return Site(root, server.url("owner", root.name), today=TODAY)


def massachusetts(samples: Path) -> dict[str, Any]:
    """The registry of three districts that send files, and none of the state's own."""
    links = "".join(
        f'{district},"{local}",{code},,\n' for district, schools in LOCAL.items() for local, code in schools.items()
    )
    return {
        "home.yaml": {"state_name": "State of Tests"},
        "organizations.yaml": {
            "districts": [_district(district, f"{district}0000") for district in LOCAL],
            "schools": [
                {"code": code, "name": local, "district": district}
                for district, schools in LOCAL.items()
                for local, code in schools.items()
            ],
        },
        "calendars.yaml": {"calendars": [_calendar(year) for year in YEARS]},
        "cycles.yaml": {"cycles": [_cycle(2026)]},
        "crosswalk.csv": f"district,local_code,organization,valid_from,valid_to\n{links}",
        "survey_items.csv": _survey_items(samples),
        "feeds.yaml": {"feeds": [_feed(district, feed) for district in LOCAL for feed in FEEDS]},
    }


def colorado(codes: Iterable[str]) -> dict[str, Any]:
    """The registry of another authority, whose district codes have four digits."""
    return {
        "home.yaml": {"authority": "CO", "state_code": "CO", "state_name": "Colorado", "holidays": "CO"},
        "organizations.yaml": {"districts": [_district(code, code) for code in codes], "schools": []},
        "calendars.yaml": {"calendars": [_calendar(2019), _calendar(TODAY.year)]},
        "cycles.yaml": {"cycles": [_cycle(2019)]},
        "feeds.yaml": {"feeds": []},
    }


def _district(district: str, code: str) -> dict[str, Any]:
    return {"district": district, "code": code, "name": f"District {district}", "calendar": "all"}


def _calendar(year: int) -> dict[str, Any]:
    first, last = FIRST_DAY.replace(year=year - 1), date(year, 6, 20)
    shut = {"starts": SHUT[0].replace(year=year - 1), "ends": SHUT[1].replace(year=year), "reason": "Winter"}
    return {"calendar": "all", "school_year": year, "first_day": first, "last_day": last, "closures": [shut]}


def _cycle(year: int) -> dict[str, Any]:
    last = date(year, 6, 20)
    days = {"data_as_of": last, "data_due": last, "review_date": date(year, 7, 1)}
    return {"cycle": "EOY", "school_year": year, **days}


def _feed(district: str, feed: str) -> dict[str, Any]:
    due = {"rule": "before_cycle", "school_days": 1}
    entry = {"district": district, "feed": feed, "inbox": f"inbox/{district}", "owner": "Data office", "due": due}
    return entry | ({"windows": _windows()} if feed in ("assessment", "survey") else {})


def _windows() -> list[dict[str, Any]]:
    """A window's values have a period only where a feed names the window."""
    opens = {
        "fall": ((-1, 9, 9), (-1, 10, 18)),
        "winter": ((0, 1, 12), (0, 1, 30)),
        "spring": ((0, 4, 13), (0, 5, 29)),
    }
    return [
        {"code": code, "school_year": year, "opens": date(year + a, b, c), "closes": date(year + d, e, f)}
        for year in YEARS
        for code, ((a, b, c), (d, e, f)) in opens.items()
    ]


def _survey_items(samples: Path) -> str:
    """The item bank of the sample, all of five answers, favourable from the fourth."""
    rows = [
        f"climate_student,{row['Survey Item ID']},{topic_of(row)},{'true' if row['Reverse Scored'] else 'false'},5,4\n"
        for row in rows_of(samples / ITEM_BANK)
        if row["Survey Item ID"].startswith("s-")
    ]
    return "survey,item,topic,reverse,scale_max,favorable_from\n" + "".join(rows)


def topic_of(row: Mapping[str, str]) -> str:
    """An item's topic: the bank's measure, as a name."""
    return re.sub("[^a-z]+", "_", row["Measures"].lower())


def school_days(last: date) -> list[date]:
    """Days of school up to a day of 2025-26, after the calendar's own words."""
    days = (FIRST_DAY + timedelta(days=number) for number in range((last - FIRST_DAY).days + 1))
    return [day for day in days if day.weekday() < 5 and not SHUT[0] <= day <= SHUT[1]]


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV sample's rows, by header."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sheet_of(path: Path, name: str | None = None) -> list[dict[str, Any]]:
    """A workbook's rows below the header, which is the first row with more than four cells; no footnotes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cannot parse header or footer")  # the state's own
        book = openpyxl.load_workbook(path)
    rows = list((book[name] if name else book.worksheets[0]).iter_rows(values_only=True))
    book.close()
    at = next(number for number, row in enumerate(rows) if sum(cell is not None for cell in row) > 4)
    table = [dict(zip(map(str, rows[at]), row, strict=False)) for row in rows[at + 1 :]]
    return [row for row in table if sum(cell is not None for cell in row.values()) > 4]


def good_cells(made: Generated, *names: str) -> list[tuple[str, ...]]:
    """Good rows' cells under some headers, whatever their capitals."""
    own = {name.casefold(): name for name in made.header}
    return list(zip(*(made.column(own[name.casefold()]) for name in names), strict=True))


def made_sample(made: Generated, name: str, kind: str, taken: int, values: Values) -> Sample:
    """A generated file of district 3501; rows that cannot be read or cannot be true wait in quarantine."""
    feed, layout = kind.split()
    bad, left_out = len(made.fates[Fate.QUARANTINED] | made.fates[Fate.REFUSED]), len(made.fates[Fate.SKIPPED])
    return Sample(name, made.path.read_bytes(), "3501", feed, layout, ROWS, taken, bad, left_out, values)
