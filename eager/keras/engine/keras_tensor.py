"""Symbolic Keras tensors: what Input gives, and what layers give when called on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager import nest
from eager.context import run_frame, thread
from eager.function.trace import Trace
from eager.tensor import Tensor, type_of, wrap_value
from eager.tensor_shape import TensorShape, TensorSpec
from graphcore import dims
from graphcore.builder import GraphBuilder
from graphcore.dtypes import DType, as_dtype
from graphcore.types import TensorType


class KerasTensor:
    """A value of a functional model that is still to come: a shape, a dtype, a name and the layer that makes it.

    Arithmetic, indexing and tf functions on it become layers.

    Attributes:
        traced: the abstract tensor with which shapes and dtypes are worked out.
    """

    _is_keras_tensor = True
    _keras_history: tuple[Any, int, int]
    __array_priority__ = 1000

    def __init__(self, traced: Tensor, name: str | None = None) -> None:
        """Wraps an abstract tensor; users call `Input`."""
        self.traced = traced
        self._name = name

    @property
    def name(self) -> str | None:
        """The name, as the layer that makes it is called."""
        return self._name

    @property
    def shape(self) -> TensorShape:
        """The shape, None for open sizes."""
        return self.traced.shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.traced.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.traced.ndim

    @property
    def type_spec(self) -> TensorSpec:
        """Shape, dtype and name as a TensorSpec."""
        return TensorSpec(TensorShape(self.shape.as_list()), self.dtype, self._name)

    @property
    def _keras_mask(self) -> Any:
        return getattr(self.traced, "_keras_mask", None)

    def get_shape(self) -> TensorShape:
        """The shape."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds knowledge of sizes. Raises ValueError if they clash with what is known."""
        merged = self.shape.merge_with(shape)
        sizes = [old if new is None else new for old, new in zip(self.shape.raw, merged, strict=True)]
        self.traced = placeholder(TensorType(self.dtype, sizes), self._name or "input")

    def ref(self) -> Any:
        """A hashable reference to this very tensor."""
        from eager.reference import Reference

        return Reference(self)

    def __len__(self) -> int:
        """Refused, as in tf.keras."""
        raise TypeError("Keras symbolic inputs/outputs do not implement `__len__`; use tf.shape(x)[0]")

    def __iter__(self) -> Any:
        """Refused: the number of slices may be open."""
        raise TypeError("Cannot iterate over a Keras symbolic tensor; use tf.unstack or indexing")

    def __bool__(self) -> bool:
        """Refused: there is no value yet."""
        raise TypeError(
            "A Keras symbolic tensor has no truth value: Python if/while on it cannot become part of the model; use "
            "tf.where, or put the code into the `call` of a layer"
        )

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: there is no value yet."""
        raise TypeError(
            f"Cannot convert a symbolic Keras input/output to a numpy array ({self!r}). Wrap the NumPy code in a layer "
            "with dynamic=True, or use tf functions"
        )

    def _refuse_number(self) -> Any:
        raise TypeError(f"Cannot convert a symbolic Keras input/output to a Python number: {self!r}")

    __int__ = __float__ = __index__ = _refuse_number

    def __eq__(self, other: object) -> Any:
        """Elementwise comparison, as a layer; so there is no hash (use `ref()`)."""
        return _layer_of("__operators__.eq", _operator("eq"), self, other)

    def __ne__(self, other: object) -> Any:
        """Elementwise comparison, as a layer."""
        return _layer_of("__operators__.ne", _operator("ne"), self, other)

    def __getitem__(self, key: Any) -> Any:
        """A slice, as a layer."""
        return _layer_of("__operators__.getitem", _slice, self, key)

    def __deepcopy__(self, memo: dict[int, Any]) -> KerasTensor:
        """A copy whose history is copied along."""
        import copy

        copied = KerasTensor(self.traced, self._name)
        memo[id(self)] = copied
        if "_keras_history" in self.__dict__:
            copied._keras_history = copy.deepcopy(self._keras_history, memo)
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles shape, dtype, name and history."""
        history = {k: v for k, v in self.__dict__.items() if k == "_keras_history"}
        return (_restored, (self.shape.as_list(), self.dtype.name, self._name), history)

    def __repr__(self) -> str:
        """As tf.keras prints it."""
        made = f" (created by layer {self._keras_history[0].name!r})" if "_keras_history" in self.__dict__ else ""
        return f"<KerasTensor: shape={self.shape} dtype={self.dtype.name}{made}>"


def _restored(shape: Any, dtype: str, name: str | None) -> KerasTensor:
    label = name or "input"
    return KerasTensor(placeholder(TensorType(as_dtype(dtype), open_shape(shape, label)), label), name)


def _slice(x: Any, key: Any) -> Any:
    return x[key]


def _layer_of(name: str, function: Callable[..., Any], *args: Any) -> Any:
    from eager.keras.engine.op_layer import call_as_layer

    return call_as_layer(function, name, args, {})


_BINARY = {
    "add": "__operators__.add", "sub": "math.subtract", "mul": "math.multiply", "truediv": "math.truediv",
    "floordiv": "math.floordiv", "mod": "math.floormod", "pow": "math.pow", "matmul": "linalg.matmul",
    "and": "math.logical_and", "or": "math.logical_or", "xor": "math.logical_xor",
}  # fmt: skip
_COMPARE = {
    "lt": "math.less", "le": "math.less_equal", "gt": "math.greater", "ge": "math.greater_equal",
    "eq": "__operators__.eq", "ne": "__operators__.ne",
}  # fmt: skip


def _install() -> None:
    """Gives KerasTensor the operators of Tensor; each makes a layer of Tensor's own method."""
    for word, name in {**_BINARY, **_COMPARE}.items():
        if word in ("eq", "ne"):
            continue
        function = _operator(word)
        setattr(KerasTensor, f"__{word}__", lambda self, other, n=name, f=function: _layer_of(n, f, self, other))
        if word in _BINARY:
            setattr(KerasTensor, f"__r{word}__", lambda self, other, n=name, f=function: _layer_of(n, f, other, self))
    for word, name in (("neg", "math.negative"), ("abs", "math.abs"), ("invert", "math.logical_not")):
        function = _operator(word)
        setattr(KerasTensor, f"__{word}__", lambda self, n=name, f=function: _layer_of(n, f, self))


def _operator(word: str) -> Callable[..., Any]:
    import operator

    function: Callable[..., Any] = getattr(operator, f"{word}_" if word in ("and", "or") else word)
    return function


def operator_function(symbol: str) -> Callable[..., Any] | None:
    """The function behind an operator's layer name, or None."""
    if symbol == "__operators__.getitem":
        return _slice
    word = next((w for w, name in {**_BINARY, **_COMPARE}.items() if name == symbol), None)
    return None if word is None else _operator(word)


def placeholder(type_: TensorType, name: str) -> Tensor:
    """An abstract tensor of a type, an input of no graph in particular."""
    return wrap_value(GraphBuilder(name).input(type_, name))


def open_shape(shape: Any, name: str) -> list[Any]:
    """A shape in which open sizes are symbols: one for all first axes, as the batch, others of their own."""
    sizes = TensorShape(shape).raw
    return [
        d if d is not None else dims.symbol("batch" if axis == 0 else f"{name}_{axis}")
        for axis, d in enumerate(sizes)
    ]


def is_symbolic(x: Any) -> bool:
    """Whether `x` is a symbolic Keras tensor (tf.keras.backend.is_keras_tensor)."""
    return isinstance(x, KerasTensor)


def any_symbolic(structure: Any) -> bool:
    """Whether a structure holds a symbolic Keras tensor."""
    if isinstance(structure, list | tuple):
        return any(any_symbolic(x) for x in structure)
    if isinstance(structure, dict):
        return any(any_symbolic(x) for x in structure.values())
    return isinstance(structure, KerasTensor)


def abstract(structure: Any) -> Any:
    """Symbolic Keras tensors replaced by their abstract tensors."""
    return nest.map_leaves(lambda x: x.traced if isinstance(x, KerasTensor) else x, structure)


def trace_call(function: Callable[..., Any], name: str, args: Any, kwargs: Any) -> tuple[Any, Trace]:
    """Runs a function on abstract tensors in a trace without sizes; returns its result and the trace.

    The surroundings (layer calls, name scopes) do not reach into it.
    """
    trace = Trace(name, None)
    outer = (thread.keras, thread.scopes, thread.layers)
    thread.keras, thread.scopes, thread.layers = None, (), ()
    try:
        with run_frame(trace):
            return function(*abstract(tuple(args)), **abstract(kwargs)), trace
    finally:
        thread.keras, thread.scopes, thread.layers = outer


def as_keras_tensors(outputs: Any, layer_name: str) -> Any:
    """The tensors of a layer's result as symbolic Keras tensors."""
    from eager.convert import convert
    from eager.variable import Variable

    def leaf(x: Any) -> Any:
        if isinstance(x, Variable):
            x = convert(x)
        if not isinstance(x, Tensor):
            return x
        if x._array is not None:
            # A constant result is still an output of the layer.
            return KerasTensor(placeholder(type_of(x), layer_name), layer_name)
        return KerasTensor(x, layer_name)

    return nest.map_leaves(leaf, outputs)


_install()
