"""What all tables share: the metadata, its naming rules, and a column with a comment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MOMENT = DateTime(timezone=True)
"""An aware moment, stored in UTC."""


def col(name: str, kind: Any, comment: str, *, null: bool = False, pk: bool = False) -> Column[Any]:
    """A column that carries its comment."""
    return Column(name, kind, comment=comment, nullable=null, primary_key=pk)
