"""FTRL-Proximal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import whole
from eager.ops.array import fill
from eager.ops.math import clip_by_value, pow, square
from eager.tensor import Tensor
from eager.variable import Variable

_POSITIVE = (
    "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
    "l2_shrinkage_regularization_strength",
)  # fmt: skip


@registry.add("ftrl")
class Ftrl(Optimizer):
    """Follow the regularized leader, which gives sparse weights (McMahan et al. 2013; tf.keras.optimizers.Ftrl)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Ftrl",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule and the strengths of its penalties.

        Args:
            learning_rate_power: at most 0; the learning rate falls with sums of squares to this power.
            initial_accumulator_value: where sums of squares start, at least 0.
            l1_regularization_strength, l2_regularization_strength: penalties, at least 0.
            l2_shrinkage_regularization_strength: a penalty of the size alone, at least 0.
            beta: the constant of the per-coordinate learning rate of the paper.

        Raises:
            ValueError: for a number out of its range; else as Optimizer.
        """
        given = (
            initial_accumulator_value, l1_regularization_strength, l2_regularization_strength,
            l2_shrinkage_regularization_strength,
        )  # fmt: skip
        for option, value in zip(_POSITIVE, given, strict=True):
            if value < 0.0:
                raise ValueError(f"`{option}` needs to be positive or zero. Received: {option}={value}.")
        if learning_rate_power > 0.0:
            raise ValueError(
                f"`learning_rate_power` needs to be negative or zero. Received: {learning_rate_power=}."
            )
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self._accumulators: list[Variable] = []
        self._linears: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            start = fill(v.shape.as_list(), convert(float(self.initial_accumulator_value), like=v.dtype))
            self._accumulators.append(self.add_variable_from_reference(v, "accumulator", initial_value=start))
            self._linears.append(self.add_variable_from_reference(v, "linear"))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        accumulator, linear = self._slot(self._accumulators, variable), self._slot(self._linears, variable)
        g, w = whole(gradient, variable), variable.value()
        shrunk = g + w * (2 * self.l2_shrinkage_regularization_strength)
        moved, total, new = leader(
            w, g, shrunk, accumulator.value(), linear.value(), self._rate(variable), self.learning_rate_power,
            self.l1_regularization_strength, self.l2_regularization_strength, self.beta,
        )  # fmt: skip
        accumulator.assign(total)
        linear.assign(moved)
        variable.assign(new)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("learning_rate_power", *_POSITIVE, "beta")


def leader(
    w: Tensor, g: Tensor, shrunk: Tensor, accumulator: Tensor, linear: Tensor, rate: Tensor, power: Any, l1: Any,
    l2: Any, beta: Any,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """One step of FTRL-Proximal: the new linear term, sum of squares and weights."""
    total = accumulator + square(g)
    scale = pow(total, -power)
    moved = linear + shrunk - (scale - pow(accumulator, -power)) / rate * w
    quadratic = scale / rate + 2 * (l2 + beta / (2 * rate))
    return moved, total, (clip_by_value(moved, -l1, l1) - moved) / quadratic
