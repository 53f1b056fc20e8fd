"""Random einsums, strided slices, gathers, scatters and diagonals against NumPy; a failure names its seed."""

import numpy as np
import pytest

import eager as tf

LETTERS = "abcdef"
SIZES = dict(zip(LETTERS, (2, 3, 4, 1, 3, 2), strict=True))


def random_einsum(rng):
    """An equation over one to four operands, with repeated labels and sometimes an ellipsis, and its operands."""
    count = int(rng.integers(1, 5))
    sources, arrays = [], []
    hidden = [int(n) for n in rng.integers(1, 4, int(rng.integers(0, 3)))]
    for _ in range(count):
        labels = [str(c) for c in rng.choice(list(LETTERS), int(rng.integers(1, 4)))]
        dots = bool(hidden) and rng.random() < 0.5
        own = hidden[int(rng.integers(0, len(hidden) + 1)) :] if dots else []
        own = [n if rng.random() < 0.7 else 1 for n in own]
        place = int(rng.integers(0, len(labels) + 1))
        shape = [*(SIZES[c] for c in labels[:place]), *own, *(SIZES[c] for c in labels[place:])]
        sources.append("".join(labels[:place]) + ("..." if dots else "") + "".join(labels[place:]))
        arrays.append(rng.normal(size=shape))
    equation = ",".join(sources)
    if rng.random() < 0.8:
        used = sorted({c for s in sources for c in s if c in LETTERS})
        kept = [c for c in rng.permutation(used) if rng.random() < 0.6]
        place = int(rng.integers(0, len(kept) + 1))
        dots = "..." if "..." in equation else ""
        equation += "->" + "".join(kept[:place]) + dots + "".join(kept[place:])
    return equation, arrays


@pytest.mark.parametrize("seed", range(0, 400, 40))
def test_random_einsums_are_numpys(seed):
    for number in range(seed, seed + 40):
        equation, arrays = random_einsum(np.random.default_rng(number))
        want = np.einsum(equation, *arrays)
        got = tf.einsum(equation, *map(tf.constant, arrays)).numpy()
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10, err_msg=f"seed {number}: {equation}")


def test_random_einsums_run_natively():
    cases = [random_einsum(np.random.default_rng(number)) for number in range(1000, 1012)]

    @tf.function(strict=True)
    def every(operands):
        return [tf.einsum(equation, *arrays) for (equation, _), arrays in zip(cases, operands, strict=True)]

    for number, ((equation, arrays), got) in enumerate(
        zip(cases, every([[tf.constant(a) for a in arrays] for _, arrays in cases]), strict=True), 1000
    ):
        want = np.einsum(equation, *arrays)
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-10, atol=1e-10, err_msg=f"seed {number}: {equation}")


def random_strided(rng):
    """A shape, the arguments of tf.strided_slice, and the key that means the same."""
    shape = tuple(int(n) for n in rng.integers(1, 6, int(rng.integers(1, 5))))
    begin, end, steps, key = [], [], [], []
    masks = dict.fromkeys(("begin", "end", "ellipsis", "new_axis", "shrink_axis"), 0)
    axis, ellipsis = 0, False
    while len(begin) < 7:
        bit = 1 << len(begin)
        kind = rng.choice(["slice", "slice", "shrink_axis", "new_axis", "ellipsis", "stop"])
        full = axis == len(shape) and kind in ("slice", "shrink_axis")
        if full or kind == "stop" or (kind == "ellipsis" and ellipsis):
            break
        n = shape[axis] if axis < len(shape) else 1
        step = int(rng.choice([-3, -2, -1, 1, 1, 1, 2, 3]))
        first, last = int(rng.integers(-n - 1, n + 2)), int(rng.integers(-n - 1, n + 2))
        if kind == "slice":
            opens = [bool(b) for b in rng.integers(0, 3, 2) == 0]
            masks["begin"] |= bit * opens[0]
            masks["end"] |= bit * opens[1]
            key.append(slice(None if opens[0] else first, None if opens[1] else last, step))
            axis += 1
        elif kind == "shrink_axis":
            # The axes after an ellipsis are others: an index that fits the smallest of all is in range.
            first, step = int(rng.integers(-min(shape), min(shape))), 1
            masks["shrink_axis"] |= bit
            key.append(first)
            axis += 1
        else:
            masks[kind] |= bit
            ellipsis |= kind == "ellipsis"
            key.append(Ellipsis if kind == "ellipsis" else None)
        begin.append(first)
        end.append(last)
        steps.append(step)
    return shape, (begin, end, steps), {f"{k}_mask": v for k, v in masks.items()}, tuple(key)


def test_random_strided_slices_are_numpys():
    for number in range(400):
        shape, args, masks, key = random_strided(np.random.default_rng(number))
        a = np.arange(np.prod(shape)).reshape(shape)
        got = tf.strided_slice(tf.constant(a), *args, **masks).numpy()
        np.testing.assert_array_equal(got, a[key], err_msg=f"seed {number}: {shape} {args} {masks}")


def test_random_scatters_are_numpys():
    for number in range(200):
        rng = np.random.default_rng(number)
        shape = tuple(int(n) for n in rng.integers(1, 5, int(rng.integers(1, 4))))
        count = int(rng.integers(0, len(shape) + 1))
        lead = tuple(int(n) for n in rng.integers(0, 5, int(rng.integers(0, 3))))
        places = rng.integers(0, shape[:count], (*lead, count)) if count else np.zeros((*lead, 0), np.int64)
        x, updates = rng.normal(size=shape), rng.normal(size=lead + shape[count:])
        for name, ufunc in (("add", np.add), ("max", np.maximum), ("min", np.minimum)):
            want = x.copy()
            for spot in np.ndindex(lead):
                want[tuple(places[spot])] = ufunc(want[tuple(places[spot])], updates[spot])
            call = getattr(tf, f"tensor_scatter_nd_{name}")
            message = f"seed {number}: {name} {shape} {places.shape}"
            np.testing.assert_allclose(call(x, places, updates).numpy(), want, rtol=1e-12, err_msg=message)
        picked = np.stack([x[tuple(places[s])] for s in np.ndindex(lead)] or [np.zeros((0, *shape[count:]))])
        np.testing.assert_array_equal(
            tf.gather_nd(x, places).numpy(), picked.reshape(lead + shape[count:]), err_msg=f"seed {number}"
        )


def test_random_bands_go_out_and_in_again():
    """diag_part of a band against np.diagonal; diag and set_diag put back what diag_part took."""
    for number in range(100):
        rng = np.random.default_rng(number)
        rows, columns = (int(n) for n in rng.integers(1, 6, 2))
        low, high = sorted(int(d) for d in rng.integers(1 - rows, columns, 2))
        align = str(rng.choice(["RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT"]))
        x = rng.normal(size=(2, rows, columns))
        distance = np.arange(columns) - np.arange(rows)[:, None]
        inside = (distance >= low) & (distance <= high)
        band = tf.linalg.diag_part(x, k=(low, high), align=align)
        lines = band.numpy() if low != high else band.numpy()[:, None]
        for line, d in zip(np.moveaxis(lines, 1, 0), range(high, low - 1, -1), strict=True):
            part = np.diagonal(x, d, 1, 2)
            right = align.split("_")[0 if d >= 0 else 1] == "RIGHT"
            spare = line.shape[1] - part.shape[1]
            want = np.pad(part, ((0, 0), (spare, 0) if right else (0, spare)))
            np.testing.assert_array_equal(line, want, err_msg=f"seed {number}: diagonal {d} of {x.shape}, {align}")
        again = tf.linalg.diag(band, k=(low, high), num_rows=rows, num_cols=columns, padding_value=5, align=align)
        np.testing.assert_array_equal(again.numpy(), np.where(inside, x, 5), err_msg=f"seed {number}")
        same = tf.linalg.set_diag(np.zeros_like(x), band, k=(low, high), align=align)
        np.testing.assert_array_equal(same.numpy(), np.where(inside, x, 0), err_msg=f"seed {number}")
