"""Every native op in every dtype: NumPy's meaning, the loop interpreter and native code agree, without host calls."""

import zlib

import numpy as np
import pytest
from dtype_samples import assert_op_close, native_dtypes, retyped
from vector_kernels import host_isas

from codegen.compile import compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore import OPS, GraphBuilder
from graphcore.builder import evaluate_op
from graphcore.dtypes import as_dtype, complex64, complex128, float32, string
from graphcore.interpret import interpret
from graphcore.passes.pipeline import run
from graphcore.types import TensorType

ISAS = host_isas()
SWEPT = sorted(
    name for name, op in OPS.items() if op.native and op.samples is not None and op.kind not in ("control", "host")
)
# Overflow and NaN are among the values under test, and NumPy warns of them.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def agree(samples, isa):
    """Runs samples (op, arrays, attrs), one node each of one graph, in four ways."""
    b = GraphBuilder("sweep", fold_bytes=0)
    given, wanted = [], []
    outputs = []
    for op, arrays, attrs in samples:
        values = [b.input(TensorType(as_dtype(a.dtype), a.shape)) for a in arrays]
        outputs += b.emit_node(op, values, attrs)
        given += [np.ascontiguousarray(a).reshape(a.shape) for a in arrays]
        what = f"{op.name} {attrs} of {[(str(a.dtype), a.shape) for a in arrays]}"
        wanted += [(op, w, what) for w in evaluate_op(op, arrays, attrs)]
    graph = b.finish(outputs)
    compiled = compile_graph(graph, isa=isa)
    assert not compiled.host_calls
    runs = {"NumPy": interpret(graph, given), "loops": interpret_graph(graph, given), isa: compiled.run(given)}
    for name, found in runs.items():
        for got, (op, want, what) in zip(found, wanted, strict=True):
            assert_op_close(op, got, want, f"{name}: {what}")


@pytest.mark.parametrize("dtype", native_dtypes(), ids=lambda d: d.name)
def test_every_op_takes_every_dtype(dtype):
    """One sample of each op, another one for every dtype; and no dtype of a kind that an op takes is left out."""
    chosen = []
    for name in SWEPT:
        samples = list(retyped(OPS[name], dtype))
        if samples:
            at = zlib.crc32(f"{name} {dtype.name}".encode()) % len(samples)
            chosen.append((OPS[name], *samples[at]))
    assert len(chosen) >= LEAST[dtype.kind]
    agree(chosen, ISAS[native_dtypes().index(dtype) % len(ISAS)])


LEAST = {"b": 25, "i": 55, "u": 50, "f": 90}
"""How many ops take dtypes of each kind, at least."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEPT)
def test_every_sample_in_every_dtype(name):
    for dtype in native_dtypes():
        samples = [(OPS[name], *s) for s in retyped(OPS[name], dtype)]
        for i, start in enumerate(range(0, len(samples), 16)):
            agree(samples[start : start + 16], ISAS[i % len(ISAS)])


@pytest.mark.parametrize("dtype", [complex64, complex128], ids=lambda d: d.name)
def test_complex_values_pass_through_compiled_graphs(dtype, rng):
    """Complex nodes run on the host; inputs, results and what lies between them are buffers like others."""
    b = GraphBuilder("complex")
    x, y = b.input(TensorType(dtype, (3, 4))), b.input(TensorType(float32, (3, 4)))
    (twice,) = b.emit("add", [x, x])
    (flat,) = b.emit("reshape", [twice], shape=(12,))
    (turned,) = b.emit("transpose", [twice], perm=(1, 0))
    (real,) = b.emit("exp", [y])
    graph = b.finish([x, flat, turned, real, b.emit("mul", [twice, x])[0]])
    a = (rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))).astype(dtype.numpy)
    r = rng.normal(size=(3, 4)).astype(np.float32)
    want = [a, (a + a).reshape(12), (a + a).T, np.exp(r), (a + a) * a]
    for ready in (graph, run(graph)):
        compiled = compile_graph(ready)
        assert len(compiled.kernels) >= 1
        for got, w in zip(compiled.run([a, r]), want, strict=True):
            assert got.dtype == w.dtype
            np.testing.assert_allclose(got, w, rtol=1e-6)


def test_graphs_with_strings_run_on_the_host():
    b = GraphBuilder("strings")
    s, x = b.input(TensorType(string, (2,))), b.input(TensorType(float32, ()))
    (same,) = b.emit("equal", [s, b.constant(np.array([b"a", b"c"], object))])
    (again,) = b.emit("concatenate", [s, s], axis=0)
    graph = b.finish([s, same, again, b.emit("add", [x, x])[0]])
    compiled = compile_graph(run(graph))
    words = np.array([b"a", b"b"], object)
    for _ in range(3):
        got = compiled.run([words, np.asarray(2, np.float32)])
        assert got[0].tolist() == [b"a", b"b"]
        assert got[0] is not words
        assert got[1].tolist() == [True, False]
        assert got[2].tolist() == [b"a", b"b", b"a", b"b"]
        assert got[3] == 4
    assert {"equal", "concatenate"} <= set(compiled.host_calls)
