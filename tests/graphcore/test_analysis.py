"""Views of small graphs whose answers are known."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx
import pytest
from fusion_graphs import N, build, random_graphs, tensor
from hypothesis import given

from graphcore import Graph, GraphBuilder
from graphcore.analysis import generations, minimum_cut, post_dominators, quotient, to_networkx, value_bytes
from graphcore.dtypes import bool_
from graphcore.errors import InvalidArgumentError
from graphcore.functions import graph_functions
from graphcore.graph import Value


def diamond() -> tuple[Graph, list[Value]]:
    b = GraphBuilder("g")
    f = graph_functions(b)
    x = b.input(tensor(N, 4))
    y = f.exp(x)
    left, right = f.sin(y), f.cos(y)
    z = f.sub(right, left)
    return b.finish([z]), [x, y, left, right, z]


def test_parallel_edges_and_operand_order_are_kept() -> None:
    graph = build(lambda f, x, y: f.sub(f.mul(x, x), y), tensor(N), tensor(N))
    view = graph.to_networkx()
    assert isinstance(view, networkx.MultiDiGraph)
    square, minus = graph.nodes[2], graph.nodes[3]
    assert view.number_of_edges(0, square.id) == 2
    assert sorted(d["operand"] for d in view.get_edge_data(0, square.id).values()) == [0, 1]
    assert view.get_edge_data(1, minus.id)[0] == {"operand": 1, "result": 0, "type": tensor(N)}
    assert view.nodes[minus.id]["op"] == "sub" and view.nodes[minus.id]["types"] == (tensor(N),)
    assert view.nodes[minus.id]["node"] is minus


def test_quotient_shows_a_cycle_of_groups() -> None:
    graph, (_, y, left, _, z) = diamond()
    assert networkx.is_directed_acyclic_graph(quotient(graph, {y.node: 0, left.node: 0}))
    assert not networkx.is_directed_acyclic_graph(quotient(graph, {y.node: "a", z.node: "a"}))
    view = quotient(graph, lambda node: node.op.kind)
    assert set(view.edges) == {("control", "elementwise")}
    assert len(view.nodes["elementwise"]["members"]) == 4


def test_generations_are_layers() -> None:
    graph, (x, y, left, right, z) = diamond()
    assert generations(graph) == [[x.node], [y.node], [left.node, right.node], [z.node]]


def test_post_dominators_meet_where_ways_meet() -> None:
    graph, (x, y, left, right, z) = diamond()
    found = post_dominators(graph)
    assert found == {x.node: y.node, y.node: z.node, left.node: z.node, right.node: z.node, z.node: None}


def test_effects_are_ends_and_unused_nodes_have_no_post_dominator() -> None:
    b = GraphBuilder("g")
    f = graph_functions(b)
    ok, x = b.input(tensor(dtype=bool_)), b.input(tensor(N))
    f.apply("assert", [f.logical_not(ok)], {"message": "m"})
    unused = f.exp(x)
    out = f.sin(x)
    graph = b.finish([out])
    found = post_dominators(graph)
    assert unused.node not in found and found[x.node] is out.node
    assert [n.op.name for n in (found[ok.node],) if n] == ["logical_not"]
    assert post_dominators(GraphBuilder("empty").finish([])) == {}


@given(random_graphs())
def test_post_dominators_agree_with_removal(graph: Graph) -> None:
    """Without its immediate post-dominator a node reaches no output."""
    view = networkx.DiGraph(to_networkx(graph))
    ends = {v.node.id for v in graph.outputs}
    for node, dominator in post_dominators(graph).items():
        if dominator is not None:
            rest = view.subgraph(set(view) - {dominator.id})
            assert not ({node.id} | networkx.descendants(rest, node.id)) & ends - {dominator.id}


def test_minimum_cut_saves_the_narrow_value() -> None:
    def law(f: Any, x: Any) -> Any:
        wide = f.exp(f.broadcast_to(f.reduce_sum(x, axes=(1,), keepdims=True), shape=(N, 100)))
        return f.sin(wide)

    graph = build(law, tensor(N, 50))
    wide = graph.outputs[0].node.operands[0]
    total, saved = minimum_cut(graph, [wide, graph.outputs[0]], sizes={"n": 10})
    assert [v.node.op.name for v in saved] == ["reduce_sum"] and total == 10 * 4
    assert value_bytes(wide, {"n": 10}) == 4000 and value_bytes(wide) == 64 * 400


def test_minimum_cut_takes_what_is_there_anyway() -> None:
    graph, (x, y, left, right, _) = diamond()
    assert minimum_cut(graph, [left, right], free=[x]) == (0, [])
    total, saved = minimum_cut(graph, [left, right], sizes={"n": 2})
    assert total == 32 and saved in ([x], [y])
    total, saved = minimum_cut(graph, [left, right], keep=lambda v: v not in (x, y), sizes={"n": 2})
    assert (total, saved) == (64, [left, right])


def test_minimum_cut_does_not_draw_random_numbers_again() -> None:
    from graphcore.dtypes import float32, int64

    def law(f: Any, state: Any) -> Any:
        return f.exp(f.random_uniform(state, shape=(8,), dtype=float32))

    graph = build(law, tensor(3, dtype=int64))
    state = graph.inputs[0]
    total, saved = minimum_cut(graph, [graph.outputs[0]], free=[state])
    assert total == 32 and len(saved) == 1
    with pytest.raises(InvalidArgumentError, match="no set of values"):
        minimum_cut(graph, [graph.outputs[0]], free=[state], keep=lambda v: v is state)


def test_networkx_is_not_loaded_before_it_is_needed(root: Path) -> None:
    modules = "graphcore.analysis, graphcore.passes.fuse, graphcore.passes.memory"
    code = f"import sys, {modules}; print('networkx' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
