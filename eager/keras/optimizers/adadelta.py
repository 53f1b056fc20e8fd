"""Adadelta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import decay_into, whole
from eager.ops.clip import on_rows
from eager.ops.math import sqrt, square
from eager.variable import Variable


@registry.add("adadelta")
class Adadelta(Optimizer):
    """Steps in the units of the weights, by running means of squares (Zeiler 2012; tf.keras.optimizers.Adadelta)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adadelta",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, the decay and epsilon. Raises as Optimizer."""
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.rho = rho
        self.epsilon = epsilon
        self._accumulated_grads: list[Variable] = []
        self._accumulated_delta_vars: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            self._accumulated_grads.append(self.add_variable_from_reference(v, "accumulated_grad"))
            self._accumulated_delta_vars.append(self.add_variable_from_reference(v, "accumulated_delta_var"))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        keep = self.rho
        gradients = self._slot(self._accumulated_grads, variable)
        changes = self._slot(self._accumulated_delta_vars, variable)
        squares = decay_into(gradients, keep, on_rows(lambda g: square(g) * (1 - keep), gradient))
        root = sqrt(changes + self.epsilon)
        change = -root * whole(gradient, variable) / sqrt(squares + self.epsilon)
        changes.assign(changes * keep + square(change) * (1 - keep))
        variable.assign_add(self._rate(variable) * change)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("rho", "epsilon")
