"""tf.py_function and tf.numpy_function: Python functions as ops, host calls inside of a compiled function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eager import nest
from eager.context import run_frame, thread
from eager.convert import convert
from eager.dispatch import run
from eager.errors import InvalidArgumentError, UntraceableError
from eager.function.observed import Arrays, same_bits
from eager.function.region import leave
from eager.ops.leaves import running_trace
from eager.ops.public import public
from eager.tape import GradientTape
from eager.tensor import Tensor, type_of, wrap
from eager.tensor_shape import TensorSpec
from graphcore import dims
from graphcore.dtypes import DType, as_dtype
from graphcore.functions import Functions
from graphcore.optable import get_op
from graphcore.types import TensorType


class HostFunction:
    """A Python function as the `call` of a host_call node.

    Attributes:
        name: what it is called in reports.
        types: of its results, with the sizes of the trace that it belongs to.
    """

    def __init__(self, name: str, function: Callable[..., list[Any]], types: Sequence[TensorType]) -> None:
        """Takes a function from arrays to a list of arrays of the given types."""
        self.name, self.types, self._function = name, tuple(types), function
        self._observed: tuple[Arrays, Arrays] | None = None

    def infer(self, types: Sequence[TensorType]) -> tuple[TensorType, ...]:
        """The types of the results."""
        del types
        return self.types

    def observed(self, arguments: Arrays, results: Arrays) -> None:
        """Takes the results of the one call that tracing made, which the first run with these arguments uses."""
        self._observed = ([a.copy() for a in arguments], results)

    def function(self, *arrays: np.ndarray[Any, Any]) -> list[Any]:
        """The results. Raises whatever the function raises."""
        observed, self._observed = self._observed, None
        if observed is not None and all(map(same_bits, observed[0], arrays)):
            return list(observed[1])
        frame = thread.frame
        # Tapes and traces around the call are not for what it does: it runs at once.
        with run_frame(None if frame is not None and frame.tracing else frame):
            return self._function(*arrays)

    def vjp(self, f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
        """No gradient flows through; see `DifferentiableHostFunction`."""
        del f, cts, outputs
        return [None] * len(inputs)


class DifferentiableHostFunction(HostFunction):
    """A function of eager tensors, whose gradient a tape finds; it runs once more for that."""

    def __init__(self, name: str, on_tensors: Callable[..., list[Tensor]], types: Sequence[TensorType]) -> None:
        """Takes a function from tensors to a list of tensors of the given types."""
        super().__init__(name, lambda *arrays: [t.numpy() for t in on_tensors(*map(wrap, arrays))], types)
        self._on_tensors = on_tensors

    def vjp(self, f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
        """Another host call, on the inputs and the cotangents of the results."""
        floats = [i for i, x in enumerate(inputs) if f.type(x).dtype.kind in "fc"]
        given = [f.zeros_like(y) if ct is None else ct for ct, y in zip(cts, outputs, strict=True)]
        if not floats:
            return [None] * len(inputs)
        count = len(inputs)

        def gradient(*arrays: np.ndarray[Any, Any]) -> list[Any]:
            tensors = [wrap(np.array(a)) for a in arrays]
            with GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([tensors[i] for i in floats])
                results = self._on_tensors(*tensors[:count])
            found = tape.gradient(results, [tensors[i] for i in floats], tensors[count:], "zero")
            return [np.asarray(g) for g in found]

        call = HostFunction(f"gradient of {self.name}", gradient, [f.type(inputs[i]) for i in floats])
        found = dict(zip(floats, f.apply("host_call", [*inputs, *given], {"call": call}), strict=True))
        return [found.get(i) for i in range(count)]


@public("py_function")
def py_function(func: Callable[..., Any], inp: Any, Tout: Any, name: str | None = None) -> Any:
    """A Python function of eager tensors as an op, differentiable through what it does (tf.py_function).

    Args:
        func: takes eager tensors and returns tensors, arrays or numbers. Inside a compiled function it is a host call
            and runs once per call; for a gradient it runs once more, and again if that needs its results.
        inp: tensors.
        Tout: dtype of the result or a list of them; [] or None for none. A tf.TensorSpec gives the shape too, which
            otherwise is what the first call returned, sizes equal to an open size of an argument's axis being open.
        name: a name for reports.

    Raises:
        InvalidArgumentError: if a result has another dtype or shape.
        UntraceableError: in a trace without real arguments, for a result without a declared shape.
    """

    def on_tensors(*tensors: Tensor) -> list[Tensor]:
        return _converted(func(*tensors), Tout, name or "py_function")

    inputs = [convert(x) for x in inp]
    label = name or getattr(func, "__name__", "py_function")
    if running_trace() is None:
        return _packed(on_tensors(*inputs), Tout)
    make = lambda types: DifferentiableHostFunction(label, on_tensors, types)  # noqa: E731
    return _packed(_recorded(make, on_tensors, inputs, Tout, label), Tout)


@public("numpy_function")
def numpy_function(
    func: Callable[..., Any], inp: Any, Tout: Any, stateful: bool = True, name: str | None = None
) -> Any:
    """A Python function of NumPy arrays as an op, without gradient (tf.numpy_function).

    Args:
        func: takes arrays and returns arrays or numbers; a host call inside a compiled function.
        inp: tensors.
        Tout: as in `py_function`.
        stateful: accepted for compatibility; the function runs once per call in any case.
        name: a name for reports.

    Raises:
        InvalidArgumentError: if a result has another dtype or shape.
        UntraceableError: in a trace without real arguments, for a result without a declared shape.
    """
    del stateful

    def on_arrays(*tensors: Tensor) -> list[Tensor]:
        return _converted(func(*[t.numpy() for t in tensors]), Tout, name or "numpy_function")

    inputs = [convert(x) for x in inp]
    label = name or getattr(func, "__name__", "numpy_function")
    if running_trace() is None:
        with run_frame(thread.frame):
            return _packed(on_arrays(*inputs), Tout)

    def run_arrays(*arrays: np.ndarray[Any, Any]) -> list[Any]:
        return [t.numpy() for t in on_arrays(*map(wrap, arrays))]

    make = lambda types: HostFunction(label, run_arrays, types)  # noqa: E731
    return _packed(_recorded(make, on_arrays, inputs, Tout, label), Tout)


def _specs(Tout: Any) -> list[Any]:
    return [] if Tout is None else nest.flatten(Tout)


def _packed(results: Sequence[Tensor], Tout: Any) -> Any:
    if Tout is None or (isinstance(Tout, list | tuple) and not Tout):
        return None if Tout is None else []
    return nest.pack_sequence_as(Tout, list(results))


def _dtype(spec: Any) -> DType:
    return spec.dtype if isinstance(spec, TensorSpec) else as_dtype(spec)


def _converted(returned: Any, Tout: Any, name: str) -> list[Tensor]:
    """What a Python function returned, as tensors of the declared dtypes."""
    specs = _specs(Tout)
    parts = [] if not specs else (nest.flatten(list(returned)) if isinstance(returned, list | tuple) else [returned])
    if len(specs) == 1 and len(parts) != 1 and not isinstance(Tout, list | tuple):
        parts = [returned]
    if len(parts) != len(specs):
        raise InvalidArgumentError(f"{name}: the function returned {len(parts)} values, Tout declares {len(specs)}")
    return [_one(part, spec, name) for part, spec in zip(parts, specs, strict=True)]


def _one(part: Any, spec: Any, name: str) -> Tensor:
    dtype = _dtype(spec)
    tensor = convert(part, like=dtype)
    if tensor.dtype is not dtype:
        raise InvalidArgumentError(f"{name}: the function returned {tensor.dtype.name}, Tout declares {dtype.name}")
    if isinstance(spec, TensorSpec) and not spec.shape.is_compatible_with(tensor.shape):
        raise InvalidArgumentError(f"{name}: the function returned shape {tensor.shape}, Tout declares {spec.shape}")
    return tensor


def _recorded(
    make: Callable[[Sequence[TensorType]], HostFunction], on_tensors: Callable[..., list[Tensor]],
    inputs: list[Tensor], Tout: Any, name: str,
) -> Sequence[Tensor]:  # fmt: skip
    """The results of a host call that goes into the running trace."""
    specs = _specs(Tout)
    if all(isinstance(s, TensorSpec) and s.shape.is_fully_defined() for s in specs):
        call = make([TensorType(s.dtype, tuple(s.shape)) for s in specs])
        return run(get_op("host_call"), inputs, {"call": call})
    frame = running_trace()
    assert frame is not None
    if frame.in_body:
        leave(frame, f"{name} gives no shape (Tout=tf.TensorSpec(...) does), and tracing does not run it")
    if frame._sizes is None:
        raise UntraceableError(
            f"{name}: a trace without real arguments cannot know the shape of its result; give Tout=tf.TensorSpec(...)"
        )
    arrays = [frame.peek(t, f"an argument of {name}") for t in inputs]
    if not frame.tracing:  # an argument took effects in a body, so the trace has ended
        return on_tensors(*inputs)

    def call_now() -> list[np.ndarray[Any, Any]]:
        with run_frame(None):
            return [np.asarray(t) for t in on_tensors(*[wrap(np.array(a)) for a in arrays])]

    results = frame.observed.results(name, arrays, call_now)
    call = make([_open_type(r, inputs, arrays) for r in results])
    call.observed(arrays, results)
    return run(get_op("host_call"), inputs, {"call": call})


def _open_type(result: np.ndarray[Any, Any], inputs: Sequence[Tensor], arrays: Arrays) -> TensorType:
    """The type of an observed result: a size equal to an open one of the same axis of an argument is that one."""
    shape: list[dims.Dim] = list(result.shape)
    for axis in range(len(shape)):
        for t, a in zip(inputs, arrays, strict=True):
            size = type_of(t).shape[axis] if axis < a.ndim else None
            if size is not None and not isinstance(size, int) and a.shape[axis] == shape[axis]:
                shape[axis] = size
                break
    return TensorType(as_dtype(result.dtype), tuple(shape))
