"""How far a column's values are spread from an expected spread: the Kullback-Leibler divergence, as GX weighs it."""

from __future__ import annotations

import numpy as np

from sipetl.quality.file_kwargs import Divergence
from sipetl.quality.sql import Column
from sipetl.quality.values import Floats, Values


def divergence(k: Divergence, column: Column, values: Values) -> float:
    """Compute it; infinite where a value was not expected at all, not-a-number where there is no value."""
    from scipy import stats

    partition = k.partition_object
    assert partition is not None  # noqa: S101 - without one, GX runs the rule
    observed, expected = _of_values(k, column, values) if partition.bins is None else _of_bins(k, values)
    with np.errstate(invalid="ignore"):
        return float(stats.entropy(observed, expected))


def _of_values(k: Divergence, column: Column, values: Values) -> tuple[Floats, Floats]:
    partition = k.partition_object
    assert partition is not None  # noqa: S101
    weights = {
        column.python(value): weight for value, weight in zip(partition.values or (), partition.weights, strict=True)
    }
    found = dict(zip(values.distinct.to_pylist(), (values.counts / values.n).tolist(), strict=True))
    unexpected = [value for value in found if value not in weights]
    if unexpected:
        weights = {value: weight * (1 - k.tail_weight_holdout) for value, weight in weights.items()}
    expected = [*weights.values(), *(k.tail_weight_holdout / len(unexpected) for _ in unexpected)]
    observed = [found.get(value, 0.0) for value in (*weights, *unexpected)]
    return np.array(observed), np.array(expected)


def _of_bins(k: Divergence, values: Values) -> tuple[Floats, Floats]:
    partition = k.partition_object
    assert partition is not None  # noqa: S101
    bins, numbers, counts = np.array(partition.bins), values.numbers, values.counts
    inside, _ = np.histogram(numbers, bins, weights=counts)
    tails = (counts[numbers < bins[0]].sum(), counts[numbers > bins[-1]].sum())
    weights = np.array(partition.weights) * (1 - k.tail_weight_holdout - k.internal_weight_holdout)
    empty = weights == 0
    if k.internal_weight_holdout and empty.any():
        weights[empty] = k.internal_weight_holdout / empty.sum()
    below, above = partition.tail_weights or (k.tail_weight_holdout / 2,) * 2
    observed = np.array([tails[0], *inside, tails[1]], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return observed / values.n, np.array([below, *weights, above])
