"""Adafactor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import whole
from eager.ops.array import cast, expand_dims
from eager.ops.math import maximum, minimum, pow, reduce_mean, rsqrt, sqrt, square
from eager.tensor import Tensor
from eager.variable import Variable


def _rms(x: Any) -> Tensor:
    return sqrt(reduce_mean(square(x)))


@registry.add("adafactor")
class Adafactor(Optimizer):
    """Second moments kept as row and column means (Shazeer and Stern 2018; tf.keras.optimizers.Adafactor)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adafactor",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule and the constants of the paper.

        Args:
            beta_2_decay: the exponent by which the decay rate of second moments nears 1.
            epsilon_1: added to squared gradients.
            epsilon_2: the smallest root mean square of a weight that scales its step.
            clip_threshold: the largest root mean square of an update.
            relative_step: whether the learning rate is at most 1 / sqrt(step).

        Raises as Optimizer.
        """
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step
        self._r: list[Any] = []
        self._c: list[Any] = []
        self._v: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            sizes = v.shape.as_list()
            factored = len(sizes) >= 2
            rows, columns = sizes[:-1], [*sizes[:-2], *sizes[-1:]]
            self._r.append(self.add_variable_from_reference(v, "r", shape=rows) if factored else None)
            self._c.append(self.add_variable_from_reference(v, "c", shape=columns) if factored else None)
            self._v.append(self.add_variable_from_reference(v, "v"))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        kind, g, w = variable.dtype, whole(gradient, variable), variable.value()
        step, rate = cast(self.iterations + 1, kind), self._rate(variable)
        if self.relative_step:
            rate = minimum(rate, rsqrt(step))
        keep = 1 - pow(step, convert(float(self.beta_2_decay), like=kind))
        second = self._second_moment(variable, square(g) + self.epsilon_1, keep)
        update = g * rsqrt(second)
        update = update / maximum(convert(1.0, like=kind), _rms(update) / self.clip_threshold)
        size = maximum(convert(self.epsilon_2, like=kind), _rms(w))
        variable.assign_sub(size * rate * update)

    def _second_moment(self, variable: Variable, squares: Tensor, keep: Tensor) -> Tensor:
        index = self._index_dict[self._var_key(variable)]
        r, c, v = self._r[index], self._c[index], self._v[index]
        if r is None:
            v.assign(keep * v + (1 - keep) * squares)
            return v.value()
        r.assign(keep * r + (1 - keep) * reduce_mean(squares, axis=-1))
        c.assign(keep * c + (1 - keep) * reduce_mean(squares, axis=-2))
        share = r / reduce_mean(r, axis=-1, keepdims=True)
        v.assign(expand_dims(share, -1) * expand_dims(c, -2))
        return v.value()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with(
            "beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step"
        )
