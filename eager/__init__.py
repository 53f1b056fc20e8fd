"""layerjit's user side: `import eager as tf`.

The names are those of TensorFlow 2.15. Ops run at once on NumPy; `tf.function` compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eager import bitwise, config, debugging, errors, linalg, math, nest, nn, random
from eager import operators as _operators
from eager.context import executing_eagerly, init_scope
from eager.function.api import Function, function, no_retrace
from eager.function.ledger import FallbackWarning, SideEffectWarning
from eager.lazy import lazy_names
from eager.ops.array import (
    broadcast_static_shape,
    broadcast_to,
    cast,
    concat,
    constant,
    convert_to_tensor,
    ensure_shape,
    expand_dims,
    eye,
    fill,
    gather,
    identity,
    linspace,
    meshgrid,
    one_hot,
    ones,
    ones_like,
    pad,
    range,
    rank,
    repeat,
    reshape,
    reverse,
    roll,
    sequence_mask,
    shape,
    size,
    slice,
    split,
    squeeze,
    stack,
    stop_gradient,
    tile,
    transpose,
    unstack,
    where,
    zeros,
    zeros_like,
)
from eager.ops.debugging import (
    Assert,
)
from eager.ops.einsum import einsum
from eager.ops.linalg import (
    matmul,
    tensordot,
)
from eager.ops.math import (
    abs,
    add,
    add_n,
    argmax,
    argmin,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    cos,
    cosh,
    divide,
    equal,
    exp,
    floor,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    norm,
    not_equal,
    pow,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
    round,
    saturate_cast,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
)
from eager.ops.math import (
    divide as truediv,
)
from eager.tape import GradientTape, UnconnectedGradients
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape, TensorSpec
from eager.variable import Variable
from graphcore.dtypes import (
    DType,
    as_dtype,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
)
from graphcore.dtypes import bool_ as bool
from graphcore.dtypes import float16 as half
from graphcore.dtypes import float64 as double
from graphcore.version import __version__

if TYPE_CHECKING:
    from eager import keras
    from eager.module import Module, name_scope

_operators.install()

newaxis = None

__all__ = [
    "Assert", "DType", "FallbackWarning", "Function", "GradientTape", "Module", "SideEffectWarning", "Tensor",
    "TensorShape", "TensorSpec", "UnconnectedGradients", "Variable", "abs", "add", "add_n", "argmax", "argmin",
    "as_dtype", "bitwise", "bool", "broadcast_static_shape", "broadcast_to", "cast", "clip_by_global_norm",
    "clip_by_norm", "clip_by_value", "complex64", "complex128", "concat", "config", "constant", "convert_to_tensor",
    "cos", "cosh", "debugging", "divide", "double", "einsum", "ensure_shape", "equal", "errors", "executing_eagerly",
    "exp", "expand_dims", "eye", "fill", "float16", "float32", "float64", "floor", "function", "gather", "greater",
    "greater_equal", "half", "identity", "init_scope", "int8", "int16", "int32", "int64", "keras", "less",
    "less_equal", "linalg", "linspace", "logical_and", "logical_not", "logical_or", "math", "matmul", "maximum",
    "meshgrid", "minimum", "multiply", "name_scope", "negative", "nest", "newaxis", "nn", "no_retrace", "norm",
    "not_equal", "one_hot", "ones", "ones_like", "pad", "pow", "random", "range", "rank", "reduce_all", "reduce_any",
    "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "repeat", "reshape",
    "reverse", "roll", "round", "saturate_cast", "sequence_mask", "shape", "sigmoid", "sign", "sin", "sinh", "size",
    "slice", "split", "sqrt", "square", "squeeze", "stack", "stop_gradient", "string", "subtract", "tan", "tanh",
    "tensordot", "tile", "transpose", "truediv", "uint8", "uint16", "uint32", "uint64", "unstack", "where", "zeros",
    "zeros_like",
]  # fmt: skip
"""What `from eager import *` gives."""

_MODULES = {
    "eager.keras": "keras=",
    "eager.data": "data=",
    "eager.indexed_slices": "IndexedSlices",
    "eager.ops.host": "py_function numpy_function",
    "eager.ops.printing": "print",
    "eager.experimental": "experimental=",
    "eager.devices": "device",
    "eager.own_gradient": "custom_gradient recompute_grad",
    "eager.autodiff": "autodiff= gradients hessians",
    "eager.module": "Module name_scope",
    "eager.dtypes": "dtypes=",
    "eager.pass_through": "grad_pass_through inside_function",
    "eager.variable_options": "VariableAggregation VariableSynchronization",
    "eager.ops.debugging": "assert_equal assert_greater assert_less assert_rank",
    "eager.ops.complex": "complex",
    "eager.ops.matrix": "eig eigvals matrix_square_root=sqrtm",
    "eager.signal": "signal=",
    "eager.strings": "strings=",
    "eager.ops.strings_number": "as_string",
    "eager.ops.arithmetic": "realdiv scalar_mul truncatediv truncatemod",
    "eager.image": "image=",
    "eager.ops.blocks": (
        "batch_to_space space_to_batch space_to_batch_nd=space_to_batch batch_to_space_nd=batch_to_space"
    ),
    "eager.ops.counting": "histogram_fixed_width histogram_fixed_width_bins",
    "eager.ops.cumulative": "cumsum",
    "eager.ops.transcendental": "acos acosh asin asinh atan atan2 atanh",
    "eager.ops.masks": "boolean_mask dynamic_partition dynamic_stitch unique unique_with_counts",
    "eager.ops.random_shuffle": "random_index_shuffle",
    "eager.ops.rearrange": "bitcast parallel_stack reverse_sequence strided_slice unravel_index",
    "eager.ops.scatter": (
        "gather_nd scatter_nd tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min "
        "tensor_scatter_nd_sub tensor_scatter_nd_update"
    ),
    "eager.ops.sorting": "argsort searchsorted sort",
    "eager.ops.static": (
        "broadcast_dynamic_shape get_static_value guarantee_const identity_n is_symbolic_tensor is_tensor "
        "required_space_to_batch_paddings shape_n"
    ),
    "eager.keras.initializers": (
        "initializers= random_normal_initializer=RandomNormal random_uniform_initializer=RandomUniform "
        "zeros_initializer=Zeros ones_initializer=Ones constant_initializer=Constant"
    ),
    "eager.ops.control": "case cond switch_case",
    "eager.ops.fold": "foldl foldr map_fn scan vectorized_map",
    "eager.ops.loops": "while_loop",
    "eager.ops.order": "control_dependencies group no_op tuple=tuple_",
    "eager.ops.tensor_array": "TensorArray",
    "eager.keras.losses": "losses=",
    "eager.keras.metrics": "metrics=",
    "eager.keras.optimizers": "optimizers=",
    "eager.train": "train=",
}
_load, __dir__ = lazy_names(globals(), "tf", _MODULES)


def __getattr__(name: str) -> Any:
    """Loads the lazy names. Raises AttributeError with near names for unknown ones."""
    if name == "bfloat16":  # its package is an extra
        from graphcore.dtypes import bfloat16

        return bfloat16()
    return _load(name)
