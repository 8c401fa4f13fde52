"""Names that a person types, held against those that there are: a mistyped one is refused, never answered with nothing.

Case is forgiven where it leaves no doubt. A refusal says which names are near, or all where they are few, and where
they are listed. Used by every command that takes the name of something.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from sipetl.errors import ConfigError
from sipetl.metrics import load_catalogue
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from sipetl.registry.spelling import nearest
from sipetl.warehouse import tables as t

FEW = 8
"""As many names are all shown; of more, those that are near."""
FEEDS = tuple(feed.value for feed in FeedName)
DELIVERY_STATUSES = ("landed", *(outcome.value for outcome in Outcome if outcome is not Outcome.QUARANTINED))
LEVELS = ("state", "region", "district", "school")


def chosen(given: str | None, what: str, known: Iterable[str], *, listed: str) -> str | None:
    """The known name that was meant; None where none was given.

    Args:
        given: as typed.
        what: what it names, for the refusal.
        known: every name there is.
        listed: where they are listed, for the refusal.

    Raises:
        ConfigError: there is no such name, or its case leaves several.
    """
    names = sorted(set(known))
    if given is None or given in names:
        return given
    alike = [name for name in names if name.casefold() == given.casefold()]
    if len(alike) == 1:
        return alike[0]
    raise ConfigError(f"there is no such {what}", where=given, why=_offered(given, names), cure=listed)


def _offered(given: str, names: list[str]) -> str:
    if not names:
        return "none is known here"
    if len(names) <= FEW:
        return f"known here: {', '.join(names)}"
    found = nearest(given, names, FEW)
    return f"near: {', '.join(found)}" if found else ""


def cycle(connection: Connection, given: str | None) -> str | None:
    """A monitoring cycle."""
    known = connection.scalars(select(t.ref.cycle.c.cycle))
    return chosen(given, "cycle", known, listed="cycles are in cycles.yaml")


def district(connection: Connection, given: str | None, *, senders: bool = False) -> str | None:
    """A district, or the state; with `senders` also whoever else sent a file."""
    organization = t.ref.organization
    known = set(connection.scalars(select(organization.c.district).where(organization.c.level == "district")))
    known |= set(connection.scalars(select(t.ref.home.c.state_code)))
    if senders:
        known |= set(connection.scalars(select(t.ops.delivery.c.sender).distinct()))
    return chosen(given, "district in the registry", known, listed="districts are in organizations.yaml")


def of_district(connection: Connection, given: str) -> str:
    """A district that has rows of its own: not the state."""
    organization = t.ref.organization
    known = connection.scalars(select(organization.c.district).where(organization.c.level == "district"))
    return chosen(given, "district in the registry", known, listed="districts are in organizations.yaml") or given


def organization(connection: Connection, given: str | None) -> str | None:
    """An organization's code."""
    known = connection.scalars(select(t.ref.organization.c.code))
    return chosen(given, "organization", known, listed="codes are in organizations.yaml, and in pub.dim_organization")


def period(connection: Connection, given: str | None) -> str | None:
    """A period's code."""
    known = connection.scalars(select(t.ref.period.c.code))
    return chosen(given, "period", known, listed="a year (2026), month (2025-10), window (2026-fall) or cycle (C1)")


def student_group(connection: Connection, given: str | None) -> str | None:
    """A student group's code."""
    known = connection.scalars(select(t.ref.student_group.c.student_group))
    return chosen(given, "student group", known, listed="groups are in the view pub.dim_student_group")


def metric(connection: Connection, given: str | None) -> str | None:
    """A metric of the catalogue, or one that the data brought."""
    known = {*connection.scalars(select(t.ref.metric.c.metric)), *(m.metric for m in load_catalogue().metrics())}
    return chosen(given, "metric", known, listed="see 'sipetl metrics list'")


def feed(given: str | None) -> str | None:
    """A feed."""
    return chosen(given, "feed", FEEDS, listed="feeds are in feeds.yaml")
