"""The operators of Tensor and Variable: `+ - * / // % ** @`, comparisons, logic, `-x`, `abs`, indexing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager import plain
from eager.context import state
from eager.convert import SymbolicInput, convert, convert_pair, scalar_array
from eager.dispatch import run1, silent
from eager.tensor import Tensor, _new
from eager.variable import Variable
from graphcore.dtypes import as_dtype, float32, float64
from graphcore.optable import OpDef, get_op

_Method = Callable[[Any, Any], Any]


def binary(op: OpDef, x: Any, y: Any) -> Tensor:
    """One elementwise op on two operands, of which those that are not tensors adapt to the other."""
    return run1(op, convert_pair(x, y, op.name))


def true_divide(x: Any, y: Any) -> Tensor:
    """The quotient x / y (tf.truediv): 32- and 64-bit integers give float64, 8- and 16-bit ones float32."""
    a, b = convert_pair(x, y, "truediv")
    if a.dtype.is_integer:
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


def floor_divide(x: Any, y: Any) -> Tensor:
    """The quotient x // y rounded down; of floats it is floor(x / y), as in TensorFlow, where NumPy corrects that."""
    a, b = convert_pair(x, y, "floordiv")
    if a.dtype.is_floating:
        return run1(get_op("floor"), (run1(get_op("div"), (a, b)),))
    return run1(get_op("floordiv"), (a, b))


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
        return convert(otherwise)


def matmul(x: Any, y: Any) -> Tensor:
    """The product x @ y, as tf.matmul."""
    if not state.busy and (result := plain.matmul(x, y)) is not None:
        return result
    from eager.ops.linalg import matmul as full

    return full(x, y)


def _fast(op: OpDef, kinds: str, general: _Method) -> _Method:
    """An operator whose common cases are one NumPy call: two plain tensors of one dtype, or one and a number."""
    ufunc = op.evaluate

    def method(self: Any, other: Any) -> Any:
        # A traced tensor of a run that has ended has no array: the general way says so.
        if not state.busy and type(self) is Tensor and (a := self._array) is not None:
            dtype, b = a.dtype, None
            kind = type(other)
            if kind is Tensor or kind is Variable:
                b = other._array
            elif (kind is float or kind is int) and dtype.kind == "f":
                b = scalar_array(other, dtype.char, as_dtype(dtype))
            if b is not None and dtype is b.dtype and dtype.kind in kinds:
                try:
                    result = silent.run(ufunc, a, b)
                except (ValueError, RuntimeError):
                    return general(self, other)
                tensor = _new(Tensor)
                tensor._array = result if type(result) is np.ndarray else np.asarray(result)
                return tensor
        return general(self, other)

    return method


def _reflected(method: _Method) -> _Method:
    return lambda self, other: method(other, self)


def _guarded(method: _Method) -> _Method:
    """Leaves symbolic Keras tensors to their own operators."""

    def operator(self: Any, other: Any) -> Any:
        try:
            return method(self, other)
        except SymbolicInput:
            return NotImplemented

    return operator


def _of_value(method: _Method) -> _Method:
    """The operator of a variable: that of its value."""
    return lambda self, other: method(self.value(), other)


def _install_binary(
    python: str, general: _Method, op: OpDef | None = None, kinds: str = "", mirrored: bool = True
) -> None:
    """Puts one operator on Tensor and Variable, with its mirror image for a tensor on the right."""
    forwards, backwards = _guarded(general), _guarded(_reflected(general))
    plain = forwards if op is None else _fast(op, kinds, forwards)
    setattr(Tensor, f"__{python}__", plain)
    setattr(Variable, f"__{python}__", _of_value(plain))
    if mirrored:
        # a + b is b + a to the last bit, so the fast way serves both.
        mirror = plain if op is not None and op.name in ("add", "mul") else backwards
        setattr(Tensor, f"__r{python}__", mirror)
        setattr(Variable, f"__r{python}__", _of_value(mirror))


def _negative(x: Any) -> Tensor:
    return run1(get_op("neg"), (convert(x),))


def _absolute(x: Any) -> Tensor:
    from eager.ops.elementwise import abs as full

    return full(x)


def invert(x: Any) -> Tensor:
    """Not of a bool tensor, every bit flipped of an integer one (`~x`)."""
    t = convert(x)
    if t.dtype.is_bool:
        return run1(get_op("logical_not"), (t,))
    ones = convert(np.invert(np.zeros((), t.dtype.numpy)))
    return run1(get_op("bitwise_xor"), (t, ones))


def install() -> None:
    """Puts the operators on Tensor and Variable; `eager` does this once when imported."""
    for python, name in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("mod", "mod")):
        _install_binary(python, _plain(name), get_op(name), "fiu")
    _install_binary("floordiv", floor_divide, get_op("floordiv"), "iu")
    _install_binary("pow", _plain("pow"), get_op("pow"), "f")
    _install_binary("truediv", true_divide, get_op("div"), "f")
    _install_binary("matmul", matmul)
    for name in ("and", "or", "xor"):
        _install_binary(name, logical_or_bitwise(name))
    for python, name in (("lt", "less"), ("le", "less_equal"), ("gt", "greater"), ("ge", "greater_equal")):
        _install_binary(python, _plain(name), get_op(name), "fiu", mirrored=False)
    _install_binary("eq", equal, get_op("equal"), "fiub", mirrored=False)
    _install_binary("ne", not_equal, get_op("not_equal"), "fiub", mirrored=False)
    unary = (("neg", _negative), ("abs", _absolute), ("invert", invert), ("pos", convert))
    for cls in (Tensor, Variable):
        for python, method in unary:
            setattr(cls, f"__{python}__", method)


def _plain(name: str) -> _Method:
    op = get_op(name)
    return lambda x, y: binary(op, x, y)


__all__ = ["binary", "equal", "install", "invert", "logical_or_bitwise", "matmul", "not_equal", "true_divide"]
