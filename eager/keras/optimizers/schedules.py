"""tf.keras.optimizers.schedules: learning rates that change with the number of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from eager.convert import convert
from eager.keras.registry import Registry
from eager.ops.array import cast, where
from eager.ops.math import cos, floor, less_equal, maximum, minimum, pow
from eager.tensor import Tensor

registry = Registry("learning rate schedule", "keras.optimizers.schedules")


class LearningRateSchedule:
    """Base of schedules: a callable from the step to the learning rate."""

    _arguments: ClassVar[tuple[str, ...]] = ()

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `__call__(self, step)`")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {name: getattr(self, name) for name in self._arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A schedule from `get_config`."""
        return cls(**config)


def _step(step: Any) -> Tensor:
    return cast(convert(step), "float32")


@registry.add()
class ExponentialDecay(LearningRateSchedule):
    """initial * decay_rate ** (step / decay_steps) (tf.keras.optimizers.schedules.ExponentialDecay)."""

    _arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        """Takes the start, the pace, the factor, and whether the exponent is rounded down."""
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        p = _step(step) / float(self.decay_steps)
        return self.initial_learning_rate * pow(float(self.decay_rate), floor(p) if self.staircase else p)


@registry.add()
class InverseTimeDecay(LearningRateSchedule):
    """initial / (1 + decay_rate * step / decay_steps) (tf.keras.optimizers.schedules.InverseTimeDecay)."""

    _arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        """Takes the start, the pace, the rate, and whether the quotient is rounded down."""
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        p = _step(step) / float(self.decay_steps)
        return self.initial_learning_rate / (1.0 + self.decay_rate * (floor(p) if self.staircase else p))


@registry.add()
class PolynomialDecay(LearningRateSchedule):
    """From initial to end by a power of the time left (tf.keras.optimizers.schedules.PolynomialDecay).

    Without `cycle` the rate stays at the end; restarting cycles are left to schedules of your own.
    """

    _arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        """Takes start, pace, end and power. Raises UnsupportedError for cycle."""
        if cycle:
            from eager.errors import UnsupportedError

            raise UnsupportedError("PolynomialDecay: cycle is not supported; subclass LearningRateSchedule")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        p = minimum(_step(step), float(self.decay_steps)) / float(self.decay_steps)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * pow(1.0 - p, float(self.power)) + self.end_learning_rate


@registry.add()
class CosineDecay(LearningRateSchedule):
    """Half a cosine from initial to alpha * initial, after an optional linear warm-up (Loshchilov and Hutter 2016)."""

    _arguments = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, alpha: float = 0.0, name: str | None = None,
        warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        """Takes the start, the steps of decay, the final fraction, and the warm-up's target and steps."""
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def _decayed(self, step: Tensor, start: float) -> Tensor:
        done = minimum(step, float(self.decay_steps)) / float(self.decay_steps)
        return start * ((1.0 - self.alpha) * (0.5 * (1.0 + cos(math.pi * done))) + self.alpha)

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        s = _step(step)
        if self.warmup_target is None:
            return self._decayed(s, self.initial_learning_rate)
        warm = float(self.warmup_steps)
        rising = s / warm * (self.warmup_target - self.initial_learning_rate) + self.initial_learning_rate
        return where(s < warm, rising, self._decayed(maximum(s - warm, 0.0), self.warmup_target))


@registry.add()
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] while the step is at most boundaries[i] (tf.keras.optimizers.schedules.PiecewiseConstantDecay)."""

    _arguments = ("boundaries", "values", "name")

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str | None = None) -> None:
        """Takes the boundaries and one more value. Raises ValueError if the numbers do not fit."""
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. Received: "
                f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of length {len(values)}."
            )
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        s = _step(step)
        rate = convert(float(self.values[-1]))
        for bound, value in zip(reversed(self.boundaries), reversed(self.values[:-1]), strict=True):
            rate = where(less_equal(s, float(bound)), float(value), rate)
        return rate


def serialize(schedule: Any) -> Any:
    """Plain data that describes a schedule."""
    from eager.keras.serialization import serialize_keras_object

    return serialize_keras_object(schedule)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """A schedule from `serialize`."""
    from eager.keras.serialization import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, registry)


__all__ = [
    "CosineDecay", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule", "PiecewiseConstantDecay",
    "PolynomialDecay", "deserialize", "registry", "serialize",
]  # fmt: skip
