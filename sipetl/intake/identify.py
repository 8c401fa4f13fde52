"""Say what a landed file is: container, encoding, delimiter, header row and layout, all from its content.

Nothing is believed of a file's name but what a layout's `name_pattern` asks for. Comes after `land`, before `read`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from sipetl.errors import DeliveryError, UnreadableError, UnrecognizedError
from sipetl.intake.cells import as_text
from sipetl.intake.headers import HEADER_ROWS, Fit, Miss, fit, normal, positions, sources, unknown, unquoted
from sipetl.intake.layout import PATTERN, Layout
from sipetl.intake.text import as_utf8
from sipetl.intake.unpack import Kind, Part, open_parts

DELIMITERS = (",", ";", "\t", "|")
HEAD_CHARACTERS = 1024 * 1024
"""Enough for 20 rows of the widest file known (1,942 columns)."""

MOST_NAMED = 5
"""Headers named in the reason why no layout fits."""
ALIKE, SHORTEST_ALIKE = 0.8, 6
"""Likeness (difflib) from which a header was perhaps renamed, and the letters that it must have."""


@dataclass(frozen=True, slots=True)
class Member:
    """A table to read: a file, or one member of a ZIP, and how."""

    name: str
    path: Path
    """What to read: the landed file, or a temporary UTF-8 copy of it."""
    kind: Kind
    encoding: str
    """What the sender used; the file at `path` is UTF-8 (or a workbook) whatever this says."""
    delimiter: str
    header_row: int
    """0-based, counted in records."""
    headers: tuple[str, ...]
    layout: Layout
    sheet: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    """Named groups of the file's name and of the title above the header."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A member that no layout fits, or that cannot be read."""

    name: str
    error: DeliveryError


@dataclass(frozen=True, slots=True)
class Identified:
    """What a delivery holds; iterating gives its members."""

    members: tuple[Member, ...]
    refused: tuple[Refused, ...] = ()
    beside: tuple[str, ...] = ()
    """Names of members that a recognised layout says hold nothing for its feed."""

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)


def identify(path: Path, name: str, layouts: Sequence[Layout], *, scratch: Path) -> Identified:
    """Recognise a landed file's table or tables. Temporary copies go to `scratch`, which the caller empties.

    Args:
        path: the landed file.
        name: what the sender called it.
        layouts: the layouts that may be recognised here.
        scratch: a private folder.

    Raises:
        UnreadableError: the bytes are no table (empty, binary, a broken or unsafe archive).
        UnrecognizedError: no layout fits any member.
    """
    members: list[Member] = []
    refused: list[Refused] = []
    for part in open_parts(path, name, scratch):
        try:
            members.append(_identify_part(part, name, layouts, scratch=scratch))
        except DeliveryError as error:
            refused.append(Refused(part.name, error))
    if not members:
        raise refused[0].error
    beside = tuple(one.name for one in refused if _is_beside(one, members))
    return Identified(tuple(members), tuple(one for one in refused if one.name not in beside), beside)


def _is_beside(refused: Refused, members: Iterable[Member]) -> bool:
    """Whether a member comes along with one that is recognised; one that is broken is told all the same."""
    name = PurePosixPath(refused.name).name.casefold()
    known = (pattern for member in members for pattern in member.layout.file.beside)
    return isinstance(refused.error, UnrecognizedError) and any(fnmatchcase(name, p.casefold()) for p in known)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the head of a file: with this delimiter, or this sheet."""

    rows: list[list[str]]
    delimiter: str = ""
    sheet: str | None = None

    def suits(self, layout: Layout, *, is_first: bool) -> bool:
        wanted = layout.file
        if self.sheet is not None:
            by_name = wanted.sheet is not None and re.search(wanted.sheet, self.sheet)
            return bool(by_name) or (wanted.sheet is None and is_first)
        return wanted.delimiter in (None, self.delimiter)


def _identify_part(part: Part, archive: str, layouts: Sequence[Layout], *, scratch: Path) -> Member:
    if part.kind == "xlsx":
        path, encoding = part.path, ""
        readings = _workbook(part)
    else:
        text = as_utf8(part.path, part.name, scratch)
        path, encoding = text.path, text.encoding
        readings = [_Reading(head_rows(path, delimiter), delimiter) for delimiter in DELIMITERS]
    reading, best = _best(part, readings, layouts)
    named = name_groups(best.layout, part.name) or name_groups(best.layout, archive)
    return Member(
        name=part.name,
        path=path,
        kind=part.kind,
        encoding=encoding,
        delimiter=reading.delimiter,
        header_row=best.header_row,
        headers=best.headers,
        layout=best.layout,
        sheet=reading.sheet,
        groups=named | _title_groups(best, reading),
    )


def head_rows(path: Path, delimiter: str) -> list[list[str]]:
    """The first records of a UTF-8 file; a quote that is never closed ends them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read(HEAD_CHARACTERS)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) >= HEADER_ROWS:
                break
    except csv.Error:
        pass
    return rows


def _workbook(part: Part) -> list[_Reading]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(part.path))
        return [
            _Reading(
                [
                    [as_text(cell) for cell in row]
                    for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=HEADER_ROWS)
                ],
                sheet=name,
            )
            for name in book.sheet_names
        ]
    except (CalamineError, OSError, ValueError) as failure:
        why = type(failure).__name__
        raise UnreadableError("the workbook cannot be opened", where=part.name, why=why) from None


def _best(part: Part, readings: list[_Reading], layouts: Sequence[Layout]) -> tuple[_Reading, Fit]:
    fits: list[tuple[_Reading, Fit]] = []
    misses: list[Miss] = []
    for index, reading in enumerate(readings):
        for layout in layouts:
            if not reading.suits(layout, is_first=index == 0):
                continue
            match = fit(layout, reading.rows)
            if isinstance(match, Fit):
                fits.append((reading, match))
            else:
                misses.append(match)
    if not fits:
        raise _unrecognized(part, misses, readings)
    return max(fits, key=lambda pair: _rank(pair[1], part.name))


def _rank(match: Fit, name: str) -> tuple[int, bool, int]:
    """The most specific layout first, then the one whose file name fits, then the newest version."""
    pattern = match.layout.file.name_pattern
    named = pattern is None or re.search(pattern, PurePosixPath(name).name, re.IGNORECASE) is not None
    return match.score, named, match.layout.version


def _unrecognized(part: Part, misses: list[Miss], readings: Sequence[_Reading]) -> UnrecognizedError:
    nearest = max(misses, key=lambda m: (m.present, -len(m.missing)), default=None)
    if nearest is None or nearest.present < len(nearest.missing):
        why = "fewer than half of any layout's headers were found in it"
        cure = f"draft a layout: sipetl layout suggest {PurePosixPath(part.name).name}"
        return UnrecognizedError("no layout fits the file", where=part.name, why=why, cure=cure)
    if nearest.missing:
        lacks = f"the file has no header {', '.join(repr(h) for h in nearest.missing[:MOST_NAMED])}"
    else:
        lacks = "the file has a header that this layout excludes"
    why = f"the nearest layout is {nearest.layout.layout} v{nearest.layout.version}, but {lacks}"
    extra = unknown(_nearest_row(nearest, readings), nearest.layout)
    why += _more(nearest, extra, (miss.layout for miss in misses))
    cure = "ask the sender for the usual columns, add a rename to the layout, or draft one: sipetl layout suggest"
    return UnrecognizedError("no layout fits the file", where=part.name, why=why, cure=cure)


def _nearest_row(miss: Miss, readings: Sequence[_Reading]) -> tuple[str, ...]:
    """The header row: the one that has most of the layout's headers. A row of data has none of them."""
    rows = (unquoted(tuple(row)) for reading in readings for row in reading.rows)
    wanted = {normal(header) for header in miss.layout.recognise.headers}
    return max(rows, key=lambda row: len(wanted & positions(row, miss.layout).keys()), default=())


def _more(nearest: Miss, extra: Sequence[str], layouts: Iterable[Layout]) -> str:
    """What else is in the header: columns that were perhaps renamed, and new ones.

    A header may be a child's name, where a table stands on its side: it is named if it is like one that is missing,
    or made of words that layouts use; others are counted.
    """
    left = {_letters(header): header for header in extra if len(_letters(header)) >= SHORTEST_ALIKE}
    missing = [header for header in nearest.missing if len(_letters(header)) >= SHORTEST_ALIKE]
    close = ((header, get_close_matches(_letters(header), left, n=1, cutoff=ALIKE)) for header in missing)
    renamed = {left.pop(found[0]): header for header, found in close if found}
    words = {word for layout in layouts for header in _written(layout) for word in _words(header)}
    new = [header for header in extra if header not in renamed]
    named = [repr(header) for header in new if _words(header) and _words(header) <= words][:MOST_NAMED]
    more = [f"{len(new) - len(named)} that are not named here"] if len(new) > len(named) else []
    told = ", ".join(f"{old!r} to {header!r}" for header, old in renamed.items())
    besides = f"; headers that it does not know: {', '.join([*named, *more])}" if new else ""
    return (f"; perhaps renamed: {told}" if told else "") + besides


def _written(layout: Layout) -> Iterator[str]:
    """The headers that a layout writes out."""
    yield from (name for names in sources(layout) for name in names)
    yield from (*layout.recognise.headers, *layout.renames)
    yield from (header for header in layout.drop if not header.startswith(PATTERN))


def _words(header: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", header)}


def _letters(header: str) -> str:
    return re.sub(r"\W|_", "", normal(header))


def name_groups(layout: Layout, name: str) -> dict[str, str]:
    """Named groups of the layout's pattern in a file's name; none where it does not fit."""
    pattern = layout.file.name_pattern
    match = re.search(pattern, PurePosixPath(name).name, re.IGNORECASE) if pattern else None
    return {k: v for k, v in match.groupdict().items() if v is not None} if match else {}


def _title_groups(best: Fit, reading: _Reading) -> dict[str, str]:
    pattern = best.layout.file.title_pattern
    if pattern is None:
        return {}
    cells = (cell for row in reading.rows[: best.header_row] for cell in row if cell)
    match = next((m for cell in cells if (m := re.search(pattern, cell, re.IGNORECASE))), None)
    return {k: v for k, v in match.groupdict().items() if v is not None} if match else {}
