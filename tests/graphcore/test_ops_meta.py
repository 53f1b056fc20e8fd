"""Every entry of the op table is complete, and its rules agree with each other on its own samples."""

import itertools

import numpy as np
import pytest

from graphcore import dims, get_op
from graphcore.builder import evaluate_op
from graphcore.dtypes import as_dtype
from graphcore.errors import DTypeError, InvalidArgumentError
from graphcore.handler import VOCABULARY, NumpyHandler, numpy_handler
from graphcore.optable import KINDS, OPS, OpDef
from graphcore.types import TensorType

ALL = sorted(OPS)
NEVER_EVALUATED = {"input"}
BARE = {
    "scatter", "dynamic_update_slice", "sort", "cumulative", "argmax", "argmin", "assert", "input", "constant",
    "fusion",
}  # fmt: skip
REGIONS = {"cond", "while", "scan"}
ELEMENTWISE = [n for n in ALL if OPS[n].body is not None]
PULLED = [n for n in ALL if OPS[n].element is not None]


def sampled(op):
    assert op.samples is not None
    return op.samples()


def types_of(arrays):
    return [TensorType(as_dtype(a.dtype), a.shape) for a in arrays]


def assert_same(got, want, what=""):
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype, what
    np.testing.assert_array_equal(got, want, err_msg=what)
    if want.dtype.kind == "f":
        number = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got)[number], np.signbit(want)[number], err_msg=what)


class PullHandler(NumpyHandler):
    """Adds the words of element functions, over plain integers and one-element arrays."""

    def index(self, value):
        return int(np.asarray(value).reshape(()))

    def from_index(self, dim, dtype):
        return np.array([dim]).astype(dtype.numpy)

    def choose(self, pieces, otherwise):
        holds = {"lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "eq": lambda a, b: a == b}
        for conditions, thunk in pieces:
            assert all(len(c) == 3 for c in conditions)
            if all(holds[kind](a, b) for kind, a, b in conditions):
                return thunk()
        return otherwise()


def pull(op, arrays, attrs, result):
    """Evaluates every element of a result on its own."""
    k, types = PullHandler(), types_of(arrays)
    out = np.empty(result.shape, result.dtype.numpy)

    def read(operand, index):
        assert len(index) == arrays[operand].ndim
        for i, n in zip(index, arrays[operand].shape, strict=True):
            assert isinstance(i, int) and 0 <= i < n, f"{op.name} reads {index} of {arrays[operand].shape}"
        return arrays[operand][index].reshape(1)

    for index in np.ndindex(*result.shape):
        value = np.asarray(op.element(k, tuple(int(i) for i in index), read, types, attrs))
        assert value.dtype == out.dtype, f"{op.name} gives {value.dtype}, infers {out.dtype}"
        out[index] = value.reshape(())
    return out


@pytest.mark.parametrize("name", ALL)
def test_entry_is_complete(name):
    op = OPS[name]
    assert op.kind in KINDS and callable(op.infer) and callable(op.evaluate) and callable(op.samples)
    assert (op.vjp is not None) == op.differentiable, (
        "either a gradient rule, or the mark differentiable=False"
    )
    whole = op.kind in ("contract", "convolve", "correlate", "window") or name in BARE | REGIONS
    lowered = op.body or op.element or op.monoid or whole
    assert bool(lowered) == op.native, "a native lowering, or native=False"
    assert op.max_ulp in (0, 2, 4)
    assert name in NEVER_EVALUATED or len(sampled(op)) >= 2


@pytest.mark.parametrize("name", [n for n in ALL if n not in NEVER_EVALUATED])
def test_infer_agrees_with_evaluate(name):
    op = OPS[name]
    for arrays, attrs in sampled(op):
        types = op.infer(types_of(arrays), attrs)
        results = evaluate_op(op, arrays, attrs)
        found = {attrs["save"]: results[-1].shape[0]} if attrs.get("save") else {}
        types = [t.with_shape(dims.substitute(t.shape, found)) for t in types]
        assert [(t.dtype, t.shape) for t in types] == [(as_dtype(r.dtype), r.shape) for r in results], attrs


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_body_on_the_numpy_handler_is_evaluate(name):
    op = OPS[name]
    assert op.body is not None
    for arrays, attrs in sampled(op):
        with np.errstate(all="ignore"):
            got = op.body(numpy_handler, *arrays, **attrs)
        want = evaluate_op(op, arrays, attrs)[0]
        if op.max_ulp == 0:
            assert_same(got, want, f"{name} {arrays}")
        else:
            np.testing.assert_allclose(got, want, rtol=op.max_ulp * float(np.finfo(want.dtype).eps) if
                                       want.dtype.kind == "f" else 0)  # fmt: skip


@pytest.mark.parametrize("name", PULLED)
def test_element_is_evaluate(name):
    op = OPS[name]
    with np.errstate(all="ignore"):
        for arrays, attrs in sampled(op):
            (result,) = op.infer(types_of(arrays), attrs)
            assert_same(pull(op, arrays, attrs, result), evaluate_op(op, arrays, attrs)[0], f"{name} {attrs}")


@pytest.mark.parametrize("name", [n for n in ALL if OPS[n].monoid is not None])
def test_monoid_is_evaluate(name):
    op = OPS[name]
    for arrays, attrs in sampled(op):
        (x,), axes = arrays, attrs["axes"]
        keep = [i for i in range(x.ndim) if i not in axes]
        flat = x.transpose(keep + list(axes)).reshape(
            (*[x.shape[i] for i in keep], int(np.prod([x.shape[i] for i in axes])))
        )
        with np.errstate(all="ignore"):
            acc = np.full(flat.shape[:-1], op.monoid.init(as_dtype(x.dtype)), x.dtype)
            for i in range(flat.shape[-1]):
                acc = op.monoid.step(numpy_handler, acc, flat[..., i])
        want = evaluate_op(op, arrays, attrs)[0].reshape(acc.shape)
        assert acc.dtype == want.dtype
        np.testing.assert_allclose(acc, want, rtol=1e-4 if x.dtype == np.float32 else 1e-12, atol=1e-5)


class Recorder(NumpyHandler):
    """Notes every word that a body says."""

    def __init__(self):
        self.words = set()

    def __getattr__(self, word):
        self.words.add(word)
        return NumpyHandler.__getattr__(self, word)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_body_keeps_to_the_vocabulary(name):
    recorder = Recorder()
    body = OPS[name].body
    assert body is not None
    for arrays, attrs in sampled(OPS[name])[:4]:
        with np.errstate(all="ignore"):
            body(recorder, *arrays, **attrs)
    assert recorder.words <= set(VOCABULARY)


@pytest.mark.parametrize("name", [n for n in ALL if n not in NEVER_EVALUATED])
def test_samples_cover_shapes_and_values(name):
    op = OPS[name]
    arrays = list(itertools.chain.from_iterable(a for a, _ in sampled(op)))
    results = [r for a, attrs in sampled(op) for r in evaluate_op(op, a, attrs)]
    if op.kind in ("control", "host") or name == "size":
        return
    assert any(r.size == 0 for r in results), "an empty result"
    assert any(r.size > 16 for r in results), "more than one vector"
    if op.kind == "elementwise" and any(a.dtype == np.float32 for a in arrays):
        floats = np.concatenate([a.ravel() for a in arrays if a.dtype == np.float32])
        assert np.isnan(floats).any() and np.isinf(floats).any() and (floats == 0)[np.signbit(floats)].any()


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "maximum", "less", "equal", "pow"])
def test_mixed_dtypes_name_both_and_the_cast(name):
    types = [TensorType(as_dtype("float32"), (2,)), TensorType(as_dtype("int32"), (2,))]
    with pytest.raises(DTypeError, match=rf"^{name}: .*float32.*int32.*tf\.cast\(y, tf\.float32\)"):
        get_op(name).infer(types, {})


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sigmoid", "gelu", "floor", "is_nan"])
def test_integers_are_refused_by_floating_ops(name):
    with pytest.raises(
        DTypeError, match=rf"^{name}: operand 0 is int32\[3\], expected floating point; write tf\.cast"
    ):
        get_op(name).infer([TensorType(as_dtype("int32"), (3,))], {})


def bad(name, shapes, attrs, dtype="float32"):
    return pytest.param(name, shapes, attrs, dtype, id=f"{name}-{shapes}")


@pytest.mark.parametrize(("name", "shapes", "attrs", "dtype"), [
    bad("add", [(2, 3), (2, 4)], {}), bad("select", [(2,), (2,), (2,)], {}),
    bad("logical_and", [(2,), (2,)], {}),
    bad("reduce_sum", [(2, 3)], {"axes": (2,), "keepdims": False}),
    bad("reduce_any", [(2,)], {"axes": (0,), "keepdims": False}),
    bad("reduce_sum", [(2, 3)], {"axes": (1, 1), "keepdims": False}), bad("argmax", [(2, 0)], {"axis": 1}),
    bad("dot_general", [(2, 3), (4, 5)], {"contracting": ((1,), (0,)), "batch": ((), ())}),
    bad("dot_general", [(2, 3), (3, 5)], {"contracting": ((1, 0), (0,)), "batch": ((), ())}),
    bad("reshape", [(2, 3)], {"shape": (4, 2)}), bad("transpose", [(2, 3)], {"perm": (0, 0)}),
    bad("transpose", [(2, 3)], {"perm": (0,)}),
    bad("broadcast_to", [(2, 3)], {"shape": (2, 4)}),
    bad("slice", [(4,)], {"begin": (1,), "end": (5,), "strides": (1,)}),
    bad("slice", [(4,)], {"begin": (0,), "end": (4,), "strides": (0,)}),
    bad("slice", [(4, 2)], {"begin": (0,), "end": (4,), "strides": (1,)}),
    bad("pad", [(2,), ()], {"low": (-1,), "high": (0,), "interior": (0,)}),
    bad("pad", [(2,), (1,)], {"low": (1,), "high": (0,), "interior": (0,)}),
    bad("concatenate", [(2, 3), (3, 3)], {"axis": 1}),
    bad("concatenate", [(2, 3), (3,)], {"axis": 0}), bad("reverse", [(2,)], {"axes": (1,)}),
    bad("gather", [(2,), (2,)], {"axis": 0}),
    bad("one_hot", [(2,)], {"depth": 3, "axis": 1}), bad("fill", [(2,)], {"shape": (2,)}),
    bad("iota", [], {"shape": (), "axis": 0, "dtype": "int32"}),
    bad("assert", [(2,)], {"message": ""}), bad("bitcast", [(2,)], {"dtype": "int64"}),
    bad("random_bits", [(3,)], {"shape": (2,)}),
    bad("add", [(2,), (2,)], {}, "bool"), bad("div", [(2,), (2,)], {}, "int32"),
    bad("shift_left", [(2,), (2,)], {}),
])  # fmt: skip
def test_bad_operands_raise_an_error_that_names_the_op(name, shapes, attrs, dtype):
    with pytest.raises(InvalidArgumentError, match=rf"^{name}: .{{20}}"):
        get_op(name).infer([TensorType(as_dtype(dtype), s) for s in shapes], attrs)


def test_symbolic_shapes_infer():
    n, m = dims.symbol("n"), dims.symbol("m")

    def infer(name, *shapes, **attrs):
        return get_op(name).infer([TensorType(as_dtype("float32"), s) for s in shapes], attrs)[0].shape

    assert infer("add", (n, 3), (3,)) == (n, 3)
    assert infer("reshape", (n, 4, m), shape=(n * 4, m)) == (4 * n, m)
    assert infer("concatenate", (n, 2), (m, 2), axis=0) == (n + m, 2)
    assert infer("dot_general", (n, 5), (5, m), contracting=((1,), (0,)), batch=((), ())) == (n, m)
    assert infer("slice", (n, 4), begin=(0, 1), end=(n, 4), strides=(2, 1)) == (dims.ceildiv(n, 2), 3)
    assert infer("pad", (n,), (), low=(1,), high=(m,), interior=(1,)) == (2 * n + m,)
    assert infer("reduce_sum", (n, m), axes=(1,), keepdims=True) == (n, 1)


def test_reshape_index_keeps_dimensions_that_do_not_change():
    from graphcore.ops.move import reshape_index

    n = dims.symbol("n")
    i, j = dims.symbol("i", 0, n - 1), dims.symbol("j", 0, 11)
    assert reshape_index((n, 12), (n, 1, 12), (i, 0, j)) == (i, j)
    assert reshape_index((n, 3, 4), (n, 12), (i, j)) == (i, j // 4, j % 4)
    assert reshape_index((n, 12), (n, 3, 4), (i, 2, 1)) == (i, 9)


def test_opdef_copies_as_a_table_entry():
    import copy
    import pickle

    op = get_op("add")
    assert isinstance(op, OpDef)
    assert copy.deepcopy(op) is op and pickle.loads(pickle.dumps(op)) is op
