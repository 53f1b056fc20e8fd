"""Approximate quantiles of data that comes in batches: summaries of values and weights, on the host.

The method is the one of tf.keras.layers.Discretization: keep every k-th sorted value, merge, interpolate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.tensor import Tensor, wrap

_Array = np.ndarray[Any, Any]


def plain_numbers(values: Any) -> list[Any]:
    """Numbers given as a list, array or tensor, as a list."""
    return list(values) if isinstance(values, list | tuple) else convert(values).numpy().tolist()


def empty_summary() -> Tensor:
    """The summary of no values: float32 [2, 0], values above weights."""
    return wrap(np.zeros((2, 0), np.float32))


def with_batch(summary: Any, batch: Any, epsilon: float) -> Tensor:
    """A summary that also covers a batch; its error grows with epsilon."""
    values = np.sort(np.asarray(convert(batch).numpy(), np.float32), axis=None)
    step = int(np.float32(values.size) / np.float32(1.0 / epsilon))
    kept = values[step :: max(step, 1)]
    both = np.concatenate([np.stack([kept, np.full_like(kept, max(step, 1))]), convert(summary).numpy()], axis=1)
    return wrap(_compressed(both[:, np.argsort(both[0], kind="stable")], epsilon))


def _compressed(summary: _Array, epsilon: float) -> _Array:
    """A summary of about 1 / epsilon values."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    below = summary[1].cumsum()
    part = below / below[-1]
    values, reached = np.interp(shares, part, summary[0]), np.interp(shares, part, below)
    return np.stack([values, np.diff(reached, prepend=0)]).astype(np.float32)


def boundaries(summary: Any, bins: int) -> list[float]:
    """The boundaries between bins of about equal weight."""
    return _compressed(convert(summary).numpy(), 1.0 / bins)[0, :-1].tolist()
