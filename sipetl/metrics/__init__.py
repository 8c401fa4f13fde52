"""Metric values: the catalogue, the compiler, compute, and the one place where integers become values."""

from sipetl.metrics.catalogue import Catalogue, Metric, Source, check_catalogue, load_catalogue
from sipetl.metrics.compute import KEY, LOWER, UPPER, compute_feed, ensure_inputs, find_values, roll_up
from sipetl.metrics.facts import load_facts
from sipetl.metrics.grades import grade_groups
from sipetl.metrics.measuring import to_values
from sipetl.metrics.value import Interval, Measured, Sums, half_up, measure

__all__ = [
    "KEY",
    "LOWER",
    "UPPER",
    "Catalogue",
    "Interval",
    "Measured",
    "Metric",
    "Source",
    "Sums",
    "check_catalogue",
    "compute_feed",
    "ensure_inputs",
    "find_values",
    "grade_groups",
    "half_up",
    "load_catalogue",
    "load_facts",
    "measure",
    "roll_up",
    "to_values",
]
