"""Symbolic dimensions: canonical form, sound decisions, and what indices simplify to."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcore import dims
from graphcore.errors import InconclusiveDim, ShapeError
from graphcore.ops.move import reshape_groups, reshape_index
from graphcore.polynomial import build, terms_of
from graphcore.types import broadcast_shapes, contiguous_strides

N, M = dims.symbol("n"), dims.symbol("m")
sizes = st.integers(1, 9)
leaves = st.one_of(st.integers(-3, 6), st.sampled_from([N, M]))


def combine(children):
    pairs = st.tuples(children, children)
    divisors = st.one_of(st.integers(1, 5), st.sampled_from([N, M]))
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]), pairs.map(lambda p: p[0] - p[1]), pairs.map(lambda p: p[0] * p[1]),
        st.tuples(children, divisors).map(lambda p: dims.floordiv(*p)),
        st.tuples(children, divisors).map(lambda p: dims.mod(*p)),
        pairs.map(lambda p: dims.minimum(*p)), pairs.map(lambda p: dims.maximum(*p)),
    )  # fmt: skip


expressions = st.recursive(leaves, combine, max_leaves=6)


def at(d, n, m):
    return dims.evaluate(d, {"n": n, "m": m})


@given(expressions, expressions, sizes, sizes)
def test_algebra_commutes_with_evaluation(a, b, n, m):
    x, y = at(a, n, m), at(b, n, m)
    assert at(a + b, n, m) == x + y and at(a - b, n, m) == x - y and at(a * b, n, m) == x * y
    assert at(dims.minimum(a, b), n, m) == min(x, y) and at(dims.maximum(a, b), n, m) == max(x, y)


@given(expressions, st.one_of(st.integers(1, 5), st.sampled_from([N, M, N * M, 2 * N + 1])), sizes, sizes)
def test_division_is_floor_division(a, b, n, m):
    x, y = at(a, n, m), at(b, n, m)
    assert at(dims.floordiv(a, b), n, m) == x // y
    assert at(dims.mod(a, b), n, m) == x % y
    assert at(dims.ceildiv(a, b), n, m) == -(-x // y)


@given(expressions, sizes, sizes)
def test_bounds_hold(a, n, m):
    low, high = dims.bounds(a)
    value = at(a, n, m)
    assert (low is None or low <= value) and (high is None or value <= high)


@given(expressions, expressions, sizes, sizes)
def test_decisions_are_true_for_every_size(a, b, n, m):
    x, y = at(a, n, m), at(b, n, m)
    for decide, truth in ((dims.equal, x == y), (dims.less, x < y), (dims.less_equal, x <= y)):
        with contextlib.suppress(InconclusiveDim):
            assert decide(a, b) == truth


@given(expressions, expressions)
def test_equal_forms_are_one(a, b):
    assert a + b == b + a and hash(a * b) == hash(b * a) and (a + b) - b == a
    assert dims.substitute(a, {"n": N, "m": M}) == a


@given(expressions, sizes, sizes)
def test_substitution_in_steps(a, n, m):
    assert dims.substitute(dims.substitute((a,), {"n": n}), {"m": m}) == (at(a, n, m),)


def test_exact_parts_divide_out():
    assert (4 * N + 3) // 4 == N and (4 * N + 3) % 4 == 3 and (N * M) // M == N and (N * M) % M == 0
    i = dims.symbol("i", 0, N - 1)
    assert (i + N * M) // N == M and (i + N * M) % N == i and dims.maximum(N - 1, 0) == N - 1
    assert str(2 * N * M - N + 1) == "2*m*n - n + 1"


def test_undecided_comparisons_name_the_condition():
    with pytest.raises(InconclusiveDim, match="cannot decide n == 1 for every size"):
        dims.equal(N, 1)
    with pytest.raises(InconclusiveDim):
        int(N)
    assert dims.less_equal(1, N) and not dims.equal(N, 0) and bool(N) and N > 0


def test_a_size_that_is_missing_is_named():
    with pytest.raises(KeyError, match="no size given for m"):
        dims.evaluate(N * M, {"n": 2})


def test_broadcasting():
    assert broadcast_shapes((N, 1), (4,), ()) == (N, 4)
    with pytest.raises(ShapeError, match=r"\(2, 3\) and \(2, 4\) do not broadcast"):
        broadcast_shapes((2, 3), (2, 4))
    with pytest.raises(InconclusiveDim):
        broadcast_shapes((N,), (M,))


@given(st.permutations([1, 2, 2, 3]), st.lists(st.integers(0, 3), max_size=3), st.permutations([1, 2, 2, 3]),
       st.lists(st.integers(0, 3), max_size=3))  # fmt: skip
def test_reshape_index_finds_the_element(a, merge_a, b, merge_b):
    source, target = merged(a, merge_a), merged(b, merge_b)
    x = np.arange(12).reshape(source)
    y = x.reshape(target)
    loops = [dims.symbol(f"i{j}", 0, d - 1) for j, d in enumerate(target)]
    symbolic = reshape_index(source, target, loops)
    for place in np.ndindex(*target):
        env = {f"i{j}": p for j, p in enumerate(place)}
        assert x[tuple(dims.evaluate(d, env) for d in symbolic)] == y[place]


def merged(shape, at_places):
    """The shape with some neighbours multiplied together."""
    shape = list(shape)
    for p in at_places:
        if p + 1 < len(shape):
            shape[p : p + 2] = [shape[p] * shape[p + 1]]
    return tuple(shape)


def test_reshape_groups_are_the_finest():
    assert reshape_groups((N, 3, 4), (N, 12)) == [(range(0, 1), range(0, 1)), (range(1, 3), range(1, 2))]
    assert contiguous_strides((N, 3, M)) == (3 * M, M, 1)


def test_an_assumed_equality_answers_what_follows_from_it():
    n, m, k = dims.symbol("n"), dims.symbol("m"), dims.symbol("k")
    with dims.assuming([("eq", n, m, True), ("eq", k, 2 * m, True)]):
        assert dims.equal(3 * n, 3 * m)
        assert dims.equal(k + n, 3 * m)
        assert not dims.equal(k, m)
        assert dims.less(n, k)
    with dims.assuming([("eq", n, m, False)]), pytest.raises(InconclusiveDim):
        dims.equal(3 * n, 3 * m)


def test_sums_and_products_with_numbers_are_the_canonical_ones():
    n, m = dims.symbol("n"), dims.symbol("m")
    numbers = (-3, -1, 0, 1, 2)
    for d in (n, n * m, n + m, 2 * n - 1, n * n + m + 1, dims.floordiv(n, 2) + 3, -n):
        for k in numbers:
            terms = dict(terms_of(d))
            terms[()] = terms.get((), 0) + k
            assert d + k == k + d == d - -k == build(terms)
            assert d * k == k * d == build({monomial: c * k for monomial, c in terms_of(d).items()})
            assert isinstance(d + k - k, dims.SymDim) and d + k - k == d
