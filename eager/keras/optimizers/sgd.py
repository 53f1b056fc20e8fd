"""Gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.indexed_slices import IndexedSlices
from eager.keras.optimizers.base import Optimizer, decay_into, move, registry
from eager.ops.clip import on_rows
from eager.variable import Variable


@registry.add("sgd")
class SGD(Optimizer):
    """w += -learning_rate * g, with momentum as an option (tf.keras.optimizers.SGD)."""

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, name: str = "SGD", **kwargs: Any
    ) -> None:
        """Takes the learning rate or a schedule, momentum in [0, 1], and whether it is Nesterov's.

        Raises:
            ValueError: for a momentum outside of [0, 1].
        """
        super().__init__(name=name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        if not 0 <= momentum <= 1:
            raise ValueError("`momentum` must be between [0, 1].")
        self.momentum = momentum
        self.nesterov = nesterov
        self.momentums: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        """Makes a momentum for each variable, if there is momentum."""
        new = self._new(var_list, self.momentums)
        if self.momentum:
            self.momentums += [self.add_variable_from_reference(v, "m") for v in new]

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient."""
        rate = self._rate(variable)
        change = on_rows(lambda g: -g * rate, gradient)
        if not self.momentum:
            move(variable, change)
            return
        moved = decay_into(self._slot(self.momentums, variable), self.momentum, change)
        if self.nesterov and isinstance(change, IndexedSlices):
            variable.assign_add(moved * self.momentum)
            move(variable, change)
        else:
            variable.assign_add(moved * self.momentum + change if self.nesterov else moved)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "learning_rate": self._rate_config(), "momentum": self.momentum, "nesterov": self.nesterov,
        }  # fmt: skip
