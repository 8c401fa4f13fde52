"""The reports room: pages that people read, self-contained HTML with charts (no script, nothing from elsewhere)."""

from sipetl.reports.files import make_private, write_private
from sipetl.reports.html import home_report, render, report
from sipetl.reports.model import Display
from sipetl.reports.words import number

__all__ = ["Display", "home_report", "make_private", "number", "render", "report", "write_private"]
