"""Every public tf function, from one table: values, eager against native, gradients, errors."""

import numpy as np
import pytest
from tf_rows import BINARY, CASES, FAULTS, REAL_UNARY, UNARY, lookup

import eager as tf
from eager.ops.public import NAMES

ELSEWHERE = ("py_function", "numpy_function", "print", "debugging.", "random.", "Assert", "strings.", "as_string")
"""Functions with an effect have files of their own, each with its own check that none is left out."""


def ids(rows):
    return [f"{row.name}-{i}" for i, row in enumerate(rows)]


def leaves(result):
    return [np.asarray(t) for t in tf.nest.flatten(result)]


def references(case, arrays):
    with np.errstate(all="ignore"):
        found = case.expected(*arrays)
    return [np.asarray(a) for a in (found if isinstance(found, list | tuple) else [found])]


def narrow(array):
    return array.astype(np.float32) if array.dtype == np.float64 else array


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values_are_numpys(case):
    got, want = leaves(case.call(*map(tf.constant, case.arrays))), references(case, case.arrays)
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        assert g.shape == w.shape
        assert (g.dtype.kind, g.dtype.itemsize) == (w.dtype.kind, w.dtype.itemsize)
        np.testing.assert_allclose(g, w, rtol=1e-12, atol=1e-13)


def test_a_native_function_gives_what_eager_gives():
    """In groups, because one compilation of many small functions is faster than many."""
    rows = [(case, [tf.constant(narrow(a)) for a in case.arrays]) for case in CASES]
    for start in range(0, len(rows), 40):
        group = rows[start : start + 40]

        @tf.function(strict=True)
        def every(inputs, group=group):
            return [case.call(*tensors) for (case, _), tensors in zip(group, inputs, strict=True)]

        native = every([tensors for _, tensors in group])
        for (case, tensors), result in zip(group, native, strict=True):
            for g, w in zip(leaves(result), leaves(case.call(*tensors)), strict=True):
                assert (g.dtype, g.shape) == (w.dtype, w.shape), case.name
                if case.exact or g.dtype.kind not in "fc":
                    np.testing.assert_array_equal(g, w, err_msg=case.name)
                else:
                    np.testing.assert_allclose(g, w, rtol=4e-6, atol=4e-6, err_msg=case.name)


def weighted(case, arrays, weights):
    """A weighted sum of all results, so that one number depends on every element."""
    results = tf.nest.flatten(case.call(*arrays))
    return sum((tf.reduce_sum(r * w) for r, w in zip(results, weights, strict=True)), tf.constant(0.0, tf.float64))


SMOOTH = [c for c in CASES if c.smooth and c.arrays]


@pytest.mark.parametrize("case", SMOOTH, ids=ids(SMOOTH))
def test_gradients_are_central_differences(case, rng):
    tensors = [tf.constant(a) for a in case.arrays]
    weights = [rng.normal(size=r.shape) for r in leaves(case.call(*tensors))]
    with tf.GradientTape() as tape:
        tape.watch([t for t in tensors if t.dtype.is_floating])
        total = weighted(case, tensors, weights)
    gradients = tape.gradient(total, tensors)
    step = 1e-6
    for i, (array, gradient) in enumerate(zip(case.arrays, gradients, strict=True)):
        if array.dtype != np.float64:
            assert gradient is None
            continue
        direction = rng.normal(size=array.shape)
        up, down = (
            float(weighted(case, [tf.constant(array + s * direction) if j == i else t for j, t in enumerate(tensors)],
                           weights)) for s in (step, -step)
        )  # fmt: skip
        slope = float(np.sum(np.asarray(gradient) * direction))
        assert slope == pytest.approx((up - down) / (2 * step), rel=2e-6, abs=2e-8)


@pytest.mark.parametrize("fault", FAULTS, ids=ids(FAULTS))
def test_bad_input_is_refused(fault):
    with pytest.raises(fault.error) as info:
        fault.call()
    assert len(str(info.value)) > 12


def test_every_public_function_has_a_row_and_an_error():
    for rows in (CASES, FAULTS):
        covered = {lookup(row.name) for row in rows}
        missing = [n for n, f in NAMES.items() if f not in covered and not n.startswith(ELSEWHERE)]
        assert not missing


def test_every_public_function_stands_under_its_names():
    assert all(lookup(name) is function for name, function in NAMES.items())
    assert all(len(function.__doc__) > 10 for function in NAMES.values())


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45, 0.5, 1.5, 2.5, -2.5], np.float32)


@pytest.mark.parametrize("name", [*UNARY, *REAL_UNARY])
def test_special_values_eager_and_native(name):
    function, reference = lookup(name), {**UNARY, **REAL_UNARY}[name][0]
    got, native = np.asarray(function(tf.constant(SPECIAL))), np.asarray(tf.function(function)(tf.constant(SPECIAL)))
    np.testing.assert_allclose(native, got, rtol=4e-6)
    zeros = ~np.isnan(got[:2])
    np.testing.assert_array_equal(np.signbit(native[:2])[zeros], np.signbit(got[:2])[zeros])
    with np.errstate(all="ignore"):
        want = reference(SPECIAL.astype(np.float64)).astype(np.float32)
    # The references of these are products or quotients that overflow where the function does not, and the other way.
    loose = {
        "nn.silu",
        "nn.gelu",
        "nn.softsign",
        "math.log_sigmoid",
        "nn.softplus",
        "tan",
        "sin",
        "cos",
        "sinh",
        "cosh",
    }
    usual = np.isfinite(want) if name in loose else np.ones(SPECIAL.shape, bool)
    usual &= ~(np.abs(SPECIAL) > 1e38) if name in loose else True
    np.testing.assert_allclose(got[usual], want[usual], rtol=4e-6, atol=2e-45)


@pytest.mark.parametrize("name", [n for n, (_, kinds, _s) in BINARY.items() if "f" in kinds])
def test_special_pairs_eager_and_native(name):
    function, reference = lookup(name), BINARY[name][0]
    x, y = (a.ravel() for a in np.meshgrid(SPECIAL, SPECIAL))
    got = np.asarray(function(tf.constant(x), tf.constant(y)))
    native = np.asarray(tf.function(function)(tf.constant(x), tf.constant(y)))
    np.testing.assert_array_equal(native, got)
    with np.errstate(all="ignore"):
        want = reference(x, y)
    usual = y != 0 if "no_nan" in name else np.ones(x.shape, bool)
    np.testing.assert_array_equal(got[usual], want[usual])
