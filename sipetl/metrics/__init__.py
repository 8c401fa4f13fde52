"""Metric values: the catalogue, the compiler, compute, and the one place where integers become values."""

from sipetl.metrics.catalogue import Catalogue, Metric, Source, load_catalogue
from sipetl.metrics.compute import LOWER, UPPER, compute_feed, find_values, roll_up, to_values
from sipetl.metrics.value import Interval, Measured, Sums, half_up, measure

__all__ = [
    "LOWER",
    "UPPER",
    "Catalogue",
    "Interval",
    "Measured",
    "Metric",
    "Source",
    "Sums",
    "compute_feed",
    "find_values",
    "half_up",
    "load_catalogue",
    "measure",
    "roll_up",
    "to_values",
]
