"""The same statements on Spark: for more rows than one machine adds up in the time there is (docs/spark.md).

sqlglot writes a statement in Spark's SQL, CTE by CTE; each becomes a view of a session of its own. Lake tables are read
as the Parquet files that Delta names; small tables are copied from DuckDB, and the integers go back there.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import duckdb
import pyarrow as pa
from sqlglot import exp, parse_one

from sipetl.errors import ConfigError, LakeError
from sipetl.lake import Lake, view_types
from sipetl.metrics.engine import FUNCTIONS, Given
from sipetl.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SAME_MEANING = {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC"}
"""What every session is told, wherever Spark runs: numbers never overflow in silence, and days are days."""
_QUIET = Path(__file__).parent / "reference" / "spark-log4j2.properties"
_TYPES = {"varchar": "string", "blob": "binary"}
"""DuckDB's names of types where Spark's differ."""
_OWN_KEY = "shiftrightunsigned(cast(conv(substr(hex(id_hash), 1, 16), 16, -10) as bigint), 1)"
"""`own_key`: Spark has no unsigned integers, so the 64 bits are read as a signed one and moved without their sign."""


@dataclass(frozen=True, slots=True)
class Spark:
    """Adds up the rows of a lake in a Spark session."""

    row_bytes: ClassVar[int] = 25
    """Only values come here: of days of attendance one for fifty rows."""
    session: SparkSession
    lake: Lake

    def fill(self, con: duckdb.DuckDBPyConnection, table: str, query: str, given: Given) -> None:
        """Make a temporary table of DuckDB hold what a query finds; Spark's own words may quote rows."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            rows = self._run(con, query, given)
        except (PySparkException, Py4JError) as error:
            said = error.getCondition() if isinstance(error, PySparkException) else None
            why = f"Spark says {said or type(error).__name__}"
            raise LakeError("the metrics cannot be computed", where=table, why=why) from None
        con.register("filled_by_spark", rows)
        con.execute(f"create or replace temp table {table} as select * from filled_by_spark")
        con.unregister("filled_by_spark")

    def _run(self, con: duckdb.DuckDBPyConnection, query: str, given: Given) -> pa.Table:
        session = self.session.newSession()
        for name, value in SAME_MEANING.items():
            session.conf.set(name, value)
        tree = cast("exp.Query", parse_one(query, dialect="duckdb").transform(_inlined, _functions()))
        steps = tree.ctes
        read = Counter(table.name for table in tree.find_all(exp.Table))
        for name in read.keys() - {step.alias for step in steps}:
            self._input(session, con, name).createOrReplaceTempView(name)
        for step in steps:
            frame = _frame(session, step.this, given)
            if (
                read[step.alias] > 1
            ):  # keep its rows, and be done with its plan: one inside another, plans outgrow all memory
                frame = frame.localCheckpoint(eager=False)
            frame.createOrReplaceTempView(step.alias)
        tree.set("with_", None)
        return _frame(session, tree, given).toArrow()

    def _input(self, session: SparkSession, con: duckdb.DuckDBPyConnection, name: str) -> DataFrame:
        if name not in self.lake.views:
            return session.createDataFrame(con.table(name).to_arrow_table())
        types = ", ".join(f"`{column}` {_TYPES.get(kind, kind)}" for column, kind in view_types(name).items())
        files = self.lake.views[name]
        if not files:
            return session.createDataFrame([], types)
        base = self.lake.table_url(name.removeprefix("lake_"))
        return session.read.schema(types).option("basePath", base).parquet(*files)


def _frame(session: SparkSession, tree: exp.Expr, given: Given) -> DataFrame:
    """What a query finds. Spark's SQL knows no union by name, but its frames do."""
    if isinstance(tree, exp.Union) and tree.args.get("by_name"):
        first, second = (_frame(session, part, given) for part in (tree.left, tree.right))
        return first.unionByName(second, allowMissingColumns=True)
    return session.sql(tree.sql(dialect="spark", comments=False), dict(given))


def _functions() -> Mapping[str, tuple[list[str], exp.Expr]]:
    """What facts call by name: parameters and body."""
    found = {}
    for signature, sql in FUNCTIONS.items():
        called = parse_one(signature, dialect="duckdb")
        found[called.name] = ([one.name for one in called.expressions], parse_one(sql, dialect="duckdb"))
    return {**found, "own_key": (["id_hash"], parse_one(_OWN_KEY, dialect="spark"))}


def _inlined(node: exp.Expr, functions: Mapping[str, tuple[list[str], exp.Expr]]) -> exp.Expr:
    if not isinstance(node, exp.Anonymous) or node.name not in functions:
        return node
    parameters, body = functions[node.name]
    given = dict(zip(parameters, node.expressions, strict=True))

    def filled(part: exp.Expr) -> exp.Expr:
        return given[part.name].copy() if isinstance(part, exp.Column) and part.name in given else part

    return exp.paren(body.copy().transform(filled))


@contextmanager
def open_session(settings: Settings, scratch: Path) -> Iterator[SparkSession]:
    """The session of this process: the one that is there already (a notebook, `spark-submit`), else a new one, stopped after.

    Raises:
        ConfigError: PySpark or Java is not here, or Spark does not start.
    """
    logging.getLogger("SQLQueryContextLogger").disabled = True  # PySpark's own words, too
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigError("PySpark is not installed", where="SIPETL_ENGINE", cure="install sipetl[spark]") from None
    there = SparkSession.getActiveSession()
    if there is not None:
        yield there
        return
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        cure = "install Java 17 or newer (Debian: openjdk-17-jre-headless)"
        raise ConfigError("Spark needs Java, which is not here", where="SIPETL_ENGINE", cure=cure)
    try:
        session = _start(settings, scratch)
    except PySparkException as error:
        cure = "see docs/spark.md for what it needs"
        raise ConfigError(
            "Spark does not start", where="SIPETL_ENGINE", why=error.getCondition() or "", cure=cure
        ) from None
    try:
        yield session
    finally:
        session.stop()


def _start(settings: Settings, scratch: Path) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("sipetl")
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # else spark-submit has started it, with its own configuration
        for name, value in _configuration(settings, scratch).items():
            builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")  # its errors may quote rows
    return session


def _configuration(settings: Settings, scratch: Path) -> dict[str, str]:
    """Of a Spark of our own: this machine's, within memory and threads of the settings, unless a master is named."""
    here = {
        "spark.master": f"local[{settings.threads}]",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(scratch),
        "spark.sql.shuffle.partitions": str(4 * settings.threads),
    }
    return {
        **({"spark.master": settings.spark_master} if settings.spark_master else here),
        "spark.driver.memory": _jvm_memory(settings.memory),
        "spark.driver.maxResultSize": "0",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_QUIET}",
        "spark.sql.warehouse.dir": str(scratch),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


def _jvm_memory(memory: str) -> str:
    """The setting that DuckDB reads, as Java does."""
    found = re.fullmatch(r"(\d+) ?([kmgt])i?b", memory.strip().lower())
    if found is None:
        raise ConfigError("this is no memory that Spark knows", where="SIPETL_MEMORY", cure="write it as 2GB")
    return found[1] + found[2]
