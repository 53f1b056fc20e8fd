"""Rows of the layer table: normalisation, dropout and noise."""

import numpy as np
from check_layer import case
from tf_cases import floats, ints

import eager as tf

L = tf.keras.layers


def standard(x, mean, variance, epsilon=1e-3, scale=1.0, shift=0.0):
    return (x - mean) / np.sqrt(variance + epsilon) * scale + shift


def others(x, axes):
    return tuple(i for i in range(x.ndim) if i not in axes)


# Batch normalisation -------------------------------------------------------------------------------------------------


def beside(w, x, axes):
    """The weights in a shape that broadcasts to x."""
    return [v.reshape([n if i in axes else 1 for i, n in enumerate(x.shape)]) for v in w]


def by_averages(*axes, epsilon=1e-3):
    def reference(w, x):
        gamma, beta, mean, variance = beside(w, x, axes)
        return standard(x, mean, variance, epsilon, gamma, beta)

    return reference


def by_batch(*axes, epsilon=1e-3):
    def reference(w, x):
        gamma, beta, _, _ = beside(w, x, axes)
        over = others(x, axes)
        return standard(x, x.mean(over, keepdims=True), x.var(over, keepdims=True), epsilon, gamma, beta)

    return reference


def batch_row(shown, x, *axes, **options):
    epsilon = options.get("epsilon", 1e-3)
    case(f"BatchNormalization {shown}", lambda **k: L.BatchNormalization(**options, **k), x,
         reference=by_averages(*axes, epsilon=epsilon), training=by_batch(*axes, epsilon=epsilon))  # fmt: skip


batch_row("of vectors", floats(6, 3), 1)
batch_row("of sequences", floats(3, 4, 5), 2)
batch_row("of images", floats(2, 3, 4, 5), 3)
batch_row("of volumes", floats(2, 2, 3, 2, 3), 4)
batch_row("of images, channels first", floats(2, 5, 3, 4), 1, axis=1)
batch_row("of an inner axis", floats(3, 4, 2, 3), 2, axis=-2)
batch_row("of several axes", floats(4, 3, 5, 2), 1, 3, axis=[1, 3])
batch_row("with options", floats(6, 3), 1, momentum=0.6, epsilon=0.1, gamma_regularizer="l2",
          beta_constraint="max_norm")  # fmt: skip
batch_row("synchronized", floats(2, 3, 2, 3), 3, synchronized=True)
batch_row("not fused", floats(2, 3, 2, 3), 3, fused=False)
case("BatchNormalization without scale", lambda **k: L.BatchNormalization(scale=False, **k), floats(6, 3),
     reference=lambda w, x: standard(x, w[1], w[2], shift=w[0]),
     training=lambda w, x: standard(x, x.mean(0), x.var(0), shift=w[0]))  # fmt: skip
case("BatchNormalization without shift", lambda **k: L.BatchNormalization(center=False, **k), floats(3, 2, 2, 3),
     reference=lambda w, x: standard(x, w[1], w[2], scale=w[0]),
     training=lambda w, x: standard(x, x.mean((0, 1, 2)), x.var((0, 1, 2)), scale=w[0]))  # fmt: skip
case("SyncBatchNormalization", lambda **k: L.SyncBatchNormalization(**k), floats(6, 3),
     reference=by_averages(1), training=by_batch(1))  # fmt: skip

# Normalisation of each example ---------------------------------------------------------------------------------------


def layer_norm(*axes, epsilon=1e-3):
    def reference(w, x):
        sizes = [n if i in axes else 1 for i, n in enumerate(x.shape)]
        gamma, beta = (v.reshape(sizes) for v in w)
        return standard(x, x.mean(axes, keepdims=True), x.var(axes, keepdims=True), epsilon, gamma, beta)

    return reference


case("LayerNormalization", lambda **k: L.LayerNormalization(**k), floats(3, 5), reference=layer_norm(1))
case("LayerNormalization of sequences", lambda **k: L.LayerNormalization(epsilon=1e-6, **k), floats(2, 4, 5),
     reference=layer_norm(2, epsilon=1e-6))  # fmt: skip
case("LayerNormalization of two axes", lambda **k: L.LayerNormalization(axis=[1, 2], **k), floats(2, 4, 5),
     reference=layer_norm(1, 2))  # fmt: skip
case("LayerNormalization of axes apart", lambda **k: L.LayerNormalization(axis=(1, 3), **k), floats(2, 3, 2, 4),
     reference=layer_norm(1, 3))  # fmt: skip
case("LayerNormalization of an inner axis", lambda **k: L.LayerNormalization(axis=1, **k), floats(2, 4, 5),
     reference=layer_norm(1))  # fmt: skip
case("LayerNormalization without weights", lambda **k: L.LayerNormalization(center=False, scale=False, **k),
     floats(3, 5), reference=lambda w, x: standard(x, x.mean(1, keepdims=True), x.var(1, keepdims=True)))  # fmt: skip


def group_norm(groups, axis):
    def reference(w, x):
        y = np.moveaxis(x, axis, 1)
        z = y.reshape(len(x), groups, -1)
        z = standard(z, z.mean(2, keepdims=True), z.var(2, keepdims=True)).reshape(y.shape)
        return np.moveaxis(np.moveaxis(z, 1, -1) * w[0] + w[1], -1, axis)

    return reference


def group_row(shown, groups, axis, x, count=None):
    case(f"GroupNormalization {shown}", lambda **k: L.GroupNormalization(groups, axis=axis, **k), x,
         reference=group_norm(count or groups, axis))  # fmt: skip


group_row("of images", 2, -1, floats(2, 3, 2, 6))
group_row("of vectors", 3, -1, floats(3, 6))
group_row("in one group", 1, -1, floats(2, 3, 4))
group_row("of single channels", -1, -1, floats(2, 5, 4), 4)
group_row("channels first", 2, 1, floats(2, 4, 3, 2))
group_row("of an inner axis", 2, -2, floats(2, 3, 4, 2))

case("UnitNormalization", lambda **k: L.UnitNormalization(**k), floats(3, 5),
     reference=lambda w, x: x / np.linalg.norm(x, axis=1, keepdims=True))  # fmt: skip
case("UnitNormalization of two axes", lambda **k: L.UnitNormalization(axis=(1, 2), **k), floats(3, 5, 2),
     reference=lambda w, x: x / np.sqrt((x**2).sum((1, 2), keepdims=True)))  # fmt: skip


def spectral(w, x):
    """One iteration from u, then the dense layer with the kernel over the singular value found."""
    kernel, bias, u = w
    v = u @ kernel.T / np.linalg.norm(u @ kernel.T)
    u = v @ kernel / np.linalg.norm(v @ kernel)
    return x @ (kernel / (v @ kernel @ u.T)) + bias


case("SpectralNormalization", lambda **k: L.SpectralNormalization(L.Dense(3, dtype=k.get("dtype")), **k), floats(4, 5),
     reference=lambda w, x: x @ w[0] + w[1], training=spectral)  # fmt: skip
case("SpectralNormalization of Embedding",
     lambda **k: L.SpectralNormalization(L.Embedding(5, 3, dtype=k.get("dtype")), 3, **k), ints(4, 3, low=0, high=5),
     trains=True)  # fmt: skip

# Random layers: in inference mode they pass their inputs on ----------------------------------------------------------


def same(w, x):
    return x


def random_row(shown, make, x):
    case(shown, make, x, reference=same, random=True)


random_row("Dropout", lambda **k: L.Dropout(0.4, **k), floats(4, 5))
random_row("Dropout with a seed", lambda **k: L.Dropout(0.4, seed=3, **k), floats(4, 5))
random_row("Dropout of shared elements", lambda **k: L.Dropout(0.4, noise_shape=(None, 1, 5), **k), floats(4, 3, 5))
random_row("SpatialDropout1D", lambda **k: L.SpatialDropout1D(0.4, **k), floats(4, 3, 5))
random_row("SpatialDropout2D", lambda **k: L.SpatialDropout2D(0.4, **k), floats(4, 2, 3, 5))
random_row("SpatialDropout3D", lambda **k: L.SpatialDropout3D(0.4, seed=1, **k), floats(4, 2, 3, 1, 5))
random_row("GaussianNoise", lambda **k: L.GaussianNoise(0.4, **k), floats(4, 5))
random_row("GaussianNoise with a seed", lambda **k: L.GaussianNoise(0.4, seed=7, **k), floats(4, 5))
random_row("GaussianDropout", lambda **k: L.GaussianDropout(0.4, **k), floats(4, 5))
random_row("AlphaDropout", lambda **k: L.AlphaDropout(0.4, **k), floats(4, 5))
random_row("AlphaDropout of shared elements", lambda **k: L.AlphaDropout(0.4, (None, 1), **k), floats(4, 5))
case("ActivityRegularization", lambda **k: L.ActivityRegularization(l1=0.1, l2=0.2, **k), floats(4, 5), reference=same)
