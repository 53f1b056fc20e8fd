"""Slots never hold two live values, and variables are updated in place exactly where that is safe."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fusion_graphs import MATMUL, N, along, build, random_graphs, tensor, training_step
from hypothesis import given

from graphcore import Graph, GraphBuilder, dims
from graphcore.dtypes import bool_, int32, string
from graphcore.functions import graph_functions
from graphcore.graph import Node, Value
from graphcore.passes import run
from graphcore.passes.memory import memory, plan
from graphcore.passes.memory_plan import ALIGNMENT, MemoryPlan

FUSE = "canonicalize,fold,cse,dce,fuse"


def planned(graph: Graph) -> tuple[Graph, MemoryPlan]:
    after = run(graph, FUSE + ",memory")
    assert isinstance(after.memory, MemoryPlan)
    return after, after.memory


def index_by_index(node: Node, operand: Value) -> bool:
    """Whether a kernel's body takes an operand through elementwise nodes of its own shape only, if at all."""
    if node.op.name != "fusion":
        return False
    body = node.bodies[0]
    reached = {inner for inner, outer in zip(body.inputs, node.operands, strict=True) if outer is operand}
    for n in body.nodes:
        if reached & set(n.operands):
            reached |= set(n.results)
            if n.op.kind != "elementwise" or n.result.type.shape != operand.type.shape:
                return False
    return True


def check(graph: Graph, found: MemoryPlan, sizes: dict[str, int]) -> None:
    """Brute force: run through the graph and look at the bytes of every value that is still to be read."""
    def extent(v: Value) -> tuple[int, int]:
        slot = found.assignment[v]
        start = dims.evaluate(found.offsets[slot], sizes)
        assert start % ALIGNMENT == 0
        size = dims.evaluate(v.type.bytes, sizes)
        assert size <= dims.evaluate(found.slots[slot], sizes)
        return start, start + size

    for position, node in enumerate(graph.nodes):
        reads_later = {found.root(v) for n in graph.nodes[position:] for v in n.operands} | {
            found.root(v) for v in graph.outputs
        }
        made = {v for n in graph.nodes[:position] for v in n.results}
        alive = [v for v in found.assignment if (v in made and v in reads_later) or v in node.results]
        afterwards = {found.root(v) for n in graph.nodes[position + 1 :] for v in n.operands}
        over = [v for v in node.operands if v not in afterwards and v not in found.aliases and index_by_index(node, v)]
        mine = [found.assignment[v] for v in node.results if v in found.assignment]
        assert len(set(mine)) == len(mine)
        spans = sorted(extent(v) for v in alive if v not in over or found.assignment[v] not in mine)
        assert all(a[1] <= b[0] for a, b in pairwise(spans)), position


def check_complete(graph: Graph, found: MemoryPlan) -> None:
    """Every value has exactly one place."""
    sources = [n.result for n in graph.nodes if n.op.name in ("input", "constant")]
    places = [*sources, *found.aliases, *found.outputs, *found.assignment, *found.objects]
    assert len(places) == len(set(places))
    assert set(places) == {v for n in graph.nodes for v in n.results}
    copied = {o for o, _ in found.copies}
    assert copied | set(found.outputs.values()) == set(range(len(graph.outputs)))
    assert not copied & set(found.outputs.values())


@given(random_graphs())
def test_no_two_live_values_share_bytes(graph: Graph) -> None:
    after = run(graph, FUSE)
    for g in (graph, after):
        found = plan(g)
        check_complete(g, found)
        for n in (1, 3, 100):
            check(g, found, {"n": n})
            total = sum(dims.evaluate((v.type.bytes + 63) // 64 * 64, {"n": n}) for v in found.assignment)
            assert dims.evaluate(found.peak, {"n": n}) <= total


def test_a_chain_of_kernels_needs_two_slots() -> None:
    def law(f: Any, x: Any, w: Any) -> Any:
        for _ in range(6):
            x = f.dot_general(x, w, **MATMUL)
        return x

    after, found = planned(build(law, tensor(N, 4), tensor(4, 4)))
    assert len(found.assignment) == 5 and len(found.slots) == 2
    assert dims.evaluate(found.peak, {"n": 100}) == 2 * 1600
    check(after, found, {"n": 100})
    assert found.text().startswith(f"arena: {found.peak} bytes in 2 slots for 5 values")
    assert repr(found) == found.text()


def test_a_smaller_value_uses_a_larger_slot_only_if_it_always_fits() -> None:
    def law(size: Any) -> Any:
        def build_it(f: Any, x: Any, w: Any, y: Any) -> Any:
            a = f.dot_general(x, w, **MATMUL)
            b = f.dot_general(a, w, **MATMUL)
            c = f.dot_general(f.reshape(y, shape=(1, size)), f.reshape(y, shape=(size, 1)), **MATMUL)
            return [f.add(along(f, f.dot_general(b, w, **MATMUL), "reduce_sum"), f.exp(c))]

        return build_it

    for size in (4, dims.symbol("m")):
        graph, found = planned(build(law(size), tensor(N, 4), tensor(4, 4), tensor(size)))
        check(graph, found, {"n": 1, "m": 1000})


def test_reshapes_rename_and_outputs_that_lie_elsewhere_are_copied() -> None:
    b = GraphBuilder("g")
    f = graph_functions(b)
    x = b.input(tensor(N, 2, 2))
    y = f.exp(f.reshape(x, shape=(N, 4)))
    big = f.constant(np.arange(64, dtype=np.float32))
    outputs = [x, y, y, big, f.reshape(x, shape=(4 * N,)), f.reshape(y, shape=(N, 2, 2))]
    after, found = planned(b.finish(outputs))
    assert len(found.aliases) == 3 and not found.slots and found.peak == 0
    assert [o for o, _ in found.copies] == [0, 2, 3, 4, 5]
    assert found.copies[-1][1] is after.outputs[1] and found.copies[0][1] is after.inputs[0]
    assert [v.type.shape for v in found.constants] == [(64,)]
    check_complete(after, found)
    assert "aliases: " in found.text() and "copied outputs: 0 from %0" in found.text()


def test_strings_lie_outside_of_the_arena() -> None:
    b = GraphBuilder("g")
    x = b.input(tensor(N, dtype=string))
    (y,) = b.emit("identity", [x])
    (z,) = b.emit("identity", [y])
    graph = memory(b.finish([z]))
    assert graph.memory.objects == (y,) and not graph.memory.slots


# -- donation


class Step:
    """A graph with one variable `w` (4, 4), to be updated."""

    def __init__(self, shape: tuple[Any, ...] = (4, 4)) -> None:
        self.b = GraphBuilder("step")
        self.f = graph_functions(self.b)
        self.w = self.b.input(tensor(*shape), "w", "variable")
        self.x = self.b.input(tensor(*shape), "x")

    def plan(self, new: Value, *others: Value) -> MemoryPlan:
        graph = self.b.finish([new, *others], [(0, 0)])
        return planned(graph)[1]


def test_an_elementwise_update_is_in_place() -> None:
    s = Step()
    found = s.plan(s.f.sub(s.w, s.f.exp(s.x)), s.f.tanh(s.w))
    assert found.donations == ((0, 0),) and "output 0 is written over input 0" in found.text()


def test_an_update_in_the_epilogue_of_its_gradient_is_in_place() -> None:
    s = Step()
    grad = s.f.dot_general(s.x, s.x, **MATMUL)
    assert s.plan(s.f.sub(s.w, grad)).donations == ((0, 0),)


def test_a_matrix_operand_is_not_overwritten() -> None:
    s = Step()
    found = s.plan(s.f.sub(s.w, s.f.dot_general(s.w, s.x, **MATMUL)))
    assert not found.donations and "at other places than it writes" in found.refusals[0]


@pytest.mark.parametrize("move", ["transpose", "reverse", "gather_row"])
def test_reads_at_other_places_forbid_it(move: str) -> None:
    s = Step()
    f = s.f
    moved = {
        "transpose": lambda: f.transpose(s.w, perm=(1, 0)),
        "reverse": lambda: f.reverse(s.w, axes=(0,)),
        "gather_row": lambda: f.slice(s.w, begin=(0, 0), end=(1, 4), strides=(1, 1)),
    }[move]()
    assert not s.plan(f.sub(s.w, f.mul(moved, s.x))).donations


def test_a_norm_over_rows_forbids_it() -> None:
    s = Step()
    assert not s.plan(s.f.sub(s.w, along(s.f, s.w, "reduce_sum"))).donations


def test_a_reader_that_needs_the_new_value_forbids_it() -> None:
    s = Step()
    new = s.f.dot_general(s.x, s.x, **MATMUL)
    found = s.plan(new, s.f.dot_general(s.w, new, **MATMUL))
    assert not found.donations and "reads the old value later" in found.refusals[0]


def test_kernels_are_ordered_so_that_readers_come_before_the_update() -> None:
    s = Step()
    new = s.f.sub(s.w, s.f.dot_general(s.x, s.x, **MATMUL))
    assert s.plan(new, s.f.dot_general(s.w, s.x, **MATMUL)).donations == ((0, 0),)


def test_the_old_value_as_an_output_forbids_it() -> None:
    s = Step()
    found = s.plan(s.f.sub(s.w, s.x), s.w)
    assert not found.donations and found.refusals == {0: "the old value is an output"}


def test_an_update_that_is_a_copy_is_none() -> None:
    s = Step()
    assert s.plan(s.x).refusals == {0: "it is a copy of another value"}


def test_a_reshaped_old_value_in_the_same_kernel_forbids_it() -> None:
    s = Step()
    b, f = s.b, s.f
    flat = f.reshape(s.w, shape=(16,))
    new = f.reshape(f.exp(flat), shape=(4, 4))
    graph = run(b.finish([f.sub(new, s.w), flat], [(0, 0)]), FUSE + ",memory", verify=True)
    assert not graph.memory.donations


@pytest.mark.parametrize("after", [True, False])
def test_what_can_fail_must_come_before_the_first_write(after: bool) -> None:
    s = Step()
    ok = s.b.input(tensor(dtype=bool_), "ok")
    new = s.f.sub(s.w, s.x)
    condition = s.f.less(s.f.reduce_max(new, axes=(0, 1), keepdims=False), s.f.constant(1.0, like=s.x))
    s.f.apply("assert", [condition if after else ok], {"message": "m"})
    found = s.plan(new)
    assert bool(found.donations) != after
    assert not after or "can still fail" in found.refusals[0]


def test_an_index_check_in_the_same_kernel_forbids_it() -> None:
    s = Step()
    ids = s.b.input(tensor(4, dtype=int32), "ids")
    found = s.plan(s.f.sub(s.w, s.f.gather(s.x, ids, axis=0)))
    assert not found.donations and "can still fail" in found.refusals[0]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_training_step_updates_everything_in_place(optimizer: str) -> None:
    after, found = planned(training_step([16, 12, 8, 10], optimizer))
    assert set(found.donations) == set(after.updates) and not found.refusals
    check(after, found, {"n": 64})
    check(after, found, {"n": 1})
    check_complete(after, found)


def test_a_scatter_over_a_variable_is_in_place_unless_something_fails_later() -> None:
    for later in (False, True):
        s = Step()
        ids = s.b.input(tensor(2, 1, dtype=int32), "ids")
        rows = s.f.slice(s.x, begin=(0, 0), end=(2, 4), strides=(1, 1))
        new = s.f.scatter(s.w, ids, rows, combine="add")
        found = s.plan(new, *([s.f.gather_nd(new, ids)] if later else []))
        assert found.donations == (() if later else ((0, 0),))


def test_a_scatter_of_what_it_reads_otherwise_too_is_no_donation() -> None:
    s = Step()
    ids = s.b.input(tensor(4, 1, dtype=int32), "ids")
    assert not s.plan(s.f.scatter(s.w, ids, s.w, combine="add")).donations


def test_what_a_scatter_may_write_over_shares_its_place() -> None:
    b = GraphBuilder("g")
    f = graph_functions(b)
    x, ids, rows = b.input(tensor(N, 4)), b.input(tensor(2, 1, dtype=int32)), b.input(tensor(2, 4))
    zeros = f.full(x.type, 0.0)
    made = f.scatter(f.scatter(zeros, ids, rows, combine="add"), ids, rows, combine="max")
    after, found = planned(b.finish([along(f, made, "reduce_sum")]))
    assert len(found.slots) == 1 and len(set(found.assignment.values())) == 1 and len(found.assignment) == 3
    after, found = planned(b.finish([made]))
    assert not found.slots and sorted(found.outputs.values()) == [0, 0, 0]
    check_complete(after, found)
