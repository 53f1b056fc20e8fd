"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import decay_into, is_sparse, move
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
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = 100,
        jit_compile: bool = True,
        name: str = "RMSprop",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, decay, momentum, epsilon, and whether the variance is used.

        Raises as Optimizer.
        """
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self._velocities: list[Variable] = []
        self._momentums: list[Variable] = []
        self._average_gradients: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        self._velocities = self._slots_of(variables, "velocity")
        if self.momentum > 0:
            self._momentums = self._slots_of(variables, "momentum")
        if self.centered:
            self._average_gradients = self._slots_of(variables, "average_gradient")

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        keep = self.rho
        velocity = self._slot(self._velocities, variable)
        denominator = decay_into(velocity, keep, on_rows(lambda g: square(g) * (1 - keep), gradient))
        if self.centered:
            average = self._slot(self._average_gradients, variable)
            mean = decay_into(average, keep, on_rows(lambda g: g * (1 - keep), gradient))
            denominator = denominator - square(mean)
        if is_sparse(gradient):
            denominator = gather(denominator, gradient.indices)
        rate, scale = self._rate(variable), rsqrt(denominator + self.epsilon)
        change = on_rows(lambda g: rate * g * scale, gradient)
        if self._momentums:
            variable.assign_sub(decay_into(self._slot(self._momentums, variable), self.momentum, change))
        else:
            move(variable, on_rows(lambda x: -x, change))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("rho", "momentum", "epsilon", "centered")
