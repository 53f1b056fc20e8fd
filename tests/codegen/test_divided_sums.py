"""Large reductions to one element: blocks of a fixed size as one kernel of many chunks, and a second kernel."""

import numpy as np
import pytest

from codegen import compile_graph
from graphcore import dims, dtypes, passes
from graphcore.builder import GraphBuilder
from graphcore.types import TensorType

N = dims.symbol("n")
RNG = np.random.default_rng(11)


def compiled(shape, build):
    b = GraphBuilder("sums")
    x = b.input(TensorType(dtypes.float32, shape), "x", "argument")
    return compile_graph(passes.run(b.finish(list(build(b, x))), "canonicalize,fold,cse,dce,fuse,memory"))


def several(b, x):
    def one(name, *args, **attrs):
        return b.emit(name, list(args), **attrs)[0]

    axes = tuple(range(x.type.rank))
    total = one("reduce_sum", one("mul", x, x), axes=axes, keepdims=False)
    largest = one("reduce_max", x, axes=axes, keepdims=False)
    return total, largest, one("sqrt", total), one("reduce_any", one("is_nan", x), axes=axes, keepdims=False)


def expected(x):
    wide = x.astype(np.float64)
    return (wide * wide).sum(), x.max(), np.sqrt((wide * wide).sum()), np.isnan(x).any()


@pytest.mark.parametrize("shape", [(1 << 18,), (300_007,), (601, 500), (40, 17, 500)])
def test_static_sizes(shape):
    function = compiled(shape, several)
    assert [k.name.endswith("_total") for k in function.kernels] == [False, True], [k.loops for k in function.kernels]
    x = RNG.standard_normal(shape).astype(np.float32)
    found = function.run([x])
    for a, b in zip(found, expected(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    x[-1] = np.nan
    assert np.isnan(function.run([x])[0]) and np.isnan(function.run([x])[1]) and function.run([x])[3]


def test_symbolic_size():
    function = compiled((N, 5000), several)
    assert len(function.kernels) == 2
    for n in (1, 2, 7, 8, 300):
        x = RNG.standard_normal((n, 5000)).astype(np.float32)
        for a, b in zip(function.run([x]), expected(x), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_small_ones_and_contractions_stay_one_kernel():
    assert len(compiled((1000, 200), several).kernels) == 1
    assert len(compiled((N, 10), several).kernels) == 1


def test_what_follows_by_element_is_not_divided():
    def below(b, x):
        top = b.emit("reduce_max", [x], axes=(0,), keepdims=True)[0]
        return (b.emit("sub", [x, b.emit("broadcast_to", [top], shape=x.type.shape)[0]])[0],)

    x = RNG.standard_normal(1 << 18).astype(np.float32)
    (found,) = compiled((1 << 18,), below).run([x])
    assert np.array_equal(found, x - x.max())
