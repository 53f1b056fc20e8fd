"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import decay_into, is_sparse
from eager.ops.array import cast
from eager.ops.clip import on_rows
from eager.ops.math import maximum, pow, sqrt, square
from eager.tensor import Tensor
from eager.variable import Variable


def moments(first: Variable, second: Variable, gradient: Any, keep_1: float, keep_2: float) -> tuple[Tensor, Tensor]:
    """Moves running means of a gradient and of its square on, and returns them."""
    if is_sparse(gradient):
        m = decay_into(first, keep_1, on_rows(lambda g: g * (1 - keep_1), gradient))
        v = decay_into(second, keep_2, on_rows(lambda g: square(g) * (1 - keep_2), gradient))
        return m, v
    m = first + (gradient - first) * (1 - keep_1)
    v = second + (square(gradient) - second) * (1 - keep_2)
    first.assign(m)
    second.assign(v)
    return m, v


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
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adam",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, the decay rates, epsilon, and whether second moments never shrink.

        Raises as Optimizer.
        """
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []
        self._velocity_hats: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            self._momentums.append(self.add_variable_from_reference(v, "m"))
            self._velocities.append(self.add_variable_from_reference(v, "v"))
        if self.amsgrad:
            self._velocity_hats = self._slots_of(variables, "vhat")

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        kind = variable.dtype
        step = cast(self.iterations + 1, kind)
        power_1, power_2 = (pow(convert(b, like=kind), step) for b in (self.beta_1, self.beta_2))
        alpha = self._rate(variable) * sqrt(1 - power_2) / (1 - power_1)
        m, v = self._slot(self._momentums, variable), self._slot(self._velocities, variable)
        first, second = moments(m, v, gradient, self.beta_1, self.beta_2)
        if self._velocity_hats:
            hat = self._slot(self._velocity_hats, variable)
            second = maximum(hat, second)
            hat.assign(second)
        variable.assign_sub(first * alpha / (sqrt(second) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("beta_1", "beta_2", "epsilon", "amsgrad")


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
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "AdamW",
        **kwargs: Any,
    ) -> None:
        """Takes the options of Adam and the weight decay. Raises ValueError without one, else as Optimizer."""
        if weight_decay is None:
            raise ValueError("Missing value of `weight_decay` which is required and must be a float value.")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm,
            use_ema, ema_momentum, ema_overwrite_frequency, jit_compile, name, **kwargs,
        )  # fmt: skip
