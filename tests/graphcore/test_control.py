"""cond, while and scan: meaning, checks, text, gradients by differences, and what the passes make of them."""

from __future__ import annotations

import numpy as np
import pytest
from control_cases import CASES, cond_in_scan, counting_while, recurrent_scan
from control_graphs import body, differences, first_output, gradient_graph, region, weighted, whole

from graphcore import dims
from graphcore.autodiff import Record, backward
from graphcore.builder import GraphBuilder
from graphcore.dtypes import bool_, float32, float64, int32
from graphcore.errors import DTypeError, InvalidArgumentError, ShapeError, VerifyError
from graphcore.functions import array_functions, graph_functions
from graphcore.graph import Graph, Node
from graphcore.inspect.collect import graph_record
from graphcore.interpret import interpret
from graphcore.optable import get_op
from graphcore.passes.pipeline import run
from graphcore.text import parse, to_text
from graphcore.types import TensorType
from graphcore.verify import verify

F, INT, B = TensorType(float64, ()), TensorType(int32, ()), TensorType(bool_, ())
NAMES = sorted(CASES)


def controls(graph):
    return [n for n in graph.walk() if n.op.name in ("cond", "while", "scan")]


@pytest.mark.parametrize("name", NAMES)
def test_interpreter_is_the_reference(name):
    graph, arrays, reference, _ = CASES[name]
    np.testing.assert_allclose(interpret(verify(graph), arrays)[0], reference(*arrays), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_limit_of_differences(name):
    graph, arrays, reference, wrt = CASES[name]
    found = interpret(verify(gradient_graph(graph, wrt)), arrays)
    np.testing.assert_allclose(found[0], reference(*arrays), rtol=1e-12)
    want = differences(lambda a: float(reference(*a)), arrays, wrt)
    for g, w in zip(found[1:], want, strict=True):
        np.testing.assert_allclose(g, w, rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_gradients(name):
    graph, arrays, _, wrt = CASES[name]
    first = gradient_graph(graph, wrt)

    def total(moved):
        return float(sum(np.sum(np.sin(0.7 * g)) for g in interpret(first, moved)[1:]))

    found = interpret(verify(gradient_graph(graph, wrt, order=2)), arrays)[1:]
    for g, w in zip(found, differences(total, arrays, wrt), strict=True):
        np.testing.assert_allclose(g, w, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_text_round_trip(name, order):
    graph, arrays, _, wrt = CASES[name]
    if order:
        graph = gradient_graph(graph, wrt)
    for form in (graph, run(graph)):
        again = parse(to_text(form))
        assert to_text(again) == to_text(form)
        for a, b in zip(interpret(again, arrays), interpret(form, arrays), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_passes_keep_the_meaning(name, order):
    graph, arrays, _, wrt = CASES[name]
    if order:
        graph = gradient_graph(graph, wrt, order)
    after = run(graph)
    for a, b in zip(interpret(after, arrays), interpret(graph, arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
    inside = [n.op.name for c in controls(after) for b in c.bodies for n in b.nodes]
    assert not set(inside) - {
        "input", "constant", "fusion", "reshape", "cond", "while", "scan", "dynamic_update_slice"
    }, "bodies are fused"


def test_passes_run_on_views_and_records():
    graph = run(gradient_graph(counting_while()[0], [0]))
    assert graph.to_networkx().number_of_nodes() == len(graph.nodes)
    record = graph_record(graph)
    assert any(r.bodies for r in record.nodes)


# -- checks


def step_of(types, define):
    return body("step", types, define)


def scan_types(carry, element):
    return {"bodies": (step_of([carry, element], lambda f, v: [v[0], v[1]]),), "carried": 1, "scanned": 1, "length": 3}


@pytest.mark.parametrize(("operands", "attrs", "error", "words"), [
    ([F, TensorType(float64, (4,))], scan_types(F, F), ShapeError, "scanned value 0 .* length 3"),
    ([F, TensorType(float32, (3,))], scan_types(F, F), DTypeError, "input 1 .*float32.* expected float64"),
    ([TensorType(float64, (2,)), TensorType(float64, (3,))], scan_types(F, F), ShapeError, "input 0"),
    ([F], {**scan_types(F, F), "scanned": 0}, InvalidArgumentError, "2 inputs but gets 1"),
    ([F], {"bodies": (), "carried": 1, "scanned": 0, "length": 1}, InvalidArgumentError, "0 body graphs"),
    ([F], {**scan_types(F, F), "carried": 5}, InvalidArgumentError, "carried is 5"),
])  # fmt: skip
def test_scan_says_what_does_not_fit(operands, attrs, error, words):
    with pytest.raises(error, match=f"^scan: .*{words}"):
        get_op("scan").infer(operands, attrs)


def test_a_loop_keeps_types():
    wide = step_of([F], lambda f, v: [f.broadcast_to(v[0], shape=(2,))])
    single = step_of([F], lambda f, v: [f.cast(v[0], dtype=float32)])
    always = body("condition", [F], lambda f, v: [f.less(v[0], v[0])])
    for step, error in ((wide, ShapeError), (single, DTypeError)):
        with pytest.raises(error, match=r"^while: carried value 0 \(x0\) after an iteration"):
            get_op("while").infer([F], {"bodies": (always, step), "carried": 1})
        with pytest.raises(error, match=r"^scan: carried value 0 \(x0\) after an iteration"):
            get_op("scan").infer([F], {"bodies": (step,), "carried": 1, "scanned": 0, "length": 2})


def test_while_needs_a_bool():
    same = step_of([F], lambda f, v: [v[0]])
    with pytest.raises(DTypeError, match=r"the condition gives .*float64.* expected one bool"):
        get_op("while").infer([F], {"bodies": (same, same), "carried": 1})


def test_branches_must_agree():
    one, two = step_of([F], lambda f, v: [v[0]]), step_of([F], lambda f, v: [v[0], v[0]])
    single = step_of([F], lambda f, v: [f.cast(v[0], dtype=float32)])
    infer = get_op("cond").infer
    with pytest.raises(InvalidArgumentError, match="body 0 gives 1 values and body 1 gives 2"):
        infer([INT, F], {"bodies": (one, two)})
    with pytest.raises(DTypeError, match=r"value 0 of body 1 .* float32"):
        infer([INT, F], {"bodies": (one, single)})
    with pytest.raises(DTypeError, match="the index is float64"):
        infer([F, F], {"bodies": (one, one)})


def test_verify_looks_into_bodies():
    graph = recurrent_scan()[0]
    scan = next(n for n in graph.nodes if n.op.name == "scan")
    inner = scan.bodies[0]
    bad = Node(999, get_op("exp"), (inner.inputs[0],), {}, (TensorType(float32, (3,)),))
    broken = Graph(inner.name, [*inner.nodes, bad], inner.inputs, inner.outputs)
    scan.bodies = (broken,)
    with pytest.raises(VerifyError, match="%999"):
        verify(graph)


def test_a_saved_size_has_a_name_of_its_own():
    n = dims.symbol("n")
    builder = GraphBuilder("graph")
    x = builder.input(TensorType(float64, (n,)))
    f = graph_functions(builder)
    start = f.constant(0, dtype=int32)
    bodies = (
        body("condition", [INT], lambda f, v: [f.less(v[0], f.constant(3, like=v[0]))]),
        body("step", [INT], lambda f, v: [f.add(v[0], f.constant(1, like=v[0]))]),
    )
    first = region(f, "while", [start], bodies=bodies, carried=1, save="n")
    name = str(first[1].type.shape[0])
    assert name != "n"
    verify(builder.finish([x, first[0]]))
    first[0].node.attrs["save"] = "n"
    with pytest.raises(VerifyError, match=r"save needs a new one|inference gives"):
        verify(builder.finish([x, first[0]]))


def test_results_inside_have_sizes_known_outside():
    def define(f, v):
        bodies = (
            body("condition", [INT], lambda g, w: [g.less(w[0], g.constant(3, like=w[0]))]),
            body("step", [INT], lambda g, w: [g.add(w[0], g.constant(1, like=w[0]))]),
        )
        return [region(f, "while", [v[0]], bodies=bodies, carried=1, save="s")[1]]

    with pytest.raises(ShapeError, match="depends on data inside"):
        get_op("cond").infer([INT, INT], {"bodies": (body("branch", [INT], define),)})


# -- effects


def asserting(message="small"):
    """A scan whose body asserts that its elements are below 10."""
    def define(f, v):
        f.apply("assert", [f.less(v[1], f.constant(10.0, like=v[1]))], {"message": message})
        return [f.add(v[0], f.mul(v[1], v[1]))]

    step = step_of([F, F], define)
    types = [F, TensorType(float64, (4,))]
    return whole(types, lambda f, v: region(f, "scan", v, bodies=(step,), carried=1, scanned=1, length=4))


def test_effects_of_bodies_are_the_nodes():
    graph = asserting()
    node = controls(graph)[0]
    assert node.effects == {"fail"} and node.op.effects == frozenset()
    unread = Graph("unread", graph.nodes, graph.inputs, [graph.inputs[0]])
    after = run(unread)
    assert len(controls(after)) == 1, "an effect is not dropped"
    with pytest.raises(InvalidArgumentError, match="small"):
        interpret(after, [np.array(0.0), np.array([1.0, 20, 3, 4])])


def test_gradients_do_not_repeat_effects():
    calls = []

    class Note:
        name = "note"

        def infer(self, types):
            return ()

        def function(self, *arrays):
            calls.append(float(arrays[0]))
            return ()

    note = Note()

    def define(f, v):
        f.apply("host_call", [v[1]], {"call": note})
        return [f.mul(v[0], v[1])]

    step = step_of([F, F], define)
    graph = whole(
        [F, TensorType(float64, (3,))],
        lambda f, v: region(f, "scan", v, bodies=(step,), carried=1, scanned=1, length=3),
    )
    x = np.array([2.0, 3, 4])
    found = interpret(run(gradient_graph(graph, [0, 1])), [np.array(1.5), x])
    assert calls == [2, 3, 4]
    np.testing.assert_allclose(found[2], 1.5 * 24 / x)


# -- what the passes do to control nodes


def test_a_loop_and_the_same_with_saved_values_are_one():
    graph = run(gradient_graph(counting_while()[0], [0]))
    assert sum(n.op.name == "while" for n in graph.walk()) == 1
    graph = run(gradient_graph(recurrent_scan()[0], [0, 1, 2]))
    assert sum(n.op.name == "scan" for n in graph.walk()) == 2, "forward and backward"


def test_unread_results_and_captures_go():
    def define(f, v):
        a, b, c = v[0], v[1], v[2]
        return [f.add(a, c), f.mul(b, v[3]), f.neg(a), f.exp(b)]

    step = step_of([F, F, F, F], define)
    types = [F, F, TensorType(float64, (5,)), F]
    graph = whole(types, lambda f, v: [
        region(f, "scan", v, bodies=(step,), carried=2, scanned=1, length=5)[2]
    ])  # fmt: skip
    (node,) = controls(run(graph))
    assert node.attrs["carried"] == 1 and len(node.operands) == 2 and len(node.results) == 2
    arrays = [np.array(1.0), np.array(2.0), np.arange(5.0), np.array(3.0)]
    np.testing.assert_array_equal(interpret(run(graph), arrays)[0], interpret(graph, arrays)[0])


def test_unread_branch_results_go():
    branches = [step_of([F, F], lambda f, v: [f.exp(v[0]), f.log(v[1])]), step_of([F, F], lambda f, v: [v[0], v[1]])]
    graph = whole([INT, F, F], lambda f, v: [region(f, "cond", v, bodies=tuple(branches))[0]])
    (node,) = controls(run(graph))
    assert len(node.results) == 1 and len(node.operands) == 2


def test_constants_move_into_bodies_and_unchanged_values_are_captured():
    step = step_of([F, F, F], lambda f, v: [f.add(f.mul(v[0], v[2]), v[1]), v[1]])

    def define(f, v):
        start = [v[0], v[1], f.constant(0.5, like=v[0])]
        return region(f, "scan", start, bodies=(step,), carried=2, scanned=0, length=4)

    graph = whole([F, F], define)
    after = run(graph)
    (node,) = controls(after)
    assert node.attrs["carried"] == 1 and len(node.operands) == 2
    arrays = [np.array(1.0), np.array(2.0)]
    for a, b in zip(interpret(after, arrays), interpret(graph, arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_known_branch_is_inlined():
    branches = tuple(step_of([F], lambda f, v, k=k: [f.mul(v[0], f.constant(k, like=v[0]))]) for k in (2.0, 3.0))
    for index, factor in ((0, 2), (1, 3), (7, 3), (-1, 3)):
        graph = whole([F], lambda f, v, i=index: region(f, "cond", [f.constant(i, dtype=int32), v[0]], bodies=branches))
        after = run(graph)
        assert not controls(after)
        assert interpret(after, [np.array(5.0)])[0] == 5 * factor


def test_loops_without_iterations_go():
    step = step_of([F, F], lambda f, v: [f.add(v[0], v[1]), v[0]])
    graph = whole([F, TensorType(float64, (0,))], lambda f, v: region(
        f, "scan", v, bodies=(step,), carried=1, scanned=1, length=0))  # fmt: skip
    after = run(graph)
    assert not controls(after)
    last, ys = interpret(after, [np.array(3.0), np.zeros(0)])
    assert last == 3 and ys.shape == (0,)
    never = body("never", [F], lambda f, v: [f.constant(False)])
    grow = step_of([F], lambda f, v: [f.add(v[0], v[0])])
    graph = whole([F], lambda f, v: region(f, "while", v, bodies=(never, grow), carried=1))
    assert not controls(run(graph))


def test_what_does_not_change_is_computed_before_the_loop():
    square = TensorType(float64, (4, 4))

    def define(f, v):
        fixed = f.tanh(f.dot_general(v[1], v[1], contracting=((1,), (0,)), batch=((), ())))
        return [f.dot_general(v[0], fixed, contracting=((1,), (0,)), batch=((), ()))]

    step = step_of([square, square], define)
    graph = whole([square, square], lambda f, v: region(f, "scan", v, bodies=(step,), carried=1, scanned=0, length=5))
    after = run(graph)
    (node,) = controls(after)
    products = [n for n in node.bodies[0].walk() if n.op.name == "dot_general"]
    assert len(products) == 1 and len(after.nodes) > 3
    arrays = [np.eye(4), np.random.default_rng(1).normal(size=(4, 4))]
    np.testing.assert_allclose(interpret(after, arrays)[0], interpret(graph, arrays)[0], rtol=1e-12)


def test_equal_loops_are_one_node():
    step = step_of([F], lambda f, v: [f.exp(v[0])])

    def define(f, v):
        first = region(f, "scan", v, bodies=(step,), carried=1, scanned=0, length=2)
        again = region(f, "scan", v, bodies=(step,), carried=1, scanned=0, length=2)
        return [f.add(first[0], again[0])]

    assert len(controls(whole([F], define))) == 1
    assert len(controls(asserting())) == 1


def test_symbols_of_the_graph_around_are_known_inside():
    n = dims.symbol("n")
    row = TensorType(float64, (n,))
    step = step_of([F], lambda f, v: [
        f.add(v[0], f.reduce_sum(f.broadcast_to(f.constant(2.0, dtype=float64), shape=(n,)), axes=(0,), keepdims=False))
    ])  # fmt: skip
    graph = whole([F, row], lambda f, v: [
        f.add(region(f, "scan", [v[0]], bodies=(step,), carried=1, scanned=0, length=n)[0], weighted(f, v[1]))
    ])  # fmt: skip
    for size in (1, 3, 6):
        found = interpret(run(graph), [np.array(1.0), np.zeros(size)])[0]
        assert found == 1 + 2 * size * size


def test_first_output_helper_and_cases_are_scalars():
    graph, arrays, reference, _ = cond_in_scan()
    assert np.isclose(first_output(graph)(arrays), reference(*arrays))


def test_a_run_with_effects_gives_what_its_gradient_needs():
    graph = asserting()
    loss = whole([F, TensorType(float64, (4,))], lambda f, v: [
        weighted(f, region(f, "scan", v, bodies=controls(graph)[0].bodies, carried=1, scanned=1, length=4)[0])
    ])  # fmt: skip
    after = run(gradient_graph(loss, [0, 1]))
    assert sum(n.op.name == "scan" for n in after.walk()) == 2
    assert sum(n.op.name == "assert" for n in after.walk()) == 1
    x = np.array([1.0, 2, 3, 0.5])
    found = interpret(after, [np.array(0.2), x])
    slope = np.cos(0.2 + np.sum(x * x))
    np.testing.assert_allclose(found[1], slope, rtol=1e-12)
    np.testing.assert_allclose(found[2], slope * 2 * x, rtol=1e-12)


@pytest.mark.parametrize("name", ["scan_reverse", "while", "cond_in_scan"])
def test_gradient_rules_run_on_arrays(name):
    graph, arrays, _, wrt = CASES[name]
    f = array_functions()
    values, records = dict(zip(graph.inputs, map(np.array, arrays), strict=True)), []
    for node in graph.nodes:
        if node.op.name == "constant":
            values[node.result] = node.attrs["value"].array
        elif node.op.name != "input":
            inputs = tuple(values[v] for v in node.operands)
            attrs = dims.substitute(node.full_attrs, {"n": len(arrays[1])} if arrays[1].ndim else {})
            outputs = tuple(np.array(r) for r in f.apply(node.op, inputs, attrs))
            records.append(Record(node.op, inputs, outputs, attrs))
            values.update(zip(node.results, outputs, strict=True))
    sources = [values[graph.inputs[i]] for i in wrt]
    found = backward(records, [values[graph.outputs[0]]], sources, [np.ones(())], f)
    for g, w in zip(found, interpret(gradient_graph(graph, wrt), arrays)[1:], strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-10)
