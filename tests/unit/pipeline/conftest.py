"""The home that tests of the pipeline work in."""

from __future__ import annotations

from tests.home import make_site, server, site

__all__ = ["make_site", "server", "site"]
