"""The rule executor against Great Expectations, type by type: same verdict, same counts, same failing rows.

Generated frames run in GX's pandas engine, in its SQL engine on PostgreSQL, and in sipetl.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sipetl.quality import check_suite, read_suite
from sipetl.quality.ruletype import Way
from sipetl.quality.types import TYPES
from sipetl.warehouse import embedded
from tests.home import make_database
from tests.truth.gx_differences import DIFFERENCES, UNLIKE, Difference, Said
from tests.truth.gx_engines import Executor, Found, Frame, Pandas, Postgres, Rule
from tests.truth.gx_frames import EDGES, frames
from tests.truth.gx_rules import BY_PANDAS, BY_POSTGRESQL, CONDITIONS, DRAWS, PANDAS_CONDITIONS, rules

# GX and what it builds on warn on import and on every batch; none of it is ours.
pytestmark = pytest.mark.filterwarnings("ignore")

OURS = Executor()
SEEDS = st.integers(0, 10**9)
GENERATED = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],
}
"""One frame with all its rules takes GX seconds: no shrinking, and the same frames every time."""


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """GX logs each rule that it cannot run."""
    log = logging.getLogger("great_expectations")
    was, log.disabled = log.disabled, True
    yield
    log.disabled = was


@pytest.fixture(scope="module")
def pandas() -> Pandas:
    return Pandas()


@pytest.fixture(scope="module")
def postgresql(server: embedded.Lease) -> Iterator[Postgres]:
    make_database(server, "expectations", template="template0")
    engine = Postgres(server, "expectations")
    yield engine
    engine.close()


def agree(frame: Frame, drawn: list[Rule], theirs: list[Found], ours: list[Found]) -> set[str]:
    """Compare what two engines found, and give the types that were."""
    for rule, expected, found in zip(drawn, theirs, ours, strict=True):
        assert not found.error, (rule, found.error)
        # GX's SQL engine counts the rows of a repeated key, and does not say which they are
        seen = found if expected.rows is not None else replace(found, rows=None)
        assert seen == expected, (rule, frame.cells, expected.observed, found.observed)
        if isinstance(found.observed, float | int) and expected.observed is not None:
            assert found.observed == pytest.approx(expected.observed, rel=1e-12), rule
    return {rule.type for rule in drawn}


def against_pandas(pandas: Pandas, frame: Frame, seed: int) -> set[str]:
    drawn = list(rules(frame, _random(seed), BY_PANDAS, [*CONDITIONS, *PANDAS_CONDITIONS]))
    theirs = pandas.run(frame, drawn)
    assert not any(found.error for found in theirs)
    return agree(frame, drawn, theirs, OURS.run(frame, drawn))


def against_postgresql(postgresql: Postgres, frame: Frame, seed: int) -> set[str]:
    drawn = [
        rule
        for rule in rules(frame, _random(seed), BY_POSTGRESQL, CONDITIONS)
        if not UNLIKE.get(rule.type, lambda *_: False)(frame, rule)
    ]
    theirs = postgresql.run(frame, drawn)
    # GX's SQL engine cannot run some of its own rules: with a row condition (on SQLAlchemy 2.1), or on no value
    ran = [i for i, found in enumerate(theirs) if not found.error]
    ours = OURS.run(frame, drawn)
    return agree(frame, *([some[i] for i in ran] for some in (drawn, theirs, ours)))


@pytest.mark.parametrize("frame", EDGES, ids=["no row", "no value", "one row"])
def test_agrees_with_pandas_at_the_edge(pandas: Pandas, frame: Frame) -> None:
    assert against_pandas(pandas, frame, seed=1) == set(BY_PANDAS)


@settings(max_examples=4, **GENERATED)
@given(frame=frames(), seed=SEEDS)
def test_agrees_with_pandas(pandas: Pandas, frame: Frame, seed: int) -> None:
    assert against_pandas(pandas, frame, seed) == set(BY_PANDAS)


@pytest.mark.parametrize("frame", EDGES, ids=["no row", "no value", "one row"])
def test_agrees_with_postgresql_at_the_edge(postgresql: Postgres, frame: Frame) -> None:
    assert len(against_postgresql(postgresql, frame, seed=1)) > 30


def test_agrees_with_postgresql(postgresql: Postgres) -> None:
    compared: set[str] = set()

    @settings(max_examples=3, **GENERATED)
    @given(frame=frames(min_rows=4), seed=SEEDS)
    def compare(frame: Frame, seed: int) -> None:
        compared.update(against_postgresql(postgresql, frame, seed))

    compare()
    assert compared == set(BY_POSTGRESQL)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.name)
def test_difference_between_engines_is_as_written(
    pandas: Pandas, postgresql: Postgres, difference: Difference
) -> None:
    frame = Frame(difference.cells, keeps_nan=True)

    said = [Said.of(engine.run(frame, [difference.rule])[0]) for engine in (pandas, postgresql, OURS)]

    assert said == [difference.pandas, difference.postgresql, difference.sipetl]
    assert TYPES[difference.rule.type].note


def test_suite_as_gx_writes_it_is_read_and_means_the_same(pandas: Pandas, tmp_path: Path) -> None:
    drawn = list(rules(EDGES[2], _random(3), list(DRAWS), CONDITIONS))
    file = tmp_path / "suite.json"
    file.write_text(json.dumps(pandas.suite(drawn).to_json_dict()), encoding="utf-8")

    suite = read_suite(file)

    columns = {name: kind for name, (kind, _) in EDGES[2].cells.items()}
    assert not [str(fault) for fault in check_suite(suite, columns) if "'absent'" not in str(fault)]
    assert [rule.type for rule in suite.expectations] == [rule.type for rule in drawn]
    again = [Rule(rule.type, rule.kwargs) for rule in suite.expectations]
    assert OURS.run(EDGES[2], again) == OURS.run(EDGES[2], drawn)


def test_every_type_that_is_run_is_proven() -> None:
    run = {name for name, known in TYPES.items() if known.way is not Way.NEVER}

    assert run == set(DRAWS)


def test_every_type_of_gx_has_its_row() -> None:
    import great_expectations.expectations.core  # noqa: F401 - it registers its types
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    registered = set(list_registered_expectation_implementations())
    without_code = {name for name, known in TYPES.items() if known.note.startswith("GX 1.24 has the name")}

    assert registered == set(TYPES) - without_code


Told = tuple[Frame, list[Rule], Any]


@pytest.fixture(scope="module")
def in_order() -> Told:
    """Rules of every type, and what one thread says of rows that come in their order."""
    frame = _large(_random(7))
    drawn = list(rules(frame, _random(1), list(DRAWS), CONDITIONS))
    with duckdb.connect(config={"threads": 1}) as con:
        return frame, drawn, OURS.told(con, frame, frame.numbered, drawn)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_neither_threads_nor_order_change_a_bit(in_order: Told, threads: int) -> None:
    frame, drawn, told = in_order
    shuffled = _random(threads).sample(frame.numbered, len(frame.numbered))

    with duckdb.connect(config={"threads": threads}) as con:
        again = OURS.told(con, frame, shuffled, drawn)

    assert again == told
    assert sum(bool(result.unexpected_count) for result in told[0]) > 50
    assert not any(result.error for result in told[0])


def _random(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same rules every time


def _large(rng: Random) -> Frame:
    """Twenty thousand rows, so that DuckDB spreads them over its threads; floats whose sum depends on the order."""
    count = 20_000
    small = EDGES[2].cells
    cells = {
        name: (kind, [rng.choice([*cells, None]) for _ in range(count)]) for name, (kind, cells) in small.items()
    }
    cells["f"] = ("double", [rng.uniform(-1e6, 1e6) for _ in range(count)])
    cells["g"] = ("double", [rng.choice([0.1, 1e16, -1e16, None]) for _ in range(count)])
    cells["full"] = ("bigint", [rng.randint(-3, 3) for _ in range(count)])
    cells["i"] = ("bigint", [rng.choice([None, 1, 2, 10**12]) for _ in range(count)])
    cells["t"] = ("varchar", [rng.choice(["A", "B", "AB", "a", "", None]) for _ in range(count)])
    return Frame(cells)
