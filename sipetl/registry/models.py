"""What a home knows before any file comes: who, which feeds, which days, which cycles.

Each class is one kind of entry in the YAML files of `HOME/registry/`; the files are reviewed data (decision 12)
and are *applied* into the warehouse's `ref` schema, which is what the stages read (choice 16).
"""

from __future__ import annotations

import itertools
import re
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sipetl.registry.spelling import cure

Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[\w.:-]+$")]
SchoolYear = Annotated[int, Field(ge=1990, le=2100)]
"""The spring year: 2026 = 2025-26."""
_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]+@[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?")
"""Addresses as mail servers take them everywhere (RFC 5321, without quoted names and UTF-8)."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        says = f"'{name}' is not a time zone of the tz database"
        raise misplaced(says, cure=cure(name, available_timezones(), "write a name like America/New_York")) from None
    return name


def misplaced(says: str, *at: str, cure: str) -> PydanticCustomError:
    """Make an error of keys that do not go together: told at a key of the entry, with what mends it."""
    return PydanticCustomError("relation", "{says}", {"says": says, "at": at, "cure": cure})


def _mailable(addresses: str) -> str:
    """One or more e-mail addresses, with commas between them; or nothing."""
    for one in addresses.split(",") if addresses else ():
        if not _ADDRESS.fullmatch(one.strip()):
            says = f"'{one.strip()}' is not an e-mail address"
            raise misplaced(says, cure="write name@example.org, or several with commas between; or leave it out")
    return addresses


def _without_password(inbox: str) -> str:
    if "://" in inbox and ":" in inbox.partition("://")[2].partition("/")[0].rpartition("@")[0]:
        raise misplaced("a URL in the registry has no password", cure="see docs/inboxes.md for where it goes")
    return inbox


class Model(BaseModel):
    """Base of all reviewed data: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FeedName(StrEnum):
    """The kinds of data (glossary)."""

    ROSTER = "roster"
    ATTENDANCE = "attendance"
    ASSESSMENT = "assessment"
    SURVEY = "survey"
    OBSERVATION = "observation"
    DISCIPLINE = "discipline"
    COURSE = "course"
    STAFF = "staff"
    EVIDENCE = "evidence"
    PUBLISHED_RESULTS = "published_results"


class Level(StrEnum):
    """Levels of organizations, from the top."""

    STATE = "state"
    REGION = "region"
    DISTRICT = "district"
    SCHOOL = "school"


class Home(Model):
    """`home.yaml`: the installation itself."""

    authority: Code = "MA"
    state_code: Code = "00000000"
    state_name: str
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "America/New_York"
    holidays: str = "MA"
    """Subdivision of the `holidays` package, for a calendar that names no closures."""
    policy: Code = "dese"
    """The small-cell policy that releases use."""


class Region(Model):
    """A region of the state."""

    code: Code
    name: str


class District(Model):
    """A district: `district` is its partition in the lake and its short name everywhere."""

    district: Code
    code: Code
    """The authority's code (MA: DDDD0000)."""
    name: str
    region: Code | None = None
    calendar: Code


class School(Model):
    """A school, while it exists."""

    code: Code
    """The authority's code (MA: 8 digits)."""
    name: str
    district: Code
    grades: tuple[str, ...] = ()
    """Grades served; empty = unknown."""
    valid_from: date | None = None
    valid_to: date | None = None
    """First day on which it no longer exists."""


class Organizations(Model):
    """`organizations.yaml`."""

    regions: tuple[Region, ...] = ()
    districts: tuple[District, ...]
    schools: tuple[School, ...]


class CrosswalkRow(Model):
    """A line of `crosswalk.csv`: a local school id or name, and the organization it means, while it does."""

    district: Code
    local_code: str
    organization: Code
    valid_from: date | None = None
    valid_to: date | None = None


class Closure(Model):
    """Days without school: one day, or from..to inclusive."""

    on: date | None = None
    starts: date | None = None
    ends: date | None = None
    reason: str

    @model_validator(mode="after")
    def _one_form(self) -> Closure:
        single = self.on is not None
        span = self.starts is not None and self.ends is not None
        if single == span:
            mend = "write {on: DAY, reason: ...} or {starts: DAY, ends: DAY, reason: ...}"
            raise misplaced("a closure has either 'on', or 'starts' and 'ends'", cure=mend)
        if self.starts and self.ends and self.ends < self.starts:
            raise misplaced(f"the day is before starts, {self.starts}", "ends", cure="mend one of the days")
        return self


class Calendar(Model):
    """A school year's days: every weekday from first to last day that is not closed."""

    calendar: Code
    school_year: SchoolYear
    first_day: date
    last_day: date
    closures: tuple[Closure, ...] = ()
    early_release: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Calendar:
        if self.last_day <= self.first_day:
            raise misplaced(
                f"the day is not after first_day, {self.first_day}", "last_day", cure="mend one of the days"
            )
        if self.last_day.year != self.school_year:
            says = f"the day is not in {self.school_year}, the spring of this school year"
            years = f"{self.school_year - 1}-{self.school_year % 100:02}"
            mend = f"mend the day, or school_year: {self.school_year} is {years}"
            raise misplaced(says, "last_day", cure=mend)
        return self


class Calendars(Model):
    """`calendars.yaml`."""

    calendars: tuple[Calendar, ...]


class Window(Model):
    """A stretch of days in which a feed is collected."""

    code: Code
    """`fall`, `winter`, `spring`, `annual`, ..."""
    school_year: SchoolYear
    opens: date
    closes: date
    schools: tuple[Code, ...] = ()
    """Empty = every school of the district."""

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.closes < self.opens:
            says = f"the window closes on {self.closes}, before it opens on {self.opens}"
            raise misplaced(says, "closes", cure="mend one of the days; a window of one day has both alike")
        return self


class Due(Model):
    """When an arrival is due. One rule per source rhythm (design/readiness.md)."""

    rule: Literal["date", "after_window", "each_school_day", "before_cycle"]
    on: date | None = None
    school_days: Annotated[int, Field(ge=0)] = 0
    """`after_window`: after it closes; `each_school_day`: after the day itself; `before_cycle`: before `data_due`."""
    by: time = time(18, 0)

    @model_validator(mode="after")
    def _date_given(self) -> Due:
        if (self.rule == "date") != (self.on is not None):
            raise misplaced("'on' goes with rule 'date', and only with it", cure="add `on`, or choose another rule")
        return self


class Floors(Model):
    """How whole an arrival must be; a share below its floor makes it incomplete."""

    schools: Annotated[Decimal, Field(ge=0, le=1)] = Decimal(1)
    days: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.95")
    students: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.90")


class Feed(Model):
    """An entry of `feeds.yaml`: what one district sends, where, and when it is due."""

    district: Code
    feed: FeedName
    inbox: Annotated[str, AfterValidator(_without_password)]
    """A folder: a path (relative to the home) or a URL (`sftp://`, `s3://`)."""
    match: str = "*"
    """Glob on the file's path inside the inbox."""
    layouts: tuple[Code, ...] = ()
    """Layouts that may be recognised here; empty = all of the feed."""
    windows: tuple[Window, ...] = ()
    due: Due
    grace_school_days: Annotated[int, Field(ge=0)] = 0
    hard_stop_school_days: Annotated[int, Field(ge=1)] = 10
    owner: str
    """Whose it is: shown wherever it is late."""
    notice: Annotated[str, AfterValidator(_mailable)] = ""
    """Where the owner's digests are mailed to; empty = they are files only."""
    tier: Annotated[int, Field(ge=1, le=3)] = 2
    floors: Floors = Floors()

    @model_validator(mode="after")
    def _windows_given(self) -> Feed:
        if self.due.rule in ("after_window", "date") and not self.windows:
            mend = "add windows: [{code: fall, school_year: ..., opens: ..., closes: ...}]"
            raise misplaced(f"due rule '{self.due.rule}' needs at least one window", "due", cure=mend)
        return self


class Feeds(Model):
    """`feeds.yaml`."""

    feeds: tuple[Feed, ...]


class Cycle(Model):
    """A monitoring cycle: a dated review."""

    cycle: Code
    school_year: SchoolYear
    data_as_of: date
    data_due: date
    review_date: date

    @model_validator(mode="after")
    def _in_order(self) -> Cycle:
        order = ("data_as_of", "data_due", "review_date")
        for earlier, later in itertools.pairwise(order):
            first, then = getattr(self, earlier), getattr(self, later)
            if then < first:
                mend = f"put the days in this order: {', '.join(order)}"
                raise misplaced(f"the day {then} is before {earlier}, {first}", later, cure=mend)
        return self


class Cycles(Model):
    """`cycles.yaml`."""

    cycles: tuple[Cycle, ...]


class Waiver(Model):
    """An expected arrival that need not come, with the reason and who says so."""

    district: Code
    feed: FeedName
    school_year: SchoolYear
    window: Code | None = None
    reason: str
    by: str


class Waivers(Model):
    """`waivers.yaml`."""

    waivers: tuple[Waiver, ...] = ()


class SurveyItem(Model):
    """A line of `survey_items.csv`: the item bank."""

    survey: Code
    item: Code
    topic: str
    reverse: bool = False
    scale_max: Annotated[int, Field(ge=2, le=10)] = 5
    favorable_from: Annotated[int, Field(ge=1, le=10)] = 4
    """Lowest answer that counts as favourable, after turning a reverse-scored item."""


class StudentGroup(Model):
    """A student group and what vendors call it."""

    student_group: Code
    family: Code
    label: str
    sort: int
    aliases: tuple[str, ...] = ()


class Identified(Model):
    """A low-performing student group that the accountability system identified at a school."""

    school: Code
    student_group: Code
    school_year: SchoolYear
