"""The verifier: each rule of the graph form, and the nodes that a fault is shown with."""

import numpy as np
import pytest

from graphcore import Graph, GraphBuilder, Node, TensorType, Value, dims, get_op, verify
from graphcore.dtypes import float32, int32
from graphcore.errors import VerifyError

VECTOR = TensorType(float32, (dims.symbol("n"),))


def chain(length: int) -> Graph:
    b = GraphBuilder("chain")
    value = b.input(VECTOR, "x")
    for i in range(length):
        (value,) = b.emit("add", [value, b.constant(np.float32(i + 1))])
    return b.finish([value])


def replaced(graph: Graph, old: Node, new: Node) -> Graph:
    nodes = [new if node is old else node for node in graph.nodes]
    return Graph(graph.name, nodes, graph.inputs, graph.outputs, graph.updates, graph.output_names)


def test_a_good_graph_is_given_back() -> None:
    graph = chain(3)
    assert verify(graph) is graph


def test_operand_defined_later() -> None:
    graph = chain(2)
    graph.nodes.reverse()
    with pytest.raises(VerifyError, match=r"node %4: operand %2: float32\[n\] is used before it is defined"):
        verify(graph)


def test_operand_of_another_graph() -> None:
    graph, other = chain(1), chain(1)
    node = graph.nodes[-1]
    stranger = Node(node.id, node.op, (other.inputs[0], node.operands[1]), {}, [VECTOR])
    with pytest.raises(VerifyError, match="belongs to another graph"):
        verify(replaced(graph, node, stranger))


def test_id_used_twice() -> None:
    graph = chain(2)
    node = graph.nodes[-1]
    with pytest.raises(VerifyError, match="node id 0 occurs twice"):
        verify(replaced(graph, node, Node(0, node.op, node.operands, {}, [VECTOR])))


@pytest.mark.parametrize(
    ("type_", "fault"),
    [
        (TensorType(float32, (4,)), r"inference gives \(float32\[n\],\), the results say \(float32\[4\],\)"),
        (TensorType(int32, VECTOR.shape), r"the results say \(int32\[n\],\)"),
    ],
)
def test_type_that_inference_does_not_give(type_: TensorType, fault: str) -> None:
    graph = chain(2)
    node = graph.nodes[-1]
    with pytest.raises(VerifyError, match=fault):
        verify(replaced(graph, node, Node(node.id, node.op, node.operands, {}, [type_])))


def test_inference_that_fails_is_told_in_its_own_words() -> None:
    graph = chain(1)
    node = graph.nodes[-1]
    wrong = Node(node.id, get_op("logical_not"), node.operands[:1], {}, [VECTOR])
    with pytest.raises(VerifyError, match="inference fails: logical_not: operand 0 is float32"):
        verify(replaced(graph, node, wrong))


def test_the_ten_nodes_around_a_fault_are_shown() -> None:
    graph = chain(20)
    node = graph.nodes[20]
    bad = Node(node.id, node.op, node.operands, {}, [TensorType(float32, ())])
    with pytest.raises(VerifyError) as caught:
        verify(replaced(graph, node, bad))
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("graph chain, node %20: inference gives")
    assert [line.split()[0] for line in lines[1:]].count("->") == 1
    assert len(lines) == 11 and lines[6].startswith(f"-> %{node.id}: float32[] = add(")
    assert lines[1].startswith("   %15: float32[")


def test_outputs_and_inputs_must_belong_to_the_graph() -> None:
    graph, other = chain(1), chain(1)
    with pytest.raises(VerifyError, match=r"output 0 \(.*\) is not a value of the graph"):
        verify(Graph("g", graph.nodes, graph.inputs, other.outputs))
    with pytest.raises(VerifyError, match=r"input 0 \(.*\) is not a value of the graph"):
        verify(Graph("g", graph.nodes, other.inputs, graph.outputs))
    with pytest.raises(VerifyError, match="an input is not the result of an input node"):
        verify(Graph("g", graph.nodes, graph.outputs, graph.outputs))


def test_an_update_has_its_variables_type() -> None:
    b = GraphBuilder("g")
    state = b.input(TensorType(float32, (4,)), "state", "variable")
    (total,) = b.emit("reduce_sum", [state], axes=(0,), keepdims=False)
    with pytest.raises(VerifyError, match=r"output 0 \(%1: float32\[\]\) updates variable input 0"):
        verify(b.finish([total], [(0, 0)]))


def fusion(body: Graph, operands: list[Value], types: list[TensorType]) -> Node:
    return Node(99, get_op("fusion"), operands, {"category": "loop"}, types, frozenset(), (body,))


def test_bodies_are_verified_too() -> None:
    body = chain(2)
    outer = GraphBuilder("outer")
    x = outer.input(VECTOR, "x")
    good = fusion(body, [x], [VECTOR])
    verify(Graph("outer", [*outer.nodes, good], [x], good.results))
    body.nodes.reverse()
    with pytest.raises(VerifyError, match="graph chain, node %4"):
        verify(Graph("outer", [*outer.nodes, good], [x], good.results))
