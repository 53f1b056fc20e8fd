"""Floor division and remainder of floats: the bits of NumPy, wherever the quotient lies."""

from typing import Any

import numpy as np
import pytest
from vector_kernels import host_isas

from codegen.compile import compile_graph
from graphcore import GraphBuilder, dims
from graphcore.dtypes import as_dtype
from graphcore.passes import run
from graphcore.types import TensorType

SEED = 11


def numerators(rng: np.random.Generator, b: Any, largest: float) -> Any:
    """Multiples of b with quotients of every size up to `largest`, and their neighbours on both sides."""
    quotient = np.floor(np.exp2(rng.uniform(0, np.log2(largest), b.shape)))
    a = (b * quotient).astype(b.dtype)
    toward = np.where(rng.integers(0, 2, b.shape) == 1, np.inf, -np.inf).astype(b.dtype)
    step = rng.integers(0, 3, b.shape)
    a = np.where(step == 0, a, np.nextafter(a, toward))
    return np.where(step == 2, a + rng.random(b.shape).astype(b.dtype) * b, a) * rng.choice([-1, 1], b.shape)


def cases(dtype: Any) -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(SEED)
    info, count = np.finfo(dtype), 4099
    plain = (rng.uniform(0.1, 9, count) * rng.choice([-1, 1], count)).astype(dtype)
    tiny = (rng.integers(1, 1000, count) * float(info.smallest_subnormal)).astype(dtype)
    pairs = [(numerators(rng, b, n), b) for b in (plain, tiny) for n in (8.0, 2.0 ** (info.nmant - 1), 2.0**info.nmant)]
    pairs.append((numerators(rng, plain, 2.0 ** (info.nmant + 4)), plain))
    raw = rng.integers(0, 2 ** info.bits - 1, (2, count), f"u{info.bits // 8}", endpoint=True).view(dtype)
    specials = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, info.max, info.tiny, info.smallest_subnormal])
    table = np.stack(np.meshgrid(specials, specials)).reshape(2, -1).astype(dtype)
    return [*pairs, (raw[0], raw[1]), (table[0], table[1]), (tiny, plain)]


@pytest.mark.parametrize("isa", host_isas())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mod_and_floordiv_have_the_bits_of_numpy(dtype: Any, isa: str) -> None:
    b = GraphBuilder("g")
    x, y = (b.input(TensorType(as_dtype(dtype), (dims.symbol("n"),)), name) for name in "xy")
    compiled = compile_graph(run(b.finish([*b.emit("mod", (x, y)), *b.emit("floordiv", (x, y))])), isa=isa)
    for number, (a, c) in enumerate(cases(dtype)):
        a = a.astype(dtype)
        with np.errstate(all="ignore"):
            want = np.mod(a, c), np.floor_divide(a, c)
        for got, expected in zip(compiled.run([a, c]), want, strict=True):
            bits = f"u{got.itemsize}"
            same = (got.view(bits) == expected.view(bits)) | (np.isnan(got) & np.isnan(expected))
            assert same.all(), (SEED, number, a[~same][:3], c[~same][:3], got[~same][:3], expected[~same][:3])
