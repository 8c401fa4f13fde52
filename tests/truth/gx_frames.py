"""Frames that Great Expectations and sipetl are compared on: nulls, not-a-number, empty ones, any sign, any script."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import strategies as st

from tests.truth.gx_engines import Frame

ROWS = 24
WORDS = [
    "A",
    "B",
    "AB",
    "a",
    "",
    " ",
    "x\n",
    "\nx",
    "D1",
    "Á٣",
    "ß",
    "e\u0301",
    "é",
    "日本",
    "👩‍👧",
    "100%",
    "a_b",
    "it's",
    '"',
    "\\",
    "A\\",
]
"""Texts that engines may read differently."""
DATE_TEXTS = [
    "2025-09-01",
    "2025-9-1",
    " 2025-09-01",
    "2025-02-30",
    "2024-02-29",
    "09/01/2025",
    "1 Sept 2025",
    "",
    "x",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "20250901T1200",
    "\u0662\u0660\u0662\u0665-09-01",
]
JSON_TEXTS = [
    '{"n": 1}',
    '{"n": "x"}',
    "{}",
    "[]",
    "1",
    "-1",
    '"a"',
    "null",
    "NaN",
    "true",
    '{"n": 1, "n": 2}',
    "1e400",
]
NOT_JSON = ["", "{", "{'n': 1}", "x", "01", "1 1"]
DAYS = [
    date(1, 1, 1),
    date(1582, 10, 14),
    date(1969, 12, 31),
    date(2024, 2, 29),
    date(2025, 9, 1),
    date(2026, 6, 30),
    date(9999, 12, 31),
]
TIMES = [
    datetime.fromisoformat(moment)
    for moment in ("1700-01-01", "1969-12-31T23:59:59", "2025-09-01", "2025-09-01T00:00:01", "2262-04-11")
]

small = st.integers(-3, 3)
large = st.one_of(small, st.integers(-(10**12), 10**12))
eighths = st.one_of(st.integers(-40, 40).map(lambda n: n / 8), st.just(-0.0))
"""Their sums are exact in any order, so that a mean has one value."""
any_float = st.one_of(eighths, st.floats(-1e9, 1e9, allow_nan=False, allow_subnormal=False))
words = st.one_of(
    st.sampled_from(WORDS), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
)


def _holes(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(values, values, values, st.none())


COLUMNS = {
    "i": ("bigint", _holes(small)),
    "k": ("bigint", _holes(small)),
    "big": ("bigint", _holes(large)),
    "full": ("bigint", small),
    "f": ("double", st.one_of(eighths, eighths, st.just(float("nan")), st.none())),
    "g": ("double", st.one_of(any_float, st.just(float("nan")), st.none())),
    "p": ("decimal(18,6)", _holes(eighths)),
    "t": ("varchar", _holes(st.sampled_from(["A", "B", "AB", "a", ""]))),
    "u": ("varchar", _holes(st.sampled_from(["A", "B", "AB", "a", ""]))),
    "w": ("varchar", _holes(words)),
    "s": ("varchar", _holes(st.sampled_from(DATE_TEXTS))),
    "j": ("varchar", _holes(st.sampled_from([*JSON_TEXTS, *NOT_JSON]))),
    "js": ("varchar", _holes(st.sampled_from(JSON_TEXTS))),
    "d": ("date", _holes(st.sampled_from(DAYS))),
    "e": ("date", _holes(st.sampled_from(DAYS))),
    "at": ("timestamp", _holes(st.sampled_from(TIMES))),
    "b": ("boolean", _holes(st.booleans())),
    "none": ("bigint", st.none()),
    "void": ("varchar", st.none()),
}


@st.composite
def frames(draw: st.DrawFn, min_rows: int = 0) -> Frame:
    """A frame of up to `ROWS` rows."""
    count = draw(st.integers(min_rows, ROWS))
    return Frame(
        {
            name: (kind, draw(st.lists(cells, min_size=count, max_size=count)))
            for name, (kind, cells) in COLUMNS.items()
        }
    )


EMPTY = Frame({name: (kind, []) for name, (kind, _) in COLUMNS.items()})
BARREN = Frame({name: (kind, [0] * 3 if name == "full" else [None] * 3) for name, (kind, _) in COLUMNS.items()})
_ONE = {
    "bigint": 2,
    "double": 2.5,
    "decimal(18,6)": 2.5,
    "varchar": "1",
    "date": DAYS[0],
    "timestamp": TIMES[0],
    "boolean": True,
}
ALONE = Frame({name: (kind, [_ONE[kind]]) for name, (kind, _) in COLUMNS.items()})
EDGES = (EMPTY, BARREN, ALONE)
"""No row, no value, one row: where engines differ most."""
