"""The page on expectations, from the table of types and from what the truth tests compare."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill

from sipetl.quality.ruletype import RuleType, Way
from sipetl.quality.types import TYPES
from tests.truth.gx_rules import BY_PANDAS, BY_POSTGRESQL, DRAWS

WIDTH = 150
HEAD = """\
# Expectations

The rules of a feed are a Great Expectations 1.24 suite (`expectations/*.json`). sipetl executes any such suite itself: one pass of
DuckDB over the batch collects the failing rows of all rules, and a second one counts; suites of hundreds of rules take several.
`sipetl check` tells what is wrong with a suite before a file comes. GX is the reference that this is tested against; it also runs
what sipetl does not know.

## What holds for every type

- A missing value is never looked at (rules about missing values, pairs and compound keys excepted). Not-a-number is missing.
- No row to look at passes every rule about rows: give each suite a row-count floor.
- A column of the wrong kind is an error and never a pass. A critical rule that cannot run holds the file for a person.
- `mostly`, `row_condition` (as JSON, or as text for the parser `great_expectations`), `ignore_row_if`, `severity`, `strict_min` and
  `strict_max` mean what they mean in GX. In a condition, a missing value is unequal to everything and outside every set, as in pandas.
- A condition in pandas' language (`condition_parser: pandas`, or `pass_through`) is run by GX itself, and may only compare columns
  with constants: pandas would run any code in it. Suite parameters (`$PARAMETER`) are not filled in: `sipetl check` refuses them, as it
  refuses a keyword that the type does not have. Suites of GX 0.x (`expectation_suite_name`, `expectation_type`) are read too.
- A type of your own runs in GX's pandas engine, on the columns that it names. Install its package beside sipetl, and let it name the
  module that defines the type as an entry point of the group `sipetl.expectations` (any name, `module` as value): `sipetl check` then
  knows the type too. What GX runs is slow: it takes seconds to load.
- Decimals are compared as decimals (0.10 is at least 0.1); GX compares them with binary floats.
- Spreads are computed from distinct values and their counts, so that no order of rows and no number of threads changes a bit.

## What a result holds

`sipetl.quality.gx_result` writes GX's own shape, without a value: `partial_unexpected_list` is always empty, an extreme, a median or
a most frequent value is judged and not shown, and a mean, sum or deviation is shown of ten values or more. The numbers of failing
rows and the way of execution stand in `meta.sipetl`. `publish_in_gx` lets GX render its Data Docs from that and run checkpoint
actions (e-mail, Slack).

## Types

*Executed*: in the DuckDB pass; by Python over the distinct values, joined back; or by GX itself. *Reference*: the engine of GX whose
answer is right. *Proven*: the engines that generated frames are compared with in `tests/truth/test_rules_against_gx.py` (same verdict,
same counts, same failing rows). *Note*: where engines differ, below the table.
"""


def expectations_page() -> str:
    """The whole page."""
    notes = list(dict.fromkeys(known.note for known in TYPES.values() if known.note))
    rows = (_row(name, known, notes) for name, known in TYPES.items())
    table = "\n".join(("| type | executed | reference | proven | note |", "|---|---|---|---|---|", *rows))
    below = "\n".join(_note(number, note) for number, note in enumerate(notes, 1))
    return f"{HEAD}\n{table}\n\n## Notes\n\n{below}\n"


def _row(name: str, known: RuleType, notes: list[str]) -> str:
    note = str(notes.index(known.note) + 1) if known.note else ""
    proven = ", ".join(_proven(name)) or "-"
    reference = "-" if known.way is Way.NEVER else known.reference.value
    return f"| `{name}` | {known.way} | {reference} | {proven} | {note} |"


def _proven(name: str) -> Iterator[str]:
    if name in DRAWS:
        yield from (
            engine for engine, types in (("pandas", BY_PANDAS), ("PostgreSQL", BY_POSTGRESQL)) if name in types
        )


def _note(number: int, note: str) -> str:
    return fill(f"{number}. {note[0].upper()}{note[1:]}.", WIDTH, subsequent_indent="   ", break_on_hyphens=False)
