"""Assemble a draft: the feed, its columns, what a delivery replaces, and what nobody but a person can say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from sipetl.errors import RegistryError, UnrecognizedError
from sipetl.intake.contract import load_contract
from sipetl.intake.headers import Fit, fit, normal
from sipetl.intake.layout import Layout
from sipetl.intake.layouts import check_layout, filled
from sipetl.intake.suggest.choose import LEAST, Choice, choices
from sipetl.intake.suggest.columns import Columns, draft_columns
from sipetl.intake.suggest.holdback import refused_headers
from sipetl.intake.suggest.profile import Profile, profiles
from sipetl.intake.suggest.sample import VALUE_LIKE, Sample, take_sample
from sipetl.intake.suggest.specs import ID_KINDS, word_of
from sipetl.intake.suggest.thesaurus import Namer, Thesaurus
from sipetl.intake.suggest.words import tokens
from sipetl.intake.suggest.write import block, comments, item
from sipetl.registry.models import FeedName

OPTIONS = {"date": "--day", "window": "--window", "school_year": "--school-year"}
"""What an operator may say instead of the file's name."""
OPEN, OPEN_ID = "{value: }", "{id: {kind: KIND}, from: }"
"""What a person has to complete; an id is of a column."""
UNDECIDED = "undecided"
"""No key of a layout: a draft that has it does not load."""
REFUSED = (
    "REFUSED: the values of these columns look like the ids of persons, so no figure is made of them, and this draft "
    "does not load. Put each into 'drop'; or, where it is a figure, uncomment it below. Then delete 'undecided'."
)
RECOGNISED_BY = 8
"""Headers that a draft is recognised by, at most."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A drafted layout."""

    feed: FeedName
    text: str
    """The YAML, with comments."""
    data: dict[str, Any]
    """The same without comments."""
    columns: Columns
    missing: tuple[str, ...]
    """Required columns of the contract that nothing in the file fills."""
    fault: str
    """Why the draft does not load yet; empty when it does."""
    fits: tuple[str, ...]
    """Layouts that know the file already."""

    def as_json(self) -> dict[str, Any]:
        """What it says, for machines."""
        listed = [
            {"column": name, "from": spec.header, "confidence": round(spec.score, 2), "why": spec.why}
            for name, spec in self.columns.specs.items()
            if spec.header
        ]
        return {
            "feed": self.feed.value,
            "layout": self.data,
            "columns": listed,
            "missing": list(self.missing),
            "unsure": list(self.columns.unsure),
            "loads": not self.fault,
            "fault": self.fault,
            "known_as": list(self.fits),
        }


def suggest_layout(
    path: Path, name: str, layouts: Sequence[Layout], *, scratch: Path, feed: FeedName | None = None
) -> Suggestion:
    """Draft a layout for a file. No value of it is written but words of known vocabularies and closed sets of codes.

    Args:
        path: the file; no more than `excerpt.MOST_BYTES` of a text file are read.
        name: what the sender called it.
        layouts: what headers may mean is learned from these.
        scratch: a private folder.
        feed: the feed, where it is known.

    Raises:
        UnreadableError: the bytes are no table.
        UnrecognizedError: it has no header row, or fits no feed.
    """
    sample = take_sample(path, name, scratch)
    columns = profiles(sample)
    thesaurus = Thesaurus.of(layouts)
    about = frozenset(tokens(" ".join([PurePosixPath(name).stem, sample.sheet or "", *sample.above])))
    ranked = choices(columns, Namer.of(thesaurus, columns), feed, about=about)
    if ranked[0].score < LEAST and feed is None:
        why = "no contract's columns were found among its headers"
        raise UnrecognizedError("the file fits no feed", where=name, why=why, cure="name it: --feed FEED")
    drafted = draft_columns(ranked[0], sample, thesaurus)
    data = _data(ranked[0], sample, columns, drafted)
    missing, fault = _hold(data)
    fits = tuple(one.layout for one in layouts if isinstance(fit(one, [sample.headers]), Fit))
    text = "\n".join(_lines(ranked, sample, data, drafted, missing=missing, fits=fits)) + "\n"
    return Suggestion(ranked[0].feed, text, data, drafted, missing, fault, fits)


def _data(choice: Choice, sample: Sample, columns: Sequence[Profile], drafted: Columns) -> dict[str, Any]:
    file: dict[str, Any] = {"kind": sample.kind}
    file |= {"escape": sample.escape} if sample.escape else {}
    file |= {"sheet": f"^{re.escape(sample.sheet)}$"} if sample.sheet else {}
    file |= drafted.file
    data: dict[str, Any] = {
        "layout": re.sub(r"\W+", "_", PurePosixPath(sample.name).stem).strip("_").lower()[:60] or "draft",
        "version": 1,
        "feed": choice.feed.value,
        "title": f"Draft for {PurePosixPath(sample.name).name}",
        "source": f"Header of {PurePosixPath(sample.name).name}, read by sipetl layout suggest",
        "file": file,
        "recognise": {"headers": _recognise(drafted)},
    }
    if drafted.school_year:
        data["school_year"] = drafted.school_year
    data |= {"scope": drafted.scope, "columns": {name: spec.data for name, spec in drafted.specs.items()}}
    if drafted.long:
        data["long"] = drafted.long
    if drafted.melt:
        data["melt"] = drafted.melt
    if dropped := _dropped(columns, drafted):
        data["drop"] = dropped
    if drafted.refused:
        data[UNDECIDED] = refused_headers(drafted.refused)
    return data


def _recognise(drafted: Columns) -> list[str]:
    """Headers that the draft reads, the surest first."""
    read = sorted(drafted.specs.values(), key=lambda spec: -spec.score)
    headers = [spec.header for spec in read if spec.header and not spec.header.startswith("{")]
    return list(dict.fromkeys([*headers, *drafted.shown]))[:RECOGNISED_BY]


def _dropped(columns: Sequence[Profile], drafted: Columns) -> list[str]:
    """Headers that are not read: those about persons first. What looks like a value is no header."""
    rest = [c for c in columns if normal(c.header) not in drafted.read and not VALUE_LIKE.search(c.header)]
    if drafted.melt:
        rest = [c for c in rest if not re.search(drafted.melt["headers"], normal(c.header), re.IGNORECASE)]
    rest.sort(key=lambda column: (not column.is_personal, column.position))
    return [
        f"re:^{re.escape(column.header[3:])}$" if column.header.startswith("re:") else column.header
        for column in rest
    ]


def _hold(data: dict[str, Any]) -> tuple[tuple[str, ...], str]:
    """Hold the draft against the layout language and its contract: required columns without a source, the fault."""
    if UNDECIDED in data:
        missing, fault = _hold({key: value for key, value in data.items() if key != UNDECIDED})
        return missing, fault or f"'{UNDECIDED}' names columns that may be the ids of persons"
    try:
        layout = Layout.model_validate(data)
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False)[0]
        return (), f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    contract = load_contract(layout.feed)
    given = set.intersection(*filled(layout))
    missing = tuple(p.name for p in contract.columns if p.required and p.name not in given)
    try:
        check_layout(layout, contract, where="")
    except RegistryError as error:
        return missing, str(error)
    return missing, ""


def _lines(
    ranked: Sequence[Choice],
    sample: Sample,
    data: dict[str, Any],
    drafted: Columns,
    *,
    missing: tuple[str, ...],
    fits: tuple[str, ...],
) -> list[str]:
    contract = load_contract(ranked[0].feed)
    lines = list(comments([*_head(ranked, sample, fits), *_to_rename(sample, data["file"])]))
    for key, value in data.items():
        if key == "columns":
            lines.append("columns:")
            for name, spec in drafted.specs.items():
                told = [f"{word_of(spec.score)} ({spec.score:.2f}): {spec.why}"] if spec.header and spec.why else []
                lines += [*comments([*told, *spec.notes], 2), *block(name, spec.data, 2)]
            for name in missing:
                told = [f"MISSING, required: {contract.column(name).description}. Nothing in the file says it."]
                is_id = contract.column(name).physical_type == "blob"
                open_ = OPEN_ID.replace("KIND", ID_KINDS.get(name, "lasid")) if is_id else OPEN
                lines += [*comments(told, 2), f"  # {name}: {open_}"]
        elif key == "scope":
            lines += [*comments([drafted.scope_why]), *block(key, value)]
        elif key == "drop":
            lines += list(comments(["Not taken; what is about persons by its name comes first."]))
            lines += [f"{key}:", *(text for one in value for text in item(one, 2))]
        elif key == UNDECIDED:
            lines += [*comments([REFUSED]), *block(key, value)]
        elif key == "long":
            lines += [*comments(["One row per figure or answer: name them as the catalogue does."]), f"{key}:"]
            lines += [text for one in value for text in item(one, 2)]
        else:
            lines += list(block(key, value))
    lines += _refused(drafted)
    unsure = [f"UNSURE: {text}" for text in drafted.unsure]
    return [*_to_fill_in(lines), *comments(unsure)]


def _refused(drafted: Columns) -> list[str]:
    """The figures that may be ids, as comments."""
    if not drafted.refused:
        return []
    text = ["long:", *(line for one in drafted.refused for line in item(one, 2))]
    return [*comments(["REFUSED: figures that may be ids; for 'long', above."]), *(f"# {line}" for line in text)]


def _to_rename(sample: Sample, file: dict[str, Any]) -> list[str]:
    """What the file must be called, where only its name can say a day or a window."""
    example = file.get("name_example", "")
    if not example or re.search(file["name_pattern"], PurePosixPath(sample.name).name, re.IGNORECASE):
        return []
    groups = [group for group in OPTIONS if f"(?P<{group}>" in file["name_pattern"]]
    return [
        f"RENAME the file before it is tried, like {example}, or give {' and '.join(OPTIONS[g] for g in groups)}."
    ]


def _to_fill_in(lines: list[str]) -> list[str]:
    """Name the lines that a person has to complete, by their number, at the very top."""
    open_ = [number for number, line in enumerate(lines, start=1) if line.endswith(": }")]
    if not open_:
        return lines
    told = [f"line {number + 1} ({lines[number - 1].strip('# ').partition(':')[0]})" for number in open_]
    first = f"# FILL IN and uncomment before it loads: {', '.join(told)}."
    return [first, *lines]


def _head(ranked: Sequence[Choice], sample: Sample, fits: tuple[str, ...]) -> list[str]:
    best = ranked[0]
    rows = f"{len(sample.rows):,} rows" + (" of a bounded part of the file" if sample.is_part else "")
    told = [
        "A draft: check every line, then put it into registry/layouts and try it with 'sipetl layout test'.",
        f"Feed {best.feed.value}: {best.by}. Looked at {rows}.",
    ]
    near = [
        f"{one.feed.value} ({one.score:.2f})"
        for one in ranked[1:3]
        if one.score > best.score - 0.3 and one.score >= LEAST
    ]
    told += [f"It could also be {' or '.join(near)}, against {best.score:.2f}: see --feed."] if near else []
    told += [f"This file is known already: layout {', '.join(fits)}."] if fits else []
    return told
