"""Inboxes that cannot be read: noted while all others are worked, and told at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sipetl.errors import ConfigError, InboxError, StoreError, UnsettledError
from sipetl.intake import Found

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Away:
    """Of whom an inbox, or a file in it, could not be read, and why."""

    sender: str
    error: InboxError | ConfigError

    @property
    def is_of_server(self) -> bool:
        """Whether the rest of the inbox is better not tried either."""
        return isinstance(self.error, InboxError) and not isinstance(self.error, UnsettledError)


@dataclass(frozen=True, slots=True)
class Looking:
    """A look into many inboxes. A server that is away, or refused the login, is tried once: its others are away too."""

    away: list[Away] = field(default_factory=list)
    _servers: dict[str, InboxError | ConfigError] = field(default_factory=dict)

    def into(self, sender: str, url: str, look: Callable[[str], list[Found]]) -> list[Found]:
        """What a look into an inbox finds; nothing where it is away."""
        server = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" if "://" in url else None
        try:
            if server in self._servers:
                known = self._servers[server]
                raise type(known)(known.what, where=url, why=known.why, cure=known.cure)
            return look(url)
        except (InboxError, ConfigError) as error:
            self.away.append(Away(sender, error))
            if server and (self.away[-1].is_of_server or not error.where.startswith(url)):
                self._servers[server] = error
            return []


def raise_away(away: Sequence[Away]) -> None:
    """Raise what kept inboxes from being read, if anything did: first what may heal, since trying again is worth it."""
    if not away:
        return
    first = next((one.error for one in away if isinstance(one.error, StoreError)), away[0].error)
    others = sorted({one.error.where for one in away} - {first.where})
    if not others:
        raise first
    more = f" and {len(others) - MOST_NAMED} more" * (len(others) > MOST_NAMED)
    also = f"also away: {', '.join(others[:MOST_NAMED])}{more}"
    raise type(first)(first.what, where=first.where, why=first.why, cure=f"{first.cure}; {also}")
