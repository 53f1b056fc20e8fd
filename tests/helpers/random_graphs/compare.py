"""Arrays for the inputs of a random graph, and how far two runs of it may differ."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from graphcore import dims
from graphcore.builder import evaluate_op
from graphcore.dtypes import DType, as_dtype, bool_
from graphcore.graph import Graph, Node, Value
from graphcore.interpret import bind_dims, found_sizes
from graphcore.ops import region
from random_graphs.sketch import rounds

Array = np.ndarray[Any, Any]


def inputs_for(graph: Graph, seed: int, n: int = 3, special: bool = False) -> list[Array]:
    """Arrays for the inputs: moderate numbers, with NaN, infinities, zeros and extremes if `special`."""
    rng = np.random.default_rng(seed)
    return [_input(rng, dims.substitute(v.type.shape, {"n": n}), v.type.dtype, special) for v in graph.inputs]


def _input(rng: np.random.Generator, shape: Any, dtype: DType, special: bool) -> Array:
    if dtype is bool_:
        return np.asarray(rng.random(shape) < 0.5)
    if dtype.is_floating:
        a = np.asarray(rng.standard_normal(shape) * 2)
        hard: list[Any] = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 1e15]
    else:
        a = np.asarray(rng.integers(0 if dtype.is_unsigned else -9, 10, shape))
        hard = [dtype.min, dtype.max, dtype.numpy.type(0)]
    with np.errstate(over="ignore"):
        a = a.astype(dtype.numpy)
        if special and a.size:
            places = rng.integers(0, a.size, max(1, a.size // 8))
            a.reshape(-1)[places] = np.array(hard).astype(dtype.numpy)[rng.integers(0, len(hard), places.size)]
    return a


# -- how far two runs may differ


def noisy(graph: Graph, arrays: Sequence[Array], seed: int) -> list[Array]:
    """The graph in NumPy with an error of the permitted size added wherever rounding is not prescribed."""
    rng = np.random.default_rng(seed)
    env = bind_dims([v.type for v in graph.inputs], [a.shape for a in arrays])
    with _noise_in_bodies(rng):
        return _run(graph, arrays, env, rng)


@contextmanager
def _noise_in_bodies(rng: np.random.Generator) -> Generator[None]:
    """Bodies run with noise too."""
    with mock.patch.object(region, "_run", lambda body, arrays, env: _run(body, arrays, env, rng)):
        yield


def _run(graph: Graph, arrays: Sequence[Array], env: Mapping[str, int], rng: np.random.Generator) -> list[Array]:
    sizes = dict(env)
    known: dict[Value, Any] = dict(zip(graph.inputs, arrays, strict=True))
    for node in graph.nodes:
        if node.op.name == "constant":
            known[node.result] = node.attrs["value"].array
        elif node.op.name != "input":
            found = _noisy_node(node, known, sizes, rng)
            known.update(zip(node.results, found, strict=True))
            sizes.update(found_sizes(node, found))
    return [known[v] for v in graph.outputs]


def _noisy_node(node: Node, known: Mapping[Value, Any], env: Mapping[str, int], rng: Any) -> list[Any]:
    operands = [known[v] for v in node.operands]
    attrs = dims.substitute(node.attrs, env)
    if node.bodies:
        attrs = {**attrs, "bodies": node.bodies, "env": env}
    folds = rounds(node) and node.op.max_ulp == 0 and node.op.kind != "host"
    if folds:
        operands = [_shake(a, 8, rng) for a in operands]
    results = evaluate_op(node.op, operands, attrs)
    ulps = max(node.op.max_ulp, 4) if rounds(node) and node.op.max_ulp == 0 else node.op.max_ulp
    results = [_shake(a, 2 * ulps, rng) for a in results] if ulps else results
    return _overflowing(node, operands, attrs, results) if folds and not node.bodies else results


def _overflowing(node: Node, operands: Sequence[Any], attrs: Mapping[str, Any], results: Sequence[Any]) -> list[Any]:
    """NaN where a part of a sum or product can overflow: infinity or NaN then depends on the order, which is free.

    A fused multiply-add, which rounds once, also meets no infinity where two roundings do.
    """
    product = node.op.name == "reduce_prod" or attrs.get("combine") == "mul"
    largest = evaluate_op(node.op, [_magnitude(a, product) for a in operands], attrs)
    return [
        np.where(np.isinf(most), np.array(np.nan, r.dtype), r) if r.dtype.kind in "fc" and r.shape == most.shape else r
        for r, most in zip(map(np.asarray, results), map(np.asarray, largest), strict=True)
    ]


def _magnitude(a: Any, product: bool) -> Any:
    """How large the finite elements are; in a product those below one cannot be counted on."""
    a = np.asarray(a)
    if a.dtype.kind not in "fc":
        return a
    size = np.abs(np.where(np.isfinite(a), a, 0)).astype(a.dtype)
    return np.maximum(size, np.ones((), a.dtype)) if product else size


def _shake(a: Any, ulps: float, rng: Any) -> Any:
    """An array with so many units in the last place of noise; zeros of either sign."""
    a = np.asarray(a)
    if a.dtype.kind == "c":
        made = np.empty_like(a)
        made.real, made.imag = _shake(a.real, ulps, rng), _shake(a.imag, ulps, rng)
        return made
    dtype = as_dtype(a.dtype)
    if not dtype.is_floating:
        return a
    limits = dtype.finfo()
    wide = a.astype(np.float64)
    with np.errstate(all="ignore"):
        step = np.maximum(np.abs(wide) * float(limits.eps), float(limits.smallest_subnormal))
        made = wide + ulps * np.where(wide == 0, 0, step) * rng.uniform(-1, 1, a.shape)
        made = np.where(wide == 0, np.where(rng.random(a.shape) < 0.5, -0.0, 0.0), made)
        return np.where(np.isinf(wide), wide, made).astype(a.dtype)


def _wide(a: Any) -> Array:
    a = np.asarray(a)
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)


def tolerances(graph: Graph, arrays: Sequence[Any], want: Sequence[Any], runs: int = 4) -> list[Array]:
    """For every output how far each element may be from `want`: 0 where nothing may differ; inf where anything may."""
    found: list[Array] = []
    with np.errstate(all="ignore"):
        results = [noisy(graph, arrays, seed) for seed in range(runs)]
        for position, exact in enumerate(want):
            others = [_wide(r[position]) for r in results]
            found.append(_spread(_wide(exact), others))
    return found


def _spread(wide: Array, others: Sequence[Array]) -> Array:
    spread = np.max([np.abs(r - wide) for r in others], axis=0)
    unsure = np.zeros(wide.shape, bool)
    for r in others:
        both = np.isfinite(r) & np.isfinite(wide)
        unsure |= ~both & (r != wide) & ~(np.isnan(r) & np.isnan(wide))
    spread = np.where(np.isfinite(spread), spread, 0.0)
    spread = 8 * spread + 2 * (spread.max() if spread.size else 0.0)
    return np.where(unsure, np.inf, spread)


def faults(got: Sequence[Any], want: Sequence[Any], tolerance: Sequence[Any]) -> list[str]:
    """Dtypes and shapes that differ, NaN and infinities in other places, numbers out of tolerance (0: unequal)."""
    found: list[str] = []
    for i, (g, w, t) in enumerate(zip(got, want, tolerance, strict=True)):
        g, w = np.asarray(g), np.asarray(w)
        if g.dtype != w.dtype or g.shape != w.shape:
            found.append(f"output {i}: {g.dtype}{g.shape} for {w.dtype}{w.shape}")
            continue
        with np.errstate(all="ignore"):
            error = np.abs(_wide(g) - _wide(w))
        good = (g == w) | ((g != g) & (w != w)) | (error <= t) | (t == np.inf)
        if not good.all():
            found.append(f"output {i}: {g[~good][:4]} for {w[~good][:4]} (tolerance {t[~good][:4]})")
    return found


def assert_close(got: Sequence[Any], want: Sequence[Any], tolerance: Sequence[Any], what: str) -> None:
    """Fails with what `faults` finds."""
    found = faults(got, want, tolerance)
    assert not found, f"{what}, {'; '.join(found)}"
