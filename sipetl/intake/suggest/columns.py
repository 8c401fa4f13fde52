"""All columns of a draft: those that a header fills, those that follow from others, and constants."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from sipetl.intake.contract import load_contract
from sipetl.intake.headers import normal
from sipetl.intake.layout import Constant
from sipetl.intake.suggest import wide
from sipetl.intake.suggest.choose import Choice
from sipetl.intake.suggest.holdback import hold_back
from sipetl.intake.suggest.naming import naming, title_year
from sipetl.intake.suggest.profile import SPAN, Profile
from sipetl.intake.suggest.sample import Sample
from sipetl.intake.suggest.scope import scope_of
from sipetl.intake.suggest.specs import Spec, date_steps, is_unread, month_pattern, spec_of
from sipetl.intake.suggest.thesaurus import Thesaurus
from sipetl.intake.suggest.words import load_words, tokens
from sipetl.registry.models import FeedName

DERIVED = 0.6
"""Belief in what follows from another column."""
MONTHS = {"8": "fall", "9": "fall", "10": "fall", "11": "fall", "12": "winter", "1": "winter", "2": "winter",
          "3": "spring", "4": "spring", "5": "spring", "6": "spring"}  # fmt: skip
"""Month of a test -> its window, where nothing names the window."""
TERM_DAYS = {"fall": "10-01", "winter": "01-15", "spring": "05-15"}
"""The day that stands for a term: the state's October 1, the middle of the winter and spring windows."""
SEASON = re.compile(r"^(fall|winter|spring) (20\d{2}) ?[-/] ?(?:20)?(\d{2})$", re.IGNORECASE)


@dataclass
class Columns:
    """The parts of a draft that come from the file's columns and name."""

    choice: Choice
    sample: Sample
    specs: dict[str, Spec] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    """Normal headers that the draft reads."""
    shown: list[str] = field(default_factory=list)
    """Headers of figures and items, to recognise the file by."""
    file: dict[str, Any] = field(default_factory=dict)
    school_year: dict[str, Any] | None = None
    scope: dict[str, Any] = field(default_factory=dict)
    scope_why: str = ""
    long: list[dict[str, Any]] = field(default_factory=list)
    melt: dict[str, Any] | None = None
    refused: list[dict[str, Any]] = field(default_factory=list)
    """Variants of `long` that only a person may take up: their figure may be somebody's id."""
    unsure: list[str] = field(default_factory=list)

    def put(self, name: str, spec: Spec) -> None:
        """Set a column that nothing fills yet."""
        if name not in self.specs:
            self.specs[name] = spec
            if spec.header:
                self.read.add(normal(spec.header))

    def constant(self, name: str, value: Constant, note: str = "") -> None:
        """Set a constant, where no header fills the column."""
        self.put(name, Spec({"value": value}, (note,) if note else ()))


def draft_columns(choice: Choice, sample: Sample, thesaurus: Thesaurus) -> Columns:
    """Draft every column that anything is known of."""
    out = Columns(choice, sample)
    contract = load_contract(out.choice.feed)
    is_staff = out.choice.feed is FeedName.STAFF
    for prop in contract.columns:
        if (match := out.choice.matching.found.get(prop.name)) is not None:
            spec = spec_of(prop, match, thesaurus, is_staff=is_staff)
            if is_unread(prop, spec):
                out.unsure.append(f"{match.source.header!r} may be {prop.name!r}: {'; '.join(spec.notes)}")
            else:
                out.put(prop.name, spec)
    if choice.feed in _BY_FEED:
        _BY_FEED[choice.feed](out)
    _place_in_time(out)
    _hispanic(out)
    if (
        district := out.choice.matching.source("district")
    ) is not None and out.choice.feed is not FeedName.PUBLISHED_RESULTS:
        out.unsure.append(
            f"{district.header!r} seems to name the district: if a file holds several, add 'district: {{from: ...}}'"
        )
    hold_back(out)
    out.scope, out.scope_why = scope_of(choice, set(out.specs) | wide.given(out.long, out.melt))
    order = [prop.name for prop in contract.columns]
    out.specs = dict(sorted(out.specs.items(), key=lambda pair: order.index(pair[0])))
    return out


def _assessment(out: Columns) -> None:
    text = f"{out.sample.name} {' '.join(out.sample.headers)}".upper()
    named = [one for one in load_words().assessments if re.search(rf"(?<![A-Z]){one}(?![A-Z])", text)]
    if named:
        out.constant("assessment", named[0], "named by the file's name or headers")
    words = set(tokens(PurePosixPath(out.sample.name).stem))
    subjects = {normal(text): code for text, code in load_words().codes["subject"].items()}
    if out.choice.blocks:
        out.long = wide.blocks_variants(out.choice.blocks)
        for family in out.choice.blocks.found.values():
            out.read |= {normal(column.header) for column in family.values()}
            out.shown += [column.header for column in family.values()]
    elif hits := [subjects[word] for word in sorted(words) if word in subjects]:
        out.constant("subject", hits[0], "named by the file's name")
    _tested(out)
    _former_learner(out)
    day = out.choice.matching.source("tested_on")
    if day is not None:
        _from_day(out, day)


def _tested(out: Columns) -> None:
    if not any("tested" in one["columns"] for one in out.long):
        out.constant("tested", True, "every row is taken for a test that was taken")
    elif out.choice.blocks and "tested" not in out.choice.blocks.found:
        told = (
            "who was tested, and who should have been, is read from the levels: such codes as ABS or MED stand there"
        )
        out.unsure.append(f"{told}, since a student's row is there all the same; ask what they are called")


def _from_day(out: Columns, day: Profile) -> None:
    out.put(
        "test_id", Spec({"from": day.header}, ("no id of the sitting: its day stands for it",), DERIVED, day.header)
    )
    data = {"from": day.header, "extract": month_pattern(day), "codes": dict(MONTHS)}
    out.put("window", Spec(data, ("no column names the window: the month stands for it",), DERIVED, day.header))


def _former_learner(out: Columns) -> None:
    """A status that knows former learners says both."""
    match = out.choice.matching.found.get("english_learner")
    if match is None or "former_el" in out.specs:
        return
    words = load_words().codes["former_el"]
    known = match.source.known(words) | match.source.begun(words)
    if any(meaning is True for meaning in known.values()):
        data = {"from": match.source.header, "codes": known, "otherwise": None}
        out.put("former_el", Spec(data, ("the same status says both",), DERIVED, match.source.header))


def _roster(out: Columns) -> None:
    _former_learner(out)
    out.constant("is_active", True, "being in the file is taken for being enrolled")
    term = out.choice.matching.source("school_year")
    if out.choice.feed is FeedName.ROSTER and term is not None and (days := _term_days(term)):
        notes = ("the file says a term, not a day: these days stand for the terms seen",)
        data = {"from": term.header, "codes": days, "parse": ["%Y-%m-%d"]}
        out.put("snapshot_on", Spec(data, notes, DERIVED, term.header))
    notes = ("the content names no day, so the file's name must",)
    out.put("snapshot_on", Spec({"from": "{date}", "parse": ["%Y-%m-%d", "%Y%m%d"]}, notes))


def _staff(out: Columns) -> None:
    notes = ("the content names no day, so the file's name must",)
    out.put("snapshot_on", Spec({"from": "{date}", "parse": ["%Y-%m-%d", "%Y%m%d"]}, notes))


def _term_days(term: Profile) -> dict[str, Constant]:
    """Days for the terms that the file holds: season and school year, nothing else."""
    found: dict[str, Constant] = {}
    for text in sorted(term.counts):
        if match := SEASON.match(text):
            season, start = match[1].lower(), int(match[2])
            found[text] = f"{start if season == 'fall' else start + 1}-{TERM_DAYS[season]}"
    return found if len(found) == term.distinct else {}


def _attendance(out: Columns) -> None:
    has = out.choice.matching.found
    is_staff = bool(set(tokens(" ".join(out.sample.headers))) & {"staff", "employee"}) and "id_hash" in has
    out.constant("population", "staff" if is_staff else "student")
    grain, why = "day", "one row per student and day, it seems"
    if "days_absent_x100" in has and "present" not in has:
        grain, why = "cumulative", "it has days, not absences"
    elif "unit" in has:
        grain, why = "section", f"{has['unit'].source.header!r} divides the day"
    elif (present := out.specs.get("present")) and _all_absent(has["present"].source, present):
        grain, why = "event", "only absences and tardiness were seen: a day without a row is a day present"
    out.constant("grain", grain, why)
    if grain == "event" and "present" not in has:
        out.constant("present", False)
    if grain in ("day", "section") and "present" not in out.specs:
        out.unsure.append("nothing says who was present: find the column, and what its codes mean")


def _all_absent(column: Profile, spec: Spec) -> bool:
    codes = {normal(text): meaning for text, meaning in spec.data.get("codes", {}).items()}
    values = {codes.get(normal(value)) for value in column.counts}
    return values == {False} or "absent" in column.words


def _survey(out: Columns) -> None:
    stem = PurePosixPath(out.sample.name).stem
    person = out.specs.get("id_hash")
    if person is not None and person.header:
        notes = ("no response has an id: the person's stands for it, and a second answer is refused",)
        out.put("response_hash", replace(person, data=person.data | {"id": {"kind": "response"}}, notes=notes))
    words = set(tokens(stem)) | {word for header in out.sample.headers[:40] for word in tokens(header)}
    who = [people for word, people in load_words().populations.items() if word in tokens(stem)]
    who += ["student"] if not who and words & {"lasid", "grade"} else []
    if who:
        out.constant("population", who[0])
    code = re.sub(r"[^a-z]+", "_", stem.lower()).strip("_")
    out.constant("survey", code or "survey", "the survey's code in survey_items.csv")
    notes = ("the responses do not say their window, so the file's name must",)
    out.put("window", Spec({"from": "{window}"}, notes))
    if out.choice.items:
        out.melt = {"headers": out.choice.items[0], "item": "item", "cell": "value"}
        out.put("value", Spec({"from": "{cell}", "number": "plain"}, (f"{out.choice.items[1]} item columns",)))
        items = [h for h in out.sample.headers if re.search(out.choice.items[0], normal(h), re.IGNORECASE)]
        out.shown += items[:1]
    else:
        out.long = wide.question_variants(out.choice.questions)
        out.read |= {normal(column.header) for column in out.choice.questions}
        out.shown += [column.header for column in out.choice.questions]


def _observation(out: Columns) -> None:
    if not out.choice.ratings:
        return
    out.long = wide.rating_variants(out.choice.ratings)
    out.read |= {normal(column.header) for column in out.choice.ratings}
    out.shown += [column.header for column in out.choice.ratings]


def _published(out: Columns) -> None:
    wide.put_place(out)
    out.long = wide.figure_variants(out.choice, has_group="student_group" in out.specs)
    for figure in out.choice.figures:
        for column in (figure.value, figure.numerator, figure.denominator):
            if column is not None:
                out.read.add(normal(column.header))
        out.shown.append(figure.main.header)


def _hispanic(out: Columns) -> None:
    """Federal reporting asks it apart from race, and it outranks race."""
    beside = [h for h in out.sample.headers if set(tokens(h)) & {"hispanic", "latino"} and normal(h) not in out.read]
    if beside and "race_ethnicity" in out.specs:
        told = "says Hispanic apart from race, which it outranks: see 'long' of the layout aspen_students"
        out.unsure.append(f"{beside[0]!r} {told}")


def _place_in_time(out: Columns) -> None:
    """The school year, and the groups that the file's name must have."""
    wanted = [group for group in ("date", "window") if _uses(out, group)]
    year = out.choice.matching.source("school_year")
    dates = [
        c.name for c in load_contract(out.choice.feed).columns if c.physical_type == "date" and c.name in out.specs
    ]
    if year is not None:
        out.school_year = {"from": year.header, "year": _year_kind(year)}
        out.read.add(normal(year.header))
    elif dates and (day := out.choice.matching.source(dates[0])) is not None:
        out.school_year = {"from": day.header, **date_steps(day)[0], "year": "date"}
    elif "date" in wanted:
        out.school_year = {"from": "{date}", "parse": ["%Y-%m-%d", "%Y%m%d"], "year": "date"}
    elif (said := title_year(out.sample.above)) is not None:
        out.file["title_pattern"], out.school_year = said
    named = naming(out.sample.name, tuple(wanted))
    if named.groups:
        out.file |= {"name_pattern": named.pattern, "name_example": named.example}
    if out.school_year is None and named.month:
        out.school_year = {"from": "{month}", "parse": list(named.month), "year": "date"}
    if out.school_year is None and "school_year" not in named.groups:
        out.unsure.append("nothing in the file says the school year: give --school-year, or put it into the name")


def _uses(out: Columns, group: str) -> bool:
    return any(spec.data.get("from") == f"{{{group}}}" for spec in out.specs.values())


def _year_kind(column: Profile) -> str:
    if column.spans and any(SPAN.search(value) for value in column.counts):
        return "term" if any(value[:1].isalpha() for value in column.counts) else "span"
    return "end" if column.filled else "span"


_BY_FEED: dict[FeedName, Callable[[Columns], None]] = {
    FeedName.ROSTER: _roster,
    FeedName.STAFF: _staff,
    FeedName.ASSESSMENT: _assessment,
    FeedName.ATTENDANCE: _attendance,
    FeedName.SURVEY: _survey,
    FeedName.OBSERVATION: _observation,
    FeedName.PUBLISHED_RESULTS: _published,
}
