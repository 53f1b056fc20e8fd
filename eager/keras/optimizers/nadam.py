"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.context import init_scope
from eager.convert import convert
from eager.keras.optimizers.adam import moments
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import Pair, whole
from eager.ops.array import cast
from eager.ops.math import pow, sqrt
from eager.tensor import Tensor
from eager.variable import Variable

_DECAY = 0.96


@registry.add("nadam")
class Nadam(Optimizer):
    """Adam with Nesterov's momentum, which warms up (Dozat 2015; tf.keras.optimizers.Nadam)."""

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
        name: str = "Nadam",
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
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []
        # The product of all momenta so far; it follows from `iterations`, so it is not among the saved variables.
        with init_scope():
            self._u_product = Variable(1.0, name="u_product", trainable=False, dtype="float64")

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            self._momentums.append(self.add_variable_from_reference(v, "m"))
            self._velocities.append(self.add_variable_from_reference(v, "v"))

    def _momentum_at(self, step: Tensor) -> Tensor:
        """The momentum of a step, a float64 scalar."""
        return self.beta_1 * (1.0 - 0.5 * pow(convert(_DECAY, like=step.dtype), step))

    def _update_all(self, pairs: list[Pair]) -> None:
        self._u_product.assign(self._u_product * self._momentum_at(cast(self.iterations + 1, "float64")))
        super()._update_all(pairs)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        kind = variable.dtype
        step = cast(self.iterations + 1, "float64")
        now, following, product = self._momentum_at(step), self._momentum_at(step + 1.0), self._u_product.value()
        m, v = self._slot(self._momentums, variable), self._slot(self._velocities, variable)
        first, second = moments(m, v, gradient, self.beta_1, self.beta_2)
        factor = cast(following / (1.0 - product * following), kind)
        ahead = first * factor + whole(gradient, variable) * cast((1.0 - now) / (1.0 - product), kind)
        spread = second / cast(1.0 - pow(convert(self.beta_2, like=step.dtype), step), kind)
        variable.assign_sub(ahead * self._rate(variable) / (sqrt(spread) + self.epsilon))

    def _assign_all(self, variables: Sequence[Variable], values: Sequence[Any]) -> None:
        super()._assign_all(variables, values)
        product = 1.0
        for step in range(1, int(self.iterations) + 1):
            product *= self.beta_1 * (1 - 0.5 * _DECAY**step)
            if product == 0.0:
                break
        self._u_product.assign(product)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("beta_1", "beta_2", "epsilon")
