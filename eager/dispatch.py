"""The one way that an op runs: at once with NumPy, or into the graph of the trace; and the tape sees both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy._core import umath

from eager.context import state, thread
from eager.tensor import Tensor, concrete, type_of, wrap
from graphcore.errors import LayerJitError
from graphcore.functions import Functions
from graphcore.optable import OpDef

_NO_ATTRS: dict[str, Any] = {}
_checked: set[tuple[str, ...]] = set()
"""(op name, dtype characters...) that inference has accepted; dtype rules do not depend on anything else."""


def _quiet() -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """A pair (set, reset) that silences NumPy's floating-point warnings.

    np.errstate costs a microsecond; the context variable behind it a tenth of that. Where NumPy has no such
    variable, errstate itself is used.
    """
    variable = getattr(umath, "_extobj_contextvar", None)
    make = getattr(umath, "_make_extobj", None)
    if variable is not None and make is not None:
        silent = make(all="ignore")
        return (lambda: variable.set(silent)), variable.reset

    def enter() -> Any:
        context = np.errstate(all="ignore")
        context.__enter__()
        return context

    return enter, lambda context: context.__exit__(None, None, None)


quiet, unquiet = _quiet()


def run(op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any] = _NO_ATTRS) -> tuple[Tensor, ...]:
    """Runs or records one op on tensors and returns its results.

    Raises:
        LayerJitError: from the op's own checks, naming the op, shapes and dtypes.
    """
    if state.busy:
        return _run_watched(op, inputs, attrs)
    return _evaluate(op, [concrete(t, op.name) for t in inputs], attrs)


def run1(op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any] = _NO_ATTRS) -> Tensor:
    """As `run`, for an op with one result."""
    return run(op, inputs, attrs)[0]


def _evaluate(op: OpDef, arrays: list[np.ndarray[Any, Any]], attrs: dict[str, Any]) -> tuple[Tensor, ...]:
    key = (op.name, *[a.dtype.char for a in arrays])
    if key not in _checked:
        op.infer([_array_type(a) for a in arrays], attrs)
        _checked.add(key)
    token = quiet()
    try:
        result = op.evaluate(*arrays, **attrs)
    except LayerJitError:
        raise
    except (ValueError, TypeError, IndexError, ArithmeticError):
        # The op's own inference says what is wrong in the user's words; NumPy's message only if it finds nothing.
        op.infer([_array_type(a) for a in arrays], attrs)
        raise
    finally:
        unquiet(token)
    if type(result) is tuple or type(result) is list:
        return tuple([wrap(r) for r in result])
    return (wrap(result),)


def _array_type(array: np.ndarray[Any, Any]) -> Any:
    return type_of(wrap(array))


def _run_watched(op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Tensor, ...]:
    """The way while a tape records or a function is traced somewhere."""
    frame = thread.frame
    if frame is not None and frame.tracing and frame.records(op, inputs, attrs):
        outputs = frame.emit(op, inputs, attrs)
    else:
        outputs = _evaluate(op, [concrete(t, op.name) for t in inputs], attrs)
    for tape in thread.tapes:
        tape.record(op, tuple(inputs), outputs, attrs)
    return outputs


def functions() -> Functions:
    """The op functions over tensors, as gradient rules use them."""
    return _FUNCTIONS


_FUNCTIONS = Functions(run, type_of, wrap)
