"""Gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.gradients import decay_into, is_sparse, move
from eager.ops.clip import on_rows
from eager.variable import Variable


@registry.add("sgd")
class SGD(Optimizer):
    """w += -learning_rate * g, with momentum as an option (tf.keras.optimizers.SGD)."""

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "SGD",
        **kwargs: Any,
    ) -> None:
        """Takes the learning rate or a schedule, momentum in [0, 1], and whether it is Nesterov's.

        Raises:
            ValueError: for a momentum outside of [0, 1]; else as Optimizer.
        """
        super().__init__(
            name, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            jit_compile, **kwargs,
        )  # fmt: skip
        self._learning_rate = self._build_learning_rate(learning_rate)
        if not 0 <= momentum <= 1:
            raise ValueError("`momentum` must be between [0, 1].")
        self.momentum = momentum
        self.nesterov = nesterov
        self.momentums: list[Variable] = []

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        # Without momentum there is none to keep (tf.keras keeps zeros).
        if self.momentum:
            self.momentums = self._slots_of(variables, "m")

    def load_own_variables(self, store: Any) -> None:
        """As Optimizer; of a file of tf.keras, which keeps momenta of zeros, without momentum only the counter."""
        if not self.momentum and len(store.keys()) > len(self.variables):
            store = {"0": store["0"]}
        super().load_own_variables(store)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        rate = self._rate(variable)
        change = on_rows(lambda g: -g * rate, gradient)
        if not self.momentums:
            move(variable, change)
            return
        moved = decay_into(self._slot(self.momentums, variable), self.momentum, change)
        if self.nesterov and is_sparse(change):
            variable.assign_add(moved * self.momentum)
            move(variable, change)
        else:
            variable.assign_add(moved * self.momentum + change if self.nesterov else moved)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._config_with("momentum", "nesterov")
