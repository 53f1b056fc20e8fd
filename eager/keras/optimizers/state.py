"""The variables of an optimizer: iterations, averages, accumulators, slots; listing, saving and loading them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from eager import deferred
from eager.context import init_scope
from eager.keras.optimizers.rate import LearningRate
from eager.ops.array import zeros
from eager.variable import Variable

_UNKNOWN = (
    "The optimizer cannot recognize variable {}. This usually means that it was built for other variables: call "
    "`optimizer.build(variables)` with the full list of variables before training, make a new optimizer, or use "
    "tf.keras.optimizers.legacy.{}, which takes new variables at any time."
)


class VariableList(list[Variable]):
    """A list of variables that may also be called, as older code does: `optimizer.variables()`."""

    def __call__(self) -> VariableList:
        """The list itself."""
        return self


class SavedVariables:
    """The part of an optimizer that lists, sets, saves and loads its variables."""

    name: str
    _built: bool
    _variables: list[Variable]

    @property
    def variables(self) -> VariableList:
        """The optimizer's own variables, in the order in which they are saved."""
        return VariableList(self._variables)

    def get_weights(self) -> list[Any]:
        """The values of `variables` as arrays."""
        return [v.numpy() for v in self.variables]

    def set_weights(self, weights: Any) -> None:
        """Sets `variables` from arrays. A list without the learning rate, which tf.keras has, is taken too.

        Raises:
            ValueError: before the optimizer is built, or if their number or a shape differs; nothing changes then.
        """
        if not self._built:
            raise ValueError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. Please call "
                "`optimizer.build(trainable_variables)` to create the optimizer weights before calling `set_weights()`."
            )
        variables = self._matching(len(weights))
        if variables is None:
            raise ValueError(
                f"Optimizer {self.name} has {len(self.variables)} variables, but set_weights got {len(weights)} arrays."
            )
        self._assign_all(variables, list(weights))

    def _matching(self, count: int) -> list[Variable] | None:
        """The variables that a saved list of so many values means, None if none fits."""
        variables = list(self.variables)
        if count == len(variables):
            return variables
        others = [v for v in variables if v is not self.__dict__.get("_learning_rate")]
        return others if count == len(others) else None

    def _assign_all(self, variables: Sequence[Variable], values: Sequence[Any]) -> None:
        arrays = [np.asarray(x) for x in values]
        for v, x in zip(variables, arrays, strict=True):
            if v.shape != x.shape:
                raise ValueError(
                    f"Optimizer variable {v.name} has shape {v.shape} not compatible with provided weight shape "
                    f"{x.shape}."
                )
        for v, x in zip(variables, arrays, strict=True):
            v.assign(x.astype(v.dtype.numpy))

    def save_own_variables(self, store: Any) -> None:
        """Puts the values of `variables` into a dict-like store under "0", "1", ..."""
        for i, v in enumerate(self.variables):
            store[str(i)] = v.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Takes values from `save_own_variables`; warns and leaves all as it is if their number does not fit.

        Raises:
            ValueError: if a shape differs; nothing changes then.
        """
        variables = self._matching(len(store.keys()))
        if variables is None:
            how = "" if self._built else "; it has not been built: call `optimizer.build(model.trainable_variables)`"
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because it has {len(self.variables)} "
                f"variables whereas the saved optimizer has {len(store.keys())} variables{how}.",
                stacklevel=2,
            )
            return
        self._assign_all(variables, [store[str(i)] for i in range(len(variables))])


class OptimizerState(SavedVariables, LearningRate):
    """The part of an optimizer that owns variables.

    `variables` has the order in which they are saved: the counter of steps, the learning rate (unless a schedule gives
    it), averages of weights, gradient accumulators, then the slots of the optimizer in the order of its `build`.
    """

    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None

    def _init_state(self) -> None:
        self._built = False
        self._known: list[Variable] = []
        self._index_dict: dict[int, int] = {}
        self._averages: list[Variable] = []
        self._accumulated: list[Variable] = []
        with init_scope():
            self._iterations = Variable(0, name="iteration", dtype="int64", trainable=False)
        self._variables = [self._iterations]

    @property
    def iterations(self) -> Any:
        """The number of steps so far: an int64 variable, or with gradient accumulation a tensor.

        Settable before the optimizer is built; later that is a RuntimeError.
        """
        steps = self.gradient_accumulation_steps
        return self._iterations if steps is None else self._iterations // steps

    @iterations.setter
    def iterations(self, variable: Any) -> None:
        if self._built:
            raise RuntimeError(
                "Cannot set `iterations` to a new Variable after the Optimizer weights have been created. Here it is "
                f"attempting to set `iterations` to {variable}. Set it before the first `apply_gradients`."
            )
        if not isinstance(variable, Variable):
            variable = Variable(variable, name="iteration", dtype="int64", trainable=False)
        self._variables[0] = self._iterations = variable

    def build(self, var_list: Sequence[Variable]) -> None:
        """Makes the optimizer's variables for the variables that it will change; later calls do nothing.

        A subclass that overrides it calls this first, makes its slots with `add_variable_from_reference` unless
        `self._built` is set, and sets that.
        """
        if self._built:
            return
        variables = list(var_list)
        self._known = variables
        self._index_dict = {self._var_key(v): i for i, v in enumerate(variables)}
        if self.use_ema and not self._averages:
            self._averages = [self.add_variable_from_reference(v, "average", initial_value=v) for v in variables]
        if self.gradient_accumulation_steps is not None and not self._accumulated:
            self._accumulated = [self.add_variable_from_reference(v, "gradient_accumulator") for v in variables]
        makes_slots = type(self)._make_slots is not OptimizerState._make_slots
        self._make_slots(variables)
        self._built = makes_slots or type(self).build is OptimizerState.build

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        """Makes the slots of a built-in optimizer; without an override there are none."""

    def _slots_of(self, variables: Sequence[Variable], name: str) -> list[Variable]:
        return [self.add_variable_from_reference(v, name) for v in variables]

    def _var_key(self, variable: Variable) -> int:
        """The key of a variable in `_index_dict`."""
        return id(variable)

    def _slot(self, slots: Sequence[Variable], variable: Variable) -> Variable:
        return slots[self._index_dict[id(variable)]]

    def _require_known(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            if id(v) not in self._index_dict:
                raise KeyError(_UNKNOWN.format(v.name, type(self).__name__))

    def add_variable_from_reference(
        self, model_variable: Variable, variable_name: str, shape: Any = None, initial_value: Any = None
    ) -> Variable:
        """Makes a slot for a variable: of its shape and dtype, 0 unless an initial value is given."""
        with init_scope():
            value = initial_value.value() if isinstance(initial_value, Variable) else initial_value
            if value is None:
                value = zeros(model_variable.shape if shape is None else shape, model_variable.dtype)
            name = f"{variable_name}/{model_variable.name.partition(':')[0]}"
            slot = Variable(value, name=name, trainable=False, dtype=model_variable.dtype)
        self._variables.append(slot)
        if deferred.waiting:
            deferred.attached(self)
        return slot

    def add_variable(
        self, shape: Any, dtype: Any = None, initializer: Any = "zeros", name: str | None = None
    ) -> Variable:
        """Makes a variable of the optimizer that belongs to no variable of the model; float32 by default."""
        from eager.keras import initializers

        with init_scope():
            sizes, kind = tuple(shape), "float32" if dtype is None else dtype
            make = initializers.get(initializer) if isinstance(initializer, str) else initializer
            value = make(sizes, dtype=kind) if callable(make) else make
            variable = Variable(value, name=name, dtype=kind, trainable=False)
        self._variables.append(variable)
        if deferred.waiting:
            deferred.attached(self)
        return variable

    def __getstate__(self) -> dict[str, Any]:
        """The state without the identities of variables."""
        return {k: v for k, v in self.__dict__.items() if k != "_index_dict"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restores the state of a copy, whose variables have identities of their own."""
        self.__dict__.update(state)
        self._index_dict = {self._var_key(v): i for i, v in enumerate(self._known)}
