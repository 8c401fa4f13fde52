"""The registry: organizations, crosswalks, feeds, inboxes, calendars and school days, due rules, cycles."""

from sipetl.registry.load import Registry, check_registry, load_registry

__all__ = ["Registry", "check_registry", "load_registry"]
