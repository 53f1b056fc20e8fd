"""Adam, Adamax and Nadam of tf.keras.optimizers.legacy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.optimizers.legacy_base import registry
from eager.keras.optimizers.legacy_built_in import BuiltIn, State
from eager.keras.optimizers.schedules import LearningRateSchedule
from eager.ops.array import cast
from eager.ops.math import abs, maximum, pow, sqrt, square
from eager.tensor import Tensor
from eager.variable import Variable


@registry.add("adam")
class Adam(BuiltIn):
    """Kingma and Ba 2014 (tf.keras.optimizers.legacy.Adam)."""

    _own = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: float = 1e-7,
        amsgrad: bool = False, name: str = "Adam", **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the learning rate, the decay rates, epsilon, and whether second moments never shrink."""
        super().__init__(name, **kwargs)
        self._start(learning_rate, kwargs)
        self._set_hyper("beta_1", beta_1)
        self._set_hyper("beta_2", beta_2)
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def _slot_names(self) -> tuple[str, ...]:
        return ("m", "v", "vhat") if self.amsgrad else ("m", "v")

    def _by_rows(self) -> frozenset[str]:
        return frozenset()

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        keep_1, keep_2, step = self._number("beta_1", g), self._number("beta_2", g), self._step(g)
        rate = self._decayed_lr(g.dtype) * sqrt(1 - pow(keep_2, step)) / (1 - pow(keep_1, step))
        new = {"m": old["m"] + (g - old["m"]) * (1 - keep_1), "v": old["v"] + (square(g) - old["v"]) * (1 - keep_2)}
        spread = new["v"]
        if self.amsgrad:
            spread = new["vhat"] = maximum(old["vhat"], spread)
        return w - rate * new["m"] / (sqrt(spread) + self.epsilon), new


@registry.add("adamax")
class Adamax(BuiltIn):
    """Adam by the largest gradient (tf.keras.optimizers.legacy.Adamax)."""

    _own = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: float = 1e-7,
        name: str = "Adamax", **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the learning rate, the decay rates and epsilon."""
        super().__init__(name, **kwargs)
        self._start(learning_rate, kwargs)
        self._set_hyper("beta_1", beta_1)
        self._set_hyper("beta_2", beta_2)
        self.epsilon = epsilon

    def _slot_names(self) -> tuple[str, ...]:
        return ("m", "v")

    def _by_rows(self) -> frozenset[str]:
        return frozenset(("w",))

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        keep_1 = self._number("beta_1", g)
        rate = self._decayed_lr(g.dtype) / (1 - pow(keep_1, self._step(g)))
        m = old["m"] + (g - old["m"]) * (1 - keep_1)
        v = maximum(old["v"] * self._number("beta_2", g), abs(g))
        return w - rate * (m / (v + self.epsilon)), {"m": m, "v": v}


@registry.add("nadam")
class Nadam(BuiltIn):
    """Dozat 2015; `decay` is that of the momentum's schedule (tf.keras.optimizers.legacy.Nadam)."""

    _own = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: float = 1e-7,
        name: str = "Nadam", **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the learning rate, the decay rates, epsilon, and `schedule_decay` (0.004) of the momentum.

        Raises:
            ValueError: for a schedule as the learning rate; else as Optimizer.
        """
        kwargs["decay"] = kwargs.pop("schedule_decay", 0.004)
        if isinstance(kwargs.get("lr", learning_rate), LearningRateSchedule):
            raise ValueError(
                "The Nadam optimizer does not support tf.keras.optimizers.LearningRateSchedules as the learning rate."
            )
        super().__init__(name, **kwargs)
        self._start(learning_rate, kwargs)
        self._set_hyper("beta_1", beta_1)
        self._set_hyper("beta_2", beta_2)
        self.epsilon = epsilon
        self._cache: Any = None

    def _slot_names(self) -> tuple[str, ...]:
        return ("m", "v")

    def _by_rows(self) -> frozenset[str]:
        return frozenset(("w",))

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        if self._cache is None:
            self._cache = self.add_weight("momentum_cache", (), var_list[0].dtype, "ones")
        super()._create_slots(var_list)

    def _momentum_at(self, step: Tensor) -> Tensor:
        decay = self._number("decay", step)
        return self._number("beta_1", step) * (1.0 - 0.5 * pow(convert(0.96, like=step.dtype), decay * step))

    def apply_gradients(
        self, grads_and_vars: Any, name: str | None = None, experimental_aggregate_gradients: bool = True
    ) -> Variable:
        """Changes variables by gradients; returns `iterations`. Raises as Optimizer."""
        pairs = list(grads_and_vars)
        self.build([v for g, v in pairs if g is not None])
        product = self._cache * self._momentum_at(cast(self._iterations + 1, self._cache.dtype))
        done = super().apply_gradients(pairs, name, experimental_aggregate_gradients)
        self._cache.assign(product)
        return done

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        keep_1, keep_2, step = self._number("beta_1", g), self._number("beta_2", g), self._step(g)
        now, following = self._momentum_at(step), self._momentum_at(step + 1)
        product = cast(self._cache, g.dtype) * now
        m, v = old["m"] * keep_1 + g * (1 - keep_1), old["v"] * keep_2 + square(g) * (1 - keep_2)
        ahead = g / (1 - product) * (1 - now) + following * (m / (1 - product * following))
        spread = v / (1 - pow(keep_2, step))
        rate = self._number("learning_rate", g)
        return w - rate * ahead / (sqrt(spread) + self.epsilon), {"m": m, "v": v}
