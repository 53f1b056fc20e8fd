"""The layer that brings features to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

from eager.keras import backend
from eager.keras.layers.preprocessing.base import PreprocessingLayer
from eager.keras.layers.table import registry
from eager.keras.plain_values import as_lists
from eager.ops.array import broadcast_to, cast, ones_like, reshape, size, zeros_like
from eager.ops.create import convert_to_tensor
from eager.ops.math import maximum, sqrt, square
from eager.ops.nn import moments
from eager.tensor_shape import TensorShape
from eager.variable import Variable


@registry.add()
class Normalization(PreprocessingLayer):
    """(inputs - mean) / sqrt(variance), both given or learnt by `adapt` (tf.keras.layers.Normalization).

    What `adapt` learns lies in variables, so that traced functions follow it.
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        """Takes the axes whose positions each have a mean of their own.

        Args:
            axis: an axis, several, or None for one mean of all.
            mean, variance: both given or both learnt; numbers or arrays of the sizes of the axes.
            invert: whether the inputs are brought back.
            **kwargs: as for Layer.

        Raises:
            ValueError: if only one of mean and variance is given, or a Variable.
        """
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if isinstance(mean, Variable) or isinstance(variance, Variable):
            raise ValueError("Normalization does not support passing a Variable for `mean` or `variance`.")
        if (mean is None) != (variance is None):
            raise ValueError(
                "When setting values directly, both `mean` and `variance` must be set. "
                f"Got mean: {mean} and variance: {variance}"
            )
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert

    def build(self, input_shape: Any) -> None:
        """Makes mean and variance, of the sizes of the axes, and count, or checks those given.

        Raises:
            ValueError: for several inputs, an axis out of range, or one of unknown size.
        """
        super().build(input_shape)
        if isinstance(input_shape, list | tuple) and any(isinstance(s, TensorShape) for s in input_shape):
            raise ValueError(
                "Normalization only accepts a single input. If you are passing a python list or tuple as a single "
                "input, please convert to a numpy array or `tf.Tensor`."
            )
        sizes = TensorShape(input_shape).as_list()
        kept = self._kept_axes(sizes)
        self._reduced = [d for d in range(len(sizes)) if d not in kept]
        self._broadcast_shape = [sizes[d] if d in kept else 1 for d in range(len(sizes))]
        own = tuple(sizes[d] for d in kept)
        if self.input_mean is None:
            options: dict[str, Any] = {"dtype": self.variable_dtype, "trainable": False}
            self.adapt_mean = self.add_weight("mean", own, initializer="zeros", **options)
            self.adapt_variance = self.add_weight("variance", own, initializer="ones", **options)
            self.count = self.add_weight("count", (), dtype="int64", initializer="zeros", trainable=False)
        else:
            self._given_mean = self._given(self.input_mean, own)
            self._given_variance = self._given(self.input_variance, own)

    def _kept_axes(self, sizes: list[int | None]) -> list[int]:
        count = len(sizes)
        if any(not -count <= a < count for a in self.axis):
            raise ValueError(
                "All `axis` values must be in the range [-ndim, ndim). "
                f"Found ndim: `{count}`, axis: {self.axis}"
            )
        kept = sorted(a % count for a in self.axis)
        for d in kept:
            if sizes[d] is None:
                raise ValueError(
                    "All `axis` values to be kept must have known shape. Got axis: "
                    f"{self.axis}, input shape: {sizes}, with unknown axis at index: {d}"
                )
        return kept

    def _given(self, value: Any, own: Any) -> Any:
        wide = broadcast_to(cast(convert_to_tensor(value), self.compute_dtype), own)
        return reshape(wide, self._broadcast_shape)

    @property
    def mean(self) -> Any:
        """The mean, with the rank of the inputs."""
        if self.input_mean is not None:
            return self._given_mean
        return reshape(cast(self.adapt_mean, self.compute_dtype), self._broadcast_shape)

    @property
    def variance(self) -> Any:
        """The variance, with the rank of the inputs."""
        if self.input_variance is not None:
            return self._given_variance
        return reshape(cast(self.adapt_variance, self.compute_dtype), self._broadcast_shape)

    def update_state(self, data: Any) -> None:
        """Takes a batch into mean and variance.

        Raises:
            ValueError: if they were given.
            RuntimeError: before `build`.
        """
        if self.input_mean is not None:
            raise ValueError(
                "Cannot `adapt` a Normalization layer that is initialized with static `mean` and `variance`, "
                f"you passed mean {self.input_mean} and variance {self.input_variance}."
            )
        if not self.built:
            raise RuntimeError("`build` must be called before `update_state`.")
        dtype = self.adapt_mean.dtype
        x = cast(data, dtype)
        mean, variance = moments(x, self._reduced) if self._reduced else (x, zeros_like(x))
        new = size(x, "int64") // max(self.adapt_mean.shape.num_elements() or 1, 1)
        total = self.count + new
        share = cast(cast(new, "float64") / cast(total, "float64"), dtype)
        both = self.adapt_mean * (1.0 - share) + mean * share
        old_spread = self.adapt_variance + square(self.adapt_mean - both)
        spread = old_spread * (1.0 - share) + (variance + square(mean - both)) * share
        self.adapt_mean.assign(both)
        self.adapt_variance.assign(spread)
        self.count.assign(total)

    def reset_state(self) -> None:
        """Forgets what was learnt: mean 0, variance 1."""
        if self.input_mean is None and self.built:
            self.adapt_mean.assign(zeros_like(self.adapt_mean))
            self.adapt_variance.assign(ones_like(self.adapt_variance))
            self.count.assign(zeros_like(self.count))

    def call(self, inputs: Any) -> Any:
        """The normalized inputs, or with `invert` the original ones."""
        x = cast(convert_to_tensor(inputs), self.compute_dtype)
        deviation = maximum(sqrt(self.variance), backend.epsilon())
        return self.mean + x * deviation if self.invert else (x - self.mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; what was learnt is in the weights."""
        return super().get_config() | {
            "axis": self.axis, "invert": self.invert,
            "mean": as_lists(self.input_mean), "variance": as_lists(self.input_variance),
        }  # fmt: skip
