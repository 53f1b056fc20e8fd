"""Normalisation by the statistics of a batch while training, by their running averages otherwise."""

from __future__ import annotations

from typing import Any

from eager.errors import UnsupportedError
from eager.keras import backend, initializers
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.smart import choose, settled
from eager.keras.layers.normalization import (
    ScaleAndShift,
    as_floating,
    axes_within,
    given_axes,
    known_sizes,
    wide_dtype,
)
from eager.keras.layers.table import registry
from eager.ops.array import cast, expand_dims, reshape, size, stop_gradient
from eager.ops.math import maximum, rsqrt
from eager.ops.nn import moments
from eager.ops.statistics import weighted_moments
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape
from graphcore.dtypes import as_dtype

_ABSENT = {
    "renorm": "standardise with GroupNormalization or LayerNormalization, which do not depend on the batch",
    "virtual_batch_size": "use smaller batches, or GroupNormalization",
    "adjustment": "scale and shift the outputs in a layer of your own",
}
_FUSED_EPSILON = 1.001e-5
"""The smallest epsilon of TensorFlow's fused kernel."""


@registry.add()
class BatchNormalization(ScaleAndShift):
    """Mean 0 and variance 1 of each channel, then scale and shift (tf.keras.layers.BatchNormalization).

    While training the statistics are those of the batch, and the running averages move towards them; otherwise, and
    while the layer is frozen (`trainable = False`), the running averages are used. As in TensorFlow, where its fused
    kernel runs (float inputs of rank 4 or 5, one axis that is the second or the last), the running variance
    averages the unbiased one, n / (n - 1) times the variance of the batch. Batch statistics are those of this process,
    which has one replica, also with `synchronized`.
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            axis: the axis of channels, or several, each combination of which is a channel.
            momentum: how much of a running average stays in each step.
            epsilon: added to the variance.
            center, scale: whether there are a shift beta and a scale gamma.
            beta_initializer, gamma_initializer: how they start.
            moving_mean_initializer, moving_variance_initializer: how the running averages start.
            beta_regularizer, gamma_regularizer: penalties.
            beta_constraint, gamma_constraint: applied after each update.
            synchronized: accepted; it switches the fused kernel's unbiased variance off, as in tf.keras.
            **kwargs: as for Layer, and `fused`: False switches the unbiased variance off, True insists on it.

        Raises:
            TypeError: if the axis is no integer or list of integers.
            ValueError: for `fused=True` where it does not apply.
            UnsupportedError: for `renorm`, `virtual_batch_size` and `adjustment`.
        """
        fused = kwargs.pop("fused", None)
        for name, instead in _ABSENT.items():
            if kwargs.pop(name, None):
                raise UnsupportedError(f"BatchNormalization: `{name}` is not supported; {instead}.")
        super().__init__(
            center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint, **kwargs,
        )  # fmt: skip
        self.axis = given_axes(axis)
        self.momentum = momentum
        self.epsilon = epsilon
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.synchronized = synchronized
        if fused and synchronized:
            raise ValueError("`fused=True` is not supported when `synchronized=True`.")
        self.fused = False if synchronized else fused

    # State ---------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Makes gamma, beta and the running averages, (channels,) or, for several axes, of the input's rank.

        Raises:
            ValueError: for an axis out of range, or an unknown number of channels.
        """
        shape = TensorShape(input_shape)
        self.axis = axes_within(self.axis, shape.rank)
        sizes = known_sizes(shape, self.axis, self.name)
        self.fused = self._is_fused(shape)
        self.input_spec = InputSpec(ndim=shape.rank, axes=dict(zip(self.axis, sizes, strict=True)))
        beside = [shape[i] if i in self.axis else 1 for i in range(len(shape))]
        weights = sizes if len(sizes) == 1 else beside
        # 16-bit averages would hardly move: momentum leaves steps below their precision.
        dtype = "float32" if as_dtype(self.dtype).size < 4 else self.dtype
        self._add_scale_and_shift(weights, dtype)
        options: dict[str, Any] = {"shape": weights, "dtype": dtype, "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight("moving_mean", initializer=self.moving_mean_initializer, **options)
        self.moving_variance = self.add_weight(
            "moving_variance", initializer=self.moving_variance_initializer, **options
        )
        self._beside_shape = None if self.axis == [len(shape) - 1] else beside
        self.built = True

    def _is_fused(self, shape: TensorShape) -> bool:
        """Whether TensorFlow would run its fused kernel, whose variance is unbiased."""
        rank, axes = len(shape), self.axis
        applies = rank in (4, 5) and axes in ([1], [rank - 1]) and as_dtype(self.compute_dtype).size <= 4
        if self.fused and not applies:
            raise ValueError(
                "Batch normalization layers with `fused=True` only support 4D or 5D input tensors with one axis, the "
                f"second or the last, and a dtype of at most 32 bits. Received tensor with shape: {shape}, "
                f"axis={axes}, dtype={self.compute_dtype}"
            )
        return applies if self.fused is None else bool(self.fused)

    # Computation ---------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The normalised inputs, computed in at least float32.

        Args:
            inputs: a floating tensor with the channels that the layer was built for.
            training: whether the batch's statistics are used.
            mask: True for the elements that count for the statistics; without the axis of channels. It is not used
                where TensorFlow's fused kernel runs.
        """
        training = self._mode(training)
        inputs = as_floating(inputs, self.compute_dtype)
        # As in tf.keras, whose fused kernel takes no mask.
        mask = None if self.fused else mask
        x = cast(inputs, wide_dtype(inputs.dtype))
        mean, variance = (self._beside(v, x, self._beside_shape) for v in (self.moving_mean, self.moving_variance))
        if training is not False:
            of_batch, spread = self._statistics(x, mask)
            self._update(self.moving_mean, of_batch, training)
            self._update(self.moving_variance, self._unbiased(spread, x) if self.fused else spread, training)
            mean = choose(training, lambda: of_batch, lambda: mean)
            variance = choose(training, lambda: spread, lambda: variance)
        epsilon = max(self.epsilon, _FUSED_EPSILON) if self.fused else self.epsilon
        return cast(self._standardized(x, mean, rsqrt(variance + epsilon)), inputs.dtype)

    def _standardized(self, x: Any, mean: Any, factor: Any) -> Any:
        """(x - mean) * factor, scaled and shifted."""
        beta, gamma = (self._beside(w, x, self._beside_shape) for w in (self.beta, self.gamma))
        factor = factor if gamma is None else factor * gamma
        # The shift is 0 but for beta; through it the gradient of the mean costs a sum over the channels that beta's
        # gradient needs anyway, instead of a further pass over the batch.
        fixed = stop_gradient(mean)
        shift = (fixed - mean) * factor
        return (x - fixed) * factor + (shift if beta is None else beta + shift)

    def _mode(self, training: Any) -> Any:
        """Whether to train: a Python bool, or a tensor that is known when the graph runs."""
        if not self.trainable:
            return False
        mode = settled(backend.learning_phase() if training is None else training)
        return mode if isinstance(mode, Tensor) else bool(mode)

    def _statistics(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and variance of the batch in a shape that broadcasts to x."""
        others = [i for i in range(x.ndim) if i not in self.axis]
        keep = self._beside_shape is not None
        if mask is None:
            return moments(x, others, keepdims=keep)
        return weighted_moments(x, others, expand_dims(cast(mask, x.dtype), -1), keepdims=keep)

    def _unbiased(self, variance: Any, x: Any) -> Any:
        """The variance times n / (n - 1), n being the number of elements of a channel."""
        n = cast(size(x), x.dtype) / float(x.shape[self.axis[0]])
        return variance * (n / maximum(n - 1.0, 1.0))

    def _update(self, average: Any, value: Any, training: Any) -> None:
        """Moves a running average towards the batch's value."""
        old = average.value()
        value = cast(value, average.dtype)
        if self._beside_shape is not None:
            value = reshape(value, average.shape)
        moved = old - (old - value) * (1.0 - self.momentum)
        average.assign(choose(training, lambda: moved, lambda: old))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
        }


@registry.add()
class SyncBatchNormalization(BatchNormalization):
    """BatchNormalization with statistics of all replicas, of which there is one (tf.keras.layers.experimental)."""

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        """As BatchNormalization with `synchronized=True`."""
        kwargs.pop("synchronized", None)
        super().__init__(
            axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer, moving_mean_initializer,
            moving_variance_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint,
            synchronized=True, **kwargs,
        )  # fmt: skip
