"""What becomes one kernel, what does not, and that the meaning stays."""

import time
from typing import Any

import networkx
import numpy as np
import pytest
from fusion_graphs import (
    MATMUL,
    N,
    along,
    arrays_for,
    body_ops,
    build,
    computing,
    dense,
    kinds,
    layer_norm,
    layer_norm_moments,
    log_softmax,
    mean,
    random_graphs,
    rms_norm,
    softmax,
    tensor,
    training_step,
)  # fmt: skip
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcore import Graph, GraphBuilder, Location, interpret, verify
from graphcore.dtypes import bool_, complex64, float32, int32, int64
from graphcore.functions import graph_functions
from graphcore.graph import Node, Value
from graphcore.interpret import run_node
from graphcore.passes import run
from graphcore.passes.fuse import fuse
from graphcore.passes.fuse_contract import group_contractions
from graphcore.passes.fuse_emit import units_of
from graphcore.passes.fuse_groups import State
from graphcore.passes.fuse_pull import place_producers
from graphcore.passes.fuse_row import group_reductions

CLEAN = "canonicalize,fold,cse,dce"


def fused(graph: Graph, n: int = 5, tolerance: float = 1e-5) -> Graph:
    """Fuses, verifies, and compares with the graph before."""
    after = verify(fuse(graph))
    arrays = arrays_for(graph, n=n)
    for want, have in zip(interpret(graph, arrays), interpret(after, arrays), strict=True):
        np.testing.assert_allclose(have, want, rtol=tolerance, atol=tolerance)
    return after


def only(graph: Graph) -> Node:
    (node,) = computing(graph)
    return node


@pytest.mark.parametrize(
    ("law", "vectors"),
    [(softmax, 0), (log_softmax, 0), (layer_norm, 2), (layer_norm_moments, 2), (rms_norm, 1)],
)
@pytest.mark.parametrize("shape", [(N, 8), (8, 8), (N, 3, 8), (8,)])
def test_norms_are_one_kernel_over_rows(law: Any, vectors: int, shape: Any) -> None:
    node = only(fused(build(law, tensor(*shape), *[tensor(8)] * vectors)))
    assert node.attrs["category"] == "row"
    assert [v.type.shape for v in node.results] == [shape]


def test_normalisation_over_two_trailing_axes_is_one_kernel() -> None:
    def law(f: Any, x: Any) -> Any:
        return f.sub(x, f.reduce_max(x, axes=(1, 2), keepdims=True))

    assert only(fused(build(law, tensor(N, 3, 4)))).attrs["category"] == "row"


def test_a_mean_over_everything_takes_its_scalar_arithmetic_along() -> None:
    def law(f: Any, x: Any, y: Any) -> Any:
        d = f.sub(x, y)
        total = f.reduce_sum(f.mul(d, d), axes=(0, 1), keepdims=False)
        return f.sqrt(f.div(total, f.constant(7.0, like=x)))

    node = only(fused(build(law, tensor(N, 4), tensor(N, 4))))
    assert node.attrs["category"] == "row" and body_ops(node)[-1] == "sqrt"


def test_a_row_vector_is_not_taken_for_a_value_per_row() -> None:
    """In a square matrix, a reduction without keepdims lines up with the columns."""
    after = fused(build(lambda f, x: f.sub(x, along(f, x, "reduce_max", False)), tensor(4, 4)))
    assert kinds(after) == {"reduce": 1, "loop": 1}


def test_a_transposed_row_value_starts_another_kernel() -> None:
    def law(f: Any, x: Any) -> Any:
        return f.sub(x, f.transpose(along(f, x, "reduce_max"), perm=(1, 0)))

    assert kinds(fused(build(law, tensor(4, 4)))) == {"reduce": 1, "loop": 1}


def test_dense_with_activation_is_one_contraction() -> None:
    types = tensor(N, 6), tensor(6, 4), tensor(4)
    node = only(fused(build(lambda f, x, w, b: f.relu(dense(f, x, w, b)), *types)))
    assert node.attrs["category"] == "contract"
    assert body_ops(node) == ["dot_general", "add", "relu"]


def test_residual_joins_the_epilogue_and_the_norm_after_it_does_not() -> None:
    def law(f: Any, x: Any, w: Any, b: Any, g: Any) -> Any:
        return rms_norm(f, f.add(x, f.gelu(dense(f, x, w, b))), g)

    after = fused(build(law, tensor(N, 4), tensor(4, 4), tensor(4), tensor(4)))
    assert kinds(after) == {"contract": 1, "row": 1}


def test_elementwise_into_a_reduction_is_one_kernel() -> None:
    def law(f: Any, x: Any, w: Any, b: Any) -> Any:
        return along(f, f.gelu(f.add(f.mul(x, w), b)), "reduce_sum", False)

    assert only(fused(build(law, tensor(N, 8), tensor(8), tensor(8)))).attrs["category"] == "reduce"


def test_sibling_reductions_share_a_pass_also_along_columns() -> None:
    def law(f: Any, x: Any) -> Any:
        y = f.exp(x)
        sums = [f.reduce_sum(v, axes=(0,), keepdims=False) for v in (y, f.mul(y, y))]
        return [*sums, y]

    node = only(fused(build(law, tensor(N, 4))))
    assert node.attrs["category"] == "reduce" and len(node.results) == 3


def test_two_contractions_never_share_a_kernel() -> None:
    def law(f: Any, x: Any, w: Any) -> Any:
        return f.add(f.dot_general(x, w, **MATMUL), f.dot_general(w, x, **MATMUL))

    after = fused(build(law, tensor(4, 4), tensor(4, 4)))
    assert kinds(after) == {"contract": 2}
    assert sorted(len(body_ops(n)) for n in computing(after)) == [1, 2]


def test_transposes_of_contraction_operands_stay_in_the_body() -> None:
    def law(f: Any, x: Any, w: Any) -> Any:
        return f.dot_general(f.transpose(x, perm=(1, 0)), f.reshape(w, shape=(N, 3)), **MATMUL)

    node = only(fused(build(law, tensor(N, 4), tensor(N, 1, 3))))
    assert sorted(body_ops(node)) == ["dot_general", "reshape", "transpose"]


@pytest.mark.parametrize(("width", "expected"), [(8, {"contract": 1}), (512, {"contract": 1, "loop": 1})])
def test_cheap_operands_are_computed_on_the_fly_if_they_are_read_rarely(width: int, expected: Any) -> None:
    def law(f: Any, x: Any, w: Any) -> Any:
        return f.dot_general(f.relu(x), w, **MATMUL)

    assert kinds(fused(build(law, tensor(N, 4), tensor(4, width)))) == expected


def test_an_operand_that_is_read_elsewhere_too_is_stored() -> None:
    def law(f: Any, x: Any, w: Any) -> Any:
        y = f.relu(x)
        return f.add(f.dot_general(y, w, **MATMUL), y)

    assert kinds(fused(build(law, tensor(N, 4), tensor(4, 4)))) == {"contract": 1, "loop": 1}


def test_a_diamond_is_one_loop_with_the_middle_as_an_output() -> None:
    def law(f: Any, x: Any) -> Any:
        y = f.exp(x)
        return [y, f.add(f.tanh(y), f.sin(y))]

    node = only(fused(build(law, tensor(N, 4))))
    assert node.attrs["category"] == "loop" and len(node.results) == 2


def test_users_of_one_value_are_joined() -> None:
    def law(f: Any, x: Any) -> Any:
        y = f.exp(x)
        return [f.tanh(y), f.sin(y)]

    assert len(only(fused(build(law, tensor(N, 4)))).results) == 2


def test_a_path_through_a_contraction_separates_loops() -> None:
    def law(f: Any, x: Any, w: Any) -> Any:
        y = f.exp(x)
        return f.add(f.sin(f.dot_general(y, w, **MATMUL)), f.tanh(y))

    after = fused(build(law, tensor(N, 4), tensor(4, 4)))
    assert kinds(after) == {"loop": 1, "contract": 1}


def test_expensive_work_is_not_repeated_by_broadcasting_but_cheap_work_is() -> None:
    def law(name: str) -> Any:
        return lambda f, x, v: f.mul(x, getattr(f, name)(v))

    assert kinds(fused(build(law("tanh"), tensor(N, 4), tensor(4)))) == {"loop": 2}
    assert kinds(fused(build(law("neg"), tensor(N, 4), tensor(4)))) == {"loop": 1}
    assert kinds(fused(build(law("tanh"), tensor(N, 4), tensor(N, 1)))) == {"loop": 1}, "hoisted"
    assert kinds(fused(build(law("tanh"), tensor(N, 4), tensor()))) == {"loop": 1}, "computed once"


def test_moves_are_never_stored_for_several_readers() -> None:
    def law(f: Any, x: Any, v: Any, w: Any) -> Any:
        wide = f.broadcast_to(v, shape=(N, 4))
        product = f.dot_general(f.exp(f.add(x, wide)), w, **MATMUL)
        return [product, f.reduce_sum(wide, axes=(0,), keepdims=False)]

    after = fused(build(law, tensor(N, 4), tensor(4), tensor(4, 4)))
    assert kinds(after) == {"loop": 1, "contract": 1, "reduce": 1}
    assert [len(n.bodies[0].nodes) for n in computing(after) if n.attrs["category"] == "reduce"] == [3]


def test_reshape_of_a_stored_value_is_bare_and_a_trivial_one_is_pulled() -> None:
    assert kinds(fused(build(lambda f, x: f.exp(f.reshape(x, shape=(N, 4))), tensor(N, 2, 2)))) == {
        "reshape": 1, "loop": 1,
    }  # fmt: skip
    assert kinds(fused(build(lambda f, x: f.exp(f.reshape(x, shape=(N, 1, 4))), tensor(N, 4)))) == {"loop": 1}


def test_gather_concatenate_and_random_are_pulled_into_loops() -> None:
    def law(f: Any, table: Any, ids: Any, state: Any) -> Any:
        found = f.gather(table, f.add(ids, ids), axis=0)
        both = f.concatenate(found, f.exp(found), axis=1)
        return f.mul(both, f.random_uniform(state, shape=(N, 8), dtype=float32))

    types = tensor(9, 4), tensor(N, dtype=int32), tensor(3, dtype=int64)
    assert kinds(fused(build(law, *types))) in ({"loop": 1}, {"loop": 2})


def test_what_only_the_host_or_a_special_kernel_does_stays_bare() -> None:
    def law(f: Any, x: Any, ids: Any, h: Any) -> Any:
        ok = f.reduce_all(f.less(x, f.add(x, x)), axes=(0, 1), keepdims=False)
        f.apply("assert", [ok], {"message": "m"})
        return [f.scatter(f.zeros_like(x), ids, f.exp(x), combine="add"), f.argmax(x, axis=1), f.add(h, h)]

    after = fused(build(law, tensor(4, 4), tensor(4, 1, dtype=int32), tensor(4, dtype=complex64)))
    assert kinds(after) == {"scatter": 1, "argmax": 1, "add": 1, "assert": 1, "loop": 1, "reduce": 1}


def test_assertions_keep_their_order_and_come_early() -> None:
    b = GraphBuilder("g")
    f = graph_functions(b)
    x, ok, fine = b.input(tensor(N, 4)), b.input(tensor(dtype=bool_)), b.input(tensor(dtype=bool_))
    y = f.exp(x)
    f.apply("assert", [ok], {"message": "first"})
    low = f.less(f.reduce_max(y, axes=(0, 1), keepdims=False), f.constant(9.0, like=x))
    f.apply("assert", [f.logical_and(fine, low)], {"message": "second"})
    after = fuse(b.finish([f.tanh(f.reduce_sum(x, axes=(0,), keepdims=False))]))
    ops = [n.attrs.get("message", n.attrs.get("category", "")) for n in computing(after)]
    assert ops.index("first") < ops.index("second")
    assert len(ops) - 1 > ops.index("second")


def test_locations_are_kept_in_bodies_and_joined_on_the_kernel() -> None:
    lines = iter(range(1, 99))
    b = GraphBuilder("g", locate=lambda: Location("model.py", next(lines)))
    f = graph_functions(b)
    x = b.input(tensor(N))
    node = only(fuse(b.finish([f.sin(f.exp(x))])))
    assert {place.line for place in node.locations} == {1, 2}
    assert [n.locations for n in computing(node.bodies[0])] == [
        frozenset({Location("model.py", 1)}), frozenset({Location("model.py", 2)})
    ]  # fmt: skip


def test_small_constants_are_copied_and_large_ones_are_operands() -> None:
    big = np.arange(64, dtype=np.float32)
    def law(f: Any, x: Any) -> Any:
        return f.mul(f.add(x, f.constant(big)), f.constant(2.0, like=x))

    node = only(fused(build(law, tensor(N, 64))))
    assert len(node.operands) == 2 and node.operands[1].node.op.name == "constant"
    assert all(v.node.attrs["role"] == "argument" for v in node.bodies[0].inputs)


@pytest.mark.parametrize(("optimizer", "expected"), [
    ("sgd", {"contract": 8, "row": 2, "reduce": 3, "loop": 3}),
    ("adam", {"contract": 8, "row": 2, "reduce": 3, "loop": 4}),
])  # fmt: skip
def test_a_training_step_is_few_kernels(optimizer: str, expected: dict[str, int]) -> None:
    graph = run(training_step([16, 12, 8, 10], optimizer), CLEAN)
    after = fused(graph, n=7, tolerance=1e-4)
    assert kinds(after) == expected
    updating = [n for n in computing(after) if n.attrs["category"] == "contract" and "sub" in body_ops(n)]
    assert len(updating) == 3, "every weight is updated in the epilogue of its gradient"
    (loss,) = [n for n in computing(after) if "exp" in body_ops(n)]
    assert loss.attrs["category"] == "row", "the loss and its gradient are one kernel over rows"


def test_fusion_is_deterministic() -> None:
    graph = run(training_step([16, 12, 10], "adam"), CLEAN)
    assert repr(fuse(graph)) == repr(fuse(graph))


def kernels(graph: Graph) -> networkx.DiGraph:
    """The graph of the kernels that would be made, before anything has put them in an order."""
    state = State(graph)
    group_contractions(state)
    group_reductions(state)
    place_producers(state)
    units = units_of(state)
    maker = {v: u.number for u in units for i in u.members for v in graph.nodes[i].results}
    view = networkx.DiGraph()
    view.add_nodes_from(u.number for u in units)
    view.add_edges_from((maker[v], u.number) for u in units for v in u.operands if v in maker)
    return view


@settings(max_examples=150)
@given(random_graphs(), st.sampled_from([1, 2, 5]), st.booleans())
def test_random_graphs_keep_their_meaning_and_groups_have_no_cycle(graph: Graph, n: int, clean: bool) -> None:
    graph = run(graph, CLEAN) if clean else graph
    assert networkx.is_directed_acyclic_graph(kernels(graph))
    after = verify(fuse(graph))
    arrays = arrays_for(graph, n=n)
    arrays = [np.minimum(a, n - 1).astype(a.dtype) if a.dtype == np.int32 else a for a in arrays]
    known: dict[Value, np.ndarray] = {}
    results = interpret(after, arrays, observe=known.__setitem__)
    for want, have in zip(interpret(graph, arrays), results, strict=True):
        np.testing.assert_array_equal(have, want)
    for node in computing(after):
        if node.op.name == "fusion":
            check_form(node)
        if node.attrs.get("category") in ("row", "contract"):
            check_own_index(node, [known[v] for v in node.operands], {"n": n})


def check_form(node: Node) -> None:
    """The rules of the category hold."""
    category, body = node.attrs["category"], node.bodies[0]
    roots = [n for n in computing(node.bodies[0]) if n.op.kind in ("reduce", "contract")]
    shapes = {v.type.shape for v in body.outputs}
    match category:
        case "loop":
            assert not roots and len(shapes) == 1
        case "contract":
            (dot,) = roots
            assert shapes == {dot.result.type.shape}
        case _:
            keys = {(n.operands[0].type.shape, n.attrs["axes"]) for n in roots}
            ((full, axes),) = keys
            kept = tuple(d for a, d in enumerate(full) if a not in axes)
            ones = tuple(1 if a in axes else d for a, d in enumerate(full))
            assert shapes <= {full, kept, ones}


def check_own_index(node: Node, arrays: list[np.ndarray], env: dict[str, int]) -> None:
    """An output element depends on a root's result at its own row (for a contraction, element) only.

    All other elements of the roots' results are spoiled; the first row (element) of the outputs must not
    change.
    """
    body = node.bodies[0]
    want = interpret(body, arrays, env)
    known = dict(zip(body.inputs, arrays, strict=True))
    outer = None
    for inner in body.nodes:
        if inner.op.name == "input":
            continue
        (result,) = run_node(inner, [known[v] for v in inner.operands], env)
        if inner.op.kind in ("reduce", "contract"):
            axes = inner.attrs["axes"] if inner.op.kind == "reduce" else ()
            outer = inner.operands[0].type.rank - len(axes) if axes else result.ndim
            spoiled = np.full_like(result, np.nan)
            first = (0,) * outer
            spoiled[first] = result[first]
            result = spoiled
        known[inner.result] = result
    assert outer is not None
    for v, expected in zip(body.outputs, want, strict=True):
        np.testing.assert_array_equal(known[v][(0,) * outer], expected[(0,) * outer])


def test_a_long_graph_is_fused_quickly() -> None:
    """Roughly linear: ten times the nodes may take thirty times as long, measured on the spot."""
    def blocks(count: int) -> Graph:
        def law(f: Any, x: Any, w: Any, b: Any) -> Any:
            for _ in range(count):
                x = softmax(f, f.add(x, f.gelu(dense(f, x, w, b))))
                x = f.mul(f.sub(x, mean(f, x)), f.tanh(x))
            return x

        return build(law, tensor(N, 8), tensor(8, 8), tensor(8))

    def seconds(graph: Graph) -> float:
        times: list[float] = []
        for _ in range(3):
            start = time.perf_counter()
            fuse(graph)
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds(blocks(200)) < 30 * seconds(blocks(20)) + 0.05
