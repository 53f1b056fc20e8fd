"""Lion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import decay_into, whole
from eager.ops.clip import on_rows
from eager.ops.math import sign
from eager.variable import Variable


@registry.add("lion")
class Lion(Optimizer):
    """Steps of one size, by the sign of an averaged gradient (Chen et al. 2023; tf.keras.optimizers.Lion)."""

    def __init__(
        self,
        learning_rate: Any = 0.0001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Lion",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, the share of the average in a step, and its decay.

        Raises:
            ValueError: for a beta_1 outside of ]0, 1]; else as Optimizer.
        """
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        if beta_1 <= 0 or beta_1 > 1:
            raise ValueError(
                f"`beta_1`={beta_1} must be between ]0, 1]. Otherwise, the optimizer degenerates to SignSGD."
            )
        self._momentums: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        self._momentums = self._slots_of(variables, "m")

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        m = self._slot(self._momentums, variable)
        direction = sign(m * self.beta_1 + whole(gradient, variable) * (1.0 - self.beta_1))
        variable.assign_sub(self._rate(variable) * direction)
        decay_into(m, self.beta_2, on_rows(lambda g: g * (1.0 - self.beta_2), gradient))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("beta_1", "beta_2")
