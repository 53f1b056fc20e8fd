"""tf.random.experimental: names of tf.random from before they moved, and orders without a list."""

from __future__ import annotations

from eager.lazy import lazy_names
from eager.ops.random import Generator, get_global_generator, set_global_generator

__all__ = ["Generator", "get_global_generator", "set_global_generator"]

__getattr__, __dir__ = lazy_names(globals(), "tf.random.experimental", {
    "eager.ops.random_seeds": "Algorithm create_rng_state stateless_fold_in=fold_in stateless_split=split",
    "eager.ops.random_shuffle": "index_shuffle stateless_shuffle",
})  # fmt: skip
