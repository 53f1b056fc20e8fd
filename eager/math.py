"""tf.math: elementwise functions and reductions."""

from __future__ import annotations

from eager.lazy import lazy_names
from eager.ops.math import (
    abs,
    add,
    add_n,
    argmax,
    argmin,
    ceil,
    cos,
    cosh,
    count_nonzero,
    divide,
    divide_no_nan,
    equal,
    erf,
    exp,
    expm1,
    floor,
    floordiv,
    floormod,
    greater,
    greater_equal,
    is_finite,
    is_inf,
    is_nan,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    multiply,
    multiply_no_nan,
    negative,
    not_equal,
    pow,
    reciprocal,
    reduce_all,
    reduce_any,
    reduce_euclidean_norm,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_std,
    reduce_sum,
    reduce_variance,
    round,
    rsqrt,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    squared_difference,
    subtract,
    tan,
    tanh,
    xlog1py,
    xlogy,
)
from eager.ops.math import (
    divide as truediv,
)
from eager.ops.math import (
    floormod as mod,
)
from eager.ops.nn import (
    l2_normalize,
    log_sigmoid,
    log_softmax,
    softmax,
    softplus,
    softsign,
)

__all__ = [
    "abs", "add", "add_n", "argmax", "argmin", "ceil", "cos", "cosh", "count_nonzero", "divide",
    "divide_no_nan", "equal", "erf", "exp", "expm1", "floor", "floordiv", "floormod", "greater",
    "greater_equal", "is_finite", "is_inf", "is_nan", "l2_normalize", "less", "less_equal", "log", "log1p",
    "log_sigmoid", "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum",
    "minimum", "mod", "multiply", "multiply_no_nan", "negative", "not_equal", "pow", "reciprocal",
    "reduce_all", "reduce_any", "reduce_euclidean_norm", "reduce_logsumexp", "reduce_max", "reduce_mean",
    "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance", "round", "rsqrt", "sigmoid",
    "sign", "sin", "sinh", "softmax", "softplus", "softsign", "sqrt", "square", "squared_difference",
    "subtract", "tan", "tanh", "truediv", "xlog1py", "xlogy",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(globals(), "tf.math", {
    "eager.ops.complex": "angle conj imag real",
    "eager.ops.special": "bessel_i0 bessel_i0e bessel_i1 bessel_i1e betainc igamma igammac polygamma zeta",
    "eager.special": "special=",
    "eager.ops.arithmetic": "accumulate_n is_non_decreasing is_strictly_increasing polyval reciprocal_no_nan rint "
    "scalar_mul xdivy zero_fraction",
    "eager.ops.counting": "bincount confusion_matrix",
    "eager.ops.cumulative": "cumprod cumsum cumulative_logsumexp",
    "eager.ops.rearrange": "invert_permutation",
    "eager.ops.segment": "segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_max "
    "unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum",
    "eager.ops.sorting": "in_top_k top_k",
    "eager.ops.transcendental": "acos acosh asin asinh atan atan2 atanh digamma erfc erfcinv erfinv lbeta lgamma ndtri "
    "nextafter",
})  # fmt: skip
