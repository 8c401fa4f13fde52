"""Typed settings, read once from the environment: where the stores are, what day it is, how much to use.

Several hosts share a home when the three store settings and the key file are the same (decision 2).
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sipetl.errors import ConfigError

DEFAULT_HOME = Path("sipetl-home")


class EngineName(StrEnum):
    """What adds up the rows of the lake."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class Settings(BaseSettings):
    """What every command needs to know. Environment names are `SIPETL_` + the field's name."""

    model_config = SettingsConfigDict(env_prefix="SIPETL_", frozen=True, extra="ignore")

    home: Path = DEFAULT_HOME
    landing_url: str = ""
    lake_url: str = ""
    warehouse_url: str = ""
    """Empty: the embedded PostgreSQL of the home."""
    key_file: Path = Path()
    expectations_dir: Path | None = None
    as_of: date | None = None
    """The injected clock: a day, at whose end commands act (choice 17)."""
    memory: str = "2GB"
    """What DuckDB may hold before it spills to the home's scratch folder."""
    engine: EngineName = EngineName.DUCKDB
    """What computes metrics; the numbers are the same (docs/spark.md)."""
    spark_master: str = ""
    """Where Spark runs; empty: on this machine, with `threads`."""
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _defaults_inside_home(cls, values: dict[str, object]) -> dict[str, object]:
        home = Path(str(values.get("home") or DEFAULT_HOME)).absolute()
        values["home"] = home
        for name, inside in (("landing_url", "landing"), ("lake_url", "lake"), ("key_file", "sipetl.key")):
            values[name] = values.get(name) or str(home / inside)
        return values

    @property
    def registry_dir(self) -> Path:
        return self.home / "registry"

    @property
    def scratch_dir(self) -> Path:
        return self.home / "scratch"

    @property
    def reports_dir(self) -> Path:
        return self.home / "reports"

    def now(self) -> datetime:
        """The moment commands act at: the end of the `as_of` day, or the clock."""
        if self.as_of is None:
            return datetime.now(UTC)
        return datetime(self.as_of.year, self.as_of.month, self.as_of.day, 23, 59, 59, tzinfo=UTC)

    def on(self, day: date) -> Self:
        """The same settings on another day."""
        return self.model_copy(update={"as_of": day})


def load_settings(**given: object) -> Settings:
    """Read the environment; what is given (and not None) wins.

    Raises:
        ConfigError: a value cannot be used.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "SIPETL_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(str(first["msg"]), where=name) from None
