"""tf.keras.optimizers.schedules: learning rates that change with the number of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from eager.convert import convert
from eager.keras.registry import Registry
from eager.ops.array import cast, where
from eager.ops.math import ceil, cos, floor, less, less_equal, log, maximum, minimum, pow
from eager.tensor import Tensor

registry = Registry("learning rate schedule", "keras.optimizers.schedules")


class LearningRateSchedule:
    """Base of schedules: a callable from the step to the learning rate."""

    _arguments: ClassVar[tuple[str, ...]] = ()
    """The constructor's arguments, which are attributes too; for the built-in schedules."""

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `__call__(self, step)`")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments.

        Raises:
            NotImplementedError: if a class of one's own does not override it.
        """
        if not self._arguments:
            raise NotImplementedError(
                f"Learning rate schedule '{type(self).__name__}' must override `get_config()` to be serialized."
            )
        return {name: getattr(self, name) for name in self._arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A schedule from `get_config`."""
        return cls(**config)


def _step(step: Any) -> Tensor:
    return cast(convert(step), "float32")


class _RateDecay(LearningRateSchedule):
    """A schedule of a rate of decay per decay_steps."""

    _arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        """Takes the start, the pace, the rate, and whether step / decay_steps is rounded down."""
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def _passed(self, step: Any) -> Tensor:
        """step / decay_steps, rounded down for a staircase."""
        p = _step(step) / float(self.decay_steps)
        return floor(p) if self.staircase else p


@registry.add()
class ExponentialDecay(_RateDecay):
    """initial * decay_rate ** (step / decay_steps) (tf.keras.optimizers.schedules.ExponentialDecay)."""

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        return self.initial_learning_rate * pow(float(self.decay_rate), self._passed(step))


@registry.add()
class InverseTimeDecay(_RateDecay):
    """initial / (1 + decay_rate * step / decay_steps) (tf.keras.optimizers.schedules.InverseTimeDecay)."""

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        return self.initial_learning_rate / (1.0 + self.decay_rate * self._passed(step))


@registry.add()
class PolynomialDecay(LearningRateSchedule):
    """From initial to end by a power of what is left of decay_steps (tf.keras.optimizers.schedules.PolynomialDecay)."""

    _arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        """Takes the start, the steps, the end, the power, and whether decay_steps doubles, triples, ... when over."""
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        s, steps = _step(step), float(self.decay_steps)
        # In cycles, the number of the one that ends next; at step 0 that is the first.
        p = s / (steps * maximum(ceil(s / steps), 1.0)) if self.cycle else minimum(s, steps) / steps
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
class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after another, each longer and lower (Loshchilov and Hutter 2016)."""

    _arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self, initial_learning_rate: float, first_decay_steps: float, t_mul: float = 2.0, m_mul: float = 1.0,
        alpha: float = 0.0, name: str | None = None,
    ) -> None:  # fmt: skip
        """Takes the start, the first period's steps, factors of each next period's steps and start, and the floor."""
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self._t_mul = self.t_mul = t_mul
        self._m_mul = self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def _period(self, done: Tensor) -> tuple[Tensor, Tensor]:
        """The number of the period, and how much of it is over, in [0, 1)."""
        ratio = float(self.t_mul)
        if ratio == 1.0:
            number = floor(done)
            return number, done - number

        def start(n: Tensor) -> Tensor:
            return (1.0 - pow(convert(ratio), n)) / (1.0 - ratio)

        number = floor(log(1.0 - done * (1.0 - ratio)) / math.log(ratio))
        # The logarithm may round to the wrong side of a whole number, at which a period begins.
        number = where(less_equal(start(number + 1.0), done), number + 1.0, number)
        number = where(less(done, start(number)), number - 1.0, number)
        return number, (done - start(number)) / pow(convert(ratio), number)

    def __call__(self, step: Any) -> Tensor:
        """The learning rate, a float32 scalar."""
        number, over = self._period(_step(step) / float(self.first_decay_steps))
        factor = pow(convert(float(self.m_mul)), number)
        half = 0.5 * factor * (1.0 + cos(math.pi * over))
        return self.initial_learning_rate * ((1.0 - self.alpha) * half + self.alpha)


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
        s = convert(step)
        rate = convert(float(self.values[-1]))
        for bound, value in zip(reversed(self.boundaries), reversed(self.values[:-1]), strict=True):
            # A whole step is compared as it is: a float32 would not tell large ones apart.
            limit = convert(math.floor(bound) if s.dtype.is_integer else float(bound), like=s.dtype)
            rate = where(less_equal(s, limit), float(value), rate)
        return rate


def serialize(learning_rate_schedule: Any, use_legacy_format: bool = False) -> Any:
    """Plain data that describes a schedule; the legacy format has class_name and config only."""
    from eager.keras.serialization import serialize_keras_object

    full = serialize_keras_object(learning_rate_schedule)
    return {"class_name": full["class_name"], "config": full["config"]} if use_legacy_format else full


def deserialize(config: Any, custom_objects: Any = None, use_legacy_format: bool = False) -> Any:
    """A schedule from `serialize`, in either format. Raises TypeError for an unknown class."""
    from eager.keras.serialization import deserialize_keras_object

    del use_legacy_format
    return deserialize_keras_object(config, custom_objects, registry)


__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule",
    "PiecewiseConstantDecay", "PolynomialDecay", "deserialize", "registry", "serialize",
]  # fmt: skip
