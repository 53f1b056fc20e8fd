"""tf.keras.optimizers.legacy: the optimizers that tf.keras had before 2.11, with their arguments and formulas.

Beside the options of their base they differ from the present ones where noted: epsilon stands outside of the root, and
gradients of gathered rows change the state of those rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.optimizers.ftrl import leader
from eager.keras.optimizers.legacy_adam import Adam, Adamax, Nadam
from eager.keras.optimizers.legacy_base import Optimizer, registry
from eager.keras.optimizers.legacy_built_in import BuiltIn, State
from eager.ops.array import fill
from eager.ops.math import sqrt, square
from eager.tensor import Tensor
from eager.variable import Variable


@registry.add("sgd")
class SGD(BuiltIn):
    """Gradient descent with momentum (tf.keras.optimizers.legacy.SGD)."""

    _own = ("momentum", "nesterov")

    def __init__(
        self, learning_rate: Any = 0.01, momentum: Any = 0.0, nesterov: bool = False, name: str = "SGD", **kwargs: Any
    ) -> None:
        """Takes the learning rate, momentum in [0, 1] and whether it is Nesterov's.

        Raises:
            ValueError: for a momentum outside of [0, 1]; else as Optimizer.
        """
        super().__init__(name, **kwargs)
        self._start(learning_rate, kwargs)
        if isinstance(momentum, int | float) and not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be between [0, 1]. Received: {momentum=}")
        self._momentum = callable(momentum) or isinstance(momentum, Tensor | Variable) or momentum > 0
        self._set_hyper("momentum", momentum)
        self.nesterov = nesterov

    def _slot_names(self) -> tuple[str, ...]:
        return ("momentum",) if self._momentum else ()

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        change = g * self._decayed_lr(g.dtype)
        if not self._momentum:
            return w - change, {}
        keep = self._number("momentum", g)
        moved = old["momentum"] * keep - change
        return w + (moved * keep - change if self.nesterov else moved), {"momentum": moved}


@registry.add("rmsprop")
class RMSprop(BuiltIn):
    """Steps scaled by a running mean of squares; epsilon beside the root (tf.keras.optimizers.legacy.RMSprop)."""

    _own = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self, learning_rate: Any = 0.001, rho: Any = 0.9, momentum: Any = 0.0, epsilon: float = 1e-7,
        centered: bool = False, name: str = "RMSprop", **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the learning rate, decay, momentum, epsilon, and whether the variance is used.

        Raises:
            ValueError: for a momentum outside of [0, 1]; else as Optimizer.
        """
        super().__init__(name, **kwargs)
        self._start(learning_rate, kwargs)
        if isinstance(momentum, int | float) and not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be between [0, 1]. Received: {momentum=}")
        self._momentum = callable(momentum) or isinstance(momentum, Tensor | Variable) or momentum > 0
        self._set_hyper("rho", rho)
        self._set_hyper("momentum", momentum)
        self.epsilon = epsilon
        self.centered = centered

    def _slot_names(self) -> tuple[str, ...]:
        return ("rms", *(("momentum",) if self._momentum else ()), *(("mg",) if self.centered else ()))

    def _by_rows(self) -> frozenset[str]:
        return super()._by_rows() if self._momentum else frozenset(("w",))

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        keep, rate = self._number("rho", g), self._decayed_lr(g.dtype)
        new = {"rms": old["rms"] * keep + square(g) * (1 - keep)}
        spread = new["rms"]
        if self.centered:
            new["mg"] = old["mg"] * keep + g * (1 - keep)
            spread = spread - square(new["mg"])
        if not self._momentum:
            return w - rate * g / (sqrt(spread) + self.epsilon), new
        new["momentum"] = old["momentum"] * self._number("momentum", g) + rate * g / sqrt(spread + self.epsilon)
        return w - new["momentum"], new


@registry.add("adagrad")
class Adagrad(BuiltIn):
    """Steps scaled by the sum of squares; epsilon beside the root (tf.keras.optimizers.legacy.Adagrad)."""

    _own = ("initial_accumulator_value", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        name: str = "Adagrad", **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the learning rate, where sums start (ValueError below 0) and epsilon. Raises as Optimizer."""
        if initial_accumulator_value < 0.0:
            raise ValueError(f"initial_accumulator_value must be non-negative: {initial_accumulator_value}")
        super().__init__(name, **kwargs)
        self._start(learning_rate, kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for v in var_list:
            start = convert(float(self.initial_accumulator_value), like=v.dtype)
            self.add_slot(v, "accumulator", fill(v.shape.as_list(), start))

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        total = old["accumulator"] + square(g)
        return w - self._decayed_lr(g.dtype) * g / (sqrt(total) + self.epsilon), {"accumulator": total}


@registry.add("adadelta")
class Adadelta(BuiltIn):
    """Zeiler 2012 (tf.keras.optimizers.legacy.Adadelta)."""

    _own = ("rho", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, rho: Any = 0.95, epsilon: float = 1e-7, name: str = "Adadelta", **kwargs: Any
    ) -> None:
        """Takes the learning rate, the decay and epsilon."""
        super().__init__(name, **kwargs)
        self._start(learning_rate, kwargs)
        self._set_hyper("rho", rho)
        self.epsilon = epsilon

    def _slot_names(self) -> tuple[str, ...]:
        return ("accum_grad", "accum_var")

    def _by_rows(self) -> frozenset[str]:
        return frozenset((*self._slot_names(), "w"))

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        keep = self._number("rho", g)
        squares = old["accum_grad"] * keep + square(g) * (1 - keep)
        change = sqrt(old["accum_var"] + self.epsilon) / sqrt(squares + self.epsilon) * g
        moved = old["accum_var"] * keep + square(change) * (1 - keep)
        return w - self._decayed_lr(g.dtype) * change, {"accum_grad": squares, "accum_var": moved}


@registry.add("ftrl")
class Ftrl(BuiltIn):
    """McMahan et al. 2013 (tf.keras.optimizers.legacy.Ftrl)."""

    _own = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
        "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip

    def __init__(
        self, learning_rate: Any = 0.001, learning_rate_power: Any = -0.5, initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0, l2_regularization_strength: Any = 0.0, name: str = "Ftrl",
        l2_shrinkage_regularization_strength: float = 0.0, beta: Any = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes what tf.keras.optimizers.Ftrl takes. Raises ValueError for a number out of its range."""
        super().__init__(name, **kwargs)
        strengths = (
            initial_accumulator_value, l1_regularization_strength, l2_regularization_strength,
            l2_shrinkage_regularization_strength,
        )  # fmt: skip
        if any(isinstance(x, int | float) and x < 0.0 for x in strengths) or learning_rate_power > 0.0:
            raise ValueError(
                f"Ftrl: strengths and initial_accumulator_value need to be positive or zero, learning_rate_power "
                f"negative or zero. Received: {strengths}, {learning_rate_power=}"
            )
        self._start(learning_rate, kwargs)
        self._set_hyper("learning_rate_power", learning_rate_power)
        self._set_hyper("l1_regularization_strength", l1_regularization_strength)
        self._set_hyper("l2_regularization_strength", l2_regularization_strength)
        self._set_hyper("beta", beta)
        self.initial_accumulator_value = initial_accumulator_value
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for v in var_list:
            start = convert(float(self.initial_accumulator_value), like=v.dtype)
            self.add_slot(v, "accumulator", fill(v.shape.as_list(), start))
            self.add_slot(v, "linear")

    def _by_rows(self) -> frozenset[str]:
        return frozenset(("accumulator", "linear", "w"))

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        moved, total, new = leader(
            w, g, g + w * (2 * self.l2_shrinkage_regularization_strength), old["accumulator"], old["linear"],
            self._decayed_lr(g.dtype), self._number("learning_rate_power", g),
            self._number("l1_regularization_strength", g), self._number("l2_regularization_strength", g),
            self._number("beta", g),
        )  # fmt: skip
        return new, {"accumulator": total, "linear": moved}


__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop", "registry",
]  # fmt: skip
