"""One graph, four runs: as traced, after the passes, in the loop interpreter, and native."""

from collections import Counter
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed_graphs import BATCHES, assert_close, inputs_for, tolerances, typed_graphs
from vector_kernels import host_isas

from codegen.compile import compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore.graph import Graph
from graphcore.interpret import interpret
from graphcore.passes.pipeline import run

ISAS = host_isas()


def check(graph: Graph, seed: int, sizes: tuple[int, ...], isa: str, special: bool) -> None:
    fused = run(graph)
    compiled = compile_graph(fused, isa=isa)
    for n in sizes:
        arrays = inputs_for(graph, seed, n, special)
        want = interpret(graph, arrays)
        tolerance = tolerances(graph, arrays, want)
        assert_close(interpret(fused, arrays), want, tolerance, f"after passes, n={n}")
        assert_close(interpret_graph(fused, arrays), want, tolerance, f"loop interpreter, n={n}")
        assert_close(compiled.run(arrays), want, tolerance, f"native {isa}, n={n}")


cases = given(
    graph=typed_graphs(), seed=st.integers(0, 99), sizes=st.lists(st.sampled_from(BATCHES), min_size=1, max_size=2),
    isa=st.sampled_from(ISAS), special=st.booleans(),
)  # fmt: skip


@settings(max_examples=60)
@cases
def test_four_runs_agree(graph: Graph, seed: int, sizes: list[int], isa: str, special: bool) -> None:
    check(graph, seed, tuple(sizes), isa, special)


@pytest.mark.slow
@settings(max_examples=1000)
@cases
def test_four_runs_agree_at_length(graph: Graph, seed: int, sizes: list[int], isa: str, special: bool) -> None:
    check(graph, seed, tuple(sizes), isa, special)


def test_graphs_are_large_and_hold_every_op_often() -> None:
    sizes: list[int] = []
    ops: Counter[str] = Counter()

    @settings(max_examples=300, database=None)
    @given(graph=typed_graphs())
    def collect(graph: Graph) -> None:
        names = [n.op.name for n in graph.nodes if n.op.name not in ("input", "constant")]
        sizes.append(len(names))
        ops.update(names)

    collect()
    assert median(sizes) >= 10
    seldom = {name: ops[name] for name in EXPECTED if ops[name] < 3}
    assert not seldom, seldom
    assert np.mean(sizes) > 10


EXPECTED = (
    "add", "sub", "mul", "div", "minimum", "maximum", "exp", "log", "tanh", "erf", "sigmoid", "gelu", "sqrt", "rsqrt",
    "less", "equal", "logical_and", "logical_not", "select", "cast", "floor", "is_nan", "reduce_sum", "reduce_prod",
    "reduce_max", "reduce_min", "reduce_any", "argmax", "argmin", "transpose", "reshape", "slice", "pad", "concatenate",
    "reverse", "broadcast_to", "dot_general", "gather", "gather_nd", "scatter", "dynamic_slice",
    "dynamic_update_slice", "sort", "cumulative", "one_hot", "iota", "random_bits",
)  # fmt: skip
