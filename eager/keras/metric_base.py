"""Metric, the running mean and sum, and the mean of a function of targets and predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ClassVar, Self

from eager import nest
from eager.convert import convert
from eager.errors import LayerJitError
from eager.keras.engine.base_layer import Layer
from eager.keras.reduction import broadcast_weights, fit_weights, mask_weights, squeeze_or_expand
from eager.keras.registry import Registry
from eager.ops.array import cast, size
from eager.ops.math import divide_no_nan, reduce_mean, reduce_sum
from eager.tensor import Tensor
from eager.variable import Variable
from graphcore.dtypes import as_dtype

registry = Registry("metric", "keras.metrics")
"""The metrics by name; the modules of eager.keras.metrics add them."""


_WEIGHT_ARGUMENTS = ("aggregation", "synchronization", "initializer", "dtype")


class MetricDict(dict[str, Any]):
    """The results of a metric that has several."""


class Metric(Layer):
    """Base of metrics: `update_state` takes data in, `result` tells the statistic (tf.keras.metrics.Metric).

    `result` gives a tensor, a variable, a number, or a dict of these. Both run eagerly and inside traced functions,
    where updates are native. A metric's variables are not trainable and do not count among the weights of a layer
    that holds it.
    """

    _is_metric: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Makes the result of a subclass a tensor or a dict of tensors."""
        super().__init_subclass__(**kwargs)
        if "result" in cls.__dict__:
            cls.result = _tensor_result(cls.__dict__["result"])

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refuses a class without update_state or result, with TypeError."""
        names = ("result", "update_state")
        missing = [n for n in names if getattr(cls, n) is getattr(Metric, n)]
        if missing:
            raise TypeError(
                f"Can't instantiate abstract class {cls.__name__} with abstract methods {', '.join(missing)}"
            )
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        """Takes name and dtype, as Layer."""
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.built = True
        self.stateful = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Updates the state and returns the result so far; a symbolic Keras tensor changes no state."""
        symbolic = any(getattr(x, "_is_keras_tensor", False) for x in nest.flatten((args, kwargs)))
        if not symbolic:
            self.update_state(*args, **kwargs)
        result = self.result()
        if isinstance(result, dict):
            return MetricDict(result)
        # Lets a layer's add_metric find the metric behind the value.
        result._keras_history = self
        return result

    def __str__(self) -> str:
        """The class with its config, as tf.keras writes it."""
        return f"{type(self).__name__}({','.join(f'{k}={v}' for k, v in self.get_config().items())})"

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

    def merge_state(self, metrics: Iterable[Metric]) -> list[Any]:
        """Adds the variables of further metrics to this one's.

        Raises:
            ValueError: if one has another number of variables.
        """
        updated: list[Any] = []
        for metric in metrics:
            if len(metric.weights) != len(self.weights):
                raise ValueError(f"Metric {metric} is not compatible with {self}")
            updated += [own.assign_add(other) for own, other in zip(self.weights, metric.weights, strict=True)]
        return updated

    def reset_state(self) -> None:
        """Sets every variable to 0; a subclass that overrides only `reset_states` is reset by that."""
        if type(self).reset_states is not Metric.reset_states:
            self.reset_states()
            return
        from eager.ops.array import zeros_like

        for v in self.variables:
            v.assign(zeros_like(v))

    def reset_states(self) -> None:
        """As `reset_state` (its older name)."""
        self.reset_state()

    def add_weight(self, name: str | None = None, shape: Any = (), *args: Any, **kwargs: Any) -> Variable:
        """Makes a variable of the statistic; never trainable.

        Args:
            name: its name.
            shape: its shape, by default a scalar.
            *args: aggregation and synchronization, which are accepted for compatibility, initializer (by default
                zeros; tf.keras gives floats random numbers where none is named), and dtype (by default the metric's).
            **kwargs: these by name, or what else Layer.add_weight takes.
        """
        options = {"autocast": False} | kwargs | dict(zip(_WEIGHT_ARGUMENTS, args, strict=False))
        options |= {"trainable": False, "initializer": options.get("initializer") or "zeros"}
        return super().add_weight(name, shape, **options)

    def get_config(self) -> dict[str, Any]:
        """Name and dtype."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric from `get_config`."""
        return cls(**config)


def _tensor_result(function: Any) -> Any:
    """The method `result` with a tensor, or a dict of tensors, as its value."""

    @wraps(function)
    def result(self: Any, *args: Any, **kwargs: Any) -> Any:
        value = function.__get__(self)(*args, **kwargs)
        if isinstance(value, dict):
            return {key: _as_tensor(self, x) for key, x in value.items()}
        return _as_tensor(self, value)

    return result


def _as_tensor(metric: Metric, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    try:
        return value.value() if isinstance(value, Variable) else convert(value)
    except (ValueError, TypeError, LayerJitError) as error:
        raise RuntimeError(
            "The output of `metric.result()` can only be a single Tensor/Variable, or a dict of Tensors/Variables. "
            f"For metric {metric.name}, got result {value}."
        ) from error


class Reduce(Metric):
    """Base of Sum and Mean: a weighted total, and how much went into it."""

    _counts: ClassVar[bool] = True

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_weight("total")
        self.count = self.add_weight("count") if self._counts else None

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values, weighted.

        Args:
            values: a tensor of any shape.
            sample_weight: a tensor that broadcasts to the values; where it has fewer axes, values are averaged (Sum:
                added up) over their other axes first.

        Raises:
            RuntimeError: if the values are no tensor.
            ShapeError: if the weights do not fit.
        """
        kind = as_dtype(self.dtype)
        x = cast(_one_tensor(values), kind)
        if sample_weight is None:
            self._add(reduce_sum(x), size(x))
            return
        x, weights = weigh(x, cast(convert(sample_weight), kind), reduce_mean if self._counts else reduce_sum)
        self._add(reduce_sum(x * weights), reduce_sum(weights))

    def _add(self, total: Tensor, amount: Tensor) -> None:
        self.total.assign_add(total)
        if self.count is not None:
            self.count.assign_add(cast(amount, self.dtype))


def _one_tensor(values: Any) -> Tensor:
    if isinstance(values, dict):
        raise RuntimeError(
            f"The output of a metric function can only be a single Tensor. Received: {values}. To return a dict of "
            "values, implement a custom Metric subclass."
        )
    return convert(values)


def weigh(x: Tensor, weights: Tensor, reduce: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
    """Values and weights of one shape; the values' axes that the weights lack are reduced first."""
    weights = fit_weights(weights, x.ndim)
    if weights.ndim and weights.ndim < x.ndim:
        x = reduce(x, list(range(weights.ndim, x.ndim)))
    return x, broadcast_weights(weights, x)


class Sum(Reduce):
    """The weighted sum of values (tf.keras.metrics.Sum)."""

    _counts = False

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(name, dtype)

    def result(self) -> Tensor:
        """The sum so far."""
        return self.total.value()


class Mean(Reduce):
    """The weighted mean of values (tf.keras.metrics.Mean)."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(name, dtype)

    def result(self) -> Tensor:
        """The mean so far; 0 before any value."""
        return divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of a function of targets and predictions (tf.keras.metrics.MeanMetricWrapper)."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        """Takes the function (y_true, y_pred, **kwargs), which gives a value per example."""
        super().__init__(name, dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # pyright: ignore[reportIncompatibleMethodOverride] (targets and predictions, not values)
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Takes targets and predictions into the mean.

        Args:
            y_true: the targets.
            y_pred: the predictions.
            sample_weight: a factor per example or element. A mask that the function's value carries leaves elements
                out.
        """
        t, p = pair(self, y_true, y_pred)
        values = self._fn(t, p, **self._fn_kwargs)
        mask = getattr(values, "_keras_mask", None)
        super().update_state(values, mask_weights(values, sample_weight, mask, "weighted_mean"))

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the function's options; of a MeanMetricWrapper itself the function, too."""
        from eager.keras.losses import plain
        from eager.keras.serialization import serialize_keras_object

        own = {"fn": serialize_keras_object(self._fn)} if type(self) is MeanMetricWrapper else {}
        return super().get_config() | plain(self._fn_kwargs) | own

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric from `get_config`."""
        from eager.keras.metrics import get

        options = {key: value for key, value in config.items() if key != "fn"}
        return cls(get(config["fn"]), **options) if cls is MeanMetricWrapper else cls(**options)


def pair(metric: Metric, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Targets and predictions in the metric's dtype and of one rank."""
    return squeeze_or_expand(cast(convert(y_true), metric.dtype), cast(convert(y_pred), metric.dtype))
