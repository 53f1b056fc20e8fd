"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.indexed_slices import IndexedSlices
from eager.keras.optimizers.base import Optimizer, decay_into, move, registry
from eager.ops.array import gather
from eager.ops.clip import on_rows
from eager.ops.math import rsqrt, square
from eager.variable import Variable


@registry.add("rmsprop")
class RMSprop(Optimizer):
    """Steps scaled by a running mean of squared gradients (Hinton 2012; tf.keras.optimizers.RMSprop)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        name: str = "RMSprop",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, decay, momentum, epsilon, and whether the variance is used."""
        super().__init__(name=name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self._velocities: list[Variable] = []
        self._momentums: list[Variable] = []
        self._average_gradients: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        """Makes the running means for each variable, 0 at the start."""
        for v in self._new(var_list, self._velocities):
            self._velocities.append(self.add_variable_from_reference(v, "velocity"))
            if self.momentum > 0:
                self._momentums.append(self.add_variable_from_reference(v, "momentum"))
            if self.centered:
                self._average_gradients.append(self.add_variable_from_reference(v, "average_gradient"))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        keep = self.rho
        velocity = self._slot(self._velocities, variable)
        denominator = decay_into(velocity, keep, on_rows(lambda g: square(g) * (1 - keep), gradient))
        if self.centered:
            average = self._slot(self._average_gradients, variable)
            mean = decay_into(average, keep, on_rows(lambda g: g * (1 - keep), gradient))
            denominator = denominator - square(mean)
        if isinstance(gradient, IndexedSlices):
            denominator = gather(denominator, gradient.indices)
        rate, scale = self._rate(variable), rsqrt(denominator + self.epsilon)
        change = on_rows(lambda g: -rate * g * scale, gradient)
        if self.momentum > 0:
            change = decay_into(self._slot(self._momentums, variable), self.momentum, change)
        move(variable, change)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "learning_rate": self._rate_config(), "rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon,
            "centered": self.centered,
        }  # fmt: skip
