"""tf.random: random numbers."""

from __future__ import annotations

from eager.lazy import lazy_names
from eager.ops.random import (
    Generator,
    get_global_generator,
    normal,
    set_seed,
    stateless_normal,
    stateless_uniform,
    truncated_normal,
    uniform,
)

__all__ = [
    "Generator", "get_global_generator", "normal", "set_seed", "stateless_normal", "stateless_uniform",
    "truncated_normal", "uniform",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(globals(), "tf.random", {})
