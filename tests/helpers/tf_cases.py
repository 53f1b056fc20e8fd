"""One row or more for every public tf function: a call, what NumPy says of it, and calls that must fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import eager as tf


class Case(NamedTuple):
    """A call of a public function on arrays.

    `call` takes tensors, `expected` the same arrays; both give an array or a sequence of them. A `smooth` case is
    differentiable at its arrays. An `exact` one must not differ by a bit between eager and native.
    """

    name: str
    call: Callable[..., Any]
    arrays: tuple[Any, ...]
    expected: Callable[..., Any]
    smooth: bool = True
    exact: bool = False


class Fault(NamedTuple):
    """A call that must raise, with a message that names the function or what is wrong."""

    name: str
    call: Callable[[], Any]
    error: type[Exception]


CASES: list[Case] = []
FAULTS: list[Fault] = []
_rng = np.random.default_rng(7)


def lookup(name: str) -> Callable[..., Any]:
    """The public function of a tf name."""
    found: Any = tf
    for part in name.split("."):
        found = getattr(found, part)
    return found


def case(
    name: str, arrays: Any, expected: Any, *args: Any, smooth: bool = True, exact: bool = False, **kw: Any
) -> None:
    """Adds a call of the function on the arrays, followed by `args` and keywords."""
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    CASES.append(Case(name, lambda *t: lookup(name)(*t, *args, **kw), arrays, expected, smooth, exact))


def custom(name: str, call: Any, arrays: Any, expected: Any, smooth: bool = True, exact: bool = True) -> None:
    """Adds a call in a form of its own."""
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    CASES.append(Case(name, call, arrays, expected, smooth, exact))


def fault(name: str, error: type[Exception], *args: Any, **kw: Any) -> None:
    """Adds a call that must raise."""
    FAULTS.append(Fault(name, lambda: lookup(name)(*args, **kw), error))


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return _rng.uniform(low, high, shape)


def ints(*shape: int, low: int = -9, high: int = 9) -> np.ndarray:
    return _rng.integers(low, high, shape).astype(np.int32)


def bools(*shape: int) -> np.ndarray:
    return _rng.integers(0, 2, shape).astype(bool)


def erf(x: Any) -> Any:
    return np.vectorize(math.erf, otypes=[float])(x)


def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


INT = np.array([1, 2], np.int32)
X = floats(3, 4)
PAIR = (floats(3, 4), floats(3, 4))

# Elementwise functions of one operand: reference, range, differentiable.

UNARY: dict[str, tuple[Any, float, float, bool]] = {
    "exp": (np.exp, -3, 3, True), "math.expm1": (np.expm1, -3, 3, True), "math.log": (np.log, 0.1, 9, True),
    "math.log1p": (np.log1p, -0.9, 9, True), "sqrt": (np.sqrt, 0.1, 9, True),
    "math.rsqrt": (lambda x: 1 / np.sqrt(x), 0.1, 9, True), "tanh": (np.tanh, -4, 4, True),
    "math.erf": (erf, -3, 3, True), "sigmoid": (logistic, -6, 6, True), "sin": (np.sin, -7, 7, True),
    "cos": (np.cos, -7, 7, True), "tan": (np.tan, -1.4, 1.4, True), "sinh": (np.sinh, -4, 4, True),
    "cosh": (np.cosh, -4, 4, True), "math.reciprocal": (lambda x: 1 / x, 0.3, 3, True),
    "nn.elu": (lambda x: np.where(x > 0, x, np.expm1(x)), -3, 3, True),
    "nn.selu": (lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)), -3, 3, True),
    "nn.gelu": (lambda x: x * (1 + erf(x / math.sqrt(2))) / 2, -4, 4, True),
    "nn.silu": (lambda x: x * logistic(x), -6, 6, True), "nn.softplus": (lambda x: np.log1p(np.exp(x)), -6, 6, True),
    "nn.softsign": (lambda x: x / (1 + abs(x)), -6, 6, True),
    "math.log_sigmoid": (lambda x: np.log(logistic(x)), -6, 6, True),
    "nn.leaky_relu": (lambda x: np.where(x > 0, x, x * 0.2), -3, 3, True),
}  # fmt: skip
REAL_UNARY: dict[str, tuple[Any, bool]] = {
    "abs": (np.abs, True), "negative": (np.negative, True), "square": (np.square, True), "sign": (np.sign, False),
    "nn.relu": (lambda x: np.maximum(x, 0), True), "nn.relu6": (lambda x: np.clip(x, 0, 6), True),
    "floor": (np.floor, False), "math.ceil": (np.ceil, False), "round": (lambda x: np.rint(x).astype(x.dtype), False),
    "identity": (lambda x: x, True), "stop_gradient": (lambda x: x, False),
}  # fmt: skip
for _name, (_ref, _low, _high, _smooth) in UNARY.items():
    case(_name, floats(3, 5, low=_low, high=_high), _ref, smooth=_smooth)
    case(_name, floats(low=_low, high=_high), _ref, smooth=_smooth)
    case(_name, floats(0, 3), _ref, smooth=False)
    if _name != "nn.leaky_relu":  # which casts integers, as TensorFlow does
        fault(_name, TypeError, INT)
    fault(_name, TypeError, tf.constant([True]))
for _name, (_ref, _smooth) in REAL_UNARY.items():
    case(_name, floats(3, 5, low=-9, high=9), _ref, smooth=_smooth, exact=True)
    case(_name, ints(4), _ref, smooth=False)
    case(_name, floats(2, 0), _ref, smooth=False)
    if "identity" not in _name and "stop" not in _name:
        fault(_name, TypeError, tf.constant([True]))
    fault(_name, ValueError, None)
case("nn.gelu", X, lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))), approximate=True)
case("nn.silu", X, lambda x: x * logistic(1.5 * x), beta=1.5)
case("nn.leaky_relu", X, lambda x: np.where(x > 0, x, x * 0.01), alpha=0.01)
for _name, _ref in (("is_nan", np.isnan), ("is_inf", np.isinf), ("is_finite", np.isfinite)):
    case(f"math.{_name}", np.array([0, -np.inf, np.nan, 1e30, np.inf]), _ref, smooth=False)
    fault(f"math.{_name}", TypeError, INT)
case("logical_not", bools(5), np.logical_not, smooth=False)
fault("logical_not", TypeError, INT)
case("bitwise.invert", ints(5), np.invert, smooth=False)
fault("bitwise.invert", TypeError, tf.ones(2))

# Elementwise functions of two operands: reference, dtype of operands, differentiable.

BINARY: dict[str, tuple[Any, str, bool]] = {
    "add": (np.add, "f", True), "subtract": (np.subtract, "f", True), "multiply": (np.multiply, "f", True),
    "divide": (np.divide, "f", True),
    "math.floordiv": (lambda x, y: np.floor(x / y) if x.dtype.kind == "f" else x // y, "fi", False),
    "math.floormod": (np.mod, "f", True), "maximum": (np.maximum, "f", True), "minimum": (np.minimum, "f", True),
    "pow": (lambda x, y: np.power(x, y), "p", True), "equal": (np.equal, "fi", False),
    "not_equal": (np.not_equal, "fi", False), "less": (np.less, "fi", False),
    "less_equal": (np.less_equal, "fi", False), "greater": (np.greater, "fi", False),
    "greater_equal": (np.greater_equal, "fi", False), "logical_and": (np.logical_and, "b", False),
    "logical_or": (np.logical_or, "b", False), "math.logical_xor": (np.logical_xor, "b", False),
    "bitwise.bitwise_and": (np.bitwise_and, "i", False), "bitwise.bitwise_or": (np.bitwise_or, "i", False),
    "bitwise.bitwise_xor": (np.bitwise_xor, "i", False),
    "math.squared_difference": (lambda x, y: (x - y) ** 2, "f", True),
    "math.divide_no_nan": (lambda x, y: x / y, "f", True),
    "math.multiply_no_nan": (lambda x, y: x * y, "f", True), "math.xlogy": (lambda x, y: x * np.log(y), "p", True),
    "math.xlog1py": (lambda x, y: x * np.log1p(y), "p", True),
}  # fmt: skip
_MAKE = {
    "f": lambda *s: floats(*s) + np.sign(floats(*s)) * 0.5, "i": ints, "b": bools,
    "p": lambda *s: floats(*s, low=0.3, high=3),
}  # fmt: skip
for _name, (_ref, _kinds, _smooth) in BINARY.items():
    for _kind in _kinds:
        for _a, _b in (((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2, 3)), ((0, 3), (1, 3))):
            _exact = _name not in ("pow", "math.xlogy", "math.xlog1py")
            _make = _MAKE[_kind]
            case(_name, (_make(*_a), _make(*_b)), _ref, smooth=_smooth and 0 not in _a, exact=_exact)
    _one = {
        "f": tf.ones((2, 3)),
        "p": tf.ones((2, 3)),
        "i": tf.ones((2, 3), tf.int32),
        "b": tf.constant([[True] * 3] * 2),
    }
    fault(_name, ValueError, _one[_kinds[0]], _one[_kinds[0]][:, :2])
    fault(_name, TypeError, _one[_kinds[0]], tf.ones(3, tf.float64))
for _name, _ref in (("left_shift", np.left_shift), ("right_shift", np.right_shift)):
    case(f"bitwise.{_name}", (ints(6), ints(6, low=0, high=31)), _ref, smooth=False)
    fault(f"bitwise.{_name}", TypeError, tf.ones(2), tf.ones(2))
case(
    "math.divide_no_nan",
    (np.array([1.0, 0, 3]), np.array([0.0, 0, 2])),
    lambda x, y: np.array([0, 0, 1.5]),
    smooth=False,
)
case(
    "math.multiply_no_nan",
    (np.array([np.inf, np.nan, 3]), np.array([0.0, 0, 2])),
    lambda x, y: np.array([0, 0, 6.0]),
    smooth=False,
)
case("math.xlogy", (np.array([0.0, 2]), np.array([0.0, 3])), lambda x, y: np.array([0, 2 * np.log(3)]), smooth=False)
case("math.xlog1py", (np.array([0.0, 2]), np.array([-1.0, 3])), lambda x, y: np.array([0, 2 * np.log(4)]), smooth=False)
case("divide", (ints(5), ints(5, low=1)), np.divide, smooth=False, exact=True)
custom("add_n", lambda a, b, c: tf.add_n([a, b, c]), (X, X + 1, X * 2), lambda a, b, c: a + b + c)
fault("add_n", ValueError, [])
fault("add_n", TypeError, [tf.ones(2), tf.ones(2, tf.float64)])

# Limits.

case("clip_by_value", X, lambda x: np.clip(x, -0.5, 1), -0.5, 1.0, exact=True)
fault("clip_by_value", TypeError, tf.ones(2), tf.constant(0), tf.constant(1))
case("clip_by_norm", X, lambda x: x * 2 / max(np.linalg.norm(x), 2), 2.0)
case("clip_by_norm", X, lambda x: x * 0.5 / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 0.5), 0.5, axes=[1])
case("clip_by_norm", np.zeros(3), lambda x: x, 2.0)
fault("clip_by_norm", TypeError, INT, 1.0)
custom("linalg.global_norm", lambda a, b: tf.linalg.global_norm([a, None, b]), (X, floats(2)),
       lambda a, b: np.sqrt((a**2).sum() + (b**2).sum()), exact=False)  # fmt: skip
fault("linalg.global_norm", TypeError, tf.ones(2))
custom("clip_by_global_norm", lambda a, b: tf.clip_by_global_norm([a, b], 1.5)[0], (X, floats(2)),
       lambda a, b: [v * 1.5 / np.sqrt((a**2).sum() + (b**2).sum()) for v in (a, b)], exact=False)  # fmt: skip
fault("clip_by_global_norm", TypeError, tf.ones(2), 1.0)
case(
    "saturate_cast",
    np.array([-300.0, 1.5, 300, np.nan]),
    lambda x: np.array([-128, 1, 127, 0], np.int8),
    tf.int8,
    smooth=False,
)
case(
    "saturate_cast",
    np.array([-300, 5, 300], np.int32),
    lambda x: np.array([0, 5, 255], np.uint8),
    tf.uint8,
    smooth=False,
)
fault("saturate_cast", TypeError, tf.ones(2), "no dtype")

# Reductions.

REDUCTIONS: dict[str, tuple[Any, bool]] = {
    "reduce_sum": (np.sum, True), "reduce_prod": (np.prod, True), "reduce_max": (np.max, True),
    "reduce_min": (np.min, True), "reduce_mean": (np.mean, True), "math.reduce_variance": (np.var, True),
    "math.reduce_std": (np.std, True),
    "reduce_logsumexp": (lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)), True),
    "math.reduce_euclidean_norm": (lambda x, axis, keepdims: np.sqrt(np.sum(x**2, axis=axis, keepdims=keepdims)), True),
    "reduce_any": (np.any, False), "reduce_all": (np.all, False), "math.count_nonzero": (
        lambda x, axis, keepdims: np.sum(x != 0, axis=axis, keepdims=keepdims), False),
}  # fmt: skip
for _name, (_ref, _smooth) in REDUCTIONS.items():
    _array = bools(2, 3, 4) if not _smooth else floats(2, 3, 4)
    for _axis in (None, 1, -1, (0, 2), (-3, 1, 2), ()):
        _keep = _axis != 1
        if _axis == () and "logsumexp" in _name:
            continue
        case(_name, _array, lambda x, r=_ref, a=_axis, k=_keep: r(x, axis=a, keepdims=k), axis=_axis, keepdims=_keep,
             smooth=_smooth and not ("std" in _name and _axis == ()))  # fmt: skip
    fault(_name, ValueError, _array, axis=3)
    fault(_name, ValueError, _array, axis=[0, -3])
    fault(_name, TypeError, _array, axis=1.5)
for _name in ("reduce_any", "reduce_all"):
    fault(_name, TypeError, tf.ones(2))
for _name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min"):
    fault(_name, TypeError, tf.constant([True]))
    case(_name, ints(3, 4), lambda x, r=REDUCTIONS[_name][0]: r(x).astype(np.int32), smooth=False)
case("reduce_mean", np.array([[1, 2], [-1, -2]], np.int32), lambda x: np.array([1, -1], np.int32), 1, smooth=False)
case(
    "reduce_logsumexp",
    np.array([[1000.0, 1000], [-np.inf, -np.inf]]),
    lambda x: np.array([1000 + np.log(2), -np.inf]),
    1,
    smooth=False,
)
for _name, _ref in (("argmax", np.argmax), ("argmin", np.argmin)):
    case(f"math.{_name}", X, lambda x, r=_ref: r(x, 0), smooth=False)
    case(f"math.{_name}", ints(3, 4), lambda x, r=_ref: r(x, -1).astype(np.int32), -1, tf.int32, smooth=False)
    fault(f"math.{_name}", ValueError, X, 2)
    fault(f"math.{_name}", ValueError, tf.zeros((0, 2)))
for _ord, _axis in (
    ("euclidean", None),
    (1, 0),
    (3, 1),
    (np.inf, -1),
    (2, 1),
    ("fro", (0, 1)),
    (1, (0, 1)),
    (np.inf, (1, 0)),
):
    case("norm", X, lambda x, o=_ord, a=_axis: np.linalg.norm(x if a is not None else x.ravel(),
         None if o == "euclidean" else o, axis=a), _ord, _axis)  # fmt: skip
fault("norm", ValueError, X, 0)
fault("norm", ValueError, X, 3, (0, 1))
fault("norm", TypeError, INT)
fault("norm", ValueError, X, 1, 5)

# Making.

custom("constant", lambda: tf.constant([1, 2, 3, 4], shape=(2, 2)), (), lambda: np.array([[1, 2], [3, 4]], np.int32))
custom("constant", lambda: tf.constant(np.arange(3), tf.float32), (), lambda: np.arange(3, dtype=np.float32))
fault("constant", ValueError, [1, 2, 3], shape=(2, 2))
fault("constant", TypeError, 1.5, tf.int32)
fault("constant", ValueError, [[1], [1, 2]])
custom("convert_to_tensor", lambda x: tf.convert_to_tensor([x, x]), X, lambda x: np.stack([x, x]))
fault("convert_to_tensor", TypeError, tf.ones(2), tf.int32)
fault("convert_to_tensor", ValueError, None)
for _name, _value in (("zeros", 0), ("ones", 1)):
    custom(_name, lambda n=_name: lookup(n)((2, 3), tf.int64), (), lambda v=_value: np.full((2, 3), v, np.int64))
    custom(
        _name,
        lambda x, n=_name: lookup(n)(tf.shape(x)[:1]),
        X,
        lambda x, v=_value: np.full(3, v, np.float32),
        smooth=False,
    )
    fault(_name, ValueError, (2, -1))
    fault(_name, ValueError, (2, None))
    fault(_name, TypeError, 2.5)
    custom(
        f"{_name}_like",
        lambda x, n=_name: lookup(f"{n}_like")(x),
        X,
        lambda x, v=_value: np.full_like(x, v),
        smooth=False,
    )
    custom(
        f"{_name}_like",
        lambda x, n=_name: lookup(f"{n}_like")(x, tf.bool),
        X,
        lambda x, v=_value: np.full(x.shape, v, bool),
        smooth=False,
    )
    fault(f"{_name}_like", TypeError, X, "no dtype")
custom("fill", lambda x: tf.fill((2, 3), x), np.array(2.5), lambda x: np.full((2, 3), x))
fault("fill", ValueError, (2,), [1, 2])
fault("fill", ValueError, (-2,), 1)
custom("eye", lambda: tf.eye(3, 4, (2,)), (), lambda: np.tile(np.eye(3, 4, dtype=np.float32), (2, 1, 1)))
fault("eye", TypeError, 2.5)
for _args in ((5,), (2, 9, 3), (9, 2, -3), (3, 3), (0.0, 1.0, 0.25)):
    custom("range", lambda a=_args: tf.range(*a), (), lambda a=_args: np.arange(*a).astype(
        np.float32 if isinstance(a[0], float) else np.int32))  # fmt: skip
custom(
    "range",
    lambda x: tf.range(tf.shape(x)[1], dtype=tf.float32),
    X,
    lambda x: np.arange(4, dtype=np.float32),
    smooth=False,
)
fault("range", ValueError, 0, 5, 0)
fault("range", ValueError, 5, 1)
fault("range", ValueError, 0.0, 5.0, -1.0)
fault("range", ValueError, 0.0, 5.0, 1.0, tf.int32)
for _num in (1, 2, 5):
    custom(
        "linspace",
        lambda a, b, n=_num: tf.linspace(a, b, n),
        (np.array(1.0), np.array(4.0)),
        lambda a, b, n=_num: np.linspace(a, b, n),
        exact=False,
    )
custom(
    "linspace",
    lambda a, b: tf.linspace(a, b, 4, axis=-1),
    (X, X + 1),
    lambda a, b: np.linspace(a, b, 4, axis=-1),
    exact=False,
)
fault("linspace", ValueError, 0.0, 1.0, -1)
fault("linspace", TypeError, tf.ones(2), tf.ones(2, tf.float64), 3)
case(
    "one_hot",
    np.array([[0, 2], [5, -1]], np.int32),
    lambda i: (i[..., None] == np.arange(3)).astype(np.float32),
    3,
    smooth=False,
)
case(
    "one_hot",
    np.array([0, 2], np.int64),
    lambda i: np.array([[5, -1, -1], [-1, -1, 5]], np.int32).T,
    3,
    5,
    -1,
    0,
    tf.int32,
    smooth=False,
)
case("one_hot", np.array([0, 1], np.int32), lambda i: np.eye(2, dtype=bool), 2, dtype=tf.bool, smooth=False)
fault("one_hot", TypeError, tf.ones(2), 3)
fault("one_hot", ValueError, INT, 3, axis=3)
case("sequence_mask", np.array([[1, 3], [0, 2]], np.int32), lambda n: np.arange(4) < n[..., None], 4, smooth=False)
custom(
    "sequence_mask",
    lambda: tf.sequence_mask([1, 3], dtype=tf.float32),
    (),
    lambda: np.array([[1, 0, 0], [1, 1, 1]], np.float32),
)
fault("sequence_mask", ValueError, tf.constant(["a"]), 3)
for _how in ("xy", "ij"):
    custom("meshgrid", lambda a, b, c, h=_how: tf.meshgrid(a, b, c, indexing=h), (floats(2), floats(3), floats(2)),
           lambda a, b, c, h=_how: np.meshgrid(a, b, c, indexing=h))  # fmt: skip
fault("meshgrid", ValueError, [1], [2], indexing="ab")

# Shapes and dtypes.

case("shape", X, lambda x: np.array([3, 4], np.int32), smooth=False)
case("shape", X, lambda x: np.array([3, 4], np.int64), tf.int64, smooth=False)
fault("shape", ValueError, None)
case("size", X, lambda x: np.array(12, np.int32), smooth=False)
fault("size", ValueError, None)
case("rank", X, lambda x: np.array(2, np.int32), smooth=False)
fault("rank", ValueError, None)
case("cast", X * 3, lambda x: x.astype(np.int32), tf.int32, smooth=False)
case("cast", ints(4), lambda x: x.astype(bool), tf.bool, smooth=False)
fault("cast", TypeError, X, "no dtype")
for _shape in ((4, 3), (-1,), (2, -1, 3), [12, 1], tf.TensorShape([6, 2])):
    case(
        "reshape",
        X,
        lambda x, s=_shape: x.reshape(s.as_list() if isinstance(s, tf.TensorShape) else s),
        _shape,
        exact=True,
    )
case("reshape", np.array([3.0]), lambda x: x.reshape(()), (), exact=True)
for _shape in ((5, 2), (-1, 5), (-1, -1), (-2, 6), (None, 4)):
    fault("reshape", ValueError, X, _shape)
fault("reshape", TypeError, X, 2.5)
case("transpose", floats(2, 3, 4), np.transpose, exact=True)
case("transpose", floats(2, 3, 4), lambda x: x.transpose(1, 2, 0), (1, 2, 0), exact=True)
for _perm in ((0, 5), (0, 0), (0,), (0, 1, 2)):
    fault("transpose", ValueError, X, _perm)
for _axis in (0, 1, -1):
    case("expand_dims", X, lambda x, a=_axis: np.expand_dims(x, a), _axis, exact=True)
fault("expand_dims", ValueError, X, 3)
case("squeeze", floats(1, 3, 1), np.squeeze, exact=True)
case("squeeze", floats(1, 3, 1), lambda x: x.squeeze(2), [-1], exact=True)
fault("squeeze", ValueError, floats(1, 3), 1)
fault("squeeze", ValueError, floats(1, 3), 2)
case("broadcast_to", floats(3, 1), lambda x: np.broadcast_to(x, (2, 3, 4)), (2, 3, 4), exact=True)
fault("broadcast_to", ValueError, X, (3, 5))
case("ensure_shape", X, lambda x: x, (None, 4), exact=True)
fault("ensure_shape", ValueError, X, (None, 5))
fault("ensure_shape", ValueError, X, (None,))
custom(
    "broadcast_static_shape",
    lambda: tf.constant(tf.broadcast_static_shape((3, 1), (4,)).as_list()),
    (),
    lambda: np.array([3, 4], np.int32),
)
fault("broadcast_static_shape", ValueError, (3,), (4,))

# Joining and picking.

custom("concat", lambda a, b: tf.concat([a, b], 1), (X, floats(3, 2)), lambda a, b: np.concatenate([a, b], 1))
custom(
    "concat", lambda a, b: tf.concat([a, b], -2), (X, floats(0, 4)), lambda a, b: np.concatenate([a, b]), smooth=False
)
fault("concat", ValueError, [X, floats(2, 3)], 0)
fault("concat", TypeError, [tf.ones(2), tf.ones(2, tf.int32)], 0)
fault("concat", ValueError, [X, X], 2)
fault("concat", ValueError, [], 0)
fault("concat", ValueError, [1.0, 2.0], 0)
for _axis in (0, -1):
    custom("stack", lambda a, b, i=_axis: tf.stack([a, b], i), (X, X + 1), lambda a, b, i=_axis: np.stack([a, b], i))
    custom("unstack", lambda a, i=_axis: tf.unstack(a, axis=i), X, lambda a, i=_axis: list(np.moveaxis(a, i, 0)))
fault("stack", ValueError, [X, floats(2, 3)])
fault("stack", ValueError, [X, X], 3)
fault("unstack", ValueError, X, num=6)
fault("unstack", ValueError, X, axis=2)
case("split", X, lambda x: np.split(x, 2, 1), 2, 1, exact=True)
case("split", X, lambda x: [x[:, :1], x[:, 1:]], [1, -1], -1, exact=True)
fault("split", ValueError, X, 3, 1)
fault("split", ValueError, X, [1, 1], 1)
fault("split", ValueError, X, 0, 1)
fault("split", ValueError, X, 2, 2)
case("roll", X, lambda x: np.roll(x, 5, 1), 5, 1, exact=True)
case("roll", X, lambda x: np.roll(x, (-1, 2), (0, 1)), [-1, 2], [0, 1], exact=True)
fault("roll", ValueError, X, 1, 2)
fault("roll", ValueError, X, [1, 2], [0])
case("tile", X, lambda x: np.tile(x, (2, 3)), (2, 3), exact=True)
case("tile", X, lambda x: np.tile(x, (0, 3)), (0, 3), smooth=False)
fault("tile", ValueError, X, (2,))
case("repeat", X, lambda x: np.repeat(x, 3, 1), 3, 1, exact=True)
case("repeat", X, lambda x: np.repeat(x, [1, 0, 2], 0), [1, 0, 2], 0, exact=True)
case("repeat", X, lambda x: np.repeat(x, 2), 2, exact=True)
fault("repeat", ValueError, X, [1, 2], 0)
fault("repeat", ValueError, X, 2, 2)
case(
    "pad", X, lambda x: np.pad(x, ((1, 0), (2, 3)), constant_values=7), ((1, 0), (2, 3)), constant_values=7, exact=True
)
for _mode in ("reflect", "symmetric"):
    case("pad", X, lambda x, m=_mode: np.pad(x, ((1, 2), (0, 3)), m), ((1, 2), (0, 3)), _mode, exact=True)
fault("pad", ValueError, X, ((1, 1),))
fault("pad", ValueError, X, ((1, 1, 1), (0, 0, 0)))
fault("pad", ValueError, X, ((3, 0), (0, 0)), "REFLECT")
fault("pad", ValueError, X, ((1, 0), (0, 0)), "WRAP")
fault("pad", ValueError, X, ((-1, 0), (0, 0)))
case("slice", X, lambda x: x[1:3, 2:], (1, 2), (2, -1), exact=True)
fault("slice", ValueError, X, (1,), (2,))
fault("slice", ValueError, X, (2, 0), (2, 1))
case("reverse", X, lambda x: x[:, ::-1], [-1], exact=True)
fault("reverse", ValueError, X, [2])
case("gather", (X, np.array([[2, 0], [1, 1]], np.int32)), lambda x, i: x[i], exact=True)
case("gather", (X, np.array(3, np.int64)), lambda x, i: x[:, 3], axis=-1, exact=True)
fault("gather", ValueError, X, [3])
fault("gather", ValueError, X, [-1])
fault("gather", TypeError, X, tf.ones(2))
fault("gather", ValueError, X, [0], axis=2)
case("where", (bools(3, 1), X, floats(4)), np.where, exact=True)
fault("where", ValueError, [True], 1.0)
fault("where", TypeError, [True], tf.ones(1), tf.ones(1, tf.int32))
fault("where", ValueError, [True, False], tf.ones(3), tf.ones(3))

# Products.

_A, _B = floats(3, 4), floats(4, 5)
case("matmul", (_A, _B), np.matmul)
case("matmul", (_A.T.copy(), _B), lambda a, b: a.T @ b, transpose_a=True)
case("matmul", (_A, _B.T.copy()), lambda a, b: a @ b.T, adjoint_b=True)
case("matmul", (floats(2, 1, 3, 4), floats(5, 4, 2)), np.matmul)
case("matmul", (floats(2, 3, 4), _B), np.matmul)
case("matmul", (_A, floats(2, 4, 2)), np.matmul)
case("matmul", (floats(0, 4), _B), np.matmul, smooth=False)
fault("matmul", ValueError, _A, _A)
fault("matmul", ValueError, _A, floats(4))
fault("matmul", TypeError, tf.ones((2, 2)), tf.ones((2, 2), tf.float64))
fault("matmul", ValueError, floats(2, 3, 4), floats(3, 4, 2))
case("tensordot", (floats(2, 3, 4), floats(3, 4, 5)), lambda a, b: np.tensordot(a, b, 2), 2)
case("tensordot", (floats(2, 3, 4), floats(4, 2)), lambda a, b: np.tensordot(a, b, [[0, 2], [1, 0]]), [[0, 2], [1, 0]])
case("tensordot", (floats(2), floats(3)), lambda a, b: np.tensordot(a, b, 0), 0)
fault("tensordot", ValueError, _A, _B, 3)
fault("tensordot", ValueError, _A, _B, [[0], [0, 1]])
fault("tensordot", ValueError, _A, _B, [[2], [0]])
case("linalg.matvec", (floats(2, 3, 4), floats(2, 4)), lambda a, v: (a @ v[..., None])[..., 0])
fault("linalg.matvec", ValueError, floats(3), floats(3))
case("linalg.matrix_transpose", floats(2, 3, 4), lambda x: x.swapaxes(-1, -2), exact=True)
fault("linalg.matrix_transpose", ValueError, floats(3))
for _equation, _shapes in (
    ("ij,jk->ik", ((3, 4), (4, 5))), ("bij,bjk->bik", ((2, 3, 4), (2, 4, 5))), ("ij->ji", ((3, 4),)),
    ("ij->", ((3, 4),)), ("ij->j", ((3, 4),)), ("i,j->ij", ((3,), (4,))), ("ij,ij->i", ((3, 4), (3, 4))),
    ("...x,xy->...y", ((2, 3, 4), (4, 5))), ("bqhd,bkhd->bhqk", ((2, 3, 2, 4), (2, 5, 2, 4))),
    ("ij,jk", ((3, 4), (4, 5))), ("abc,cd,de->abe", ((2, 3, 4), (4, 5), (5, 2))), ("ijk,il->lj", ((3, 4, 2), (3, 2))),
    ("b...i,b...i->b...", ((2, 3, 4), (2, 3, 4))),
):  # fmt: skip
    custom("einsum", lambda *t, e=_equation: tf.einsum(e, *t), tuple(floats(*s) for s in _shapes),
           lambda *a, e=_equation: np.einsum(e, *a), exact=False)  # fmt: skip
fault("einsum", ValueError, "ij,jk->ik", X)
fault("einsum", ValueError, "bij,bjk->bik", floats(1, 3, 4), floats(2, 4, 3))
fault("einsum", ValueError, "ijk->i", X)
fault("einsum", ValueError, "ij->k", X)
fault("einsum", ValueError, "i1->i", X)
fault("einsum", TypeError, "ij,jk->ik", tf.ones((2, 2)), tf.ones((2, 2), tf.float64))
fault("einsum", TypeError, "ij->ji", X, foo=1)

# Neural networks.

for _axis in (-1, 0):
    case("nn.softmax", X, lambda x, a=_axis: softmax(x, a), axis=_axis)
    case("nn.log_softmax", X, lambda x, a=_axis: np.log(softmax(x, a)), axis=_axis)
for _name in ("nn.softmax", "nn.log_softmax"):
    fault(_name, ValueError, X, axis=2)
    fault(_name, TypeError, INT)


def _sparse(labels: Any, logits: Any) -> Any:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


_labels = softmax(floats(3, 4))
case("nn.softmax_cross_entropy_with_logits", (_labels, X), lambda y, x: -(y * np.log(softmax(x))).sum(-1))
fault("nn.softmax_cross_entropy_with_logits", TypeError, tf.ones((2, 3)), tf.ones((2, 3), tf.int32))
custom("nn.sparse_softmax_cross_entropy_with_logits",
       _sparse, (np.array([3, 0, 2], np.int64), X),
       lambda y, x: -np.log(softmax(x))[np.arange(3), y], exact=False)  # fmt: skip
custom("nn.sparse_softmax_cross_entropy_with_logits",
       _sparse, (np.array([4, -1, 0], np.int8), X),
       lambda y, x: np.array([np.nan, np.nan, -np.log(softmax(x))[2, 0]]), smooth=False, exact=False)  # fmt: skip
fault("nn.sparse_softmax_cross_entropy_with_logits", ValueError, X, X)
case(
    "nn.sigmoid_cross_entropy_with_logits",
    (logistic(floats(3, 4)), X),
    lambda z, x: -z * np.log(logistic(x)) - (1 - z) * np.log(logistic(-x)),
)
fault("nn.sigmoid_cross_entropy_with_logits", ValueError, tf.ones(2), tf.ones(3))
fault("nn.sigmoid_cross_entropy_with_logits", TypeError, tf.ones(2, tf.float64), tf.ones(2))
case("nn.bias_add", (X, floats(4)), np.add, exact=True)
case("nn.bias_add", (floats(2, 3, 4), floats(3)), lambda x, b: x + b[:, None], "NCHW", exact=True)
fault("nn.bias_add", ValueError, X, X)
fault("nn.bias_add", ValueError, X, floats(3))
case("nn.l2_loss", X, lambda x: (x**2).sum() / 2)
fault("nn.l2_loss", TypeError, tf.constant([True]))
case("nn.l2_normalize", X, lambda x: x / np.linalg.norm(x, axis=1, keepdims=True), 1)
fault("nn.l2_normalize", ValueError, X, 2)
fault("nn.l2_normalize", TypeError, INT, 0)
case("nn.moments", X, lambda x: (x.mean(0), x.var(0)), [0])
case("nn.moments", X, lambda x: (x.mean(keepdims=True), x.var(keepdims=True)), [0, 1], keepdims=True)
fault("nn.moments", ValueError, X, [2])
custom("nn.batch_normalization", lambda x, m, v, o, s: tf.nn.batch_normalization(x, m, v, o, s, 1e-3),
       (X, floats(4), floats(4, low=0.5), floats(4), floats(4)),
       lambda x, m, v, o, s: s * (x - m) / np.sqrt(v + 1e-3) + o, exact=False)  # fmt: skip
custom("nn.batch_normalization", lambda x, m, v: tf.nn.batch_normalization(x, m, v, None, None, 1e-3),
       (X, floats(4), floats(4, low=0.5)), lambda x, m, v: (x - m) / np.sqrt(v + 1e-3), exact=False)  # fmt: skip
fault("nn.batch_normalization", ValueError, X, floats(3), floats(3), None, None, 1e-3)
case("nn.embedding_lookup", (X, np.array([[2, 0], [1, 1]], np.int32)), lambda x, i: x[i], exact=True)
case("nn.embedding_lookup", (X, np.array([2, 0], np.int32)), lambda x, i: x[i] * 0.5 / np.maximum(
    np.linalg.norm(x[i], axis=-1, keepdims=True), 0.5), max_norm=0.5)  # fmt: skip
fault("nn.embedding_lookup", ValueError, X, [7])
case("nn.dropout", X, lambda x: x, 0.0, exact=True)
fault("nn.dropout", ValueError, X, 1.0)
fault("nn.dropout", ValueError, X, 0.5, noise_shape=(1,))
fault("nn.dropout", TypeError, INT, 0.5)
