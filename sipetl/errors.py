"""Every error a person can meet, as one tree.

    SipetlError                 base; carries what, where, why, cure, and the exit status
      ConfigError               the call or the configuration is wrong (exit 2)
        RegistryError           a registry, plan, layout, contract, suite, metric or policy file
        KeyMismatchError        the key file is not the one this home was made with
      StoreError                a store or a connection failed (exit 3)
        WarehouseError
        LakeError
        LandingError
        InboxError            an inbox, or a file in it, cannot be read now
          UnsettledError      a file changed or went while it was read
      DeliveryError             a delivery cannot be taken (exit 4); becomes an outcome in the ledger
        UnrecognizedError       no layout fits
        UnreadableError         the bytes are not the table they claim to be
        ScopeError              district, school year or window cannot be told from the content

A message is one short paragraph: what, where, why, what to do. It never holds a student's value.
"""

from __future__ import annotations


class SipetlError(Exception):
    """Base of all errors that are shown to a person without a traceback."""

    exit_status = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", cure: str = "") -> None:
        self.what, self.where, self.why, self.cure = what, where, why, cure
        super().__init__(what)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        told = "; ".join(part.rstrip(".") for part in (head, self.why, self.cure) if part)
        return told if told.endswith("?") else f"{told}."


class ConfigError(SipetlError):
    """The call or the configuration is wrong."""

    exit_status = 2


class RegistryError(ConfigError):
    """A reviewed data file (registry, plan, layout, contract, suite, metric, policy) is wrong."""


class KeyMismatchError(ConfigError):
    """The key file is not the one this home's identifiers were hashed with."""


class StoreError(SipetlError):
    """A store or a connection failed."""

    exit_status = 3


class WarehouseError(StoreError):
    """PostgreSQL cannot be reached, started or used."""


class LakeError(StoreError):
    """A Delta table cannot be read or committed."""


class LandingError(StoreError):
    """A file cannot be kept in landing, or read there."""


class InboxError(StoreError):
    """An inbox cannot be reached, or a file in it cannot be read now; other inboxes go on."""


class UnsettledError(InboxError):
    """A file in an inbox changed or went while it was read; the next run takes what is there then."""


class DeliveryError(SipetlError):
    """A delivery cannot be taken; the ledger keeps the reason."""

    exit_status = 4


class UnrecognizedError(DeliveryError):
    """No layout fits the file."""


class UnreadableError(DeliveryError):
    """The bytes are not the table they claim to be."""


class ScopeError(DeliveryError):
    """District, school year or window cannot be told from the content."""
