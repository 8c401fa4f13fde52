"""The reports room: pages that people read, self-contained HTML with charts (no script, nothing from elsewhere)."""

from sipetl.reports.html import home_report, render, report

__all__ = ["home_report", "render", "report"]
