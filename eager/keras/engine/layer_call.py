"""`layer(x)`: what happens around `call`, in the order of the contract."""

from __future__ import annotations

from typing import Any

from eager import deferred, nest
from eager.context import init_scope, thread
from eager.convert import convert
from eager.function.trace import Trace
from eager.keras.engine.call_context import CallContext, context, features, phase
from eager.keras.engine.call_errors import explain_error
from eager.keras.engine.call_spec import CallSpec
from eager.keras.engine.input_spec import check
from eager.keras.engine.keras_tensor import KerasTensor, any_symbolic, as_keras_tensors, trace_call
from eager.keras.engine.layer_config import Configurable
from eager.keras.engine.node import Node
from eager.keras.engine.shapes import abstract_inputs
from eager.nest import map_leaves
from eager.ops.array import cast
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape
from eager.variable import Variable
from graphcore.dtypes import DType


class Callable(Configurable):
    """The part of Layer that is called."""

    _spec: CallSpec
    _dynamic: bool
    _input_spec: Any
    _supports_masking: bool
    _own_compute_mask: bool
    _compute_type: DType | None
    _initial_weights: Any
    _name_in_scope: bool = True
    built: bool

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The layer's computation; subclasses override it. By default the inputs."""
        del args, kwargs
        return inputs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the layer: converts the first argument, builds on first use, casts, calls `call`.

        On symbolic Keras tensors the layer becomes part of a functional model.

        Raises:
            ValueError: if the first argument is missing or does not fit the input_spec.
            RuntimeError: if `super().__init__()` was never called.
        """
        spec: CallSpec | None = self.__dict__.get("_spec")
        if spec is None:
            raise RuntimeError(
                f"You must call `super().__init__()` in the layer constructor of {type(self).__name__}."
            )
        if args:
            inputs, args = args[0], args[1:]
        elif spec.first in kwargs:
            inputs = kwargs.pop(spec.first)
        else:
            raise ValueError("The first argument to `Layer.call` must always be passed.")
        if type(inputs) is not Tensor or args or kwargs:
            if any_symbolic(inputs) or any_symbolic(args) or any_symbolic(kwargs):
                return self._call_symbolic(inputs, args, kwargs)
            inputs = self._convert_inputs(inputs)
        calls: CallContext = thread.keras or context()
        mask = None
        if (features.masks or args or kwargs) and (spec.mask or self._supports_masking):
            mask, kwargs = self._mask_argument(spec, inputs, args, kwargs)
        training, args = _training_argument(spec, calls, args, kwargs)
        if features.losses and calls.depth == 0:
            self._clear_losses()
        outer = (calls.layer, calls.training, calls.autocast)
        outer_scopes, outer_layers = thread.scopes, thread.layers
        calls.depth += 1
        calls.layer, calls.training, calls.autocast = self, training, self._compute_type
        thread.scopes = (*outer_scopes, self._name) if self._name_in_scope else outer_scopes
        frame = thread.frame
        if frame is not None and frame.tracing and isinstance(frame, Trace):
            thread.layers = (*outer_layers, self._name)
            if self._dynamic:
                frame.give_up(f"layer {self._name!r} was built with dynamic=True", "dynamic")
        try:
            if self._input_spec is not None:
                check(self._input_spec, inputs, self._name)
            if not self.built or self._initial_weights is not None:
                self._maybe_build(inputs)
            if self._compute_type is not None:
                inputs = self._cast_inputs(inputs)
            outputs = self._run(inputs, args, kwargs)
            if self._activity_regularizer is not None:
                self._regularize_activity(outputs)
            if self._own_compute_mask or (self._supports_masking and (mask is not None or features.masks)):
                self._set_masks(inputs, outputs, mask)
            return outputs
        finally:
            thread.scopes, thread.layers = outer_scopes, outer_layers
            calls.depth -= 1
            calls.layer, calls.training, calls.autocast = outer

    def _run(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self.call(inputs, *args, **kwargs)
        except Exception as error:
            explain_error(error, self, inputs, args, kwargs)
            raise

    # Inputs --------------------------------------------------------------------------------------------------------

    def _convert_inputs(self, inputs: Any) -> Any:
        """Arrays and Python numbers in the first argument as tensors; lists of numbers as one tensor.

        Raises:
            TypeError: for a layer given as input.
        """
        if type(inputs) is Tensor or inputs is None:
            return inputs
        if isinstance(inputs, list | tuple) and _is_numbers(inputs):
            return convert(inputs)
        return map_leaves(self._convert_leaf, inputs)

    def _convert_leaf(self, x: Any) -> Any:
        if isinstance(x, Tensor | Variable) or x is None or isinstance(x, str):
            return x
        if isinstance(x, int | float) or hasattr(x, "__array__"):
            return convert(x)
        if isinstance(x, Callable):
            raise TypeError(
                f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x)}) as input for layer {self._name!r}."
            )
        return x

    def _cast_inputs(self, inputs: Any) -> Any:
        """Floating tensors of the first argument in the compute dtype."""
        wanted = self._compute_type
        assert wanted is not None
        if type(inputs) is Tensor:
            array = inputs._array
            if array is not None and array.dtype is wanted.numpy:
                return inputs
            return _cast_leaf(inputs, wanted)
        return map_leaves(lambda x: _cast_leaf(x, wanted), inputs)

    # Masks ---------------------------------------------------------------------------------------------------------

    def _mask_argument(
        self, spec: CallSpec, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """The mask of the inputs, explicit or carried by them; passed to `call` where it takes one."""
        given = spec.given("mask", spec.mask_at, args, kwargs)
        if given is not None:
            return given, kwargs
        flat = [getattr(x, "_keras_mask", None) for x in nest.flatten(inputs)]
        if all(m is None for m in flat):
            return None, kwargs
        mask = nest.pack_sequence_as(inputs, flat) if nest.is_nested(inputs) else flat[0]
        return mask, (kwargs | {"mask": mask} if spec.mask else kwargs)

    def _set_masks(self, inputs: Any, outputs: Any, mask: Any) -> None:
        flat = nest.flatten(outputs)
        if flat and all(getattr(x, "_keras_mask", None) is not None for x in flat):
            return
        masks = self.compute_mask(inputs, mask)
        if masks is None:
            return
        features.masks = True
        for x, m in zip(flat, nest.flatten(masks), strict=False):
            if isinstance(x, Tensor) and m is not None:
                x._keras_mask = m

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs: by default the inputs' mask if the layer supports masking.

        Raises:
            TypeError: if a mask is given to a layer that does not support masking.
        """
        del inputs
        if not self._supports_masking:
            if any(m is not None for m in nest.flatten(mask)):
                raise TypeError(f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}")
            return None
        return mask

    # Building ------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Makes the layer's variables for an input shape; subclasses override it. Marks the layer as built."""
        self._build_input_shape = input_shape
        self.built = True

    def _maybe_build(self, inputs: Any) -> None:
        if not self.built:
            shapes = map_leaves(_shape_of, inputs)
            if type(self).build is not Callable.build or "build" in self.__dict__:
                calls = context()
                cast_to, calls.autocast = calls.autocast, None
                with init_scope():
                    self.build(shapes)
                calls.autocast = cast_to
            Callable.build(self, shapes)
            if deferred.waiting:
                deferred.attached(self)
        if self._initial_weights is not None:
            initial, self._initial_weights = self._initial_weights, None
            with init_scope():
                self.set_weights(initial)

    # Symbolic calls ------------------------------------------------------------------------------------------------

    def _call_symbolic(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Works out shapes and dtypes of the outputs, and takes note of the call as a Node."""
        if self.dynamic:
            outputs = self._outputs_by_shape(inputs)
        else:
            results, trace = trace_call(self, self._name, (inputs, *args), kwargs)
            outputs = as_keras_tensors(results, self._name)
            if features.losses:
                self._keep_symbolic_losses(trace)
        Node(self, (inputs, *args), kwargs, outputs)
        return outputs

    def _keep_symbolic_losses(self, trace: Any) -> None:
        """Losses recorded on abstract tensors show as symbolic Keras tensors until the first real call."""
        for layer in self._flatten_layers():
            layer._call_losses[:] = [
                (None, KerasTensor(loss, layer.name)) if ref is not None and ref() is trace else (ref, loss)
                for ref, loss in layer._call_losses
            ]

    def _outputs_by_shape(self, inputs: Any) -> Any:
        """Outputs of a dynamic layer, whose `call` needs values: from compute_output_shape."""
        shapes = map_leaves(_shape_of, inputs)
        if not self.built:
            with init_scope():
                self._maybe_build(inputs)
        results = abstract_inputs(self.compute_output_shape(shapes), self.compute_dtype, self._name)
        return as_keras_tensors(results, self._name)

    @property
    def dynamic(self) -> bool:
        """Whether this layer or one inside was built with dynamic=True."""
        return any(layer._dynamic for layer in self._flatten_layers())

    @property
    def compute_dtype(self) -> str:
        """The name of the dtype that inputs are cast to and `call` computes in."""
        return self._policy.compute_dtype

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for a shape of the input: builds the layer and traces `call`.

        Raises:
            NotImplementedError: for a dynamic layer, which must override this.
        """
        if self.dynamic:
            raise NotImplementedError(
                f"We could not automatically infer the shape of the output of layer {self.name!r}, which has "
                "dynamic=True. Please implement the `compute_output_shape` method on your layer "
                f"({type(self).__name__})."
            )
        inputs = abstract_inputs(input_shape, self.compute_dtype, self._name)
        results, _ = trace_call(self, self._name, (inputs,), {"training": False})
        return map_leaves(_shape_of, results)


def _training_argument(
    spec: CallSpec, calls: CallContext, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, tuple[Any, ...]]:
    """The training mode: explicit, the enclosing layer's, the learning phase, or the signature's default."""
    if not spec.training:
        training = kwargs.pop("training", None)
        return (calls.training if training is None else training), args
    training = spec.given("training", spec.training_at, args, kwargs)
    if training is not None:
        return training, args
    training = calls.training
    if training is None:
        training = phase.value
        if training is None:
            training = spec.default_training
    at = spec.training_at
    if 0 <= at < len(args):
        return training, (*args[:at], training, *args[at + 1 :])
    kwargs["training"] = training
    return training, args


def _cast_leaf(x: Any, wanted: DType) -> Any:
    if not isinstance(x, Tensor | Variable) or not x.dtype.is_floating or x.dtype is wanted:
        return x
    result = cast(x, wanted)
    mask = getattr(x, "_keras_mask", None)
    if mask is not None:
        result._keras_mask = mask
    return result


def _shape_of(x: Any) -> Any:
    """The shape as users see it, without symbolic sizes."""
    shape = getattr(x, "shape", None)
    if shape is None:
        return None
    return TensorShape(shape.as_list() if isinstance(shape, TensorShape) else shape)


def _is_numbers(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return bool(x) and all(_is_numbers(item) for item in x)
    return isinstance(x, int | float)
