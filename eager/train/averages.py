"""tf.train.ExponentialMovingAverage: smoothed copies of variables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eager.context import init_scope
from eager.ops.array import cast
from eager.ops.math import minimum
from eager.variable import Variable


class ExponentialMovingAverage:
    """Averages of variables that forget older values (tf.train.ExponentialMovingAverage).

    The first `apply` copies the variables; every `apply` then moves each copy towards its variable:
    average = decay * average + (1 - decay) * variable.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ) -> None:
        """Takes the decay.

        Args:
            decay: how much of the average stays, near 1.
            num_updates: the number of updates so far, a number or a variable; the decay is then at most
                (1 + num_updates) / (10 + num_updates), so that early averages move faster.
            zero_debias: accepted; averages start at the variables' values, which leaves no bias.
            name: the end of the averages' names.
        """
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Variable] = {}
        self._sources: dict[Any, Variable] = {}

    @property
    def name(self) -> str:
        """The end of the averages' names."""
        return self._name

    def apply(self, var_list: Iterable[Variable]) -> None:
        """Moves the averages of variables towards them, inside of a tf.function too.

        Args:
            var_list: the variables; those that are new get an average.

        Raises:
            TypeError: for what is no variable of a float dtype.
        """
        variables = list(var_list)
        for v in variables:
            self._note(v)
        for v in variables:
            average = self._averages[v.ref()]
            average.assign_sub((1.0 - self._decay_as(v)) * (average - v))

    def _note(self, v: Any) -> None:
        if not isinstance(v, Variable) or not v.dtype.is_floating:
            raise TypeError(f"The variables must be tf.Variables of half, float, or double: {getattr(v, 'name', v)}")
        if v.ref() in self._averages:
            return
        with init_scope():
            self._averages[v.ref()] = Variable(v.value(), trainable=False, name=self.average_name(v))
        self._sources[v.ref()] = v

    def _decay_as(self, v: Variable) -> Any:
        decay = cast(self._decay, v.dtype)
        if self._num_updates is None:
            return decay
        count = cast(self._num_updates, v.dtype)
        return minimum(decay, (1.0 + count) / (10.0 + count))

    def average(self, var: Variable) -> Variable | None:
        """The variable that holds the average of a variable; None if `apply` never met it."""
        return self._averages.get(var.ref())

    def average_name(self, var: Variable) -> str:
        """The name of the average of a variable, such as "dense/kernel/ExponentialMovingAverage"."""
        return f"{var.name.partition(':')[0]}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Iterable[Variable] | None = None) -> dict[str, Variable]:
        """Names under which averages are stored, with the variables that should get them.

        Args:
            moving_avg_variables: variables that are averaged; by default those that `apply` met.
        """
        chosen = self._sources.values() if moving_avg_variables is None else moving_avg_variables
        return {self.average_name(v): v for v in chosen}


__all__ = ["ExponentialMovingAverage"]
