"""Normalization, dropout, attention, merging and core layers: what the layer table cannot show."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import layers

Array = np.ndarray


def rng(seed: int = 11) -> np.random.Generator:
    return np.random.default_rng(seed)


def floats(*shape: int) -> Array:
    return rng().normal(size=shape).astype("float32")


def names(layer: Any) -> list[str]:
    return [v.name for v in layer.weights]


def test_no_module_hides_a_function() -> None:
    # Importing eager.keras.layers.dot would put the module in the place of the function tf.keras.layers.dot.
    known = {name for entries in layers._MODULES.values() for name in entries.split()}
    assert not known & {path.rpartition(".")[2] for path in layers._MODULES}


# Batch normalization -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(
    ("options", "shape", "unbiased"),
    [
        ({}, (6, 3), False), ({}, (2, 3, 4, 3), True), ({"axis": 1}, (2, 3, 4, 5), True),
        ({}, (2, 2, 3, 2, 3), True), ({"axis": 2}, (2, 3, 4, 5), False), ({"axis": [1, 3]}, (4, 3, 2, 5), False),
        ({"fused": False}, (2, 3, 4, 3), False), ({"synchronized": True}, (2, 3, 4, 3), False),
        ({"dtype": "float64"}, (2, 3, 4, 3), False), ({"dtype": "mixed_bfloat16"}, (2, 3, 4, 3), True),
    ],
)  # fmt: skip
def test_running_averages(options: dict[str, Any], shape: tuple[int, ...], unbiased: bool, traced: bool) -> None:
    layer = layers.BatchNormalization(momentum=0.75, **options)
    batches = [rng(i).normal(1.0, 2.0, shape).astype("float32") for i in range(3)]
    call = tf.function(lambda x: layer(x, training=True), strict=True) if traced else lambda x: layer(x, training=True)
    axes = [a % len(shape) for a in np.atleast_1d(options.get("axis", -1))]
    over = tuple(i for i in range(len(shape)) if i not in axes)
    mean, variance = 0.0, 1.0
    for x in batches:
        call(tf.constant(x))
        x = np.asarray(tf.cast(x, layer.compute_dtype)).astype(float)
        n = x.size / np.prod([shape[a] for a in axes])
        mean = 0.75 * mean + 0.25 * x.mean(over, keepdims=len(axes) > 1)
        variance = 0.75 * variance + 0.25 * x.var(over, keepdims=len(axes) > 1) * (n / (n - 1) if unbiased else 1)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-5)
    before = layer.moving_mean.numpy()
    layer(tf.constant(batches[0]), training=False)
    np.testing.assert_array_equal(layer.moving_mean, before)


def test_names_and_dtypes_of_batch_normalization() -> None:
    layer = layers.BatchNormalization(name="bn", dtype="float16")
    assert layer(tf.ones((2, 4), tf.float16)).dtype == tf.float16
    assert names(layer) == ["bn/gamma:0", "bn/beta:0", "bn/moving_mean:0", "bn/moving_variance:0"]
    assert all(v.dtype == tf.float32 for v in layer.weights)
    assert [v.name for v in layer.trainable_weights] == ["bn/gamma:0", "bn/beta:0"]
    assert layer.axis == [1]
    with pytest.raises(ValueError, match="expected axis 1 of input shape to have value 4"):
        layer(tf.ones((2, 5), tf.float16))


def test_a_batch_of_one_element_has_a_finite_variance() -> None:
    layer = layers.BatchNormalization(momentum=0.0)
    layer(tf.ones((1, 1, 1, 2)), training=True)
    np.testing.assert_array_equal(layer.moving_variance, [0.0, 0.0])


def test_frozen_batch_normalization_is_in_inference_mode() -> None:
    x, layer = tf.constant(floats(5, 3)), layers.BatchNormalization()
    layer.trainable = False
    np.testing.assert_allclose(layer(x, training=True), x / np.sqrt(1.001), rtol=1e-6)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
    layer.trainable = True
    assert abs(float(tf.reduce_mean(layer(x, training=True)))) < 1e-6


def test_training_may_be_a_tensor() -> None:
    layer = layers.BatchNormalization(momentum=0.5)
    step = tf.function(lambda x, training: layer(x, training=training), strict=True)
    x = floats(5, 3)
    np.testing.assert_allclose(step(tf.constant(x), tf.constant(False)), x / np.sqrt(1.001), rtol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
    got = step(tf.constant(x), tf.constant(True))
    np.testing.assert_allclose(got, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.moving_mean, x.mean(0) / 2, rtol=1e-5)


def test_masked_elements_do_not_count() -> None:
    x, mask = floats(4, 5, 3), rng().integers(0, 2, (4, 5)).astype(bool)
    layer = layers.BatchNormalization(momentum=0.0)
    y = layer(tf.constant(x), training=True, mask=tf.constant(mask))
    seen = x[mask]
    np.testing.assert_allclose(layer.moving_mean, seen.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, seen.var(0), rtol=1e-5)
    np.testing.assert_allclose(y, (x - seen.mean(0)) / np.sqrt(seen.var(0) + 1e-3), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(y._keras_mask, mask)
    group = layers.GroupNormalization(1)
    z = group(tf.constant(x), mask=tf.constant(np.tile([True, True, False, True, False], (4, 1))))
    kept = x[:, [0, 1, 3]].reshape(4, -1)
    expected = (x - kept.mean(1)[:, None, None]) / np.sqrt(kept.var(1)[:, None, None] + 1e-3)
    np.testing.assert_allclose(z, expected, rtol=1e-4, atol=1e-5)


def test_running_averages_move_inside_the_native_step() -> None:
    layer = layers.BatchNormalization(momentum=0.9)
    step = tf.function(lambda x: layer(x, training=True), strict=True)
    step(tf.constant(floats(4, 3)))
    step(tf.constant(floats(7, 3)))
    x = floats(9, 3)
    mean = layer.moving_mean.numpy()
    step(tf.constant(x))
    np.testing.assert_allclose(layer.moving_mean, 0.9 * mean + 0.1 * x.mean(0), rtol=1e-5, atol=1e-7)
    compiled = step.concrete_functions[-1].function.compiled
    assert compiled.host_calls == []
    assert len(step.concrete_functions) <= 2


@pytest.mark.parametrize(
    ("options", "shape", "error", "message"),
    [
        ({"axis": 4}, (2, 3), ValueError, "Expected 0 <= axis < inputs.rank"),
        ({"axis": [1, -1]}, (2, 3), ValueError, "Duplicate axis"),
        ({"axis": "a"}, (2, 3), TypeError, "int or a list/tuple of ints"),
        ({"fused": True}, (2, 3), ValueError, "`fused=True`"),
        ({"fused": True, "synchronized": True}, (2, 3), ValueError, "`fused=True`"),
        ({"virtual_batch_size": 2}, (2, 3), NotImplementedError, "GroupNormalization"),
        ({"renorm": True}, (2, 3), NotImplementedError, "`renorm` is not supported"),
        ({"foo": 1}, (2, 3), TypeError, "foo"),
        ({}, (2, None), ValueError, "unknown size"),
    ],
)
def test_bad_batch_normalization(options: Any, shape: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        layers.BatchNormalization(**options).build(shape)


def test_bad_groups() -> None:
    for groups, message in ((8, "cannot be more than"), (3, "evenly")):
        with pytest.raises(ValueError, match=message):
            layers.GroupNormalization(groups).build((2, 4))
    with pytest.raises(TypeError, match="one axis"):
        layers.GroupNormalization(2, axis=[1])


def test_layer_normalization_keeps_digits_beside_a_large_mean() -> None:
    x = (floats(3, 64) + 3000).astype("float32")
    wide = x.astype(float)
    expected = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(layers.LayerNormalization()(x), expected, atol=5e-4)


# Spectral normalization ----------------------------------------------------------------------------------------------


def test_spectral_normalization_finds_the_singular_value() -> None:
    inner = layers.Dense(4, use_bias=False)
    layer = layers.SpectralNormalization(inner, power_iterations=30, name="sn")
    x = tf.constant(floats(5, 6))
    layer(x)
    assert names(layer) == ["sn/kernel:0", "sn/vector_u:0"]
    kernel = rng(2).normal(size=(6, 4)).astype("float32")
    inner.kernel.assign(kernel)
    layer(x, training=False)
    np.testing.assert_array_equal(inner.kernel, kernel)
    layer(x, training=True)
    np.testing.assert_allclose(inner.kernel, kernel / np.linalg.svd(kernel)[1][0], rtol=1e-4, atol=1e-6)
    inner.kernel.assign(np.zeros((6, 4)))
    layer.normalize_weights()
    np.testing.assert_array_equal(inner.kernel, np.zeros((6, 4)))


def test_bad_spectral_normalization() -> None:
    with pytest.raises(ValueError, match="'kernel' nor 'embeddings'"):
        layers.SpectralNormalization(layers.ReLU())(tf.ones((2, 3)))
    with pytest.raises(ValueError, match="greater than zero"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)
    with pytest.raises(ValueError, match="not a supported layer type"):
        layers.SpectralNormalization(3)


# Random layers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("seed", [None, 5])
def test_dropout_statistics(seed: int | None, traced: bool) -> None:
    tf.random.set_seed(3)
    layer, x = layers.Dropout(0.3, seed=seed), tf.ones((200, 100))
    call = tf.function(lambda x: layer(x, training=True), strict=True) if traced else lambda x: layer(x, training=True)
    first, second = call(x).numpy(), call(x).numpy()
    assert set(np.unique(first)) == {np.float32(0.0), np.float32(1 / 0.7)}
    assert abs((first == 0).mean() - 0.3) < 5 * np.sqrt(0.21 / first.size)
    assert not np.array_equal(first, second)


def test_seeded_layers_have_a_stream_of_their_own() -> None:
    x = tf.ones((20, 10))
    for make in (lambda: layers.Dropout(0.5, seed=1), lambda: layers.GaussianNoise(1.0, seed=1)):
        one, other = make(), make()
        np.testing.assert_array_equal(one(x, training=True), other(x, training=True))
        np.testing.assert_array_equal(one(x, training=True), other(x, training=True))


def test_dropout_shares_elements() -> None:
    for layer, x, same in (
        (layers.SpatialDropout1D(0.5), tf.ones((40, 5, 3)), 1),
        (layers.SpatialDropout2D(0.5), tf.ones((40, 2, 3, 3)), (1, 2)),
        (layers.SpatialDropout2D(0.5, data_format="channels_first"), tf.ones((40, 3, 2, 3)), (2, 3)),
        (layers.SpatialDropout3D(0.5), tf.ones((40, 2, 2, 2, 3)), (1, 2, 3)),
        (layers.Dropout(0.5, noise_shape=(None, 1)), tf.ones((40, 5)), 1),
    ):
        y = layer(x, training=True).numpy()
        np.testing.assert_array_equal(y, np.broadcast_to(y.mean(same, keepdims=True), y.shape))
        assert 0.2 < (y == 0).mean() < 0.8
        assert not np.all(y == y[:1])


def test_noise_statistics() -> None:
    tf.random.set_seed(4)
    x = tf.random.normal((300, 200))
    added = (layers.GaussianNoise(0.5)(x, training=True) - x).numpy()
    assert (added.mean(), added.std()) == (pytest.approx(0, abs=0.01), pytest.approx(0.5, rel=0.02))
    factors = layers.GaussianDropout(0.2)(tf.ones((300, 200)), training=True).numpy()
    assert (factors.mean(), factors.std()) == (pytest.approx(1, abs=0.01), pytest.approx(0.5, rel=0.02))
    kept = layers.AlphaDropout(0.3)(x, training=True).numpy()
    assert (kept.mean(), kept.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, rel=0.02))
    values, counts = np.unique(kept, return_counts=True)
    assert counts.max() / kept.size == pytest.approx(0.3, abs=0.01)
    # The floor -1.7580993 of selu, scaled and shifted back to mean 0 and variance 1.
    scale = 1 / np.sqrt(0.7 * (1 + 0.3 * 1.7580993408473766**2))
    assert values[counts.argmax()] == pytest.approx(scale * (-1.7580993408473766 + 1.7580993408473766 * 0.3), rel=1e-5)


def test_edges_of_rates() -> None:
    x = tf.constant(floats(3, 4))
    np.testing.assert_array_equal(layers.Dropout(0)(x, training=True), x)
    np.testing.assert_array_equal(layers.Dropout(1)(x, training=True), np.zeros((3, 4)))
    np.testing.assert_array_equal(layers.AlphaDropout(0.0)(x, training=True), x)
    for kind in (layers.Dropout, layers.SpatialDropout1D, layers.GaussianDropout, layers.AlphaDropout):
        with pytest.raises(ValueError, match="between 0 and 1"):
            kind(1.5)
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        layers.SpatialDropout1D(0.5)(x)
    with pytest.raises(ValueError, match="data_format"):
        layers.SpatialDropout2D(0.5, data_format="last")


def test_activity_regularization_is_a_mean_over_the_batch() -> None:
    layer, x = layers.ActivityRegularization(l1=0.1, l2=0.2), floats(4, 3)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_allclose(layer.losses, [(0.1 * np.abs(x).sum() + 0.2 * (x**2).sum()) / 4], rtol=1e-6)


# Attention -----------------------------------------------------------------------------------------------------------


def test_names_of_attention_weights() -> None:
    layer = layers.MultiHeadAttention(2, 3, name="mha")
    layer(tf.ones((1, 4, 5)), tf.ones((1, 6, 7)))
    parts = [f"{part}/{w}:0" for part in ("query", "key", "value", "attention_output") for w in ("kernel", "bias")]
    assert names(layer) == [f"mha/{part}" for part in parts]
    shapes = [(5, 2, 3), (2, 3), (7, 2, 3), (2, 3), (7, 2, 3), (2, 3), (2, 3, 5), (5,)]
    assert [v.shape for v in layer.weights] == shapes
    layer = layers.Attention(use_scale=True, score_mode="concat", name="at")
    layer([tf.ones((1, 4, 5)), tf.ones((1, 6, 5))])
    assert names(layer) == ["at/scale:0", "at/concat_score_weight:0"]


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_masks_of_inputs_reach_the_scores(dtype: str) -> None:
    query, value = np.array([[1, 2, 0], [3, 0, 0]]), np.array([[1, 0, 2, 0], [4, 4, 4, 0]])
    embed = layers.Embedding(5, 6, mask_zero=True)
    layer = layers.MultiHeadAttention(2, 3, dtype=dtype)
    q, v = embed(query), embed(value)
    got, scores = layer(q, v, return_attention_scores=True)
    seen = (query != 0)[:, :, None] & (value != 0)[:, None, :]
    wanted, known = layer(
        tf.identity(q), tf.identity(v), attention_mask=tf.constant(seen), return_attention_scores=True
    )
    np.testing.assert_array_equal(scores, known)
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(got._keras_mask, query != 0)
    assert np.asarray(tf.cast(scores, "float32"))[0, :, 0, 1].max() < 1e-6
    model_in = [tf.keras.Input((None,), dtype="int32"), tf.keras.Input((None,), dtype="int32")]
    model = tf.keras.Model(model_in, layer(embed(model_in[0]), embed(model_in[1])))
    np.testing.assert_allclose(
        model.predict_on_batch([query, value]).astype(float), np.asarray(tf.cast(got, "float32")), rtol=2e-2, atol=1e-3
    )


def test_scores_sum_to_one_and_are_causal() -> None:
    layer = layers.MultiHeadAttention(3, 2)
    x = tf.constant(floats(2, 5, 4))
    scores = layer(x, x, use_causal_mask=True, return_attention_scores=True)[1].numpy()
    np.testing.assert_allclose(scores.sum(-1), np.ones((2, 3, 5)), rtol=1e-5)
    assert scores[..., np.triu_indices(5, 1)[0], np.triu_indices(5, 1)[1]].max() < 1e-8
    assert layer.compute_output_shape((2, 5, 4), (2, 7, 3)) == (2, 5, 4)
    with pytest.raises(ValueError, match="must be equal"):
        layer.compute_output_shape((2, 5, 4), (2, 7, 3), (2, 6, 3))


def test_gradients_of_values_keep_their_rows_together() -> None:
    # The gradient is contracted to (batch, heads, keys, size): no copy that gathers single elements follows.
    def loss(weights: Any, values: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = tf.reduce_sum(tf.einsum("bhts,bshd->bthd", weights, values) ** 2)
        return tape.gradient(total, values)

    step = tf.function(loss, strict=True)
    weights, values = floats(2, 3, 4, 5), rng(2).normal(size=(2, 5, 3, 7)).astype("float32")
    got = step(tf.constant(weights), tf.constant(values))
    outputs = np.einsum("bhts,bshd->bthd", weights, values)
    np.testing.assert_allclose(got, 2 * np.einsum("bhts,bthd->bshd", weights, outputs), rtol=1e-4, atol=1e-5)
    nodes = step.concrete_functions[0].function.graph.nodes
    products = [n.results[0].type.shape for n in nodes if n.op.name == "dot_general"]
    assert products[-1] == (2, 3, 5, 7)


def test_attention_drops_scores_in_training_only() -> None:
    x = tf.constant(floats(2, 5, 4))
    for layer, call in (
        (layers.MultiHeadAttention(1, 2, dropout=0.5), lambda la, t: la(x, x, training=t)),
        (layers.Attention(dropout=0.5), lambda la, t: la([x, x], training=t)),
    ):
        np.testing.assert_array_equal(call(layer, False), call(layer, False))
        assert not np.array_equal(call(layer, True), call(layer, True))


def test_restored_attention_has_its_inner_layers() -> None:
    layer = layers.MultiHeadAttention(2, 3, output_shape=4)
    x = tf.constant(floats(2, 5, 4))
    layer(x, x)
    config = layer.get_config()
    assert config["query_shape"] == [2, 5, 4]
    again = layers.MultiHeadAttention.from_config(config)
    assert again._query_dense.name == "query"
    again(x, x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x, x), layer(x, x))
    with pytest.raises(ValueError, match="should be positive"):
        layers.MultiHeadAttention(0, 3)


def test_masks_of_attention() -> None:
    q, v = floats(2, 3, 4), rng(3).normal(size=(2, 5, 4)).astype("float32")
    query_mask, value_mask = np.array([[1, 1, 0], [1, 0, 0]], bool), np.array([[1, 0, 1, 0, 1], [1, 1, 0, 0, 0]], bool)
    masks = [tf.constant(query_mask), tf.constant(value_mask)]
    layer = layers.Attention()
    y = layer([tf.constant(q), tf.constant(v)], mask=masks)
    scores = np.where(value_mask[:, None], q @ v.swapaxes(1, 2), -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    np.testing.assert_allclose(y, (weights @ v) * query_mask[..., None], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(y._keras_mask, query_mask)


@pytest.mark.parametrize("kind", ["Attention", "AdditiveAttention"])
def test_bad_attention(kind: str) -> None:
    x, make = tf.ones((2, 3, 4)), getattr(layers, kind)
    for inputs, message in ((x, "must be called on a list"), ([x], "length 2 or 3"), ([x] * 4, "length 2 or 3")):
        with pytest.raises(ValueError, match=message):
            make()(inputs)
    with pytest.raises(ValueError, match="mask must be a list"):
        make()([x, x], mask=tf.ones((2, 3), tf.bool))
    with pytest.raises(ValueError, match="Received length: 1"):
        make()([x, x], mask=[tf.ones((2, 3), tf.bool)])
    with pytest.raises(ValueError, match="score_mode"):
        layers.Attention(score_mode="product")


@pytest.mark.parametrize(
    ("equation", "shape", "bias", "message"),
    [
        ("abbc", 4, None, "Invalid einsum equation"),
        ("ab,bc->cd", 4, None, "Dimension 'd' was specified in the output|one size for each"),
        ("ab,cd->ad", 4, None, "Weight dimension 'c' did not have a match"),
        ("ab,bc->ac", 4, "e", "Bias dimension 'e' was requested"),
        ("abc,cd->abd", (5, 4), None, "do not have rank|shared dimension"),
        ("ab,bc->ac", (5, 4), None, "one size for each of the labels"),
        ("...b,bc->ac", 4, None, "Invalid einsum|in both"),
    ],
)
def test_bad_einsum_dense(equation: str, shape: Any, bias: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layers.EinsumDense(equation, shape, bias_axes=bias)(tf.ones((2, 3)))


# Core ----------------------------------------------------------------------------------------------------------------


def test_masks_that_layers_make() -> None:
    ids = np.array([[1, 0, 2], [0, 0, 3]])
    layer = layers.Embedding(4, 2, mask_zero=True)
    np.testing.assert_array_equal(layer(ids)._keras_mask, ids != 0)
    assert getattr(layers.Embedding(4, 2)(ids), "_keras_mask", None) is None
    steps = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [5.0, 1.0]]], "float32")
    masked = layers.Masking()(steps)
    np.testing.assert_array_equal(masked._keras_mask, [[True, False], [False, True]])
    np.testing.assert_array_equal(layers.ReLU()(masked)._keras_mask, masked._keras_mask)


def test_embedding_lengths_and_range() -> None:
    layer = layers.Embedding(4, 2, input_length=3)
    assert layer.compute_output_shape((5, None)) == (5, 3, 2)
    with pytest.raises(ValueError, match='"input_length" is 3'):
        layer.compute_output_shape((5, 4))
    assert layers.Embedding(4, 2, input_length=(3, 5)).compute_output_shape((None, 3, None)) == (None, 3, 5, 2)
    with pytest.raises(ValueError, match="should be positive"):
        layers.Embedding(0, 2)
    with pytest.raises(tf.errors.InvalidArgumentError):
        layers.Embedding(4, 2)(np.array([[4]]))


def test_masks_of_merged_inputs() -> None:
    a, b = tf.constant(floats(2, 3, 2)), tf.constant(floats(2, 3, 2))
    first, second = np.array([[1, 1, 0], [1, 0, 0]], bool), np.array([[1, 0, 0], [1, 1, 0]], bool)
    a._keras_mask, b._keras_mask = tf.constant(first), tf.constant(second)
    tf.keras.layers.Masking()(tf.ones((1, 1, 1)))
    np.testing.assert_array_equal(layers.Add()([a, b])._keras_mask, first & second)
    np.testing.assert_array_equal(layers.Concatenate()([a, b])._keras_mask, first & second)
    joined = layers.Concatenate(axis=1)([a, b])._keras_mask
    np.testing.assert_array_equal(joined, np.concatenate([first, second], 1))
    plain = tf.constant(floats(2, 3, 2))
    np.testing.assert_array_equal(layers.Maximum()([a, plain])._keras_mask, first)
    joined = layers.Concatenate(axis=1)([a, plain])._keras_mask
    np.testing.assert_array_equal(joined, np.concatenate([first, np.ones((2, 3), bool)], 1))


def test_functional_forms_of_merging() -> None:
    a, b = floats(2, 3), rng(4).normal(size=(2, 3)).astype("float32")
    for name, expected in (
        ("add", a + b), ("subtract", a - b), ("multiply", a * b), ("average", (a + b) / 2),
        ("maximum", np.maximum(a, b)), ("minimum", np.minimum(a, b)), ("concatenate", np.concatenate([a, b], 1)),
    ):  # fmt: skip
        np.testing.assert_allclose(getattr(layers, name)([a, b]), expected, rtol=1e-6)
    np.testing.assert_allclose(layers.dot([a, b], axes=1), (a * b).sum(1, keepdims=True), rtol=1e-5)
    x, y = tf.keras.Input((3,)), tf.keras.Input((3,))
    model = tf.keras.Model([x, y], layers.dot([x, layers.add([x, y])], axes=-1, normalize=True))
    unit = (a / np.linalg.norm(a, axis=1, keepdims=True) * (a + b)).sum(1) / np.linalg.norm(a + b, axis=1)
    np.testing.assert_allclose(model([a, b])[:, 0], unit, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "shapes", "error", "message"),
    [
        (layers.Add, (2, 3), ValueError, "list of at least 1 input"),
        (layers.Add, [], ValueError, "list of at least 1 input"),
        (layers.Add, [(2, 3), (2, 4)], ValueError, "incompatible shapes"),
        (layers.Add, [(2, 3), (3, 3)], ValueError, "different batch sizes"),
        (layers.Subtract, [(2, 3)] * 3, ValueError, "exactly 2 inputs"),
        (layers.Concatenate, [(2, 3, 4), (2, 2, 4)], ValueError, "matching shapes except"),
        (lambda: layers.Concatenate(5), [(2, 3), (2, 3)], ValueError, "out of range"),
        (lambda: layers.Dot(1), [(2, 3), (2, 4)], ValueError, "Incompatible input shapes"),
        (lambda: layers.Dot(1), [(2, 3)] * 3, ValueError, "list of 2 inputs"),
        (lambda: layers.Dot(0), [(2, 3)] * 2, ValueError, "axis 0 is the batch"),
        (lambda: layers.Dot("a"), [], TypeError, "list or an int"),
        (lambda: layers.Dot((1, 1, 1)), [], ValueError, "two elements"),
        (lambda: layers.Dot((1, 1.0)), [], ValueError, "should be integers"),
    ],
)
def test_bad_merging(make: Any, shapes: Any, error: type[Exception], message: str) -> None:
    inputs = [tf.ones(s) for s in shapes] if isinstance(shapes, list) else tf.ones(shapes)
    with pytest.raises(error, match=message):
        make()(inputs)


def test_softmax_leaves_masked_elements_out() -> None:
    x, mask = floats(2, 4), np.array([[1, 0, 1, 1], [0, 1, 1, 0]], bool)
    e = np.exp(x) * mask
    np.testing.assert_allclose(layers.Softmax()(x, mask=tf.constant(mask)), e / e.sum(1, keepdims=True), rtol=1e-5)
    both = layers.Softmax(axis=[0, 1])(x, mask=tf.constant(mask))
    np.testing.assert_allclose(both, e / e.sum(), rtol=1e-5, atol=1e-12)


def test_bad_activation_layers() -> None:
    for make in (
        lambda: layers.ReLU(max_value=-1.0), lambda: layers.ReLU(negative_slope=None), lambda: layers.LeakyReLU(None),
        lambda: layers.ELU(None), lambda: layers.ThresholdedReLU(None), lambda: layers.ThresholdedReLU(-1.0),
        lambda: layers.PReLU(shared_axes=[5])(tf.ones((2, 3))),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"cannot be|should be >=0|out of range"):
            make()
    layer = layers.PReLU(shared_axes=[1, 2], name="p")
    layer(tf.ones((2, 3, 5, 4)))
    assert (names(layer), layer.alpha.shape) == (["p/alpha:0"], (1, 1, 4))


def test_lambda_layers() -> None:
    layer = layers.Lambda(lambda x, training=None: x * (2.0 if training else 1.0))
    np.testing.assert_array_equal(layer(tf.ones((2, 3)), training=True), 2 * np.ones((2, 3)))
    np.testing.assert_array_equal(layer(tf.ones((2, 3))), np.ones((2, 3)))
    with pytest.raises(ValueError, match="whose code is not saved"):
        layer.get_config()
    saved = {"name": "l", "function": ["4wEAAAA=", None, None], "function_type": "lambda"}
    with pytest.raises(ValueError, match="not run"):
        layers.Lambda.from_config(saved)
    assert layers.Lambda(lambda x: x[:, 0], output_shape=(4,)).compute_output_shape((None, 3, 4)) == (None, 4)
    assert layers.Lambda(lambda x: x[:, 0]).compute_output_shape((None, 3, 4)) == (None, 4)
    masking = layers.Lambda(lambda x: x, mask=lambda x, mask: tf.not_equal(x[..., 0], 0.0))
    np.testing.assert_array_equal(masking(tf.constant([[[1.0], [0.0]]]))._keras_mask, [[True, False]])


def test_bad_dense() -> None:
    for units in (0, -1):
        with pytest.raises(ValueError, match="positive integer"):
            layers.Dense(units)
    with pytest.raises(TypeError, match="floating-point dtype"):
        layers.Dense(2, dtype="int32")(tf.ones((2, 3)))
    with pytest.raises(ValueError, match="min_ndim=2"):
        layers.Dense(2)(tf.ones(3))
