"""The one way that an op runs: at once with NumPy, or into the graph of the trace; and the tape sees both."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy._core import umath

from eager.context import state, thread
from eager.heavy import KINDS as HEAVY_KINDS
from eager.heavy import kernels
from eager.tensor import Tensor, _new, concrete, type_of, wrap
from graphcore.errors import LayerJitError
from graphcore.functions import Functions
from graphcore.optable import OpDef

_NO_ATTRS: dict[str, Any] = {}
accepted: set[tuple[Any, ...]] = set()
"""(op, dtype characters...) that inference has accepted; dtype rules do not depend on anything else."""


def _silent_run() -> Callable[..., Any]:
    """A function `run(f, *args)` under which NumPy's floating-point warnings are silent.

    np.errstate costs a microsecond. Running in a context in which NumPy's own variable is set once costs a tenth of
    that. Where NumPy has no such variable, errstate itself is used.
    """
    variable = getattr(umath, "_extobj_contextvar", None)
    make = getattr(umath, "_make_extobj", None)
    if variable is None or make is None:
        return _run_in_errstate
    context = contextvars.Context()
    context.run(variable.set, make(all="ignore"))
    return context.run


def _run_in_errstate(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    with np.errstate(all="ignore"):
        return function(*args, **kwargs)


class _Silent(threading.local):
    """The `run` of this thread: a context can be entered by one thread at a time, and once."""

    def __init__(self) -> None:
        self.run = _silent_run()


silent = _Silent()


def compute(op: OpDef, arrays: Sequence[Any], attrs: dict[str, Any] = _NO_ATTRS) -> Any:
    """What the op gives for arrays, without warnings.

    Raises:
        LayerJitError: from the op's own checks, naming the op, shapes and dtypes.
    """
    run_silently = silent.run if op.native else _run_in_errstate
    try:
        return run_silently(op.evaluate, *arrays, **attrs)
    except LayerJitError:
        raise
    except RuntimeError as error:
        if "cannot enter context" not in str(error):
            raise
        # Called from within another op, by a signal handler or finaliser.
        return _run_in_errstate(op.evaluate, *arrays, **attrs)
    except (ValueError, TypeError, IndexError, ArithmeticError):
        # The op's own inference says what is wrong in the user's words; NumPy's message only if it finds nothing.
        op.infer([_array_type(a) for a in arrays], attrs)
        raise


def run(op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any] = _NO_ATTRS) -> tuple[Tensor, ...]:
    """Runs or records one op on tensors and returns its results.

    Raises:
        LayerJitError: from the op's own checks, naming the op, shapes and dtypes.
    """
    if state.busy:
        return _run_watched(op, inputs, attrs)
    result = _evaluate(op, inputs, attrs)
    if type(result) is tuple or type(result) is list:
        return tuple([wrap(r) for r in result])
    return (wrap(result),)


def run1(op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any] = _NO_ATTRS) -> Tensor:
    """As `run`, for an op with one result."""
    if state.busy:
        return _run_watched(op, inputs, attrs)[0]
    result = _evaluate(op, inputs, attrs)
    if type(result) is np.ndarray:
        tensor = _new(Tensor)
        tensor._array = result
        return tensor
    return wrap(result[0] if type(result) is tuple else result)


def _evaluate(op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Any:
    arrays: list[Any] = [t._array for t in inputs]
    try:
        key = (op, *[a.dtype.char for a in arrays])
    except AttributeError:
        arrays = [concrete(t, op.name) for t in inputs]
        key = (op, *[a.dtype.char for a in arrays])
    if key not in accepted:
        op.infer([_array_type(a) for a in arrays], attrs)
        accepted.add(key)
    if op.kind in HEAVY_KINDS:
        result = kernels.compute(op, arrays, attrs)
        if result is not None:
            return result
    return compute(op, arrays, attrs)


def _array_type(array: np.ndarray[Any, Any]) -> Any:
    return type_of(wrap(array))


def _run_watched(op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Tensor, ...]:
    """The way while a tape records or a function is traced somewhere."""
    frame = thread.frame
    if frame is not None and frame.tracing and frame.records(op, inputs, attrs):
        outputs = frame.emit(op, inputs, attrs)
    else:
        if frame is not None:
            attrs = frame.with_numbers(attrs)
        result = _evaluate(op, inputs, attrs)
        outputs = tuple([wrap(r) for r in (result if type(result) in (tuple, list) else (result,))])
    for tape in thread.tapes:
        tape.record(op, tuple(inputs), outputs, attrs)
    return outputs


def functions() -> Functions:
    """The op functions over tensors, as gradient rules use them."""
    return _FUNCTIONS


_FUNCTIONS = Functions(run, type_of, wrap)
