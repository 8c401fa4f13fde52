"""The last look at a draft's columns: nothing is taken from what is, or may be, somebody's id, but a hash.

Whatever led to a column, no student's id may reach the lake as it is: a draft that errs leaves a column out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sipetl.intake.headers import normal
from sipetl.intake.suggest.persons import Person
from sipetl.intake.suggest.profile import Profile, profiles
from sipetl.registry.models import FeedName

if TYPE_CHECKING:
    from sipetl.intake.suggest.columns import Columns

FIGURES = ("value", "numerator", "denominator")
"""Columns of published figures that stay readable for ever."""


def hold_back(out: Columns) -> None:
    """Take back what would keep an id as it is, and tell of each column that is or may be one."""
    columns = {normal(column.header): column for column in profiles(out.sample)}
    ids = {name: column for name, column in columns.items() if column.person is Person.SURE}
    taken = [name for name, spec in out.specs.items() if _is_bare(spec.data, ids)]
    for name in taken:
        del out.specs[name]
    out.long = [
        variant for variant in out.long if not any(_is_bare(data, ids) for data in variant["columns"].values())
    ]
    if out.school_year and _is_bare(out.school_year, ids):
        out.school_year = None
    if out.melt and any(re.search(out.melt["headers"], name, re.IGNORECASE) for name in ids):
        out.melt = None
        out.specs.pop("value", None)
    _forget(out, ids)
    if out.choice.feed is FeedName.PUBLISHED_RESULTS:
        _refuse(out, columns)
    _tell(out, ids)


def _is_bare(data: Mapping[str, Any], ids: Mapping[str, Profile]) -> bool:
    """Is a column read from an id, and not hashed?"""
    return normal(str(data.get("from", ""))) in ids and "id" not in data


def _forget(out: Columns, ids: Mapping[str, Profile]) -> None:
    """What is not read is dropped, and the file is not recognised by it."""
    hashed = {normal(spec.header) for spec in out.specs.values() if spec.header}
    gone = ids.keys() - hashed
    out.read -= gone
    out.shown = [header for header in out.shown if normal(header) not in gone]


def _refuse(out: Columns, columns: Mapping[str, Profile]) -> None:
    """Figures that may be ids are left to a person: written as comments, and the draft does not load until then."""
    doubted = {name for name, column in columns.items() if column.person is Person.MAYBE}
    out.refused = [one for one in out.long if _figures_of(one) & doubted]
    out.long = [one for one in out.long if not _figures_of(one) & doubted]


def _figures_of(variant: Mapping[str, Any]) -> set[str]:
    return {normal(variant["columns"][name]["from"]) for name in FIGURES if name in variant["columns"]}


def refused_headers(refused: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that a person has to decide about."""
    return list(
        dict.fromkeys(one["columns"][name]["from"] for one in refused for name in FIGURES if name in one["columns"])
    )


def _tell(out: Columns, ids: Mapping[str, Profile]) -> None:
    if out.refused:
        names = ", ".join(map(repr, refused_headers(out.refused)))
        out.unsure.insert(
            0, f"{names} may be the id of a person: no figure is made of it before you say that it is one"
        )
    hashed = {normal(spec.header) for spec in out.specs.values() if spec.header}
    left = [column.header for name, column in ids.items() if name not in hashed]
    if left and out.choice.feed is FeedName.PUBLISHED_RESULTS:
        names = ", ".join(map(repr, left))
        told = f"{names} looks like the id of a person: it is dropped, and no figure is made of it"
        out.unsure.insert(0, f"{told}. Rows about persons are no published results: name their feed with --feed")
        return
    out.unsure += [f"{header!r} looks like the id of a person: it is dropped" for header in left]
