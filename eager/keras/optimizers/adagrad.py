"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import is_sparse, move
from eager.ops.array import fill, gather
from eager.ops.clip import on_rows
from eager.ops.math import sqrt, square
from eager.variable import Variable


@registry.add("adagrad")
class Adagrad(Optimizer):
    """Steps scaled by the sum of all squared gradients (Duchi et al. 2011; tf.keras.optimizers.Adagrad)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adagrad",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, where sums start, and epsilon. Raises as Optimizer."""
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        self._accumulators: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            start = fill(v.shape.as_list(), convert(float(self.initial_accumulator_value), like=v.dtype))
            self._accumulators.append(self.add_variable_from_reference(v, "accumulator", initial_value=start))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient; of a tf.IndexedSlices only the rows it names."""
        accumulator = self._slot(self._accumulators, variable)
        move(accumulator, on_rows(square, gradient))
        total = gather(accumulator, gradient.indices) if is_sparse(gradient) else accumulator
        rate, scale = self._rate(variable), sqrt(total + self.epsilon)
        move(variable, on_rows(lambda g: -(rate * g / scale), gradient))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("initial_accumulator_value", "epsilon")
