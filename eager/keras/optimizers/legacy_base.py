"""The base of tf.keras.optimizers.legacy: optimizers with hyperparameters by name and slots made on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from eager import deferred
from eager.context import init_scope
from eager.convert import convert
from eager.indexed_slices import IndexedSlices, unique_rows
from eager.keras.optimizers.gradients import Pair, checked, compute, is_sparse, with_gradients
from eager.keras.optimizers.rate import is_function, number_of
from eager.keras.optimizers.schedules import LearningRateSchedule
from eager.keras.optimizers.state import SavedVariables
from eager.keras.registry import Registry
from eager.ops.array import cast
from eager.ops.clip import clip_by_global_norm, clip_by_norm, clip_by_value
from eager.tensor import Tensor
from eager.variable import Variable

registry = Registry("legacy optimizer", "keras.optimizers.legacy")

_KEYWORDS = frozenset(("clipnorm", "clipvalue", "lr", "decay", "global_clipnorm"))


class Optimizer(SavedVariables):
    """Base of the optimizers that tf.keras had before 2.11 (tf.keras.optimizers.legacy.Optimizer).

    Subclasses set numbers with `_set_hyper(name, value)`, make slots in `_create_slots(var_list)` with `add_slot`, and
    change variables in `_resource_apply_dense(grad, var, apply_state)` and `_resource_apply_sparse(grad, var, indices,
    apply_state)`. Hyperparameters are float32 variables, which can be read and set as attributes without a new trace.
    New variables get their slots whenever they first come.
    """

    def __init__(
        self, name: str, gradient_aggregator: Any = None, gradient_transformers: Any = None, **kwargs: Any
    ) -> None:
        """Takes what all have.

        Args:
            name: its name.
            gradient_aggregator: a function of the pairs of gradient and variable that returns gradients.
            gradient_transformers: functions of the pairs that return pairs, applied after clipping.
            **kwargs: `clipnorm`, `clipvalue`, `global_clipnorm`, `lr` (the learning rate), and `decay` (the learning
                rate is divided by 1 + decay * iterations).

        Raises:
            TypeError: for an unknown keyword.
            ValueError: for a negative one, or clipnorm together with global_clipnorm.
        """
        for key, value in kwargs.items():
            if key not in _KEYWORDS:
                raise TypeError(f"Unexpected keyword argument passed to optimizer: {key}")
            if value is not None and not callable(value) and value < 0:
                raise ValueError(f"Expected {key} >= 0, received: {value}")
        self._hyper: dict[str, Any] = {}
        self._slots: dict[int, dict[str, Variable]] = {}
        self._known: list[Variable] = []
        self._name = self.name = name
        self._built = False
        self.gradient_aggregator = gradient_aggregator
        self.gradient_transformers: list[Callable[..., Any]] = list(gradient_transformers or ())
        self._initial_decay = kwargs.pop("decay", 0.0)
        self.clipnorm = kwargs.pop("clipnorm", None)
        self.global_clipnorm = kwargs.pop("global_clipnorm", None)
        self.clipvalue = kwargs.pop("clipvalue", None)
        if self.clipnorm is not None and self.global_clipnorm is not None:
            raise ValueError("Cannot accept both `clipnorm` and `global_clipnorm`.")
        with init_scope():
            self._iterations = Variable(0, name=f"{name}/iter", dtype="int64", trainable=False)
        self._variables = [self._iterations]

    # Hyperparameters -------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """A hyperparameter. Raises AttributeError for any other name."""
        wanted = "learning_rate" if name == "lr" else name
        if wanted in self.__dict__.get("_hyper", ()):
            return self._get_hyper(wanted)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute, or a hyperparameter."""
        wanted = "learning_rate" if name == "lr" else name
        if wanted in self.__dict__.get("_hyper", ()):
            self._set_hyper(wanted, value)
        else:
            object.__setattr__(self, name, value)

    def _set_hyper(self, name: str, value: Any) -> None:
        """Sets a hyperparameter to a number, a schedule, or a function without arguments."""
        held = self._hyper.get(name)
        if isinstance(value, LearningRateSchedule) or is_function(value):
            self._hyper[name] = value
        elif isinstance(held, Variable):
            held.assign(cast(convert(value), held.dtype))
        else:
            with init_scope():
                start = cast(convert(value), "float32")
                self._hyper[name] = Variable(start, name=f"{self._name}/{name}", trainable=False)

    def _get_hyper(self, name: str, dtype: Any = None) -> Any:
        """The present value of a hyperparameter, cast if a dtype is given; a schedule as it is."""
        value = self._hyper[name]
        if isinstance(value, LearningRateSchedule):
            return value
        value = value() if is_function(value) else value
        return value if dtype is None else cast(convert(value), dtype)

    def _serialize_hyperparameter(self, name: str) -> Any:
        """A hyperparameter for a config."""
        from eager.keras.serialization import serialize_keras_object

        value = self._get_hyper(name)
        return serialize_keras_object(value) if isinstance(value, LearningRateSchedule) else number_of(value)

    def _decayed_lr(self, var_dtype: Any) -> Tensor:
        """The learning rate of this step: the schedule's, or with `decay` divided by 1 + decay * iterations."""
        rate = self._get_hyper("learning_rate", var_dtype)
        if isinstance(rate, LearningRateSchedule):
            rate = cast(convert(rate(cast(self._iterations, var_dtype))), var_dtype)
        if self._initial_decay > 0.0:
            decay = self._get_hyper("decay", var_dtype) if "decay" in self._hyper else self._initial_decay
            rate = rate / (1.0 + decay * cast(self._iterations, var_dtype))
        return rate

    def _prepare_local(self, var_device: Any, var_dtype: Any, apply_state: dict[Any, Any]) -> None:
        """Puts what updates of a dtype share into apply_state[var_device, var_dtype]; subclasses add to it."""
        values = apply_state.setdefault((var_device, var_dtype), {})
        if "learning_rate" in self._hyper:
            rate = self._decayed_lr(var_dtype)
            values |= {"lr_t": rate, "neg_lr_t": -rate}

    def _fallback_apply_state(self, var_device: Any, var_dtype: Any) -> dict[str, Any]:
        """What `_prepare_local` gives for one device and dtype."""
        apply_state: dict[Any, Any] = {}
        self._prepare_local(var_device, var_dtype, apply_state)
        return apply_state[var_device, var_dtype]

    # Slots -----------------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> Variable:
        """The number of steps so far, an int64 variable. Settable until the first step, later a RuntimeError."""
        return self._iterations

    @iterations.setter
    def iterations(self, variable: Variable) -> None:
        if self._built:
            raise RuntimeError("Cannot set `iterations` to a new Variable after the weights have been created")
        self._variables[0] = self._iterations = variable

    @property
    def weights(self) -> list[Variable]:
        """As `variables`."""
        return self.variables

    def build(self, var_list: Sequence[Variable]) -> None:
        """Makes the slots of those variables that have none yet."""
        new = [v for v in var_list if id(v) not in self._slots]
        if new or not self._built:
            self._built = True
            for v in new:
                self._slots[id(v)] = {}
                self._known.append(v)
            with init_scope():
                self._create_slots(new)

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        """Makes the slots of variables with `add_slot`; without an override there are none."""

    def add_slot(self, var: Variable, slot_name: str, initializer: Any = "zeros", shape: Any = None) -> Variable:
        """Makes a slot of a variable, or returns the one of that name.

        Args:
            var: the variable.
            slot_name: the slot's name.
            initializer: a name, a function (shape, dtype), or a value.
            shape: by default the variable's.
        """
        slots = self._slots.setdefault(id(var), {})
        if slot_name not in slots:
            sizes: tuple[int, ...] = var.shape.raw if shape is None else tuple(shape)
            name = f"{self._name}/{var.name.partition(':')[0]}/{slot_name}"
            slots[slot_name] = self._new_weight(name, sizes, var.dtype, initializer, False)
        return slots[slot_name]

    def get_slot(self, var: Variable, slot_name: str) -> Variable:
        """The slot of a variable. Raises KeyError if there is none."""
        return self._slots[id(var)][slot_name]

    def get_slot_names(self) -> list[str]:
        """The names of slots."""
        return list(dict.fromkeys(name for slots in self._slots.values() for name in slots))

    def add_weight(
        self, name: str, shape: Any = (), dtype: Any = None, initializer: Any = "zeros", trainable: bool = False,
        **kwargs: Any,
    ) -> Variable:  # fmt: skip
        """Makes a variable that belongs to no variable of the model. Raises TypeError for an unknown keyword."""
        for key in kwargs:
            if key not in ("synchronization", "aggregation"):
                raise TypeError(f"add_weight: unknown keyword {key!r}")
        kind = "float32" if dtype is None else dtype
        return self._new_weight(f"{self._name}/{name}", tuple(shape), kind, initializer, trainable)

    def _new_weight(self, name: str, sizes: tuple[int, ...], kind: Any, initializer: Any, trainable: bool) -> Variable:
        from eager.keras import initializers

        make = initializers.get(initializer) if isinstance(initializer, str | dict) else initializer
        with init_scope():
            value = make(sizes, dtype=kind) if callable(make) and not isinstance(make, Tensor | Variable) else make
            variable = Variable(value, name=name, dtype=kind, trainable=trainable)
        self._variables.append(variable)
        if deferred.waiting:
            deferred.attached(self)
        return variable

    # Steps -----------------------------------------------------------------------------------------------------------

    def compute_gradients(self, loss: Any, var_list: Any, grad_loss: Any = None, tape: Any = None) -> list[Pair]:
        """Pairs of gradient and variable. Raises ValueError for a tensor without its tape."""
        return compute(loss, var_list, tape, given=grad_loss)

    def minimize(
        self, loss: Any, var_list: Any, grad_loss: Any = None, name: str | None = None, tape: Any = None
    ) -> Variable:
        """Computes gradients and applies them; returns `iterations`. Raises as `compute_gradients`."""
        return self.apply_gradients(self.compute_gradients(loss, var_list, grad_loss, tape), name)

    def apply_gradients(
        self, grads_and_vars: Any, name: str | None = None, experimental_aggregate_gradients: bool = True
    ) -> Variable:
        """Changes variables by gradients; returns `iterations`. Raises ValueError if no variable has a gradient."""
        del name
        pairs = [checked(g, v) for g, v in with_gradients(list(grads_and_vars))]
        self.build([v for _, v in pairs])
        if self.gradient_aggregator is not None and experimental_aggregate_gradients:
            pairs = list(zip(self.gradient_aggregator(pairs), [v for _, v in pairs], strict=True))
        for g, v in self._transform_gradients(pairs):
            if is_sparse(g):
                self._resource_apply_sparse_duplicate_indices(g.values, v, g.indices)
            else:
                self._resource_apply_dense(g, v)
            if v.constraint is not None:
                v.assign(v.constraint(v))
        self._iterations.assign_add(1)
        return self._iterations

    def _transform_gradients(self, pairs: list[Pair]) -> list[Pair]:
        gradients, variables = [g for g, _ in pairs], [v for _, v in pairs]
        if self.clipvalue is not None:
            gradients = [clip_by_value(g, -self.clipvalue, self.clipvalue) for g in gradients]
        if self.clipnorm is not None:
            gradients = [clip_by_norm(g, self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None:
            gradients = clip_by_global_norm(gradients, self.global_clipnorm)[0]
        pairs = list(zip(gradients, variables, strict=True))
        for transform in self.gradient_transformers:
            pairs = list(transform(pairs))
        return pairs

    def _resource_apply_dense(self, grad: Tensor, handle: Variable, apply_state: Any = None) -> Any:
        """Changes a variable by its gradient. Raises NotImplementedError if the subclass does not override it."""
        raise NotImplementedError(f"{type(self).__name__} must override `_resource_apply_dense`")

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor, apply_state: Any = None) -> Any:
        """Changes rows of a variable; raises NotImplementedError if the subclass does not override it."""
        raise NotImplementedError(f"{type(self).__name__} must override `_resource_apply_sparse`")

    def _resource_apply_sparse_duplicate_indices(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        """Sums the rows of each index, then `_resource_apply_sparse`; rows of zeros keep the size."""
        rows = unique_rows(IndexedSlices(grad, indices, handle.shape.as_list()))
        return self._resource_apply_sparse(rows.values, handle, rows.indices)

    # Config ----------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The name and the limits that are set."""
        limits = {key: getattr(self, key) for key in ("clipnorm", "clipvalue", "global_clipnorm")}
        return {"name": self._name} | {key: value for key, value in limits.items() if value is not None}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """An optimizer from `get_config`, with a fresh state."""
        from eager.keras.optimizers import schedules

        config = dict(config)
        if "lr" in config:
            config["learning_rate"] = config.pop("lr")
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"], custom_objects)
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        """The state with slots in the order of their variables."""
        return self.__dict__ | {"_slots": [self._slots[id(v)] for v in self._known]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restores the state of a copy, whose variables have identities of their own."""
        slots = {id(v): held for v, held in zip(state["_known"], state["_slots"], strict=True)}
        self.__dict__.update(state | {"_slots": slots})
