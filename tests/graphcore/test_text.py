"""The text form: round trips, and texts that must be refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcore import OPS, GraphBuilder, Location, TensorType, dims, interpret
from graphcore.dtypes import as_dtype, bool_, float32, float64, int32, int64, uint32
from graphcore.errors import LayerJitError, ParseError
from graphcore.graph import Const, Graph
from graphcore.optable import get_op
from graphcore.text import literal, parse, to_text
from graphcore.text_literal import read_literal
from graphcore.text_scan import Scanner


def dense() -> Graph:
    b = GraphBuilder("dense")
    n, m = dims.symbol("n"), dims.symbol("m", 2, 64)
    x = b.input(TensorType(float32, (n, 4)), "x", locations=frozenset((Location("model.py", 3),)))
    kernel = b.input(TensorType(float32, (4, m)), 'dense/"kernel"', "variable")
    where = Location("my model.py", 12, "<lambda>", ("model", "den/se", "a (b)"))
    (y,) = b.emit("dot_general", [x, kernel], contracting=((1,), (0,)), batch=((), ()))
    y.node.locations = frozenset((where, Location("C:\\x.py", 7, "call", ("model",))))
    (z,) = b.emit("relu", [y])
    (s,) = b.emit("slice", [z], begin=(0, 1), end=(n, m), strides=(2, 1))
    (r,) = b.emit("reshape", [s], shape=(dims.ceildiv(n, 2) * (m - 1),))
    (k,) = b.emit("add", [kernel, b.constant(np.float32(0.1))])
    (ok,) = b.emit("reduce_all", [b.emit("is_finite", [k])[0]], axes=(0, 1), keepdims=False)
    b.emit("assert", [ok], message='not "finite"\n\tat all: \N{SNOWMAN} \x00')
    return b.finish([r, k], [(1, 1)], ["y", "kernel'"])


def same(a: Graph, b: Graph) -> None:
    assert to_text(a) == to_text(b)
    assert [v.type for v in a.inputs] == [v.type for v in b.inputs]
    assert a.updates == b.updates and a.output_names == b.output_names
    for left, right in zip(a.walk(), b.walk(), strict=True):
        assert left.op is right.op and left.id == right.id and left.locations == right.locations
        assert left.attrs == right.attrs


def test_round_trip_keeps_everything() -> None:
    graph = dense()
    back = parse(to_text(graph))
    same(graph, back)
    symbols = {a.name: (a.low, a.high) for v in back.inputs for d in v.type.shape for a in dims.atoms(d)}
    assert symbols == {"n": (1, None), "m": (2, 64)}


def test_parsed_graph_computes_the_same(rng: np.random.Generator) -> None:
    arrays = [rng.standard_normal((3, 4)).astype("f4"), rng.standard_normal((4, 5)).astype("f4")]
    graph = dense()
    for a, b in zip(interpret(graph, arrays), interpret(parse(to_text(graph)), arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def test_text_is_for_people() -> None:
    lines = to_text(dense()).splitlines()
    assert lines[:3] == [
        'graph "dense" {',
        "  dims n >= 1, m in 2 .. 64",
        '  input %0 "x" argument : float32[n, 4]  # model.py:3',
    ]
    assert "  %5 = reshape(%4, shape=(floordiv(n + 1, 2)*m - floordiv(n + 1, 2),))" in to_text(dense())
    assert lines[-2:] == ['  output %7 "kernel\'" updates %1', "}"]


def test_bodies_are_indented_and_read_back() -> None:
    inner = GraphBuilder("body")
    p = inner.input(TensorType(float32, (dims.symbol("n"),)), "p")
    body = inner.finish([inner.emit("exp", inner.emit("neg", [p]))[0], p])
    b = GraphBuilder("outer")
    x = b.input(TensorType(float32, (dims.symbol("n"),)), "x")
    results = b.emit_node(
        get_op("fusion"), (x,), {"category": "loop"}, frozenset(), (body,), [v.type for v in body.outputs]
    )
    graph = b.finish(results)
    text = to_text(graph)
    assert '\n    graph "body" {\n      input %0 "p" argument : float32[n]\n' in text
    assert 'fusion(%0, category="loop") : (float32[n], float32[n])' in text
    same(graph, parse(text))


PLAIN_OPS = [
    name for name, op in OPS.items() if op.kind != "host" and name not in ("input", "constant", "fusion")
]


@pytest.mark.parametrize("name", PLAIN_OPS)
def test_every_op_round_trips_with_its_own_samples(name: str) -> None:
    sample = OPS[name].samples
    assert sample is not None
    for arrays, attrs in list(sample())[:12]:
        b = GraphBuilder(name, fold_bytes=0)
        operands = [b.input(TensorType(as_dtype(a.dtype), a.shape)) for a in map(np.asarray, arrays)]
        graph = b.finish(b.emit(name, operands, **attrs))
        same(graph, parse(to_text(graph)))


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.sampled_from([float32, int64, bool_])
)  # fmt: skip
LITERALS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
    | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def read(text: str, **symbols: object) -> object:
    scanner = Scanner(text, 64)
    value = read_literal(scanner, symbols)
    scanner.expect("end")
    return value


@given(LITERALS)
def test_literals_round_trip_with_their_types(value: object) -> None:
    back = read(literal(value))
    assert back == value and repr(back) == repr(value)


@given(st.sampled_from(["float16", "float32", "float64"]), st.data())
def test_float_constants_round_trip_bit_for_bit(name: str, data: st.DataObject) -> None:
    dtype = as_dtype(name).numpy
    bits = data.draw(st.lists(st.integers(0, 2 ** (8 * dtype.itemsize) - 1), max_size=5))
    array = np.array(bits, f"u{dtype.itemsize}").view(dtype)
    assert read(literal(Const(array))) == Const(array)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1, -2], [3, 4]], np.int32), np.array(2**64 - 1, np.uint64), np.array([True, False]),
        np.zeros((0, 3), np.float32), np.arange(1000, dtype=np.float64), np.array([1 + 2j, 3], np.complex64),
        np.array(-np.nan, np.float32), np.array(5e-324), np.full((3, 70), np.nan, np.float16),
    ],
)  # fmt: skip
def test_constants_round_trip(array: np.ndarray) -> None:
    back = read(literal(Const(array)))
    assert isinstance(back, Const) and back == Const(array)


def test_numpy_scalars_and_types_round_trip() -> None:
    n = dims.symbol("n")
    assert read(literal(np.float32(0.1))) == np.float32(0.1)
    assert type(read(literal(np.uint8(3)))) is np.uint8
    assert read("int32[n, 4*n + 1]", n=n) == TensorType(int32, (n, 4 * n + 1))
    assert read("uint32") is uint32 and read("float64") is float64


def test_strange_symbol_names_are_quoted() -> None:
    b = GraphBuilder("g")
    shape = (dims.symbol("float32"), dims.symbol("batch size"), dims.symbol("x", 0))
    graph = b.finish([b.input(TensorType(float32, shape), "x")])
    assert 'dims $"float32" >= 1, $"batch size" >= 1, x >= 0' in to_text(graph)
    same(graph, parse(to_text(graph)))


class Handle:
    """A host call's function: it has a name and infers."""

    name = "numpy.<sort>"

    def infer(self, types: list[TensorType]) -> list[TensorType]:
        return types


def test_objects_of_the_program_print_by_name_and_do_not_parse() -> None:
    b = GraphBuilder("g")
    graph = b.finish(b.emit("host_call", [b.input(TensorType(float32, ()), "x")], call=Handle()))
    assert "%1 = host_call(%0, call=<numpy.sort>) : float32[]" in to_text(graph)
    with pytest.raises(ParseError, match=r"line 3: <numpy.sort> stands for an object of the running program"):
        parse(to_text(graph))


def test_large_constants_can_be_left_out() -> None:
    b = GraphBuilder("g")
    graph = b.finish([b.constant(np.arange(100)), b.constant(np.arange(3))])
    text = to_text(graph, max_constant=64)
    assert 'int64[100] sha256 "' in text and "int64[3](0, 1, 2)" in text
    with pytest.raises(ParseError, match=r"line 2: the elements of this constant .* were left out"):
        parse(text)


HEAD = 'graph "g" {\n  dims n >= 1\n  input %0 "x" argument : float32[n, 4]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected graph, found 'end'"),
        (HEAD, "line 4: expected dims, guard, input"),
        (HEAD + "  %1 = ad(%0, %0) : float32[n, 4]\n}", "line 4: no op is named 'ad'; did you mean .*add"),
        (HEAD + "  %1 = add(%0, %7) : float32[n, 4]\n}", "line 4: %7 is not defined"),
        (HEAD + "  %0 = neg(%0) : float32[n, 4]\n}", "line 4: %0 cannot name a new node|line 4"),
        (HEAD + "  %1 = neg(%0) : float32[n, 5]\n}", "line 4: neg gives .* the text says"),
        (HEAD + "  %1 = neg(%0) : float33[n, 4]\n}", "line 4: float33 is not a dtype"),
        (HEAD + "  %1 = neg(%0) : float32[k, 4]\n}", "line 4: symbol 'k' is not declared"),
        (HEAD + "  %1 = reshape(%0) : float32[n, 4]\n}", "line 4: reshape: KeyError"),
        (HEAD + "  %1 = reshape(%0, shape=None) : float32[n, 4]\n}", "line 4: reshape: TypeError"),
        (HEAD + "  %1 = transpose(%0, perm=(1, 7)) : float32[n, 4]\n}", "line 4: transpose"),
        (HEAD + '  %1 = host_call(%0, call=<f>) : float32[n]\n}', "line 4: <f> stands for an object"),
        (HEAD + '  output %0 "y" updates %1\n}', "line 4: %1 is not defined"),
        (HEAD + "  %1 = reshape(%0, shape=(floordiv(n, 0),)) : float32[n]\n}", "line 4: .*divides by zero"),
        (HEAD + "  %1 = constant(value=int8[1](300)) : int8[1]\n}", "line 4: constant"),
        (HEAD + "  %1 = constant(value=int8[2](3)) : int8[2]\n}", "line 4: constant .* lists 1"),
        (HEAD + '  %1 = constant(value=int8[2] base64 "AAAA") : int8[2]\n}', "line 4: constant .* needs 2"),
        (HEAD + '  %1 = constant(value=int8[2] base64 "?") : int8[2]\n}', "line 4: .*bad base64"),
        (HEAD + f"  %1 = reshape(%0, shape={'(' * 5000}) : float32[n]\n}}", "line 4: nested deeper than 64"),
        (HEAD + f"  %1 = reshape(%0, shape=({'9' * 9999},)) : float32[n]\n}}", "line 4: .*not an integer"),
        (HEAD + f"  %1 = reshape(%0, shape=({'*'.join(['n'] * 99)},)) : float32[n]\n}}", "a product of"),
        (HEAD + "  dims k in 4 .. 2\n}", "line 4: symbol 'k' has no size between 4 and 2"),
        (HEAD + "  ~\n}", "line 4: '~' does not start a word"),
        (HEAD + '  output %0 "\\U00110000"\n}', "line 4: .*not an escape"),
        (HEAD + '  output %0 "y"\n} more', "line 5: expected end"),
    ],
)  # fmt: skip
def test_bad_text_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse(text)


def test_long_text_is_refused() -> None:
    with pytest.raises(ParseError, match="more than the limit"):
        parse(HEAD, max_characters=10)


@given(st.data())
def test_damaged_text_never_escapes_the_error_types(data: st.DataObject) -> None:
    text = to_text(dense())
    at = data.draw(st.integers(0, len(text) - 1))
    piece = data.draw(
        st.text(max_size=3) | st.sampled_from(["(", ")", "%1", "-", "9" * 20, "\n", '"', "float32["])
    )
    try:
        parse(text[:at] + piece + text[at + data.draw(st.integers(0, 3)) :])
    except LayerJitError as error:
        damage = str(error)
    else:
        damage = "none that matters"
    assert damage


def test_guards_round_trip_and_settle_inference() -> None:
    text = HEAD.replace("dims n >= 1", "dims m >= 1, n >= 1\n  guard eq m, n true") + (
        '  input %1 "y" argument : float32[m, 4]\n  %2 = add(%0, %1) : float32[n, 4]\n  output %2 "z"\n}'
    )
    graph = parse(text)
    assert to_text(parse(to_text(graph))) == to_text(graph)
    assert [(g[0], str(g[1]), str(g[2]), g[3]) for g in graph.guards] == [("eq", "m", "n", True)]
