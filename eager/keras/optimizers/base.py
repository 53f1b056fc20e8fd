"""The base of optimizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from eager.context import init_scope
from eager.indexed_slices import IndexedSlices, unique_rows
from eager.keras.engine.naming import snake_case
from eager.keras.optimizers.schedules import LearningRateSchedule
from eager.keras.registry import Registry
from eager.ops.array import cast, zeros
from eager.ops.clip import clip_by_global_norm, clip_by_norm, clip_by_value
from eager.tape import GradientTape
from eager.tensor import Tensor
from eager.variable import Variable

registry = Registry("optimizer", "keras.optimizers")


class Optimizer:
    """Changes variables by gradients (tf.keras.optimizers.Optimizer).

    Subclasses make their slots in `build(var_list)` with `add_variable_from_reference` and change one variable in
    `update_step(gradient, variable)`. The state lives in variables, made on first use.
    """

    def __init__(
        self,
        name: str | None = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        **kwargs: Any,
    ) -> None:
        """Takes the options that all optimizers have.

        Args:
            name: its name.
            weight_decay: variables shrink by this times the learning rate at each step.
            clipnorm: largest norm of each gradient.
            clipvalue: largest absolute value of gradients' elements.
            global_clipnorm: largest norm of all gradients together.
            use_ema, ema_momentum, ema_overwrite_frequency: averaging of weights is not supported.
            jit_compile: accepted for compatibility.
            **kwargs: none are known.

        Raises:
            TypeError: for an unknown keyword.
            ValueError: if both clipnorm and global_clipnorm are given.
            UnsupportedError: for use_ema.
        """
        from eager.errors import UnsupportedError

        del jit_compile, ema_momentum, ema_overwrite_frequency
        if kwargs:
            raise TypeError(f"{sorted(kwargs)[0]} is not a valid argument of {type(self).__name__}")
        if use_ema:
            raise UnsupportedError(
                f"{type(self).__name__}: use_ema is not supported; keep averages in variables of your own in train_step"
            )
        if clipnorm is not None and global_clipnorm is not None:
            raise ValueError(
                f"At most one of `clipnorm` and `global_clipnorm` can be set. Received: clipnorm={clipnorm}, "
                f"global_clipnorm={global_clipnorm}."
            )
        self.name = name or snake_case(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self._variables: list[Variable] = []
        self._slot_numbers: dict[int, int] = {}
        self._known: list[Variable] = []
        self._excluded: set[str] = set()
        with init_scope():
            self._iterations = Variable(0, name="iteration", dtype="int64", trainable=False)
        self._variables.append(self._iterations)

    # State ---------------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> Variable:
        """The number of steps so far, an int64 variable."""
        return self._iterations

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables: iterations, learning rate, slots."""
        return list(self._variables)

    def build(self, var_list: Sequence[Variable]) -> None:
        """Numbers the variables, for subclasses to make slots for the new ones."""
        for variable in var_list:
            if id(variable) not in self._slot_numbers:
                self._slot_numbers[id(variable)] = len(self._slot_numbers)
                self._known.append(variable)

    def _new(self, var_list: Sequence[Variable], slots: Sequence[Any]) -> list[Variable]:
        """Those of the variables that have no slot yet."""
        Optimizer.build(self, var_list)
        return self._known[len(slots) :]

    def _slot(self, slots: Sequence[Variable], variable: Variable) -> Variable:
        return slots[self._slot_numbers[id(variable)]]

    def add_variable_from_reference(
        self, model_variable: Variable, variable_name: str, shape: Any = None, initial_value: Any = None
    ) -> Variable:
        """Makes a slot for a variable: of its shape and dtype, 0 unless an initial value is given."""
        with init_scope():
            value = initial_value
            if value is None:
                value = zeros(model_variable.shape if shape is None else shape, model_variable.dtype)
            name = f"{variable_name}/{model_variable.name.partition(':')[0]}"
            slot = Variable(value, name=name, trainable=False, dtype=model_variable.dtype)
        self._variables.append(slot)
        return slot

    def _build_learning_rate(self, learning_rate: Any) -> Any:
        if isinstance(learning_rate, LearningRateSchedule):
            return learning_rate
        with init_scope():
            variable = Variable(float(learning_rate), name="learning_rate", dtype="float32", trainable=False)
        self._variables.append(variable)
        return variable

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or a schedule's value at the present step. Settable."""
        rate = self._learning_rate
        return rate(self.iterations) if isinstance(rate, LearningRateSchedule) else rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if isinstance(learning_rate, LearningRateSchedule):
            self._learning_rate = learning_rate
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` constructor "
                "argument, hence its learning rate is not settable. Instantiate the optimizer with a float."
            )
        else:
            self._learning_rate.assign(cast(learning_rate, "float32"))

    lr = learning_rate

    def _rate(self, variable: Variable) -> Tensor:
        """The learning rate in the variable's dtype."""
        return cast(self.learning_rate, variable.dtype)

    # Steps ---------------------------------------------------------------------------------------------------------

    def compute_gradients(
        self, loss: Any, var_list: Any, tape: GradientTape | None = None
    ) -> list[tuple[Any, Variable]]:
        """Pairs of gradient and variable, of a loss tensor with its tape or of a callable loss.

        Raises:
            ValueError: for a tensor without a tape.
        """
        if not callable(loss) and tape is None:
            raise ValueError(f"`tape` is required when a `Tensor` loss is passed. Received: loss={loss}, tape={tape}.")
        if tape is None:
            tape = GradientTape()
        if callable(loss) and not isinstance(loss, Tensor):
            with tape:
                loss = loss()
        variables: list[Variable] = list(_listed(var_list))
        return list(zip(tape.gradient(loss, variables), variables, strict=True))

    def minimize(self, loss: Any, var_list: Any, tape: GradientTape | None = None) -> Any:
        """Computes gradients and applies them; returns `iterations`. Raises as `compute_gradients`."""
        return self.apply_gradients(self.compute_gradients(loss, var_list, tape))

    def apply_gradients(
        self, grads_and_vars: Any, name: str | None = None, skip_gradients_aggregation: bool = False, **kwargs: Any
    ) -> Variable:
        """Changes variables by gradients; returns `iterations`.

        Args:
            grads_and_vars: pairs of gradient and variable; a gradient of None leaves its variable alone.
            name, skip_gradients_aggregation: accepted for compatibility.
            **kwargs: `experimental_aggregate_gradients` is accepted.

        Raises:
            ValueError: if no variable has a gradient.
        """
        del name, skip_gradients_aggregation, kwargs
        pairs = _with_gradients(list(grads_and_vars))
        gradients, variables = [g for g, _ in pairs], [v for _, v in pairs]
        with init_scope():
            self.build(variables)
        gradients = [unique_rows(g) if isinstance(g, IndexedSlices) else g for g in self._clip(gradients)]
        self._decay(variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            self.update_step(gradient, variable)
        self.iterations.assign_add(1)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        return self.iterations

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient: a tensor, or a tf.IndexedSlices that names each row once.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `update_step(self, gradient, variable)`")

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Leaves variables, by object or by part of their name, out of weight decay."""
        self._excluded.update(v.name for v in var_list or [])
        self._excluded.update(var_names or [])

    def _decay(self, variables: Sequence[Variable]) -> None:
        if self.weight_decay is None:
            return
        for v in variables:
            if not any(word in v.name for word in self._excluded):
                v.assign_sub(v * self.weight_decay * self._rate(v))

    def _clip(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm is not None and self.clipnorm > 0:
            return [clip_by_norm(g, float(self.clipnorm)) for g in gradients]
        if self.global_clipnorm is not None and self.global_clipnorm > 0:
            return clip_by_global_norm(gradients, float(self.global_clipnorm))[0]
        if self.clipvalue is not None and self.clipvalue > 0:
            limit = float(self.clipvalue)
            return [clip_by_value(g, -limit, limit) for g in gradients]
        return gradients

    def __getstate__(self) -> dict[str, Any]:
        """The state without the identities of variables."""
        return {k: v for k, v in self.__dict__.items() if k != "_slot_numbers"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restores the state of a copy, whose variables have identities of their own."""
        self.__dict__.update(state)
        self._slot_numbers = {id(v): i for i, v in enumerate(self._known)}

    # Config --------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, without the state."""
        return {
            "name": self.name, "weight_decay": self.weight_decay, "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm, "clipvalue": self.clipvalue, "use_ema": False,
            "ema_momentum": 0.99, "ema_overwrite_frequency": None, "jit_compile": True,
        }  # fmt: skip

    def _rate_config(self) -> Any:
        """The learning rate for a config: a float, or a serialized schedule."""
        from eager.keras.serialization import serialize_keras_object

        rate = self._learning_rate
        return serialize_keras_object(rate) if isinstance(rate, LearningRateSchedule) else float(rate.numpy())

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """An optimizer from `get_config`, with a fresh state."""
        from eager.keras.serialization import deserialize_keras_object

        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = config | {"learning_rate": deserialize_keras_object(rate, custom_objects)}
        return cls(**config)

    _learning_rate: Any


def decay_into(slot: Variable, keep: Any, change: Any) -> Tensor:
    """slot = slot * keep + change, where the change is a tensor or a tf.IndexedSlices; returns the new value."""
    if isinstance(change, IndexedSlices):
        slot.assign(slot * keep)
        slot.scatter_add(change)
    else:
        slot.assign(slot * keep + change)
    return slot.value()


def move(variable: Variable, change: Any) -> None:
    """variable = variable + change, where the change is a tensor or a tf.IndexedSlices."""
    if isinstance(change, IndexedSlices):
        variable.scatter_add(change)
    else:
        variable.assign_add(change)


def _listed(var_list: Any) -> Any:
    return var_list() if callable(var_list) else var_list


def _with_gradients(pairs: list[tuple[Any, Variable]]) -> list[tuple[Any, Variable]]:
    """The pairs that have a gradient, with a warning for the others."""
    found = [(g, v) for g, v in pairs if g is not None]
    names = [v.name for g, v in pairs if g is None]
    if not found:
        raise ValueError(f"No gradients provided for any variable: {names}.")
    if names:
        import warnings

        warnings.warn(
            f"Gradients do not exist for variables {names} when minimizing the loss. If you're using "
            "`model.compile()`, did you forget to provide a `loss` argument?",
            stacklevel=4,
        )
    return found


