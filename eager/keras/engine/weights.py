"""Weights of a layer: making, listing, freezing, reading and setting them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.context import init_scope
from eager.keras.engine.autocast import AutoCastVariable
from eager.keras.engine.call_context import context
from eager.keras.engine.tracking import Tracking, unique
from eager.keras.mixed_precision import Policy
from eager.variable import Variable
from graphcore.dtypes import DType, as_dtype

_WEIGHT_OPTIONS = frozenset(("collections", "experimental_autocast", "caching_device", "getter", "layout",
                             "experimental_enable_variable_lifting", "partitioner"))  # fmt: skip


class WeightLoss:
    """The loss of a weight's regularizer: a callable without arguments, which copies along with the layer."""

    def __init__(self, regularizer: Callable[..., Any], variable: Variable) -> None:
        """Takes the regularizer and its weight."""
        self.regularizer = regularizer
        self.variable = variable

    def __call__(self) -> Any:
        """The penalty, computed in the variable's own dtype."""
        calls = context()
        outer, calls.autocast = calls.autocast, None
        try:
            return self.regularizer(self.variable)
        finally:
            calls.autocast = outer


class Weights(Tracking):
    """The part of Layer that owns weights."""

    _trainable: bool
    _policy: Policy
    _autocast: bool
    _callable_losses: list[Callable[[], Any]]

    @property
    def trainable(self) -> bool:
        """Whether the weights that are trainable count as such; setting it sets all inner layers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            layer._trainable = value

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that training changes; empty while the layer is frozen."""
        if not self._trainable:
            return []
        own = [v for v in self._own if v.trainable]
        return unique([*own, *self._gather("trainable_variables", lambda v: v.trainable)])

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other variables; all of them while the layer is frozen."""
        if self._trainable:
            own = [v for v in self._own if not v.trainable]
            return unique([*own, *self._gather("non_trainable_variables", lambda v: not v.trainable)])
        own = [*(v for v in self._own if v.trainable), *(v for v in self._own if not v.trainable)]
        return unique([*own, *self._gather("variables", lambda v: True)])

    @property
    def weights(self) -> list[Variable]:
        """All variables: trainable ones, then the others."""
        return unique([*self.trainable_weights, *self.non_trainable_weights])

    @property
    def variables(self) -> list[Variable]:
        """As `weights`."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """As `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """As `non_trainable_weights`."""
        return self.non_trainable_weights

    def add_weight(
        self,
        name: str | None = None,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        **kwargs: Any,
    ) -> Variable:
        """Makes a variable that belongs to the layer (tf.keras.layers.Layer.add_weight).

        Args:
            name: its name below the layer's.
            shape: its shape, by default a scalar.
            dtype: by default the layer's variable dtype.
            initializer: a name, an instance or a callable (shape, dtype); by default glorot_uniform for floats and
                zeros for integers and bools.
            regularizer: a function of the weight whose value becomes a loss.
            trainable: True by default; False with synchronization ON_READ.
            constraint: a function that optimizers apply after each update.
            use_resource, aggregation: accepted for compatibility.
            synchronization: ON_READ forbids `trainable=True`.
            **kwargs: `autocast=False` keeps the weight in its own dtype during `call`.

        Raises:
            TypeError: for an unknown keyword.
            ValueError: without an initializer for a dtype that has no default, or for a shape with unknown sizes.
        """
        from eager.keras import constraints, initializers, regularizers

        del use_resource
        autocast = kwargs.pop("autocast", True)
        for key in kwargs:
            if key not in _WEIGHT_OPTIONS:
                raise TypeError(f"Unknown keyword argument: {key!r} of add_weight in layer {self.name!r}")
        kind = as_dtype(self._policy.variable_dtype if dtype is None else dtype)
        trainable = _trainable_flag(trainable, synchronization)
        make = initializers.get(_default_initializer(kind, name, initializer))
        sizes = _static_shape(shape, name)
        with init_scope():
            options: dict[str, Any] = {"trainable": trainable, "name": name, "dtype": kind}
            options |= {"constraint": constraints.get(constraint), "shape": sizes}
            options |= {"synchronization": synchronization, "aggregation": aggregation}
            mixed = self._policy.compute_dtype != self._policy.variable_dtype
            made = AutoCastVariable if autocast and self._autocast and mixed and kind.is_floating else Variable
            variable = made(make(sizes, dtype=kind), **options)
        self._own_variable(variable)
        if regularizer is not None:
            self._callable_losses.append(WeightLoss(regularizers.get(regularizer), variable))
        return variable

    def get_weights(self) -> list[Any]:
        """The values of `weights` as arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Sets `weights` from arrays.

        Raises:
            ValueError: if their number or a shape differs; nothing is changed then.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(
                f'You called `set_weights(weights)` on layer "{self.name}" with a weight list of length '
                f"{len(weights)}, but the layer was expecting {len(variables)} weights. "
                f"Provided weights: {str(weights)[:50]}..."
            )
        for variable, value in zip(variables, weights, strict=True):
            have = getattr(value, "shape", ())
            if tuple(have) != tuple(variable.shape):
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with provided weight shape "
                    f"{tuple(have)}."
                )
        from eager.ops.array import constant

        for variable, value in zip(variables, weights, strict=True):
            variable.assign(constant(value, dtype=variable.dtype))

    def count_params(self) -> int:
        """The number of elements of all weights. Raises ValueError before the layer is built."""
        if not getattr(self, "built", True):
            raise ValueError(
                f"You tried to call `count_params` on layer {self.name}, but the layer isn't built. You can build it "
                "manually via: `layer.build(input_shape)`."
            )
        return sum(v.shape.num_elements() or 0 for v in self.weights)


def _trainable_flag(trainable: bool | None, synchronization: Any) -> bool:
    on_read = str(getattr(synchronization, "name", synchronization)).upper().endswith("ON_READ")
    if on_read and trainable:
        raise ValueError(
            "Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable variables. "
            "You have specified trainable=True and synchronization=VariableSynchronization.ON_READ."
        )
    return not on_read if trainable is None else bool(trainable)


def _default_initializer(dtype: DType, name: str | None, given: Any) -> Any:
    if given is not None:
        return given
    if dtype.is_floating:
        return "glorot_uniform"
    if dtype.is_integer or dtype.is_bool:
        return "zeros"
    raise ValueError(
        f"An initializer for variable {name} of type {dtype.name} is required for layer weights of this dtype; pass "
        "`initializer`, for example a callable (shape, dtype)."
    )


def _static_shape(shape: Any, name: str | None) -> tuple[int, ...]:
    from eager.tensor_shape import TensorShape

    wanted = TensorShape(() if shape is None else shape)
    if not wanted.is_fully_defined():
        raise ValueError(
            f"The shape of weight {name!r} is {wanted}, but every size must be known when a weight is made; the "
            "layer's input has an unknown size there."
        )
    return tuple(wanted.raw)


