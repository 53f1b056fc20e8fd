"""tf.keras.layers.Layer."""

from __future__ import annotations

from typing import Any, ClassVar

from eager import nest
from eager.keras.engine.call_spec import CallSpec, call_spec
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.layer_call import Callable
from eager.keras.engine.naming import observe, snake_case, unique_name
from eager.keras.engine.shapes import map_shapes
from eager.keras.engine.tracking import Tracking
from eager.keras.mixed_precision import Policy, policy_of
from eager.nest import map_leaves
from eager.tensor import Tensor
from eager.tensor_shape import TensorSpec
from eager.variable import Variable
from graphcore.dtypes import as_dtype

_KEYWORDS = frozenset((
    "input_dim", "input_shape", "batch_input_shape", "batch_size", "weights", "activity_regularizer", "autocast",
    "implementation",
))  # fmt: skip


class Layer(Callable):
    """The base of all layers: state (weights) and a computation (`call`) (tf.keras.layers.Layer).

    Subclasses make state in `__init__`, in `build(input_shape)` or in the first `call`, and compute in `call`. What
    is assigned to attributes is tracked: variables become weights, layers become inner layers.

    Attributes:
        built: whether the weights exist.
        stateful: whether state carries over from call to call.
    """

    _untracked_attributes: ClassVar[frozenset[str]] = frozenset((
        "_own", "_children", "_metrics", "_arguments", "_inbound_nodes", "_outbound_nodes", "_callable_losses",
        "_call_losses", "_initial_weights", "_policy", "_spec", "_activity_regularizer", "_input_spec",
        "_batch_input_shape", "_build_input_shape", "_name", "_trainable",
    ))  # fmt: skip
    stateful: bool = False

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            trainable: whether its weights are trained.
            name: its name; by default the class's in snake case with a number.
            dtype: the dtype of computation and weights, or a mixed_precision.Policy; by default the global policy.
            dynamic: whether `call` must always run as Python, also inside traced functions.
            **kwargs: `input_dim`, `input_shape`, `batch_input_shape`, `batch_size`, `weights` (applied after build),
                `activity_regularizer`, `autocast`, `implementation`.

        Raises:
            TypeError: for an unknown keyword, or an argument of the wrong type.
        """
        for key in kwargs:
            if key not in _KEYWORDS:
                raise TypeError("Keyword argument not understood:", key)
        _check_arguments(trainable, name, dynamic)
        self.__dict__.setdefault("built", False)
        self._call_losses = []
        self._callable_losses = []
        self._inbound_nodes = []
        self._outbound_nodes = []
        self._trainable = trainable
        self._dynamic = dynamic
        self._own_compute_mask = type(self).compute_mask is not Callable.compute_mask
        self._supports_masking = self._own_compute_mask
        self._input_spec = None
        self._activity_regularizer = _regularizer(kwargs.get("activity_regularizer"))
        self._initial_weights = kwargs.get("weights")
        self._build_input_shape = None
        self._batch_input_shape = _batch_shape(kwargs)
        self._set_name(name)
        self._set_policy(dtype, kwargs.get("autocast", True))
        self._spec = CallSpec(self.__dict__["call"], bound=True) if "call" in self.__dict__ else call_spec(type(self))

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets and tracks an attribute. Raises AttributeError for a read-only property."""
        Tracking.__setattr__(self, name, value)
        if name == "call" and "_spec" in self.__dict__:
            self._spec = CallSpec(value, bound=True)

    def _set_name(self, name: str | None) -> None:
        self._name = self._default_name() if name is None else name
        observe(self._name)

    def _default_name(self) -> str:
        return unique_name(snake_case(type(self).__name__))

    def _set_policy(self, dtype: Any, autocast: bool) -> None:
        self._policy = policy_of(dtype)
        self._autocast = autocast
        compute = as_dtype(self._policy.compute_dtype)
        self._compute_type = compute if autocast and compute.is_floating else None

    # Properties ----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._name

    @property
    def dtype(self) -> str:
        """The name of the weights' dtype."""
        return self._policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """As `dtype`."""
        return self._policy.variable_dtype

    @property
    def dtype_policy(self) -> Policy:
        """The policy of the layer's dtypes."""
        return self._policy

    @property
    def supports_masking(self) -> bool:
        """Whether the layer passes masks on."""
        return self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._supports_masking = value

    @property
    def input_spec(self) -> Any:
        """An InputSpec, or a structure of them, that inputs must fit; None accepts all."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        for spec in nest.flatten(value):
            if spec is not None and not isinstance(spec, InputSpec):
                raise TypeError(f"Layer input_spec must be an instance of InputSpec. Got: {spec}")
        self._input_spec = value

    @property
    def updates(self) -> list[Any]:
        """Always empty: variables are updated where they are assigned."""
        return []

    def add_update(self, updates: Any) -> None:
        """Runs updates that are callables, unless the layer is frozen; assignments have taken place by themselves."""
        if self.trainable:
            for update in nest.flatten(updates):
                if callable(update) and not isinstance(update, Tensor | Variable):
                    update()

    def add_variable(self, *args: Any, **kwargs: Any) -> Variable:
        """As `add_weight` (its older name)."""
        return self.add_weight(*args, **kwargs)

    def finalize_state(self) -> None:
        """Called when all weights are set, for subclasses that derive something from them; does nothing here."""

    # Shapes --------------------------------------------------------------------------------------------------------

    def compute_output_signature(self, input_signature: Any) -> Any:
        """TensorSpecs of the outputs for TensorSpecs of the inputs. Raises TypeError for anything else."""

        def shape(spec: Any) -> Any:
            if not isinstance(spec, TensorSpec):
                raise TypeError(f"Only TensorSpec signature types are supported, but saw signature entry: {spec}.")
            return spec.shape

        shapes = self.compute_output_shape(map_leaves(shape, input_signature))
        return map_shapes(lambda s: TensorSpec(s, self.compute_dtype), shapes)

    def __getstate__(self) -> dict[str, Any]:
        """The state without the values of the last call."""
        return self.__dict__ | {"_call_losses": []}

    def __repr__(self) -> str:
        """<Dense name=dense, built=True>."""
        return f"<{type(self).__name__} name={self.__dict__.get('_name')}, built={self.__dict__.get('built')}>"


def _check_arguments(trainable: Any, name: Any, dynamic: Any) -> None:
    tensor = isinstance(trainable, Tensor | Variable) and trainable.dtype.is_bool
    if not isinstance(trainable, bool) and not tensor:
        raise TypeError(f"Expected `trainable` argument to be a boolean, but got: {trainable}")
    if not isinstance(dynamic, bool):
        raise TypeError(f"Expected `dynamic` argument to be a boolean, but got: {dynamic}")
    if name is not None and not isinstance(name, str):
        raise TypeError(f"Expected `name` argument to be a string, but got: {name!r} of type {type(name).__name__}")


def _regularizer(given: Any) -> Any:
    if given is None:
        return None
    from eager.keras import regularizers

    return regularizers.get(given)


def _batch_shape(kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """The batch_input_shape that constructor keywords mean."""
    shape = kwargs.get("input_shape")
    if shape is None and kwargs.get("input_dim") is not None:
        shape = (kwargs["input_dim"],)
    if kwargs.get("batch_input_shape") is not None:
        return tuple(kwargs["batch_input_shape"])
    return None if shape is None else (kwargs.get("batch_size"), *tuple(shape))


