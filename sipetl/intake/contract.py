"""Contracts: what each feed must look like once mapped (Open Data Contract Standard 3.1, one file per feed).

Only the parts that the pipeline acts on are modelled; a test holds the files against the standard's own schema.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field

from sipetl.registry.models import FeedName, Model

PhysicalType = Literal["varchar", "blob", "date", "boolean", "bigint", "decimal(18,6)"]


class CustomProperty(Model):
    """A `customProperties` entry."""

    property: str
    value: Any


class Property(Model):
    """A column of a contract."""

    name: str
    logical_type: str = Field(alias="logicalType")
    physical_type: PhysicalType = Field(alias="physicalType")
    required: bool = False
    primary_key: bool = Field(False, alias="primaryKey")
    primary_key_position: int | None = Field(None, alias="primaryKeyPosition")
    classification: Literal["pseudonym", "sensitive", "public"]
    description: str
    custom_properties: tuple[CustomProperty, ...] = Field((), alias="customProperties")

    @property
    def enum(self) -> tuple[str, ...]:
        """The values allowed; empty = any."""
        return next((tuple(p.value) for p in self.custom_properties if p.property == "enum"), ())


class SchemaObject(Model):
    """The one table of a contract."""

    name: str
    logical_type: str = Field(alias="logicalType")
    grain: str = Field(alias="dataGranularityDescription")
    properties: tuple[Property, ...]


class Purpose(Model):
    """The contract's description."""

    purpose: str


class Sla(Model):
    """A service level."""

    property: str
    value: int
    unit: str


class Contract(Model):
    """One feed's contract."""

    api_version: Literal["v3.1.0"] = Field(alias="apiVersion")
    kind: Literal["DataContract"]
    id: str
    version: str
    status: str
    name: FeedName
    description: Purpose
    tables: tuple[SchemaObject] = Field(alias="schema")
    sla: tuple[Sla, ...] = Field(alias="slaProperties")
    custom_properties: tuple[CustomProperty, ...] = Field(alias="customProperties")

    @property
    def columns(self) -> tuple[Property, ...]:
        """The columns, in order."""
        return self.tables[0].properties

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the columns that identify a row within a district and school year."""
        return tuple(c.name for c in self.columns if c.primary_key)

    def part(self, names: Collection[str]) -> Contract:
        """The contract of some columns."""
        kept = tuple(c for c in self.columns if c.name in names)
        return self.model_copy(update={"tables": (self.tables[0].model_copy(update={"properties": kept}),)})

    def column(self, name: str) -> Property:
        """The column of that name.

        Raises:
            KeyError: the contract has no such column.
        """
        return {c.name: c for c in self.columns}[name]

    def custom(self, name: str) -> Any:
        """A custom property's value: `removeLimitPercent`, `changeLimitPercent`, `scopeKinds`."""
        return {p.property: p.value for p in self.custom_properties}[name]


@cache
def load_contract(feed: FeedName) -> Contract:
    """The shipped contract of a feed.

    Raises:
        RegistryError: the file is not a valid contract.
    """
    from sipetl.registry.yamlfile import load_model

    source = files("sipetl.intake") / "contracts" / f"{feed}.odcs.yaml"
    return load_model(source, Contract)  # type: ignore[arg-type]  # a real path: the wheel is unpacked
