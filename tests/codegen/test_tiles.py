"""Transpositions in tiles of registers, contractions over axes that lie apart, and the first of a sort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gemm_harness import ISAS

from codegen import compile_graph
from graphcore import passes
from graphcore.builder import GraphBuilder
from graphcore.dims import symbol
from graphcore.dtypes import as_dtype, float32
from graphcore.functions import graph_functions
from graphcore.graph import Graph
from graphcore.interpret import interpret
from graphcore.types import TensorType

RNG = np.random.default_rng(12)


def built(make: Any, *types: TensorType) -> Graph:
    """The graph of a function of inputs of these types, after all passes."""
    builder = GraphBuilder("made")
    f = graph_functions(builder)
    return passes.run(builder.finish([make(f, *(builder.input(t, f"x{i}") for i, t in enumerate(types)))]))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "bool"])
def test_a_transposition_moves_every_element(isa: str, dtype: str) -> None:
    for shape, perm in (((3, 40, 70), (0, 2, 1)), ((33, 2, 64), (2, 1, 0))):
        x = (RNG.standard_normal(shape) * 50).astype(dtype)
        made = built(lambda f, v, p=perm: f.transpose(v, perm=p), TensorType(as_dtype(dtype), shape))
        np.testing.assert_array_equal(compile_graph(made, isa=isa).run([x])[0], x.transpose(perm))


def test_a_sum_with_a_transposed_operand() -> None:
    def make(f: Any, x: Any, y: Any) -> Any:
        return f.add(f.mul(x, x), f.exp(f.transpose(y, perm=(1, 0))))

    n = symbol("n")
    made = built(make, TensorType(float32, (n, 50)), TensorType(float32, (50, n)))
    compiled = compile_graph(made)
    for size in (1, 15, 16, 48, 65):
        x, y = RNG.standard_normal((size, 50)).astype(np.float32), RNG.standard_normal((50, size)).astype(np.float32)
        np.testing.assert_allclose(compiled.run([x, y])[0], x * x + np.exp(y.T), rtol=1e-6)


def category_counts(graph: Graph) -> list[str]:
    return sorted(str(n.attrs["category"]) for n in graph.nodes if n.op.name == "fusion")


def test_contracted_axes_that_lie_apart_are_copied_together() -> None:
    x, y = RNG.standard_normal((6, 20, 7, 33)).astype(np.float32), RNG.standard_normal((6, 7, 40)).astype(np.float32)
    types = [TensorType(float32, v.shape) for v in (x, y)]
    expected = np.einsum("adbe,abc->cde", x.astype(float), y.astype(float))
    made = built(lambda f, a, b: f.dot_general(b, a, contracting=((0, 1), (0, 2)), batch=((), ())), *types)
    assert category_counts(made) == ["contract", "loop"]
    np.testing.assert_allclose(compile_graph(made).run([x, y])[0], expected, rtol=0, atol=1e-4)
    np.testing.assert_allclose(interpret(made, [x, y])[0], expected, rtol=0, atol=1e-4)
    # A transposition that brings them together is that copy itself.
    perm = (0, 2, 1, 3)
    attrs = {"contracting": ((0, 1), (0, 1)), "batch": ((), ())}
    made = built(lambda f, a, b: f.dot_general(b, f.transpose(a, perm=perm), **attrs), *types)
    assert category_counts(made) == ["contract", "loop"]
    np.testing.assert_allclose(compile_graph(made).run([x, y])[0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "float64"])
def test_the_first_of_a_sort(isa: str, dtype: str) -> None:
    x = RNG.integers(0, 90, (5, 203)).astype(dtype)
    x[1], x[2] = np.arange(203)[::-1], np.arange(203)
    if dtype.startswith("float"):
        x[3, ::7], x[3, 5], x[3, 6] = np.nan, -0.0, 0.0
    for count, descending in ((1, True), (31, False), (33, True)):
        attrs = {"axis": 1, "descending": descending}
        type_ = TensorType(as_dtype(dtype), x.shape)
        made = built(lambda f, v, c=count, a=attrs: f.apply("sort", (v,), {**a, "count": c})[1], type_)
        first = compile_graph(made, isa=isa)
        whole = interpret(built(lambda f, v, a=attrs: f.apply("sort", (v,), a)[1], type_), [x])[0]
        np.testing.assert_array_equal(first.run([x])[0], whole[:, :count])
