"""tf.debugging: assertions that stop a run before it changes any variable, and checks of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.convert import convert, convert_pair
from eager.dispatch import run
from eager.ops import math
from eager.ops.common import InvalidTypeError
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from graphcore.dtypes import as_dtype
from graphcore.optable import get_op


@public("Assert", "debugging.Assert")
def Assert(condition: Any, data: Any = None, summarize: int | None = None, name: str | None = None) -> None:
    """Stops the run unless every element of `condition` holds (tf.debugging.Assert).

    Inside a traced function the run then fails as a whole: no variable changes.

    Raises:
        InvalidArgumentError: if the condition fails.
    """
    del summarize, name
    shown = ", ".join(str(d) for d in data) if isinstance(data, list | tuple) else ("" if data is None else str(data))
    _check(convert(condition), f"assertion failed: {shown}" if shown else "assertion failed")


def _check(condition: Tensor, message: str) -> None:
    run(get_op("assert"), (condition,), {"message": message})


def _with_reason(message: str | None, text: str) -> str:
    return f"{message}; {text}" if message else text


def _comparison(name: str, compare: Callable[..., Tensor], words: str) -> Callable[..., None]:
    def function(
        x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
    ) -> None:
        del summarize, name
        text = f"{public_name}: the condition x {words} y did not hold element-wise"
        _check(compare(x, y), _with_reason(message, text))

    public_name = name
    function.__name__ = name
    function.__doc__ = f"""Stops the run unless x {words} y for all elements (tf.debugging.{name}).

    Raises:
        InvalidArgumentError: if it does not hold.
    """
    return public(f"debugging.{name}")(function)


assert_equal = _comparison("assert_equal", math.equal, "==")
_none_equal = _comparison("assert_none_equal", math.not_equal, "!=")


@public("debugging.assert_none_equal")
def assert_none_equal(
    x: Any, y: Any, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> None:
    """Stops the run unless x != y for all elements (tf.debugging.assert_none_equal, whose arguments have this order).

    Raises:
        InvalidArgumentError: if it does not hold.
    """
    _none_equal(x, y, message, summarize, name)


assert_less = _comparison("assert_less", math.less, "<")
assert_less_equal = _comparison("assert_less_equal", math.less_equal, "<=")
assert_greater = _comparison("assert_greater", math.greater, ">")
assert_greater_equal = _comparison("assert_greater_equal", math.greater_equal, ">=")


def _sign_check(name: str, compare: Callable[..., Tensor], words: str) -> Callable[..., None]:
    def function(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> None:
        del summarize, name
        text = f"{public_name}: x {words} 0 did not hold element-wise"
        _check(compare(convert(x), 0), _with_reason(message, text))

    public_name = name
    function.__name__ = name
    function.__doc__ = f"""Stops the run unless x {words} 0 for all elements (tf.debugging.{name}).

    Raises:
        InvalidArgumentError: if it does not hold.
    """
    return public(f"debugging.{name}")(function)


assert_positive = _sign_check("assert_positive", math.greater, ">")
assert_negative = _sign_check("assert_negative", math.less, "<")
assert_non_negative = _sign_check("assert_non_negative", math.greater_equal, ">=")
assert_non_positive = _sign_check("assert_non_positive", math.less_equal, "<=")


@public("debugging.assert_all_finite")
def assert_all_finite(x: Any, message: str, name: str | None = None) -> Tensor:
    """Stops the run if an element is NaN or infinite, and returns x (tf.debugging.assert_all_finite).

    Raises:
        InvalidArgumentError: if one is.
    """
    del name
    tensor = convert(x)
    _check(math.is_finite(tensor), f"{message}: Tensor had NaN or Inf values")
    return tensor


@public("debugging.check_numerics")
def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """As assert_all_finite (tf.debugging.check_numerics)."""
    return assert_all_finite(tensor, message, name)


@public("debugging.assert_shapes")
def assert_shapes(shapes: Any, data: Any = None, summarize: Any = None, message: str | None = None) -> None:
    """Checks static shapes given as (tensor, shape) pairs, where equal names must be equal sizes.

    Raises:
        ValueError: if a shape does not fit.
    """
    del data, summarize
    known: dict[Any, int | None] = {}
    pairs = shapes.items() if isinstance(shapes, dict) else shapes
    for x, wanted in pairs:
        have = convert(x).shape
        if have.rank != len(wanted):
            raise ValueError(f"{message or 'assert_shapes'}: shape {have} has not the rank of {tuple(wanted)}")
        for d, w in zip(have, wanted, strict=True):
            size = known.setdefault(w, d) if isinstance(w, str) else w
            if size is not None and d is not None and size != d:
                raise ValueError(f"{message or 'assert_shapes'}: shape {have} does not fit {tuple(wanted)}")


@public("debugging.assert_rank")
def assert_rank(x: Any, rank: int, message: str | None = None, name: str | None = None) -> None:
    """Checks the static rank (tf.debugging.assert_rank). Raises ValueError if it differs."""
    del name
    tensor = convert(x)
    if tensor.ndim != rank:
        raise _rank_error(message, "assert_rank", tensor, str(rank))


def _rank_error(message: str | None, name: str, tensor: Tensor, words: str) -> ValueError:
    return ValueError(_with_reason(message, f"{name}: Tensor {type_of(tensor)} must have rank {words}"))


@public("debugging.assert_rank_at_least")
def assert_rank_at_least(x: Any, rank: int, message: str | None = None, name: str | None = None) -> None:
    """Checks that the rank is `rank` or more (tf.debugging.assert_rank_at_least). Raises ValueError if not."""
    del name
    tensor = convert(x)
    if tensor.ndim < rank:
        raise _rank_error(message, "assert_rank_at_least", tensor, f"at least {rank}")


@public("debugging.assert_rank_in")
def assert_rank_in(x: Any, ranks: Any, message: str | None = None, name: str | None = None) -> None:
    """Checks that the rank is one of several (tf.debugging.assert_rank_in). Raises ValueError if not."""
    del name
    tensor = convert(x)
    if tensor.ndim not in list(ranks):
        raise _rank_error(message, "assert_rank_in", tensor, f"in {tuple(ranks)}")


@public("debugging.assert_scalar")
def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> Tensor:
    """Checks that a tensor is a scalar, and returns it (tf.debugging.assert_scalar). Raises ValueError if not."""
    del name
    x = convert(tensor)
    if x.ndim:
        raise _rank_error(message, "assert_scalar", x, "0")
    return x


@public("debugging.assert_type")
def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> None:
    """Checks the dtype (tf.debugging.assert_type). Raises TypeError if it differs."""
    del name
    have, wanted = convert(tensor).dtype, as_dtype(tf_type)
    if have is not wanted:
        raise TypeError(_with_reason(message, f"assert_type: tensor must be {wanted.name}, got {have.name}"))


@public("debugging.assert_integer")
def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> None:
    """Checks that the dtype is an integer one (tf.debugging.assert_integer). Raises TypeError if not."""
    del name
    have = convert(x).dtype
    if not have.is_integer:
        raise TypeError(_with_reason(message, f"assert_integer: tensor must be of integer type, got {have.name}"))


@public("debugging.assert_near")
def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: str | None = None, summarize: int | None = None,
    name: str | None = None,
) -> None:  # fmt: skip
    """Stops the run unless |x - y| <= atol + rtol * |y| for all elements (tf.debugging.assert_near).

    Both tolerances are ten times the machine epsilon of the dtype unless given.

    Raises:
        InvalidArgumentError: if it does not hold.
    """
    del summarize, name
    a, b = convert_pair(x, y, "assert_near")
    if not a.dtype.is_floating:
        raise InvalidTypeError(f"assert_near: operands are {a.dtype.name}, expected floating tensors")
    tenfold = 10 * float(a.dtype.finfo().eps)
    absolute = convert(tenfold if atol is None else atol, like=a.dtype)
    relative = convert(tenfold if rtol is None else rtol, like=a.dtype)
    close = math.less_equal(math.abs(a - b), absolute + relative * math.abs(b))
    _check(close, _with_reason(message, "assert_near: x and y not equal to tolerance"))
