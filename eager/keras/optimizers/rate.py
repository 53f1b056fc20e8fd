"""The learning rate of an optimizer: a variable, a schedule, or a function without arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.context import init_scope
from eager.convert import convert
from eager.keras.optimizers.schedules import LearningRateSchedule
from eager.ops.array import cast
from eager.tensor import Tensor
from eager.variable import Variable

_NOT_SETTABLE = (
    "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` constructor argument, "
    "hence its learning rate is not settable. Instantiate the optimizer with a float `learning_rate` to set it."
)


def is_function(rate: Any) -> bool:
    """Whether a learning rate is a plain function of no arguments."""
    return callable(rate) and not isinstance(rate, LearningRateSchedule | Tensor | Variable)


class LearningRate:
    """The part of an optimizer that holds its learning rate.

    A number becomes a variable of the default float dtype, so that setting it needs no new trace. A schedule is a
    function of `iterations`. Any other function is called at each step; in a traced step its tensor operations are
    traced, and what it reads from plain Python objects stays as it was at the trace.
    """

    _learning_rate: Any
    _variables: list[Variable]
    _iterations: Variable
    _rate_keyword: Any = None

    def _build_learning_rate(self, learning_rate: Any) -> Any:
        """What to keep of the constructor's argument. Raises TypeError if it is no number."""
        if self._rate_keyword is not None:
            learning_rate = self._rate_keyword
        if isinstance(learning_rate, LearningRateSchedule) or is_function(learning_rate):
            return learning_rate
        if isinstance(learning_rate, dict):
            from eager.keras.optimizers import schedules

            return schedules.deserialize(learning_rate)
        from eager.keras.backend import floatx

        with init_scope():
            value = np.asarray(learning_rate, dtype=np.float64)
            variable = Variable(value, name="learning_rate", dtype=floatx(), trainable=False)
        self._variables.append(variable)
        return variable

    @property
    def iterations(self) -> Any:
        """The number of steps so far."""
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or the present value of a schedule or function. Settable.

        Raises:
            ValueError: if the optimizer's class never made one.
            TypeError: on setting it where it was made from a schedule, to anything but a schedule.
        """
        rate = self.__dict__.get("_learning_rate")
        if rate is None:
            raise ValueError("Missing learning rate, please set self.learning_rate at optimizer creation time.")
        if isinstance(rate, LearningRateSchedule):
            return convert(rate(self.iterations))
        return convert(rate()) if is_function(rate) else rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        held = self.__dict__.get("_learning_rate")
        if isinstance(learning_rate, LearningRateSchedule) or is_function(learning_rate):
            self._learning_rate = learning_rate
        elif isinstance(held, LearningRateSchedule):
            raise TypeError(_NOT_SETTABLE)
        elif isinstance(held, Variable):
            held.assign(cast(convert(learning_rate), held.dtype))
        else:
            self._learning_rate = self._build_learning_rate(learning_rate)

    lr = learning_rate

    def _rate(self, variable: Variable) -> Tensor:
        """The learning rate in the variable's dtype."""
        return cast(self.learning_rate, variable.dtype)

    def _rate_config(self) -> Any:
        """The learning rate for a config: a float, or a serialized schedule."""
        from eager.keras.serialization import serialize_keras_object

        rate = self._learning_rate
        return serialize_keras_object(rate) if isinstance(rate, LearningRateSchedule) else number_of(self.learning_rate)


def number_of(value: Any) -> float:
    """A scalar as the shortest Python float that rounds to it: 0.001, not 0.0010000000474974513."""
    return float(str(np.asarray(value)[()]))
