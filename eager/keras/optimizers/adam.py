"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.indexed_slices import IndexedSlices
from eager.keras.optimizers.base import Optimizer, decay_into, registry
from eager.ops.array import cast
from eager.ops.clip import on_rows
from eager.ops.math import maximum, pow, sqrt, square
from eager.variable import Variable


@registry.add("adam")
class Adam(Optimizer):
    """Steps scaled by running means of gradients and their squares (Kingma and Ba 2014; tf.keras.optimizers.Adam)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        name: str = "Adam",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, the decay rates, epsilon, and whether second moments never shrink."""
        super().__init__(name=name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []
        self._velocity_hats: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        """Makes first and second moments for each variable, 0 at the start."""
        for v in self._new(var_list, self._momentums):
            self._momentums.append(self.add_variable_from_reference(v, "m"))
            self._velocities.append(self.add_variable_from_reference(v, "v"))
            if self.amsgrad:
                self._velocity_hats.append(self.add_variable_from_reference(v, "vhat"))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        kind = variable.dtype
        step = cast(self.iterations + 1, kind)
        power_1, power_2 = (pow(convert(b, like=kind), step) for b in (self.beta_1, self.beta_2))
        alpha = self._rate(variable) * sqrt(1 - power_2) / (1 - power_1)
        m, v = self._slot(self._momentums, variable), self._slot(self._velocities, variable)
        if isinstance(gradient, IndexedSlices):
            first = decay_into(m, self.beta_1, on_rows(lambda g: g * (1 - self.beta_1), gradient))
            second = decay_into(v, self.beta_2, on_rows(lambda g: square(g) * (1 - self.beta_2), gradient))
        else:
            first = m + (gradient - m) * (1 - self.beta_1)
            second = v + (square(gradient) - v) * (1 - self.beta_2)
            m.assign(first)
            v.assign(second)
        if self.amsgrad:
            hat = self._slot(self._velocity_hats, variable)
            second = maximum(hat, second)
            hat.assign(second)
        variable.assign_sub(first * alpha / (sqrt(second) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "learning_rate": self._rate_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }  # fmt: skip


@registry.add("adamw")
class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter 2017; tf.keras.optimizers.AdamW)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        name: str = "AdamW",
        **kwargs: Any,
    ) -> None:
        """Takes the options of Adam and the weight decay. Raises ValueError without one."""
        if weight_decay is None:
            raise ValueError("Missing value of `weight_decay` which is required and must be a float value.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, name, weight_decay=weight_decay, **kwargs)
