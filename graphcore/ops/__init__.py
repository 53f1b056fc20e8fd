"""The op table's entries, one room per kind; importing this package registers them all.

Attribute conventions: `dtype` and `output_type` hold a DType; shapes, begins, ends and paddings hold Dims;
axes are non-negative. Results of move ops may be views of their operands, so evaluated arrays are never
written in place.
"""

from graphcore.ops import (
    complex,
    contract,
    control,
    convolve,
    convolve_filter,
    create,
    ctc,
    elementwise,
    fourier,
    index,
    matrix,
    move,
    order,
    random,
    reduce,
    region,
    scatter,
    special,
    transcendental,
    window,
)

__all__ = [
    "complex", "contract", "control", "convolve", "convolve_filter", "create", "ctc", "elementwise", "fourier", "index",
    "matrix", "move", "order", "random", "reduce", "region", "scatter", "special", "transcendental", "window",
]  # fmt: skip
