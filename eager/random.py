"""tf.random: random numbers."""

from __future__ import annotations

from eager.lazy import lazy_names
from eager.ops.random import (
    Generator,
    get_global_generator,
    normal,
    set_global_generator,
    set_seed,
    stateless_normal,
    stateless_uniform,
    truncated_normal,
    uniform,
)

__all__ = [
    "Generator", "get_global_generator", "normal", "set_global_generator", "set_seed", "stateless_normal",
    "stateless_uniform", "truncated_normal", "uniform",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(globals(), "tf.random", {
    "eager.ops.random_binomial": "stateless_binomial",
    "eager.ops.random_categorical": "categorical stateless_categorical",
    "eager.ops.random_gamma": "gamma stateless_gamma",
    "eager.ops.random_poisson": "poisson stateless_poisson",
    "eager.ops.random_seeds": "Algorithm create_rng_state fold_in split",
    "eager.ops.random_shuffle": "shuffle",
    "eager.ops.random_truncated": "stateless_parameterized_truncated_normal stateless_truncated_normal",
    "eager.random_experimental": "experimental=",
})  # fmt: skip
