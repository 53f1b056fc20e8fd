"""The operators of Tensor and Variable: `+ - * / // % ** @`, comparisons, logic, `-x`, `abs`, indexing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.context import state
from eager.convert import SymbolicInput, convert, convert_pair
from eager.dispatch import quiet, run1, unquiet
from eager.tensor import Tensor, _new
from eager.variable import Variable
from graphcore.dtypes import float32, float64
from graphcore.optable import OpDef, get_op

_Method = Callable[[Any, Any], Any]


def binary(op: OpDef, x: Any, y: Any) -> Tensor:
    """One elementwise op on two operands, of which those that are not tensors adapt to the other."""
    return run1(op, convert_pair(x, y, op.name))


def true_divide(x: Any, y: Any) -> Tensor:
    """x / y (tf.truediv): 32- and 64-bit integers give float64, 8- and 16-bit ones float32."""
    a, b = convert_pair(x, y, "truediv")
    if not a.dtype.is_floating and not a.dtype.is_complex:
        wide = float32 if a.dtype.size <= 2 else float64
        a, b = (run1(get_op("cast"), (t,), {"dtype": wide}) for t in (a, b))
    return run1(get_op("div"), (a, b))


def logical_or_bitwise(name: str) -> _Method:
    """`&`, `|` and `^`: logic on bool, bits on integers."""
    logic, bits = get_op(f"logical_{name}"), get_op(f"bitwise_{name}")

    def method(x: Any, y: Any) -> Tensor:
        a, b = convert_pair(x, y, f"bitwise_{name}")
        return run1(logic if a.dtype.is_bool else bits, (a, b))

    return method


def equal(x: Any, y: Any) -> Any:
    """Elementwise `==`; False for None and for shapes that do not broadcast, as tf.Tensor.__eq__."""
    return _compare_equal("equal", x, y, False)


def not_equal(x: Any, y: Any) -> Any:
    """Elementwise `!=`; True for None and for shapes that do not broadcast, as tf.Tensor.__ne__."""
    return _compare_equal("not_equal", x, y, True)


def _compare_equal(name: str, x: Any, y: Any, otherwise: bool) -> Any:
    if y is None:
        return otherwise
    try:
        return binary(get_op(name), x, y)
    except (SymbolicInput, TypeError):
        raise
    except ValueError:
        return otherwise


def matmul(x: Any, y: Any) -> Tensor:
    """x @ y, as tf.matmul."""
    from eager.ops.linalg import matmul as full

    return full(x, y)


def _fast(op: OpDef, kinds: str) -> _Method:
    """An operator whose common case, two plain tensors of one dtype, is one NumPy call."""
    ufunc, general = op.evaluate, _guarded(_plain(op.name))

    def method(self: Any, other: Any) -> Any:
        if not state.busy and type(other) is Tensor and type(self) is Tensor:
            a, b = self._array, other._array
            if a is not None and b is not None and a.dtype is b.dtype and a.dtype.kind in kinds:
                token = quiet()
                try:
                    result = ufunc(a, b)
                except ValueError:
                    return general(self, other)
                finally:
                    unquiet(token)
                tensor = _new(Tensor)
                tensor._array = result if type(result) is np.ndarray else np.asarray(result)
                return tensor
        return general(self, other)

    return method


def _guarded(method: _Method, reflected: bool = False) -> _Method:
    """Leaves symbolic Keras tensors to their own operators."""

    def operator(self: Any, other: Any) -> Any:
        if getattr(other, "_is_keras_tensor", False):
            return NotImplemented
        return method(other, self) if reflected else method(self, other)

    return operator


def _pair(name: str, method: _Method) -> None:
    for cls in (Tensor, Variable):
        setattr(cls, f"__{name}__", _guarded(method))
        setattr(cls, f"__r{name}__", _guarded(method, reflected=True))


def _negative(x: Any) -> Tensor:
    return run1(get_op("neg"), (convert(x),))


def _absolute(x: Any) -> Tensor:
    from eager.ops.math import abs as full

    return full(x)


def invert(x: Any) -> Tensor:
    """Not of a bool tensor, every bit flipped of an integer one (`~x`)."""
    t = convert(x)
    if t.dtype.is_bool:
        return run1(get_op("logical_not"), (t,))
    ones = convert(np.invert(np.zeros((), t.dtype.numpy)))
    return run1(get_op("bitwise_xor"), (t, ones))


def _getitem(x: Any, key: Any) -> Tensor:
    from eager.ops.indexing import getitem

    return getitem(x, key)


def install() -> None:
    """Puts the operators on Tensor and Variable; `eager` does this once when imported."""
    numeric = "fiuc"
    for python, name in (("add", "add"), ("sub", "sub"), ("mul", "mul")):
        fast = _fast(get_op(name), numeric)
        setattr(Tensor, f"__{python}__", fast)
        setattr(Tensor, f"__r{python}__", _guarded(fast, reflected=True))
        setattr(Variable, f"__{python}__", _guarded(fast))
        setattr(Variable, f"__r{python}__", _guarded(fast, reflected=True))
    for python, name in (("floordiv", "floordiv"), ("mod", "mod"), ("pow", "pow")):
        _pair(python, _plain(name))
    _pair("truediv", true_divide)
    _pair("matmul", matmul)
    for name in ("and", "or", "xor"):
        _pair(name, logical_or_bitwise(name))
    compare = (("lt", "less"), ("le", "less_equal"), ("gt", "greater"), ("ge", "greater_equal"))
    for cls in (Tensor, Variable):
        for python, name in compare:
            setattr(cls, f"__{python}__", _guarded(_plain(name)))
        cls.__eq__, cls.__ne__ = _guarded(equal), _guarded(not_equal)  # pyright: ignore[reportAttributeAccessIssue]
        cls.__neg__, cls.__abs__, cls.__invert__ = _negative, _absolute, invert  # pyright: ignore[reportAttributeAccessIssue]
        cls.__pos__ = convert  # pyright: ignore[reportAttributeAccessIssue]
    Tensor.__getitem__ = _getitem  # pyright: ignore[reportAttributeAccessIssue]


def _plain(name: str) -> _Method:
    op = get_op(name)
    return lambda x, y: binary(op, x, y)


__all__ = ["binary", "equal", "install", "invert", "logical_or_bitwise", "matmul", "not_equal", "true_divide"]
