"""tf.random: the draws that most programs use. Eager and traced draws of one state are equal bit for bit.

The rest lies beside it: random_gamma, random_poisson, random_binomial, random_categorical, random_truncated,
random_shuffle and random_seeds.
"""

from __future__ import annotations

from typing import Any

from eager.ops.common import shape_argument
from eager.ops.public import public
from eager.ops.random_generator import Generator
from eager.ops.random_state import draw, floating_dtype, scaled, stateless_state, uniform_in
from eager.ops.random_streams import get_global_generator, set_global_generator, set_seed, stream
from eager.tensor import Tensor
from graphcore.dtypes import as_dtype, float32


@public("random.uniform")
def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Uniform draws in [minval, maxval) (tf.random.uniform).

    Raises:
        ValueError: for an integer dtype without maxval.
    """
    return stream(seed, f"uniform {as_dtype(dtype).name}").uniform(shape, minval, maxval, dtype, name)


@public("random.normal")
def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal draws (tf.random.normal).

    Raises:
        DTypeError: for a dtype that is not floating.
    """
    kind = floating_dtype(dtype, "normal")
    return stream(seed, f"normal {kind.name}").normal(shape, mean, stddev, kind, name)


@public("random.truncated_normal")
def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal draws within two standard deviations (tf.random.truncated_normal).

    Raises:
        DTypeError: for a dtype that is not floating.
    """
    kind = floating_dtype(dtype, "truncated_normal")
    return stream(seed, f"truncated_normal {kind.name}").truncated_normal(shape, mean, stddev, kind, name)


@public("random.stateless_uniform")
def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Uniform draws that depend on `seed`, a pair of integers, alone (tf.random.stateless_uniform).

    Integers need maxval, or None for both limits: then they cover the whole range of their dtype.

    Raises:
        ValueError: for an integer dtype with one limit; for a seed of another shape.
    """
    del name
    kind, sizes = as_dtype(dtype), shape_argument(shape, "stateless_uniform")
    state = stateless_state(seed, alg)
    return uniform_in(lambda what: draw(what, state, sizes, kind), minval, maxval, kind)


@public("random.stateless_normal")
def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Normal draws that depend on `seed`, a pair of integers, alone (tf.random.stateless_normal).

    Raises:
        DTypeError: for a dtype that is not floating.
        InvalidArgumentError: for a seed of another shape.
    """
    del name
    kind, sizes = floating_dtype(dtype, "stateless_normal"), shape_argument(shape, "stateless_normal")
    return scaled(draw("normal", stateless_state(seed, alg), sizes, kind), mean, stddev)


__all__ = [
    "Generator", "get_global_generator", "normal", "set_global_generator", "set_seed",
    "stateless_normal", "stateless_uniform", "truncated_normal", "uniform",
]  # fmt: skip
