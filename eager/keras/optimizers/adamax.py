"""Adamax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import decay_into, is_sparse
from eager.ops.array import cast, gather
from eager.ops.clip import on_rows
from eager.ops.math import abs, maximum, pow
from eager.variable import Variable


@registry.add("adamax")
class Adamax(Optimizer):
    """Adam by the largest gradient instead of the mean square (Kingma and Ba 2014; tf.keras.optimizers.Adamax)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adamax",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, the decay rates and epsilon. Raises as Optimizer."""
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._m: list[Variable] = []
        self._u: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            self._m.append(self.add_variable_from_reference(v, "m"))
            self._u.append(self.add_variable_from_reference(v, "u"))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        kind = variable.dtype
        power = pow(convert(self.beta_1, like=kind), cast(self.iterations + 1, kind))
        m, u = self._slot(self._m, variable), self._slot(self._u, variable)
        if is_sparse(gradient):
            first = decay_into(m, self.beta_1, on_rows(lambda g: g * (1 - self.beta_1), gradient))
            decayed = u * self.beta_2
            rows = gather(decayed, gradient.indices)
            u.assign(decayed)
            # As a difference: padding rows of zeros then change nothing.
            u.scatter_add(on_rows(lambda g: maximum(rows, abs(g)) - rows, gradient))
        else:
            first = m + (gradient - m) * (1 - self.beta_1)
            m.assign(first)
            u.assign(maximum(u * self.beta_2, abs(gradient)))
        variable.assign_sub(self._rate(variable) * first / ((1 - power) * (u + self.epsilon)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("beta_1", "beta_2", "epsilon")
