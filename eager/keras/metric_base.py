"""Metric, the running mean and sum, and the mean of a function of targets and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from eager.convert import convert
from eager.keras.engine.base_layer import Layer
from eager.keras.reduction import fit_weights, squeeze_or_expand
from eager.keras.registry import Registry
from eager.ops.array import broadcast_to, cast, size
from eager.ops.array import shape as shape_of
from eager.ops.math import divide_no_nan, reduce_mean, reduce_sum
from eager.tensor import Tensor
from eager.variable import Variable
from graphcore.dtypes import as_dtype

registry = Registry("metric", "keras.metrics")


class Metric(Layer):
    """Base of metrics: `update_state` takes data in, `result` tells the statistic (tf.keras.metrics.Metric).

    A metric's variables are not trainable and do not count among the weights of a layer that holds it.
    """

    _is_metric: ClassVar[bool] = True

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        """Takes name and dtype, as Layer."""
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.built = True
        self.stateful = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Updates the state and returns the result so far."""
        self.update_state(*args, **kwargs)
        result = self.result()
        if isinstance(result, Tensor):
            # Lets a layer's add_metric find the metric behind the value.
            result._keras_history = self
        return result

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Takes data into the statistic.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `update_state(self, ...)`")

    def result(self) -> Any:
        """The statistic so far.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `result(self)`")

    def reset_state(self) -> None:
        """Sets every variable to 0."""
        from eager.ops.array import zeros_like

        for v in self.variables:
            v.assign(zeros_like(v))

    def reset_states(self) -> None:
        """As `reset_state` (its older name)."""
        self.reset_state()

    def add_weight(self, name: str | None = None, shape: Any = (), *args: Any, **kwargs: Any) -> Variable:
        """Makes a variable of the statistic; never trainable, 0 by default."""
        kwargs = {"trainable": False, "initializer": "zeros"} | kwargs
        return super().add_weight(name, shape, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Name and dtype."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric from `get_config`."""
        return cls(**config)


class Reduce(Metric):
    """Base of Sum and Mean: a weighted total, and how much went into it."""

    _counts: ClassVar[bool] = True

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_weight("total")
        self.count = self.add_weight("count") if self._counts else None

    def _take(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values, weighted by a tensor that broadcasts to them."""
        kind = as_dtype(self.dtype)
        x = cast(convert(values), kind)
        if sample_weight is None:
            self.total.assign_add(reduce_sum(x))
            if self.count is not None:
                self.count.assign_add(cast(size(x), kind))
            return
        weights = cast(convert(sample_weight), kind)
        if weights.ndim and weights.ndim < x.ndim - 1:
            # Weights per example meet values with more axes: the values' other axes are averaged first.
            x = reduce_mean(x, list(range(weights.ndim, x.ndim)))
        weights = fit_weights(weights, x.ndim)
        self.total.assign_add(reduce_sum(x * weights))
        if self.count is not None:
            self.count.assign_add(reduce_sum(broadcast_to(weights, shape_of(x))))


class RunningMean(Reduce):
    """Base of means: what went in divided by how much."""

    def result(self) -> Tensor:
        """The mean so far; 0 before any value."""
        return divide_no_nan(self.total, self.count)


class Sum(Reduce):
    """The weighted sum of values (tf.keras.metrics.Sum)."""

    _counts = False

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(name, dtype)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values, weighted.

        Args:
            values: a tensor of any shape.
            sample_weight: a tensor that broadcasts to the values.
        """
        self._take(values, sample_weight)

    def result(self) -> Tensor:
        """The sum so far."""
        return self.total.value()


class Mean(RunningMean):
    """The weighted mean of values (tf.keras.metrics.Mean)."""

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(name, dtype)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values, weighted.

        Args:
            values: a tensor of any shape.
            sample_weight: a tensor that broadcasts to the values.
        """
        self._take(values, sample_weight)


class MeanMetricWrapper(RunningMean):
    """The mean of a function of targets and predictions (tf.keras.metrics.MeanMetricWrapper)."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        """Takes the function (y_true, y_pred, **kwargs), which gives a value per example."""
        super().__init__(name or getattr(fn, "__name__", "metric"), dtype)
        self._fn = fn
        self._options = kwargs

    def update_state(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None) -> None:
        """Takes targets and predictions into the mean.

        Args:
            y_true: the targets.
            y_pred: the predictions; a mask that they carry leaves elements out.
            sample_weight: a factor per example or element.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        p = convert(y_pred)
        t, p = squeeze_or_expand(convert(y_true, like=None), p)
        if p.dtype.is_floating:
            p = cast(p, self.dtype)
        values = self._fn(t, p, **self._options)
        if mask is not None:
            valid = cast(mask, self.dtype)
            sample_weight = valid if sample_weight is None else valid * cast(convert(sample_weight), self.dtype)
        self._take(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype, the function and its options."""
        from eager.keras.serialization import serialize_keras_object

        return {"name": self.name, "dtype": self.dtype, "fn": serialize_keras_object(self._fn), **self._options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric from `get_config`."""
        from eager.keras.serialization import deserialize_keras_object

        if cls is MeanMetricWrapper:
            config = config | {"fn": deserialize_keras_object(config["fn"])}
        return cls(**config)
